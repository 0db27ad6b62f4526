//! Frames: how messages share the control stream of QUIC and WebTransport.
//!
//! ```text
//! length   varint, at most 4 bytes: bytes that follow, at least 1
//! kind     u8, see FrameKind
//! body     length - 1 bytes
//! ```
//!
//! ```
//! use tiltyard_proto::framing::{FrameKind, FrameReader, write_frame};
//!
//! let mut bytes = Vec::new();
//! write_frame(FrameKind::Envelope, &mut bytes, |out| out.extend_from_slice(b"ping"));
//! assert_eq!(bytes, b"\x05\x00ping");
//!
//! let mut reader = FrameReader::new(4096);
//! reader.push(&bytes[..3]);
//! assert_eq!(reader.next()?, None);
//! reader.push(&bytes[3..]);
//! let frame = reader.next()?.ok_or("all of it has come")?;
//! assert_eq!((frame.kind, &*frame.body), (FrameKind::Envelope as u8, &b"ping"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod reader;

pub use reader::{Frame, FrameError, FrameReader};

use crate::varint;

/// The most that a length can say: four bytes with seven bits each.
pub const LENGTH_MAX: usize = (1 << LENGTH_BITS) - 1;

const LENGTH_BITS: u32 = 4 * 7;

/// What the body of a frame is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum FrameKind {
    /// A [`realtime::Envelope`](crate::realtime::Envelope), from both.
    Envelope = 0,
    /// A [`control::Hello`](crate::control::Hello), from the client, first and once.
    Hello = 1,
    /// A [`control::Welcome`](crate::control::Welcome), from the server, first.
    Welcome = 2,
    /// A [`control::Goodbye`](crate::control::Goodbye), from both, last.
    Goodbye = 3,
    /// A [`control::MatchHandle`](crate::control::MatchHandle), from the server.
    MatchHandle = 4,
}

impl FrameKind {
    /// The kind with this number. Clients skip frames whose kind is none; servers end the session.
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Envelope),
            1 => Some(Self::Hello),
            2 => Some(Self::Welcome),
            3 => Some(Self::Goodbye),
            4 => Some(Self::MatchHandle),
            _ => None,
        }
    }
}

/// Appends a whole frame; `write_body` appends the body and must leave alone what is there already.
///
/// How long the body is shows only when it is written, so it is then moved by one to four bytes to
/// make room for its length. Where that is known before, [`write_head`] saves the move.
///
/// # Panics
///
/// If the body is longer than [`LENGTH_MAX`]` - 1` bytes.
pub fn write_frame(kind: FrameKind, out: &mut Vec<u8>, write_body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(kind as u8);
    write_body(out);

    let length = out.len() - start;
    assert!(length <= LENGTH_MAX, "a frame has {length} bytes");
    varint::write(length as u64, out);
    out[start..].rotate_right(varint::len(length as u64));
}

/// Appends length and kind of a frame whose body of `body_len` bytes the caller appends next.
///
/// # Panics
///
/// If `body_len` is more than [`LENGTH_MAX`]` - 1`.
pub fn write_head(kind: FrameKind, body_len: usize, out: &mut Vec<u8>) {
    assert!(body_len < LENGTH_MAX, "a body has {body_len} bytes");
    varint::write(body_len as u64 + 1, out);
    out.push(kind as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_goes_behind_what_is_there() {
        let mut out = b"before".to_vec();
        write_frame(FrameKind::Goodbye, &mut out, |out| out.push(7));
        assert_eq!(out, b"before\x02\x03\x07");
    }

    #[test]
    fn lengths_around_a_longer_varint_are_right() {
        for body_len in [0, 126, 127, 128, 16_382, 16_383, 2_097_150, 2_097_151] {
            let body = vec![7; body_len];
            let (mut bytes, mut with_head) = (Vec::new(), Vec::new());
            write_frame(FrameKind::Envelope, &mut bytes, |out| {
                out.extend_from_slice(&body);
            });
            write_head(FrameKind::Envelope, body_len, &mut with_head);
            with_head.extend_from_slice(&body);
            assert!(bytes == with_head, "{body_len}");

            let mut reader = FrameReader::new(LENGTH_MAX);
            reader.push(&bytes);
            let frame = reader.next().unwrap().expect("all of it has come");
            assert!(frame.body == body && reader.is_empty(), "{body_len}");
        }
    }

    #[test]
    fn numbers_of_kinds_are_those_of_the_page() {
        for number in 0..=u8::MAX {
            let kind = FrameKind::of(number);
            assert_eq!(kind.map(|kind| kind as u8), (number < 5).then_some(number));
        }
    }
}
