//! Groups.

use bevy_ecs::{prelude::*, system::SystemParam};
use uuid::Uuid;

use super::{
    DataError, DataRequest, GroupChange, Page, Paging, Question, SystemAsks, User,
    accounts::{account_of, users_of},
    check::{self, PAGE_MAX, batch},
};
use crate::id::UserId;

/// Asks about groups, on behalf of the server: nobody's rank holds it back.
///
/// ```
/// use tiltyard::{Group, NewGroup, SystemAsk, prelude::*};
///
/// #[derive(Resource, Default)]
/// struct Champions {
///     founding: Option<SystemAsk<Group>>,
///     group: Option<Group>,
/// }
///
/// /// A group that is there before anybody plays.
/// fn found(mut groups: Groups, mut champions: ResMut<Champions>) {
///     if champions.founding.is_none() {
///         let group = NewGroup::new("Champions", UserId::SYSTEM);
///         champions.founding = Some(groups.create(group).ask());
///     }
/// }
///
/// fn note(mut answers: MessageReader<Answered>, mut champions: ResMut<Champions>) {
///     for answered in answers.read() {
///         let founded = champions.founding.and_then(|ask| answered.to(ask));
///         if let Some(Ok(group)) = founded {
///             champions.group = Some(group);
///         }
///     }
/// }
///
/// let mut app = App::new();
/// app.init_resource::<Champions>()
///     .add_systems(MatchLoop, (found, note).chain());
/// ```
#[derive(SystemParam, Debug)]
pub struct Groups<'w, 's> {
    asks: SystemAsks<'w, 's>,
}

impl Groups<'_, '_> {
    /// Makes a group. [`DataError::Conflict`] if its name is in use.
    pub fn create(&mut self, group: NewGroup) -> Question<'_, Group> {
        let checked = group.check();
        let request = checked.map(|()| DataRequest::CreateGroup(Box::new(group)));
        self.asks.question(request)
    }

    /// Changes a group. [`DataError::Conflict`] if the name is in use.
    pub fn update(&mut self, group: GroupId, update: GroupUpdate) -> Question<'_, ()> {
        let checked = update.check();
        let update = Box::new(update);
        let request = checked.map(|()| DataRequest::UpdateGroup { group, update });
        self.asks.question(request)
    }

    /// Deletes a group.
    pub fn delete(&mut self, group: GroupId) -> Question<'_, ()> {
        self.asks.question(Ok(DataRequest::DeleteGroup(group)))
    }

    /// Looks groups up. Those that do not exist are missing from the answer, whose order is any.
    pub fn get(&mut self, groups: impl IntoIterator<Item = GroupId>) -> Question<'_, Page<Group>> {
        self.asks
            .question(batch(groups).map(DataRequest::GetGroups))
    }

    /// Lists groups. Pages have up to 100.
    pub fn list(&mut self, filter: GroupFilter, paging: Paging) -> Question<'_, Page<Group>> {
        let checked = filter.check().and_then(|()| paging.check(PAGE_MAX));
        let request = checked.map(|()| DataRequest::ListGroups { filter, paging });
        self.asks.question(request)
    }

    /// Lists the users of a group by state, then age: those in one state, or all but the banned. Pages have
    /// up to 100.
    pub fn users(
        &mut self,
        group: GroupId,
        state: Option<GroupState>,
        paging: Paging,
    ) -> Question<'_, Page<GroupUser>> {
        let checked = paging.check(PAGE_MAX);
        let request = checked.map(|()| DataRequest::ListGroupUsers {
            group,
            state,
            paging,
        });
        self.asks.question(request)
    }

    /// Lists the groups of a user by state, then age. Pages have up to 100.
    pub fn of_user(
        &mut self,
        user: UserId,
        state: Option<GroupState>,
        paging: Paging,
    ) -> Question<'_, Page<GroupMembership>> {
        let checked = paging.check(PAGE_MAX);
        let request = checked.map(|()| DataRequest::ListUserGroups {
            user,
            state,
            paging,
        });
        self.asks.question(request)
    }

    /// Joins a group as a user, or asks to if it is closed.
    pub fn join(&mut self, group: GroupId, user: UserId) -> Question<'_, ()> {
        let request = account_of(user).map(|()| DataRequest::JoinGroup { group, user });
        self.asks.question(request)
    }

    /// Leaves a group as a user, or withdraws the wish to join it.
    pub fn leave(&mut self, group: GroupId, user: UserId) -> Question<'_, ()> {
        let request = account_of(user).map(|()| DataRequest::LeaveGroup { group, user });
        self.asks.question(request)
    }

    /// Makes users members, asked or not.
    pub fn add(
        &mut self,
        group: GroupId,
        users: impl IntoIterator<Item = UserId>,
    ) -> Question<'_, ()> {
        self.change(group, users, GroupChange::Add)
    }

    /// Removes users. A request to join is declined, a ban lifted.
    pub fn kick(
        &mut self,
        group: GroupId,
        users: impl IntoIterator<Item = UserId>,
    ) -> Question<'_, ()> {
        self.change(group, users, GroupChange::Kick)
    }

    /// Removes users for good.
    pub fn ban(
        &mut self,
        group: GroupId,
        users: impl IntoIterator<Item = UserId>,
    ) -> Question<'_, ()> {
        self.change(group, users, GroupChange::Ban)
    }

    /// Makes members admins, and admins superadmins.
    pub fn promote(
        &mut self,
        group: GroupId,
        users: impl IntoIterator<Item = UserId>,
    ) -> Question<'_, ()> {
        self.change(group, users, GroupChange::Promote)
    }

    /// Makes superadmins admins, but for the last one, and admins members.
    pub fn demote(
        &mut self,
        group: GroupId,
        users: impl IntoIterator<Item = UserId>,
    ) -> Question<'_, ()> {
        self.change(group, users, GroupChange::Demote)
    }

    fn change(
        &mut self,
        group: GroupId,
        users: impl IntoIterator<Item = UserId>,
        change: GroupChange,
    ) -> Question<'_, ()> {
        let request = users_of(users).map(|users| DataRequest::ChangeGroupUsers {
            group,
            users,
            change,
        });
        self.asks.question(request)
    }
}

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
    /// Who makes it and becomes its superadmin; [`UserId::SYSTEM`] is nobody.
    pub creator: UserId,
    /// Up to 255 characters.
    pub description: String,
    /// Up to 512 characters.
    pub avatar_url: String,
    /// 1 to 18 characters.
    pub lang_tag: String,
    /// Text of a JSON object.
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

    fn check(&self) -> Result<(), DataError> {
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
    /// Text of a JSON object.
    pub metadata: Option<String>,
    /// Whether users may join without asking.
    pub open: Option<bool>,
    /// How many it has room for, at least 1.
    pub users_max: Option<u32>,
}

impl GroupUpdate {
    fn check(&self) -> Result<(), DataError> {
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
    fn check(&self) -> Result<(), DataError> {
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
