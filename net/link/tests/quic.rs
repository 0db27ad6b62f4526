//! QUIC works over a bad network, and the network is as bad as asked for.
#![expect(clippy::unwrap_used, reason = "a panic in a test is its failure")]

use std::{
    net::{Ipv4Addr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use quinn::{
    ClientConfig, Connection, Endpoint, EndpointConfig, Runtime, ServerConfig, TokioRuntime,
    TransportConfig,
};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tiltyard_link::{LinkedSocket, Profile, endpoint};
use tokio::time::timeout;

/// Far more than a test needs; only a test that hangs gets there.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a good network, and what a client needs to trust it.
fn server() -> (Endpoint, ClientConfig) {
    let (server, client) = configs();
    let server = Endpoint::server(server, (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    (server, client)
}

fn configs() -> (ServerConfig, ClientConfig) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.into();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut server = ServerConfig::with_single_cert(vec![certificate.clone()], key.into()).unwrap();
    server.transport_config(transport());

    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let mut client = ClientConfig::with_root_certificates(Arc::new(roots)).unwrap();
    client.transport_config(transport());
    (server, client)
}

/// An endpoint on a bad network whose counters can be read.
fn counted(server: Option<ServerConfig>, profile: &str) -> (Endpoint, Arc<LinkedSocket>) {
    let socket = TokioRuntime.wrap_udp_socket(bind()).unwrap();
    let socket = Arc::new(LinkedSocket::new(socket, &profile.parse().unwrap()));
    let endpoint = Endpoint::new_with_abstract_socket(
        EndpointConfig::default(),
        server,
        socket.clone(),
        Arc::new(TokioRuntime),
    );
    (endpoint.unwrap(), socket)
}

fn transport() -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    // Lost handshakes are repeated after what a game would wait, not after a second.
    transport.initial_rtt(Duration::from_millis(100));
    transport.max_idle_timeout(Some(PATIENCE.try_into().unwrap()));
    // Room for one, so that a datagram that was taken has been sent when the next one is.
    transport.datagram_send_buffer_size(1_200);
    Arc::new(transport)
}

fn bind() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

async fn connect(client: &Endpoint, config: ClientConfig, server: &Endpoint) -> [Connection; 2] {
    let address = server.local_addr().unwrap();
    let connecting = client.connect_with(config, address, "localhost").unwrap();
    let accepted = async { server.accept().await.unwrap().await.unwrap() };
    let (ours, theirs) = timeout(PATIENCE, async { tokio::join!(connecting, accepted) })
        .await
        .unwrap();
    [ours.unwrap(), theirs]
}

#[tokio::test]
async fn messages_arrive_in_order_exactly_once_in_spite_of_losses() {
    let profile: Profile = "delay=30ms,jitter=5ms,loss=5%,reorder=1%,duplicate=1%,seed=7"
        .parse()
        .unwrap();
    let (server, config) = server();
    let client = endpoint(EndpointConfig::default(), None, bind(), &profile).unwrap();
    let [ours, theirs] = connect(&client, config, &server).await;

    let writes = async {
        let mut stream = ours.open_uni().await.unwrap();
        for number in 0..1_000_u32 {
            let mut message = [0; 100];
            message[..4].copy_from_slice(&number.to_be_bytes());
            stream.write_all(&message).await.unwrap();
        }
        stream.finish().unwrap();
    };
    let reads = async {
        let mut stream = theirs.accept_uni().await.unwrap();
        stream.read_to_end(1_000_000).await.unwrap()
    };
    let ((), bytes) = timeout(PATIENCE, async { tokio::join!(writes, reads) })
        .await
        .unwrap();

    let numbers = bytes
        .chunks(100)
        .map(|message| u32::from_be_bytes(message[..4].try_into().unwrap()));
    assert!(numbers.eq(0..1_000));
    let rtt = ours.rtt();
    assert!(rtt >= Duration::from_millis(60), "both ways wait: {rtt:?}");
}

#[tokio::test]
async fn datagrams_arrive_in_the_expected_share() {
    let (server, config) = server();
    let (client, socket) = counted(None, "delay=1ms,loss=10%,seed=7");
    let [ours, theirs] = connect(&client, config, &server).await;

    let sends = async {
        // More than half a packet each, so that every one has a packet of its own.
        for _ in 0..1_000 {
            ours.send_datagram_wait(vec![7; 900].into()).await.unwrap();
        }
        // Streams are repaired: this arrives after, and says that there are no more.
        let mut stream = ours.open_uni().await.unwrap();
        stream.finish().unwrap();
        assert_eq!(stream.stopped().await.unwrap(), None);
    };
    let receives = async {
        let mut arrived = 0;
        loop {
            tokio::select! {
                biased;
                datagram = theirs.read_datagram() => {
                    assert_eq!(datagram.unwrap().len(), 900);
                    arrived += 1;
                }
                stream = theirs.accept_uni() => {
                    stream.unwrap().read_to_end(0).await.unwrap();
                    return arrived;
                }
            }
        }
    };
    let ((), arrived) = timeout(PATIENCE, async { tokio::join!(sends, receives) })
        .await
        .unwrap();
    // Which packets carry datagrams depends on timing, so the bounds are four standard deviations.
    assert!((862..=938).contains(&arrived), "{arrived} of 1,000");
    let counters = socket.counters();
    assert!(counters.sent.sent > 1_000 && counters.sent.lost > 0);
    assert_eq!((counters.overflowed, counters.failed), (0, 0));
}

#[tokio::test]
async fn handshakes_complete_at_ten_percent_loss() {
    let (server, config) = server();
    for seed in 0..8 {
        let profile = Profile {
            seed,
            ..("delay=5ms,loss=10%".parse().unwrap())
        };
        let client = endpoint(EndpointConfig::default(), None, bind(), &profile).unwrap();
        connect(&client, config.clone(), &server).await;
    }
}

#[tokio::test]
async fn server_on_a_bad_network_serves_several_clients_and_leaves_nothing() {
    let (server, config) = configs();
    let (server, socket) = counted(Some(server), "delay=5ms,loss=10%,seed=3");
    for _ in 0..3 {
        let client = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let [ours, theirs] = connect(&client, config.clone(), &server).await;
        let mut stream = ours.open_uni().await.unwrap();
        stream.write_all(b"steer").await.unwrap();
        stream.finish().unwrap();
        let read = async {
            let mut stream = theirs.accept_uni().await.unwrap();
            stream.read_to_end(5).await.unwrap()
        };
        assert_eq!(timeout(PATIENCE, read).await.unwrap(), b"steer");
    }

    server.close(0_u8.into(), b"");
    timeout(PATIENCE, server.wait_idle()).await.unwrap();
    drop(server);
    // The endpoint lets go of the socket when its own task has ended.
    let let_go = async {
        while Arc::strong_count(&socket) > 1 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, let_go).await.unwrap();
}
