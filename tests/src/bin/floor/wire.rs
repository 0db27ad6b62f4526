//! Requests of HTTP and frames of WebSockets, as far as load generators send them.

use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use sha1::{Digest, Sha1};

/// A request without what a broadcaster does not look at.
pub(super) struct Request {
    /// The first line.
    pub(super) line: String,
    /// The key of a WebSocket handshake.
    pub(super) key: Option<String>,
    /// Head and body.
    pub(super) bytes: usize,
}

/// The request at the beginning of `input`, if all of it is there.
pub(super) fn request(input: &[u8]) -> Option<Request> {
    let head = input.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&input[..head]);
    let header = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    let body = header("content-length").and_then(|length| length.parse().ok());
    let bytes = head + body.unwrap_or(0);
    (bytes <= input.len()).then(|| Request {
        line: text.lines().next().unwrap_or_default().to_owned(),
        key: header("sec-websocket-key"),
        bytes,
    })
}

/// A session for whoever asks. Nobody checks its token, but clients read it.
pub(super) fn session(user: u64) -> Vec<u8> {
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({ "alg": "HS256", "typ": "JWT" }));
    let claims = json!({ "tid": "floor", "uid": format!("00000000-0000-4000-8000-{user:012}"),
        "usn": format!("floor-{user}"), "exp": u32::MAX });
    let token = format!("{head}.{}.c2lnbmF0dXJl", part(claims));
    let body = json!({ "created": true, "token": token, "refresh_token": token });
    answer("200 OK", &body.to_string())
}

/// A small answer.
pub(super) fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The answer to a WebSocket handshake.
pub(super) fn switch(key: &str) -> Vec<u8> {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = BASE64_STANDARD.encode(hash.finalize());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

/// Where the payload of a frame is, and which kind it has.
pub(super) struct Frame {
    pub(super) opcode: u8,
    pub(super) payload: std::ops::Range<usize>,
}

/// The masked frame at the beginning of `input`, unmasked in place, if all of it is there.
pub(super) fn frame(input: &mut [u8]) -> Option<Frame> {
    let (first, second) = (*input.first()?, *input.get(1)?);
    let (length, mut at) = match second & 0x7f {
        126 => (
            usize::from(u16::from_be_bytes([*input.get(2)?, *input.get(3)?])),
            4,
        ),
        127 => return None,
        short => (usize::from(short), 2),
    };
    let mut mask = [0; 4];
    if second & 0x80 != 0 {
        mask.copy_from_slice(input.get(at..at + 4)?);
        at += 4;
    }
    let payload = at..at + length;
    for (byte, mask) in input
        .get_mut(payload.clone())?
        .iter_mut()
        .zip(mask.iter().cycle())
    {
        *byte ^= mask;
    }
    Some(Frame {
        opcode: first & 0xf,
        payload,
    })
}

/// Appends the head of a frame that is not masked.
pub(super) fn write_head(length: usize, out: &mut Vec<u8>) {
    out.push(0x82);
    match u8::try_from(length) {
        Ok(short) if short < 126 => out.push(short),
        _ => {
            out.push(126);
            let length = u16::try_from(length).unwrap_or(u16::MAX);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}
