//! What waits to be written to one socket.

use std::{collections::VecDeque, io::IoSlice, num::NonZeroU64};

use bytes::{Buf, Bytes};

/// Bytes that may wait for one client before it counts as too slow and is closed.
///
/// At 60 snapshots a second of 500 bytes, nine seconds of a stalled connection.
pub(crate) const OUTBOX_BYTES_MAX: usize = 256 * 1024;

/// Pieces that one vectored write takes; more than one pass usually has for a client.
const WRITE_PIECES_MAX: usize = 64;

/// Of frames with the same key only the newest counts.
pub(crate) type NewestKey = NonZeroU64;

/// Frames in the order in which they leave.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// Bytes that were written and nobody has asked about yet.
    written: u64,
    /// The front piece is partly on the wire, and the rest of it must follow.
    begun: bool,
    /// The newest answer to a ping. It waits until everything else is written, and a newer one takes its
    /// place, so that a flood of pings costs one answer.
    pong: Option<Bytes>,
}

#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    newest: Option<NewestKey>,
}

impl Outbox {
    /// Appends a frame, and forgets the one with its key if that waits still; refuses it if too much waits
    /// already.
    pub(crate) fn push(
        &mut self,
        frame: Bytes,
        newest: Option<NewestKey>,
    ) -> Result<(), OutboxFull> {
        if newest.is_some() {
            let begun = usize::from(self.begun);
            let old = self
                .pieces
                .iter()
                .rposition(|piece| piece.newest == newest)
                .filter(|old| *old >= begun);
            if let Some(old) = old.and_then(|old| self.pieces.remove(old)) {
                self.bytes -= old.bytes.len();
            }
        }
        if self.bytes + frame.len() > OUTBOX_BYTES_MAX && !self.pieces.is_empty() {
            return Err(OutboxFull);
        }
        self.bytes += frame.len();
        self.pieces.push_back(Piece {
            bytes: frame,
            newest,
        });
        Ok(())
    }

    /// Appends a control frame, of which there are never many.
    pub(crate) fn push_anyway(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.pieces.push_back(Piece {
            bytes: frame,
            newest: None,
        });
    }

    /// Puts an answer to a ping in the place of the last one.
    pub(crate) fn set_pong(&mut self, frame: Bytes) {
        self.pong = Some(frame);
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.pong.is_none()
    }

    /// Makes ready to be written: an answer to a ping leaves when nothing else waits.
    pub(crate) fn prepare(&mut self) {
        if self.pieces.is_empty()
            && let Some(pong) = self.pong.take()
        {
            self.push_anyway(pong);
        }
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets everything that no part of was written yet. What was begun must be finished, or what
    /// follows would be read as the rest of it.
    pub(crate) fn clear_unsent(&mut self) {
        self.pieces.truncate(usize::from(self.begun));
        self.bytes = self.pieces.iter().map(|piece| piece.bytes.len()).sum();
        self.pong = None;
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            written: self.written,
            ..Self::default()
        };
    }

    /// Bytes that were written since this was last asked.
    pub(crate) const fn take_written(&mut self) -> u64 {
        std::mem::replace(&mut self.written, 0)
    }

    /// The next pieces to write, for one system call.
    pub(crate) fn slices(&self) -> ([IoSlice<'_>; WRITE_PIECES_MAX], usize) {
        let mut slices = [IoSlice::new(&[]); WRITE_PIECES_MAX];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(&piece.bytes);
            count += 1;
        }
        (slices, count)
    }

    /// The same, as they are.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        self.pieces
            .iter()
            .map(|piece| &piece.bytes)
            .take(WRITE_PIECES_MAX)
    }

    /// Forgets what was written.
    pub(crate) fn advance(&mut self, mut written: usize) {
        self.bytes -= written.min(self.bytes);
        self.written += written as u64;
        while written > 0
            || self
                .pieces
                .front()
                .is_some_and(|piece| piece.bytes.is_empty())
        {
            let Some(piece) = self.pieces.front_mut() else {
                return;
            };
            if written < piece.bytes.len() {
                piece.bytes.advance(written);
                self.begun = true;
                return;
            }
            written -= piece.bytes.len();
            self.pieces.pop_front();
            self.begun = false;
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
            outbox
                .push(Bytes::from_static(piece.as_bytes()), None)
                .unwrap();
        }
        outbox.advance(2);
        assert_eq!(waiting(&outbox), b"cdefg");
        outbox.advance(2);
        assert_eq!(waiting(&outbox), b"efg");
        outbox.advance(3);
        assert_eq!((outbox.bytes(), waiting(&outbox)), (0, Vec::new()));
    }

    #[test]
    fn what_was_begun_is_finished_even_when_the_rest_is_forgotten() {
        let mut outbox = Outbox::default();
        for piece in ["abc", "def"] {
            outbox
                .push(Bytes::from_static(piece.as_bytes()), None)
                .unwrap();
        }
        outbox.advance(1);
        outbox.clear_unsent();
        assert_eq!((outbox.bytes(), waiting(&outbox)), (2, b"bc".to_vec()));
        outbox.advance(2);
        outbox.clear_unsent();
        assert!(outbox.is_empty());
    }

    #[test]
    fn only_the_newest_answer_to_a_ping_is_kept() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"data"), None).unwrap();
        for pong in ["one", "two"] {
            outbox.set_pong(Bytes::from_static(pong.as_bytes()));
            outbox.prepare();
        }
        assert_eq!(waiting(&outbox), b"data");
        outbox.advance(4);
        outbox.prepare();
        assert_eq!(waiting(&outbox), b"two");
    }

    #[test]
    fn a_full_outbox_refuses_but_takes_one_large_frame_when_empty() {
        let large = Bytes::from(vec![0; OUTBOX_BYTES_MAX + 1]);
        let mut outbox = Outbox::default();
        assert_eq!(outbox.push(large.clone(), None), Ok(()));
        assert_eq!(outbox.push(Bytes::from_static(b"x"), None), Err(OutboxFull));
    }

    #[test]
    fn a_newer_frame_takes_the_place_of_one_that_waits_and_not_of_one_that_was_begun() {
        let key = NewestKey::new(7);
        let mut outbox = Outbox::default();
        for (frame, key) in [("old", key), ("other", None), ("newer", key)] {
            let pushed = outbox.push(Bytes::from_static(frame.as_bytes()), key);
            assert_eq!(pushed, Ok(()));
        }
        assert_eq!(
            (outbox.bytes(), waiting(&outbox)),
            (10, b"othernewer".to_vec())
        );
        outbox.advance(2);
        outbox.push(Bytes::from_static(b"newest"), key).unwrap();
        assert_eq!(waiting(&outbox), b"hernewest");
    }
}
