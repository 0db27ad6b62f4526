//! Over TLS: whom a client believes.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, ServerConnection, Stream, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tiltyard_client::{Account, Client, Event, FailReason, Options};

/// How long a test waits for what must come. Generous, because machines are shared.
const PATIENCE: Duration = Duration::from_secs(30);

/// An authority of our own, in PEM, and the certificate and key of a server at `localhost`.
fn certificates() -> (String, CertificateDer<'static>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    (authority.pem(), certificate.into(), key)
}

/// Logs in whoever asks first: its port, and whether that one was content with the certificate.
fn serve(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> (u16, JoinHandle<bool>) {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        let mut tls = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = Stream::new(&mut tls, &mut tcp);
        if stream.read(&mut [0; 4096]).is_err() {
            return false;
        }
        let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"uid":"u","usn":"ann","exp":9999}"#);
        let body = format!(r#"{{"token":"e30.{claims}.c2ln"}}"#);
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).unwrap();
        stream.conn.send_close_notify();
        stream.flush().is_ok()
    });
    (port, served)
}

fn login(options: Options) -> Event {
    let mut client = Client::new(options).unwrap();
    client.authenticate(Account::device("a-device")).unwrap();
    client.wait(PATIENCE).unwrap()
}

#[test]
fn an_authority_that_the_game_names_is_believed() {
    let (authority, certificate, key) = certificates();
    let (port, served) = serve(certificate, key);
    let options = Options::new(&format!("https://localhost:{port}")).unwrap();
    let event = login(options.trust_pem(authority.as_bytes()).unwrap());
    assert!(
        matches!(&event, Event::Authenticated { session, .. } if session.username() == "ann"),
        "{event:?}"
    );
    assert!(served.join().unwrap());
}

#[test]
fn an_authority_that_nobody_knows_is_not_believed() {
    let (_, certificate, key) = certificates();
    let (other_authority, ..) = certificates();
    let (port, served) = serve(certificate, key);
    let options = Options::new(&format!("https://localhost:{port}")).unwrap();
    let event = login(options.trust_pem(other_authority.as_bytes()).unwrap());
    let is_refused = matches!(
        event,
        Event::Failed {
            reason: FailReason::Unreachable(_),
            ..
        }
    );
    assert!(is_refused, "{event:?}");
    assert!(!served.join().unwrap(), "no password went to a stranger");
}

#[test]
fn the_authorities_of_browsers_do_not_know_ours() {
    let (_, certificate, key) = certificates();
    let (port, served) = serve(certificate, key);
    let event = login(Options::new(&format!("https://localhost:{port}")).unwrap());
    assert!(matches!(event, Event::Failed { .. }), "{event:?}");
    assert!(!served.join().unwrap());
}
