//! Objects in storage.

use bevy_ecs::{prelude::*, system::SystemParam};
use serde::de::DeserializeOwned;

use super::{
    DataError, DataRequest, Page, Paging, Question, SystemAsks,
    check::{self, PAGE_MAX, batch},
};
use crate::id::UserId;

/// Asks about objects in storage: JSON objects under a collection, a key and an owner.
///
/// The server may read and write all of them, whatever their permissions say.
///
/// ```
/// use tiltyard::{Ask, ObjectId, StorageObject, prelude::*};
///
/// #[derive(Component, Default)]
/// struct Duel {
///     records: Option<Ask<Vec<StorageObject>>>,
/// }
///
/// # impl MatchKind for Duel {
/// #     const NAME: &'static str = "duel";
/// #     fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
/// #         Ok(MatchInit::new(Self::default()))
/// #     }
/// # }
/// /// Looks up what is known of whoever comes in.
/// fn look_up(mut matches: Matches<Duel>, mut storage: Storage) {
///     matches.each(|game| {
///         let users = game.joined().iter().map(|who| who.user_id);
///         let records = users.map(|user| ObjectId::new("duel", "record", user));
///         let records: Vec<ObjectId> = records.collect();
///         game.state.records = Some(storage.read(records).for_match(game));
///     });
/// }
///
/// /// Shows it when it is there.
/// fn show(mut matches: Matches<Duel>) {
///     matches.each(|game| {
///         let Some(Ok(records)) = game.state.records.and_then(|ask| game.answer_to(ask)) else {
///             return;
///         };
///         for record in records {
///             game.broadcast(1, record.value).send();
///         }
///     });
/// }
///
/// let mut app = App::new();
/// app.add_match::<Duel>()
///     .add_systems(MatchJoin, look_up)
///     .add_systems(MatchLoop, show);
/// ```
#[derive(SystemParam, Debug)]
pub struct Storage<'w, 's> {
    asks: SystemAsks<'w, 's>,
}

impl Storage<'_, '_> {
    /// Reads objects. Those that do not exist are missing from the answer, whose order is any.
    pub fn read(
        &mut self,
        ids: impl IntoIterator<Item = ObjectId>,
    ) -> Question<'_, Vec<StorageObject>> {
        let ids = batch(ids).and_then(|ids| {
            ids.iter().try_for_each(ObjectId::check)?;
            Ok(DataRequest::ReadObjects(ids))
        });
        self.asks.question(ids)
    }

    /// Writes objects: all of them or, if one meets another version than it expects, none
    /// ([`DataError::Conflict`]). The answer is in this order.
    pub fn write(
        &mut self,
        objects: impl IntoIterator<Item = ObjectWrite>,
    ) -> Question<'_, Vec<ObjectAck>> {
        let objects = batch(objects).and_then(|objects| {
            objects.iter().try_for_each(ObjectWrite::check)?;
            Ok(DataRequest::WriteObjects(objects))
        });
        self.asks.question(objects)
    }

    /// Deletes objects: all of them, or none if one does not exist ([`DataError::NotFound`]) or has another
    /// version ([`DataError::Conflict`]).
    pub fn delete(&mut self, objects: impl IntoIterator<Item = ObjectDelete>) -> Question<'_, ()> {
        let objects = batch(objects).and_then(|objects| {
            let mut ids = objects.iter().map(|object| &object.id);
            ids.try_for_each(ObjectId::check)?;
            Ok(DataRequest::DeleteObjects(objects))
        });
        self.asks.question(objects)
    }

    /// Lists objects of a collection: everybody's by key and owner, or those of one owner by who may read
    /// them and key. Pages have up to
    /// 100.
    pub fn list(
        &mut self,
        collection: impl Into<String>,
        owner: Option<UserId>,
        paging: Paging,
    ) -> Question<'_, Page<StorageObject>> {
        let collection = collection.into();
        let name = check::text("a collection", &collection, NAME_CHARACTERS_MAX);
        let checked = name.and_then(|()| paging.check(PAGE_MAX));
        let request = checked.map(|()| DataRequest::ListObjects {
            collection,
            owner,
            paging,
        });
        self.asks.question(request)
    }
}

/// What an object is found by.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ObjectId {
    /// 1 to 128 characters.
    pub collection: String,
    /// 1 to 128 characters.
    pub key: String,
    /// Whose it is; [`UserId::SYSTEM`] is the server.
    pub owner: UserId,
}

impl ObjectId {
    /// The object with this collection, key and owner.
    pub fn new(collection: impl Into<String>, key: impl Into<String>, owner: UserId) -> Self {
        Self {
            collection: collection.into(),
            key: key.into(),
            owner,
        }
    }

    /// The server's own object with this collection and key.
    pub fn of_server(collection: impl Into<String>, key: impl Into<String>) -> Self {
        Self::new(collection, key, UserId::SYSTEM)
    }

    fn check(&self) -> Result<(), DataError> {
        check::text("a collection", &self.collection, NAME_CHARACTERS_MAX)?;
        check::text("a key", &self.key, NAME_CHARACTERS_MAX)
    }
}

/// Characters in the longest collection and key, as the database keeps them.
const NAME_CHARACTERS_MAX: usize = 128;

/// An object in storage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StorageObject {
    /// What it is found by.
    pub id: ObjectId,
    /// Text of a JSON object.
    pub value: String,
    /// What its value is, in short: another value has another version.
    pub version: String,
    /// Which clients may read it.
    pub read: ReadPermission,
    /// Which clients may write it.
    pub write: WritePermission,
    /// Microseconds since 1970.
    pub create_us: i64,
    /// Microseconds since 1970.
    pub update_us: i64,
}

impl StorageObject {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// If it is not the JSON of such a thing.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.value)
    }
}

/// Which clients may read an object. The server always may.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum ReadPermission {
    /// None.
    Nobody = 0,
    /// Its owner's.
    #[default]
    Owner = 1,
    /// All.
    Public = 2,
}

/// Which clients may write an object. The server always may.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum WritePermission {
    /// None.
    Nobody = 0,
    /// Its owner's.
    #[default]
    Owner = 1,
}

/// What an object must be like for it to be written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum ExpectedVersion {
    /// Anything; it need not exist.
    #[default]
    Any,
    /// It does not exist.
    Absent,
    /// It has this version.
    Is(String),
}

/// An object to write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectWrite {
    /// What it is found by.
    pub id: ObjectId,
    /// Text of a JSON object.
    pub value: String,
    /// What it replaces.
    pub expected: ExpectedVersion,
    /// Which clients may read it from now on.
    pub read: ReadPermission,
    /// Which clients may write it from now on.
    pub write: WritePermission,
}

impl ObjectWrite {
    /// This text of a JSON object, whatever it replaces. Its owner may read and write it.
    pub fn new(id: ObjectId, value: impl Into<String>) -> Self {
        Self {
            id,
            value: value.into(),
            expected: ExpectedVersion::Any,
            read: ReadPermission::default(),
            write: WritePermission::default(),
        }
    }

    /// Only if this is what it replaces.
    #[must_use]
    pub fn if_version(mut self, expected: ExpectedVersion) -> Self {
        self.expected = expected;
        self
    }

    /// Clients may do this with it.
    #[must_use]
    pub const fn permissions(mut self, read: ReadPermission, write: WritePermission) -> Self {
        self.read = read;
        self.write = write;
        self
    }

    fn check(&self) -> Result<(), DataError> {
        self.id.check()?;
        check::json("a value", &self.value)
    }
}

/// What became of an object that was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectAck {
    /// What it is found by.
    pub id: ObjectId,
    /// The version that it has now.
    pub version: String,
    /// Microseconds since 1970.
    pub create_us: i64,
    /// Microseconds since 1970.
    pub update_us: i64,
}

/// An object to delete.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectDelete {
    /// What it is found by.
    pub id: ObjectId,
    /// Only if it has this version; none means any.
    pub version: Option<String>,
}

impl ObjectDelete {
    /// This object, whatever its version.
    #[must_use]
    pub const fn new(id: ObjectId) -> Self {
        Self { id, version: None }
    }

    /// Only if it has this version.
    #[must_use]
    pub fn if_version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }
}
