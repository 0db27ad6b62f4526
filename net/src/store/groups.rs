//! Groups in the database: making, changing and deleting them.

use jiff::Timestamp;
use uuid::Uuid;

use super::Store;
use super::database::{Row, Transaction, sql};
use super::error::StoreError;
use super::group::{Group, GroupChange, GroupError, NewGroup, Rank, folded};
use super::group_edges::find_group;
use super::metadata::Metadata;
use super::object::Actor;

/// What [`group`] reads.
macro_rules! group_columns {
    () => {
        "groups.id, creator_id, name, description, avatar_url, lang_tag, metadata, groups.state, \
         edge_count, max_count, create_time, groups.update_time"
    };
}
pub(super) use group_columns;

impl Store {
    /// Makes a group with one superadmin.
    ///
    /// # Errors
    ///
    /// [`GroupError::NameTaken`], [`GroupError::Store`]; nothing was made then.
    pub async fn create_group(
        &self,
        creator: Uuid,
        new: &NewGroup,
        now: Timestamp,
    ) -> Result<Group, GroupError> {
        new.check()?;
        let made = Group {
            id: Uuid::new_v4(),
            creator_id: creator,
            name: new.name.clone(),
            description: new.description.clone(),
            avatar_url: new.avatar_url.clone(),
            lang_tag: new.lang_tag.clone(),
            metadata: new.metadata.as_str().to_owned(),
            open: new.open,
            edge_count: 1,
            max_count: new.max_count,
            create_time: now,
            update_time: now,
        };
        let group = &made;
        let outcome = self
            .database
            .write(|transaction| async move {
                find_username(&transaction, creator).await?;
                let insert = sql("INSERT INTO groups (id, creator_id, name, name_folded, \
                         description, avatar_url, lang_tag, state, max_count, metadata, create_time, \
                         update_time) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)")
                .bind(group.id)
                .bind(creator)
                .bind(&group.name)
                .bind(folded(&group.name))
                .bind(&group.description)
                .bind(&group.avatar_url)
                .bind(&group.lang_tag)
                .bind(state(group.open))
                .bind(group.max_count)
                .bind(&group.metadata)
                .bind(now);
                transaction.execute(insert).await?;
                relate(&transaction, group.id, creator, Rank::Superadmin, position(now, 0), now).await
            })
            .await;
        outcome.map_err(name_taken)?;
        Ok(made)
    }

    /// Changes a group, on behalf of one of its admins or of the server.
    ///
    /// # Errors
    ///
    /// [`GroupError::NotAllowed`], [`GroupError::NothingToChange`], [`GroupError::Disabled`],
    /// [`GroupError::Full`] if more are in it than are to be, [`GroupError::NameTaken`],
    /// [`GroupError::Store`]; nothing was changed then.
    pub async fn update_group(
        &self,
        id: Uuid,
        actor: Actor,
        change: &GroupChange,
        now: Timestamp,
    ) -> Result<(), GroupError> {
        let outcome = self
            .database
            .write(|transaction| async move {
                let rank = rank_of(&transaction, id, actor).await?;
                let group = find_group(&transaction, id).await?;
                let Some(group) = group.filter(|_| rank.is_some_and(Rank::is_admin)) else {
                    return Ok(Err(GroupError::NotAllowed));
                };
                if *change == GroupChange::default() {
                    return Ok(Err(GroupError::NothingToChange));
                }
                change.check()?;
                let room = change.max_count.map_or(group.max_count, i64::from);
                if room < group.edge_count {
                    return Ok(Err(GroupError::Full));
                }
                let update = sql("UPDATE groups SET \
                         name = coalesce($2, name), \
                         name_folded = coalesce($3, name_folded), \
                         description = coalesce($4, description), \
                         avatar_url = coalesce($5, avatar_url), \
                         lang_tag = coalesce($6, lang_tag), \
                         state = coalesce($7, state), \
                         max_count = coalesce($9, max_count), \
                         metadata = coalesce($10, metadata), \
                         update_time = $8 \
                     WHERE id = $1 AND disable_time = 0")
                .bind(id)
                .bind(&change.name)
                .bind(&change.name.as_deref().map(folded))
                .bind(&change.description)
                .bind(&change.avatar_url)
                .bind(&change.lang_tag)
                .bind(change.open.map(state))
                .bind(now)
                .bind(change.max_count)
                .bind(change.metadata.as_ref().map(Metadata::as_str));
                if transaction.execute(update).await? == 0 {
                    return Ok(Err(GroupError::Disabled));
                }
                Ok(Ok(()))
            })
            .await;
        outcome.map_err(name_taken)?
    }

    /// Deletes a group, on behalf of one of its superadmins or of the server. Its messages stay, and nobody may read them.
    ///
    /// # Errors
    ///
    /// [`GroupError::NotAllowed`], [`GroupError::Store`]; nothing was deleted then.
    pub async fn delete_group(&self, id: Uuid, actor: Actor) -> Result<(), GroupError> {
        self.database
            .write(|transaction| async move {
                let rank = rank_of(&transaction, id, actor).await?;
                let group = find_group(&transaction, id).await?;
                if group.is_none() || rank != Some(Rank::Superadmin) {
                    return Ok(Err(GroupError::NotAllowed));
                }
                remove_group(&transaction, id).await?;
                Ok(Ok(()))
            })
            .await?
    }

    /// Whether a user is a member of a group, and so may be on its channel and read what was said there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn is_group_member(&self, group: Uuid, user: Uuid) -> Result<bool, StoreError> {
        let found = sql("SELECT groups.id FROM groups \
             JOIN group_edges ON source_id = groups.id AND destination_id = $2 \
             WHERE groups.id = $1 AND group_edges.state <= $3")
        .bind(group)
        .bind(user)
        .bind(Rank::Member as i64);
        Ok(self.database.find_one(found).await?.is_some())
    }
}

/// What a user is to a group, if anything.
pub(super) async fn find_rank(
    transaction: &Transaction,
    group: Uuid,
    user: Uuid,
) -> Result<Option<Rank>, StoreError> {
    let edge = sql("SELECT state FROM group_edges WHERE source_id = $1 AND destination_id = $2")
        .bind(group)
        .bind(user);
    let row = transaction.find_one(edge).await?;
    row.map(|row| rank(&row, "state")).transpose()
}

/// The rank in which somebody does something to a group. Nothing holds back the server.
pub(super) async fn rank_of(
    transaction: &Transaction,
    group: Uuid,
    actor: Actor,
) -> Result<Option<Rank>, StoreError> {
    match actor {
        Actor::Server => Ok(Some(Rank::Superadmin)),
        Actor::Player(user) => find_rank(transaction, group, user).await,
    }
}

/// The name of a user who has to exist.
pub(super) async fn find_username(
    transaction: &Transaction,
    user: Uuid,
) -> Result<String, StoreError> {
    let name = sql("SELECT username FROM users WHERE id = $1").bind(user);
    let row = transaction.find_one(name).await?;
    row.ok_or(StoreError::NotFound)?.text("username")
}

/// Makes a user be something to a group. What they were already keeps its position.
pub(super) async fn relate(
    transaction: &Transaction,
    group: Uuid,
    user: Uuid,
    rank: Rank,
    position: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let edges = sql("INSERT INTO group_edges \
             (source_id, destination_id, state, position, update_time) \
         VALUES ($1, $2, $3, $4, $5), ($2, $1, $3, $4, $5) \
         ON CONFLICT (source_id, destination_id) \
         DO UPDATE SET state = excluded.state, update_time = excluded.update_time")
    .bind(group)
    .bind(user)
    .bind(rank as i64)
    .bind(position)
    .bind(now);
    transaction.execute(edges).await?;
    Ok(())
}

/// Deletes a group and what everybody was to it.
pub(super) async fn remove_group(transaction: &Transaction, id: Uuid) -> Result<(), StoreError> {
    let edges = sql("DELETE FROM group_edges WHERE source_id = $1 OR destination_id = $1").bind(id);
    transaction.execute(edges).await?;
    let group = sql("DELETE FROM groups WHERE id = $1").bind(id);
    transaction.execute(group).await?;
    Ok(())
}

/// The position of a relation that begins now; those of one change differ by their index.
pub(super) fn position(now: Timestamp, index: i64) -> i64 {
    now.as_microsecond() * 1000 + index
}

fn state(open: bool) -> i64 {
    i64::from(!open)
}

fn name_taken(error: StoreError) -> GroupError {
    if error.is_duplicate_of("groups", "name") {
        return GroupError::NameTaken;
    }
    GroupError::Store(error)
}

pub(super) fn rank(row: &Row, column: &str) -> Result<Rank, StoreError> {
    let number = row.integer(column)?;
    let unknown = || StoreError::Failed(sqlx::Error::Decode("no such rank".into()));
    Rank::from_number(number).ok_or_else(unknown)
}

pub(super) fn group(row: &Row) -> Result<Group, StoreError> {
    Ok(Group {
        id: row.uuid("id")?,
        creator_id: row.uuid("creator_id")?,
        name: row.text("name")?,
        description: row.text("description")?,
        avatar_url: row.text("avatar_url")?,
        lang_tag: row.text("lang_tag")?,
        metadata: row.text("metadata")?,
        open: row.integer::<i64>("state")? == 0,
        edge_count: row.integer("edge_count")?,
        max_count: row.integer("max_count")?,
        create_time: row.time("create_time")?,
        update_time: row.time("update_time")?,
    })
}
