//! Bodies in and out: limits, deadlines, compression.

use std::io::{Read, Write};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use flate2::write::{DeflateEncoder, GzEncoder};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::error::{ApiError, Code};

/// Reads a request body of at most `limit` bytes, on the wire and when decompressed.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, ApiError> {
    let collected = Limited::new(body, limit).collect();
    let collected = tokio::time::timeout(patience, collected)
        .await
        .map_err(|_| ApiError::too_slow())?;
    let bytes = match collected {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(ApiError::too_large()),
        Err(_) => return Err(ApiError::invalid("unexpected EOF")),
    };
    match headers
        .get(header::CONTENT_ENCODING)
        .map(HeaderValue::as_bytes)
    {
        // An encoding that the header names and the body is not leaves nothing to read.
        Some(b"gzip") if !bytes.starts_with(&[0x1f, 0x8b]) => Ok(Bytes::new()),
        Some(b"gzip") => decompress(MultiGzDecoder::new(bytes.as_ref()), limit),
        Some(b"deflate") => decompress(DeflateDecoder::new(bytes.as_ref()), limit),
        _ => Ok(bytes),
    }
}

/// Stops one byte past the limit, so that a bomb costs no more than an honest body.
fn decompress(decoder: impl Read, limit: usize) -> Result<Bytes, ApiError> {
    let mut decoded = Vec::new();
    let limit_and_one = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder
        .take(limit_and_one)
        .read_to_end(&mut decoded)
        .map_err(|_| ApiError::invalid("unexpected EOF"))?;
    if decoded.len() > limit {
        let size = decoded.len();
        let text = format!("trying to send message larger than max ({size} vs. {limit})");
        return Err(ApiError::new(Code::ResourceExhausted, text));
    }
    Ok(decoded.into())
}

/// A way to compress responses that the client named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    Gzip,
    /// Raw, without the zlib wrapper that RFC 9110 asks for: clients of this protocol know it so.
    Deflate,
}

impl Encoding {
    /// The first encoding we know; a token with a quality is not one.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        if headers.contains_key(header::UPGRADE) {
            return None;
        }
        let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
        accepted.split(',').find_map(|token| match token.trim() {
            "gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        })
    }

    pub(super) fn name(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        })
    }

    pub(super) fn compress(self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let level = Compression::fast();
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Self::Deflate => {
                let mut encoder = DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(bytes)?;
                encoder.finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_without_an_end_is_refused_at_the_limit() {
        let refused = decompress(std::io::repeat(0), 1000).unwrap_err();
        assert_eq!(refused.code, Code::ResourceExhausted, "{refused:?}");
        assert!(refused.message.contains("(1001 vs. 1000)"), "{refused:?}");
    }
}
