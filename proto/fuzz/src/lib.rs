//! What holds for all bytes: each function panics if it does not.
//!
//! The programs in `bin` look for such bytes, and `tests/corpus.rs` of the crate under test goes
//! through those that were of interest so far.

#[path = "../../tests/receiver/model.rs"]
mod model;

use std::{collections::BTreeMap, fmt::Debug};

use tiltyard_proto::{
    Message,
    control::{Goodbye, HELLO_BYTES_MAX, Hello, MatchHandle, VERSION, Welcome},
    datagram::{self, Body, Datagram, Receiver},
    decode_protobuf, encode_protobuf,
    framing::{Frame, FrameError, FrameKind, FrameReader, write_frame, write_head},
    json,
    realtime::Envelope,
};

use self::model::Model;

/// A row of datagrams: what is read is how it would be written, and receivers agree with the model.
///
/// Each has a byte of length before it, and one that says how many that differ by their sequence
/// numbers alone follow.
pub fn datagram(mut bytes: &[u8]) {
    // The longest are longer than a byte can say.
    if let Ok(datagram) = datagram::read(bytes) {
        assert_is_written_as_it_was_read(&datagram, bytes);
    }
    let mut receivers = BTreeMap::<u32, (Receiver, Model)>::new();
    while let [len, count, rest @ ..] = bytes {
        let (first, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        bytes = rest;
        let Ok(datagram) = datagram::read(first) else {
            continue;
        };
        assert_is_written_as_it_was_read(&datagram, first);
        let (receiver, model) = receivers.entry(datagram.handle).or_default();
        // The model remembers all op codes, a receiver 32.
        let op_code = datagram.op_code.rem_euclid(32);
        // 65 too late in a row are the most that matter.
        for step in 0..=u16::from(count % 80) {
            let sequence = datagram.sequence.wrapping_add(step);
            let expected = model.accept(sequence, op_code, datagram.newest);
            let verdict = receiver.accept(sequence, op_code, datagram.newest);
            assert_eq!(verdict, expected, "{sequence}");
            assert_eq!(receiver.counts(), model.counts, "{sequence}");
        }
    }
}

fn assert_is_written_as_it_was_read(datagram: &Datagram<'_>, bytes: &[u8]) {
    let mut written = Vec::new();
    datagram.write(&mut written);
    assert_eq!(written, bytes);

    let Datagram {
        op_code,
        newest,
        sender,
        data,
        ..
    } = *datagram;
    let body = Body::new(op_code, newest, sender, data);
    written.clear();
    body.write(datagram.handle, datagram.sequence, &mut written);
    assert_eq!(written, bytes);
    assert_eq!((body.op_code(), body.is_newest()), (op_code, newest));
    assert!(body.len() + 1 + 2 <= bytes.len(), "a handle has a byte");
}

/// A stream: however it is split, the same frames come out, and are written as they were read.
///
/// Before it are the longest frame in two bytes, how many lengths of pieces follow, and these.
pub fn framing(bytes: &[u8]) {
    let [low, high, piece_count, bytes @ ..] = bytes else {
        return;
    };
    let frame_bytes_max = usize::from(u16::from_le_bytes([*low, *high]));
    let piece_count = usize::from(*piece_count).min(bytes.len());
    let (pieces, stream) = bytes.split_at(piece_count);

    let whole = frames(frame_bytes_max, [stream]);
    assert_eq!(frames(frame_bytes_max, split(stream, pieces)), whole);

    let mut written = Vec::new();
    for Frame { kind, body } in &whole.0 {
        assert!(body.len() < frame_bytes_max);
        let start = written.len();
        // Unknown kinds cannot be written, but are read.
        let known = FrameKind::of(*kind).unwrap_or(FrameKind::Envelope);
        write_frame(known, &mut written, |out| out.extend_from_slice(body));
        let mut head = Vec::new();
        write_head(known, body.len(), &mut head);
        assert!(written[start..].starts_with(&head));
        let kind_at = start + head.len() - 1;
        written[kind_at] = *kind;
    }
    let rest = stream.strip_prefix(&*written);
    let rest_len = rest.expect("frames are written as they were read").len();
    let is_between_frames = rest_len == 0;
    assert_eq!(whole.2, is_between_frames);
    // A frame short of its end, and a length before it.
    assert!(whole.1.is_some() || rest_len < frame_bytes_max.max(1) + 4);
}

/// Frames of a stream, its error, and whether it ends between two frames.
fn frames<'a>(
    frame_bytes_max: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Frame>, Option<FrameError>, bool) {
    let mut reader = FrameReader::new(frame_bytes_max);
    let mut frames = Vec::new();
    let mut error = None;
    for piece in pieces {
        reader.push(piece);
        error = loop {
            match reader.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
    }
    (frames, error, reader.is_empty())
}

/// `stream` in pieces of the lengths given, over and over; a length of 0 is a piece of 256 bytes.
fn split<'a>(mut stream: &'a [u8], lens: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut lens = lens.iter().cycle();
    while !stream.is_empty() {
        let len = lens.next().map_or(0, |len| usize::from(*len));
        let len = if len == 0 { 256 } else { len };
        let (piece, rest) = stream.split_at(stream.len().min(len));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

/// A control stream, read as a server reads that of a client, or a client that of a server.
pub fn hello(bytes: &[u8]) {
    let mut reader = FrameReader::new(HELLO_BYTES_MAX);
    reader.push(bytes);
    while let Ok(Some(Frame { kind, body })) = reader.next() {
        match FrameKind::of(kind) {
            Some(FrameKind::Hello) => {
                if let Some(hello) = survivor::<Hello>(&body) {
                    let is_welcome = hello.version == VERSION && !hello.token.is_empty();
                    // From here on frames may be as long as those of a socket.
                    reader.set_max(if is_welcome { 4096 } else { 0 });
                    assert!(format!("{hello:?}").len() < 200 + 10 * hello.lang.len());
                }
            }
            Some(FrameKind::Welcome) => drop(survivor::<Welcome>(&body)),
            Some(FrameKind::Goodbye) => drop(survivor::<Goodbye>(&body)),
            Some(FrameKind::MatchHandle) => drop(survivor::<MatchHandle>(&body)),
            // The target of that name is for these.
            Some(FrameKind::Envelope) | None => {}
        }
    }
}

/// The message in `body`, which must survive being written and read.
fn survivor<M: Message + Default + PartialEq + Debug>(body: &[u8]) -> Option<M> {
    let message = M::decode(body).ok()?;
    let written = message.encode_to_vec();
    assert_eq!(M::decode(&*written).as_ref(), Ok(&message));
    Some(message)
}

/// An envelope in protobuf or in JSON, which must survive being written and read in both.
pub fn envelope(bytes: &[u8]) {
    if let Ok(envelope) = decode_protobuf(bytes) {
        assert_survives(&envelope);
    }
    if let Ok(envelope) = json::from_slice::<Envelope>(bytes) {
        assert_survives(&envelope);
        let lenient = json::from_slice_lenient::<Envelope>(bytes);
        let lenient = lenient.expect("what is read strictly is read leniently too");
        assert_eq!(encode_protobuf(&lenient), encode_protobuf(&envelope));
    } else if let Ok(envelope) = json::from_slice_lenient::<Envelope>(bytes) {
        assert_survives(&envelope);
    }
}

/// Compared as bytes and as text, since a NaN is no other.
fn assert_survives(envelope: &Envelope) {
    let protobuf = encode_protobuf(envelope);
    let decoded = decode_protobuf(&protobuf).expect("what is written can be read");
    assert_eq!(encode_protobuf(&decoded), protobuf);

    let text = json::to_string(envelope);
    let read = json::from_slice::<Envelope>(text.as_bytes());
    let read = read.expect("what is written can be read");
    assert_eq!(json::to_string(&read), text);
}
