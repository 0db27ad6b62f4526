//! What bots put into messages, to know them when they come back.

use std::fmt::Write as _;

use crate::{envelope::split_at, options::SIZE_MIN};

/// When a message was sent, by whom, and which it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stamp {
    /// Nanoseconds since the run began.
    pub(crate) sent_ns: u64,
    pub(crate) sender: u32,
    pub(crate) sequence: u32,
}

/// What is before a stamp in the text of a chat message.
const CHAT_MARK: &str = "tybot-";

impl Stamp {
    /// A stamp like no other.
    pub(crate) const MARK: Self = Self {
        sent_ns: 0xa55a_c33c_9669_0ff0,
        sender: 0xdead_beef,
        sequence: 0xf00d_cafe,
    };

    fn bytes(self) -> [u8; SIZE_MIN] {
        let mut bytes = [0; SIZE_MIN];
        bytes[..8].copy_from_slice(&self.sent_ns.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.sender.to_le_bytes());
        bytes[12..].copy_from_slice(&self.sequence.to_le_bytes());
        bytes
    }

    /// The stamp, and zeros up to `size`.
    pub(crate) fn data(self, size: usize) -> Vec<u8> {
        let mut data = self.bytes().to_vec();
        data.resize(size.max(SIZE_MIN), 0);
        data
    }

    /// What the first bytes say, whoever wrote them.
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        let (sent_ns, rest) = data.split_first_chunk()?;
        let (sender, rest) = rest.split_first_chunk()?;
        let (sequence, _) = rest.split_first_chunk()?;
        Some(Self {
            sent_ns: u64::from_le_bytes(*sent_ns),
            sender: u32::from_le_bytes(*sender),
            sequence: u32::from_le_bytes(*sequence),
        })
    }

    /// The content of a chat message.
    pub(crate) fn chat(self, size: usize) -> String {
        let mut hex = String::new();
        for byte in self.bytes() {
            // Writing to a String cannot fail.
            _ = write!(hex, "{byte:02x}");
        }
        let padding = "x".repeat(size.saturating_sub(SIZE_MIN));
        format!(r#"{{"bot":"{CHAT_MARK}{hex}{padding}"}}"#)
    }

    /// Finds the stamp in an envelope, in whichever format.
    pub(crate) fn find_in_chat(envelope: &[u8]) -> Option<Self> {
        let (_, rest) = split_at(envelope, CHAT_MARK.as_bytes())?;
        let hex = rest.get(..2 * SIZE_MIN)?;
        let mut bytes = [0; SIZE_MIN];
        for (byte, digits) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Self::read(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        assert_eq!(Stamp::read(&Stamp::MARK.data(40)), Some(Stamp::MARK));
        let chat = Stamp::MARK.chat(40);
        assert_eq!(Stamp::find_in_chat(chat.as_bytes()), Some(Stamp::MARK));
    }

    #[test]
    fn what_is_no_stamp_is_none() {
        assert_eq!(Stamp::read(&[0; 15]), None);
        assert_eq!(Stamp::find_in_chat(b"tybot-0102"), None);
        assert_eq!(Stamp::find_in_chat(&b"tybot-zz".repeat(9)), None);
    }
}
