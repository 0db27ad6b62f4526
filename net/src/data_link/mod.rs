//! What game code asks of the database, and what it is told.
//!
//! It is done on behalf of the server itself, which no permission and no rank holds back.

mod accounts;
mod friends;
mod group_lists;
mod groups;
mod notifications;
mod objects;

use std::sync::Arc;

use tiltyard::{Call, DataError, DataOutcome, DataReply, DataRequest, UserId};
use tracing::warn;
use uuid::Uuid;

use crate::{
    auth::Sessions,
    store::{Store, StoreError},
};

/// What the answers to game code are made with. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct DataLink {
    pub(crate) store: Store,
    pub(crate) sessions: Arc<Sessions>,
}

/// What game code is told, and what the world has to do before that.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) outcome: DataOutcome,
    pub(crate) calls: Vec<Call>,
}

impl From<DataOutcome> for Answered {
    fn from(outcome: DataOutcome) -> Self {
        Self {
            outcome,
            calls: Vec::new(),
        }
    }
}

/// A change that the world has to be told of.
impl From<Result<Vec<Call>, DataError>> for Answered {
    fn from(changed: Result<Vec<Call>, DataError>) -> Self {
        match changed {
            Ok(calls) => Self {
                outcome: Ok(DataReply::Done),
                calls,
            },
            Err(error) => Self {
                outcome: Err(error),
                calls: Vec::new(),
            },
        }
    }
}

impl DataLink {
    /// Does what game code asks.
    pub(crate) async fn answer(&self, request: DataRequest) -> Answered {
        use DataRequest as Ask;
        let store = &self.store;
        match request {
            Ask::ReadObjects(ids) => objects::read(store, ids).await.into(),
            Ask::WriteObjects(writes) => objects::write(store, writes).await.into(),
            Ask::DeleteObjects(deletes) => objects::delete(store, deletes).await.into(),
            Ask::ListObjects {
                collection,
                owner,
                paging,
            } => objects::list(store, collection, owner, &paging)
                .await
                .into(),
            Ask::GetAccounts(users) => accounts::get(store, users).await.into(),
            Ask::UpdateAccount { user, update } => {
                accounts::update(store, user, *update).await.into()
            }
            Ask::DeleteAccount(user) => accounts::delete(self, user).await,
            Ask::BanAccounts(users) => accounts::ban(self, users).await.into(),
            Ask::UnbanAccounts(users) => accounts::unban(store, users).await.into(),
            Ask::ListFriends {
                user,
                state,
                paging,
            } => friends::list(store, user, state, &paging).await.into(),
            Ask::AddFriends { user, others } => friends::add(store, user, &others).await.into(),
            Ask::DeleteFriends { user, others } => {
                friends::delete(store, user, &others).await.into()
            }
            Ask::BlockFriends { user, others } => friends::block(store, user, &others).await.into(),
            Ask::CreateGroup(group) => groups::create(store, *group).await.into(),
            Ask::UpdateGroup { group, update } => {
                groups::update(store, group, *update).await.into()
            }
            Ask::DeleteGroup(group) => groups::delete(store, group).await.into(),
            Ask::GetGroups(ids) => groups::get(store, ids).await.into(),
            Ask::ListGroups { filter, paging } => {
                group_lists::groups(store, filter, &paging).await.into()
            }
            Ask::ListGroupUsers {
                group,
                state,
                paging,
            } => group_lists::users(store, group, state, &paging)
                .await
                .into(),
            Ask::ListUserGroups {
                user,
                state,
                paging,
            } => group_lists::of_user(store, user, state, &paging)
                .await
                .into(),
            Ask::JoinGroup { group, user } => groups::join(store, group, user).await.into(),
            Ask::LeaveGroup { group, user } => groups::leave(store, group, user).await.into(),
            Ask::ChangeGroupUsers {
                group,
                users,
                change,
            } => groups::change(store, group, &users, change).await.into(),
            Ask::ListNotifications { user, paging } => {
                notifications::list(store, user, &paging).await.into()
            }
            Ask::DeleteNotifications { user, ids } => {
                notifications::delete(store, user, &ids).await.into()
            }
        }
    }
}

fn ids_of(users: &[UserId]) -> Vec<Uuid> {
    users.iter().map(|user| user.0).collect()
}

/// Why it was not done, as far as it matters to game code. The rest is for the log.
fn why(error: StoreError) -> DataError {
    match error {
        StoreError::NotFound | StoreError::NoSuchObject => DataError::NotFound,
        StoreError::VersionDiffers | StoreError::UsernameTaken | StoreError::IdentifierTaken => {
            DataError::Conflict
        }
        StoreError::WriteForbidden => DataError::PermissionDenied,
        StoreError::TooMuch => DataError::Invalid("more than may be read at once".to_owned()),
        StoreError::Unfit { column } => DataError::Invalid(format!("{column} does not fit")),
        // The store has told the operator already, once.
        StoreError::Unavailable(_) => DataError::Unavailable,
        error => {
            warn!(%error, "the database failed");
            DataError::Failed
        }
    }
}

fn bad_cursor() -> DataError {
    DataError::Invalid("the cursor is not one of this list".to_owned())
}

/// At most this many, and whether those are all.
fn cut<T>(mut items: Vec<T>, limit: u32) -> (Vec<T>, bool) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_last = items.len() <= limit;
    items.truncate(limit);
    (items, is_last)
}
