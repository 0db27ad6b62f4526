//! Storage objects in the database.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Store;
use super::account::check_text;
use super::database::{Row, Sql, Transaction, sql};
use super::error::StoreError;
use super::object::{
    Actor, ObjectAck, ObjectDelete, ObjectId, ObjectWrite, ReadPermission, StoredObject,
    WritePermission,
};
use super::object_head::{Head, check_write, check_writer};

/// What [`stored`] reads.
macro_rules! object_columns {
    () => {
        "storage.collection, storage.key, storage.user_id, storage.value, version, \
         read_permission, write_permission, create_time, update_time"
    };
}
pub(super) use object_columns;

/// The ids of a list that [`bind_ids`] made.
macro_rules! wanted_ids {
    () => {
        "(SELECT max(CASE key % 3 WHEN 0 THEN value END) AS collection, \
             max(CASE key % 3 WHEN 1 THEN value END) AS object_key, \
             max(CASE key % 3 WHEN 2 THEN value END) AS owner \
             FROM json_each($1) GROUP BY key / 3)"
    };
}

/// The objects of such a list, to be read from in a `FROM`.
macro_rules! wanted_objects {
    () => {
        concat!(
            wanted_ids!(),
            " AS wanted JOIN storage ON storage.collection = wanted.collection \
             AND storage.key = wanted.object_key AND storage.user_id = wanted.owner"
        )
    };
}

/// The objects of such a list that the player `$2` may read, or that the server may if that is nobody.
macro_rules! readable_objects {
    () => {
        concat!(
            wanted_objects!(),
            " WHERE $2 IS NULL OR read_permission = 2 \
                 OR (read_permission = 1 AND storage.user_id = $2)"
        )
    };
}

/// Bytes of values that one reading gives at most: whoever asks has to take them, and so has this server.
const READ_BYTES_MAX: i64 = 16 * 1024 * 1024;
/// Objects up to which that is not looked at: as many as fit if each is as long as a request may be.
const READ_UNCHECKED_MAX: usize = 64;

impl Store {
    /// Those of the objects that are there and that the actor may read: each once, in no promised order.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooMuch`], [`StoreError::Unfit`], [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn read_objects(
        &self,
        actor: Actor,
        ids: &[ObjectId],
    ) -> Result<Vec<StoredObject>, StoreError> {
        check_names(ids)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut ids: Vec<&ObjectId> = ids.iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let reader = match actor {
            Actor::Server => None,
            Actor::Player(player) => Some(player),
        };
        if ids.len() > READ_UNCHECKED_MAX {
            let weighing = sql(concat!(
                "SELECT CAST(coalesce(sum(octet_length(storage.value)), 0) AS BIGINT) AS bytes FROM ",
                readable_objects!()
            ));
            let weighed = self
                .database
                .find_one(bind_ids(weighing, &ids).bind(reader));
            let bytes = weighed.await?.map_or(Ok(0), |row| row.integer("bytes"))?;
            if bytes > READ_BYTES_MAX {
                return Err(StoreError::TooMuch);
            }
        }
        let reading = sql(concat!(
            "SELECT ",
            object_columns!(),
            " FROM ",
            readable_objects!()
        ));
        let rows = self
            .database
            .find(bind_ids(reading, &ids).bind(reader))
            .await?;
        rows.iter().map(stored).collect()
    }

    /// Writes objects, all or none, and tells what became of each in the order given. What is there already
    /// with the same value and permissions keeps its update time.
    ///
    /// # Errors
    ///
    /// Of the object that comes first by its id: [`StoreError::VersionDiffers`] if the condition does not
    /// hold, [`StoreError::WriteForbidden`]. Also [`StoreError::Unfit`], [`StoreError::NotFound`] if the owner
    /// does not exist, [`StoreError::Unavailable`], [`StoreError::Failed`]. Nothing was written then.
    pub async fn write_objects(
        &self,
        actor: Actor,
        writes: &[ObjectWrite],
        now: Timestamp,
    ) -> Result<Vec<ObjectAck>, StoreError> {
        writes.iter().try_for_each(ObjectWrite::check)?;
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let heads: Vec<Head> = writes.iter().map(|write| Head::of(write, now)).collect();
        let order = &order_of(writes.iter().map(|write| &write.id));
        let heads = &heads;
        self.database
            .write(|transaction| async move {
                let ids = writes.iter().map(|write| &write.id);
                let mut there = heads_of(&transaction, ids).await?;
                let mut acks = BTreeMap::new();
                let mut changed = BTreeMap::new();
                for index in order.iter().copied() {
                    let write = &writes[index];
                    let old = there.remove(&write.id);
                    check_write(actor, write, old.as_ref())?;
                    let new = heads[index].clone().in_place_of(old.as_ref());
                    if old.as_ref() != Some(&new) {
                        changed.insert(&write.id, (write, new.clone()));
                    }
                    acks.insert(index, new.ack(&write.id));
                    there.insert(write.id.clone(), new);
                }
                if !changed.is_empty() {
                    let upsert = upsert(changed.into_values());
                    transaction.execute(upsert).await.map_err(ownerless)?;
                }
                Ok(acks.into_values().collect())
            })
            .await
    }

    /// Deletes objects, all or none.
    ///
    /// # Errors
    ///
    /// Of the object that comes first by its id: [`StoreError::NoSuchObject`], [`StoreError::VersionDiffers`],
    /// [`StoreError::WriteForbidden`]. Also [`StoreError::Unfit`], [`StoreError::Unavailable`],
    /// [`StoreError::Failed`]. Nothing was deleted then.
    pub async fn delete_objects(
        &self,
        actor: Actor,
        deletes: &[ObjectDelete],
    ) -> Result<(), StoreError> {
        check_names(deletes.iter().map(|delete| &delete.id))?;
        if deletes.is_empty() {
            return Ok(());
        }
        let order = &order_of(deletes.iter().map(|delete| &delete.id));
        self.database
            .write(|transaction| async move {
                let ids = deletes.iter().map(|delete| &delete.id);
                let mut there = heads_of(&transaction, ids).await?;
                for index in order.iter().copied() {
                    let ObjectDelete { id, version } = &deletes[index];
                    let head = there.remove(id).ok_or(StoreError::NoSuchObject)?;
                    check_writer(actor, id, head.write)?;
                    if version
                        .as_ref()
                        .is_some_and(|version| *version != head.version)
                    {
                        return Err(StoreError::VersionDiffers);
                    }
                }
                let delete = sql(concat!(
                    "DELETE FROM storage WHERE (collection, key, user_id) IN ",
                    wanted_ids!()
                ));
                let ids: Vec<_> = deletes.iter().map(|delete| &delete.id).collect();
                transaction.execute(bind_ids(delete, &ids)).await?;
                Ok(())
            })
            .await
    }
}

/// Names that are too long are those of no object; but there is no asking for some.
fn check_names<'a>(ids: impl IntoIterator<Item = &'a ObjectId>) -> Result<(), StoreError> {
    ids.into_iter().try_for_each(|id| {
        check_text("collection", &id.collection, usize::MAX)?;
        check_text("key", &id.key, usize::MAX)
    })
}

/// The places of ids, in their order; of equal ones as they were given.
fn order_of<'a>(ids: impl Iterator<Item = &'a ObjectId>) -> Vec<usize> {
    let mut order: Vec<_> = ids.enumerate().collect();
    order.sort_by_key(|(_, id)| *id);
    order.into_iter().map(|(index, _)| index).collect()
}

/// Those of the objects that are there.
async fn heads_of<'a>(
    transaction: &Transaction,
    ids: impl Iterator<Item = &'a ObjectId>,
) -> Result<BTreeMap<ObjectId, Head>, StoreError> {
    let ids: Vec<&ObjectId> = ids.collect();
    let reading = sql(concat!(
        "SELECT storage.collection, storage.key, storage.user_id, version, read_permission, \
             write_permission, create_time, update_time FROM ",
        wanted_objects!()
    ));
    let rows = transaction.find(bind_ids(reading, &ids)).await?;
    rows.iter().map(|row| Ok((id(row)?, head(row)?))).collect()
}

/// Writes objects of different ids.
fn upsert<'a>(objects: impl Iterator<Item = (&'a ObjectWrite, Head)>) -> Sql {
    let upsert = sql(
        "INSERT INTO storage (collection, key, user_id, value, version, \
             read_permission, write_permission, create_time, update_time) \
         SELECT max(CASE key % 9 WHEN 0 THEN value END), max(CASE key % 9 WHEN 1 THEN value END), \
             max(CASE key % 9 WHEN 2 THEN value END), max(CASE key % 9 WHEN 3 THEN value END), \
             max(CASE key % 9 WHEN 4 THEN value END), \
             CAST(max(CASE key % 9 WHEN 5 THEN value END) AS BIGINT), \
             CAST(max(CASE key % 9 WHEN 6 THEN value END) AS BIGINT), \
             CAST(max(CASE key % 9 WHEN 7 THEN value END) AS BIGINT), \
             CAST(max(CASE key % 9 WHEN 8 THEN value END) AS BIGINT) \
         FROM json_each($1) GROUP BY key / 9 \
         ON CONFLICT (collection, key, user_id) DO UPDATE SET \
             value = excluded.value, version = excluded.version, \
             read_permission = excluded.read_permission, \
             write_permission = excluded.write_permission, update_time = excluded.update_time",
    );
    let columns = objects.flat_map(|(write, head)| {
        [
            write.id.collection.clone(),
            write.id.key.clone(),
            write.id.owner.to_string(),
            write.value.as_str().to_owned(),
            head.version,
            (head.read as u8).to_string(),
            (head.write as u8).to_string(),
            head.create_time.as_microsecond().to_string(),
            head.update_time.as_microsecond().to_string(),
        ]
    });
    upsert.bind_list(&columns.collect::<Vec<_>>())
}

/// Gives the next parameter a list of ids, flat.
fn bind_ids(sql: Sql, ids: &[&ObjectId]) -> Sql {
    let parts = ids.iter().flat_map(|id| {
        let ObjectId {
            collection,
            key,
            owner,
        } = id;
        [collection.clone(), key.clone(), owner.to_string()]
    });
    sql.bind_list(&parts.collect::<Vec<_>>())
}

/// The owner is all that an object refers to.
fn ownerless(error: StoreError) -> StoreError {
    match error.is_dangling() {
        true => StoreError::NotFound,
        false => error,
    }
}

fn id(row: &Row) -> Result<ObjectId, StoreError> {
    Ok(ObjectId {
        collection: row.text("collection")?,
        key: row.text("key")?,
        owner: row.uuid("user_id")?,
    })
}

/// The schema allows no other numbers.
fn head(row: &Row) -> Result<Head, StoreError> {
    let read = ReadPermission::from_number(row.integer("read_permission")?);
    let write = WritePermission::from_number(row.integer("write_permission")?);
    Ok(Head {
        version: row.text("version")?,
        read: read.unwrap_or_default(),
        write: write.unwrap_or_default(),
        create_time: row.time("create_time")?,
        update_time: row.time("update_time")?,
    })
}

pub(super) fn stored(row: &Row) -> Result<StoredObject, StoreError> {
    let head = head(row)?;
    Ok(StoredObject {
        id: id(row)?,
        value: row.text("value")?,
        version: head.version,
        read: head.read,
        write: head.write,
        create_time: head.create_time,
        update_time: head.update_time,
    })
}
