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

fn syntax_problem(label: &str, error: &serde_json::Error) -> String {
    let first = label
        .trim_start_matches([' ', '\t', '\r', '\n'])
        .chars()
        .next();
    match first {
        _ if error.classify() == Category::Eof => "unexpected end of JSON input".to_owned(),
        Some(first) if !matches!(first, '{' | '[' | '"' | '-' | '0'..='9' | 't' | 'f' | 'n') => {
            format!(
                "invalid character {} looking for beginning of value",
                quoted(first)
            )
        }
        _ => error.to_string(),
    }
}

fn quoted(character: char) -> String {
    match character {
        '\'' => r"'\''".to_owned(),
        other => format!("'{other}'"),
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
            (
                "hello",
                "invalid character 'h' looking for beginning of value".to_owned(),
            ),
        ] {
            assert_eq!(
                problem(label),
                format!("failed to unmarshal party label: {expected}"),
                "{label}"
            );
        }
        assert!(problem("nope").starts_with("failed to unmarshal party label: "));
    }

    #[test]
    fn labels_have_a_length() {
        let label = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
        assert_eq!(label(LABEL_BYTES_MAX).len(), LABEL_BYTES_MAX);
        assert_eq!(check_label(&label(LABEL_BYTES_MAX)), Ok(()));
        assert_eq!(problem(&label(LABEL_BYTES_MAX + 1)), "party label too long");
    }
}
