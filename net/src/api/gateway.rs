//! From a request to the one route that answers it, and back.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;

use super::body::{self, Encoding};
use super::caller::client_address;
use super::error::{ApiError, Code};
use super::query::percent_decode;
use super::{ApiState, routes};

/// A request that found its route.
pub(super) struct Exchange {
    pub(super) state: ApiState,
    pub(super) headers: HeaderMap,
    /// The query as it was sent.
    pub(super) query: String,
    /// What the path has after its fixed part, decoded.
    pub(super) tail: String,
    pub(super) is_post: bool,
    /// Where the request comes from.
    pub(super) client: Option<IpAddr>,
    /// Where its connection comes from.
    pub(super) peer: Option<IpAddr>,
    body: Body,
}

impl Exchange {
    /// The body; once.
    pub(super) async fn read_body(&mut self) -> Result<Bytes, ApiError> {
        let options = &self.state.config.socket;
        let body = std::mem::take(&mut self.body);
        let patience = Duration::from_millis(options.read_timeout_ms);
        body::read(
            &self.headers,
            body,
            options.max_request_size_bytes,
            patience,
        )
        .await
    }
}

/// Answers every request of the API, whatever happens.
pub(super) async fn answer(state: ApiState, request: Request) -> Response {
    let encoding = Encoding::accepted(request.headers());
    let deadline = deadline(state.config.socket.idle_timeout_ms);
    let work = AssertUnwindSafe(dispatch(state, request)).catch_unwind();
    let mut response = match tokio::time::timeout(deadline, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a request handler panicked");
            ApiError::new(Code::Internal, "Internal server error.").into_response()
        }
        Err(_) => ApiError::too_slow().into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-cache, must-revalidate"),
    );
    match encoding {
        Some(encoding) => compress(response, encoding).await,
        None => response,
    }
}

/// How long a request may take: a little less than its connection may be idle.
fn deadline(idle_timeout_ms: u64) -> Duration {
    const MARGIN_MS: u64 = 500;
    let shorter = idle_timeout_ms.checked_sub(MARGIN_MS).filter(|ms| *ms > 0);
    Duration::from_millis(shorter.unwrap_or(idle_timeout_ms))
}

/// Finds the route of a request and takes it. What has none is counted together.
async fn dispatch(state: ApiState, request: Request) -> Response {
    let operations = state.operations.clone();
    match route(state, request).await {
        Ok(response) => response,
        Err(response) => {
            operations.count_unrouted(response.status().as_u16());
            response
        }
    }
}

/// Takes the route of a request; what else it is answered with is an error.
async fn route(state: ApiState, request: Request) -> Result<Response, Response> {
    let decoded = percent_decode(request.uri().path())
        .and_then(|path| String::from_utf8(path).map_err(|_| ApiError::not_found("Not Found")));
    let path = match decoded {
        Ok(path) => path,
        Err(error) => return Err(error.into_response()),
    };
    let clean = clean(&path);
    if clean != path {
        return Err(moved(&clean, request.uri().query()));
    }
    let (route, tail) = match routes::find(request.method(), &path) {
        Ok(found) => found,
        Err(error) => return Err(error.into_response()),
    };
    let operations = state.operations.clone();
    let timing = operations.begin(route.name);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| *peer);
    let proxies = state.config.socket.proxy_count;
    let client = client_address(request.headers(), peer, proxies);
    if let Some(peer) = peer.filter(|_| route.logs_in()) {
        let now = tokio::time::Instant::now();
        if !state.authentications.try_take(client, peer.ip(), now) {
            let text = "Too many logins from this address; try again later.";
            return Err(ApiError::new(Code::ResourceExhausted, text).into_response());
        }
    }
    let exchange = Exchange {
        client,
        peer: peer.map(|peer| peer.ip()),
        headers: request.headers().clone(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        tail: tail.to_owned(),
        is_post: request.method() == axum::http::Method::POST,
        body: request.into_body(),
        state,
    };
    let response = (route.run)(exchange).await;
    timing.finish(response.status().as_u16());
    Ok(response)
}

/// The canonical form of a path: no empty, `.` or `..` segments. A slash at the end stays.
fn clean(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => _ = segments.pop(),
            segment => segments.push(segment),
        }
    }
    let mut clean = String::with_capacity(path.len());
    for segment in &segments {
        clean.push('/');
        clean.push_str(segment);
    }
    if clean.is_empty() || path.ends_with('/') {
        clean.push('/');
    }
    clean
}

/// Sends the client to the canonical form of a path.
fn moved(path: &str, query: Option<&str>) -> Response {
    use std::fmt::Write as _;

    let mut location = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => location.push(byte.into()),
            b'/' | b'-' | b'.' | b'_' | b'~' | b':' | b'@' => location.push(byte.into()),
            // Writing to a String cannot fail.
            _ => _ = write!(location, "%{byte:02X}"),
        }
    }
    if let Some(query) = query {
        location.push('?');
        location.push_str(query);
    }
    match HeaderValue::try_from(location) {
        Ok(location) => {
            let headers = [(header::LOCATION, location)];
            (StatusCode::MOVED_PERMANENTLY, headers).into_response()
        }
        Err(_) => ApiError::not_found("Not Found").into_response(),
    }
}

/// A response with a JSON body.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, body).into_response()
}

/// Compresses a body that is all there already, which all of the API's are.
async fn compress(response: Response, encoding: Encoding) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return ApiError::new(Code::Internal, "Internal server error.").into_response();
    };
    let plain = body.to_bytes();
    let compressed = match encoding.compress(&plain) {
        Ok(compressed) if !plain.is_empty() => compressed,
        _ => return Response::from_parts(parts, Body::from(plain)),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    let headers = &mut parts.headers;
    headers.insert(header::CONTENT_ENCODING, encoding.name());
    Response::from_parts(parts, Body::from(compressed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_canonical_form() {
        for (path, expected) in [
            ("/v2/account", "/v2/account"),
            ("//v2/account", "/v2/account"),
            ("/v2//account/", "/v2/account/"),
            ("/v2/./account", "/v2/account"),
            ("/v2/x/../account", "/v2/account"),
            ("/../../v2", "/v2"),
            ("/", "/"),
            ("", "/"),
            ("//", "/"),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
    }

    #[test]
    fn a_request_is_given_up_before_its_connection() {
        assert_eq!(deadline(60_000), Duration::from_millis(59_500));
        assert_eq!(deadline(500), Duration::from_millis(500));
        assert_eq!(deadline(1), Duration::from_millis(1));
    }
}
