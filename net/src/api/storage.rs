//! Reading, writing and deleting storage objects: `/v2/storage`.

use tiltyard_proto::api;
use tiltyard_proto::api::delete_storage_objects_request::ObjectId as DeletedId;
use tiltyard_proto::api::read_storage_objects_request::ObjectId as ReadId;
use tiltyard_proto::api::write_storage_objects_request::Object as WrittenObject;
use uuid::Uuid;

use super::error::{ApiError, Code};
use super::identifiers::parse_user_id;
use super::operation::{Context, Nothing, Operation, decode_body};
use super::query::Query;
use super::user::whole_seconds;
use crate::auth::SessionClaims;
use crate::convert::time_to_wire;
use crate::store::{
    Actor, ObjectAck, ObjectCondition, ObjectDelete, ObjectId, ObjectValue, ObjectWrite,
    ReadPermission, StoreError, StoredObject, WritePermission,
};

/// Reading objects of anybody.
pub(super) struct ReadStorageObjects;

impl Operation for ReadStorageObjects {
    const NAME: &'static str = "ReadStorageObjects";
    const READS_BODY: bool = true;
    type Caller = SessionClaims;
    type Request = api::ReadStorageObjectsRequest;
    type Response = api::StorageObjects;

    fn decode(_: &Query, body: &[u8]) -> Result<api::ReadStorageObjectsRequest, ApiError> {
        decode_body(body)
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        caller: &SessionClaims,
        request: api::ReadStorageObjectsRequest,
    ) -> Result<api::StorageObjects, ApiError> {
        let ids = request.object_ids.into_iter().map(id_to_read);
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let actor = Actor::Player(caller.user_id);
        let objects = state.store.read_objects(actor, &ids).await;
        let objects = objects.map_err(|error| match error {
            StoreError::TooMuch => {
                let text = "Storage objects are too large to be read at once.";
                ApiError::new(Code::ResourceExhausted, text)
            }
            error => ApiError::store("Error reading storage objects.", &error),
        })?;
        Ok(api::StorageObjects {
            objects: objects.into_iter().map(object_to_wire).collect(),
        })
    }
}

/// No owner is the system, not the caller.
fn id_to_read(id: ReadId) -> Result<ObjectId, ApiError> {
    check_names(&id.collection, &id.key)?;
    let owner = match id.user_id.as_str() {
        "" => Uuid::nil(),
        text => parse_user_id(text)
            .filter(|owner| !owner.is_nil())
            .ok_or_else(bad_user_id)?,
    };
    Ok(ObjectId {
        collection: id.collection,
        key: id.key,
        owner,
    })
}

/// Writing objects of one's own.
pub(super) struct WriteStorageObjects;

impl Operation for WriteStorageObjects {
    const NAME: &'static str = "WriteStorageObjects";
    const READS_BODY: bool = true;
    type Caller = SessionClaims;
    type Request = api::WriteStorageObjectsRequest;
    type Response = api::StorageObjectAcks;

    fn decode(_: &Query, body: &[u8]) -> Result<api::WriteStorageObjectsRequest, ApiError> {
        decode_body(body)
    }

    async fn run(
        Context { state, now, .. }: Context<'_>,
        caller: &SessionClaims,
        request: api::WriteStorageObjectsRequest,
    ) -> Result<api::StorageObjectAcks, ApiError> {
        let writes = request.objects.into_iter();
        let writes = writes.map(|object| write_from_wire(object, caller.user_id));
        let writes = writes.collect::<Result<Vec<_>, _>>()?;
        let actor = Actor::Player(caller.user_id);
        let acks = state.store.write_objects(actor, &writes, now).await;
        let acks = acks.map_err(|error| match error {
            StoreError::VersionDiffers => {
                ApiError::invalid("Storage write rejected - version check failed.")
            }
            StoreError::WriteForbidden => {
                ApiError::invalid("Storage write rejected - permission denied.")
            }
            error => ApiError::store("Error writing storage objects.", &error),
        })?;
        Ok(api::StorageObjectAcks {
            acks: acks.into_iter().map(ack_to_wire).collect(),
        })
    }
}

fn write_from_wire(object: WrittenObject, owner: Uuid) -> Result<ObjectWrite, ApiError> {
    check_names(&object.collection, &object.key)?;
    if object.value.is_empty() {
        return Err(unnamed());
    }
    let read = object
        .permission_read
        .map_or(Some(ReadPermission::default()), ReadPermission::from_number);
    let read = read.ok_or_else(|| {
        ApiError::invalid("Invalid Read permission supplied. It must be either 0, 1 or 2.")
    })?;
    let write = object.permission_write.map_or(
        Some(WritePermission::default()),
        WritePermission::from_number,
    );
    let write = write.ok_or_else(|| {
        ApiError::invalid("Invalid Write permission supplied. It must be either 0 or 1.")
    })?;
    let value = ObjectValue::parse(object.value)
        .ok_or_else(|| ApiError::invalid("Value must be a JSON object."))?;
    Ok(ObjectWrite {
        id: ObjectId {
            collection: object.collection,
            key: object.key,
            owner,
        },
        value,
        condition: match object.version.as_str() {
            "" => ObjectCondition::Any,
            "*" => ObjectCondition::Absent,
            _ => ObjectCondition::Version(object.version),
        },
        read,
        write,
    })
}

/// Deleting objects of one's own.
pub(super) struct DeleteStorageObjects;

impl Operation for DeleteStorageObjects {
    const NAME: &'static str = "DeleteStorageObjects";
    const READS_BODY: bool = true;
    type Caller = SessionClaims;
    type Request = api::DeleteStorageObjectsRequest;
    type Response = Nothing;

    fn decode(_: &Query, body: &[u8]) -> Result<api::DeleteStorageObjectsRequest, ApiError> {
        decode_body(body)
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        caller: &SessionClaims,
        request: api::DeleteStorageObjectsRequest,
    ) -> Result<Nothing, ApiError> {
        let deletes = request.object_ids.into_iter();
        let deletes = deletes.map(|id| delete_from_wire(id, caller.user_id));
        let deletes = deletes.collect::<Result<Vec<_>, _>>()?;
        let actor = Actor::Player(caller.user_id);
        let deleted = state.store.delete_objects(actor, &deletes).await;
        deleted.map_err(|error| match error {
            StoreError::NoSuchObject | StoreError::VersionDiffers | StoreError::WriteForbidden => {
                ApiError::invalid(
                    "Storage delete rejected - not found, version check failed, or permission denied.",
                )
            }
            error => ApiError::store("Error deleting storage objects.", &error),
        })?;
        Ok(Nothing)
    }
}

fn delete_from_wire(id: DeletedId, owner: Uuid) -> Result<ObjectDelete, ApiError> {
    check_names(&id.collection, &id.key)?;
    Ok(ObjectDelete {
        id: ObjectId {
            collection: id.collection,
            key: id.key,
            owner,
        },
        version: Some(id.version).filter(|version| !version.is_empty()),
    })
}

fn check_names(collection: &str, key: &str) -> Result<(), ApiError> {
    if collection.is_empty() || key.is_empty() {
        return Err(unnamed());
    }
    Ok(())
}

fn unnamed() -> ApiError {
    ApiError::invalid("Invalid collection or key value supplied. They must be set.")
}

pub(super) fn bad_user_id() -> ApiError {
    ApiError::invalid("Invalid user ID - make sure user ID is a valid UUID.")
}

pub(super) fn object_to_wire(object: StoredObject) -> api::StorageObject {
    api::StorageObject {
        collection: object.id.collection,
        key: object.id.key,
        user_id: object.id.owner.to_string(),
        value: object.value,
        version: object.version,
        permission_read: object.read as i32,
        permission_write: object.write as i32,
        create_time: Some(whole_seconds(object.create_time)),
        update_time: Some(whole_seconds(object.update_time)),
    }
}

fn ack_to_wire(ack: ObjectAck) -> api::StorageObjectAck {
    api::StorageObjectAck {
        collection: ack.id.collection,
        key: ack.id.key,
        version: ack.version,
        user_id: ack.id.owner.to_string(),
        create_time: Some(time_to_wire(ack.create_time.as_microsecond())),
        update_time: Some(time_to_wire(ack.update_time.as_microsecond())),
    }
}
