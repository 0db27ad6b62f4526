//! What bots ask over HTTP: accounts, where QUIC is, and which matches there are.

use std::net::{IpAddr, SocketAddr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::future::join;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    Options,
    trouble::{self, Trouble},
    wire::{self, CertificateHash},
};

/// Longest answer: a listing of a hundred matches with labels of 2 KiB.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// A request to the server at `address`.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) authorization: String,
    pub(crate) body: String,
}

/// Logs in as a device and gives the session token.
pub(crate) async fn login(
    options: &Options,
    remote: SocketAddr,
    source: Option<IpAddr>,
    device: &str,
) -> Result<String, Trouble> {
    #[derive(Deserialize)]
    struct Tokens {
        token: String,
    }
    let key = BASE64_STANDARD.encode(format!("{}:", options.server_key));
    let ask = Ask {
        method: Method::POST,
        path: "/v2/account/authenticate/device?create=true",
        authorization: format!("Basic {key}"),
        body: json!({ "id": device }).to_string(),
    };
    let (status, body) = exchange(options, remote, source, ask)
        .await
        .map_err(Trouble::Login)?;
    if status != StatusCode::OK {
        return Err(Trouble::LoginRefused {
            status: status.as_u16(),
            message: message(&body),
        });
    }
    let tokens: Tokens = read(&body).map_err(Trouble::Login)?;
    Ok(tokens.token)
}

/// Where QUIC is.
#[derive(Clone, Debug, Default)]
pub(crate) struct QuicAddress {
    /// None if the server has no QUIC.
    pub(crate) port: Option<u16>,
    /// Certificates to believe, if not those that the web believes.
    pub(crate) pins: Option<Vec<CertificateHash>>,
}

/// Asks where QUIC is, and whether there is a server at all.
pub(crate) async fn transport(
    options: &Options,
    remote: SocketAddr,
    source: Option<IpAddr>,
) -> Result<QuicAddress, String> {
    #[derive(Deserialize)]
    struct Transport {
        quic: Option<Quic>,
        certificate_hashes: Option<Vec<String>>,
    }
    #[derive(Deserialize)]
    struct Quic {
        port: u16,
    }
    let ask = Ask {
        method: Method::GET,
        path: "/v2/tiltyard/transport",
        authorization: String::new(),
        body: String::new(),
    };
    let (status, body) = exchange(options, remote, source, ask).await?;
    if status != StatusCode::OK {
        // A server that only speaks the protocol of the WebSocket.
        return Ok(QuicAddress::default());
    }
    let transport: Transport = read(&body)?;
    let hash = |text: &String| BASE64_STANDARD.decode(text).ok()?.try_into().ok();
    let pins = transport
        .certificate_hashes
        .map(|hashes| hashes.iter().map(hash).collect::<Option<Vec<_>>>());
    Ok(QuicAddress {
        port: transport.quic.map(|quic| quic.port),
        pins: match pins {
            Some(None) => return Err("the server's certificate hashes are none".into()),
            pins => pins.flatten(),
        },
    })
}

/// Ids of matches that have room for one more.
pub(crate) async fn list(
    options: &Options,
    remote: SocketAddr,
    source: Option<IpAddr>,
    token: &str,
    query: &str,
) -> Result<Vec<String>, Trouble> {
    #[derive(Deserialize)]
    struct Listing {
        #[serde(default)]
        matches: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        match_id: String,
    }
    let players = options.matches().map_or(1, |matches| matches.players);
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    parameters
        .append_pair("limit", "100")
        .append_pair("authoritative", "true")
        .append_pair("max_size", &players.saturating_sub(1).to_string());
    if !query.is_empty() {
        parameters.append_pair("query", query);
    }
    let ask = Ask {
        method: Method::GET,
        path: &format!("/v2/match?{}", parameters.finish()),
        authorization: format!("Bearer {token}"),
        body: String::new(),
    };
    let (status, body) = exchange(options, remote, source, ask)
        .await
        .map_err(Trouble::Join)?;
    if status != StatusCode::OK {
        return Err(trouble::join(format_args!(
            "listing refused with {}: {}",
            status.as_u16(),
            message(&body)
        )));
    }
    let listing: Listing = read(&body).map_err(Trouble::Join)?;
    Ok(listing
        .matches
        .into_iter()
        .map(|listed| listed.match_id)
        .collect())
}

async fn exchange(
    options: &Options,
    remote: SocketAddr,
    source: Option<IpAddr>,
    ask: Ask<'_>,
) -> Result<(StatusCode, Bytes), String> {
    wire::in_time(try_exchange(options, remote, source, ask)).await?
}

async fn try_exchange(
    options: &Options,
    remote: SocketAddr,
    source: Option<IpAddr>,
    ask: Ask<'_>,
) -> Result<(StatusCode, Bytes), String> {
    let io = wire::open(options, remote, source).await.map_err(text)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.map_err(text)?;
    let request = Request::builder()
        .method(ask.method)
        .uri(ask.path)
        .header(header::HOST, options.server.authority())
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, ask.authorization)
        .body(Full::new(Bytes::from(ask.body)))
        .map_err(text)?;
    let answer = async move {
        let answer = sender.send_request(request).await.map_err(text)?;
        let (status, body) = (answer.status(), answer.into_body());
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
        // Dropping the sender lets the connection end.
        drop(sender);
        Ok((status, body.map_err(text)?.to_bytes()))
    };
    // How the connection ends does not matter once there is an answer; without one, `answer` says why.
    join(answer, connection).await.0
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|_| "the answer makes no sense".into())
}

/// What an answer that says no says.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    read(body).map_or_else(
        |_| "no reason given".into(),
        |refusal: Refusal| refusal.message,
    )
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
