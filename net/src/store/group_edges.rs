//! What changes of a group's members read and write.

use jiff::Timestamp;
use tiltyard::{ChannelMessage, MessageCode, Spelled, UserId};
use uuid::Uuid;

use super::database::{Row, Transaction, sql};
use super::error::StoreError;
use super::group::{Rank, channel_of};
use super::messages::insertion;

/// What decides about members.
pub(super) struct Terms {
    pub(super) name: String,
    pub(super) open: bool,
    pub(super) edge_count: i64,
    pub(super) max_count: i64,
    pub(super) disabled: bool,
}

/// A group, whether or not it is disabled.
pub(super) async fn find_group(
    transaction: &Transaction,
    id: Uuid,
) -> Result<Option<Terms>, StoreError> {
    let group = sql("SELECT name, state, edge_count, max_count, disable_time \
         FROM groups WHERE id = $1")
    .bind(id);
    let Some(row) = transaction.find_one(group).await? else {
        return Ok(None);
    };
    Ok(Some(Terms {
        name: row.text("name")?,
        open: row.integer::<i64>("state")? == 0,
        edge_count: row.integer("edge_count")?,
        max_count: row.integer("max_count")?,
        disabled: row.time_if_set("disable_time")?.is_some(),
    }))
}

/// Who decides about a group, the mightiest first.
pub(super) async fn find_admins(
    transaction: &Transaction,
    id: Uuid,
) -> Result<Vec<UserId>, StoreError> {
    let admins = sql("SELECT destination_id FROM group_edges \
         WHERE source_id = $1 AND state <= $2 ORDER BY state, position")
    .bind(id)
    .bind(Rank::Admin as i64);
    let rows = transaction.find(admins).await?;
    let ids = rows
        .iter()
        .map(|row| row.uuid("destination_id").map(UserId));
    ids.collect()
}

/// How many superadmins a group has.
pub(super) async fn count_superadmins(
    transaction: &Transaction,
    id: Uuid,
) -> Result<i64, StoreError> {
    let superadmins = sql("SELECT count(*) AS count FROM group_edges \
         WHERE source_id = $1 AND state = $2")
    .bind(id)
    .bind(Rank::Superadmin as i64);
    let row = transaction.find_one(superadmins).await?;
    row.map_or(Ok(0), |row| row.integer("count"))
}

/// Somebody to whom something is to be done.
pub(super) struct Target {
    pub(super) user: Uuid,
    pub(super) username: String,
    pub(super) rank: Option<Rank>,
}

/// Those of the users who exist.
pub(super) async fn find_targets(
    transaction: &Transaction,
    id: Uuid,
    users: &[Uuid],
) -> Result<Vec<Target>, StoreError> {
    let found = sql(
        "SELECT users.id, username, coalesce(group_edges.state, -1) AS state FROM users \
         LEFT JOIN group_edges ON source_id = $1 AND destination_id = users.id \
         WHERE users.id IN (SELECT value FROM json_each($2)) ORDER BY users.id",
    )
    .bind(id)
    .bind_list(users);
    let rows = transaction.find(found).await?;
    let target = |row: &Row| {
        Ok(Target {
            user: row.uuid("id")?,
            username: row.text("username")?,
            rank: Rank::from_number(row.integer("state")?),
        })
    };
    rows.iter().map(target).collect()
}

/// Changes the count of members.
pub(super) async fn count(
    transaction: &Transaction,
    id: Uuid,
    change: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let update = sql(
        "UPDATE groups SET edge_count = edge_count + $2, update_time = $3 \
         WHERE id = $1",
    )
    .bind(id)
    .bind(change)
    .bind(now);
    transaction.execute(update).await?;
    Ok(())
}

/// Ends what a user is to a group.
pub(super) async fn part(
    transaction: &Transaction,
    id: Uuid,
    user: Uuid,
) -> Result<(), StoreError> {
    let edges = sql("DELETE FROM group_edges \
         WHERE (source_id, destination_id) IN (VALUES ($1, $2), ($2, $1))")
    .bind(id)
    .bind(user);
    transaction.execute(edges).await?;
    Ok(())
}

/// Leaves of what a user is to a group the ban: one row, which their own list does not show.
pub(super) async fn ban(
    transaction: &Transaction,
    id: Uuid,
    user: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let own = sql("DELETE FROM group_edges WHERE source_id = $1 AND destination_id = $2")
        .bind(user)
        .bind(id);
    transaction.execute(own).await?;
    let edge = sql("UPDATE group_edges SET state = $3, update_time = $4 \
         WHERE source_id = $1 AND destination_id = $2")
    .bind(id)
    .bind(user)
    .bind(Rank::Banned as i64)
    .bind(now);
    transaction.execute(edge).await?;
    Ok(())
}

/// Keeps a message about somebody. Those of one change differ in time by their index.
pub(super) async fn keep(
    transaction: &Transaction,
    group: Uuid,
    code: MessageCode,
    user: Uuid,
    username: String,
    now: Timestamp,
    index: i64,
) -> Result<ChannelMessage, StoreError> {
    let channel = channel_of(group);
    let at_us = now.as_microsecond() + index;
    let message = ChannelMessage {
        channel: Spelled {
            text: channel.to_string().into(),
            id: channel,
        },
        id: Uuid::new_v4(),
        code,
        sender: UserId(user),
        username: username.into(),
        content: "{}".into(),
        create_us: at_us,
        update_us: at_us,
        persistent: true,
    };
    transaction.execute(insertion(&message)).await?;
    Ok(message)
}
