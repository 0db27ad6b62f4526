//! A pull parser over one JSON text.
//!
//! Written here because the mapping needs what general parsers hide: the digits of a number as they
//! stand, so that `1e3` and `9007199254740993.0` are exact integers, and duplicate fields.

use std::borrow::Cow;

use super::{FromJson, JsonError, JsonErrorKind, number::number_len};

/// Objects and arrays inside each other. Messages need 5; the rest is room for unknown fields of
/// newer clients, and what is left of a stack after it is plenty.
const DEPTH_MAX: usize = 128;

/// Characters of a wrong token or value that an error repeats.
const FOUND_CHARS_MAX: usize = 64;

/// What to do with a field that the message does not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum UnknownFields {
    Refused,
    Skipped,
}

/// One JSON text on its way into a message; only the readers of this crate can advance it.
#[derive(Debug)]
pub struct Parser<'a> {
    /// The text, up to the first byte that is not UTF-8.
    text: &'a str,
    /// Whether `text` ends where UTF-8 does rather than where the input does.
    is_cut: bool,
    /// Index into `text` of the next byte; always a character boundary.
    at: usize,
    depth: usize,
    unknown_fields: UnknownFields,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(json: &'a [u8], unknown_fields: UnknownFields) -> Self {
        let (text, is_cut) = match str::from_utf8(json) {
            Ok(text) => (text, false),
            Err(error) => {
                let valid = &json[..error.valid_up_to()];
                (str::from_utf8(valid).unwrap_or_default(), true)
            }
        };
        Self {
            text,
            is_cut,
            at: 0,
            depth: 0,
            unknown_fields,
        }
    }

    /// Whether nothing is left but white space.
    pub(crate) fn is_blank(&mut self) -> bool {
        self.peek().is_none() && !self.is_cut
    }

    /// Reads the object that the text must be.
    pub(crate) fn top_level<M: FromJson>(&mut self) -> Result<M, JsonError> {
        match self.peek() {
            Some(b'{') => M::read_json(self),
            _ => Err(self.unexpected()),
        }
    }

    /// Makes sure that nothing is left.
    pub(crate) fn finish(&mut self) -> Result<(), JsonError> {
        if self.is_blank() {
            return Ok(());
        }
        Err(self.unexpected())
    }

    /// The first byte of the next token, white space skipped; `None` at the end.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        for (index, byte) in rest.iter().enumerate() {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                self.at += index;
                return Some(*byte);
            }
        }
        self.at = self.text.len();
        None
    }

    /// Skips the next token if it is `byte`.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.at += 1;
        }
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.take(byte) {
            return Ok(());
        }
        Err(self.unexpected())
    }

    /// Skips the next token if it is `word`, one of the three that JSON has.
    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        self.peek();
        let is_next = self.text[self.at..].starts_with(word);
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    /// Reads an object; `member` is given each name and must read the value after it.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.open(b'{')?;
        if !self.take(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.unexpected());
                }
                let name = self.string()?;
                self.expect(b':')?;
                member(self, &name)?;
                if self.take(b'}') {
                    break;
                }
                self.expect(b',')?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads an array; `element` is called at each element and must read it.
    pub(crate) fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.open(b'[')?;
        if !self.take(b']') {
            loop {
                element(self)?;
                if self.take(b']') {
                    break;
                }
                self.expect(b',')?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn open(&mut self, bracket: u8) -> Result<(), JsonError> {
        self.expect(bracket)?;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error(JsonErrorKind::TooDeep));
        }
        Ok(())
    }

    /// Reads a string; the caller has seen its opening quote.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        let plain = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
            .unwrap_or(rest.len());
        self.at = start + plain;
        match rest.get(plain) {
            Some(b'"') => {
                self.at += 1;
                Ok(Cow::Borrowed(&self.text[start..start + plain]))
            }
            Some(b'\\') => self.string_with_escapes(start).map(Cow::Owned),
            Some(_) => Err(self.error(JsonErrorKind::InvalidString)),
            None => Err(self.unexpected()),
        }
    }

    /// Reads on from the first escape of a string that begins at `start`.
    fn string_with_escapes(&mut self, start: usize) -> Result<String, JsonError> {
        let mut string = self.text[start..self.at].to_owned();
        loop {
            let mut rest = self.text[self.at..].chars();
            match rest.next() {
                Some('"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some('\\') => string.push(self.escape()?),
                Some('\0'..' ') => return Err(self.error(JsonErrorKind::InvalidString)),
                Some(character) => {
                    string.push(character);
                    self.at += character.len_utf8();
                }
                None => return Err(self.unexpected()),
            }
        }
    }

    /// Reads one escape, or the two that are a surrogate pair.
    fn escape(&mut self) -> Result<char, JsonError> {
        let Some(letter) = self.text.as_bytes().get(self.at + 1) else {
            self.at = self.text.len();
            return Err(self.unexpected());
        };
        let character = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(self.error(JsonErrorKind::InvalidString)),
        };
        self.at += 2;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let invalid = |parser: &Self| parser.error(JsonErrorKind::InvalidString);
        let high = self.utf16_unit(self.at).ok_or_else(|| invalid(self))?;
        if let Some(character) = char::from_u32(u32::from(high)) {
            self.at += 6;
            return Ok(character);
        }
        let low = self.utf16_unit(self.at + 6).ok_or_else(|| invalid(self))?;
        let mut pair = char::decode_utf16([high, low]);
        let Some(Ok(character)) = pair.next() else {
            return Err(invalid(self));
        };
        self.at += 12;
        Ok(character)
    }

    /// The number in a `\uXXXX` at `at`.
    fn utf16_unit(&self, at: usize) -> Option<u16> {
        let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        // `from_str_radix` would take a sign.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u16::from_str_radix(digits, 16).ok()
    }

    /// Reads a number as it stands.
    pub(crate) fn number(&mut self) -> Result<&'a str, JsonError> {
        self.peek();
        let rest = &self.text[self.at..];
        let Some(len) = number_len(rest.as_bytes()) else {
            return Err(self.unexpected());
        };
        self.at += len;
        Ok(&rest[..len])
    }

    /// Skips the value of a field that the message does not have, or refuses the field.
    pub(crate) fn unknown_field(&mut self, name: &str) -> Result<(), JsonError> {
        match self.unknown_fields {
            UnknownFields::Refused => Err(self.error(JsonErrorKind::UnknownField(name.to_owned()))),
            UnknownFields::Skipped => self.skip(),
        }
    }

    fn skip(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => self.object(|parser, _| parser.skip()),
            Some(b'[') => self.array(Self::skip),
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number().map(drop),
            _ if ["null", "true", "false"]
                .iter()
                .any(|word| self.take_word(word)) =>
            {
                Ok(())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Where the next token begins.
    pub(crate) fn position(&mut self) -> usize {
        self.peek();
        self.at
    }

    pub(crate) fn error(&self, kind: JsonErrorKind) -> JsonError {
        JsonError::new(&self.text[..self.at], kind)
    }

    /// The error for a token that cannot stand here.
    fn unexpected(&self) -> JsonError {
        let rest = &self.text[self.at..];
        let word: String = rest
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .take(FOUND_CHARS_MAX)
            .collect();
        self.error(match rest.chars().next() {
            Some(_) if !word.is_empty() => JsonErrorKind::UnexpectedToken(word),
            Some(character) => JsonErrorKind::UnexpectedToken(character.into()),
            None if self.is_cut => JsonErrorKind::InvalidUtf8,
            None => JsonErrorKind::UnexpectedEnd,
        })
    }

    /// The error for a next value that is not an `expected`.
    pub(crate) fn wrong_type(&mut self, expected: &'static str) -> JsonError {
        let position = self.position();
        self.invalid_value(expected, position)
    }

    /// The error for a value at `position` that is not an `expected`.
    pub(crate) fn invalid_value(&self, expected: &'static str, position: usize) -> JsonError {
        let (before, value) = self.text.split_at(position);
        if value.is_empty() {
            return self.unexpected();
        }
        let ends = |character| matches!(character, ',' | '}' | ']' | '\n');
        let found = value.split(ends).next().unwrap_or_default();
        let kind = JsonErrorKind::InvalidValue {
            expected,
            field: String::new(),
            found: found.chars().take(FOUND_CHARS_MAX).collect(),
        };
        JsonError::new(before, kind)
    }
}
