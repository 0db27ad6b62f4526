//! What surrounds every request of the client port, sockets included: the limit on headers,
//! cross-origin rules, extra headers.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::ApiState;
use super::error::ApiError;

/// Bytes of all request headers: the 5120 of the reference server and the slack it leaves.
const HEADER_BYTES_MAX: usize = 5120 + 4096;

pub(super) async fn frame(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let crosses = request.headers().contains_key(header::ORIGIN);
    let mut response = if header_bytes(request.headers()) > HEADER_BYTES_MAX {
        headers_too_large()
    } else if request.method() == Method::OPTIONS {
        if crosses {
            preflight(request.headers())
        } else {
            StatusCode::OK.into_response()
        }
    } else if request.method() != Method::GET && matches!(request.uri().path(), "/" | "/ws") {
        ApiError::not_found("Not Found").into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if crosses {
        let any = HeaderValue::from_static("*");
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    }
    for extra in &state.config.socket.response_headers {
        let name = HeaderName::try_from(&extra.key);
        let value = HeaderValue::try_from(&extra.value);
        // The configuration refuses what cannot be a header.
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.entry(name).or_insert(value);
        }
    }
    response
}

/// What the headers take on the wire: each has a colon, a space and a line end.
fn header_bytes(headers: &HeaderMap) -> usize {
    let sizes = headers.iter();
    sizes
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

fn headers_too_large() -> Response {
    let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    (status, close, "431 Request Header Fields Too Large").into_response()
}

/// Answers a browser that asks what it may send (the CORS protocol of the Fetch standard).
fn preflight(headers: &HeaderMap) -> Response {
    let Some(method) = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut response = StatusCode::OK.into_response();
    match method.as_bytes() {
        b"GET" | b"HEAD" | b"POST" => {}
        b"PUT" | b"DELETE" => {
            let allowed = response.headers_mut();
            allowed.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
        }
        _ => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
    let mut allowed = Vec::new();
    let requested = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let requested = requested.map_or(Ok(""), HeaderValue::to_str).unwrap_or("?");
    for name in requested
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
    {
        match name.as_str() {
            "" | "accept" | "accept-language" | "content-language" | "origin" => {}
            "authorization" => allowed.push("Authorization"),
            "content-type" => allowed.push("Content-Type"),
            "user-agent" => allowed.push("User-Agent"),
            _ => return StatusCode::FORBIDDEN.into_response(),
        }
    }
    if let Ok(value) = HeaderValue::try_from(allowed.join(","))
        && !allowed.is_empty()
    {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, value);
    }
    response
}
