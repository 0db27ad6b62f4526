//! Labels of parties: nothing, or a JSON object.

use serde_json::{Value, error::Category};
use thiserror::Error;

use crate::limits::LABEL_BYTES_MAX;

/// Why a label is none.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum LabelError {
    /// It is longer than [`LABEL_BYTES_MAX`].
    #[error("party label too long")]
    TooLong,
    /// It is no JSON object.
    #[error("failed to unmarshal party label: {0}")]
    NoObject(String),
}

/// Refuses what is no label. The wording of the commonest mistakes is the reference server's.
pub(super) fn check_label(label: &str) -> Result<(), LabelError> {
    if label.is_empty() {
        return Ok(());
    }
    if label.len() > LABEL_BYTES_MAX {
        return Err(LabelError::TooLong);
    }
    let kind = match serde_json::from_str::<Value>(label) {
        Ok(Value::Object(_)) => return Ok(()),
        Ok(Value::Null) => "null",
        Ok(Value::Bool(_)) => "bool",
        Ok(Value::Number(_)) => "number",
        Ok(Value::String(_)) => "string",
        Ok(Value::Array(_)) => "array",
        Err(error) => return Err(LabelError::NoObject(syntax_problem(label, &error))),
    };
    let problem =
        format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}");
    Err(LabelError::NoObject(problem))
}

/// What the JSON library here says is wrong, and what the reference server's says.
const PROBLEMS: [(&str, &str); 8] = [
    ("expected value", "looking for beginning of value"),
    (
        "key must be a string",
        "looking for beginning of object key string",
    ),
    ("trailing comma", "looking for beginning of value"),
    ("expected `:`", "after object key"),
    ("expected `,` or `}`", "after object key:value pair"),
    ("expected `,` or `]`", "after array element"),
    ("trailing characters", "after top-level value"),
    ("invalid escape", "in string escape code"),
];

fn syntax_problem(label: &str, error: &serde_json::Error) -> String {
    if error.classify() == Category::Eof {
        return "unexpected end of JSON input".to_owned();
    }
    let text = error.to_string();
    let lines = label
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let place = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let Some(byte) = label.as_bytes().get(place).copied() else {
        return text;
    };
    let known = PROBLEMS.iter().find(|(here, _)| text.starts_with(here));
    let problem = match known {
        Some(("trailing comma", _)) if byte == b'}' => Some(PROBLEMS[1].1.to_owned()),
        Some((_, there)) => Some((*there).to_owned()),
        None if text.starts_with("expected ident") => literal_problem(&label.as_bytes()[..place]),
        None => None,
    };
    problem.map_or(text, |problem| {
        format!("invalid character {} {problem}", quoted(byte))
    })
}

/// What is wrong after the first letters of `true`, `false` or `null`.
fn literal_problem(before: &[u8]) -> Option<String> {
    let letters = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_lowercase());
    let length = letters.count();
    let begun = &before[before.len() - length..];
    let literal = ["true", "false", "null"]
        .into_iter()
        .find(|literal| !begun.is_empty() && literal.as_bytes().starts_with(begun))?;
    let expected = *literal.as_bytes().get(length)?;
    let expected = quoted(expected);
    Some(format!("in literal {literal} (expecting {expected})"))
}

fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        other => format!("'{}'", char::from(other).escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(label: &str) -> String {
        check_label(label).unwrap_err().to_string()
    }

    #[test]
    fn nothing_and_objects_are_labels() {
        for label in ["", "{}", r#" {"a":{"b":[1,null]}} "#] {
            assert_eq!(check_label(label), Ok(()), "{label}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_what_is_wrong() {
        let tail = "into Go value of type map[string]interface {}";
        for (label, expected) in [
            ("[]", format!("json: cannot unmarshal array {tail}")),
            ("\"a\"", format!("json: cannot unmarshal string {tail}")),
            ("5", format!("json: cannot unmarshal number {tail}")),
            ("true", format!("json: cannot unmarshal bool {tail}")),
            ("{", "unexpected end of JSON input".to_owned()),
        ] {
            assert_eq!(
                problem(label),
                format!("failed to unmarshal party label: {expected}"),
                "{label}"
            );
        }
    }

    #[test]
    fn syntax_errors_are_worded_as_clients_have_seen_them() {
        for (label, expected) in [
            ("hello", "'h' looking for beginning of value"),
            ("not json", "'o' in literal null (expecting 'u')"),
            ("[trie]", "'i' in literal true (expecting 'u')"),
            ("{a", "'a' looking for beginning of object key string"),
            (r#"{"a" 1}"#, "'1' after object key"),
            ("{\"a\":1\n \"b\"}", "'\"' after object key:value pair"),
            (
                r#"{"a":1,}"#,
                "'}' looking for beginning of object key string",
            ),
            ("[1,]", "']' looking for beginning of value"),
            ("[1 2]", "'2' after array element"),
            ("{}x", "'x' after top-level value"),
            (
                "{'a':1}",
                r"'\'' looking for beginning of object key string",
            ),
            (r#"{"a":"\x"}"#, "'x' in string escape code"),
        ] {
            let expected = format!("failed to unmarshal party label: invalid character {expected}");
            assert_eq!(problem(label), expected, "{label}");
        }
    }

    #[test]
    fn labels_have_a_length() {
        let label = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert_eq!(label(LABEL_BYTES_MAX).len(), LABEL_BYTES_MAX);
        assert_eq!(check_label(&label(LABEL_BYTES_MAX)), Ok(()));
        assert_eq!(problem(&label(LABEL_BYTES_MAX + 1)), "party label too long");
    }
}
