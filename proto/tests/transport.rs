//! Frames and datagrams against bytes that no encoder of ours has written.

use std::collections::BTreeSet;

use tiltyard_proto::{
    Message,
    control::{Goodbye, HELLO_BYTES_MAX, Hello, MatchHandle, Welcome, code},
    datagram::{self, Body, Datagram, DatagramError, Sender},
    framing::{FrameError, FrameKind, FrameReader, write_frame, write_head},
    json, match_data,
    realtime::{self, Envelope},
};

const TRANSPORT: &str = include_str!("golden/transport.txt");

/// Names and bytes of the cases whose name begins with `prefix`.
fn cases(prefix: &str) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    TRANSPORT.split("\n== ").skip(1).filter_map(move |block| {
        let (name, lines) = block.split_once('\n')?;
        let bytes = lines.lines().flat_map(bytes_of_line).collect();
        Some((name.strip_prefix(prefix)?, bytes))
    })
}

fn bytes_of_line(line: &str) -> impl Iterator<Item = u8> {
    let (bytes, _comment) = line.split_once(';').unwrap_or_default();
    bytes
        .split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits"))
}

/// Checks each case of the file, and that each of `values` has one.
fn check<V>(prefix: &str, values: &[(&'static str, V)], check: impl Fn(&str, &V, &[u8])) {
    let mut names = BTreeSet::new();
    for (name, bytes) in cases(prefix) {
        let (_, value) = values
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} has no value"));
        check(name, value, &bytes);
        names.insert(name);
    }
    assert_eq!(names, values.iter().map(|(name, _)| *name).collect());
}

fn frame<M: Message>(kind: FrameKind, message: M) -> (FrameKind, Vec<u8>) {
    (kind, message.encode_to_vec())
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn frames() -> Vec<(&'static str, (FrameKind, Vec<u8>))> {
    let envelope = Envelope {
        cid: text("7"),
        message: Some(realtime::envelope::Message::Ping(realtime::Ping {})),
    };
    let hello = Hello {
        version: 1,
        token: text("tok"),
        online: true,
        lang: text("en"),
    };
    let welcome = Welcome {
        version: 1,
        session_id: text("s1"),
    };
    let goodbye = Goodbye {
        code: code::BAD_TOKEN,
        reason: text("who"),
    };
    let long_goodbye = Goodbye {
        code: 0,
        reason: "a".repeat(126),
    };
    let match_handle = MatchHandle {
        handle: 300,
        match_id: text("m1."),
    };
    vec![
        ("envelope", frame(FrameKind::Envelope, envelope)),
        ("hello", frame(FrameKind::Hello, hello)),
        (
            "hello that says nothing",
            frame(FrameKind::Hello, Hello::default()),
        ),
        ("welcome", frame(FrameKind::Welcome, welcome)),
        ("goodbye", frame(FrameKind::Goodbye, goodbye)),
        (
            "goodbye with a length of two bytes",
            frame(FrameKind::Goodbye, long_goodbye),
        ),
        ("match handle", frame(FrameKind::MatchHandle, match_handle)),
    ]
}

#[test]
fn frames_are_written_as_in_the_file() {
    check("frame: ", &frames(), |name, (kind, body), bytes| {
        let mut written = Vec::new();
        write_frame(*kind, &mut written, |out| out.extend_from_slice(body));
        assert_eq!(written, bytes, "{name}");

        written.clear();
        write_head(*kind, body.len(), &mut written);
        written.extend_from_slice(body);
        assert_eq!(written, bytes, "{name}");
    });
}

#[test]
fn frames_are_read_as_in_the_file() {
    check("frame: ", &frames(), |name, (kind, body), bytes| {
        let mut reader = FrameReader::new(bytes.len());
        reader.push(bytes);
        let frame = reader.next().unwrap().expect("the case is a whole frame");
        assert_eq!(FrameKind::of(frame.kind), Some(*kind), "{name}");
        assert_eq!(frame.body, body, "{name}");
        assert!(reader.is_empty(), "{name}");
    });
}

#[test]
fn frames_are_refused_as_in_the_file() {
    let too_long = FrameError::TooLong {
        bytes: 8193,
        bytes_max: 8192,
    };
    let errors = [
        ("no kind", FrameError::Empty),
        ("a length with a byte too many", FrameError::BadLength),
        ("a length of five bytes", FrameError::BadLength),
        ("longer than a hello", too_long),
    ];
    check("refused frame: ", &errors, |name, error, bytes| {
        let mut reader = FrameReader::new(HELLO_BYTES_MAX);
        reader.push(bytes);
        assert_eq!(reader.next(), Err(*error), "{name}");
    });
}

const LEAST: Datagram<'_> = Datagram {
    handle: 0,
    sequence: 0,
    newest: false,
    op_code: 0,
    sender: None,
    data: b"",
};

const STATE: [u8; 32] = {
    let mut state = [0; 32];
    let mut index = 0;
    while index < 32 {
        state[index as usize] = index;
        index += 1;
    }
    state
};

const STATE_DATAGRAM: Datagram<'_> = Datagram {
    handle: 5,
    sequence: 1000,
    newest: true,
    op_code: 2,
    sender: None,
    data: &STATE,
};

fn datagrams() -> [(&'static str, Datagram<'static>); 6] {
    let newest = Datagram {
        handle: 300,
        sequence: 258,
        newest: true,
        op_code: -1,
        data: b"ab",
        ..LEAST
    };
    let sender = Sender {
        user_id: 0x1011_1213_1415_1617_1819_1a1b_1c1d_1e1f_u128.to_be_bytes(),
        session_id: 0x2021_2223_2425_2627_2829_2a2b_2c2d_2e2f_u128.to_be_bytes(),
        username: "zoë",
    };
    let sent = Datagram {
        handle: 7,
        sequence: 255,
        op_code: 64,
        sender: Some(sender),
        data: b"a",
        ..LEAST
    };
    let last = Sender {
        user_id: [0xff; 16],
        session_id: [0xff; 16],
        username: "",
    };
    let largest = Datagram {
        handle: u32::MAX,
        sequence: u16::MAX,
        newest: true,
        op_code: i64::MIN,
        sender: Some(last),
        data: b"",
    };
    let largest_op_code = Datagram {
        op_code: i64::MAX,
        ..LEAST
    };
    [
        ("as short as can be", LEAST),
        ("newest", newest),
        ("sender", sent),
        ("newest, sender, the largest numbers", largest),
        ("the largest op code", largest_op_code),
        ("a state of 32 bytes", STATE_DATAGRAM),
    ]
}

#[test]
fn datagrams_are_written_as_in_the_file() {
    check("datagram: ", &datagrams(), |name, datagram, bytes| {
        let mut written = Vec::new();
        datagram.write(&mut written);
        assert_eq!(written, bytes, "{name}");

        let Datagram {
            newest,
            op_code,
            sender,
            data,
            ..
        } = *datagram;
        written.clear();
        Body::new(op_code, newest, sender, data).write(
            datagram.handle,
            datagram.sequence,
            &mut written,
        );
        assert_eq!(written, bytes, "{name}");
    });
}

#[test]
fn datagrams_are_read_as_in_the_file() {
    check("datagram: ", &datagrams(), |name, datagram, bytes| {
        assert_eq!(datagram::read(bytes), Ok(*datagram), "{name}");
    });
}

#[test]
fn datagrams_are_refused_as_in_the_file() {
    use DatagramError::{BadVarint, CutShort, NameNotUtf8, OtherVersion, UnknownFlags};
    let errors = [
        ("no bytes", CutShort),
        ("no version", OtherVersion),
        ("another version", OtherVersion),
        ("an unknown flag", UnknownFlags),
        ("ends before its op code", CutShort),
        ("ends inside its sender", CutShort),
        ("ends inside a name", CutShort),
        ("a name that is not UTF-8", NameNotUtf8),
        ("a handle of 33 bits", BadVarint),
        ("an op code of 65 bits", BadVarint),
        ("a handle with a byte too many", BadVarint),
        ("an op code with a byte too many", BadVarint),
    ];
    check("refused datagram: ", &errors, |name, error, bytes| {
        assert_eq!(datagram::read(bytes), Err(*error), "{name}");
    });
}

#[test]
fn a_state_is_a_quarter_of_its_json() {
    let mut datagram = Vec::new();
    STATE_DATAGRAM.write(&mut datagram);
    // A UUID and the name of a node, as every server gives them.
    let parts = match_data::MatchDataParts {
        match_id: "4ec4f126-3f9d-11e7-84ef-b7c182b36521.tiltyard",
        presence: None,
        op_code: STATE_DATAGRAM.op_code,
        data: STATE_DATAGRAM.data,
        reliable: false,
    };
    let mut json = Vec::new();
    match_data::write_json(&parts, &mut json);
    assert!(json::from_slice::<Envelope>(&json).is_ok());
    assert_eq!((datagram.len(), json.len()), (37, 143));
    assert!(datagram.len() <= 45, "13 bytes of header at most");
}
