//! The way from an HTTP request at `/ws` to a client of this thread.

use std::{
    cell::RefCell,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tiltyard::Opening;
use tokio::{task::spawn_local, time::Instant};
use tracing::debug;

use super::{Admission, Impatient, admission::Wishes, http::Pass};
use crate::{api::client_address, auth::SessionClaims, convert::Encoding, thread::NetThread};

thread_local! {
    /// The network thread that this is, so that a handshake can hand its socket over.
    pub(crate) static THREAD: RefCell<Option<Rc<NetThread>>> = const { RefCell::new(None) };
}

/// Why a handshake is refused, in the order in which it is looked at.
struct Refusal(StatusCode, &'static str);

const BAD_FORMAT: Refusal = Refusal(StatusCode::BAD_REQUEST, "Invalid format parameter\n");
const BAD_TOKEN: Refusal = Refusal(StatusCode::UNAUTHORIZED, "Missing or invalid token\n");
const TOO_OFTEN: Refusal = Refusal(
    StatusCode::TOO_MANY_REQUESTS,
    "Too many connections from this address\n",
);
const BAD_HANDSHAKE: Refusal = Refusal(StatusCode::BAD_REQUEST, "Bad Request\n");

/// When a client that is not let in now may try again.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Answers `GET /ws`: who has a good token becomes a client of this thread.
pub(crate) async fn upgrade(
    State(state): State<Admission>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response<Body> {
    let client = client_address(request.headers(), Some(address), state.proxy_count);
    if let Err(refusal) = check_room(&state, client, address.ip()) {
        return refuse(refusal);
    }
    let parameters = Parameters::of(request.uri().query().unwrap_or_default());
    let (encoding, claims) = match admit(&state, &parameters, request.headers()) {
        Ok(admitted) => admitted,
        Err(refusal) => return refuse(refusal),
    };
    let Some(accept) = handshake_answer(request.headers()) else {
        return refuse(BAD_HANDSHAKE);
    };
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return refuse(BAD_HANDSHAKE);
    };
    let wishes = Wishes {
        online: parameters.is_online(),
        lang: &parameters.lang,
    };
    let client = client.unwrap_or(address.ip());
    let opening = state.opening(claims, wishes, client, address.port());
    let pass = request.extensions_mut().remove::<Arc<Pass>>();
    spawn_local(hand_over(on_upgrade, encoding, opening, pass));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// Waits for the connection to be free of HTTP and gives it to this thread.
async fn hand_over(
    on_upgrade: OnUpgrade,
    encoding: Encoding,
    opening: Opening,
    pass: Option<Arc<Pass>>,
) {
    let upgraded = match on_upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            debug!(%error, "a WebSocket handshake was not finished");
            return;
        }
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<Impatient>>() else {
        debug!("a WebSocket came over something that is not TCP");
        return;
    };
    let Some(thread) = THREAD.with_borrow(Clone::clone) else {
        return;
    };
    let stream = parts.io.into_inner().into_inner();
    // A copy, because the buffer of HTTP is large and would stay for as long as the client does.
    let early = parts.read_buf.to_vec();
    drop(parts.read_buf);
    thread
        .serve_websocket(stream, early, encoding, opening)
        .await;
    // The connection counts until here.
    drop(pass);
}

/// Whether a client may come now, whoever it is.
fn check_room(state: &Admission, client: Option<IpAddr>, peer: IpAddr) -> Result<(), Refusal> {
    if let Some(reason) = state.capacity.refusal() {
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, reason));
    }
    let free = state.arrivals.try_take(client, peer, Instant::now());
    if free { Ok(()) } else { Err(TOO_OFTEN) }
}

fn refuse(Refusal(status, text): Refusal) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    if text == BAD_HANDSHAKE.1 {
        headers.insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
    }
    response
}

/// What a client says in the query.
#[derive(Debug, Default)]
struct Parameters {
    token: String,
    format: String,
    status: String,
    lang: String,
}

impl Parameters {
    fn of(query: &str) -> Self {
        let mut parameters = Self::default();
        for (name, value) in form_pairs(query) {
            match name.as_str() {
                "token" => parameters.token = value,
                "format" => parameters.format = value,
                "status" => parameters.status = value,
                "lang" => parameters.lang = value,
                _ => {}
            }
        }
        parameters
    }

    /// Whether the user is to appear online at once. What cannot be read means no.
    fn is_online(&self) -> bool {
        matches!(
            self.status.as_str(),
            "1" | "t" | "T" | "TRUE" | "true" | "True"
        )
    }
}

fn form_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned()
}

fn admit(
    state: &Admission,
    parameters: &Parameters,
    headers: &HeaderMap,
) -> Result<(Encoding, SessionClaims), Refusal> {
    let encoding = match parameters.format.as_str() {
        "" | "json" => Encoding::Json,
        "protobuf" => Encoding::Protobuf,
        _ => return Err(BAD_FORMAT),
    };
    let token = match headers.get(header::AUTHORIZATION) {
        Some(value) => value
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or(BAD_TOKEN)?,
        None => &parameters.token,
    };
    let claims = state.verify(token).map_err(|_| BAD_TOKEN)?;
    Ok((encoding, claims))
}

/// The answer to a handshake's key (RFC 6455, section 4.2.2), if it is a handshake.
fn handshake_answer(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name, wanted: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| {
                value
                    .split(',')
                    .any(|token| token.trim().eq_ignore_ascii_case(wanted))
            })
    };
    let version = headers.get(header::SEC_WEBSOCKET_VERSION)?;
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") || version != "13"
    {
        return None;
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    if BASE64_STANDARD.decode(key).ok()?.len() != 16 {
        return None;
    }
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    HeaderValue::from_str(&BASE64_STANDARD.encode(hash.finalize())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_rfc_gets_the_answer_of_the_rfc() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONNECTION,
            HeaderValue::from_static("keep-alive, Upgrade"),
        );
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
        headers.insert(
            header::SEC_WEBSOCKET_KEY,
            HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="),
        );
        assert_eq!(
            handshake_answer(&headers).unwrap(),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        headers.insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("12"),
        );
        assert_eq!(handshake_answer(&headers), None);
    }

    #[test]
    fn only_go_booleans_mean_online() {
        for (text, expected) in [
            ("true", true),
            ("1", true),
            ("T", true),
            ("yes", false),
            ("", false),
            ("false", false),
        ] {
            assert_eq!(
                Parameters::of(&format!("status={text}")).is_online(),
                expected,
                "{text}"
            );
        }
    }
}
