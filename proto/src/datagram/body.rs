//! One encoding for many recipients.

use bytes::Bytes;

use super::{DATAGRAM_BYTES_MAX, HEAD_BYTES_MAX, Sender, flag, flags, write_head, write_tail};

/// What the datagrams to all recipients share: everything but handle and sequence number.
///
/// A clone shares the bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Body {
    flags: u8,
    op_code: i64,
    /// Everything behind the sequence number.
    tail: Bytes,
}

impl Body {
    /// Encodes; see [`Datagram`](super::Datagram) for the meaning of each.
    pub fn new(op_code: i64, newest: bool, sender: Option<Sender<'_>>, data: &[u8]) -> Self {
        // An op code has up to 10 bytes, the length of a name up to 5.
        let sender_len = sender.map_or(0, |sender| 16 + 16 + 5 + sender.username.len());
        let mut tail = Vec::with_capacity(10 + sender_len + data.len());
        write_tail(op_code, sender, data, &mut tail);
        Self {
            flags: flags(newest, sender.is_some()),
            op_code,
            tail: Bytes::from(tail),
        }
    }

    /// Bytes of a datagram without its handle and sequence number.
    #[expect(clippy::len_without_is_empty, reason = "the flags are always there")]
    pub fn len(&self) -> usize {
        1 + self.tail.len()
    }

    /// Whether it is worth nothing once a newer one of its op code is there.
    pub fn is_newest(&self) -> bool {
        self.flags & flag::NEWEST != 0
    }

    /// Meaning is the game's own.
    pub fn op_code(&self) -> i64 {
        self.op_code
    }

    /// Whether the datagram is short enough, even with the longest handle there is.
    pub fn fits(&self) -> bool {
        HEAD_BYTES_MAX + self.tail.len() <= DATAGRAM_BYTES_MAX
    }

    /// Appends the datagram for one recipient, whatever its length.
    pub fn write(&self, handle: u32, sequence: u16, out: &mut Vec<u8>) {
        out.reserve(HEAD_BYTES_MAX + self.tail.len());
        write_head(self.flags, handle, sequence, out);
        out.extend_from_slice(&self.tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_short_enough_with_the_longest_handle() {
        // One byte of op code.
        let longest = DATAGRAM_BYTES_MAX - HEAD_BYTES_MAX - 1;
        let body = Body::new(0, false, None, &vec![7; longest]);
        let mut bytes = Vec::new();
        body.write(u32::MAX, u16::MAX, &mut bytes);
        assert!(body.fits());
        assert_eq!(bytes.len(), DATAGRAM_BYTES_MAX);
        assert!(!Body::new(0, false, None, &vec![7; longest + 1]).fits());
    }

    #[test]
    fn length_is_that_without_handle_and_sequence_number() {
        let body = Body::new(-1, true, None, b"abc");
        let mut bytes = Vec::new();
        body.write(7, 0, &mut bytes);
        assert_eq!(body.len() + 1 + 2, bytes.len());
    }
}
