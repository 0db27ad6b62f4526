//! TCP connections work through the relay, and end as they would without it.
#![expect(clippy::unwrap_used, reason = "a panic in a test is its failure")]

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tiltyard_link::drive_relay;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// Far more than a test needs; only a test that hangs gets there.
const PATIENCE: Duration = Duration::from_secs(60);

/// A relay to a target that the test plays.
struct Stage {
    target: TcpListener,
    relay: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Stage {
    async fn with(profile: &str) -> Self {
        let target = listen().await;
        Self::to(target.local_addr().unwrap(), target, profile).await
    }

    async fn to(address: SocketAddr, target: TcpListener, profile: &str) -> Self {
        let listener = listen().await;
        let relay = listener.local_addr().unwrap();
        let profile = profile.parse().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async { stopped.await.unwrap() };
            drive_relay(listener, address, &profile, stopped).await
        });
        Self {
            target,
            relay,
            stop,
            task,
        }
    }

    /// A client and the connection that the target accepts for it.
    async fn connect(&self) -> [TcpStream; 2] {
        let connected = async {
            let client = TcpStream::connect(self.relay).await.unwrap();
            let (accepted, _) = self.target.accept().await.unwrap();
            [client, accepted]
        };
        timeout(PATIENCE, connected).await.unwrap()
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

async fn read_to_end(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .unwrap()?;
    Ok(bytes)
}

#[tokio::test]
async fn bytes_arrive_complete_and_in_order_both_ways_in_spite_of_losses() {
    let stage = Stage::with("delay=2ms,jitter=1ms,loss=10%,seed=7").await;
    let [client, target] = stage.connect().await;
    let up: Vec<u8> = (0..=250).cycle().take(400_000).collect();
    let down: Vec<u8> = up.iter().rev().copied().collect();

    let play = async |stream: TcpStream, says: &[u8]| {
        let (mut reader, mut writer) = stream.into_split();
        let writes = async {
            writer.write_all(says).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let mut heard = Vec::new();
        let ((), read) = tokio::join!(writes, reader.read_to_end(&mut heard));
        read.unwrap();
        heard
    };
    let both = async { tokio::join!(play(client, &up), play(target, &down)) };
    let (heard_by_client, heard_by_target) = timeout(PATIENCE, both).await.unwrap();
    assert!(heard_by_client == down);
    assert!(heard_by_target == up);
    stage.stop().await;
}

#[tokio::test]
async fn end_of_one_direction_leaves_the_other_open() {
    let stage = Stage::with("delay=5ms").await;
    let [mut client, mut target] = stage.connect().await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut target).await.unwrap(), b"question");
    target.write_all(b"answer").await.unwrap();
    drop(target);
    assert_eq!(read_to_end(&mut client).await.unwrap(), b"answer");
    stage.stop().await;
}

#[tokio::test]
async fn reset_passes_through() {
    let stage = Stage::with("delay=5ms").await;
    let [mut client, target] = stage.connect().await;
    target.set_zero_linger().unwrap();
    drop(target);
    let error = read_to_end(&mut client).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    stage.stop().await;
}

#[tokio::test]
async fn target_that_refuses_resets_the_client() {
    let gone = listen().await;
    let address = gone.local_addr().unwrap();
    drop(gone);
    let stage = Stage::to(address, listen().await, "delay=5ms").await;
    let mut client = TcpStream::connect(stage.relay).await.unwrap();
    let error = read_to_end(&mut client).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    stage.stop().await;
}

#[tokio::test]
async fn stopped_relay_resets_its_connections_and_leaves_no_task() {
    let alive = || Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let stage = Stage::with("delay=5s").await;
    let mut streams = Vec::new();
    for _ in 0..4 {
        let [mut client, target] = stage.connect().await;
        client.write_all(b"under way").await.unwrap();
        streams.extend([client, target]);
    }
    assert_eq!(alive(), before + 5, "the relay and four connections");
    stage.stop().await;
    assert_eq!(alive(), before);
    for mut stream in streams {
        let error = read_to_end(&mut stream).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn task_of_a_connection_ends_with_it() {
    let alive = || Handle::current().metrics().num_alive_tasks();
    let stage = Stage::with("delay=1ms").await;
    let before = alive();
    let [mut client, mut target] = stage.connect().await;
    client.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut target).await.unwrap(), b"");
    target.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut client).await.unwrap(), b"");
    let ended = async {
        while alive() > before {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, ended).await.unwrap();
    stage.stop().await;
}
