//! Objects in storage.

use jiff::Timestamp;
use tiltyard::{DataError, DataOutcome, DataReply, ExpectedVersion, Page, Paging, UserId};

use super::{bad_cursor, cut, why};
use crate::{
    api::{decode_storage, encode_storage},
    store::{
        self, Actor, ObjectCondition, ObjectListing, ObjectPosition, ObjectValue, Store,
        StoredObject,
    },
};

pub(super) async fn read(store: &Store, ids: Vec<tiltyard::ObjectId>) -> DataOutcome {
    let ids: Vec<store::ObjectId> = ids.into_iter().map(id_to_store).collect();
    let found = store.read_objects(Actor::Server, &ids).await.map_err(why)?;
    let objects = found.into_iter().map(object_from_store);
    Ok(DataReply::Objects(objects.collect()))
}

pub(super) async fn delete(store: &Store, deletes: Vec<tiltyard::ObjectDelete>) -> DataOutcome {
    let deletes: Vec<store::ObjectDelete> = deletes
        .into_iter()
        .map(|delete| store::ObjectDelete {
            id: id_to_store(delete.id),
            version: delete.version,
        })
        .collect();
    let deleted = store.delete_objects(Actor::Server, &deletes).await;
    deleted.map(|()| DataReply::Done).map_err(why)
}

pub(super) async fn write(store: &Store, writes: Vec<tiltyard::ObjectWrite>) -> DataOutcome {
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

pub(super) async fn list(
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
