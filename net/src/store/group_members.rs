//! Who is in a group: joining, leaving, and what admins do to others.

use jiff::Timestamp;
use tiltyard::{MessageCode, UserId};
use uuid::Uuid;

use super::Store;
use super::database::Transaction;
use super::error::StoreError;
use super::group::{Deed, GroupError, GroupNews, JoinRequest, Rank};
use super::group_edges::{
    Target, ban, count, count_superadmins, find_admins, find_group, find_targets, keep, part,
};
use super::group_verdict::{Verdict, judge};
use super::groups::{find_rank, find_username, position, rank_of, relate, remove_group};
use super::object::Actor;

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
                if rank == Rank::Superadmin && count_superadmins(&transaction, id).await? < 2 {
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

    /// Does something to users, on behalf of an admin or of the server. Those to whom it cannot be done are
    /// left out, and so are the admin and the last superadmin.
    ///
    /// # Errors
    ///
    /// [`GroupError::NotAllowed`], [`GroupError::Disabled`], [`GroupError::UsersNotFound`] and
    /// [`GroupError::Full`] where users are to be added, [`GroupError::Store`]; nothing was changed then.
    pub async fn change_group_users(
        &self,
        id: Uuid,
        actor: Actor,
        deed: Deed,
        users: &[Uuid],
        now: Timestamp,
    ) -> Result<GroupNews, GroupError> {
        let mut targets: Vec<Uuid> = users
            .iter()
            .copied()
            .filter(|user| actor != Actor::Player(*user))
            .collect();
        targets.sort_unstable();
        targets.dedup();
        let targets = &targets;
        self.database
            .write(|transaction| async move {
                let caller = match rank_of(&transaction, id, actor).await? {
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
                let mut superadmins = count_superadmins(&transaction, id).await?;
                let judged: Vec<_> = found
                    .into_iter()
                    .filter_map(|target| Some((judge(deed, caller, target.rank)?, target)))
                    .filter(|(verdict, target)| {
                        let falls = verdict.dethrones(target.rank);
                        let is_last = falls && superadmins <= 1;
                        superadmins -= i64::from(falls && !is_last);
                        !is_last
                    })
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
