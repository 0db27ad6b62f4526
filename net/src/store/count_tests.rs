//! What is counted stays true whatever happens at once.

use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use uuid::Uuid;

use super::database::sql;
use super::group_tests::{at, deed, make_group, make_user};
use super::harness::on_each_database;
use super::*;

/// Groups and users whose count is not that of their rows, by id.
async fn miscounted(store: &Store) -> Vec<String> {
    let wrong = sql(
        "SELECT id FROM groups WHERE edge_count <> (SELECT count(*) FROM group_edges \
             WHERE source_id = groups.id AND group_edges.state < 3) \
         UNION ALL SELECT id FROM users WHERE edge_count <> (SELECT count(*) FROM friends \
             WHERE source_id = users.id)",
    );
    let rows = store.database.find(wrong).await.unwrap();
    rows.iter().map(|row| row.text("id").unwrap()).collect()
}

/// Rows of a group or a user that is no more.
async fn orphans(store: &Store) -> usize {
    let lost = sql("SELECT source_id FROM group_edges WHERE \
         source_id NOT IN (SELECT id FROM groups UNION ALL SELECT id FROM users) \
         OR destination_id NOT IN (SELECT id FROM groups UNION ALL SELECT id FROM users)");
    store.database.find(lost).await.unwrap().len()
}

/// An error that is no answer to what was asked.
fn is_ours(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::Failed(_))
}

type Change<'a> = BoxFuture<'a, Result<(), StoreError>>;

fn of_group<'a, T>(change: impl Future<Output = Result<T, GroupError>> + Send + 'a) -> Change<'a> {
    let change = change.map(|outcome| match outcome {
        Err(GroupError::Store(error)) => Err(error),
        _ => Ok(()),
    });
    change.boxed()
}

fn of_users<'a, T>(change: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> Change<'a> {
    change.map(|outcome| outcome.map(drop)).boxed()
}

#[tokio::test]
async fn counts_are_true_after_changes_at_once_of_members_friends_and_accounts() {
    on_each_database(async |store| {
        for round in 0..3 {
            let mut users = Vec::new();
            for number in 0..6 {
                users.push(make_user(&store, &format!("user-{round}-{number}")).await);
            }
            let [owner, bob, carol, dan, eve, fay]: [Uuid; 6] = users.try_into().unwrap();
            let group = make_group(&store, owner, &format!("group-{round}"), true, 100).await;
            let own = make_group(&store, eve, &format!("own-{round}"), true, 100).await;
            let (note, now) = (FriendMetadata::default(), at(1));
            let (to_bob, to_carol, to_eve) = ([bob], [carol], [eve]);
            let (to_dan, ban_dan) = ([dan], [dan]);
            let join = |group, user| of_group(store.join_group(group, user, now));
            let add = |user, others| of_users(store.add_friends(user, others, &note, now));
            let changes = vec![
                join(group, bob),
                join(group, carol),
                join(group, dan),
                join(group, eve),
                join(own, fay),
                join(own, bob),
                add(bob, &to_carol),
                add(carol, &to_bob),
                add(fay, &to_eve),
                add(eve, &to_dan),
                of_users(store.block_friends(dan, &to_eve, now)),
                of_users(store.block_friends(bob, &to_carol, now)),
                of_users(store.delete_friends(carol, &to_bob, now)),
                of_group(deed(&store, group, owner, Deed::Ban, &ban_dan)),
                of_group(store.leave_group(group, bob, now)),
                of_users(store.delete_account(eve)),
            ];
            for outcome in join_all(changes).await {
                assert!(!outcome.as_ref().is_err_and(is_ours), "{outcome:?}");
            }
            assert_eq!(miscounted(&store).await, Vec::<String>::new());
            assert_eq!(orphans(&store).await, 0);
        }
    })
    .await;
}
