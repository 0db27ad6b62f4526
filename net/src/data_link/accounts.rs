//! Accounts.

use jiff::Timestamp;
use tiltyard::{AccountUpdate, DataError, DataOutcome, DataReply, UserId};
use tracing::warn;

use super::{Answered, DataLink, ids_of, why};
use crate::{
    auth::TooManyLogouts,
    news,
    store::{Account, AccountChange, Metadata, Store, User},
};

pub(super) async fn get(store: &Store, users: Vec<UserId>) -> DataOutcome {
    let found = store.accounts(&ids_of(&users)).await.map_err(why)?;
    let accounts = found.into_iter().map(account_from_store);
    Ok(DataReply::Accounts(accounts.collect()))
}

pub(super) async fn update(store: &Store, user: UserId, update: AccountUpdate) -> DataOutcome {
    let metadata = update.metadata.map(Metadata::parse);
    let change = AccountChange {
        username: update.username,
        display_name: update.display_name,
        avatar_url: update.avatar_url,
        lang_tag: update.lang_tag,
        location: update.location,
        timezone: update.timezone,
        metadata: metadata.transpose().map_err(why)?,
    };
    let updated = store
        .update_account(user.0, &change, Timestamp::now())
        .await;
    updated.map(|()| DataReply::Done).map_err(why)
}

/// The world closes their connections when it is told that this was done.
pub(super) async fn delete(link: &DataLink, user: UserId) -> Answered {
    match link.store.delete_account(user.0).await {
        Ok(groups) => Answered {
            outcome: shut_out(link, &[user]),
            calls: groups.into_iter().map(news::of_deleted_group).collect(),
        },
        Err(error) => Answered::from(DataOutcome::Err(why(error))),
    }
}

/// The world closes their connections when it is told that this was done.
pub(super) async fn ban(link: &DataLink, users: Vec<UserId>) -> DataOutcome {
    let banned = link
        .store
        .ban_accounts(&ids_of(&users), Timestamp::now())
        .await;
    banned.map_err(why)?;
    shut_out(link, &users)
}

pub(super) async fn unban(store: &Store, users: Vec<UserId>) -> DataOutcome {
    let unbanned = store.unban_accounts(&ids_of(&users)).await;
    unbanned.map(|()| DataReply::Done).map_err(why)
}

/// Ends all tokens of users. The time is that of now, so that none was issued after it.
fn shut_out(link: &DataLink, users: &[UserId]) -> DataOutcome {
    let now = Timestamp::now();
    let mut users = users.iter();
    users
        .try_for_each(|user| link.sessions.shut_out(user.0, now))
        .map(|()| DataReply::Done)
        .map_err(|error: TooManyLogouts| {
            warn!(%error, "users were banned or deleted, and keep their tokens");
            DataError::Failed
        })
}

fn account_from_store(account: Account) -> tiltyard::Account {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    tiltyard::Account {
        user: user_from_store(account.user),
        wallet: account.wallet,
        email: some(account.email),
        custom_id: some(account.custom_id),
        devices: account.devices,
        disable_us: account.disable_time.map(Timestamp::as_microsecond),
    }
}

pub(super) fn user_from_store(user: User) -> tiltyard::User {
    tiltyard::User {
        id: UserId(user.id),
        username: user.username,
        display_name: user.display_name,
        avatar_url: user.avatar_url,
        lang_tag: user.lang_tag,
        location: user.location,
        timezone: user.timezone,
        metadata: user.metadata,
        create_us: user.create_time.as_microsecond(),
        update_us: user.update_time.as_microsecond(),
    }
}
