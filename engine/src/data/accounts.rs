//! Accounts.

use bevy_ecs::{prelude::*, system::SystemParam};

use super::{
    DataError, DataRequest, Question, SystemAsks,
    check::{self, batch},
};
use crate::id::UserId;

/// Asks about accounts.
///
/// ```
/// use tiltyard::{Account, AccountUpdate, DataResult, RpcAnswer, prelude::*};
///
/// /// A function that tells callers the name they go by.
/// fn my_name(In(call): In<RpcCall>, mut accounts: Accounts) -> RpcAnswer {
///     accounts.get(call.caller.user_id).then(call, tell_name)
/// }
///
/// fn tell_name(In((call, found)): In<(RpcCall, DataResult<Vec<Account>>)>) -> RpcResult {
///     let account = found?.pop();
///     let name = account.map(|account| account.user.display_name);
///     Ok(name.unwrap_or_else(|| call.caller.username.to_string()))
/// }
///
/// /// Nothing needs to wait for the answer.
/// fn name_the_winner(winner: UserId, accounts: &mut Accounts) {
///     let update = AccountUpdate {
///         display_name: Some("The Champion".to_owned()),
///         ..AccountUpdate::default()
///     };
///     accounts.update(winner, update).ask();
/// }
///
/// let mut app = App::new();
/// app.add_later_rpc("my_name", my_name);
/// ```
#[derive(SystemParam, Debug)]
pub struct Accounts<'w, 's> {
    asks: SystemAsks<'w, 's>,
}

impl Accounts<'_, '_> {
    /// Looks accounts up. Those that do not exist are missing from the answer, whose order is any.
    pub fn get(&mut self, users: impl IntoIterator<Item = UserId>) -> Question<'_, Vec<Account>> {
        self.asks
            .question(batch(users).map(DataRequest::GetAccounts))
    }

    /// Changes an account. [`DataError::Conflict`] if the name is in use.
    pub fn update(&mut self, user: UserId, update: AccountUpdate) -> Question<'_, ()> {
        let checked = account_of(user).and_then(|()| update.check());
        let update = Box::new(update);
        let request = checked.map(|()| DataRequest::UpdateAccount { user, update });
        self.asks.question(request)
    }

    /// Deletes an account and everything that is its own. Its tokens are worth nothing then, and its
    /// connections are closed.
    pub fn delete(&mut self, user: UserId) -> Question<'_, ()> {
        let request = account_of(user).map(|()| DataRequest::DeleteAccount(user));
        self.asks.question(request)
    }

    /// Bans users: they cannot log in any more, their tokens are worth nothing, and their connections are
    /// told so (code -8) and closed. Those who do not exist are passed over.
    pub fn ban(&mut self, users: impl IntoIterator<Item = UserId>) -> Question<'_, ()> {
        self.asks
            .question(users_of(users).map(DataRequest::BanAccounts))
    }

    /// Lets banned users log in again. Tokens from before the ban stay worthless.
    pub fn unban(&mut self, users: impl IntoIterator<Item = UserId>) -> Question<'_, ()> {
        self.asks
            .question(users_of(users).map(DataRequest::UnbanAccounts))
    }
}

/// A user as others see them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The account.
    pub id: UserId,
    /// The name that nobody else has.
    pub username: String,
    /// The name to show; may be empty.
    pub display_name: String,
    /// Where their picture is; may be empty.
    pub avatar_url: String,
    /// Their language.
    pub lang_tag: String,
    /// Where they are; may be empty.
    pub location: String,
    /// Their time zone; may be empty.
    pub timezone: String,
    /// Text of a JSON object that only the server writes.
    pub metadata: String,
    /// Microseconds since 1970.
    pub create_us: i64,
    /// Microseconds since 1970.
    pub update_us: i64,
}

/// An account as its owner sees it, and more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// What others see.
    pub user: User,
    /// Text of a JSON object of whole numbers.
    pub wallet: String,
    /// The address with which they log in, if any.
    pub email: Option<String>,
    /// The id with which the game's own login names them, if any.
    pub custom_id: Option<String>,
    /// The devices with which they log in.
    pub devices: Vec<String>,
    /// When they were banned, in microseconds since 1970; none if they are not.
    pub disable_us: Option<i64>,
}

/// What to change about an account. What is none stays as it is; empty text clears it, but a username and
/// a language cannot be cleared.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountUpdate {
    /// 1 to 128 characters.
    pub username: Option<String>,
    /// Up to 255 characters.
    pub display_name: Option<String>,
    /// Up to 512 characters.
    pub avatar_url: Option<String>,
    /// 1 to 18 characters.
    pub lang_tag: Option<String>,
    /// Up to 255 characters.
    pub location: Option<String>,
    /// Up to 255 characters.
    pub timezone: Option<String>,
    /// Text of a JSON object, up to 16 KiB.
    pub metadata: Option<String>,
}

impl AccountUpdate {
    fn check(&self) -> Result<(), DataError> {
        if *self == Self::default() {
            return Err(DataError::invalid("expects something to change"));
        }
        if let Some(username) = &self.username {
            check::text("a username", username, 128)?;
        }
        if let Some(lang_tag) = &self.lang_tag {
            check::text("a language", lang_tag, 18)?;
        }
        check::length("a display name", self.display_name.as_deref(), 255)?;
        check::length("an avatar URL", self.avatar_url.as_deref(), 512)?;
        check::length("a location", self.location.as_deref(), 255)?;
        check::length("a time zone", self.timezone.as_deref(), 255)?;
        match &self.metadata {
            Some(metadata) => check::json("metadata", metadata),
            None => Ok(()),
        }
    }
}

/// Refuses the server's own user, who has no account.
pub(super) fn account_of(user: UserId) -> Result<(), DataError> {
    if user == UserId::SYSTEM {
        return Err(DataError::invalid("expects a user other than the server"));
    }
    Ok(())
}

/// Several users with accounts.
pub(super) fn users_of(users: impl IntoIterator<Item = UserId>) -> Result<Vec<UserId>, DataError> {
    let users = batch(users)?;
    users.iter().copied().try_for_each(account_of)?;
    Ok(users)
}
