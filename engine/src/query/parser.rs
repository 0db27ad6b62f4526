//! Turns tokens into clauses.

use crate::query::{
    CLAUSES_MAX, QueryError, REGEX_BYTES_MAX,
    clause::{Clause, Comparison, Occur, Value},
    date,
    lexer::{self, Token, TokenKind},
    sort_key::SortKey,
};

/// Reads the clauses of a query, of which there is at least one.
pub(super) fn clauses(text: &str) -> Result<Vec<Clause>, QueryError> {
    let mut parser = Parser {
        tokens: lexer::tokens(text)?.into_iter().peekable(),
        end: text.len(),
    };
    let mut clauses = vec![parser.clause()?];
    while parser.tokens.peek().is_some() {
        if clauses.len() == CLAUSES_MAX {
            return Err(QueryError::TooLarge {
                what: "clauses in a query",
                max: CLAUSES_MAX,
            });
        }
        clauses.push(parser.clause()?);
    }
    Ok(clauses)
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    /// Length of the text, which is where an error at its end is reported.
    end: usize,
}

impl Parser {
    fn clause(&mut self) -> Result<Clause, QueryError> {
        let occur = if self.take(&TokenKind::Plus) {
            Occur::Must
        } else if self.take(&TokenKind::Minus) {
            Occur::MustNot
        } else {
            Occur::Should
        };
        let (field, value) = self.base()?;
        let boost = self.boost()?;
        Ok(Clause {
            occur,
            field,
            value,
            boost,
        })
    }

    fn base(&mut self) -> Result<(Option<String>, Value), QueryError> {
        let (at, kind) = self.next();
        match kind {
            Some(TokenKind::Text(field)) if self.take(&TokenKind::Colon) => {
                Ok((Some(field), self.field_value()?))
            }
            Some(TokenKind::Text(text)) => Ok((None, self.text_value(text)?)),
            Some(TokenKind::Number(spelled)) => Ok((None, number_value(at, spelled)?)),
            Some(TokenKind::Phrase(_)) => Ok((None, Value::Phrase)),
            _ => Err(QueryError::Syntax {
                at,
                problem: "expected a field or a value",
            }),
        }
    }

    fn field_value(&mut self) -> Result<Value, QueryError> {
        let (at, kind) = self.next();
        match kind {
            Some(TokenKind::Text(text)) => self.text_value(text),
            Some(TokenKind::Number(spelled)) => number_value(at, spelled),
            Some(TokenKind::Minus) => self.negative_value(),
            Some(TokenKind::Phrase(_)) => Ok(Value::Phrase),
            Some(TokenKind::Greater) if self.take(&TokenKind::Equal) => {
                self.range(Comparison::GreaterOrEqual)
            }
            Some(TokenKind::Greater) => self.range(Comparison::Greater),
            Some(TokenKind::Less) if self.take(&TokenKind::Equal) => {
                self.range(Comparison::LessOrEqual)
            }
            Some(TokenKind::Less) => self.range(Comparison::Less),
            _ => Err(QueryError::Syntax {
                at,
                problem: "expected a value",
            }),
        }
    }

    /// Text is whatever it looks like once its escapes are gone, which is why a wildcard cannot be
    /// escaped. A tilde makes any text fuzzy.
    fn text_value(&mut self, text: String) -> Result<Value, QueryError> {
        if let Some(edits) = self.tilde()? {
            return Ok(Value::Fuzzy { text, edits });
        }
        if let Some(source) = text
            .strip_prefix('/')
            .and_then(|text| text.strip_suffix('/'))
        {
            if source.len() > REGEX_BYTES_MAX {
                let what = "bytes of regular expression";
                return Err(QueryError::TooLarge {
                    what,
                    max: REGEX_BYTES_MAX,
                });
            }
            return Ok(Value::Regex(source.to_owned()));
        }
        if text.contains(['*', '?']) {
            Ok(Value::Wildcard(text))
        } else {
            Ok(Value::Exact(text))
        }
    }

    fn negative_value(&mut self) -> Result<Value, QueryError> {
        match self.next() {
            (at, Some(TokenKind::Number(spelled))) => number_value(at, format!("-{spelled}")),
            (at, _) => Err(QueryError::Syntax {
                at,
                problem: "expected a number",
            }),
        }
    }

    fn range(&mut self, comparison: Comparison) -> Result<Value, QueryError> {
        let negative = self.take(&TokenKind::Minus);
        match self.next() {
            (at, Some(TokenKind::Number(spelled))) => {
                let number = number(at, &spelled)?;
                let number = if negative { -number } else { number };
                Ok(Value::NumberRange(comparison, SortKey::number(number)))
            }
            (at, Some(TokenKind::Phrase(phrase))) if !negative => {
                let problem = "expected a date like \"2006-01-02T15:04:05Z\"";
                let unix_ns =
                    date::parse_rfc3339(&phrase).ok_or(QueryError::Syntax { at, problem })?;
                Ok(Value::DateRange(comparison, SortKey::date(unix_ns)))
            }
            (at, _) => Err(QueryError::Syntax {
                at,
                problem: "expected a number or a date",
            }),
        }
    }

    fn tilde(&mut self) -> Result<Option<f64>, QueryError> {
        let is_tilde = |token: &Token| matches!(token.kind, TokenKind::Tilde(_));
        let Some(Token {
            at,
            kind: TokenKind::Tilde(text),
        }) = self.tokens.next_if(is_tilde)
        else {
            return Ok(None);
        };
        let problem = "expected a number of edits after ~";
        text.parse()
            .map(Some)
            .map_err(|_| QueryError::Syntax { at, problem })
    }

    fn boost(&mut self) -> Result<f64, QueryError> {
        let is_boost = |token: &Token| matches!(token.kind, TokenKind::Boost(_));
        let Some(Token {
            at,
            kind: TokenKind::Boost(text),
        }) = self.tokens.next_if(is_boost)
        else {
            return Ok(1.0);
        };
        let boost = text.parse().ok().filter(|boost: &f64| boost.is_finite());
        boost.ok_or(QueryError::Syntax {
            at,
            problem: "expected a number after ^",
        })
    }

    fn take(&mut self, kind: &TokenKind) -> bool {
        self.tokens.next_if(|token| token.kind == *kind).is_some()
    }

    fn next(&mut self) -> (usize, Option<TokenKind>) {
        self.tokens
            .next()
            .map_or((self.end, None), |token| (token.at, Some(token.kind)))
    }
}

fn number_value(at: usize, spelled: String) -> Result<Value, QueryError> {
    Ok(Value::Number {
        number: number(at, &spelled)?,
        spelled,
    })
}

fn number(at: usize, spelled: &str) -> Result<f64, QueryError> {
    let number = spelled
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite());
    number.ok_or(QueryError::Syntax {
        at,
        problem: "number out of range",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{QUERY_BYTES_MAX, Query};

    fn value(text: &str) -> Value {
        let mut query = Query::parse(text).unwrap();
        assert_eq!(query.clauses.len(), 1, "{text}");
        query.clauses.remove(0).value
    }

    #[test]
    fn prefixes_fields_and_boosts_are_read() {
        let query = Query::parse(r"+a\ b:x^2.5 -c:>=1 y").unwrap();
        let [must, must_not, should] = &query.clauses[..] else {
            panic!("{query:?}")
        };
        assert_eq!(
            (must.occur, must.field.as_deref(), must.boost),
            (Occur::Must, Some("a b"), 2.5)
        );
        assert_eq!(
            (must_not.occur, must_not.field.as_deref()),
            (Occur::MustNot, Some("c"))
        );
        assert_eq!(
            (should.occur, should.field.as_deref(), should.boost),
            (Occur::Should, None, 1.0)
        );
    }

    #[test]
    fn text_is_what_it_looks_like_after_unescaping() {
        assert_eq!(
            value("f:/a b".split(' ').next().unwrap()),
            Value::Exact("/a".into())
        );
        assert_eq!(value(r"f:\/a.\/"), Value::Regex("a.".into()));
        assert_eq!(value("f://"), Value::Regex(String::new()));
        assert_eq!(
            value("f:/"),
            Value::Exact("/".into()),
            "one slash is both ends at once"
        );
        assert_eq!(value(r"f:a\*"), Value::Wildcard("a*".into()));
        assert_eq!(
            value("f:/a*/~"),
            Value::Fuzzy {
                text: "/a*/".into(),
                edits: 1.0
            }
        );
        assert_eq!(
            value("f:-5"),
            Value::Number {
                number: -5.0,
                spelled: "-5".into()
            }
        );
    }

    #[test]
    fn spaces_are_allowed_between_all_tokens() {
        for (spaced, dense) in [
            ("  + f : > = - 10  ^2", "+f:>=-10 ^2"),
            ("f : x", "f:x"),
            ("f: \"a\"", "f:\"a\""),
            ("\tf:\n- 5", "f:-5"),
        ] {
            assert_eq!(Query::parse(spaced), Query::parse(dense), "{spaced}");
            assert!(Query::parse(spaced).is_ok(), "{spaced}");
        }
    }

    #[test]
    fn what_the_grammar_lacks_is_a_syntax_error() {
        for text in [
            "",
            " ",
            "\\",
            "+",
            "-",
            "a:",
            "a:+b",
            "a:-b",
            "a:-",
            ":b",
            "=",
            "+ + a",
            "+-a",
            "10:x",
            "a:>",
            "a:>x",
            "a:=5",
            "a:>-\"2024-05-01T00:00:00Z\"",
            "a:> =b",
            "a:5~1",
            "a:\"x\"~1",
            "^2",
            "~",
            "a^2^3",
            "a^2~1",
            "a^x",
            "a^nan",
            "a^inf",
            "a^1e999",
            "a~x",
            "a~1^3",
            "a:b:c",
            "\"abc",
            "a:\"abc",
            "a:>\"2024-05-01\"",
            "a^3+b",
            "a:/^x/",
            "> 5",
        ] {
            let result = Query::parse(text);
            assert!(
                matches!(result, Err(QueryError::Syntax { .. })),
                "{text:?}: {result:?}"
            );
        }
        let digits = "9".repeat(400);
        assert!(
            Query::parse(&format!("a:{digits}")).is_err(),
            "infinite numbers do not exist"
        );
    }

    #[test]
    fn an_error_says_where_it_is() {
        let at = |text| match Query::parse(text) {
            Err(QueryError::Syntax { at, .. }) => at,
            other => panic!("{other:?}"),
        };
        assert_eq!(at("abc:"), 4);
        assert_eq!(at("a:b \"c"), 4);
        assert_eq!(at("é:-x"), 4);
    }

    #[test]
    fn bad_regexes_and_distances_pass_the_parser() {
        for text in ["a:/b$/", "a:/(/", "a:b~3", "a:b~-1"] {
            assert!(Query::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn limits_are_kept() {
        let too_large = |text: &str| matches!(Query::parse(text), Err(QueryError::TooLarge { .. }));
        assert!(!too_large(&"a".repeat(QUERY_BYTES_MAX)));
        assert!(too_large(&"a".repeat(QUERY_BYTES_MAX + 1)));
        assert!(!too_large(&"a ".repeat(CLAUSES_MAX)));
        assert!(too_large(&"a ".repeat(CLAUSES_MAX + 1)));
        assert!(!too_large(&format!("a:/{}/", "b".repeat(REGEX_BYTES_MAX))));
        assert!(too_large(&format!(
            "a:/{}/",
            "b".repeat(REGEX_BYTES_MAX + 1)
        )));
    }

    #[test]
    fn only_the_whole_text_star_matches_all() {
        assert_eq!(Query::parse("*"), Ok(Query::all()));
        assert_eq!(value(" *"), Value::Wildcard("*".into()));
        assert_eq!(value("+*"), Value::Wildcard("*".into()));
    }
}
