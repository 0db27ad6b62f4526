//! Accounts, sessions, and where QUIC is.

use std::net::SocketAddr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::exchange::{Answer, Ask, HttpError, exchange};
use crate::{connect::CertificateHash, options::Options, session::Session};

/// How a player says who they are.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// The last part of the route.
    pub(crate) route: &'static str,
    pub(crate) body: serde_json::Value,
    pub(crate) create: bool,
    pub(crate) username: Option<String>,
}

/// Logs in.
pub(crate) async fn authenticate(
    options: &Options,
    account: &Account,
) -> Result<Session, HttpError> {
    let query = query(account);
    let path = format!("/v2/account/authenticate/{}?{query}", account.route);
    session(options, &path, &account.body).await
}

fn query(account: &Account) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("create", if account.create { "true" } else { "false" });
    if let Some(username) = &account.username {
        query.append_pair("username", username);
    }
    query.finish()
}

/// Asks for new tokens.
pub(crate) async fn refresh(
    options: &Options,
    session_now: &Session,
) -> Result<Session, HttpError> {
    let body = json!({ "token": session_now.refresh_token() });
    session(options, "/v2/account/session/refresh", &body).await
}

async fn session(
    options: &Options,
    path: &str,
    body: &serde_json::Value,
) -> Result<Session, HttpError> {
    #[derive(Deserialize)]
    struct Tokens {
        token: String,
        #[serde(default)]
        refresh_token: String,
    }
    let key = BASE64_STANDARD.encode(format!("{}:", options.server_key));
    let ask = Ask {
        method: Method::POST,
        path,
        authorization: Some(format!("Basic {key}")),
        body: body.to_string().into_bytes(),
    };
    let answer = exchange(options, ask).await?;
    if answer.status != StatusCode::OK {
        return Err(refused(&answer));
    }
    let tokens: Tokens = serde_json::from_slice(&answer.body).map_err(|_| HttpError::Senseless)?;
    Session::from_tokens(tokens.token, tokens.refresh_token).map_err(|_| HttpError::Senseless)
}

/// Where QUIC is, and which certificates it has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct QuicAddress {
    pub(crate) remote: SocketAddr,
    /// `None` for certificates that are checked the usual way.
    pub(crate) pins: Option<Vec<CertificateHash>>,
}

/// Asks where QUIC is; `None` if the server has none.
pub(crate) async fn transport(options: &Options) -> Result<Option<QuicAddress>, HttpError> {
    let ask = Ask {
        method: Method::GET,
        path: "/v2/tiltyard/transport",
        authorization: None,
        body: Vec::new(),
    };
    let answer = exchange(options, ask).await?;
    match answer.status {
        StatusCode::OK => quic_address(&answer.body, answer.remote),
        // A server that only speaks the protocol of the WebSocket.
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(refused(&answer)),
    }
}

fn quic_address(body: &[u8], mut remote: SocketAddr) -> Result<Option<QuicAddress>, HttpError> {
    #[derive(Deserialize)]
    struct Transport {
        quic: Option<Quic>,
        certificate_hashes: Option<Vec<String>>,
    }
    #[derive(Deserialize)]
    struct Quic {
        port: u16,
        alpn: String,
    }
    let transport: Transport = serde_json::from_slice(body).map_err(|_| HttpError::Senseless)?;
    let Some(quic) = transport
        .quic
        .filter(|quic| quic.alpn.as_bytes() == tiltyard_proto::control::ALPN)
    else {
        return Ok(None);
    };
    let pins = transport
        .certificate_hashes
        .map(|hashes| {
            let hash = |text: &String| BASE64_STANDARD.decode(text).ok()?.try_into().ok();
            hashes.iter().map(hash).collect::<Option<Vec<_>>>()
        })
        .map(|hashes| hashes.ok_or(HttpError::Senseless))
        .transpose()?;
    remote.set_port(quic.port);
    Ok(Some(QuicAddress { remote, pins }))
}

/// What an answer that says no says. It is JSON with a message, unless something in between answers.
fn refused(answer: &Answer) -> HttpError {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let message = serde_json::from_slice(&answer.body).map_or_else(
        |_| "no reason given".into(),
        |refusal: Refusal| refusal.message,
    );
    HttpError::Refused {
        status: answer.status.as_u16(),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<Option<QuicAddress>> {
        quic_address(body.as_bytes(), "127.0.0.1:80".parse().unwrap()).ok()
    }

    #[test]
    fn quic_is_where_the_route_says_with_the_certificates_that_it_says() {
        let hash = BASE64_STANDARD.encode([7; 32]);
        let body = format!(
            r#"{{"version":1,"quic":{{"port":7350,"alpn":"tiltyard/1"}},"certificate_hashes":["{hash}"]}}"#
        );
        let address = read(&body).unwrap().unwrap();
        assert_eq!(address.remote, "127.0.0.1:7350".parse().unwrap());
        assert_eq!(address.pins, Some(vec![[7; 32]]));
    }

    #[test]
    fn without_hashes_certificates_are_checked_the_usual_way() {
        let address = read(r#"{"version":1,"quic":{"port":1,"alpn":"tiltyard/1"}}"#);
        assert_eq!(address.unwrap().unwrap().pins, None);
    }

    #[test]
    fn a_server_without_quic_or_with_another_is_one_without() {
        assert_eq!(read(r#"{"version":1}"#), Some(None));
        let other = r#"{"version":2,"quic":{"port":1,"alpn":"tiltyard/2"}}"#;
        assert_eq!(read(other), Some(None));
    }

    #[test]
    fn a_hash_that_is_none_does_not_open_the_door() {
        let body = r#"{"quic":{"port":1,"alpn":"tiltyard/1"},"certificate_hashes":["abc"]}"#;
        assert_eq!(read(body), None);
    }
}
