//! Configuration files: mappings of options, each value as the text it was written as.

use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::error::ConfigError;

/// One option of a file.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Item {
    pub(super) key: String,
    pub(super) texts: Vec<String>,
    pub(super) is_list: bool,
    pub(super) line: usize,
}

/// Mappings inside mappings; ours need two.
const DEPTH_MAX: usize = 8;

pub(super) fn read(path: &Path) -> Result<Vec<Item>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        path: path.to_owned(),
        source,
    })?;
    parse(&text).map_err(|Problem { line, problem }| ConfigError::Yaml {
        path: path.to_owned(),
        line,
        problem,
    })
}

/// Names and single values of a file, whatever the names are.
pub(crate) fn read_pairs(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let pair = |item: Item| {
        let text = item.texts.into_iter().next_back().unwrap_or_default();
        (item.key, text)
    };
    Ok(read(path)?.into_iter().map(pair).collect())
}

#[derive(Debug)]
struct Problem {
    line: usize,
    problem: String,
}

impl From<ScanError> for Problem {
    fn from(error: ScanError) -> Self {
        Self {
            line: error.marker().line(),
            problem: format!("this is not YAML ({}); correct the line", error.info()),
        }
    }
}

fn parse(text: &str) -> Result<Vec<Item>, Problem> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        items: Vec::new(),
    };
    let mut documents = 0;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err(problem(&span, "one document is enough; remove the `---`"));
                }
            }
            Event::MappingStart(..) => reader.mapping("", 0)?,
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::StreamEnd => return Ok(reader.items),
            Event::Scalar(text, style, ..) if is_nothing(&text, style) => {}
            _ => {
                return Err(problem(
                    &span,
                    "options are lines such as `name: value`; write them so",
                ));
            }
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    items: Vec<Item>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.parser.next_event() {
            Some(event) => Ok(event?),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// Reads the rest of a mapping whose keys continue `prefix`.
    fn mapping(&mut self, prefix: &str, depth: usize) -> Result<(), Problem> {
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(()),
                Event::Scalar(key, ..) => format!("{prefix}{key}"),
                _ => return Err(problem(&span, "the name of an option is missing; give one")),
            };
            let line = span.start.line();
            let (event, span) = self.next()?;
            match event {
                Event::Scalar(text, style, ..) if is_nothing(&text, style) => {}
                Event::Scalar(text, ..) => self.add(key, vec![text.into_owned()], false, &span)?,
                Event::SequenceStart(..) => {
                    let texts = self.sequence()?;
                    let span = Span::empty(span.start);
                    self.add_at(key, texts, true, line, &span)?;
                }
                Event::MappingStart(..) if depth < DEPTH_MAX => {
                    self.mapping(&format!("{key}."), depth + 1)?;
                }
                Event::Alias(_) => {
                    return Err(problem(&span, "aliases are not followed; write the value"));
                }
                _ => return Err(problem(&span, "a value is missing; give one")),
            }
        }
    }

    fn sequence(&mut self) -> Result<Vec<String>, Problem> {
        let mut texts = Vec::new();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::SequenceEnd => return Ok(texts),
                Event::Scalar(text, ..) => texts.push(text.into_owned()),
                _ => return Err(problem(&span, "lists hold plain values; give those only")),
            }
        }
    }

    fn add(
        &mut self,
        key: String,
        texts: Vec<String>,
        is_list: bool,
        span: &Span,
    ) -> Result<(), Problem> {
        self.add_at(key, texts, is_list, span.start.line(), span)
    }

    fn add_at(
        &mut self,
        key: String,
        texts: Vec<String>,
        is_list: bool,
        line: usize,
        span: &Span,
    ) -> Result<(), Problem> {
        if self.items.iter().any(|item| item.key == key) {
            return Err(problem(
                span,
                &format!("{key} is given twice; remove one of them"),
            ));
        }
        self.items.push(Item {
            key,
            texts,
            is_list,
            line,
        });
        Ok(())
    }
}

/// `socket:` with nothing behind it, `~` and `null` say nothing about an option.
fn is_nothing(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn problem(span: &Span, text: &str) -> Problem {
    Problem {
        line: span.start.line(),
        problem: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_keep_the_text_they_were_written_as() {
        let items = parse("socket:\n  server_key: 0123\n  port: \"7351\"\nname: yes\n").unwrap();
        let flat: Vec<_> = items
            .iter()
            .map(|item| (item.key.as_str(), item.texts[0].as_str(), item.line))
            .collect();
        let expected = [
            ("socket.server_key", "0123", 2),
            ("socket.port", "7351", 3),
            ("name", "yes", 4),
        ];
        assert_eq!(flat, expected);
    }

    #[test]
    fn lists_are_kept_apart_from_single_values() {
        let items = parse("runtime:\n  env: [\"A=1\", B=2]\n").unwrap();
        assert_eq!(items[0].texts, ["A=1", "B=2"]);
        assert!(items[0].is_list);
    }

    #[test]
    fn nothing_is_no_value() {
        for text in [
            "",
            "# only a comment\n",
            "---\n",
            "socket:\n",
            "name: ~\n",
            "null\n",
        ] {
            assert_eq!(parse(text).unwrap(), [], "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_names_its_line() {
        let cases = [
            ("name: a\nname: b\n", 2),
            ("a: &x 1\nb: *x\n", 2),
            ("- a\n", 1),
            ("just words\n", 1),
            ("name: a\n---\nname: b\n", 2),
            ("name: [a, [b]]\n", 1),
            ("a:\n  b: {c: [\n", 3),
        ];
        for (text, line) in cases {
            let problem = parse(text).unwrap_err();
            assert_eq!(problem.line, line, "{text:?}: {}", problem.problem);
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_it_hurts() {
        assert!(parse(&"{a: ".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_the_reader(text in "[a-c:,\\[\\]{}\"' \n*&!|>#-]{0,60}") {
            _ = parse(&text);
        }
    }
}
