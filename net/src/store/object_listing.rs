//! Lists of storage objects.

use uuid::Uuid;

use super::Store;
use super::account::check_text;
use super::database::{Sql, sql};
use super::error::StoreError;
use super::object::{Actor, ReadPermission, StoredObject};
use super::objects::{object_columns, stored};

/// A list of objects of one collection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectListing {
    scope: Scope,
    collection: String,
    /// Nil where the list is of all owners.
    owner: Uuid,
}

/// Which objects are listed. What the numbers are is told to cursors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
enum Scope {
    /// Public ones of all owners, by key and owner.
    Public,
    /// One's own that may be read, by read permission and key.
    Own,
    /// Public ones of one owner, by key.
    PublicOf,
    /// All of all owners, by key and owner.
    All,
    /// All of one owner, by read permission and key.
    AllOf,
}

impl ObjectListing {
    /// What somebody may see of a collection, or of what one owner has in it.
    #[must_use]
    pub fn new(actor: Actor, collection: String, owner: Option<Uuid>) -> Self {
        let scope = match (actor, owner) {
            (Actor::Server, None) => Scope::All,
            (Actor::Server, Some(_)) => Scope::AllOf,
            (Actor::Player(_), None) => Scope::Public,
            (Actor::Player(player), Some(owner)) if player == owner => Scope::Own,
            (Actor::Player(_), Some(_)) => Scope::PublicOf,
        };
        Self {
            scope,
            collection,
            owner: owner.unwrap_or_default(),
        }
    }

    /// What tells it from every other list: a number, the owner and the collection.
    pub(crate) fn identity(&self) -> (u8, Uuid, &str) {
        (self.scope as u8, self.owner, &self.collection)
    }

    /// The statement without its limit.
    fn part(&self, after: Option<&ObjectPosition>) -> Sql {
        // No key is empty, so this is before all objects.
        let key = after.map_or("", |after| &after.key);
        let owner = after.map_or(self.owner, |after| after.owner);
        let read = after.map_or(ReadPermission::Nobody, |after| after.read);
        let by_key = |listing: Sql| listing.bind(&self.collection).bind(key).bind(owner);
        let by_permission = |read: ReadPermission| {
            sql(concat!(
                "SELECT ",
                object_columns!(),
                " FROM storage WHERE user_id = $1 AND collection = $2 \
                     AND (read_permission, key) > ($3, $4) \
                 ORDER BY read_permission, key LIMIT $5"
            ))
            .bind(self.owner)
            .bind(&self.collection)
            .bind(read as u8)
            .bind(key)
        };
        match self.scope {
            Scope::Public => by_key(sql(concat!(
                "SELECT ",
                object_columns!(),
                " FROM storage WHERE collection = $1 AND read_permission = 2 \
                     AND (key, user_id) > ($2, $3) \
                 ORDER BY key, user_id LIMIT $4"
            ))),
            Scope::All => by_key(sql(concat!(
                "SELECT ",
                object_columns!(),
                " FROM storage WHERE collection = $1 AND (key, user_id) > ($2, $3) \
                 ORDER BY key, user_id LIMIT $4"
            ))),
            // What nobody may read comes before all that its owner may read.
            Scope::Own => by_permission(read.max(ReadPermission::Owner)),
            Scope::AllOf => by_permission(read),
            Scope::PublicOf => by_permission(ReadPermission::Public),
        }
    }
}

/// The place of an object in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectPosition {
    /// Who may read it.
    pub read: ReadPermission,
    /// Its key.
    pub key: String,
    /// Its owner.
    pub owner: Uuid,
}

impl ObjectPosition {
    /// Where this object is.
    #[must_use]
    pub fn of(object: &StoredObject) -> Self {
        Self {
            read: object.read,
            key: object.id.key.clone(),
            owner: object.id.owner,
        }
    }
}

impl Store {
    /// A part of a list: what follows this position, or its beginning.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn list_objects(
        &self,
        listing: &ObjectListing,
        after: Option<&ObjectPosition>,
        limit: u32,
    ) -> Result<Vec<StoredObject>, StoreError> {
        check_text("collection", &listing.collection, usize::MAX)?;
        let rows = self.database.find(listing.part(after).bind(limit)).await?;
        rows.iter().map(stored).collect()
    }
}
