//! What one clause asks of the values of its field.

use std::ops::{Bound, RangeBounds};

use crate::query::{
    QueryError,
    clause::{Comparison, Value},
    document::Values,
    fuzzy::{self, EDITS_MAX},
    pattern::Pattern,
    sort_key::SortKey,
};

/// What a clause asks of the values of its field.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Nothing,
    Exact(Box<str>),
    Number { key: SortKey, spelled: Box<str> },
    Range(Bound<SortKey>, Bound<SortKey>),
    Pattern(Pattern),
    Fuzzy { text: Box<str>, edits_max: usize },
}

impl Condition {
    pub(super) fn new(value: &Value, bytes_max: usize) -> Result<Self, QueryError> {
        Ok(match value {
            Value::Phrase => Self::Nothing,
            Value::Exact(text) => Self::Exact(text.as_str().into()),
            Value::Number { number, spelled } => Self::Number {
                key: SortKey::number(*number),
                spelled: spelled.as_str().into(),
            },
            Value::NumberRange(comparison, key) | Value::DateRange(comparison, key) => {
                Self::range(*comparison, *key)
            }
            Value::Wildcard(text) => Self::Pattern(
                Pattern::wildcard(text, bytes_max)
                    .map_err(|problem| QueryError::clause(text, problem))?,
            ),
            Value::Regex(source) => Self::Pattern(
                Pattern::regex(source, bytes_max)
                    .map_err(|problem| QueryError::clause(source, problem))?,
            ),
            Value::Fuzzy { text, edits } => Self::Fuzzy {
                edits_max: edits_max(text, *edits)?,
                text: text.as_str().into(),
            },
        })
    }

    fn range(comparison: Comparison, key: SortKey) -> Self {
        let (low, high) = match comparison {
            Comparison::Greater => (Bound::Excluded(key), Bound::Unbounded),
            Comparison::GreaterOrEqual => (Bound::Included(key), Bound::Unbounded),
            Comparison::Less => (Bound::Unbounded, Bound::Excluded(key)),
            Comparison::LessOrEqual => (Bound::Unbounded, Bound::Included(key)),
        };
        Self::Range(low, high)
    }

    /// Calls `hit` with the weight of each match among `values`. The index finds the same matches
    /// in the same order, so that both add up the same score to the last bit.
    pub(super) fn hits(&self, values: &Values, mut hit: impl FnMut(f64)) {
        match self {
            Self::Nothing => {}
            Self::Exact(text) => {
                if values.has_term(text) {
                    hit(1.0);
                }
            }
            Self::Number { key, spelled } => {
                if values.numbers.binary_search(key).is_ok() {
                    hit(1.0);
                }
                if values.has_term(spelled) {
                    hit(1.0);
                }
            }
            // Several numbers in a range are one match.
            Self::Range(low, high) => {
                if values.numbers.iter().any(|key| (*low, *high).contains(key)) {
                    hit(1.0);
                }
            }
            Self::Pattern(_) | Self::Fuzzy { .. } => {
                values
                    .terms
                    .iter()
                    .filter_map(|term| self.weigh_term(term))
                    .for_each(&mut hit);
                if self.matches_any_number() {
                    values.numbers.iter().for_each(|_| hit(NUMBER_TERMS));
                }
            }
        }
    }

    /// The weight of `term` for a pattern or a fuzzy text.
    pub(super) fn weigh_term(&self, term: &str) -> Option<f64> {
        match self {
            Self::Pattern(pattern) => pattern.matches(term).then_some(1.0),
            Self::Fuzzy { text, edits_max } => {
                let edits = fuzzy::edits_within(text, term, *edits_max)?;
                let length = text.chars().count().min(term.chars().count());
                Some(similarity(edits, length))
            }
            _ => None,
        }
    }

    pub(super) fn matches_any_number(&self) -> bool {
        matches!(self, Self::Pattern(pattern) if pattern.matches_numbers())
    }
}

fn edits_max(text: &str, edits: f64) -> Result<usize, QueryError> {
    match edits.trunc() {
        0.0 => Ok(0),
        1.0 => Ok(1),
        2.0 => Ok(EDITS_MAX),
        _ => Err(QueryError::clause(
            text,
            "the number of edits must be 0, 1 or 2",
        )),
    }
}

/// Lucene's measure: 1 for the same text, less for every edit, relative to the shorter text.
fn similarity(edits: usize, length: usize) -> f64 {
    if edits >= length.max(1) {
        return 0.0;
    }
    let [edits, length] = [edits, length].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    1.0 - f64::from(edits) / f64::from(length)
}

/// Terms that stand for one number in the reference server's index, one for each 4 bits of 64. A
/// pattern that matches any number scores for each.
pub(super) const NUMBER_TERMS: f64 = 16.0;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::query::{Document, Query};

    fn score(query: &str, json: &serde_json::Value) -> Option<f64> {
        let document = Document::builder().json("l", json).build();
        Query::parse(query)
            .unwrap()
            .compile()
            .unwrap()
            .score(&document)
    }

    fn matches(query: &str, json: &serde_json::Value) -> bool {
        score(query, json).is_some()
    }

    #[test]
    fn a_range_counts_once_however_many_numbers_are_in_it() {
        assert_eq!(score("l.n:>0", &json!({"n": [1, 2, 3]})), Some(1.0));
    }

    #[test]
    fn the_distance_is_truncated_and_at_most_two() {
        assert!(matches("l.a:duel~1.9", &json!({"a": "dual"})));
        assert!(!matches("l.a:duel~0.9", &json!({"a": "dual"})));
        assert!(matches("l.a:duel~0", &json!({"a": "duel"})));
        assert!(matches("l.a:duel~", &json!({"a": "dual"})));
        for query in ["a:b~3", "a:b~-1", "b~9", "a:b~nan", "a:b~inf"] {
            let compiled = Query::parse(query).unwrap().compile();
            assert!(
                matches!(compiled, Err(QueryError::Clause { .. })),
                "{query}"
            );
        }
    }

    #[test]
    fn numbers_are_found_by_value_and_terms_by_spelling() {
        assert!(matches("l.n:00", &json!({"n": 0})));
        assert!(!matches("l.n:00", &json!({"n": "0"})));
        assert!(matches("l.n:00", &json!({"n": "00"})));
        assert!(!matches("l.n:-0", &json!({"n": 0})));
        assert!(matches("l.n:-5", &json!({"n": "-5"})));
        assert!(!matches("l.n:1e1", &json!({"n": 10})));
        assert!(matches("l.n:1e1", &json!({"n": "1e1"})));
        assert!(matches("l.n:.5", &json!({"n": ".5"})) && !matches("l.n:.5", &json!({"n": 0.5})));
        assert!(matches(
            "l.n:9007199254740993",
            &json!({"n": 9_007_199_254_740_992_u64})
        ));
    }

    #[test]
    fn numbers_and_dates_share_one_axis() {
        assert!(matches("l.when:>0", &json!({"when": "1970-01-02"})));
        assert!(!matches("l.when:>0", &json!({"when": "1969-12-31"})));
        assert!(matches(
            "l.level:>\"1970-01-01T00:00:00Z\"",
            &json!({"level": 5})
        ));
        assert!(!matches(
            "l.level:>\"1970-01-01T00:00:00Z\"",
            &json!({"level": -5})
        ));
        assert!(matches(
            "l.when:<\"9999-01-01T00:00:00Z\"",
            &json!({"when": "9998-01-01"})
        ));
    }

    #[test]
    fn any_value_matches_a_lone_star() {
        for json in [
            json!({"a": ""}),
            json!({"a": 5}),
            json!({"a": "2024-05-01"}),
            json!({"a": false}),
        ] {
            assert!(matches("+l.a:*", &json), "{json}");
        }
        assert_eq!(score("l.a:*^2", &json!({"a": 5})), Some(32.0));
        assert!(
            !matches("l.a:5*", &json!({"a": 55})),
            "other patterns look at terms only"
        );
    }

    #[test]
    fn text_needs_its_field_and_its_spelling() {
        assert!(matches(r"l.p:a(b)", &json!({"p": "a(b)"})));
        assert!(matches(r"l.p:/a\\\(b\\\)/", &json!({"p": "a(b)"})));
        assert!(
            matches(r"l.p:/a\.b/", &json!({"p": "a.b"}))
                && !matches(r"l.p:/a\.b/", &json!({"p": "axb"}))
        );
        assert!(matches(r"l.p:\-x", &json!({"p": "-x"})));
        assert!(matches("l.p:a\tb", &json!({"p": "a\tb"})));
        assert!(
            matches(r"l.p:/[\^a]/", &json!({"p": "b"}))
                && !matches(r"l.p:/[\^a]/", &json!({"p": "a"}))
        );
        assert!(matches("l.a.b.c:x", &json!({"a.b": {"c": "x"}})));
        assert!(!matches("x", &json!({"p": "x"})) && !matches("+x l.p:x", &json!({"p": "x"})));
        assert!(matches("-x l.p:x", &json!({"p": "x"})));
        assert!(!matches("l.p:\"x\"", &json!({"p": "x"})) && !matches("\"x\"", &json!({"p": "x"})));
    }
}
