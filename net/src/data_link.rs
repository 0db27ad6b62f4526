//! What game code asks of the database, and what it is told.

use jiff::Timestamp;
use tiltyard::{
    DataError, DataOutcome, DataReply, DataRequest, ExpectedVersion, Notification, Page, Paging,
    UserId,
};
use tracing::warn;

use crate::{
    api::{decode_notification, decode_storage, encode_notification, encode_storage},
    store::{
        self, Account, AccountChange, Actor, ObjectCondition, ObjectListing, ObjectPosition,
        ObjectValue, Position, Store, StoreError, StoredObject,
    },
};

/// Does what game code asks, on behalf of the server itself.
pub(crate) async fn answer(store: &Store, request: DataRequest) -> DataOutcome {
    match request {
        DataRequest::ReadObjects(ids) => {
            let ids: Vec<store::ObjectId> = ids.into_iter().map(id_to_store).collect();
            let found = store.read_objects(Actor::Server, &ids).await.map_err(why)?;
            let objects = found.into_iter().map(object_from_store);
            Ok(DataReply::Objects(objects.collect()))
        }
        DataRequest::WriteObjects(writes) => write_objects(store, writes).await,
        DataRequest::DeleteObjects(deletes) => {
            let deletes: Vec<store::ObjectDelete> = deletes
                .into_iter()
                .map(|delete| store::ObjectDelete {
                    id: id_to_store(delete.id),
                    version: delete.version,
                })
                .collect();
            done(store.delete_objects(Actor::Server, &deletes).await)
        }
        DataRequest::ListObjects {
            collection,
            owner,
            paging,
        } => list_objects(store, collection, owner, &paging).await,
        DataRequest::GetAccounts(users) => {
            let mut accounts = Vec::new();
            for user in users {
                let found = store.account(user.0).await.map_err(why)?;
                accounts.extend(found.map(account_from_store));
            }
            Ok(DataReply::Accounts(accounts))
        }
        DataRequest::UpdateAccount { user, update } if update.metadata.is_none() => {
            let change = AccountChange {
                username: update.username,
                display_name: update.display_name,
                avatar_url: update.avatar_url,
                lang_tag: update.lang_tag,
                location: update.location,
                timezone: update.timezone,
            };
            let now = Timestamp::now();
            done(store.update_account(user.0, &change, now).await)
        }
        DataRequest::DeleteAccount(user) => done(store.delete_account(user.0).await),
        DataRequest::ListNotifications { user, paging } => {
            list_notifications(store, user, &paging).await
        }
        DataRequest::DeleteNotifications { user, ids } => {
            done(store.delete_notifications(user.0, &ids).await)
        }
        other => {
            warn!(
                ?other,
                "the database does not know such a question of a game"
            );
            Err(DataError::Failed)
        }
    }
}

fn done(outcome: Result<(), StoreError>) -> DataOutcome {
    outcome.map(|()| DataReply::Done).map_err(why)
}

/// Why it was not done, as far as it matters to game code. The rest is for the log.
fn why(error: StoreError) -> DataError {
    match error {
        StoreError::NotFound | StoreError::NoSuchObject => DataError::NotFound,
        StoreError::VersionDiffers | StoreError::UsernameTaken | StoreError::IdentifierTaken => {
            DataError::Conflict
        }
        StoreError::WriteForbidden => DataError::PermissionDenied,
        StoreError::Unfit { column } => DataError::Invalid(format!("{column} does not fit")),
        // The store has told the operator already, once.
        StoreError::Unavailable(_) => DataError::Unavailable,
        error => {
            warn!(%error, "the database failed");
            DataError::Failed
        }
    }
}

async fn write_objects(store: &Store, writes: Vec<tiltyard::ObjectWrite>) -> DataOutcome {
    let writes = writes
        .into_iter()
        .map(|write| {
            Ok(store::ObjectWrite {
                id: id_to_store(write.id),
                value: ObjectValue::parse(write.value)
                    .ok_or_else(|| DataError::Invalid("a value is no JSON object".to_owned()))?,
                condition: match write.expected {
                    ExpectedVersion::Any => ObjectCondition::Any,
                    ExpectedVersion::Absent => ObjectCondition::Absent,
                    ExpectedVersion::Is(version) => ObjectCondition::Version(version),
                },
                read: match write.read {
                    tiltyard::ReadPermission::Nobody => store::ReadPermission::Nobody,
                    tiltyard::ReadPermission::Owner => store::ReadPermission::Owner,
                    tiltyard::ReadPermission::Public => store::ReadPermission::Public,
                },
                write: match write.write {
                    tiltyard::WritePermission::Nobody => store::WritePermission::Nobody,
                    tiltyard::WritePermission::Owner => store::WritePermission::Owner,
                },
            })
        })
        .collect::<Result<Vec<_>, DataError>>()?;
    let now = Timestamp::now();
    let written = store.write_objects(Actor::Server, &writes, now).await;
    let acks = written
        .map_err(why)?
        .into_iter()
        .map(|ack| tiltyard::ObjectAck {
            id: id_from_store(ack.id),
            version: ack.version,
            create_us: ack.create_time.as_microsecond(),
            update_us: ack.update_time.as_microsecond(),
        });
    Ok(DataReply::ObjectAcks(acks.collect()))
}

async fn list_objects(
    store: &Store,
    collection: String,
    owner: Option<UserId>,
    paging: &Paging,
) -> DataOutcome {
    let listing = ObjectListing::new(Actor::Server, collection, owner.map(|owner| owner.0));
    let after = match &paging.cursor {
        None => None,
        Some(text) => Some(decode_storage(text, &listing).ok_or_else(bad_cursor)?),
    };
    // One more tells whether there is a next page.
    let more = paging.limit.saturating_add(1);
    let found = store.list_objects(&listing, after.as_ref(), more).await;
    let (found, is_last) = cut(found.map_err(why)?, paging.limit);
    let last = found.last().filter(|_| !is_last);
    let cursor = last.map(|last| encode_storage(&ObjectPosition::of(last), &listing));
    let items = found.into_iter().map(object_from_store).collect();
    Ok(DataReply::ObjectPage(Page { items, cursor }))
}

async fn list_notifications(store: &Store, user: UserId, paging: &Paging) -> DataOutcome {
    let after = match &paging.cursor {
        None => Position::START,
        Some(text) => decode_notification(text).ok_or_else(bad_cursor)?,
    };
    let items = store.notifications(user.0, after, paging.limit).await;
    let items = items.map_err(why)?;
    let place = |last: &Notification| Position {
        create_us: last.create_us,
        id: last.id,
    };
    let cursor = Some(encode_notification(items.last().map_or(after, place)));
    Ok(DataReply::Notifications(Page { items, cursor }))
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

fn id_to_store(id: tiltyard::ObjectId) -> store::ObjectId {
    store::ObjectId {
        collection: id.collection,
        key: id.key,
        owner: id.owner.0,
    }
}

fn id_from_store(id: store::ObjectId) -> tiltyard::ObjectId {
    tiltyard::ObjectId {
        collection: id.collection,
        key: id.key,
        owner: UserId(id.owner),
    }
}

fn object_from_store(object: StoredObject) -> tiltyard::StorageObject {
    tiltyard::StorageObject {
        id: id_from_store(object.id),
        value: object.value,
        version: object.version,
        read: match object.read {
            store::ReadPermission::Nobody => tiltyard::ReadPermission::Nobody,
            store::ReadPermission::Owner => tiltyard::ReadPermission::Owner,
            store::ReadPermission::Public => tiltyard::ReadPermission::Public,
        },
        write: match object.write {
            store::WritePermission::Nobody => tiltyard::WritePermission::Nobody,
            store::WritePermission::Owner => tiltyard::WritePermission::Owner,
        },
        create_us: object.create_time.as_microsecond(),
        update_us: object.update_time.as_microsecond(),
    }
}

fn account_from_store(account: Account) -> tiltyard::Account {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let user = account.user;
    tiltyard::Account {
        user: tiltyard::User {
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
        },
        wallet: account.wallet,
        email: some(account.email),
        custom_id: some(account.custom_id),
        devices: account.devices,
        disable_us: account.disable_time.map(Timestamp::as_microsecond),
    }
}
