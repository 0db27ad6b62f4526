//! Groups, as the rest of the server sees them.

use jiff::Timestamp;
use tiltyard::{ChannelId, ChannelMessage, StreamId, UserId, mode};
use uuid::Uuid;

use super::account::{User, check_text};
use super::error::StoreError;
use super::metadata::Metadata;

/// A group of users. Empty text stands for nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// The id.
    pub id: Uuid,
    /// Who founded it; they may have left.
    pub creator_id: Uuid,
    /// Unique name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Address of a picture.
    pub avatar_url: String,
    /// Language tag.
    pub lang_tag: String,
    /// Text of a JSON object.
    pub metadata: String,
    /// Whether anybody may join without being accepted.
    pub open: bool,
    /// Count of superadmins, admins and members.
    pub edge_count: i32,
    /// How many there may be.
    pub max_count: i32,
    /// When it was founded.
    pub create_time: Timestamp,
    /// When it, or the count of its members, was last changed.
    pub update_time: Timestamp,
}

/// What a user is to a group. The less, the mightier.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Rank {
    /// May do everything.
    Superadmin = 0,
    /// May do what concerns members.
    Admin = 1,
    /// Is in it, no more.
    Member = 2,
    /// Asked to join.
    JoinRequest = 3,
    /// May not even ask.
    Banned = 4,
}

impl Rank {
    /// Every rank, in order.
    pub const ALL: [Self; 5] = [
        Self::Superadmin,
        Self::Admin,
        Self::Member,
        Self::JoinRequest,
        Self::Banned,
    ];

    /// The rank with this number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|rank| *rank as i64 == number)
    }

    /// Whether it makes a member, who counts and may chat.
    #[must_use]
    pub fn is_member(self) -> bool {
        self <= Self::Member
    }

    /// Whether it decides about others.
    #[must_use]
    pub fn is_admin(self) -> bool {
        self <= Self::Admin
    }
}

/// A group to be made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewGroup {
    /// Unique name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Address of a picture.
    pub avatar_url: String,
    /// Language tag.
    pub lang_tag: String,
    /// Whether anybody may join without being accepted.
    pub open: bool,
    /// How many members there may be.
    pub max_count: i32,
    /// What only game code writes.
    pub metadata: Metadata,
}

impl NewGroup {
    /// Refuses what no backend stores; column limits count characters.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        check_text("name", &self.name, 255)?;
        check_text("description", &self.description, 255)?;
        check_text("avatar_url", &self.avatar_url, 512)?;
        check_text("lang_tag", &self.lang_tag, 18)
    }
}

/// Changes to a group: what is `None` stays.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupChange {
    /// Unique name; not empty.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Address of a picture.
    pub avatar_url: Option<String>,
    /// Language tag; not empty.
    pub lang_tag: Option<String>,
    /// Whether anybody may join without being accepted.
    pub open: Option<bool>,
    /// How many members there may be; not fewer than there are.
    pub max_count: Option<i32>,
    /// What only game code writes.
    pub metadata: Option<Metadata>,
}

impl GroupChange {
    /// Refuses what no backend stores; column limits count characters.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let columns = [
            ("name", &self.name, 255),
            ("description", &self.description, 255),
            ("avatar_url", &self.avatar_url, 512),
            ("lang_tag", &self.lang_tag, 18),
        ];
        for (column, value, characters_max) in columns {
            check_text(column, value.as_deref().unwrap_or_default(), characters_max)?;
        }
        Ok(())
    }
}

/// What an admin does to users.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deed {
    /// Makes them members.
    Add,
    /// Ends whatever they are to the group.
    Kick,
    /// The same, and keeps them out.
    Ban,
    /// Makes them mightier by one.
    Promote,
    /// Makes them weaker by one.
    Demote,
}

/// What others have to be told of a change. All of it is in the database.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GroupNews {
    /// The name of the group.
    pub name: String,
    /// What its channel is to see; kept already.
    pub messages: Vec<ChannelMessage>,
    /// Who has to leave its channel after that.
    pub left: Vec<UserId>,
    /// Who was made a member by somebody else.
    pub added: Vec<UserId>,
    /// Who wants to join, and who is to be told.
    pub request: Option<JoinRequest>,
    /// Whether the group is no more.
    pub is_gone: bool,
}

/// Somebody wants to join a closed group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JoinRequest {
    /// Their name.
    pub username: String,
    /// Who decides about it.
    pub admins: Vec<UserId>,
}

/// Why a group was not changed. Nothing was, then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// Another group has this name; choose another.
    #[error("the name of the group is taken")]
    NameTaken,
    /// There is no such group, or it is disabled.
    #[error("there is no such group")]
    NotFound,
    /// There is no such group, or the user may not do this to it.
    #[error("the user may not do this")]
    NotAllowed,
    /// Nothing would change.
    #[error("there is nothing to change")]
    NothingToChange,
    /// The group is disabled.
    #[error("the group is disabled")]
    Disabled,
    /// There is no room for so many; or there are more than there is to be room for.
    #[error("the group is full")]
    Full,
    /// Somebody else has to be made superadmin first.
    #[error("the user is the last superadmin")]
    LastSuperadmin,
    /// Not all of the users exist.
    #[error("there are no such users")]
    UsersNotFound,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A name as it is searched for. Character by character, so that a part is the same by itself.
pub(super) fn folded(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// The channel of a group.
pub(super) fn channel_of(group: Uuid) -> ChannelId {
    ChannelId(StreamId::about(mode::GROUP, group))
}

/// A place in the list of a group's users, or of a user's groups.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct EdgePlace {
    /// The number of the rank.
    pub rank: i64,
    /// When the relation began, in nanoseconds since 1970.
    pub position: i64,
    /// The other end.
    pub id: Uuid,
}

impl EdgePlace {
    /// Before everything.
    pub const START: Self = Self {
        rank: -1,
        position: 0,
        id: Uuid::nil(),
    };
}

/// An element of such a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed<T> {
    /// The user, or the group.
    pub what: T,
    /// What they are to each other.
    pub rank: Rank,
    /// Where it is in the list.
    pub place: EdgePlace,
}

/// Somebody in a group.
pub type GroupUser = Listed<User>;
/// A group with somebody in it.
pub type UserGroup = Listed<Group>;
