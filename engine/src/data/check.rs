//! What is refused before the database hears of it.

use serde_json::{Map, Value};

use super::DataError;

/// Things that one ask may name. More are refused.
pub const ASK_BATCH_MAX: usize = 128;

/// Entries of the longest part of a list, but for lists of friends.
pub const PAGE_MAX: u32 = 100;

/// Entries of the longest part of a list of friends.
pub const FRIENDS_PAGE_MAX: u32 = 1000;

/// Which part of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Paging {
    /// How many entries at most, 1 to 100; friends up to 1000.
    pub limit: u32,
    /// Where the part before it ended; none for the first part.
    pub cursor: Option<String>,
}

impl Paging {
    /// The beginning of a list.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self {
            limit,
            cursor: None,
        }
    }

    /// What follows the part that gave this cursor.
    #[must_use]
    pub fn after(limit: u32, cursor: impl Into<String>) -> Self {
        Self {
            limit,
            cursor: Some(cursor.into()),
        }
    }

    pub(super) fn check(&self, limit_max: u32) -> Result<(), DataError> {
        if (1..=limit_max).contains(&self.limit) {
            return Ok(());
        }
        let text = format!("expects a limit from 1 to {limit_max}");
        Err(DataError::invalid(text))
    }
}

/// The first hundred.
impl Default for Paging {
    fn default() -> Self {
        Self::first(PAGE_MAX)
    }
}

/// What was named, if it is neither nothing nor too much.
pub(super) fn batch<T>(items: impl IntoIterator<Item = T>) -> Result<Vec<T>, DataError> {
    let items: Vec<T> = items.into_iter().take(ASK_BATCH_MAX + 1).collect();
    if (1..=ASK_BATCH_MAX).contains(&items.len()) {
        return Ok(items);
    }
    let text = format!("expects 1 to {ASK_BATCH_MAX} at a time");
    Err(DataError::invalid(text))
}

/// Refuses text that is missing or has too many characters.
pub(super) fn text(name: &str, text: &str, characters_max: usize) -> Result<(), DataError> {
    if !text.is_empty() && text.chars().count() <= characters_max {
        return Ok(());
    }
    let text = format!("expects {name} to have 1 to {characters_max} characters");
    Err(DataError::invalid(text))
}

/// Refuses text that has too many characters.
pub(super) fn length(
    name: &str,
    text: Option<&str>,
    characters_max: usize,
) -> Result<(), DataError> {
    if text.is_none_or(|text| text.chars().count() <= characters_max) {
        return Ok(());
    }
    let text = format!("expects {name} to have up to {characters_max} characters");
    Err(DataError::invalid(text))
}

/// Refuses text that is not a JSON object.
pub(super) fn json(name: &str, text: &str) -> Result<(), DataError> {
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(DataError::invalid(format!(
            "expects {name} to be a JSON object"
        ))),
    }
}
