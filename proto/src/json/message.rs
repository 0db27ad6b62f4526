//! What the generated coding of messages is made of.

use super::{FromJson, JsonError, JsonErrorKind, Parser, ToJson};

/// Writes one object.
pub(crate) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            is_empty: true,
        }
    }

    /// A field that is left out when it holds its default.
    pub(crate) fn plain<T: ToJson>(&mut self, name: &'static str, value: &T) {
        if !value.is_default() {
            self.member(name, value);
        }
    }

    /// A field that is left out when it is not set.
    pub(crate) fn optional<T: ToJson>(&mut self, name: &'static str, value: &Option<T>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    pub(crate) fn member<T: ToJson>(&mut self, name: &'static str, value: &T) {
        value.write_json(self.name(name));
    }

    /// Writes a name, and gives the place where its value belongs.
    pub(crate) fn name(&mut self, name: &'static str) -> &mut Vec<u8> {
        let before: &[u8] = if self.is_empty { b"\"" } else { b",\"" };
        self.is_empty = false;
        self.out.extend_from_slice(before);
        // Names of fields need no escapes.
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }
}

/// A message that can take its members one at a time.
pub(crate) trait ReadMembers: Default {
    /// Reads the value of the member called `name`, in either spelling; `false` if there is none.
    fn read_member(
        &mut self,
        name: &str,
        value: &mut MemberReader<'_, '_>,
    ) -> Result<bool, JsonError>;
}

pub(crate) fn read_message<M: ReadMembers>(parser: &mut Parser<'_>) -> Result<M, JsonError> {
    if parser.peek() != Some(b'{') {
        return Err(parser.wrong_type("message"));
    }
    let mut message = M::default();
    let mut seen = 0;
    parser.object(|parser, name| {
        let mut value = MemberReader {
            parser,
            name,
            seen: &mut seen,
        };
        let is_known = message
            .read_member(name, &mut value)
            .map_err(|error| error.in_field(name))?;
        if is_known {
            return Ok(());
        }
        parser.unknown_field(name)
    })?;
    Ok(message)
}

/// Reads the value of one member.
pub(crate) struct MemberReader<'p, 'a> {
    parser: &'p mut Parser<'a>,
    name: &'p str,
    /// One bit for each member that the object had so far.
    seen: &'p mut u64,
}

impl MemberReader<'_, '_> {
    /// Whether the value is there rather than `null`. `bit` stands for the member; a second time is
    /// refused, even after `null`.
    pub(crate) fn is_present(&mut self, bit: u32) -> Result<bool, JsonError> {
        let mask = 1 << bit;
        if *self.seen & mask != 0 {
            return Err(self.refuse(JsonErrorKind::DuplicateField));
        }
        *self.seen |= mask;
        Ok(!self.parser.take_word("null"))
    }

    /// Refuses a member of a choice when another one `is_taken`.
    pub(crate) fn choose(&self, is_taken: bool) -> Result<(), JsonError> {
        if is_taken {
            return Err(self.refuse(JsonErrorKind::ChoiceTaken));
        }
        Ok(())
    }

    pub(crate) fn read<T: FromJson>(&mut self) -> Result<T, JsonError> {
        T::read_json(self.parser)
    }

    fn refuse(&self, kind: fn(String) -> JsonErrorKind) -> JsonError {
        self.parser.error(kind(self.name.to_owned()))
    }
}
