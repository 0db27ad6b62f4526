//! Queries as data: what was asked for, before anything is evaluated.

use crate::query::{QueryError, parser, sort_key::SortKey};

/// A query whose syntax is right.
///
/// Regular expressions and edit distances are looked at only by [`Query::compile`].
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// None match every document.
    pub(super) clauses: Vec<Clause>,
}

impl Query {
    /// The query that every document matches, written `*`.
    pub fn all() -> Self {
        Self {
            clauses: Vec::new(),
        }
    }

    /// The query for documents whose `field` has exactly the term `text`, whatever characters
    /// there are in either.
    pub fn exact(field: impl Into<String>, text: impl Into<String>) -> Self {
        let value = Value::Exact(text.into());
        let field = Some(field.into());
        Self {
            clauses: vec![Clause {
                occur: Occur::Must,
                field,
                value,
                boost: 1.0,
            }],
        }
    }

    /// Reads a query. The text `*` alone matches all; what empty text means is the caller's
    /// decision, and here it is an error like any other query without a clause.
    ///
    /// # Errors
    ///
    /// [`QueryError::Syntax`] if the text is no query, which includes boosts, distances and
    /// numbers that cannot be read and dates that are not full RFC 3339;
    /// [`QueryError::TooLarge`] if it exceeds [`QUERY_BYTES_MAX`], [`CLAUSES_MAX`] or
    /// [`REGEX_BYTES_MAX`](crate::query::REGEX_BYTES_MAX).
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text == "*" {
            return Ok(Self::all());
        }
        if text.len() > QUERY_BYTES_MAX {
            return Err(QueryError::TooLarge {
                what: "bytes of query",
                max: QUERY_BYTES_MAX,
            });
        }
        Ok(Self {
            clauses: parser::clauses(text)?,
        })
    }
}

/// One condition of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clause {
    pub(super) occur: Occur,
    /// There is no default field: without one, nothing matches.
    pub(super) field: Option<String>,
    pub(super) value: Value,
    pub(super) boost: f64,
}

/// What a clause's match means for the document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Occur {
    Must,
    MustNot,
    Should,
}

/// What a clause looks for in its field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Exact(String),
    /// With `*` or `?` in it.
    Wildcard(String),
    /// Without its slashes.
    Regex(String),
    Fuzzy {
        text: String,
        edits: f64,
    },
    /// A number, or a term that is spelled like it.
    Number {
        number: f64,
        spelled: String,
    },
    NumberRange(Comparison, SortKey),
    DateRange(Comparison, SortKey),
    /// Matches nothing, as terms are indexed without positions.
    Phrase,
}

/// On which side of a bound a range lies, and whether it includes the bound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Bytes of a query.
///
/// The reference server has no limit of its own. The longest queries in use exclude players one
/// by one, at about 60 bytes each; 2 KiB, the limit of a label, is room for [`CLAUSES_MAX`] such
/// clauses.
pub const QUERY_BYTES_MAX: usize = 2048;

/// Clauses of a query.
///
/// Each costs up to one look at every document, so this bounds what one search may cost.
pub const CLAUSES_MAX: usize = 32;
// Tallies count clauses in a byte.
const _: () = assert!(CLAUSES_MAX <= 255);
