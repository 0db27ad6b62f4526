//! A client for the few documents that providers of logins give out.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What was got.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) body: Bytes,
    /// Seconds for which it may be kept, if that was said.
    pub(super) max_age: Option<i64>,
}

/// Why nothing was got.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The address is none, or its scheme is not `https`.
    #[error("the address must begin with https://")]
    Address,
    /// Nobody could be asked, or their certificate was not good.
    #[error("no connection: {0}")]
    Connection(#[from] std::io::Error),
    /// What was said was no HTTP.
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    /// It was not there, or is elsewhere; nobody is followed.
    #[error("the answer was {0}")]
    Status(StatusCode),
    /// The body did not arrive, or is too large.
    #[error("no body: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Late,
}

/// From the name's look-up to the last byte.
const PATIENCE: Duration = Duration::from_secs(5);
/// Google's and Apple's keys are below 4 KiB.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Asks by HTTPS, one connection a question. Clones share their settings.
#[derive(Clone)]
pub(super) struct HttpsClient(TlsConnector);

impl HttpsClient {
    /// A client that believes in the certificates that browsers believe in.
    pub(super) fn new() -> Self {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(TlsConnector::from(Arc::new(config)))
    }

    /// Gets a document. Only our own machine may be asked without TLS.
    pub(super) async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        let exchange = tokio::time::timeout(PATIENCE, self.exchange(url));
        exchange.await.unwrap_or(Err(FetchError::Late))
    }

    async fn exchange(&self, url: &str) -> Result<Fetched, FetchError> {
        let uri: Uri = url.parse().map_err(|_| FetchError::Address)?;
        let host = uri.host().ok_or(FetchError::Address)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if host == "127.0.0.1" => false,
            _ => return Err(FetchError::Address),
        };
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let tcp = TcpStream::connect((host, port)).await?;
        if !tls {
            return ask(tcp, &uri).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| FetchError::Address)?;
        ask(self.0.connect(name, tcp).await?, &uri).await
    }
}

async fn ask(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin,
    uri: &Uri,
) -> Result<Fetched, FetchError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let request = Request::get(path)
        .header(header::HOST, host)
        .header(
            header::USER_AGENT,
            concat!("tiltyard/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchError::Address)?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let max_age = response.headers().get(header::CACHE_CONTROL);
        let max_age = max_age.and_then(|value| max_age_of(value.to_str().ok()?));
        let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect();
        let body = body.await.map_err(FetchError::Body)?.to_bytes();
        Ok(Fetched { body, max_age })
    };
    let (mut exchange, mut connection) = (pin!(exchange), pin!(connection));
    let mut is_open = true;
    // The connection only moves while it is polled, and may end before all it brought is read.
    std::future::poll_fn(|context| {
        if is_open && connection.as_mut().poll(context).is_ready() {
            is_open = false;
        }
        exchange.as_mut().poll(context)
    })
    .await
}

fn max_age_of(cache_control: &str) -> Option<i64> {
    let mut directives = cache_control.split(',').map(str::trim);
    directives.find_map(|directive| directive.strip_prefix("max-age=")?.parse().ok())
}
