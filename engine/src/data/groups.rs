//! Asking about groups.

use bevy_ecs::system::SystemParam;

use super::{
    DataRequest, Group, GroupChange, GroupFilter, GroupId, GroupMembership, GroupState,
    GroupUpdate, GroupUser, NewGroup, Page, Paging, Question, SystemAsks,
    accounts::{account_of, users_of},
    check::{PAGE_MAX, batch},
};
use crate::id::UserId;

/// Asks about groups, on behalf of the server: nobody's rank holds it back. Channels and users are told of
/// changes as if an admin had made them.
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
    /// Makes a group. [`Conflict`](super::DataError::Conflict) if its name is in use.
    pub fn create(&mut self, group: NewGroup) -> Question<'_, Group> {
        let checked = group.check();
        let request = checked.map(|()| DataRequest::CreateGroup(Box::new(group)));
        self.asks.question(request)
    }

    /// Changes a group. [`Conflict`](super::DataError::Conflict) if the name is in use, or more are in it than
    /// it is to have room for; [`NotFound`](super::DataError::NotFound) if it does not exist.
    pub fn update(&mut self, group: GroupId, update: GroupUpdate) -> Question<'_, ()> {
        let checked = update.check();
        let update = Box::new(update);
        let request = checked.map(|()| DataRequest::UpdateGroup { group, update });
        self.asks.question(request)
    }

    /// Deletes a group and ends its chat. [`NotFound`](super::DataError::NotFound) if it does not exist.
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

    /// Joins a group as a user, or asks to if it is closed. [`Conflict`](super::DataError::Conflict) if it is
    /// full, [`NotFound`](super::DataError::NotFound) if it or the user does not exist.
    pub fn join(&mut self, group: GroupId, user: UserId) -> Question<'_, ()> {
        let request = account_of(user).map(|()| DataRequest::JoinGroup { group, user });
        self.asks.question(request)
    }

    /// Leaves a group as a user, or withdraws the wish to join it. The group ends with its only member;
    /// [`PermissionDenied`](super::DataError::PermissionDenied) if others are left without a superadmin.
    pub fn leave(&mut self, group: GroupId, user: UserId) -> Question<'_, ()> {
        let request = account_of(user).map(|()| DataRequest::LeaveGroup { group, user });
        self.asks.question(request)
    }

    /// Makes users members, asked or not; the banned stay out. [`Conflict`](super::DataError::Conflict) if they
    /// do not all fit in, [`NotFound`](super::DataError::NotFound) if one of them does not exist.
    pub fn add(
        &mut self,
        group: GroupId,
        users: impl IntoIterator<Item = UserId>,
    ) -> Question<'_, ()> {
        self.change(group, users, GroupChange::Add)
    }

    /// Removes users, but for the last superadmin. A request to join is declined, a ban lifted.
    pub fn kick(
        &mut self,
        group: GroupId,
        users: impl IntoIterator<Item = UserId>,
    ) -> Question<'_, ()> {
        self.change(group, users, GroupChange::Kick)
    }

    /// Removes users for good, but for the last superadmin and those who are nothing to the group.
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
