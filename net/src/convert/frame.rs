//! Whole frames, shared by everyone who receives the same message: those of WebSockets (RFC 6455,
//! section 5), which a server does not mask, and those of control streams.

use bytes::Bytes;
use tiltyard::{Delivery, MatchId};
use tiltyard_proto::{
    control,
    datagram::Body,
    framing::{FrameKind, write_frame, write_head},
    json,
    realtime::Envelope,
};

use crate::peer::NewestKey;

/// How a connection wants its messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Encoding {
    /// Text frames.
    Json = 0,
    /// Binary frames.
    Protobuf = 1,
    /// Protobuf on the control stream of a QUIC connection, with datagrams beside it.
    Framed = 2,
}

impl Encoding {
    /// The encoding that a slot carries.
    pub(crate) const fn of(tag: u8) -> Self {
        match tag {
            1 => Self::Protobuf,
            2 => Self::Framed,
            _ => Self::Json,
        }
    }
}

/// One message in the encodings in which somebody wants it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    pub(crate) json: Option<Bytes>,
    pub(crate) protobuf: Option<Bytes>,
    pub(crate) framed: Option<Bytes>,
    /// Takes the place of `framed` where there are datagrams.
    pub(crate) datagram: Option<Datagram>,
    /// Of messages with the same key only the newest counts.
    pub(crate) newest: Option<NewestKey>,
}

/// Match data for a datagram, short of what differs from one recipient to the next.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) match_id: MatchId,
    pub(crate) body: Body,
}

impl Frames {
    /// The frame in this encoding, if it was made.
    pub(crate) const fn get(&self, encoding: Encoding) -> Option<&Bytes> {
        match encoding {
            Encoding::Json => self.json.as_ref(),
            Encoding::Protobuf => self.protobuf.as_ref(),
            Encoding::Framed => self.framed.as_ref(),
        }
    }

    pub(crate) fn set(&mut self, encoding: Encoding, frame: Bytes) {
        match encoding {
            Encoding::Json => self.json = Some(frame),
            Encoding::Protobuf => self.protobuf = Some(frame),
            Encoding::Framed => self.framed = Some(frame),
        }
    }
}

/// How a kind of match delivers its op codes; those that are not named are reliable.
pub(crate) type Deliveries = &'static [(i64, Delivery)];

const FIN: u8 = 0x80;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
/// Bytes in the longest header of a frame that is not masked.
const HEADER_BYTES_MAX: usize = 10;
/// Bytes in the longest payload of a control frame.
const CONTROL_BYTES_MAX: usize = 125;

/// A frame around what `write` appends.
pub(crate) fn frame(encoding: Encoding, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let opcode = match encoding {
        Encoding::Json => TEXT,
        Encoding::Protobuf => BINARY,
        Encoding::Framed => return control_frame(FrameKind::Envelope, write),
    };
    // The header is as long as the payload's length wants it, so it goes in front when that is known.
    let mut bytes = Vec::with_capacity(HEADER_BYTES_MAX + 128);
    bytes.resize(HEADER_BYTES_MAX, 0);
    write(&mut bytes);
    let length = bytes.len() - HEADER_BYTES_MAX;
    let mut header = [0; HEADER_BYTES_MAX];
    let header = header_of(FIN | opcode, length, &mut header);
    let start = HEADER_BYTES_MAX - header.len();
    bytes[start..HEADER_BYTES_MAX].copy_from_slice(header);
    Bytes::from(bytes).slice(start..)
}

fn header_of(first: u8, length: usize, header: &mut [u8; HEADER_BYTES_MAX]) -> &[u8] {
    header[0] = first;
    if let Ok(short) = u8::try_from(length)
        && usize::from(short) <= CONTROL_BYTES_MAX
    {
        header[1] = short;
        return &header[..2];
    }
    if let Ok(medium) = u16::try_from(length) {
        header[1] = 126;
        header[2..4].copy_from_slice(&medium.to_be_bytes());
        return &header[..4];
    }
    header[1] = 127;
    header[2..].copy_from_slice(&(length as u64).to_be_bytes());
    header
}

/// A frame with an envelope.
pub(crate) fn envelope_frame(envelope: &Envelope, encoding: Encoding) -> Bytes {
    frame(encoding, |bytes| match encoding {
        Encoding::Json => json::write(envelope, bytes),
        Encoding::Protobuf | Encoding::Framed => tiltyard_proto::write_protobuf(envelope, bytes),
    })
}

fn control_frame(kind: FrameKind, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = Vec::with_capacity(HEADER_BYTES_MAX + 128);
    write_frame(kind, &mut bytes, write);
    bytes.into()
}

fn control_message(kind: FrameKind, message: &impl tiltyard_proto::Message) -> Bytes {
    let mut bytes = Vec::new();
    write_head(kind, message.encoded_len(), &mut bytes);
    bytes.extend_from_slice(&message.encode_to_vec());
    bytes.into()
}

/// The answer to a client that may come in.
pub(crate) fn welcome_frame(session_id: &str) -> Bytes {
    let welcome = control::Welcome {
        version: control::VERSION,
        session_id: session_id.to_owned(),
    };
    control_message(FrameKind::Welcome, &welcome)
}

/// The last frame of a control stream.
pub(crate) fn goodbye_frame(code: u16, reason: &str) -> Bytes {
    let goodbye = control::Goodbye {
        code: code.into(),
        reason: reason.to_owned(),
    };
    control_message(FrameKind::Goodbye, &goodbye)
}

/// Names a match for datagrams.
pub(crate) fn match_handle_frame(handle: u32, match_id: &str) -> Bytes {
    let named = control::MatchHandle {
        handle,
        match_id: match_id.to_owned(),
    };
    control_message(FrameKind::MatchHandle, &named)
}

/// An empty ping.
pub(crate) const fn ping_frame() -> Bytes {
    Bytes::from_static(&[FIN | PING, 0])
}

/// A closing frame. A reason that is too long for one is cut off.
pub(crate) fn close_frame(code: u16, reason: &str) -> Bytes {
    let room = CONTROL_BYTES_MAX - size_of::<u16>();
    let reason = &reason[..reason.floor_char_boundary(room.min(reason.len()))];
    let length = u8::try_from(size_of::<u16>() + reason.len()).unwrap_or(2);
    let mut bytes = vec![FIN | CLOSE, length];
    bytes.extend_from_slice(&code.to_be_bytes());
    bytes.extend_from_slice(reason.as_bytes());
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_frame(length: usize) -> Bytes {
        frame(Encoding::Json, |bytes| {
            bytes.extend(std::iter::repeat_n(b'x', length))
        })
    }

    #[test]
    fn the_header_is_as_long_as_the_payload_wants_it() {
        assert_eq!(text_frame(0)[..], [0x81, 0]);
        assert_eq!(text_frame(125)[..2], [0x81, 125]);
        assert_eq!(text_frame(126)[..4], [0x81, 126, 0, 126]);
        assert_eq!(text_frame(65535)[..4], [0x81, 126, 0xff, 0xff]);
        assert_eq!(text_frame(65536)[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        for length in [0, 125, 126, 65535, 65536] {
            assert!(text_frame(length).ends_with(&vec![b'x'; length]));
        }
    }

    #[test]
    fn binary_frames_say_so() {
        assert_eq!(
            frame(Encoding::Protobuf, |bytes| bytes.push(7))[..],
            [0x82, 1, 7]
        );
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let bytes = close_frame(1000, &"ä".repeat(100));
        assert_eq!(usize::from(bytes[1]), bytes.len() - 2);
        assert!(bytes.len() <= 127);
        assert!(str::from_utf8(&bytes[4..]).is_ok());
    }
}
