//! Match data in datagrams of QUIC and WebTransport: nothing is repaired, and nothing waits.
//!
//! ```text
//! flags      u8       bits 7-6: 01, the version; bit 1: NEWEST; bit 0: SENDER; the others 0
//! handle     varint   which match, as MATCH_HANDLE said; u32
//! sequence   u16      big-endian; counts up by one from 0, per handle and direction, and wraps
//! op code    varint   zigzag, i64
//! sender              only with SENDER: user id (16 bytes), session id (16 bytes), name (varint
//!                     length, UTF-8)
//! data                the rest
//! ```
//!
//! ```
//! use tiltyard_proto::datagram::{self, Body, Receiver, Verdict};
//!
//! // What all recipients share is encoded once.
//! let body = Body::new(7, true, None, b"here");
//! let mut bytes = Vec::new();
//! body.write(3, 0, &mut bytes);
//! assert_eq!(bytes, b"\x42\x03\x00\x00\x0ehere");
//!
//! let datagram = datagram::read(&bytes)?;
//! let mut receiver = Receiver::default(); // of handle 3
//! let mut accept = || receiver.accept(datagram.sequence, datagram.op_code, datagram.newest);
//! assert_eq!(accept(), Verdict::Fresh);
//! assert_eq!(accept(), Verdict::Duplicate);
//! # Ok::<(), datagram::DatagramError>(())
//! ```

mod body;
mod read;
mod receiver;

pub use body::Body;
pub use read::{DatagramError, read};
pub use receiver::{Counts, Receiver, Verdict};

use crate::varint;

/// The version of the form above: bits 7 and 6 of the flags.
pub const VERSION: u8 = 1;

/// The longest datagram, header included. What is longer travels on the control stream.
///
/// QUIC promises paths of 1,200 bytes (RFC 9000, section 14). A packet has up to 1 + 20 + 4 bytes
/// of header, 16 that seal it and 3 of frame header, and WebTransport adds up to 8 of session id;
/// what is left is for acknowledgements in the same packet.
pub const DATAGRAM_BYTES_MAX: usize = 1_100;
const _: () = assert!(DATAGRAM_BYTES_MAX + 25 + 16 + 3 + 8 <= 1_200);

/// Bytes before the op code at most: flags, a handle of 32 bits, a sequence number.
const HEAD_BYTES_MAX: usize = 1 + 5 + 2;

/// Bits of the first byte.
mod flag {
    pub(super) const VERSION_SHIFT: u32 = 6;
    pub(super) const VERSION: u8 = super::VERSION << VERSION_SHIFT;
    pub(super) const NEWEST: u8 = 1 << 1;
    pub(super) const SENDER: u8 = 1;
}

/// One datagram, borrowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Datagram<'a> {
    /// Which match, as [`MatchHandle`](crate::control::MatchHandle) said.
    pub handle: u32,
    /// Counts up by one from 0, per handle and direction, and wraps.
    pub sequence: u16,
    /// Whether it is worth nothing once a newer one of its op code is there.
    pub newest: bool,
    /// Meaning is the game's own.
    pub op_code: i64,
    /// Who sent it, if a participant did; only servers say so.
    pub sender: Option<Sender<'a>>,
    /// Meaning is the game's own.
    pub data: &'a [u8],
}

/// Who sent a datagram, borrowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sender<'a> {
    /// A UUID, most significant byte first.
    pub user_id: [u8; 16],
    /// A UUID, most significant byte first.
    pub session_id: [u8; 16],
    /// Name of the user when the session began.
    pub username: &'a str,
}

impl Datagram<'_> {
    /// Appends the datagram, whatever its length: [`DATAGRAM_BYTES_MAX`] is for the caller to check.
    pub fn write(&self, out: &mut Vec<u8>) {
        let flags = flags(self.newest, self.sender.is_some());
        write_head(flags, self.handle, self.sequence, out);
        write_tail(self.op_code, self.sender, self.data, out);
    }
}

fn flags(newest: bool, has_sender: bool) -> u8 {
    let newest = if newest { flag::NEWEST } else { 0 };
    let sender = if has_sender { flag::SENDER } else { 0 };
    flag::VERSION | newest | sender
}

fn write_head(flags: u8, handle: u32, sequence: u16, out: &mut Vec<u8>) {
    out.push(flags);
    varint::write(u64::from(handle), out);
    out.extend_from_slice(&sequence.to_be_bytes());
}

fn write_tail(op_code: i64, sender: Option<Sender<'_>>, data: &[u8], out: &mut Vec<u8>) {
    varint::write(zigzag(op_code), out);
    if let Some(sender) = sender {
        out.extend_from_slice(&sender.user_id);
        out.extend_from_slice(&sender.session_id);
        varint::write(sender.username.len() as u64, out);
        out.extend_from_slice(sender.username.as_bytes());
    }
    out.extend_from_slice(data);
}

/// 0, -1, 1, -2, … as 0, 1, 2, 3, …: small numbers are short whatever their sign.
fn zigzag(op_code: i64) -> u64 {
    (op_code << 1 ^ op_code >> 63).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn sender()(user_id: [u8; 16], session_id: [u8; 16], username: String) -> ([u8; 16], [u8; 16], String) {
            (user_id, session_id, username)
        }
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(
            handle: u32,
            sequence: u16,
            newest: bool,
            (op_code, shift) in (any::<i64>(), 0..64),
            sender in prop::option::of(sender()),
            data in prop::collection::vec(any::<u8>(), 0..800),
        ) {
            let sender = sender.as_ref().map(|(user_id, session_id, username)| Sender {
                user_id: *user_id,
                session_id: *session_id,
                username,
            });
            let op_code = op_code >> shift;
            let datagram = Datagram { handle, sequence, newest, op_code, sender, data: &data };
            let mut bytes = Vec::new();
            datagram.write(&mut bytes);
            if bytes.len() <= DATAGRAM_BYTES_MAX {
                prop_assert_eq!(read(&bytes), Ok(datagram));
            }

            let body = Body::new(op_code, newest, sender, &data);
            let mut shared = Vec::new();
            body.write(handle, sequence, &mut shared);
            prop_assert_eq!(shared, bytes);
            prop_assert_eq!((body.op_code(), body.is_newest()), (op_code, newest));
        }

        #[test]
        fn what_is_read_is_how_it_would_be_written(mut bytes: Vec<u8>, flags in 0x40..0x44_u8) {
            if let Some(first) = bytes.first_mut() {
                *first = flags;
            }
            if let Ok(datagram) = read(&bytes) {
                let mut written = Vec::new();
                datagram.write(&mut written);
                prop_assert_eq!(written, bytes);
            }
        }

        #[test]
        fn no_bytes_panic_the_reader(bytes: Vec<u8>) {
            // Whether it is a datagram is up to chance.
            read(&bytes).ok();
        }

        #[test]
        fn zigzag_is_undone(op_code: i64) {
            prop_assert_eq!(unzigzag(zigzag(op_code)), op_code);
        }
    }

    #[test]
    fn zigzag_puts_small_numbers_first() {
        let op_codes = [0, -1, 1, -2, i64::MAX, i64::MIN];
        let numbers = [0, 1, 2, 3, u64::MAX - 1, u64::MAX];
        assert_eq!(op_codes.map(zigzag), numbers);
    }
}
