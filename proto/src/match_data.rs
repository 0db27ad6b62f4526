//! Match data straight from its parts, and straight into them.
//!
//! A server sends and receives little else, so here the envelope is written without building it first, and
//! read without building it either: nothing is copied but into the output, and nothing is allocated if that
//! has room.

use crate::{
    json::{ObjectWriter, write_base64, write_string},
    varint,
};

/// What a `match_data` event says, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct MatchDataParts<'a> {
    /// `<uuid>.<node>`, or `<uuid>.` for relayed matches.
    pub match_id: &'a str,
    /// The sender; none for data of the server.
    pub presence: Option<PresenceParts<'a>>,
    /// Meaning is the game's own.
    pub op_code: i64,
    /// Meaning is the game's own.
    pub data: &'a [u8],
    /// Whether loss would have been repaired.
    pub reliable: bool,
}

/// A presence as match data has it, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct PresenceParts<'a> {
    /// UUID text.
    pub user_id: &'a str,
    /// UUID text.
    pub session_id: &'a str,
    /// Name of the user when the session began.
    pub username: &'a str,
}

/// What a `match_data_send` request says that names no recipients, borrowed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SentParts<'a> {
    /// As the client wrote it.
    pub match_id: &'a str,
    /// Meaning is the game's own.
    pub op_code: i64,
    /// Meaning is the game's own.
    pub data: &'a [u8],
    /// Whether loss shall be repaired.
    pub reliable: bool,
}

/// Reads the protobuf form of an envelope as clients write it that carries match data and nothing else.
///
/// `None` says that it may be anything, match data in an unusual form or with recipients among it:
/// [`decode_protobuf`](crate::decode_protobuf) finds out.
#[must_use]
pub fn read_protobuf(bytes: &[u8]) -> Option<SentParts<'_>> {
    let (&tag::MATCH_DATA_SEND, bytes) = bytes.split_first()? else {
        return None;
    };
    let (mut fields, []) = read_bytes(bytes)? else {
        return None;
    };
    let mut parts = SentParts::default();
    // Each field once at most and in order, as every encoder writes them.
    let mut last = 0;
    while let Some((&tag, rest)) = fields.split_first() {
        if tag <= last {
            return None;
        }
        last = tag;
        if tag == tag::MATCH_ID || tag == tag::SENT_DATA {
            let (value, rest) = read_bytes(rest)?;
            fields = rest;
            match tag {
                tag::MATCH_ID => parts.match_id = str::from_utf8(value).ok()?,
                _ => parts.data = value,
            }
            continue;
        }
        let (value, rest) = varint::read(rest, u64::BITS).ok()?;
        fields = rest;
        match tag {
            tag::SENT_OP_CODE => parts.op_code = value.cast_signed(),
            tag::RELIABLE => parts.reliable = value != 0,
            _ => return None,
        }
    }
    Some(parts)
}

/// A length and as many bytes, and what follows them.
fn read_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = varint::read(bytes, u32::BITS).ok()?;
    rest.split_at_checked(usize::try_from(len).ok()?)
}

/// Appends the protobuf form of an envelope that carries `parts`.
pub fn write_protobuf(parts: &MatchDataParts<'_>, out: &mut Vec<u8>) {
    let presence_len = parts.presence.map(|presence| presence.protobuf_len());
    let len = string_len(parts.match_id)
        + presence_len.map_or(0, |len| 1 + varint_len(len) + len)
        + op_code_len(parts.op_code)
        + bytes_len(parts.data)
        + if parts.reliable { 2 } else { 0 };
    out.reserve(1 + varint_len(len) + len);

    out.push(tag::MATCH_DATA);
    write_len(len, out);
    write_bytes(tag::MATCH_ID, parts.match_id.as_bytes(), out);
    if let (Some(presence), Some(len)) = (parts.presence, presence_len) {
        out.push(tag::PRESENCE);
        write_len(len, out);
        write_bytes(tag::USER_ID, presence.user_id.as_bytes(), out);
        write_bytes(tag::SESSION_ID, presence.session_id.as_bytes(), out);
        write_bytes(tag::USERNAME, presence.username.as_bytes(), out);
    }
    if parts.op_code != 0 {
        out.push(tag::OP_CODE);
        varint::write(parts.op_code.cast_unsigned(), out);
    }
    write_bytes(tag::DATA, parts.data, out);
    if parts.reliable {
        out.extend_from_slice(&[tag::RELIABLE, 1]);
    }
}

/// Appends the JSON form of an envelope that carries `parts`.
pub fn write_json(parts: &MatchDataParts<'_>, out: &mut Vec<u8>) {
    let mut envelope = ObjectWriter::open(out);
    let mut match_data = ObjectWriter::open(envelope.name("match_data"));
    write_json_string("match_id", parts.match_id, &mut match_data);
    if let Some(presence) = parts.presence {
        let mut object = ObjectWriter::open(match_data.name("presence"));
        write_json_string("user_id", presence.user_id, &mut object);
        write_json_string("session_id", presence.session_id, &mut object);
        write_json_string("username", presence.username, &mut object);
        object.close();
    }
    match_data.plain("op_code", &parts.op_code);
    if !parts.data.is_empty() {
        write_base64(parts.data, match_data.name("data"));
    }
    match_data.plain("reliable", &parts.reliable);
    match_data.close();
    envelope.close();
}

fn write_json_string(name: &'static str, string: &str, object: &mut ObjectWriter<'_>) {
    if !string.is_empty() {
        write_string(string, object.name(name));
    }
}

impl PresenceParts<'_> {
    fn protobuf_len(&self) -> usize {
        string_len(self.user_id) + string_len(self.session_id) + string_len(self.username)
    }
}

/// Field number and wire type, which fit in one byte up to number 15: 0 is a varint, 2 has a length.
mod tag {
    pub(super) const MATCH_DATA: u8 = 14 << 3 | 2;
    pub(super) const MATCH_DATA_SEND: u8 = 15 << 3 | 2;
    pub(super) const SENT_OP_CODE: u8 = 2 << 3;
    pub(super) const SENT_DATA: u8 = 3 << 3 | 2;
    pub(super) const MATCH_ID: u8 = 1 << 3 | 2;
    pub(super) const PRESENCE: u8 = 2 << 3 | 2;
    pub(super) const OP_CODE: u8 = 3 << 3;
    pub(super) const DATA: u8 = 4 << 3 | 2;
    pub(super) const RELIABLE: u8 = 5 << 3;
    pub(super) const USER_ID: u8 = 1 << 3 | 2;
    pub(super) const SESSION_ID: u8 = 2 << 3 | 2;
    pub(super) const USERNAME: u8 = 3 << 3 | 2;
}

fn string_len(string: &str) -> usize {
    bytes_len(string.as_bytes())
}

/// Bytes of a field with its tag; empty ones are left out.
fn bytes_len(bytes: &[u8]) -> usize {
    match bytes.len() {
        0 => 0,
        len => 1 + varint_len(len) + len,
    }
}

fn op_code_len(op_code: i64) -> usize {
    match op_code {
        0 => 0,
        _ => 1 + varint::len(op_code.cast_unsigned()),
    }
}

fn varint_len(value: usize) -> usize {
    varint::len(value as u64)
}

fn write_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    out.push(tag);
    write_len(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn write_len(len: usize, out: &mut Vec<u8>) {
    varint::write(len as u64, out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        decode_protobuf, encode_protobuf, json,
        realtime::{Envelope, MatchData, MatchDataSend, envelope::Message},
        sample::{mutated, sampled},
    };

    /// Parts can say all that match data can, save for the two fields of a presence that match
    /// data never has.
    fn match_data() -> impl Strategy<Value = MatchData> {
        sampled::<MatchData>().prop_map(|mut match_data| {
            if let Some(presence) = &mut match_data.presence {
                presence.persistence = false;
                presence.status = None;
            }
            match_data
        })
    }

    fn parts(match_data: &MatchData) -> MatchDataParts<'_> {
        MatchDataParts {
            match_id: &match_data.match_id,
            presence: match_data.presence.as_ref().map(|presence| PresenceParts {
                user_id: &presence.user_id,
                session_id: &presence.session_id,
                username: &presence.username,
            }),
            op_code: match_data.op_code,
            data: &match_data.data,
            reliable: match_data.reliable,
        }
    }

    fn assert_same_as_general(match_data: MatchData) {
        let (mut protobuf, mut text) = (Vec::new(), Vec::new());
        write_protobuf(&parts(&match_data), &mut protobuf);
        write_json(&parts(&match_data), &mut text);
        let envelope = Envelope {
            cid: String::new(),
            message: Some(Message::MatchData(match_data)),
        };
        assert_eq!(protobuf, encode_protobuf(&envelope));
        assert_eq!(String::from_utf8(text).unwrap(), json::to_string(&envelope));
    }

    /// What the general decoder makes of the bytes, if the other may read them at all.
    fn assert_read_as_general(bytes: &[u8]) -> bool {
        let Some(read) = read_protobuf(bytes) else {
            return false;
        };
        let expected = MatchDataSend {
            match_id: read.match_id.to_owned(),
            op_code: read.op_code,
            data: read.data.to_vec(),
            presences: Vec::new(),
            reliable: read.reliable,
        };
        let envelope = Envelope {
            cid: String::new(),
            message: Some(Message::MatchDataSend(expected)),
        };
        assert_eq!(decode_protobuf(bytes), Ok(envelope));
        true
    }

    fn sent() -> impl Strategy<Value = MatchDataSend> {
        sampled::<MatchDataSend>()
    }

    fn sent_bytes(sent: MatchDataSend) -> Vec<u8> {
        encode_protobuf(&Envelope {
            cid: String::new(),
            message: Some(Message::MatchDataSend(sent)),
        })
    }

    proptest! {
        #[test]
        fn what_names_no_recipients_is_read_as_by_the_general_decoder(sent in sent()) {
            let is_plain = sent.presences.is_empty();
            prop_assert_eq!(assert_read_as_general(&sent_bytes(sent)), is_plain);
        }

        #[test]
        fn damage_is_read_as_by_the_general_decoder_or_left_to_it(bytes in mutated(sent().prop_map(sent_bytes))) {
            assert_read_as_general(&bytes);
        }

        #[test]
        fn bytes_are_those_of_the_general_encoder(match_data in match_data()) {
            assert_same_as_general(match_data);
        }
    }

    #[test]
    fn lengths_around_a_longer_varint_are_right() {
        for len in [0, 1, 127, 128, 16_383, 16_384] {
            assert_same_as_general(MatchData {
                data: vec![7; len],
                op_code: i64::try_from(len).unwrap(),
                ..MatchData::default()
            });
        }
        for op_code in [i64::MIN, -1, i64::MAX] {
            assert_same_as_general(MatchData {
                op_code,
                ..MatchData::default()
            });
        }
    }
}
