//! Values to JSON.

use std::{collections::BTreeMap, io::Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use prost_types::Timestamp;

use super::{number::write_double, time::write_timestamp};

/// A value with a JSON form: every message of this crate, and whatever their fields hold.
pub trait ToJson {
    /// Appends the value to `out`.
    fn write_json(&self, out: &mut Vec<u8>);

    /// Whether a field that holds the value is left out.
    ///
    /// Never for messages: as fields they are in an [`Option`], which says it already.
    fn is_default(&self) -> bool {
        false
    }
}

impl ToJson for bool {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }

    fn is_default(&self) -> bool {
        !self
    }
}

impl ToJson for i32 {
    fn write_json(&self, out: &mut Vec<u8>) {
        write!(out, "{self}").expect("a Vec takes everything");
    }

    fn is_default(&self) -> bool {
        *self == 0
    }
}

/// A string, because JavaScript numbers end at 53 bits.
impl ToJson for i64 {
    fn write_json(&self, out: &mut Vec<u8>) {
        write!(out, "\"{self}\"").expect("a Vec takes everything");
    }

    fn is_default(&self) -> bool {
        *self == 0
    }
}

impl ToJson for f64 {
    fn write_json(&self, out: &mut Vec<u8>) {
        write_double(*self, out);
    }

    fn is_default(&self) -> bool {
        *self == 0.0
    }
}

impl ToJson for String {
    fn write_json(&self, out: &mut Vec<u8>) {
        write_string(self, out);
    }

    fn is_default(&self) -> bool {
        self.is_empty()
    }
}

/// Base64.
impl ToJson for Vec<u8> {
    fn write_json(&self, out: &mut Vec<u8>) {
        write_base64(self, out);
    }

    fn is_default(&self) -> bool {
        self.is_empty()
    }
}

impl ToJson for Timestamp {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        write_timestamp(self, out);
        out.push(b'"');
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, element) in self.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            element.write_json(out);
        }
        out.push(b']');
    }

    fn is_default(&self) -> bool {
        self.is_empty()
    }
}

impl<T: ToJson> ToJson for BTreeMap<String, T> {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (index, (key, value)) in self.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(key, out);
            out.push(b':');
            value.write_json(out);
        }
        out.push(b'}');
    }

    fn is_default(&self) -> bool {
        self.is_empty()
    }
}

/// Appends `string` in quotes, with only the escapes that JSON asks for.
pub(crate) fn write_string(string: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = string.as_bytes();
    while let Some(index) = rest.iter().position(|byte| needs_escape(*byte)) {
        out.extend_from_slice(&rest[..index]);
        write_escape(rest[index], out);
        rest = &rest[index + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let letter = match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x8 => b'b',
        0xc => b'f',
        b'"' | b'\\' => byte,
        _ => return write!(out, "\\u{byte:04x}").expect("a Vec takes everything"),
    };
    out.extend_from_slice(&[b'\\', letter]);
}

/// Appends `bytes` in quotes: standard alphabet, padded.
pub(crate) fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    STANDARD
        .encode_slice(bytes, &mut out[start..])
        .expect("every 3 bytes have room for 4 characters");
    out.push(b'"');
}
