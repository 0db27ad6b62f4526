//! From a stream of bytes to frames.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::LENGTH_BITS;
use crate::varint::{self, VarintError};

/// A frame that was received.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// See [`FrameKind::of`](super::FrameKind::of).
    pub kind: u8,
    /// Shares the memory of all that came with it: to be decoded and dropped, not kept.
    pub body: Bytes,
}

/// Cuts a stream of bytes into frames.
///
/// After each [`push`](Self::push), call [`next`](Self::next) until it has none. Then no more waits
/// in here than one frame short of its end, and what one push brought; the memory for it is less
/// than four times that.
#[derive(Debug)]
pub struct FrameReader {
    buffer: BytesMut,
    frame_bytes_max: usize,
    error: Option<FrameError>,
}

impl FrameReader {
    /// A reader at the beginning of a stream, of frames whose length is at most `frame_bytes_max`.
    pub fn new(frame_bytes_max: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            frame_bytes_max,
            error: None,
        }
    }

    /// From the next call of [`next`](Self::next) on, a length is at most `frame_bytes_max`.
    pub fn set_max(&mut self, frame_bytes_max: usize) {
        self.frame_bytes_max = frame_bytes_max;
    }

    /// Takes the next bytes of the stream; none after an error.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next frame, if all of it has come.
    ///
    /// # Errors
    ///
    /// If the stream has no frame here, as soon as its length tells. There is no way to find the
    /// next one: every further call has the same error, and all a caller can do is end the session.
    #[expect(
        clippy::should_implement_trait,
        reason = "more frames may come after none, and no frame after an error"
    )]
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.read().inspect_err(|&error| {
            self.error = Some(error);
            self.buffer = BytesMut::new();
        })
    }

    /// Whether a stream that ends here ends between two frames.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.error.is_none()
    }

    fn read(&mut self) -> Result<Option<Frame>, FrameError> {
        let (length, rest) = match varint::read(&self.buffer, LENGTH_BITS) {
            Ok(read) => read,
            Err(VarintError::CutShort) => return Ok(None),
            Err(VarintError::TooLong) => return Err(FrameError::BadLength),
        };
        let length = usize::try_from(length).map_err(|_| FrameError::BadLength)?;
        if length == 0 {
            return Err(FrameError::Empty);
        }
        if length > self.frame_bytes_max {
            return Err(FrameError::TooLong {
                bytes: length,
                bytes_max: self.frame_bytes_max,
            });
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.buffer.advance(self.buffer.len() - rest.len());
        let kind = self.buffer.get_u8();
        let body = self.buffer.split_to(length - 1).freeze();
        Ok(Some(Frame { kind, body }))
    }
}

/// Why a stream has no next frame.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame without a kind.
    #[error("a frame is empty")]
    Empty,
    /// A length of more than four bytes, or of more than it needs.
    #[error("the length of a frame has too many bytes")]
    BadLength,
    /// A frame longer than the receiver takes.
    #[error("a frame of {bytes} bytes, where {bytes_max} are allowed")]
    TooLong {
        /// What its length says.
        bytes: usize,
        /// What was allowed.
        bytes_max: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::framing::{FrameKind, write_frame};

    /// All frames that `bytes` bring, and the error that ends them.
    fn frames(reader: &mut FrameReader, bytes: &[u8]) -> (Vec<Frame>, Option<FrameError>) {
        reader.push(bytes);
        let mut frames = Vec::new();
        loop {
            match reader.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, None),
                Err(error) => return (frames, Some(error)),
            }
        }
    }

    fn written(bodies: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for body in bodies {
            write_frame(FrameKind::Envelope, &mut out, |out| {
                out.extend_from_slice(body);
            });
        }
        out
    }

    proptest! {
        #[test]
        fn frames_split_anywhere_arrive_whole(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5),
            pieces in prop::collection::vec(1..200_usize, 1..50),
        ) {
            let bytes = written(&bodies);
            let mut reader = FrameReader::new(300);
            let mut arrived = Vec::new();
            let mut rest = &*bytes;
            for piece in pieces.iter().cycle() {
                let (piece, later) = rest.split_at(rest.len().min(*piece));
                let (frames, error) = frames(&mut reader, piece);
                prop_assert_eq!(error, None);
                arrived.extend(frames.into_iter().map(|frame| frame.body.to_vec()));
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert!(reader.is_empty());
            prop_assert_eq!(arrived, bodies);
        }

        #[test]
        fn no_bytes_panic_the_reader(pushes: Vec<Vec<u8>>, frame_bytes_max in 0..300_usize) {
            let mut reader = FrameReader::new(frame_bytes_max);
            for bytes in &pushes {
                let _ = frames(&mut reader, bytes);
                prop_assert!(reader.buffer.len() <= frame_bytes_max + 4);
            }
        }
    }

    #[test]
    fn a_frame_too_long_is_refused_before_its_body_comes() {
        let mut reader = FrameReader::new(299);
        let too_long = FrameError::TooLong {
            bytes: 300,
            bytes_max: 299,
        };
        assert_eq!(frames(&mut reader, &[0xac]), (vec![], None));
        assert_eq!(frames(&mut reader, &[0x02]), (vec![], Some(too_long)));
    }

    #[test]
    fn an_error_is_for_ever() {
        let mut reader = FrameReader::new(300);
        assert_eq!(frames(&mut reader, &[0]), (vec![], Some(FrameError::Empty)));
        let good = written(&[vec![]]);
        assert_eq!(
            frames(&mut reader, &good),
            (vec![], Some(FrameError::Empty))
        );
        assert!(!reader.is_empty(), "the stream did not end between frames");
    }

    #[test]
    fn a_length_has_no_more_bytes_than_it_needs_and_at_most_four() {
        for bytes in [&[0x80, 0x00][..], &[0x81, 0x00], &[0xff; 4]] {
            let bad = (vec![], Some(FrameError::BadLength));
            assert_eq!(frames(&mut FrameReader::new(300), bytes), bad);
        }
    }

    #[test]
    fn memory_does_not_grow_with_the_stream() {
        let (frame_bytes_max, push_bytes) = (1_000, 700);
        let mut reader = FrameReader::new(frame_bytes_max);
        let stream = written(&vec![vec![7; frame_bytes_max - 1]; 200]);
        let mut last = None;
        for bytes in stream.chunks(push_bytes) {
            // One frame is kept for a while, so its memory cannot be used again.
            let (frames, error) = frames(&mut reader, bytes);
            assert_eq!(error, None);
            last = frames.into_iter().last().or(last);
            assert!(reader.buffer.len() < frame_bytes_max + 4);
            assert!(reader.buffer.capacity() < 4 * (frame_bytes_max + push_bytes));
        }
        assert!(last.is_some() && reader.is_empty());
    }

    #[test]
    fn the_maximum_may_change_between_two_frames() {
        let bytes = written(&[vec![1; 99], vec![2; 199]]);
        let mut reader = FrameReader::new(100);
        reader.push(&bytes);
        assert!(reader.next().unwrap().is_some());
        reader.set_max(200);
        assert!(reader.next().unwrap().is_some());
        assert!(reader.is_empty());
    }
}
