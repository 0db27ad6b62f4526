//! What can be wrong with a query.

use thiserror::Error;

/// Why a query was refused.
///
/// All variants are the asker's mistake. They differ in when they are found: a ticket whose query
/// fails to compile is accepted and finds nothing, whereas one that fails to parse is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum QueryError {
    /// The text is no query: found when parsing.
    #[error("syntax error at byte {at}: {problem}")]
    Syntax {
        /// Where in the text, in bytes from its start.
        at: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// The text is longer or has more parts than this server evaluates: found when parsing.
    #[error("{what}: more than {max}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The limit that was exceeded.
        max: usize,
    },
    /// The text is a query, but one clause cannot be evaluated: found when compiling.
    #[error("cannot evaluate {text:?}: {problem}")]
    Clause {
        /// The value of the clause.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl QueryError {
    pub(super) fn clause(text: &str, problem: impl ToString) -> Self {
        Self::Clause {
            text: text.to_owned(),
            problem: problem.to_string(),
        }
    }
}
