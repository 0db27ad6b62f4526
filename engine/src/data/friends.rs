//! Friends.

use bevy_ecs::{prelude::*, system::SystemParam};

use super::{
    DataError, DataRequest, Page, Paging, Question, SystemAsks, User,
    accounts::{account_of, users_of},
    check::FRIENDS_PAGE_MAX,
};
use crate::id::UserId;

/// Asks about friends, on behalf of users. Others are told of it as if the users had done it themselves.
///
/// ```
/// use tiltyard::prelude::*;
///
/// #[derive(Component, Default)]
/// struct Duel;
///
/// # impl MatchKind for Duel {
/// #     const NAME: &'static str = "duel";
/// #     fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
/// #         Ok(MatchInit::new(Self))
/// #     }
/// # }
/// /// Whoever plays with somebody invites them.
/// fn introduce(mut matches: Matches<Duel>, mut friends: Friends) {
///     matches.each(|game| {
///         if let [first, second] = game.participants() {
///             let (first, second) = (first.user_id, second.user_id);
///             friends.add(first, [second]).for_match(game);
///         }
///     });
/// }
///
/// let mut app = App::new();
/// app.add_match::<Duel>().add_systems(MatchJoin, introduce);
/// ```
#[derive(SystemParam, Debug)]
pub struct Friends<'w, 's> {
    asks: SystemAsks<'w, 's>,
}

impl Friends<'_, '_> {
    /// Lists the friends of a user by state, then age: those in one state, or all. Pages have up to 1000.
    pub fn list(
        &mut self,
        user: UserId,
        state: Option<FriendState>,
        paging: Paging,
    ) -> Question<'_, Page<Friend>> {
        let checked = paging.check(FRIENDS_PAGE_MAX);
        let request = checked.map(|()| DataRequest::ListFriends {
            user,
            state,
            paging,
        });
        self.asks.question(request)
    }

    /// Invites users on behalf of a user; whoever had invited them becomes their friend. Those who blocked
    /// them, or do not exist, are passed over. [`DataError::NotFound`] if the user does not exist.
    pub fn add(
        &mut self,
        user: UserId,
        others: impl IntoIterator<Item = UserId>,
    ) -> Question<'_, ()> {
        let others = others_of(user, others);
        self.asks
            .question(others.map(|others| DataRequest::AddFriends { user, others }))
    }

    /// Ends friendships, withdraws and declines invitations and lifts blocks on behalf of a user.
    /// [`DataError::NotFound`] if the user does not exist.
    pub fn delete(
        &mut self,
        user: UserId,
        others: impl IntoIterator<Item = UserId>,
    ) -> Question<'_, ()> {
        let others = others_of(user, others);
        self.asks
            .question(others.map(|others| DataRequest::DeleteFriends { user, others }))
    }

    /// Blocks users on behalf of a user, and ends their direct chats. [`DataError::NotFound`] if the user does
    /// not exist.
    pub fn block(
        &mut self,
        user: UserId,
        others: impl IntoIterator<Item = UserId>,
    ) -> Question<'_, ()> {
        let others = others_of(user, others);
        self.asks
            .question(others.map(|others| DataRequest::BlockFriends { user, others }))
    }
}

fn others_of(
    user: UserId,
    others: impl IntoIterator<Item = UserId>,
) -> Result<Vec<UserId>, DataError> {
    account_of(user)?;
    let others = users_of(others)?;
    if others.contains(&user) {
        return Err(DataError::invalid("expects users other than oneself"));
    }
    Ok(others)
}

/// A friend, or whatever they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Friend {
    /// Who.
    pub user: User,
    /// What they are.
    pub state: FriendState,
    /// Since when, in microseconds since 1970.
    pub update_us: i64,
    /// Text of a JSON object.
    pub metadata: String,
}

/// What one user is to another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum FriendState {
    /// They are friends.
    Friend = 0,
    /// They are invited.
    InviteSent = 1,
    /// They have invited.
    InviteReceived = 2,
    /// They are blocked.
    Blocked = 3,
}
