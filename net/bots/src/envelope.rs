//! Envelopes in the format of the wire, and the short way to what a match or a chat room says.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use tiltyard_proto::{
    decode_protobuf, encode_protobuf, json,
    realtime::{Envelope, MatchDataSend, envelope::Message},
};

use crate::{
    options::{Format, SIZE_MIN},
    stamp::Stamp,
};

/// Number of `match_data` in an envelope, and of its parts.
const MATCH_DATA: u64 = 14;
const OP_CODE: u64 = 3;
const DATA: u64 = 4;

pub(crate) fn encode(format: Format, message: Message) -> Bytes {
    let envelope = Envelope {
        cid: "1".into(),
        message: Some(message),
    };
    encode_envelope(format, &envelope)
}

fn encode_envelope(format: Format, envelope: &Envelope) -> Bytes {
    match format {
        Format::Protobuf => encode_protobuf(envelope).into(),
        Format::Json => json::to_string(envelope).into(),
    }
}

/// The message of an envelope, if it is one that has a message.
pub(crate) fn decode(format: Format, bytes: &[u8]) -> Option<Message> {
    let envelope: Envelope = match format {
        Format::Protobuf => decode_protobuf(bytes).ok()?,
        Format::Json => json::from_slice(bytes).ok()?,
    };
    envelope.message
}

/// What a match says: op code and data.
pub(crate) type MatchSays = (i64, Bytes);

/// Match data, without the rest of the envelope; none if it is another.
pub(crate) fn match_data(format: Format, bytes: &Bytes) -> Option<MatchSays> {
    match format {
        Format::Protobuf => protobuf_match_data(bytes),
        Format::Json => json_match_data(bytes),
    }
}

fn protobuf_match_data(bytes: &Bytes) -> Option<MatchSays> {
    let body = Fields(bytes).find_map(|field| match field {
        Field::Bytes(MATCH_DATA, body) => Some(body),
        _ => None,
    })?;
    let (mut op_code, mut data) = (0, Bytes::new());
    for field in Fields(body) {
        match field {
            Field::Number(OP_CODE, number) => op_code = number.cast_signed(),
            Field::Bytes(DATA, found) => data = bytes.slice_ref(found),
            _ => {}
        }
    }
    Some((op_code, data))
}

/// As a server writes it: no white space, and names as in the `.proto`. Inside of texts, such as the
/// name of a sender, quotes are escaped, so what is looked for is found where it stands only.
fn json_match_data(bytes: &[u8]) -> Option<MatchSays> {
    let body = bytes.strip_prefix(b"{\"match_data\":")?;
    let op_code = json_text(body, b"\"op_code\":\"").and_then(|text| text.parse().ok());
    let data = json_text(body, b",\"data\":\"").unwrap_or_default();
    let data = BASE64_STANDARD.decode(data).ok()?;
    Some((op_code.unwrap_or_default(), data.into()))
}

fn json_text<'a>(bytes: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let (_, rest) = split_at(bytes, name)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    str::from_utf8(&rest[..end]).ok()
}

/// What is before and behind `what`.
pub(crate) fn split_at<'a>(bytes: &'a [u8], what: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(what.len())
        .position(|window| window == what)?;
    Some((&bytes[..at], &bytes[at + what.len()..]))
}

/// The fields of a protobuf message, up to the first that is none.
struct Fields<'a>(&'a [u8]);

enum Field<'a> {
    Number(u64, u64),
    Bytes(u64, &'a [u8]),
    Fixed,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        match (tag >> 3, tag & 7) {
            (number, 0) => Some(Field::Number(number, self.varint()?)),
            (number, 2) => {
                let len = usize::try_from(self.varint()?).ok()?;
                Some(Field::Bytes(number, self.take(len)?))
            }
            (_, 1) => self.take(8).map(|_| Field::Fixed),
            (_, 5) => self.take(4).map(|_| Field::Fixed),
            _ => None,
        }
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// An envelope of match data that is sent over and over with another stamp.
pub(crate) struct Template {
    envelope: Vec<u8>,
    stamp_at: usize,
    format: Format,
}

/// Bytes of the data that are written anew, the stamp among them: base64 has no remainder there.
const PATCH_BYTES: usize = SIZE_MIN + 2;

impl Template {
    pub(crate) fn new(
        format: Format,
        match_id: &str,
        op_code: i64,
        reliable: bool,
        size: usize,
    ) -> Self {
        let marked = Stamp::MARK.data(size);
        let send = MatchDataSend {
            match_id: match_id.to_owned(),
            op_code,
            data: marked.clone(),
            presences: Vec::new(),
            reliable,
        };
        let envelope = Envelope {
            cid: String::new(),
            message: Some(Message::MatchDataSend(send)),
        };
        let envelope = Vec::from(encode_envelope(format, &envelope));
        let mark = patch(format, &marked);
        let stamp_at = split_at(&envelope, &mark).map_or(0, |(before, _)| before.len());
        Self {
            envelope,
            stamp_at,
            format,
        }
    }

    /// The envelope with this data, which has the size of all.
    pub(crate) fn stamped(&mut self, data: &[u8]) -> Bytes {
        let patch = patch(self.format, data);
        self.envelope[self.stamp_at..][..patch.len()].copy_from_slice(&patch);
        Bytes::copy_from_slice(&self.envelope)
    }
}

/// The part of the data that changes, as the format writes it.
fn patch(format: Format, data: &[u8]) -> Vec<u8> {
    let part = &data[..data.len().min(PATCH_BYTES)];
    match format {
        Format::Protobuf => part.to_vec(),
        Format::Json => BASE64_STANDARD.encode(part).into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use tiltyard_proto::realtime::{MatchData, UserPresence};

    use super::*;

    const FORMATS: [Format; 2] = [Format::Json, Format::Protobuf];

    #[test]
    fn match_data_is_found_without_the_rest() {
        let presence = UserPresence {
            username: r#"a",data":"b"#.into(),
            ..UserPresence::default()
        };
        let data = MatchData {
            match_id: "m.".into(),
            presence: Some(presence),
            op_code: -3,
            data: vec![0, 255, 7],
            reliable: true,
        };
        for format in FORMATS {
            let message = Message::MatchData(data.clone());
            let envelope = Envelope {
                cid: String::new(),
                message: Some(message),
            };
            let bytes = encode_envelope(format, &envelope);
            let (op_code, found) = match_data(format, &bytes).unwrap();
            assert_eq!((op_code, &*found), (-3, &data.data[..]));
        }
    }

    #[test]
    fn other_envelopes_are_no_match_data() {
        for format in FORMATS {
            let bytes = encode(format, Message::Pong(Default::default()));
            assert_eq!(match_data(format, &bytes), None);
            assert_eq!(match_data(format, &bytes.slice(..1)), None);
        }
    }

    #[test]
    fn a_template_is_the_envelope_of_any_stamp() {
        for format in FORMATS {
            for size in [16, 17, 18, 64] {
                let mut template = Template::new(format, "m.node", 9, true, size);
                for sequence in 1..3 {
                    let stamp = Stamp {
                        sent_ns: 1,
                        sender: 2,
                        sequence,
                    };
                    let data = stamp.data(size);
                    let Some(Message::MatchDataSend(read)) =
                        decode(format, &template.stamped(&data))
                    else {
                        panic!("it is match data");
                    };
                    assert_eq!((read.op_code, &read.data), (9, &data));
                }
            }
        }
    }
}
