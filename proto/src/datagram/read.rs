//! From bytes to a datagram.

use thiserror::Error;

use super::{DATAGRAM_BYTES_MAX, Datagram, Sender, VERSION, flag, unzigzag};
use crate::varint::{self, VarintError};

/// Reads one datagram; exactly one row of bytes means each.
///
/// # Errors
///
/// If `bytes` are no datagram of this version. All a caller can do is drop and count them.
pub fn read(bytes: &[u8]) -> Result<Datagram<'_>, DatagramError> {
    if bytes.len() > DATAGRAM_BYTES_MAX {
        return Err(DatagramError::TooLong);
    }
    let mut rest = Rest(bytes);
    let [flags] = rest.array()?;
    if flags >> flag::VERSION_SHIFT != VERSION {
        return Err(DatagramError::OtherVersion);
    }
    if flags & !(flag::VERSION | flag::NEWEST | flag::SENDER) != 0 {
        return Err(DatagramError::UnknownFlags);
    }
    Ok(Datagram {
        newest: flags & flag::NEWEST != 0,
        handle: rest.u32()?,
        sequence: u16::from_be_bytes(rest.array()?),
        op_code: unzigzag(rest.varint(64)?),
        sender: match flags & flag::SENDER {
            0 => None,
            _ => Some(rest.sender()?),
        },
        data: rest.0,
    })
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn bytes(&mut self, len: usize) -> Result<&'a [u8], DatagramError> {
        let split = self.0.split_at_checked(len);
        let (bytes, rest) = split.ok_or(DatagramError::CutShort)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DatagramError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(DatagramError::CutShort)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn varint(&mut self, bits: u32) -> Result<u64, DatagramError> {
        let (value, rest) = varint::read(self.0, bits)?;
        self.0 = rest;
        Ok(value)
    }

    fn u32(&mut self) -> Result<u32, DatagramError> {
        u32::try_from(self.varint(u32::BITS)?).map_err(|_| DatagramError::BadVarint)
    }

    fn sender(&mut self) -> Result<Sender<'a>, DatagramError> {
        let (user_id, session_id) = (self.array()?, self.array()?);
        let name_len = usize::try_from(self.u32()?).map_err(|_| DatagramError::CutShort)?;
        let name = self.bytes(name_len)?;
        Ok(Sender {
            user_id,
            session_id,
            username: str::from_utf8(name).map_err(|_| DatagramError::NameNotUtf8)?,
        })
    }
}

/// Why bytes are no datagram.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DatagramError {
    /// More than [`DATAGRAM_BYTES_MAX`] bytes.
    #[error("a datagram is too long")]
    TooLong,
    /// It ends before its data begin.
    #[error("a datagram is cut short")]
    CutShort,
    /// Bits 7 and 6 of the flags are not those of [`VERSION`].
    #[error("a datagram has another version")]
    OtherVersion,
    /// A flag that this version does not have.
    #[error("a datagram has unknown flags")]
    UnknownFlags,
    /// A number has too many bits, or more bytes than it needs.
    #[error("a number in a datagram has too many bits or bytes")]
    BadVarint,
    /// The name of the sender is not UTF-8.
    #[error("the sender's name in a datagram is not UTF-8")]
    NameNotUtf8,
}

impl From<VarintError> for DatagramError {
    fn from(error: VarintError) -> Self {
        match error {
            VarintError::CutShort => Self::CutShort,
            VarintError::TooLong => Self::BadVarint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_versions_and_flags_are_refused() {
        for flags in 0..=u8::MAX {
            let bytes = [&[flags, 0, 0, 0, 0][..], &[0; 33]].concat();
            let expected = match flags {
                0x40..=0x43 => None,
                0x44..=0x7f => Some(DatagramError::UnknownFlags),
                _ => Some(DatagramError::OtherVersion),
            };
            assert_eq!(read(&bytes).err(), expected, "{flags:#x}");
        }
    }

    #[test]
    fn a_datagram_may_end_where_its_data_begin_and_no_sooner() {
        let bytes = [&[0x41, 0x80, 1, 0, 0, 0x80, 1][..], &[0; 32], b"\x02ab"].concat();
        assert_eq!(read(&bytes).unwrap().data, b"");
        for len in 0..bytes.len() {
            assert_eq!(read(&bytes[..len]), Err(DatagramError::CutShort), "{len}");
        }
    }

    #[test]
    fn numbers_beyond_their_type_are_refused() {
        let largest = read(b"\x40\xff\xff\xff\xff\x0f\xff\xff\0").unwrap();
        assert_eq!((largest.handle, largest.sequence), (u32::MAX, u16::MAX));
        let handle = b"\x40\xff\xff\xff\xff\x1f\0\0\0";
        let op_code = b"\x40\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
        for bytes in [&handle[..], op_code] {
            assert_eq!(read(bytes), Err(DatagramError::BadVarint));
        }
    }

    #[test]
    fn numbers_longer_than_they_need_be_are_refused() {
        let handle = b"\x40\x80\0\0\0\0".to_vec();
        let op_code = b"\x40\0\0\0\x80\0".to_vec();
        let name_len = [b"\x41\0\0\0\0", &[0; 32][..], b"\x80\0"].concat();
        for bytes in [handle, op_code, name_len] {
            assert_eq!(read(&bytes), Err(DatagramError::BadVarint));
        }
    }

    #[test]
    fn a_name_longer_than_the_datagram_or_not_utf_8_is_refused() {
        let name = |name: &[u8]| [b"\x41\0\0\0\0", &[0; 32][..], name].concat();
        assert_eq!(read(&name(b"\x03ab")), Err(DatagramError::CutShort));
        let giant = name(b"\xff\xff\xff\xff\x0f");
        assert_eq!(read(&giant), Err(DatagramError::CutShort));
        assert_eq!(read(&name(b"\x01\xff")), Err(DatagramError::NameNotUtf8));
    }

    #[test]
    fn a_datagram_longer_than_any_is_refused() {
        let mut bytes = vec![0; DATAGRAM_BYTES_MAX];
        bytes[0] = 0x40;
        assert!(read(&bytes).is_ok());
        bytes.push(0);
        assert_eq!(read(&bytes), Err(DatagramError::TooLong));
    }
}
