//! Who is in a group: joining, leaving, and what admins do to others.

use jiff::Timestamp;
use tiltyard::{ChannelMessage, MessageCode, Spelled, UserId};
use uuid::Uuid;

use super::Store;
use super::database::{Row, Transaction, sql};
use super::error::StoreError;
use super::group::{Deed, GroupError, GroupNews, JoinRequest, Rank, channel_of};
use super::group_verdict::{Verdict, judge};
use super::groups::{find_rank, find_username, position, relate, remove_group};
use super::messages::insertion;

impl Store {
    /// Makes a user a member of an open group, or lets them ask to become one. If they are something to the
    /// group already, nothing changes.
    ///
    /// # Errors
    ///
    /// [`GroupError::NotFound`], [`GroupError::Full`], [`GroupError::Store`]; nothing was changed then.
    pub async fn join_group(
        &self,
        id: Uuid,
        user: Uuid,
        now: Timestamp,
    ) -> Result<GroupNews, GroupError> {
        self.database
            .write(|transaction| async move {
                let group = match find_group(&transaction, id).await? {
                    Some(group) if !group.disabled => group,
                    _ => return Ok(Err(GroupError::NotFound)),
                };
                if group.edge_count >= group.max_count {
                    return Ok(Err(GroupError::Full));
                }
                let mut news = GroupNews::default();
                if find_rank(&transaction, id, user).await?.is_some() {
                    return Ok(Ok(news));
                }
                let username = find_username(&transaction, user).await?;
                let began = position(now, 0);
                if group.open {
                    relate(&transaction, id, user, Rank::Member, began, now).await?;
                    count(&transaction, id, 1, now).await?;
                    let code = MessageCode::GroupJoin;
                    let message = keep(&transaction, id, code, user, username, now, 0).await?;
                    news.messages.push(message);
                } else {
                    relate(&transaction, id, user, Rank::JoinRequest, began, now).await?;
                    let admins = find_admins(&transaction, id).await?;
                    news.request = Some(JoinRequest { username, admins });
                }
                Ok(Ok(news))
            })
            .await?
    }

    /// Ends what a user is to a group, of their own will, unless they are banned. If they were all alone, the
    /// group ends, too.
    ///
    /// # Errors
    ///
    /// [`GroupError::LastSuperadmin`], [`GroupError::Store`]; nothing was changed then.
    pub async fn leave_group(
        &self,
        id: Uuid,
        user: Uuid,
        now: Timestamp,
    ) -> Result<GroupNews, GroupError> {
        self.database
            .write(|transaction| async move {
                let mut news = GroupNews::default();
                let rank = match find_rank(&transaction, id, user).await? {
                    None | Some(Rank::Banned) => return Ok(Ok(news)),
                    Some(rank) => rank,
                };
                if rank == Rank::Superadmin && is_last_superadmin(&transaction, id).await? {
                    let group = find_group(&transaction, id).await?;
                    if group.is_some_and(|group| group.edge_count > 1) {
                        return Ok(Err(GroupError::LastSuperadmin));
                    }
                    remove_group(&transaction, id).await?;
                    news.is_gone = true;
                    return Ok(Ok(news));
                }
                let username = find_username(&transaction, user).await?;
                part(&transaction, id, user).await?;
                if rank.is_member() {
                    count(&transaction, id, -1, now).await?;
                }
                let code = MessageCode::GroupLeave;
                let message = keep(&transaction, id, code, user, username, now, 0).await?;
                news.messages.push(message);
                news.left.push(UserId(user));
                Ok(Ok(news))
            })
            .await?
    }

    /// Does something to users, on behalf of an admin. Those to whom it cannot be done are left out, and so
    /// is the admin.
    ///
    /// # Errors
    ///
    /// [`GroupError::NotAllowed`], [`GroupError::Disabled`], [`GroupError::UsersNotFound`] and
    /// [`GroupError::Full`] where users are to be added, [`GroupError::Store`]; nothing was changed then.
    pub async fn change_group_users(
        &self,
        id: Uuid,
        admin: Uuid,
        deed: Deed,
        users: &[Uuid],
        now: Timestamp,
    ) -> Result<GroupNews, GroupError> {
        let mut targets: Vec<Uuid> = users
            .iter()
            .copied()
            .filter(|user| *user != admin)
            .collect();
        targets.sort_unstable();
        targets.dedup();
        let targets = &targets;
        self.database
            .write(|transaction| async move {
                let caller = match find_rank(&transaction, id, admin).await? {
                    Some(rank) if rank.is_admin() => rank,
                    _ => return Ok(Err(GroupError::NotAllowed)),
                };
                let group = match find_group(&transaction, id).await? {
                    None => return Ok(Err(GroupError::NotAllowed)),
                    Some(group) if group.disabled => return Ok(Err(GroupError::Disabled)),
                    Some(group) => group,
                };
                let found = find_targets(&transaction, id, targets).await?;
                if deed == Deed::Add && found.len() < targets.len() {
                    return Ok(Err(GroupError::UsersNotFound));
                }
                let judged: Vec<_> = found
                    .into_iter()
                    .filter_map(|target| Some((judge(deed, caller, target.rank)?, target)))
                    .collect();
                let change: i64 = judged.iter().map(|(verdict, _)| verdict.count).sum();
                if group.edge_count + change > group.max_count {
                    return Ok(Err(GroupError::Full));
                }
                let mut news = GroupNews {
                    name: group.name,
                    ..GroupNews::default()
                };
                if change != 0 {
                    count(&transaction, id, change, now).await?;
                }
                for (index, (verdict, target)) in (0..).zip(judged) {
                    apply(
                        &transaction,
                        id,
                        deed,
                        verdict,
                        target,
                        now,
                        index,
                        &mut news,
                    )
                    .await?;
                }
                Ok(Ok(news))
            })
            .await?
    }
}

/// What decides about members.
struct Terms {
    name: String,
    open: bool,
    edge_count: i64,
    max_count: i64,
    disabled: bool,
}

async fn find_group(transaction: &Transaction, id: Uuid) -> Result<Option<Terms>, StoreError> {
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

async fn find_admins(transaction: &Transaction, id: Uuid) -> Result<Vec<UserId>, StoreError> {
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

async fn is_last_superadmin(transaction: &Transaction, id: Uuid) -> Result<bool, StoreError> {
    let superadmins = sql("SELECT destination_id FROM group_edges \
         WHERE source_id = $1 AND state = $2 LIMIT 2")
    .bind(id)
    .bind(Rank::Superadmin as i64);
    Ok(transaction.find(superadmins).await?.len() < 2)
}

/// Somebody to whom something is to be done.
struct Target {
    user: Uuid,
    username: String,
    rank: Option<Rank>,
}

/// Those of the users who exist.
async fn find_targets(
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

async fn count(
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
async fn part(transaction: &Transaction, id: Uuid, user: Uuid) -> Result<(), StoreError> {
    let edges = sql("DELETE FROM group_edges \
         WHERE (source_id, destination_id) IN (VALUES ($1, $2), ($2, $1))")
    .bind(id)
    .bind(user);
    transaction.execute(edges).await?;
    Ok(())
}

/// Leaves of what a user is to a group the ban: one row, which their own list does not show.
async fn ban(
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

async fn apply(
    transaction: &Transaction,
    id: Uuid,
    deed: Deed,
    verdict: Verdict,
    target: Target,
    now: Timestamp,
    index: i64,
    news: &mut GroupNews,
) -> Result<(), StoreError> {
    let user = target.user;
    match verdict.rank {
        None => part(transaction, id, user).await?,
        Some(Rank::Banned) => ban(transaction, id, user, now).await?,
        Some(rank) => relate(transaction, id, user, rank, position(now, index), now).await?,
    }
    if let Some(code) = verdict.message {
        let message = keep(transaction, id, code, user, target.username, now, index).await?;
        news.messages.push(message);
    }
    match deed {
        Deed::Add => news.added.push(UserId(user)),
        Deed::Kick | Deed::Ban => news.left.push(UserId(user)),
        Deed::Promote | Deed::Demote => {}
    }
    Ok(())
}

/// Keeps a message about somebody. Those of one change differ in time by their index.
async fn keep(
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
