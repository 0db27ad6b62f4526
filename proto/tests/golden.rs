//! Every kind of envelope against bytes and text that no encoder of ours has written.

use std::collections::BTreeSet;

use tiltyard_proto::{decode_protobuf, encode_protobuf, json, realtime::Envelope};

const ENVELOPES: &str = include_str!("golden/envelopes.txt");

struct Case {
    name: &'static str,
    json: &'static str,
    protobuf: Vec<u8>,
}

fn cases() -> impl Iterator<Item = Case> {
    ENVELOPES.split("\n== ").skip(1).map(|block| {
        let mut lines = block.lines();
        let mut next = || lines.next().expect("a case has a name and its JSON");
        let (name, json) = (next(), next());
        let protobuf = lines.flat_map(bytes_of_line).collect();
        Case {
            name,
            json,
            protobuf,
        }
    })
}

fn bytes_of_line(line: &str) -> impl Iterator<Item = u8> {
    let (bytes, _comment) = line.split_once(';').unwrap_or_default();
    bytes
        .split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits"))
}

#[test]
fn protobuf_decodes_to_what_the_json_says() {
    for Case {
        name,
        json,
        protobuf,
    } in cases()
    {
        let envelope = decode_protobuf(&protobuf).unwrap();
        assert_eq!(json::to_string(&envelope), json, "{name}");
    }
}

#[test]
fn json_encodes_to_what_the_protobuf_says() {
    for Case {
        name,
        json,
        protobuf,
    } in cases()
    {
        let envelope: Envelope = json::from_slice(json.as_bytes()).unwrap();
        assert_eq!(encode_protobuf(&envelope), protobuf, "{name}");
    }
}

#[test]
fn lower_camel_case_is_the_same_envelope() {
    for Case { name, json, .. } in cases() {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        let camel_case = with_camel_case_names(&value).to_string();
        assert_eq!(
            json::from_slice::<Envelope>(camel_case.as_bytes()),
            json::from_slice(json.as_bytes()),
            "{name}"
        );
    }
}

/// No map key in the cases has an underscore, so every name may be converted.
fn with_camel_case_names(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (camel_case(name), with_camel_case_names(value)))
            .collect(),
        Value::Array(elements) => elements.iter().map(with_camel_case_names).collect(),
        other => other.clone(),
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| {
        camel + &word[..1].to_uppercase() + &word[1..]
    })
}

#[test]
fn every_kind_of_envelope_has_a_case() {
    let numbers: BTreeSet<u32> = ENVELOPES
        .lines()
        // Members of the envelope are not indented; `cid` is number 1.
        .filter(|line| !line.starts_with([' ', '#', '=', '{']))
        .filter_map(|line| line.split_once("; ")?.1.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=51).collect());
}

#[test]
fn every_number_and_name_of_a_field_is_in_a_case() {
    // Of realtime.proto, and of the three messages that it takes from api.proto.
    let api = include_str!("../proto/api.proto");
    let (shared, _) = api.split_once("message Session").unwrap();
    let proto = include_str!("../proto/realtime.proto").to_owned() + shared;
    let fields = proto.lines().filter_map(|line| {
        let (declaration, number) = line.trim().strip_suffix(';')?.split_once(" = ")?;
        let (_, name) = declaration.rsplit_once(' ')?;
        Some(format!("; {number} {name}"))
    });
    for field in fields.filter(|field| !field.contains('"')) {
        let has_case = |line: &str| {
            line.find(&field).is_some_and(|at| {
                matches!(line.as_bytes().get(at + field.len()), None | Some(b' '))
            })
        };
        assert!(ENVELOPES.lines().any(has_case), "{field}");
    }
}
