//! Lists of groups, of the users of a group, and of the groups of a user.

use uuid::Uuid;

use super::Store;
use super::account::check_text;
use super::accounts::{user, user_columns};
use super::database::{Row, Sql, sql};
use super::error::StoreError;
use super::group::{EdgePlace, Group, GroupUser, Listed, Rank, UserGroup};
use super::group_filter::{GroupFilter, GroupPlace, NamePattern};
use super::groups::{group, group_columns, rank};

/// A list of groups that are not disabled.
macro_rules! listing {
    ($condition:literal, $order:literal) => {
        sql(concat!(
            "SELECT ",
            group_columns!(),
            " FROM groups WHERE disable_time = 0 AND ",
            $condition,
            " ORDER BY ",
            $order
        ))
    };
}

impl Store {
    /// Groups after this place, in the order that the filter has.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unfit`], [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn groups(
        &self,
        filter: &GroupFilter,
        after: Option<&GroupPlace>,
        limit: u32,
    ) -> Result<Vec<Group>, StoreError> {
        let listing = match filter {
            GroupFilter::Name(pattern) => by_name(pattern, after, limit)?,
            GroupFilter::Traits {
                lang_tag,
                members,
                open,
            } => {
                let lang_tag = lang_tag.as_deref();
                check_text("lang_tag", lang_tag.unwrap_or_default(), usize::MAX)?;
                by_traits(lang_tag, *members, *open, after, limit)
            }
        };
        let rows = self.database.find(listing).await?;
        rows.iter().map(group).collect()
    }

    /// The groups of these that exist and are not disabled, in no promised order.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn groups_by_id(&self, ids: &[Uuid]) -> Result<Vec<Group>, StoreError> {
        let found = listing!("id IN (SELECT value FROM json_each($1))", "id").bind_list(ids);
        self.database.find(found).await?.iter().map(group).collect()
    }

    /// Users of a group after this place, by rank and then by age of the relation: those of one rank, or all
    /// but the banned.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn group_users(
        &self,
        group: Uuid,
        of: Option<Rank>,
        after: EdgePlace,
        limit: u32,
    ) -> Result<Vec<GroupUser>, StoreError> {
        let listing = sql(concat!(
            "SELECT ",
            user_columns!(),
            ", rank, position FROM (SELECT destination_id AS user_id, state AS rank, position \
                 FROM group_edges WHERE source_id = $1 AND state BETWEEN $2 AND $3 \
                     AND (state, position, destination_id) > ($4, $5, $6)) AS edges \
             JOIN users ON users.id = user_id ORDER BY rank, position, user_id LIMIT $7"
        ));
        let rows = self.database.find(edges(listing, group, of, after, limit));
        let rows = rows.await?;
        rows.iter().map(|row| listed(row, user(row)?)).collect()
    }

    /// The same for groups of a user. Bans are not among them, nor are groups that are disabled.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`].
    pub async fn user_groups(
        &self,
        user: Uuid,
        of: Option<Rank>,
        after: EdgePlace,
        limit: u32,
    ) -> Result<Vec<UserGroup>, StoreError> {
        let listing = sql(concat!(
            "SELECT ",
            group_columns!(),
            ", rank, position FROM (SELECT destination_id AS group_id, state AS rank, position \
                 FROM group_edges WHERE source_id = $1 AND state BETWEEN $2 AND $3 \
                     AND (state, position, destination_id) > ($4, $5, $6)) AS edges \
             JOIN groups ON groups.id = group_id WHERE disable_time = 0 \
             ORDER BY rank, position, group_id LIMIT $7"
        ));
        let rows = self.database.find(edges(listing, user, of, after, limit));
        let rows = rows.await?;
        rows.iter().map(|row| listed(row, group(row)?)).collect()
    }
}

fn edges(listing: Sql, source: Uuid, of: Option<Rank>, after: EdgePlace, limit: u32) -> Sql {
    let (least, greatest) = of.map_or((Rank::Superadmin, Rank::JoinRequest), |rank| (rank, rank));
    listing
        .bind(source)
        .bind(least as i64)
        .bind(greatest as i64)
        .bind(after.rank)
        .bind(after.position)
        .bind(after.id)
        .bind(limit)
}

fn listed<T>(row: &Row, what: T) -> Result<Listed<T>, StoreError> {
    let rank = rank(row, "rank")?;
    let place = EdgePlace {
        rank: rank as i64,
        position: row.integer("position")?,
        id: row.uuid("id")?,
    };
    Ok(Listed { what, rank, place })
}

fn by_name(
    pattern: &NamePattern,
    after: Option<&GroupPlace>,
    limit: u32,
) -> Result<Sql, StoreError> {
    check_text("name", &pattern.like, usize::MAX)?;
    // Disabled groups are found by name. The prefix is what the index is for.
    let listing = sql(concat!(
        "SELECT ",
        group_columns!(),
        " FROM groups WHERE name_folded LIKE $1 ESCAPE '\\' AND name_folded BETWEEN $2 AND $3 \
             AND name > $4 ORDER BY name LIMIT $5"
    ));
    Ok(listing
        .bind(&pattern.like)
        .bind(&pattern.prefix)
        .bind(format!("{}{}", pattern.prefix, char::MAX))
        .bind(after.map_or("", |place| &place.text))
        .bind(limit))
}

/// The orders are the reference server's, save that the last two are paged correctly.
fn by_traits(
    lang_tag: Option<&str>,
    members: Option<i32>,
    open: Option<bool>,
    after: Option<&GroupPlace>,
    limit: u32,
) -> Sql {
    let state = open.map(|open| i64::from(!open));
    let least = GroupPlace {
        edge_count: -1,
        update_us: i64::MIN,
        text: String::new(),
        id: Uuid::nil(),
    };
    let greatest = GroupPlace {
        edge_count: i64::MAX,
        update_us: i64::MAX,
        ..least.clone()
    };
    let rises = members.is_none() && (open.is_none() || lang_tag.is_none());
    let place = after.unwrap_or(if rises { &least } else { &greatest });
    let (count, update) = (place.edge_count, place.update_us);
    let begun = match (state, lang_tag, members) {
        (None, None, None) => listing!(
            "(update_time, edge_count, id) > ($1, $2, $3)",
            "update_time, edge_count, id LIMIT $4"
        )
        .bind(update)
        .bind(count),
        (Some(state), None, None) => listing!(
            "state = $1 AND (update_time, edge_count, id) > ($2, $3, $4)",
            "update_time, edge_count, id LIMIT $5"
        )
        .bind(state)
        .bind(update)
        .bind(count),
        (None, None, Some(members)) => listing!(
            "edge_count <= $1 AND (edge_count, update_time, id) < ($2, $3, $4)",
            "edge_count DESC, update_time DESC, id DESC LIMIT $5"
        )
        .bind(members)
        .bind(count)
        .bind(update),
        (None, Some(lang_tag), None) => listing!(
            "lang_tag = $1 AND (edge_count, id) > ($2, $3)",
            "edge_count, id LIMIT $4"
        )
        .bind(lang_tag)
        .bind(count),
        (None, Some(lang_tag), Some(members)) => listing!(
            "lang_tag = $1 AND edge_count <= $2 AND (edge_count, id) < ($3, $4)",
            "edge_count DESC, id DESC LIMIT $5"
        )
        .bind(lang_tag)
        .bind(members)
        .bind(count),
        (Some(state), None, Some(members)) => listing!(
            "state = $1 AND edge_count <= $2 AND (edge_count, lang_tag, id) < ($3, $4, $5)",
            "edge_count DESC, lang_tag DESC, id DESC LIMIT $6"
        )
        .bind(state)
        .bind(members)
        .bind(count)
        .bind(&place.text),
        (Some(state), Some(lang_tag), None) => listing!(
            "state = $1 AND lang_tag = $2 AND (edge_count, id) < ($3, $4)",
            "edge_count DESC, id DESC LIMIT $5"
        )
        .bind(state)
        .bind(lang_tag)
        .bind(count),
        (Some(state), Some(lang_tag), Some(members)) => listing!(
            "state = $1 AND lang_tag = $2 AND edge_count <= $3 AND (edge_count, id) < ($4, $5)",
            "edge_count DESC, id DESC LIMIT $6"
        )
        .bind(state)
        .bind(lang_tag)
        .bind(members)
        .bind(count),
    };
    begun.bind(place.id).bind(limit)
}
