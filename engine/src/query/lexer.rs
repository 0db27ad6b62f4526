//! Splits query text into tokens.

use crate::query::QueryError;

/// A token and the byte at which it starts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: TokenKind,
}

/// The kinds of token; text is without its quotes, marks and escapes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Plus,
    Minus,
    Colon,
    Greater,
    Less,
    Equal,
    /// What stood between quotes.
    Phrase(String),
    /// What follows `^`, up to a space.
    Boost(String),
    /// What follows `~`, up to a space.
    Tilde(String),
    /// Decimal digits with at most one dot.
    Number(String),
    /// Anything else; never empty.
    Text(String),
}

/// Splits `text` into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn next_token(&mut self) -> Result<Option<Token>, QueryError> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.bump();
        }
        let at = self.at;
        let Some(first) = self.peek() else {
            return Ok(None);
        };
        if let Some(mark) = mark(first) {
            self.bump();
            return Ok(Some(Token { at, kind: mark }));
        }
        let kind = match first {
            '"' => self.phrase(at)?,
            '^' => TokenKind::Boost(self.suffix()),
            '~' => TokenKind::Tilde(self.suffix()),
            _ => {
                let text = self.run(|c| matches!(c, ' ' | ':' | '^' | '~'));
                // A dangling backslash is dropped, and nothing may be left.
                if text.is_empty() {
                    return Ok(None);
                }
                // Text with an escape never looks like a number: no digit or dot can be escaped.
                if is_number(&text) {
                    TokenKind::Number(text)
                } else {
                    TokenKind::Text(text)
                }
            }
        };
        Ok(Some(Token { at, kind }))
    }

    fn phrase(&mut self, at: usize) -> Result<TokenKind, QueryError> {
        self.bump();
        let phrase = self.run(|c| c == '"');
        if self.bump().is_none() {
            return Err(QueryError::Syntax {
                at,
                problem: "unterminated quote",
            });
        }
        Ok(TokenKind::Phrase(phrase))
    }

    /// What follows `^` or `~`. Nothing at all stands for 1.
    fn suffix(&mut self) -> String {
        self.bump();
        let text = self.run(|c| c == ' ');
        if text.is_empty() {
            "1".to_owned()
        } else {
            text
        }
    }

    /// Reads up to an unescaped character that `ends` the token, which stays unread.
    fn run(&mut self, ends: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(c) = self.peek() {
            if ends(c) {
                break;
            }
            self.bump();
            if c != '\\' {
                text.push(c);
                continue;
            }
            let Some(escaped) = self.bump() else { break };
            if !ESCAPABLE.contains(escaped) {
                text.push('\\');
            }
            text.push(escaped);
        }
        text
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }
}

/// The token that `c` is on its own, if it starts one.
fn mark(c: char) -> Option<TokenKind> {
    Some(match c {
        '+' => TokenKind::Plus,
        '-' => TokenKind::Minus,
        ':' => TokenKind::Colon,
        '>' => TokenKind::Greater,
        '<' => TokenKind::Less,
        '=' => TokenKind::Equal,
        _ => return None,
    })
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c == '.')
        && text.matches('.').count() <= 1
}

/// The characters from which a backslash takes their meaning; before others it stays.
const ESCAPABLE: &str = "+-=&|><!(){}[]^\"~*?:\\/ ";

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokens(text)
            .unwrap()
            .into_iter()
            .map(|token| token.kind)
            .collect()
    }

    fn text(text: &str) -> TokenKind {
        TokenKind::Text(text.to_owned())
    }

    fn number(text: &str) -> TokenKind {
        TokenKind::Number(text.to_owned())
    }

    #[test]
    fn digits_with_at_most_one_dot_are_a_number() {
        for written in ["0", "00", "15", "10.0", "10."] {
            assert_eq!(kinds(written), [number(written)]);
        }
        for written in ["1e1", ".5", "1.2.3", "5>", "10a", "1\t2", "0x1"] {
            assert_eq!(kinds(written), [text(written)]);
        }
    }

    #[test]
    fn an_escape_turns_a_number_into_text() {
        assert_eq!(kinds(r"2024\-05"), [text("2024-05")]);
        assert_eq!(kinds(r"1\5"), [text(r"1\5")]);
        assert_eq!(kinds(r"\15"), [text(r"\15")]);
    }

    #[test]
    fn a_backslash_at_the_end_is_dropped() {
        assert_eq!(kinds(r"duel\"), [text("duel")]);
        assert_eq!(kinds(r"15\"), [number("15")]);
        assert_eq!(kinds(r"a b \"), [text("a"), text("b")]);
        assert_eq!(kinds(r"\"), []);
        assert_eq!(kinds(r"a^3\"), [text("a"), TokenKind::Boost("3".into())]);
    }

    #[test]
    fn a_backslash_stays_before_what_needs_no_escape() {
        assert_eq!(kinds(r"\."), [text(r"\.")]);
        assert_eq!(kinds(r"a\wb\-c"), [text(r"a\wb-c")]);
        assert_eq!(kinds(r"\\\("), [text(r"\(")]);
        assert_eq!(kinds(r"\\"), [text(r"\")]);
    }

    #[test]
    fn only_a_space_ends_text_but_any_white_space_is_skipped_before_it() {
        assert_eq!(kinds("a\tb\nc d"), [text("a\tb\nc"), text("d")]);
        assert_eq!(kinds("\t\n\u{2003}a"), [text("a")]);
        assert_eq!(kinds(r"a\ b"), [text("a b")]);
    }

    #[test]
    fn operators_inside_text_are_ordinary() {
        assert_eq!(kinds("a+b-c>d<e=f\"g(h)"), [text("a+b-c>d<e=f\"g(h)")]);
        assert_eq!(kinds("+a"), [TokenKind::Plus, text("a")]);
        assert_eq!(
            kinds("a:>=-1"),
            [
                text("a"),
                TokenKind::Colon,
                TokenKind::Greater,
                TokenKind::Equal,
                TokenKind::Minus,
                number("1")
            ]
        );
    }

    #[test]
    fn boost_and_tilde_run_to_the_next_space() {
        assert_eq!(
            kinds("a^3+b c"),
            [text("a"), TokenKind::Boost("3+b".into()), text("c")]
        );
        assert_eq!(kinds("a~1^3"), [text("a"), TokenKind::Tilde("1^3".into())]);
        assert_eq!(kinds("a^"), [text("a"), TokenKind::Boost("1".into())]);
        assert_eq!(
            kinds("a~ b"),
            [text("a"), TokenKind::Tilde("1".into()), text("b")]
        );
        assert_eq!(
            kinds(r"a^1\ 2"),
            [text("a"), TokenKind::Boost("1 2".into())]
        );
    }

    #[test]
    fn a_phrase_ends_at_an_unescaped_quote() {
        assert_eq!(
            kinds(r#""a \"b\" c""#),
            [TokenKind::Phrase(r#"a "b" c"#.into())]
        );
        assert_eq!(kinds(r#""""#), [TokenKind::Phrase(String::new())]);
        for open in ["\"abc", r#""abc\""#, "\"", "a \"b"] {
            assert!(
                matches!(tokens(open), Err(QueryError::Syntax { .. })),
                "{open}"
            );
        }
    }
}
