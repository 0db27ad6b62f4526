//! Values from JSON.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use prost_types::Timestamp;

use super::{
    JsonError, JsonErrorKind, Parser,
    number::{is_number, parse_double, parse_integer},
    time::parse_timestamp,
};

/// A value that can be read from JSON: every message of this crate, and whatever their fields hold.
pub trait FromJson: Sized {
    /// Reads one value from where `parser` stands.
    ///
    /// # Errors
    ///
    /// If there is no such value: see [`JsonErrorKind`].
    fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError>;
}

impl FromJson for bool {
    fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError> {
        match parser.peek() {
            Some(b't') if parser.take_word("true") => Ok(true),
            Some(b'f') if parser.take_word("false") => Ok(false),
            _ => Err(parser.wrong_type("bool")),
        }
    }
}

impl FromJson for i32 {
    fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError> {
        read_number(parser, "int32", |text| parse_integer(text)?.try_into().ok())
    }
}

impl FromJson for i64 {
    fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError> {
        read_number(parser, "int64", |text| parse_integer(text)?.try_into().ok())
    }
}

impl FromJson for f64 {
    fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError> {
        let position = parser.position();
        if parser.peek() == Some(b'"') {
            let text = parser.string()?;
            let double = match &*text {
                "NaN" => Some(Self::NAN),
                "Infinity" => Some(Self::INFINITY),
                "-Infinity" => Some(Self::NEG_INFINITY),
                number if is_number(number) => parse_double(number),
                _ => None,
            };
            return double.ok_or_else(|| parser.invalid_value("double", position));
        }
        read_number(parser, "double", parse_double)
    }
}

impl FromJson for String {
    fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError> {
        read_text(parser, "string").map(Cow::into_owned)
    }
}

impl FromJson for Vec<u8> {
    fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError> {
        let position = parser.position();
        let text = read_text(parser, "bytes")?;
        decode_base64(&text).ok_or_else(|| parser.invalid_value("bytes", position))
    }
}

impl FromJson for Timestamp {
    fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError> {
        let position = parser.position();
        let text = read_text(parser, "timestamp")?;
        parse_timestamp(&text).ok_or_else(|| parser.invalid_value("timestamp", position))
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError> {
        if parser.peek() != Some(b'[') {
            return Err(parser.wrong_type("repeated"));
        }
        let mut elements = Self::new();
        parser.array(|parser| {
            elements.push(T::read_json(parser)?);
            Ok(())
        })?;
        Ok(elements)
    }
}

impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn read_json(parser: &mut Parser<'_>) -> Result<Self, JsonError> {
        if parser.peek() != Some(b'{') {
            return Err(parser.wrong_type("map"));
        }
        let mut map = Self::new();
        parser.object(|parser, key| {
            if map.contains_key(key) {
                return Err(parser.error(JsonErrorKind::DuplicateField(key.to_owned())));
            }
            map.insert(key.to_owned(), T::read_json(parser)?);
            Ok(())
        })?;
        Ok(map)
    }
}

fn read_text<'a>(
    parser: &mut Parser<'a>,
    expected: &'static str,
) -> Result<Cow<'a, str>, JsonError> {
    match parser.peek() {
        Some(b'"') => parser.string(),
        _ => Err(parser.wrong_type(expected)),
    }
}

/// Reads a number, or a string that holds one.
fn read_number<T>(
    parser: &mut Parser<'_>,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, JsonError> {
    let position = parser.position();
    let text = match parser.peek() {
        Some(b'"') => parser.string()?,
        Some(b'-' | b'0'..=b'9') => Cow::Borrowed(parser.number()?),
        _ => return Err(parser.invalid_value(expected, position)),
    };
    let value = if is_number(&text) { parse(&text) } else { None };
    value.ok_or_else(|| parser.invalid_value(expected, position))
}

/// Either alphabet, but not both in one text; padded wholly or not at all.
///
/// Bits beyond the last byte are not looked at, as in the reference server.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const PADDED: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    const BARE: GeneralPurposeConfig =
        PADDED.with_decode_padding_mode(DecodePaddingMode::RequireNone);

    let is_url_safe = text.contains(['-', '_']);
    let alphabet = if is_url_safe {
        &alphabet::URL_SAFE
    } else {
        &alphabet::STANDARD
    };
    let config = if text.len().is_multiple_of(4) {
        PADDED
    } else {
        BARE
    };
    GeneralPurpose::new(alphabet, config).decode(text).ok()
}
