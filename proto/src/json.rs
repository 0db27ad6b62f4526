//! The JSON form of messages: the proto3 mapping, as the reference server speaks it.
//!
//! Written: names in snake_case, defaults left out, wrappers as bare values whenever they are set,
//! 64-bit integers as strings, bytes as padded base64, times as RFC 3339 ending in `Z`, maps sorted
//! by key, fields in the order of the `.proto`.
//!
//! Read: snake_case or lowerCamelCase, `null` as absent, integers as numbers or strings as long as
//! they are whole and fit, base64 in either alphabet. Sockets read strictly ([`from_slice`]), the
//! HTTP API reads leniently ([`from_slice_lenient`]).
//!
//! Integers and doubles are taken from the text itself and never pass through another type, so
//! `9007199254740993.0` is exactly that, and a double that was written is read back to the bit.

mod error;
mod message;
mod number;
mod parser;
mod read;
mod time;
mod write;

pub use error::{JsonError, JsonErrorKind};
pub use parser::Parser;
pub use read::FromJson;
pub use time::timestamp;
pub use write::ToJson;

pub(crate) use message::{MemberReader, ObjectWriter, ReadMembers, read_message};
pub(crate) use write::{write_base64, write_string};

use parser::UnknownFields;

/// The JSON text of `message`.
pub fn to_string<M: ToJson>(message: &M) -> String {
    let mut out = Vec::new();
    message.write_json(&mut out);
    String::from_utf8(out).expect("writers append whole strings and ASCII")
}

/// Appends the JSON text of `message` to `out`.
pub fn write<M: ToJson>(message: &M, out: &mut Vec<u8>) {
    message.write_json(out);
}

/// Reads a message as sockets do: `json` is one object and nothing else but white space.
///
/// # Errors
///
/// Anything that is not exactly the message: see [`JsonErrorKind`]. Unknown fields are refused at
/// any depth. All a caller can do is refuse the text.
pub fn from_slice<M: FromJson>(json: &[u8]) -> Result<M, JsonError> {
    let mut parser = Parser::new(json, UnknownFields::Refused);
    let message = parser.top_level()?;
    parser.finish()?;
    Ok(message)
}

/// Reads a message as the HTTP API does: unknown fields are skipped, so is whatever follows the
/// object, and an empty `json` is the empty message.
///
/// # Errors
///
/// As [`from_slice`], save for those. [`JsonError`] displays as the reference server words it.
pub fn from_slice_lenient<M: FromJson + Default>(json: &[u8]) -> Result<M, JsonError> {
    let mut parser = Parser::new(json, UnknownFields::Skipped);
    if parser.is_blank() {
        return Ok(M::default());
    }
    parser.top_level()
}

/// Reads a message from JSON that was parsed already; unknown fields are skipped.
///
/// Prefer [`from_slice_lenient`]: a [`serde_json::Value`] has forgotten duplicate fields and the
/// digits of long numbers.
///
/// # Errors
///
/// As [`from_slice_lenient`]; the position is that in the compact text of `value`.
pub fn from_value_lenient<M: FromJson + Default>(
    value: &serde_json::Value,
) -> Result<M, JsonError> {
    from_slice_lenient(value.to_string().as_bytes())
}

mod generated {
    #![allow(
        clippy::match_single_binding,
        unreachable_code,
        unused_mut,
        unused_variables,
        reason = "messages without fields"
    )]

    use super::{
        FromJson, JsonError, MemberReader, ObjectWriter, Parser, ReadMembers, ToJson, read_message,
    };

    include!(concat!(env!("OUT_DIR"), "/json.rs"));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::{
        api,
        realtime::Envelope,
        sample::{envelope, mutated, sampled},
    };

    /// Any JSON, in any spelling that `serde_json` has, with the fields of envelopes among others.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        let name = prop_oneof![
            any::<String>(),
            prop::sample::select(vec!["cid", "match_join", "metadata", "token", "status"])
                .prop_map(str::to_owned),
        ];
        leaf.prop_recursive(6, 40, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name.clone(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn reads_back<M>(message: &M)
    where
        M: ToJson + FromJson + Default + PartialEq + std::fmt::Debug,
    {
        let json = to_string(message);
        assert_eq!(from_slice::<M>(json.as_bytes()).as_ref(), Ok(message));
        assert_eq!(
            from_slice_lenient::<M>(json.as_bytes()).as_ref(),
            Ok(message)
        );
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(envelope in envelope()) {
            reads_back(&envelope);
        }

        #[test]
        fn reading_undoes_writing_of_api_objects(
            account in sampled::<api::Account>(),
            groups in sampled::<api::UserGroupList>(),
            messages in sampled::<api::ChannelMessageList>(),
            changes in sampled::<api::UpdateAccountRequest>(),
            objects in sampled::<api::StorageObjects>(),
        ) {
            reads_back(&account);
            reads_back(&groups);
            reads_back(&messages);
            reads_back(&changes);
            reads_back(&objects);
        }

        #[test]
        fn what_is_written_is_json_to_others_too(envelope in envelope()) {
            let json = to_string(&envelope);
            let value: Value = serde_json::from_str(&json).unwrap();
            // Doubles go through `serde_json`, whose default reading is not exact to the last bit.
            prop_assert!(from_value_lenient::<Envelope>(&value).is_ok());
        }

        #[test]
        fn escapes_and_outer_space_change_nothing(envelope in envelope()) {
            let mut json = " \n\t\r".to_owned();
            for character in to_string(&envelope).chars() {
                if character.is_ascii() {
                    json.push(character);
                    continue;
                }
                for unit in character.encode_utf16(&mut [0; 2]) {
                    json += &format!("\\u{unit:04X}");
                }
            }
            json.push(' ');
            prop_assert_eq!(from_slice(json.as_bytes()), Ok(envelope));
        }

        #[test]
        fn no_bytes_panic_the_reader(bytes: Vec<u8>) {
            drop(from_slice::<Envelope>(&bytes));
            drop(from_slice_lenient::<Envelope>(&bytes));
        }

        #[test]
        fn no_damage_panics_the_reader(json in mutated(envelope().prop_map(|e| to_string(&e).into_bytes()))) {
            drop(from_slice::<Envelope>(&json));
            drop(from_slice_lenient::<Envelope>(&json));
        }

        /// The oracle for the grammar: a message without fields skips any object that is JSON, and
        /// no other.
        #[test]
        fn the_grammar_is_that_of_serde_json(json in mutated(value().prop_map(|v| format!("{{\"a\":{v:#}}}").into_bytes()))) {
            let mut parser = Parser::new(&json, UnknownFields::Skipped);
            let read = parser.top_level::<crate::realtime::Ping>().and_then(|_| parser.finish());
            let expected = serde_json::from_slice::<Value>(&json);
            let is_object = expected.as_ref().is_ok_and(Value::is_object);
            // A number beyond all doubles is JSON, but `serde_json` has no place for it.
            let is_giant = expected.is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert!(is_giant || read.is_ok() == is_object, "{read:?}");
        }
    }

    #[test]
    fn every_kind_of_message_is_sampled() {
        // What the properties above are worth depends on it.
        use proptest::{strategy::ValueTree, test_runner::TestRunner};
        let mut runner = TestRunner::deterministic();
        let mut kinds = std::collections::BTreeSet::new();
        for _ in 0..5_000 {
            let envelope = envelope().new_tree(&mut runner).unwrap().current();
            let json: Value = serde_json::from_str(&to_string(&envelope)).unwrap();
            let names = json
                .as_object()
                .unwrap()
                .keys()
                .filter(|name| *name != "cid");
            kinds.extend(names.cloned());
        }
        assert_eq!(kinds.len(), 50);
    }
}
