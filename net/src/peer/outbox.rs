//! What waits to be written to one socket.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes};

/// Bytes that may wait for one client before it counts as too slow and is closed.
///
/// At 60 snapshots a second of 500 bytes, nine seconds of a stalled connection.
pub(crate) const OUTBOX_BYTES_MAX: usize = 256 * 1024;

/// Pieces that one vectored write takes; more than one pass usually has for a client.
const WRITE_PIECES_MAX: usize = 64;

/// Frames in the order in which they leave.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Bytes>,
    bytes: usize,
}

impl Outbox {
    /// Appends a frame; refuses it if too much waits already.
    pub(crate) fn push(&mut self, frame: Bytes) -> Result<(), OutboxFull> {
        if self.bytes + frame.len() > OUTBOX_BYTES_MAX && !self.pieces.is_empty() {
            return Err(OutboxFull);
        }
        self.push_anyway(frame);
        Ok(())
    }

    /// Appends a control frame, of which there are never many.
    pub(crate) fn push_anyway(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.pieces.push_back(frame);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.bytes = 0;
    }

    /// The next pieces to write, for one system call.
    pub(crate) fn slices(&self) -> ([IoSlice<'_>; WRITE_PIECES_MAX], usize) {
        let mut slices = [IoSlice::new(&[]); WRITE_PIECES_MAX];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        (slices, count)
    }

    /// Forgets what was written.
    pub(crate) fn advance(&mut self, mut written: usize) {
        self.bytes -= written.min(self.bytes);
        while written > 0 {
            let Some(piece) = self.pieces.front_mut() else {
                return;
            };
            if written < piece.len() {
                piece.advance(written);
                return;
            }
            written -= piece.len();
            self.pieces.pop_front();
        }
        if self.pieces.is_empty() && self.pieces.capacity() > WRITE_PIECES_MAX {
            self.pieces.shrink_to_fit();
        }
    }
}

/// Too much waits already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutboxFull;

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(outbox: &Outbox) -> Vec<u8> {
        let (slices, count) = outbox.slices();
        slices[..count]
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect()
    }

    #[test]
    fn what_was_written_is_forgotten_to_the_byte() {
        let mut outbox = Outbox::default();
        for piece in ["abc", "", "defg"] {
            outbox.push(Bytes::from_static(piece.as_bytes())).unwrap();
        }
        outbox.advance(2);
        assert_eq!(waiting(&outbox), b"cdefg");
        outbox.advance(2);
        assert_eq!(waiting(&outbox), b"efg");
        outbox.advance(3);
        assert_eq!((outbox.bytes(), waiting(&outbox)), (0, Vec::new()));
    }

    #[test]
    fn a_full_outbox_refuses_but_takes_one_large_frame_when_empty() {
        let large = Bytes::from(vec![0; OUTBOX_BYTES_MAX + 1]);
        let mut outbox = Outbox::default();
        assert_eq!(outbox.push(large.clone()), Ok(()));
        assert_eq!(outbox.push(Bytes::from_static(b"x")), Err(OutboxFull));
    }
}
