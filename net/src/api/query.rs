//! The query of a request: names in either spelling, values as text.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::error::{ApiError, Code};
use super::parameter::Parameter;
use crate::config::parse_bool;

/// The parameters of a query, decoded. They need not be UTF-8.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    declared: &'static [Parameter],
}

impl Query {
    /// Refuses the first escape that is none. What is read later has to be declared.
    pub(super) fn parse(raw: &str, declared: &'static [Parameter]) -> Result<Self, ApiError> {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        Ok(Self {
            pairs: pairs.map(decode_pair).collect::<Result<_, _>>()?,
            declared,
        })
    }

    /// Leaves out what cannot be decoded.
    pub(super) fn parse_leniently(raw: &str, declared: &'static [Parameter]) -> Self {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        Self {
            pairs: pairs.filter_map(|pair| decode_pair(pair).ok()).collect(),
            declared,
        }
    }

    /// Every parameter with its values, in the order given.
    pub(super) fn into_lists(self) -> BTreeMap<String, Vec<String>> {
        let mut lists = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in self.pairs {
            let name = String::from_utf8_lossy(&name).into_owned();
            let value = String::from_utf8_lossy(&value).into_owned();
            lists.entry(name).or_default().push(value);
        }
        lists
    }

    /// Whether there is a text of this name, whatever it is.
    pub(super) fn has(&self, name: &'static str) -> bool {
        self.check(Parameter::text(name));
        self.pairs.iter().any(|(key, _)| key == name.as_bytes())
    }

    /// All values of a repeated field; `name` is in snake case.
    pub(super) fn strings(&self, name: &'static str) -> Result<Vec<String>, ApiError> {
        self.check(Parameter::texts(name));
        self.values(name)
    }

    /// The value of a field; `name` is in snake case.
    pub(super) fn string(&self, name: &'static str) -> Result<Option<String>, ApiError> {
        self.check(Parameter::text(name));
        self.value(name)
    }

    pub(super) fn bool(&self, name: &'static str) -> Result<Option<bool>, ApiError> {
        self.check(Parameter::boolean(name));
        let Some(text) = self.value(name)? else {
            return Ok(None);
        };
        let parsed = parse_bool(&text);
        let parsed = parsed.ok_or_else(|| unparsable(name, "ParseBool", &text, "invalid syntax"));
        parsed.map(Some)
    }

    pub(super) fn int(&self, name: &'static str) -> Result<Option<i32>, ApiError> {
        self.check(Parameter::integer(name));
        let Some(text) = self.value(name)? else {
            return Ok(None);
        };
        let parsed = i32::from_str(&text).map_err(|error| {
            use std::num::IntErrorKind::{NegOverflow, PosOverflow};
            let problem = match error.kind() {
                NegOverflow | PosOverflow => "value out of range",
                _ => "invalid syntax",
            };
            unparsable(name, "ParseInt", &text, problem)
        });
        parsed.map(Some)
    }

    /// What an operation reads, it declares. Every test that calls one finds out if it does not.
    fn check(&self, parameter: Parameter) {
        debug_assert!(
            self.declared.contains(&parameter),
            "{parameter:?} is read and not declared"
        );
    }

    fn values(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let camel = camel_case(name);
        let named = |key: &[u8]| key == name.as_bytes() || key == camel.as_bytes();
        let values = self.pairs.iter().filter(|(key, _)| named(key));
        values.map(|(_, value)| utf8(value)).collect()
    }

    fn value(&self, name: &str) -> Result<Option<String>, ApiError> {
        let mut values = self.values(name)?;
        if values.len() > 1 {
            let values = values.join(", ");
            let text = format!("too many values for field {name:?}: {values}");
            return Err(ApiError::invalid(text));
        }
        Ok(values.pop())
    }
}

/// The wording is the reference server's.
fn unparsable(name: &str, parser: &str, text: &str, problem: &str) -> ApiError {
    ApiError::invalid(format!(
        "parsing field {name:?}: strconv.{parser}: parsing {text:?}: {problem}"
    ))
}

fn utf8(bytes: &[u8]) -> Result<String, ApiError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        ApiError::new(
            Code::Internal,
            "grpc: error while marshaling: string field contains invalid UTF-8",
        )
    })
}

fn camel_case(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    let mut raise = false;
    for c in snake.chars() {
        if c == '_' {
            raise = true;
        } else if std::mem::take(&mut raise) {
            camel.push(c.to_ascii_uppercase());
        } else {
            camel.push(c);
        }
    }
    camel
}

fn decode_pair(pair: &str) -> Result<(Vec<u8>, Vec<u8>), ApiError> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let decode = |text: &str| percent_decode(&text.replace('+', " "));
    Ok((decode(name)?, decode(value)?))
}

/// Resolves `%xx`.
pub(super) fn percent_decode(text: &str) -> Result<Vec<u8>, ApiError> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            decoded.push(byte);
            at += 1;
            continue;
        }
        let escape = &bytes[at..bytes.len().min(at + 3)];
        let value = match escape {
            [_, high, low] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        let (high, low) = value.ok_or_else(|| {
            let escape = String::from_utf8_lossy(escape);
            ApiError::invalid(format!("invalid URL escape {escape:?}"))
        })?;
        decoded.push(high << 4 | low);
        at += 3;
    }
    Ok(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DECLARED: &[Parameter] = &[
        Parameter::integer("limit"),
        Parameter::integer("min_size"),
        Parameter::integer("two"),
        Parameter::boolean("create"),
        Parameter::boolean("empty"),
        Parameter::texts("user_ids"),
        Parameter::text("name"),
    ];

    fn parse(raw: &str) -> Result<Query, ApiError> {
        Query::parse(raw, DECLARED)
    }

    fn message<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn names_are_known_in_both_spellings() {
        for raw in ["min_size=3", "minSize=3", "&a=b&minSize=3&"] {
            let query = parse(raw).unwrap();
            assert_eq!(query.int("min_size").unwrap(), Some(3), "{raw}");
        }
        let query = parse("user_ids=a&userIds=b%2Cc&user_ids=d+e").unwrap();
        assert_eq!(query.strings("user_ids").unwrap(), ["a", "b,c", "d e"]);
    }

    #[test]
    fn wrong_values_are_worded_as_clients_have_seen_them() {
        let query =
            parse("limit=abc&min_size=99999999999&create=maybe&empty=&two=1&two=2").unwrap();
        assert_eq!(
            message(query.int("limit")),
            r#"parsing field "limit": strconv.ParseInt: parsing "abc": invalid syntax"#
        );
        assert_eq!(
            message(query.int("min_size")),
            r#"parsing field "min_size": strconv.ParseInt: parsing "99999999999": value out of range"#
        );
        assert_eq!(
            message(query.bool("create")),
            r#"parsing field "create": strconv.ParseBool: parsing "maybe": invalid syntax"#
        );
        assert!(query.bool("empty").is_err());
        assert_eq!(
            message(query.int("two")),
            r#"too many values for field "two": 1, 2"#
        );
        assert_eq!(query.string("name").unwrap(), None);
    }

    #[test]
    fn broken_escapes_and_bytes_are_refused() {
        assert_eq!(message(parse("a=%zz")), r#"invalid URL escape "%zz""#);
        assert_eq!(message(parse("a=%4")), r#"invalid URL escape "%4""#);
        let query = parse("name=%FF").unwrap();
        assert_eq!(query.string("name").unwrap_err().code, Code::Internal);
        assert_eq!(query.int("limit").unwrap(), None, "that is another");
    }

    #[test]
    #[should_panic = "is read and not declared"]
    fn what_is_declared_as_something_else_cannot_be_read() {
        _ = parse("").unwrap().string("limit");
    }

    proptest! {
        #[test]
        fn no_query_panics(raw in "[a-z_%=&+0-9é]{0,40}") {
            if let Ok(query) = parse(&raw) {
                _ = query.int("limit");
                _ = query.bool("create");
            }
            Query::parse_leniently(&raw, DECLARED).into_lists();
        }

        #[test]
        fn what_was_escaped_is_read_back(bytes: Vec<u8>) {
            let escaped: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(percent_decode(&escaped).unwrap(), bytes);
        }
    }
}
