//! What users are to each other, as the rest of the server sees it.

use jiff::Timestamp;
use serde_json::{Map, Value};
use thiserror::Error;
use uuid::Uuid;

use super::account::User;
use super::error::StoreError;
use super::object::any_text_of_object;

/// What one user is to another, from the one's point of view. The numbers are those of the protocol.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum FriendState {
    /// They are friends.
    Friend = 0,
    /// The other is invited.
    InviteSent = 1,
    /// The other has invited.
    InviteReceived = 2,
    /// The other is blocked.
    Blocked = 3,
}

/// There is no such state.
#[derive(Clone, Copy, Debug, Error)]
#[error("{0} is no state of a friend")]
pub struct UnknownFriendState(i64);

impl TryFrom<i64> for FriendState {
    type Error = UnknownFriendState;

    fn try_from(number: i64) -> Result<Self, UnknownFriendState> {
        match number {
            0 => Ok(Self::Friend),
            1 => Ok(Self::InviteSent),
            2 => Ok(Self::InviteReceived),
            3 => Ok(Self::Blocked),
            number => Err(UnknownFriendState(number)),
        }
    }
}

/// A friend, or whatever they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Friend {
    /// Who.
    pub user: User,
    /// What they are.
    pub state: FriendState,
    /// Since when they are anything at all, in nanoseconds since 1970.
    pub position: i64,
    /// Text of a JSON object, of the one whose friend it is.
    pub metadata: String,
    /// Since when they are what they are.
    pub update_time: Timestamp,
}

impl Friend {
    /// Where it is in the list.
    #[must_use]
    pub const fn place(&self) -> FriendPlace {
        FriendPlace {
            state: self.state,
            position: self.position,
            user_id: self.user.id,
        }
    }
}

/// A place in a list of friends, which is ordered by the fields of this.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FriendPlace {
    /// What the friend is.
    pub state: FriendState,
    /// Since when they are anything at all, in nanoseconds since 1970.
    pub position: i64,
    /// Who they are.
    pub user_id: Uuid,
}

/// Which part of a list of friends.
#[derive(Clone, Copy, Debug)]
pub struct FriendQuery {
    /// Only friends in this state.
    pub state: Option<FriendState>,
    /// Only those from this place on.
    pub from: Option<FriendPlace>,
    /// Friends at most.
    pub limit: u32,
}

/// Somebody whom a friend has as a friend.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FriendOfFriend {
    /// The friend.
    pub referrer: Uuid,
    /// The friend's friend.
    pub user: User,
}

impl FriendOfFriend {
    /// Where it is in the list.
    #[must_use]
    pub const fn place(&self) -> FriendOfFriendPlace {
        FriendOfFriendPlace {
            referrer: self.referrer,
            user_id: self.user.id,
        }
    }
}

/// A place in a list of friends of friends, which is ordered by the fields of this.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FriendOfFriendPlace {
    /// The friend.
    pub referrer: Uuid,
    /// The friend's friend.
    pub user_id: Uuid,
}

/// What somebody has to be told after a change of another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FriendNews {
    /// They are invited.
    Invited,
    /// Their invitation was accepted.
    Accepted,
    /// They are no friend any more, or an invitation of one to the other is no more.
    Removed,
}

/// What a user notes about a friend: members of a JSON object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FriendMetadata(Map<String, Value>);

impl FriendMetadata {
    /// Reads the text of a JSON object; an empty text is an empty object.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`] if it is none, or has a NUL in it.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        const UNFIT: StoreError = StoreError::Unfit { column: "metadata" };
        if text.is_empty() {
            return Ok(Self::default());
        }
        let members: Map<String, Value> = serde_json::from_str(text).map_err(|_| UNFIT)?;
        let has_nul = any_text_of_object(&members, &|text| text.contains('\0'));
        (!has_nul).then_some(Self(members)).ok_or(UNFIT)
    }

    /// Adds these members to an object, where they replace those of the same names.
    pub(super) fn merged_into(&self, object: &str) -> String {
        let mut members: Map<String, Value> = serde_json::from_str(object).unwrap_or_default();
        members.extend(self.0.clone());
        Value::Object(members).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_an_object_without_nul() {
        for text in [
            "",
            "{}",
            r#"{"a": [1, {"b": null}]}"#,
            r#"{"a": "\\u0000"}"#,
        ] {
            FriendMetadata::parse(text).unwrap();
        }
        for text in [
            "x",
            "{",
            "[]",
            "1",
            "null",
            r#""{}""#,
            "{} {}",
            r#"{"a\u0000": 1}"#,
            r#"{"a": "\u0000"}"#,
            r#"{"a": [{"\u0000": 1}]}"#,
        ] {
            let refused = FriendMetadata::parse(text);
            assert!(
                matches!(refused, Err(StoreError::Unfit { .. })),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn new_members_of_metadata_replace_old_ones() {
        let new = FriendMetadata::parse(r#"{"b": {"c": 1}, "d": 2}"#).unwrap();
        let merged = new.merged_into(r#"{"a": 1, "b": {"x": 1}}"#);
        let merged: Value = serde_json::from_str(&merged).unwrap();
        assert_eq!(merged, serde_json::json!({"a": 1, "b": {"c": 1}, "d": 2}));
    }
}
