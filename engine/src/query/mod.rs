//! The query language of match listing, party listing and the matchmaker.
//!
//! Text becomes a [`Query`] (its syntax is right), a query becomes a [`CompiledQuery`] (its
//! regular expressions and edit distances are right too), and that is asked of a [`Document`],
//! the indexed form of a label or of a ticket's properties, or of a whole [`Index`] of them.
//! The two steps are apart because the matchmaker accepts a ticket whose query has the first
//! quality only; such a ticket finds nothing.
//!
//! ```text
//! "+label.mode:duel" → lexer → parser (Query) → compile (CompiledQuery) ─┐
//! {"mode":"duel"}    → document (Document) → index (Index) ──────────────┴→ (id, score)
//! ```
//!
//! The language is the reference server's, with its oddities: prefixes `+` and `-` instead of
//! boolean words, no default field, phrases that match nothing, squared boosts of exact terms.
//! What a client sends is bounded by [`QUERY_BYTES_MAX`], [`CLAUSES_MAX`] and
//! [`REGEX_BYTES_MAX`], and patterns run as automata of bounded size, in time linear in the text
//! that they look at, whatever the pattern.
//!
//! ```
//! use serde_json::json;
//! use tiltyard::query::{Document, Index, Query};
//!
//! let mut index = Index::new();
//! index.insert(1, Document::builder().json("label", &json!({"mode": "duel", "level": 7})).build());
//! index.insert(2, Document::builder().json("label", &json!({"mode": "melee"})).build());
//!
//! let query = Query::parse("+label.mode:duel label.level:>5")?.compile()?;
//! assert_eq!(index.search(&query), [(1, 2.0)]);
//! # Ok::<(), tiltyard::query::QueryError>(())
//! ```

mod arrivals;
mod clause;
mod compile;
mod condition;
mod date;
mod document;
mod error;
mod fuzzy;
mod index;
mod lexer;
mod parser;
mod pattern;
mod postings;
mod sort_key;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod properties;

pub(crate) use arrivals::{ArrivalIndex, Narrowed};
pub use clause::{CLAUSES_MAX, QUERY_BYTES_MAX, Query};
pub use compile::CompiledQuery;
pub use document::{Document, DocumentBuilder};
pub use error::QueryError;
pub use index::Index;
pub use pattern::{PATTERNS_BYTES_MAX, REGEX_BYTES_MAX};
