//! What a group is.

use uuid::Uuid;

use super::{DataError, User, check};
use crate::id::UserId;

/// A group.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct GroupId(pub Uuid);

/// A group, as everybody sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// Which.
    pub id: GroupId,
    /// Who made it.
    pub creator: UserId,
    /// What it is called; no other group is.
    pub name: String,
    /// What it is about; may be empty.
    pub description: String,
    /// Where its picture is; may be empty.
    pub avatar_url: String,
    /// Its language.
    pub lang_tag: String,
    /// Text of a JSON object that only the server writes.
    pub metadata: String,
    /// Whether users may join without asking.
    pub open: bool,
    /// How many are in it.
    pub user_count: u32,
    /// How many it has room for.
    pub users_max: u32,
    /// Microseconds since 1970.
    pub create_us: i64,
    /// Microseconds since 1970.
    pub update_us: i64,
}

/// A group to make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewGroup {
    /// 1 to 255 characters.
    pub name: String,
    /// Who makes it and becomes its superadmin. If that is [`UserId::SYSTEM`], the server counts as one of its
    /// users, and the group lasts when everybody else has left.
    pub creator: UserId,
    /// Up to 255 characters.
    pub description: String,
    /// Up to 512 characters.
    pub avatar_url: String,
    /// 1 to 18 characters.
    pub lang_tag: String,
    /// Text of a JSON object, up to 16 KiB.
    pub metadata: String,
    /// Whether users may join without asking.
    pub open: bool,
    /// How many it has room for, at least 1.
    pub users_max: u32,
}

impl NewGroup {
    /// A closed group of this name for a hundred users.
    pub fn new(name: impl Into<String>, creator: UserId) -> Self {
        Self {
            name: name.into(),
            creator,
            description: String::new(),
            avatar_url: String::new(),
            lang_tag: "en".to_owned(),
            metadata: "{}".to_owned(),
            open: false,
            users_max: 100,
        }
    }

    pub(super) fn check(&self) -> Result<(), DataError> {
        check::text("a name", &self.name, 255)?;
        check::length("a description", Some(&self.description), 255)?;
        check::length("an avatar URL", Some(&self.avatar_url), 512)?;
        check::text("a language", &self.lang_tag, 18)?;
        check::json("metadata", &self.metadata)?;
        check_room(self.users_max)
    }
}

/// What to change about a group. What is none stays as it is; empty text clears it, but a name and a
/// language cannot be cleared.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupUpdate {
    /// 1 to 255 characters.
    pub name: Option<String>,
    /// Up to 255 characters.
    pub description: Option<String>,
    /// Up to 512 characters.
    pub avatar_url: Option<String>,
    /// 1 to 18 characters.
    pub lang_tag: Option<String>,
    /// Text of a JSON object, up to 16 KiB.
    pub metadata: Option<String>,
    /// Whether users may join without asking.
    pub open: Option<bool>,
    /// How many it has room for, at least 1 and as many as are in it.
    pub users_max: Option<u32>,
}

impl GroupUpdate {
    pub(super) fn check(&self) -> Result<(), DataError> {
        if *self == Self::default() {
            return Err(DataError::invalid("expects something to change"));
        }
        if let Some(name) = &self.name {
            check::text("a name", name, 255)?;
        }
        check::length("a description", self.description.as_deref(), 255)?;
        check::length("an avatar URL", self.avatar_url.as_deref(), 512)?;
        if let Some(lang_tag) = &self.lang_tag {
            check::text("a language", lang_tag, 18)?;
        }
        if let Some(metadata) = &self.metadata {
            check::json("metadata", metadata)?;
        }
        self.users_max.map_or(Ok(()), check_room)
    }
}

fn check_room(users_max: u32) -> Result<(), DataError> {
    if users_max == 0 {
        return Err(DataError::invalid("expects room for at least 1"));
    }
    Ok(())
}

/// Which groups to list. Without anything, all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupFilter {
    /// Called this, whatever the case; `%` stands for any text and `_` for any character. Not together with
    /// anything else.
    pub name: Option<String>,
    /// Of this language.
    pub lang_tag: Option<String>,
    /// With at most this many users.
    pub users_max: Option<u32>,
    /// Open or closed.
    pub open: Option<bool>,
}

impl GroupFilter {
    pub(super) fn check(&self) -> Result<(), DataError> {
        let others = self.lang_tag.is_some() || self.users_max.is_some() || self.open.is_some();
        if self.name.is_some() && others {
            let text = "expects a name filter without any other filter";
            return Err(DataError::invalid(text));
        }
        Ok(())
    }
}

/// A user of a group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupUser {
    /// Who.
    pub user: User,
    /// What they are in it.
    pub state: GroupState,
}

/// A group of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupMembership {
    /// Which.
    pub group: Group,
    /// What they are in it.
    pub state: GroupState,
}

/// What a user is in a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum GroupState {
    /// May do everything, and delete it.
    Superadmin = 0,
    /// May change it and its members.
    Admin = 1,
    /// Is in it.
    Member = 2,
    /// Wants to be in it.
    JoinRequest = 3,
    /// Cannot come back.
    Banned = 4,
}
