//! What may be an id, an address or a name.

use uuid::Uuid;

use super::error::ApiError;

/// White space and control characters of ASCII; others are let through.
fn has_gaps(text: &str) -> bool {
    text.contains(|c: char| c == ' ' || c.is_ascii_control())
}

/// Checks an id. Logging in and linking have different words for the same.
pub(super) fn check_id(
    kind: &str,
    invalid: &str,
    id: &str,
    bytes_min: usize,
) -> Result<(), ApiError> {
    if id.is_empty() {
        return Err(ApiError::invalid(format!("{kind} is required.")));
    }
    if has_gaps(id) {
        let text = format!("{invalid}, no spaces or control characters allowed.");
        return Err(ApiError::invalid(text));
    }
    if !(bytes_min..=128).contains(&id.len()) {
        let text = format!("{invalid}, must be {bytes_min}-128 bytes.");
        return Err(ApiError::invalid(text));
    }
    Ok(())
}

pub(super) fn check_email_gaps(email: &str) -> Result<(), ApiError> {
    if has_gaps(email) {
        let text = "Invalid email address, no spaces or control characters allowed.";
        return Err(ApiError::invalid(text));
    }
    Ok(())
}

pub(super) fn check_email_format(email: &str) -> Result<(), ApiError> {
    if !looks_like_email(email) {
        return Err(ApiError::invalid("Invalid email address format."));
    }
    if !(10..=255).contains(&email.len()) {
        return Err(ApiError::invalid(
            "Invalid email address, must be 10-255 bytes.",
        ));
    }
    Ok(())
}

/// `^.+@.+\..+$`
fn looks_like_email(email: &str) -> bool {
    let mut characters = email.chars();
    characters.next();
    let Some((_, domain)) = characters.as_str().split_once('@') else {
        return false;
    };
    let inner = domain.char_indices().skip(1);
    inner
        .filter(|(_, c)| *c == '.')
        .any(|(index, _)| index + 1 < domain.len())
}

/// A name that may be given to an account; empty will do here, for none.
pub(super) fn check_username(username: &str) -> Result<(), ApiError> {
    if username.contains("[]") || username.contains(|c: char| c.is_ascii_control()) {
        let text = "Username invalid, no spaces or control characters allowed.";
        return Err(ApiError::invalid(text));
    }
    if username.len() > 128 {
        return Err(ApiError::invalid("Username invalid, must be 1-128 bytes."));
    }
    Ok(())
}

/// The user of an id in any usual form.
pub(super) fn parse_user_id(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in ["a@b.c", "a@b@c.d", "@@a.b", "é@b.c", "a@b..", "a@@.c"] {
            assert!(looks_like_email(good), "{good}");
        }
        for bad in ["", "@", "a", "a@", "@b.c", "a@b", "a@.c", "a@b.", "@b@"] {
            assert!(!looks_like_email(bad), "{bad}");
        }
    }
}
