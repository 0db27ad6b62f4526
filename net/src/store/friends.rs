//! Friends in the database.
//!
//! A friendship or an invitation is two rows, one from the point of view of each; a block is one. Every
//! user's `edge_count` is the count of rows that are theirs. When an account is deleted, its rows go with it
//! in both directions (`ON DELETE CASCADE`), and whoever deletes it counts down for the others.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::Store;
use super::accounts::{user, user_columns};
use super::database::{Row, sql};
use super::error::StoreError;
use super::friend::FriendState::{Blocked, Friend as Befriended, InviteReceived, InviteSent};
use super::friend::{
    Friend, FriendMetadata, FriendNews, FriendOfFriend, FriendOfFriendPlace, FriendQuery,
};
use super::friend_edges::Edges;

impl Store {
    /// Friends of a user by state, then age of the relation.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn friends(
        &self,
        user_id: Uuid,
        query: FriendQuery,
    ) -> Result<Vec<Friend>, StoreError> {
        let (first, last) = match query.state {
            Some(state) => (state, state),
            None => (Befriended, Blocked),
        };
        let from = query
            .from
            .map(|place| (place.state, place.position, place.user_id));
        let (state, position, friend_id) = from.unwrap_or((first, i64::MIN, Uuid::nil()));
        let listing = sql(concat!(
            "SELECT ",
            user_columns!(),
            ", friends.state AS friend_state, friends.position AS friend_position, \
             friends.metadata AS friend_metadata, friends.update_time AS friend_update_time \
             FROM friends JOIN users ON users.id = friends.destination_id \
             WHERE friends.source_id = $1 AND friends.state <= $5 \
                 AND (friends.state, friends.position, friends.destination_id) >= ($2, $3, $4) \
             ORDER BY friends.state, friends.position, friends.destination_id LIMIT $6"
        ))
        .bind(user_id)
        .bind(state as u8)
        .bind(position)
        .bind(friend_id)
        .bind(last as u8)
        .bind(query.limit);
        let rows = self.database.find(listing).await?;
        rows.iter().map(friend).collect()
    }

    /// Friends of a user's friends who are not their own, by the ids of both.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn friends_of_friends(
        &self,
        user_id: Uuid,
        after: Option<FriendOfFriendPlace>,
        limit: u32,
    ) -> Result<Vec<FriendOfFriend>, StoreError> {
        let after = after.unwrap_or(FriendOfFriendPlace {
            referrer: Uuid::nil(),
            user_id: Uuid::nil(),
        });
        // The plus keeps SQLite from the index by state, so that both lists are walked in the order of
        // their keys and no further than the page.
        let listing = sql(concat!(
            "SELECT ",
            user_columns!(),
            ", theirs.source_id AS referrer FROM friends AS mine \
             JOIN friends AS theirs ON theirs.source_id = mine.destination_id \
             JOIN users ON users.id = theirs.destination_id \
             WHERE mine.source_id = $1 AND +mine.state = 0 AND mine.destination_id >= $2 \
                 AND +theirs.state = 0 AND theirs.destination_id <> $1 \
                 AND (mine.destination_id, theirs.destination_id) > ($2, $3) \
                 AND NOT EXISTS (SELECT 1 FROM friends AS own WHERE own.source_id = $1 \
                     AND own.destination_id = theirs.destination_id AND own.state = 0) \
             ORDER BY mine.destination_id, theirs.destination_id LIMIT $4"
        ))
        .bind(user_id)
        .bind(after.referrer)
        .bind(after.user_id)
        .bind(limit);
        let rows = self.database.find(listing).await?;
        let found = rows.iter().map(|row| {
            Ok(FriendOfFriend {
                referrer: row.uuid("referrer")?,
                user: user(row)?,
            })
        });
        found.collect()
    }

    /// Invites users; whoever had invited the one who asks becomes their friend. Those who do not exist,
    /// have blocked or are blocked, and those who are friends or invited already, are passed over. The one
    /// who asks notes the metadata about all that changed. Gives who is to be told what.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] if there is no such user as the one who asks, [`StoreError::Unavailable`],
    /// [`StoreError::Failed`]; nothing was changed then.
    pub async fn add_friends(
        &self,
        user_id: Uuid,
        others: &[Uuid],
        metadata: &FriendMetadata,
        now: Timestamp,
    ) -> Result<Vec<(Uuid, FriendNews)>, StoreError> {
        let others = &others_of(user_id, others);
        let change = |transaction| async move {
            let edges = Edges::read(transaction, user_id, now, others).await?;
            let mut news = Vec::new();
            let mut invited = Vec::new();
            let mut accepted = Vec::new();
            let mut counts = Vec::new();
            for (other, relation) in edges.relations(others) {
                match (relation.mine, relation.theirs) {
                    (None, None) => {
                        invited.push(other);
                        counts.push((other, 1));
                        news.push((other, FriendNews::Invited));
                    }
                    (Some(InviteReceived), Some(InviteSent)) => {
                        let note = metadata.merged_into(&relation.metadata);
                        accepted.push((other, note));
                        counts.push((other, 0));
                        news.push((other, FriendNews::Accepted));
                    }
                    _ => {}
                }
            }
            edges.count(length(&invited), counts).await?;
            edges.invite(&invited, metadata.merged_into("{}")).await?;
            edges.accept(&accepted).await?;
            Ok(news)
        };
        self.database.write(change).await
    }

    /// Ends friendships, withdraws and declines invitations and lifts blocks; blocks of the others stay.
    /// Gives who is to be told what.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was changed then.
    pub async fn delete_friends(
        &self,
        user_id: Uuid,
        others: &[Uuid],
        now: Timestamp,
    ) -> Result<Vec<(Uuid, FriendNews)>, StoreError> {
        let others = &others_of(user_id, others);
        let change = |transaction| async move {
            let edges = Edges::read(transaction, user_id, now, others).await?;
            let mut mine = Vec::new();
            let mut theirs = Vec::new();
            let mut counts = Vec::new();
            for (other, relation) in edges.relations(others) {
                if relation.mine.is_none() {
                    continue;
                }
                mine.push(other);
                if relation.is_mutual() {
                    theirs.push(other);
                }
                counts.push((other, -i64::from(relation.is_mutual())));
            }
            edges.count(-length(&mine), counts).await?;
            edges.drop_mine(&mine).await?;
            edges.drop_theirs(&theirs).await?;
            let told = theirs.into_iter().map(|other| (other, FriendNews::Removed));
            Ok(told.collect())
        };
        self.database.write(change).await
    }

    /// Blocks users; what they were to the one who asks, and the one to them, is no more, save for a block
    /// of theirs. Gives those who are blocked now, which is all who exist.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] if there is no such user as the one who asks, [`StoreError::Unavailable`],
    /// [`StoreError::Failed`]; nothing was changed then.
    pub async fn block_friends(
        &self,
        user_id: Uuid,
        others: &[Uuid],
        now: Timestamp,
    ) -> Result<Vec<Uuid>, StoreError> {
        let others = &others_of(user_id, others);
        let change = |transaction| async move {
            let edges = Edges::read(transaction, user_id, now, others).await?;
            let mut blocked = Vec::new();
            let mut strangers = Vec::new();
            let mut theirs = Vec::new();
            let mut counts = Vec::new();
            for (other, relation) in edges.relations(others) {
                blocked.push(other);
                if relation.mine.is_none() {
                    strangers.push(other);
                }
                if relation.is_mutual() {
                    theirs.push(other);
                }
                if relation.mine != Some(Blocked) {
                    counts.push((other, -i64::from(relation.is_mutual())));
                }
            }
            edges.count(length(&strangers), counts).await?;
            edges.block_strangers(&strangers).await?;
            edges.block_known(&blocked).await?;
            edges.drop_theirs(&theirs).await?;
            Ok(blocked)
        };
        self.database.write(change).await
    }
}

/// Each once, and not oneself.
fn others_of(user_id: Uuid, others: &[Uuid]) -> Vec<Uuid> {
    let mut known = BTreeSet::from([user_id]);
    let others = others.iter().copied();
    others.filter(|other| known.insert(*other)).collect()
}

fn length(users: &[Uuid]) -> i64 {
    i64::try_from(users.len()).unwrap_or(i64::MAX)
}

fn friend(row: &Row) -> Result<Friend, StoreError> {
    Ok(Friend {
        user: user(row)?,
        state: row.integer("friend_state")?,
        position: row.integer("friend_position")?,
        metadata: row.text("friend_metadata")?,
        update_time: row.time("friend_update_time")?,
    })
}
