//! Why a JSON text was refused, and where.

use std::fmt;

use thiserror::Error;

/// A JSON text that is not the message asked for.
///
/// Displays like the reference server's answer: `proto: (line 1:21): duplicate field "open"`.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub struct JsonError {
    // Boxed so that results stay one word on the way up.
    inner: Box<Inner>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Inner {
    line: usize,
    column: usize,
    kind: JsonErrorKind,
}

/// What is wrong with a JSON text.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// The text ends inside the message.
    #[error("unexpected EOF")]
    UnexpectedEnd,
    /// Not JSON, or JSON after the message. Holds the word or character found.
    #[error("unexpected token {0}")]
    UnexpectedToken(String),
    /// A string with a control character, or an escape that is none, such as a lone surrogate.
    #[error("invalid escape or control character in string")]
    InvalidString,
    /// Not UTF-8.
    #[error("invalid UTF-8 in string")]
    InvalidUtf8,
    /// More than 128 objects and arrays inside each other.
    #[error("exceeded maximum recursion depth")]
    TooDeep,
    /// A field that the message does not have.
    #[error("unknown field {0:?}")]
    UnknownField(String),
    /// A field or map key given twice, be it in two spellings.
    #[error("duplicate field {0:?}")]
    DuplicateField(String),
    /// A second field of a choice of which only one may be set.
    #[error("{0:?} excludes a field that is already set")]
    ChoiceTaken(String),
    /// A value of the wrong type or out of range.
    #[error("invalid value for {expected} field {field}: {found}")]
    InvalidValue {
        /// The type asked for.
        expected: &'static str,
        /// The innermost field.
        field: String,
        /// The beginning of the value found.
        found: String,
    },
}

impl JsonError {
    /// `before` is the text up to what is wrong.
    pub(crate) fn new(before: &str, kind: JsonErrorKind) -> Self {
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let in_line = before.rsplit('\n').next().unwrap_or_default();
        let column = in_line.chars().count() + 1;
        let inner = Inner { line, column, kind };
        Self {
            inner: Box::new(inner),
        }
    }

    /// Says of a wrong value which field it is for, unless that is known.
    pub(crate) fn in_field(mut self, name: &str) -> Self {
        if let JsonErrorKind::InvalidValue { field, .. } = &mut self.inner.kind
            && field.is_empty()
        {
            name.clone_into(field);
        }
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> &JsonErrorKind {
        &self.inner.kind
    }

    /// Line of the text, from 1.
    pub fn line(&self) -> usize {
        self.inner.line
    }

    /// Character in the line, from 1.
    pub fn column(&self) -> usize {
        self.inner.column
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { line, column, kind } = &*self.inner;
        match kind {
            JsonErrorKind::UnexpectedEnd => write!(f, "{kind}"),
            JsonErrorKind::UnexpectedToken(_)
            | JsonErrorKind::InvalidString
            | JsonErrorKind::InvalidUtf8 => {
                write!(f, "proto: syntax error (line {line}:{column}): {kind}")
            }
            _ => write!(f, "proto: (line {line}:{column}): {kind}"),
        }
    }
}
