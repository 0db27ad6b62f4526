use tiltyard::UserId;
use uuid::Uuid;

use super::database::sql;
use super::group_tests::{at, audit, become_of, deed, make_group, make_user, rank_of};
use super::harness::on_each_database;
use super::*;

fn codes(news: &GroupNews) -> Vec<i32> {
    let codes = news.messages.iter().map(|message| message.code as i32);
    codes.collect()
}

#[tokio::test]
async fn adding_is_all_or_nothing() {
    on_each_database(async |store| {
        let owner = make_user(&store, "owner").await;
        let mut users = Vec::new();
        for number in 0..3 {
            users.push(make_user(&store, &number.to_string()).await);
        }
        let group = make_group(&store, owner, "small", false, 3).await;
        let full = deed(&store, group, owner, Deed::Add, &users).await;
        assert!(matches!(full, Err(GroupError::Full)));
        let unknown = [users[0], Uuid::from_u128(404)];
        let refused = deed(&store, group, owner, Deed::Add, &unknown).await;
        assert!(matches!(refused, Err(GroupError::UsersNotFound)));
        for user in &users {
            assert_eq!(rank_of(&store, group, *user).await, None);
        }
        let twice = [users[0], users[0], users[1]];
        let news = deed(&store, group, owner, Deed::Add, &twice).await.unwrap();
        assert_eq!((codes(&news), news.added.len()), (vec![4, 4], 2));
        let news = deed(&store, group, owner, Deed::Add, &twice).await.unwrap();
        assert_eq!(codes(&news), [0; 0], "they are members");
        audit(&store).await;
    })
    .await;
}

#[tokio::test]
async fn whoever_joins_a_closed_group_asks_its_admins() {
    on_each_database(async |store| {
        let owner = make_user(&store, "owner").await;
        let [admin, user] = [
            make_user(&store, "admin").await,
            make_user(&store, "user").await,
        ];
        let group = make_group(&store, owner, "closed", false, 9).await;
        become_of(&store, group, owner, admin, Some(Rank::Admin)).await;
        let news = store.join_group(group, user, at(1)).await.unwrap();
        let request = JoinRequest {
            username: "user".to_owned(),
            admins: vec![UserId(owner), UserId(admin)],
        };
        assert_eq!((news.request, news.messages), (Some(request), vec![]));
        assert!(!store.is_group_member(group, user).await.unwrap());
        let again = store.join_group(group, user, at(1)).await.unwrap();
        assert_eq!(again, GroupNews::default());
        let news = store.leave_group(group, user, at(2)).await.unwrap();
        assert_eq!(codes(&news), [5]);
        assert_eq!(rank_of(&store, group, user).await, None);
        let unknown = store.join_group(Uuid::from_u128(404), user, at(1)).await;
        assert!(matches!(unknown, Err(GroupError::NotFound)));
        audit(&store).await;
    })
    .await;
}

#[tokio::test]
async fn the_last_superadmin_stays_or_takes_the_group_along() {
    on_each_database(async |store| {
        let owner = make_user(&store, "owner").await;
        let [user, asks] = [
            make_user(&store, "user").await,
            make_user(&store, "asks").await,
        ];
        let group = make_group(&store, owner, "group", false, 9).await;
        become_of(&store, group, owner, user, Some(Rank::Admin)).await;
        become_of(&store, group, owner, asks, Some(Rank::JoinRequest)).await;
        let refused = store.leave_group(group, owner, at(2)).await;
        assert!(matches!(refused, Err(GroupError::LastSuperadmin)));
        deed(&store, group, owner, Deed::Promote, &[user])
            .await
            .unwrap();
        let news = store.leave_group(group, owner, at(2)).await.unwrap();
        assert_eq!((codes(&news), news.is_gone), (vec![5], false));
        assert_eq!(news.left, [UserId(owner)]);
        let news = store.leave_group(group, user, at(2)).await.unwrap();
        assert!(news.is_gone, "whoever asks does not count");
        let edges = store
            .database
            .find(sql("SELECT state FROM group_edges"))
            .await;
        assert_eq!(edges.unwrap().len(), 0);
        let groups = store.database.find(sql("SELECT id FROM groups")).await;
        assert_eq!(groups.unwrap().len(), 0);
        let stranger = store.leave_group(group, user, at(2)).await.unwrap();
        assert_eq!(stranger, GroupNews::default());
    })
    .await;
}

#[tokio::test]
async fn a_ban_holds_until_it_is_lifted() {
    on_each_database(async |store| {
        let owner = make_user(&store, "owner").await;
        let user = make_user(&store, "user").await;
        let group = make_group(&store, owner, "group", true, 9).await;
        let joined = store.join_group(group, user, at(1)).await.unwrap();
        assert_eq!(codes(&joined), [3]);
        assert!(store.is_group_member(group, user).await.unwrap());
        let news = deed(&store, group, owner, Deed::Ban, &[user])
            .await
            .unwrap();
        assert_eq!((codes(&news), news.left), (vec![8], vec![UserId(user)]));
        assert!(!store.is_group_member(group, user).await.unwrap());
        for step in ["join", "leave"] {
            let news = match step {
                "join" => store.join_group(group, user, at(1)).await,
                _ => store.leave_group(group, user, at(1)).await,
            };
            assert_eq!(news.unwrap(), GroupNews::default(), "{step}");
            assert_eq!(rank_of(&store, group, user).await, Some(Rank::Banned));
        }
        let own = store.user_groups(user, None, EdgePlace::START, 10).await;
        assert_eq!(own.unwrap(), []);
        deed(&store, group, owner, Deed::Kick, &[user])
            .await
            .unwrap();
        store.join_group(group, user, at(1)).await.unwrap();
        assert!(store.is_group_member(group, user).await.unwrap());
        audit(&store).await;
    })
    .await;
}

#[tokio::test]
async fn those_who_race_for_the_last_place_get_it_once() {
    on_each_database(async |store| {
        let owner = make_user(&store, "owner").await;
        let mut users = Vec::new();
        for number in 0..6 {
            users.push(make_user(&store, &number.to_string()).await);
        }
        let group = make_group(&store, owner, "race", true, 3).await;
        let joins = users.iter().map(|user| {
            let store = store.clone();
            let user = *user;
            async move { store.join_group(group, user, at(1)).await }
        });
        let outcomes = futures_util::future::join_all(joins).await;
        let joined = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let full = |outcome: &&Result<_, _>| matches!(outcome, Err(GroupError::Full));
        assert_eq!((joined, outcomes.iter().filter(full).count()), (2, 4));
        audit(&store).await;
    })
    .await;
}

#[tokio::test]
async fn the_server_does_everything_but_take_the_last_superadmin() {
    on_each_database(async |store| {
        let [owner, second, member] = [
            make_user(&store, "owner").await,
            make_user(&store, "second").await,
            make_user(&store, "member").await,
        ];
        for what in [Deed::Kick, Deed::Ban, Deed::Demote] {
            let group = make_group(&store, owner, &format!("{what:?}"), false, 9).await;
            become_of(&store, group, owner, second, Some(Rank::Superadmin)).await;
            become_of(&store, group, owner, member, Some(Rank::Admin)).await;
            let users = [owner, second, member];
            let done = store.change_group_users(group, Actor::Server, what, &users, at(2));
            let news = done.await.unwrap();
            assert_eq!(news.messages.len(), 2, "{what:?}");
            let mut superadmins = 0;
            for user in users {
                let rank = rank_of(&store, group, user).await;
                superadmins += i32::from(rank == Some(Rank::Superadmin));
            }
            assert_eq!(superadmins, 1, "{what:?}");
            audit(&store).await;
        }
        let unknown = Uuid::from_u128(404);
        let (add, users) = (Deed::Add, [owner]);
        let refused = store.change_group_users(unknown, Actor::Server, add, &users, at(2));
        assert!(matches!(refused.await, Err(GroupError::NotAllowed)));
        let refused = store.delete_group(unknown, Actor::Server).await;
        assert!(matches!(refused, Err(GroupError::NotAllowed)));
    })
    .await;
}

#[tokio::test]
async fn the_server_changes_the_metadata_and_the_room_of_a_group() {
    on_each_database(async |store| {
        let owner = make_user(&store, "owner").await;
        let member = make_user(&store, "member").await;
        let group = make_group(&store, owner, "knights", false, 9).await;
        become_of(&store, group, owner, member, Some(Rank::Member)).await;
        let room = |max_count| GroupChange {
            max_count: Some(max_count),
            metadata: Some(Metadata::parse(r#"{"a":1}"#.to_owned()).unwrap()),
            ..GroupChange::default()
        };
        let update = async |change: GroupChange| {
            store
                .update_group(group, Actor::Server, &change, at(3))
                .await
        };
        assert!(matches!(update(room(1)).await, Err(GroupError::Full)));
        update(room(2)).await.unwrap();
        let found = store.groups_by_id(&[group, Uuid::from_u128(404)]).await;
        let found = found.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].max_count, &*found[0].metadata), (2, r#"{"a":1}"#));
    })
    .await;
}
