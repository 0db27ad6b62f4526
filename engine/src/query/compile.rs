//! Queries ready to be asked, and how one document answers.

use crate::query::{
    Document, PATTERNS_BYTES_MAX, Query, QueryError,
    clause::{Clause, Occur, Value},
    condition::Condition,
};

/// A query that can be evaluated.
///
/// It takes up to [`PATTERNS_BYTES_MAX`] of memory, which clones share; where many queries wait,
/// a [`Query`] is the form to keep.
#[derive(Clone, Debug)]
pub struct CompiledQuery {
    /// In the order of the text, in which scores are added up.
    pub(super) clauses: Vec<CompiledClause>,
}

impl Query {
    /// Prepares the query for evaluation.
    ///
    /// # Errors
    ///
    /// [`QueryError::Clause`] if a clause has a regular expression that is wrong or too costly, a
    /// wildcard that is too costly, or an edit distance that is negative or above 2.
    pub fn compile(&self) -> Result<CompiledQuery, QueryError> {
        let mut bytes_left = PATTERNS_BYTES_MAX;
        let clauses = self.clauses.iter().map(|clause| {
            let clause = CompiledClause::new(clause, bytes_left)?;
            if let Condition::Pattern(pattern) = &clause.condition {
                bytes_left = bytes_left.saturating_sub(pattern.bytes());
            }
            Ok(clause)
        });
        Ok(CompiledQuery {
            clauses: clauses.collect::<Result<_, QueryError>>()?,
        })
    }
}

impl CompiledQuery {
    /// How well `document` matches, or `None` if it does not.
    ///
    /// The score is the sum over all matching clauses without `-`, and 1 for a query that has no
    /// other clauses. With boosts it may be anything finite or infinite, but is never NaN.
    pub fn score(&self, document: &Document) -> Option<f64> {
        let mut tally = Tally::default();
        for clause in &self.clauses {
            let matched = clause
                .field
                .as_deref()
                .and_then(|field| document.field(field));
            let mut hit = false;
            if let Some(values) = matched {
                clause.condition.hits(values, |weight| {
                    hit = true;
                    tally.add(clause, weight);
                });
            }
            if hit {
                tally.count(clause);
            }
            let excludes = if hit { Occur::MustNot } else { Occur::Must };
            if clause.occur == excludes {
                return None;
            }
        }
        self.conclude(&tally)
    }

    /// Whether all documents that match have the same score, if no field of theirs has several values.
    pub(crate) fn scores_alike(&self) -> bool {
        self.clauses.iter().all(|clause| {
            let alike = !matches!(clause.condition, Condition::Fuzzy { .. })
                && !clause.condition.matches_any_number();
            clause.occur == Occur::MustNot || (clause.occur == Occur::Must && alike)
        })
    }

    /// What its patterns take in memory.
    pub(crate) fn pattern_bytes(&self) -> usize {
        let patterns = self.clauses.iter().map(|clause| match &clause.condition {
            Condition::Pattern(pattern) => pattern.bytes(),
            _ => 0,
        });
        patterns.sum()
    }

    /// The score of a document, given what all clauses found in it.
    pub(super) fn conclude(&self, tally: &Tally) -> Option<f64> {
        let (mut required, mut optional) = (0, 0);
        for clause in &self.clauses {
            match clause.occur {
                Occur::Must => required += 1,
                Occur::Should => optional += 1,
                Occur::MustNot => {}
            }
        }
        let some_required = required > 0 || optional == 0 || tally.optional > 0;
        if tally.excluded > 0 || tally.required < required || !some_required {
            return None;
        }
        let score = if required + optional > 0 {
            tally.score
        } else {
            1.0
        };
        // Infinities of both signs can meet, as boosts are any float.
        Some(if score.is_nan() { 0.0 } else { score })
    }
}

/// What the clauses of a query found in one document.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    score: f64,
    required: u8,
    optional: u8,
    excluded: u8,
}

impl Tally {
    /// Adds the weight of one match of `clause`; there may be several.
    pub(super) fn add(&mut self, clause: &CompiledClause, weight: f64) {
        if clause.occur != Occur::MustNot {
            self.score += weight * clause.weight;
        }
    }

    /// Counts `clause` as matched, once per clause.
    pub(super) fn count(&mut self, clause: &CompiledClause) {
        let count = match clause.occur {
            Occur::Must => &mut self.required,
            Occur::Should => &mut self.optional,
            Occur::MustNot => &mut self.excluded,
        };
        *count += 1;
    }
}

/// One condition, ready to be evaluated.
#[derive(Clone, Debug)]
pub(super) struct CompiledClause {
    pub(super) occur: Occur,
    pub(super) field: Option<Box<str>>,
    pub(super) condition: Condition,
    /// What a match adds to the score: the boost, except that an exact term counts its square and
    /// a date range ignores it. Both are faults of the reference server that decide the order.
    weight: f64,
}

impl CompiledClause {
    fn new(clause: &Clause, bytes_max: usize) -> Result<Self, QueryError> {
        let condition = Condition::new(&clause.value, bytes_max)?;
        let weight = match &clause.value {
            Value::Exact(_) => clause.boost * clause.boost,
            Value::DateRange(..) => 1.0,
            _ => clause.boost,
        };
        let field = clause.field.as_deref().map(Into::into);
        Ok(Self {
            occur: clause.occur,
            field,
            condition,
            weight,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
    fn boost_is_squared_for_terms_linear_for_others_and_ignored_for_dates() {
        let json = json!({"a": "x", "n": 5, "when": "2024-05-01"});
        assert_eq!(score("l.a:x^3", &json), Some(9.0));
        assert_eq!(score("l.a:x^0.5", &json), Some(0.25));
        assert_eq!(score("l.n:5^3", &json), Some(3.0));
        assert_eq!(score("l.n:>4^3", &json), Some(3.0));
        assert_eq!(score("l.a:x*^3", &json), Some(3.0));
        assert_eq!(score("l.a:/x/^3", &json), Some(3.0));
        assert_eq!(
            score("l.when:>\"2024-01-01T00:00:00Z\"^3", &json),
            Some(1.0)
        );
        assert_eq!(score("l.a:x^", &json), Some(1.0), "an empty boost is 1");
    }

    #[test]
    fn each_matching_alternative_and_term_counts() {
        let json = json!({"n": [5, "5"], "tags": ["ab", "ac", "b"]});
        assert_eq!(score("l.n:5^2", &json), Some(4.0));
        assert_eq!(score("l.n:5.0", &json), Some(1.0));
        assert_eq!(score("l.tags:a*^2", &json), Some(4.0));
        assert_eq!(score("l.tags:/a.|b/", &json), Some(3.0));
        assert_eq!(score("+l.tags:ab -l.tags:x l.n:5", &json), Some(3.0));
    }

    #[test]
    fn queries_without_wishes_score_all_alike() {
        assert_eq!(score("*", &json!({})), Some(1.0));
        assert_eq!(score("-l.a:x -l.a:y", &json!({"a": "z"})), Some(1.0));
        assert_eq!(score("-l.a:x", &json!({"a": "x"})), None);
    }

    #[test]
    fn zero_and_negative_boosts_do_not_change_who_matches() {
        assert_eq!(score("l.a:x^0", &json!({"a": "x"})), Some(0.0));
        assert_eq!(score("l.a:/x/^-2", &json!({"a": "x"})), Some(-2.0));
        let opposed = "l.a:/x/^-1e308 l.a:/x/^-1e308 l.a:x^1e300";
        assert_eq!(
            score(opposed, &json!({"a": "x"})),
            Some(0.0),
            "a score is never NaN"
        );
    }

    #[test]
    fn fuzzy_scores_fall_with_distance() {
        let [same, one, two] =
            ["duel", "dual", "dua"].map(|term| score("l.a:duel~2", &json!({"a": term})).unwrap());
        assert!(same > one && one > two && two > 0.0);
        assert!(
            matches("l.a:x~1", &json!({"a": "y"})),
            "membership does not depend on the score"
        );
        assert!(matches("l.a:x~1", &json!({"a": ""})));
    }

    #[test]
    fn patterns_share_one_budget() {
        let compile = |clause: &str, count| Query::parse(&clause.repeat(count)).unwrap().compile();
        let blocked = r"-a:/.*0192f0c1\-5b3e\-7c11\-9d5e\-3a1b2c4d5e6f.*/ ";
        assert!(
            compile(blocked, 32).is_ok(),
            "ids fit, as many as a query has clauses"
        );
        assert!(compile("a:/.{0,100}/ ", 4).is_ok());
        let too_much = compile("a:/.{0,100}/ ", 16);
        assert!(matches!(too_much, Err(QueryError::Clause { .. })));
    }
}
