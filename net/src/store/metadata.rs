//! What only game code writes about an account or a group.

use super::error::StoreError;
use super::object::ObjectValue;

/// Bytes of the longest metadata: enough for what lists carry with every entry.
pub const METADATA_BYTES_MAX: usize = 16 * 1024;

/// Text of a JSON object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata(String);

impl Metadata {
    /// Reads the text of a JSON object.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`] if it is none, is too long, or has a NUL in it.
    pub fn parse(text: String) -> Result<Self, StoreError> {
        const UNFIT: StoreError = StoreError::Unfit { column: "metadata" };
        if text.len() > METADATA_BYTES_MAX {
            return Err(UNFIT);
        }
        let is_fit = ObjectValue::parse(text.clone()).is_some_and(|value| !value.has_nul());
        is_fit.then_some(Self(text)).ok_or(UNFIT)
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An empty object.
impl Default for Metadata {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_an_object_of_bounded_length() {
        let of_length = |length| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
        for text in ["{}", r#"{"a":[1]}"#, &of_length(METADATA_BYTES_MAX)] {
            assert_eq!(Metadata::parse(text.to_owned()).unwrap().as_str(), text);
        }
        for text in [
            "",
            "[]",
            r#"{"a":"\u0000"}"#,
            &of_length(METADATA_BYTES_MAX + 1),
        ] {
            let refused = Metadata::parse(text.to_owned());
            assert!(matches!(refused, Err(StoreError::Unfit { .. })));
        }
    }
}
