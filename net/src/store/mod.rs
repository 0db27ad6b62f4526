//! What outlives the process: accounts, chat, notifications, friends, groups, storage.
//!
//! ```text
//!   api, store_link ─► Store ─► accounts, messages, … (statements and rows: once, for both databases)
//!                                   └─► database: deadline, transaction, retry, error
//!                                          ├─► SQLite: one writer, two readers, one file in data_dir
//!                                          └─► PostgreSQL: one pool, shared by several servers
//! ```
//!
//! # What is promised
//!
//! - Acknowledged means committed, and on the disk: no crash and no power cut takes it back.
//! - A call ends within 5 seconds. A database that is down, frozen, full or too busy is
//!   [`StoreError::Unavailable`] then, 503 to clients; what was to be changed may be changed all the same.
//!   When the database is back, the next call works, without a restart.
//! - A change is all or nothing, and as if no other change were made at the same time.
//! - Nothing here waits for the world, and the world never waits for it.
//!
//! # How to add a feature
//!
//! Say friends: types in `friend.rs`, statements in `friends.rs` as `impl Store { … }`, both declared here,
//! and the types re-exported. Tables are made by a migration: a new file with the next number in
//! `migrations/sqlite` and one of the same name in `migrations/postgres`, never a change of an old one.
//!
//! - **Read** by `self.database.find(sql("SELECT …").bind(x))`, which gives rows of one moment. Two
//!   statements are of two moments: join instead, or read in a transaction.
//! - **Change** by one statement with `self.database.execute(…)`, by several with `self.database.write(…)`:
//!
//!   ```text
//!   let now = …;                               // clocks and ids come from outside, as it may run twice
//!   self.database
//!       .write(|transaction| async move {           // what it uses is borrowed outside
//!           let row = transaction.find_one(sql("SELECT … WHERE id = $1").bind(id)).await?;
//!           let Some(row) = row else { return Err(StoreError::NotFound) };   // rolls back
//!           transaction.execute(sql("UPDATE … SET … WHERE id = $1").bind(id)).await?;
//!           Ok(row.integer("state")?)                                        // commits
//!       })
//!       .await
//!   ```
//!
//!   What was read in it still holds when it commits, so there is no `FOR UPDATE`: read, decide, write. An
//!   error of a statement must be returned; to go on where a row may be there already, write
//!   `ON CONFLICT … DO NOTHING` and look at the count. `StoreError::is_duplicate_of` tells which unique
//!   column was in the way. Rows that several changes touch are best touched in the order of their keys:
//!   less is tried again.
//! - **Page** by the place of the last row: `WHERE … AND (state, position, destination_id) > ($2, $3, $4)
//!   ORDER BY state, position, destination_id LIMIT $5`, with one more row than the page has, to know
//!   whether there is a next page. An index has to begin with the same columns. No `OFFSET`. The text of a
//!   cursor is the business of `api::cursor`.
//!
//! # One SQL for both
//!
//! - Columns are text and 64-bit integers. Ids are lower-case UUIDs, times microseconds since 1970 with 0
//!   for "not set", JSON is text, yes or no is a number. Texts compare by their bytes.
//! - Write `$1`, `IS DISTINCT FROM`, `ON CONFLICT`, `RETURNING`, `UPDATE … FROM`, row values, `CASE`,
//!   `coalesce`. A list is one parameter: `IN (SELECT value FROM json_each($1))` with
//!   `bind_list`; a list of numbers needs `CAST(value AS BIGINT)`.
//! - Name the columns that are read, since `*` breaks while servers of two versions run. A sum needs
//!   `CAST(sum(…) AS BIGINT)`. `LIKE` needs `ESCAPE '\\'`, and knows upper from lower case.
//! - Check what clients send for fitness before (`account::check_text`): the databases have
//!   no limits of their own, and PostgreSQL refuses a NUL in a text.
//!
//! Tests run by `harness::on_each_database`: on SQLite, and on PostgreSQL too if `TILTYARD_TEST_POSTGRES` is the address of a server that
//! they may make databases on; `tests/run store` starts one. Tests of the API take one database, by
//! `harness::open_either`, and run once for each.

mod account;
mod account_bans;
mod account_deletion;
mod accounts;
mod address;
#[cfg(test)]
mod chat_tests;
#[cfg(test)]
mod count_tests;
mod database;
mod error;
mod friend;
mod friend_edges;
mod friends;
#[cfg(test)]
mod friends_tests;
mod group;
mod group_edges;
mod group_filter;
#[cfg(test)]
mod group_list_tests;
mod group_lists;
#[cfg(test)]
mod group_member_tests;
mod group_members;
#[cfg(test)]
mod group_tests;
mod group_verdict;
mod groups;
#[cfg(test)]
pub(crate) mod harness;
#[cfg(test)]
mod link_tests;
mod links;
mod message;
mod messages;
mod metadata;
mod migrations;
mod notifications;
mod object;
mod object_head;
mod object_listing;
#[cfg(test)]
mod object_tests;
mod objects;
mod postgres;
#[cfg(test)]
mod postgres_tests;
#[cfg(test)]
mod proxy;
mod sqlite;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc, time::Duration};

pub use account::{
    Account, AccountChange, Identifier, Login, NewAccount, Profile, User, UserQuery,
};
pub use address::Address;
pub use error::{OpenError, StoreError};
pub use friend::{
    Friend, FriendMetadata, FriendNews, FriendOfFriend, FriendOfFriendPlace, FriendPlace,
    FriendQuery, FriendState, UnknownFriendState,
};
pub use group::{
    Deed, EdgePlace, Group, GroupChange, GroupError, GroupNews, GroupUser, JoinRequest, Listed,
    NewGroup, Rank, UserGroup,
};
pub use group_filter::{GroupFilter, GroupPlace, NamePattern};
pub use links::Unlink;
pub use message::{MessageQuery, Position, StoredMessage};
pub use metadata::{METADATA_BYTES_MAX, Metadata};
pub use migrations::{Schema, SchemaStep, schema};
pub use object::{
    Actor, ObjectAck, ObjectCondition, ObjectDelete, ObjectId, ObjectValue, ObjectWrite,
    ReadPermission, StoredObject, WritePermission,
};
pub use object_listing::{ObjectListing, ObjectPosition};
pub use postgres::PoolLimits;

use crate::{config::Config, metrics::Questions};
use database::Database;

/// A database that is open. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the database that the configuration names and gives it the schema of this version.
    ///
    /// # Errors
    ///
    /// [`OpenError`], one sentence for the operator; the server must not start.
    pub async fn open(config: &Config) -> Result<Self, OpenError> {
        let Some(address) = &config.database.address else {
            return Self::open_embedded(&config.data_dir).await;
        };
        let lifetime_ms = config.database.conn_max_lifetime_ms;
        let limits = PoolLimits {
            connections_max: config.database.max_open_conns,
            lifetime_max: (lifetime_ms > 0).then(|| Duration::from_millis(lifetime_ms)),
        };
        Self::open_postgres(address, limits).await
    }

    /// Opens the embedded database in a folder, making both if they are not there.
    ///
    /// # Errors
    ///
    /// [`OpenError`], one sentence for the operator; the server must not start.
    pub async fn open_embedded(folder: &Path) -> Result<Self, OpenError> {
        let database = sqlite::open(folder).await?;
        Ok(Self { database })
    }

    /// Opens a PostgreSQL database and gives it the schema of this version. Several servers may do so at
    /// the same time.
    ///
    /// # Errors
    ///
    /// [`OpenError`], one sentence for the operator; the server must not start.
    pub async fn open_postgres(address: &Address, limits: PoolLimits) -> Result<Self, OpenError> {
        let database = postgres::open(address, limits).await?;
        Ok(Self { database })
    }

    /// What is counted of its work.
    pub(crate) fn questions(&self) -> Arc<Questions> {
        self.database.questions()
    }

    /// Waits for running work and closes the database. Later calls fail.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
