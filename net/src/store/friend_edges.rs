//! The rows of one user's relations while they are changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::database::{Transaction, sql};
use super::error::StoreError;
use super::friend::FriendState::{self, Blocked, InviteReceived, InviteSent};

/// What a user and another are to each other.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) mine: Option<FriendState>,
    pub(super) theirs: Option<FriendState>,
    /// The user's note about the other.
    pub(super) metadata: String,
}

impl Relation {
    /// Whether there is a row of the other that ends with that of the user.
    pub(super) fn is_mutual(&self) -> bool {
        self.mine != Some(Blocked) && !matches!(self.theirs, None | Some(Blocked))
    }
}

/// A change of one user's relations that is being made.
pub(super) struct Edges {
    transaction: Transaction,
    user_id: Uuid,
    now: Timestamp,
    relations: BTreeMap<Uuid, Relation>,
}

impl Edges {
    /// Reads what there is; what is there of others who exist.
    pub(super) async fn read(
        transaction: Transaction,
        user_id: Uuid,
        now: Timestamp,
        others: &[Uuid],
    ) -> Result<Self, StoreError> {
        let query = sql("SELECT users.id AS id, coalesce(mine.state, -1) AS mine, \
                 coalesce(theirs.state, -1) AS theirs, coalesce(mine.metadata, '{}') AS metadata \
             FROM users \
                 LEFT JOIN friends AS mine ON mine.source_id = $1 AND mine.destination_id = users.id \
                 LEFT JOIN friends AS theirs ON theirs.source_id = users.id \
                     AND theirs.destination_id = $1 \
             WHERE users.id IN (SELECT value FROM json_each($2))")
        .bind(user_id)
        .bind_list(others);
        let mut relations = BTreeMap::new();
        for row in transaction.find(query).await? {
            let relation = Relation {
                mine: FriendState::try_from(row.integer::<i64>("mine")?).ok(),
                theirs: FriendState::try_from(row.integer::<i64>("theirs")?).ok(),
                metadata: row.text("metadata")?,
            };
            relations.insert(row.uuid("id")?, relation);
        }
        Ok(Self {
            transaction,
            user_id,
            now,
            relations,
        })
    }

    /// In the order in which they were named.
    pub(super) fn relations(&self, others: &[Uuid]) -> impl Iterator<Item = (Uuid, &Relation)> {
        others
            .iter()
            .filter_map(|other| Some((*other, self.relations.get(other)?)))
    }

    /// Counts the rows that users get and lose. `theirs` has everybody to whom a row leads or from whom one
    /// comes that is to be changed.
    ///
    /// This comes before any change of these rows, and in the order of keys: whoever changes what two users
    /// are to each other has both of them to themselves first. Taking rows in another order each, two changes
    /// would wait for one another, and PostgreSQL takes a second to notice that.
    pub(super) async fn count(
        &self,
        mine: i64,
        theirs: impl IntoIterator<Item = (Uuid, i64)>,
    ) -> Result<(), StoreError> {
        let mut changes: BTreeMap<Uuid, i64> = theirs.into_iter().collect();
        if changes.is_empty() {
            return Ok(());
        }
        changes.insert(self.user_id, mine);
        for (user, change) in changes {
            let update = sql("UPDATE users SET edge_count = edge_count + $2, \
                     update_time = CASE WHEN $2 = 0 THEN update_time ELSE $3 END \
                 WHERE id = $1")
            .bind(user)
            .bind(change)
            .bind(self.now);
            if self.transaction.execute(update).await? == 0 {
                return Err(StoreError::NotFound);
            }
        }
        Ok(())
    }

    /// Makes both rows of invitations to strangers.
    pub(super) async fn invite(&self, others: &[Uuid], metadata: String) -> Result<(), StoreError> {
        self.insert_mine(others, InviteSent, metadata).await?;
        let received = sql("INSERT INTO friends \
                 (source_id, destination_id, state, position, metadata, update_time) \
             SELECT other.value, $1, $3, $4 + other.key, '{}', $5 FROM json_each($2) AS other")
        .bind(self.user_id)
        .bind_list(others)
        .bind(InviteReceived as u8)
        .bind(self.position())
        .bind(self.now);
        if !others.is_empty() {
            self.transaction.execute(received).await?;
        }
        Ok(())
    }

    pub(super) async fn accept(&self, others: &[(Uuid, String)]) -> Result<(), StoreError> {
        for (other, metadata) in others {
            let mine = sql(
                "UPDATE friends SET state = 0, metadata = $3, update_time = $4 \
                 WHERE source_id = $1 AND destination_id = $2",
            )
            .bind(self.user_id)
            .bind(*other)
            .bind(metadata)
            .bind(self.now);
            self.transaction.execute(mine).await?;
            let theirs = sql("UPDATE friends SET state = 0, update_time = $3 \
                 WHERE source_id = $2 AND destination_id = $1")
            .bind(self.user_id)
            .bind(*other)
            .bind(self.now);
            self.transaction.execute(theirs).await?;
        }
        Ok(())
    }

    pub(super) async fn block_strangers(&self, others: &[Uuid]) -> Result<(), StoreError> {
        self.insert_mine(others, Blocked, "{}".to_owned()).await
    }

    /// Metadata and position stay.
    pub(super) async fn block_known(&self, others: &[Uuid]) -> Result<(), StoreError> {
        let update = sql("UPDATE friends SET state = $3, update_time = $4 \
             WHERE source_id = $1 AND destination_id IN (SELECT value FROM json_each($2)) \
                 AND state <> $3")
        .bind(self.user_id)
        .bind_list(others)
        .bind(Blocked as u8)
        .bind(self.now);
        self.transaction.execute(update).await?;
        Ok(())
    }

    async fn insert_mine(
        &self,
        others: &[Uuid],
        state: FriendState,
        metadata: String,
    ) -> Result<(), StoreError> {
        if others.is_empty() {
            return Ok(());
        }
        let insert = sql("INSERT INTO friends \
                 (source_id, destination_id, state, position, metadata, update_time) \
             SELECT $1, other.value, $3, $4 + other.key, $5, $6 FROM json_each($2) AS other")
        .bind(self.user_id)
        .bind_list(others)
        .bind(state as u8)
        .bind(self.position())
        .bind(metadata)
        .bind(self.now);
        self.transaction.execute(insert).await?;
        Ok(())
    }

    pub(super) async fn drop_mine(&self, others: &[Uuid]) -> Result<(), StoreError> {
        if others.is_empty() {
            return Ok(());
        }
        let delete = sql("DELETE FROM friends \
             WHERE source_id = $1 AND destination_id IN (SELECT value FROM json_each($2))")
        .bind(self.user_id)
        .bind_list(others);
        self.transaction.execute(delete).await?;
        Ok(())
    }

    pub(super) async fn drop_theirs(&self, others: &[Uuid]) -> Result<(), StoreError> {
        if others.is_empty() {
            return Ok(());
        }
        let delete = sql("DELETE FROM friends \
             WHERE destination_id = $1 AND source_id IN (SELECT value FROM json_each($2))")
        .bind(self.user_id)
        .bind_list(others);
        self.transaction.execute(delete).await?;
        Ok(())
    }

    /// Where relations that begin now are in listings: at a nanosecond each, from this one on.
    fn position(&self) -> i64 {
        i64::try_from(self.now.as_nanosecond()).unwrap_or(i64::MAX)
    }
}
