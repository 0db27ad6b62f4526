//! What game code asks of the database, and what it is told.

use uuid::Uuid;

use super::{
    Account, AccountUpdate, Friend, FriendState, Group, GroupFilter, GroupId, GroupMembership,
    GroupState, GroupUpdate, GroupUser, NewGroup, ObjectAck, ObjectDelete, ObjectId, ObjectWrite,
    Paging, StorageObject,
};
use crate::{id::UserId, notification::Notification};

/// Something that game code asks of the database, checked: no batch is empty or too long, no name is
/// empty, and every JSON text is one of an object.
///
/// Each is done as a whole or not at all. All of them are on behalf of the server itself, which no
/// permission of an object and no rank in a group holds back.
#[derive(Clone, Debug, PartialEq)]
pub enum DataRequest {
    /// The objects of these that exist, in any order. [`DataReply::Objects`].
    ReadObjects(Vec<ObjectId>),
    /// Keep these objects. [`DataReply::ObjectAcks`], in this order.
    WriteObjects(Vec<ObjectWrite>),
    /// Forget these objects; one that does not exist or has another version fails all. [`DataReply::Done`].
    DeleteObjects(Vec<ObjectDelete>),
    /// Objects of a collection whoever may read them: everybody's by key and owner, those of one owner by who
    /// may read them and key. [`DataReply::ObjectPage`].
    ListObjects {
        /// Of which collection.
        collection: String,
        /// Whose; none means everybody's.
        owner: Option<UserId>,
        /// Which part of the list.
        paging: Paging,
    },
    /// The accounts of these that exist, in any order. [`DataReply::Accounts`].
    GetAccounts(Vec<UserId>),
    /// Change an account. [`DataReply::Done`].
    UpdateAccount {
        /// Whose.
        user: UserId,
        /// What of it.
        update: Box<AccountUpdate>,
    },
    /// Remove an account with everything that is its own. [`DataReply::Done`], also if there is none.
    DeleteAccount(UserId),
    /// Let these users in no more; their tokens are worth nothing. Whoever does not exist is passed over.
    /// [`DataReply::Done`].
    BanAccounts(Vec<UserId>),
    /// Let these users in again. [`DataReply::Done`].
    UnbanAccounts(Vec<UserId>),
    /// Friends of a user by state, then age. [`DataReply::Friends`].
    ListFriends {
        /// Whose.
        user: UserId,
        /// Only those in this state.
        state: Option<FriendState>,
        /// Which part of the list.
        paging: Paging,
    },
    /// Invite users, or accept their invitations, on behalf of a user. [`DataReply::Done`].
    AddFriends {
        /// Who invites.
        user: UserId,
        /// Whom.
        others: Vec<UserId>,
    },
    /// End friendships, invitations and blocks, on behalf of a user. [`DataReply::Done`].
    DeleteFriends {
        /// On whose behalf.
        user: UserId,
        /// With whom.
        others: Vec<UserId>,
    },
    /// Block users, on behalf of a user. [`DataReply::Done`].
    BlockFriends {
        /// Who blocks.
        user: UserId,
        /// Whom.
        others: Vec<UserId>,
    },
    /// Make a group. [`DataReply::Group`], or [`Conflict`](super::DataError::Conflict) if its name is in use.
    CreateGroup(Box<NewGroup>),
    /// Change a group. [`DataReply::Done`].
    UpdateGroup {
        /// Which.
        group: GroupId,
        /// What of it.
        update: Box<GroupUpdate>,
    },
    /// Remove a group. [`DataReply::Done`].
    DeleteGroup(GroupId),
    /// The groups of these that exist, in any order. [`DataReply::Groups`] without a cursor.
    GetGroups(Vec<GroupId>),
    /// Groups that pass a filter. [`DataReply::Groups`].
    ListGroups {
        /// Which.
        filter: GroupFilter,
        /// Which part of the list.
        paging: Paging,
    },
    /// Users of a group by state, then age. [`DataReply::GroupUsers`].
    ListGroupUsers {
        /// Of which group.
        group: GroupId,
        /// Only those in this state; none means all but the banned.
        state: Option<GroupState>,
        /// Which part of the list.
        paging: Paging,
    },
    /// Groups of a user by state, then age. [`DataReply::UserGroups`].
    ListUserGroups {
        /// Whose.
        user: UserId,
        /// Only those in which they have this state.
        state: Option<GroupState>,
        /// Which part of the list.
        paging: Paging,
    },
    /// Join a group, or ask to, as a user. [`DataReply::Done`].
    JoinGroup {
        /// Which.
        group: GroupId,
        /// Who.
        user: UserId,
    },
    /// Leave a group as a user. [`DataReply::Done`].
    LeaveGroup {
        /// Which.
        group: GroupId,
        /// Who.
        user: UserId,
    },
    /// Change what users are in a group. [`DataReply::Done`].
    ChangeGroupUsers {
        /// In which.
        group: GroupId,
        /// Who.
        users: Vec<UserId>,
        /// How.
        change: GroupChange,
    },
    /// Kept notifications of a user, oldest first. [`DataReply::Notifications`], with a cursor in any case.
    ListNotifications {
        /// Whose.
        user: UserId,
        /// Which part of the list.
        paging: Paging,
    },
    /// Forget kept notifications of a user. Those that are not theirs are left alone. [`DataReply::Done`].
    DeleteNotifications {
        /// Whose.
        user: UserId,
        /// Which.
        ids: Vec<Uuid>,
    },
}

/// What happens to users of a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GroupChange {
    /// They become members, asked or not.
    Add,
    /// They are out; a request is declined, a ban lifted.
    Kick,
    /// They are out and cannot come back.
    Ban,
    /// They rise by one state.
    Promote,
    /// They sink by one state.
    Demote,
}

impl DataRequest {
    /// Whether it changes the database. Changes are made in the order in which they were asked for.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        !matches!(
            self,
            Self::ReadObjects(_)
                | Self::ListObjects { .. }
                | Self::GetAccounts(_)
                | Self::ListFriends { .. }
                | Self::GetGroups(_)
                | Self::ListGroups { .. }
                | Self::ListGroupUsers { .. }
                | Self::ListUserGroups { .. }
                | Self::ListNotifications { .. }
        )
    }
}

/// What the database tells game code. [`DataRequest`] says which reply belongs to what.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DataReply {
    /// It was done.
    Done,
    /// Objects.
    Objects(Vec<StorageObject>),
    /// What became of objects that were written.
    ObjectAcks(Vec<ObjectAck>),
    /// Part of a list of objects.
    ObjectPage(Page<StorageObject>),
    /// Accounts.
    Accounts(Vec<Account>),
    /// Part of a list of friends.
    Friends(Page<Friend>),
    /// The group that was made.
    Group(Box<Group>),
    /// Part of a list of groups.
    Groups(Page<Group>),
    /// Part of a list of users of a group.
    GroupUsers(Page<GroupUser>),
    /// Part of a list of groups of a user.
    UserGroups(Page<GroupMembership>),
    /// Part of a list of notifications.
    Notifications(Page<Notification>),
}

/// What came of a request.
pub type DataOutcome = Result<DataReply, super::DataError>;

/// Part of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next part begins; none if this is the last.
    pub cursor: Option<String>,
}

/// Nothing, and nothing after it.
impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            cursor: None,
        }
    }
}
