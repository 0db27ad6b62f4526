use jiff::Timestamp;
use uuid::Uuid;

use super::database::sql;
use super::harness::on_each_database;
use super::*;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_253_282 + second).unwrap()
}

pub(super) async fn make_user(store: &Store, name: &str) -> Uuid {
    let account = NewAccount {
        identifier: Identifier::Device(format!("device-{name}")),
        username: name.to_owned(),
        password_hash: None,
    };
    store.create_account(&account, at(0)).await.unwrap()
}

pub(super) async fn make_group(
    store: &Store,
    creator: Uuid,
    name: &str,
    open: bool,
    max_count: i32,
) -> Uuid {
    let new = NewGroup {
        name: name.to_owned(),
        lang_tag: "en".to_owned(),
        open,
        max_count,
        ..NewGroup::default()
    };
    let made = store.create_group(creator, &new, at(0)).await.unwrap();
    made.id
}

pub(super) async fn deed(
    store: &Store,
    group: Uuid,
    admin: Uuid,
    deed: Deed,
    users: &[Uuid],
) -> Result<GroupNews, GroupError> {
    store
        .change_group_users(group, Actor::Player(admin), deed, users, at(1))
        .await
}

/// What a user is to a group, from the group's side.
pub(super) async fn rank_of(store: &Store, group: Uuid, user: Uuid) -> Option<Rank> {
    let edge = sql("SELECT state FROM group_edges WHERE source_id = $1 AND destination_id = $2")
        .bind(group)
        .bind(user);
    let row = store.database.find_one(edge).await.unwrap()?;
    Rank::from_number(row.integer("state").unwrap())
}

/// Makes a user be something to a group, as a client would.
pub(super) async fn become_of(
    store: &Store,
    group: Uuid,
    owner: Uuid,
    user: Uuid,
    rank: Option<Rank>,
) {
    let steps: &[Deed] = match rank {
        None => &[],
        Some(Rank::Superadmin) => &[Deed::Add, Deed::Promote, Deed::Promote],
        Some(Rank::Admin) => &[Deed::Add, Deed::Promote],
        Some(Rank::Member) => &[Deed::Add],
        Some(Rank::JoinRequest) => {
            store.join_group(group, user, at(1)).await.unwrap();
            &[]
        }
        Some(Rank::Banned) => &[Deed::Add, Deed::Ban],
    };
    for step in steps {
        deed(store, group, owner, *step, &[user]).await.unwrap();
    }
    assert_eq!(rank_of(store, group, user).await, rank);
}

/// Counts are what they count, relations are two equal rows, bans are one.
pub(super) async fn audit(store: &Store) {
    let wrong_counts = sql(
        "SELECT id FROM groups WHERE edge_count <> (SELECT count(*) \
         FROM group_edges WHERE source_id = groups.id AND state < 3)",
    );
    assert_eq!(store.database.find(wrong_counts).await.unwrap().len(), 0);
    let wrong_pairs = sql("SELECT edge.source_id FROM group_edges AS edge \
         LEFT JOIN group_edges AS other ON other.source_id = edge.destination_id \
             AND other.destination_id = edge.source_id AND other.state = edge.state \
             AND other.position = edge.position \
         WHERE (edge.state = 4) = (other.source_id IS NOT NULL)");
    assert_eq!(store.database.find(wrong_pairs).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_new_group_has_its_creator_and_the_defaults() {
    on_each_database(async |store| {
        let alice = make_user(&store, "alice").await;
        let new = NewGroup {
            name: "Knights".to_owned(),
            lang_tag: "en".to_owned(),
            max_count: 100,
            ..NewGroup::default()
        };
        let made = store.create_group(alice, &new, at(0)).await.unwrap();
        assert_eq!((made.creator_id, made.edge_count), (alice, 1));
        assert_eq!((made.open, &*made.metadata), (false, "{}"));
        assert_eq!(
            rank_of(&store, made.id, alice).await,
            Some(Rank::Superadmin)
        );
        let listed = store.user_groups(alice, None, EdgePlace::START, 10).await;
        assert_eq!(listed.unwrap()[0].what, made);
        let again = store.create_group(alice, &new, at(1)).await;
        assert!(matches!(again, Err(GroupError::NameTaken)));
        let lower = NewGroup {
            name: "knights".to_owned(),
            ..new.clone()
        };
        store.create_group(alice, &lower, at(1)).await.unwrap();
        for (column, unfit) in [
            (
                "name",
                NewGroup {
                    name: "å".repeat(256),
                    ..new.clone()
                },
            ),
            (
                "lang_tag",
                NewGroup {
                    lang_tag: "x".repeat(19),
                    ..new.clone()
                },
            ),
        ] {
            let refused = store.create_group(alice, &unfit, at(1)).await;
            let expected = |error: &GroupError| matches!(error, GroupError::Store(StoreError::Unfit { column: found }) if *found == column);
            assert!(refused.is_err_and(|error| expected(&error)), "{column}");
        }
        audit(&store).await;
    })
    .await;
}

#[tokio::test]
async fn admins_change_what_they_name_and_nothing_else() {
    on_each_database(async |store| {
        let [alice, bob] = [
            make_user(&store, "alice").await,
            make_user(&store, "bob").await,
        ];
        let group = make_group(&store, alice, "knights", false, 10).await;
        make_group(&store, alice, "taken", false, 10).await;
        let change = GroupChange {
            name: Some("Squires".to_owned()),
            open: Some(true),
            ..GroupChange::default()
        };
        let update = async |user, change: &GroupChange| {
            let actor = Actor::Player(user);
            store.update_group(group, actor, change, at(9)).await
        };
        become_of(&store, group, alice, bob, Some(Rank::Member)).await;
        let refused = update(bob, &change).await;
        assert!(matches!(refused, Err(GroupError::NotAllowed)));
        become_of(&store, group, alice, bob, Some(Rank::Admin)).await;
        update(bob, &change).await.unwrap();
        let nothing = update(bob, &GroupChange::default()).await;
        assert!(matches!(nothing, Err(GroupError::NothingToChange)));
        let taken = GroupChange {
            name: Some("taken".to_owned()),
            ..GroupChange::default()
        };
        let refused = update(bob, &taken).await;
        assert!(matches!(refused, Err(GroupError::NameTaken)));
        let listed = store.user_groups(bob, None, EdgePlace::START, 10).await;
        let found = &listed.unwrap()[0].what;
        assert_eq!((&*found.name, found.open), ("Squires", true));
        assert_eq!((&*found.lang_tag, found.update_time), ("en", at(9)));
        let disable = sql("UPDATE groups SET disable_time = 1 WHERE id = $1").bind(group);
        store.database.execute(disable).await.unwrap();
        let refused = update(bob, &change).await;
        assert!(matches!(refused, Err(GroupError::Disabled)));
    })
    .await;
}

#[tokio::test]
async fn every_deed_does_what_it_may_and_leaves_the_rest() {
    on_each_database(async |store| {
        let owner = make_user(&store, "owner").await;
        let admin = make_user(&store, "admin").await;
        let ranks = || [None].into_iter().chain(Rank::ALL.map(Some));
        let mut users = Vec::new();
        for number in 0..6 {
            users.push(make_user(&store, &format!("user{number}")).await);
        }
        let deeds = [
            (Deed::Add, "2 0 1 2 2 4", "2 0 1 2 2 4"),
            (Deed::Kick, "x x x x x x", "x 0 1 x x x"),
            (Deed::Ban, "x 4 4 4 4 4", "x 0 1 4 4 4"),
            (Deed::Promote, "x 0 0 1 3 4", "x 0 1 1 3 4"),
            (Deed::Demote, "x 1 2 2 3 4", "x 0 2 2 3 4"),
        ];
        for (what, by_owner, by_admin) in deeds {
            for (caller, expected) in [(owner, by_owner), (admin, by_admin)] {
                let name = format!("{what:?} by {caller}");
                let group = make_group(&store, owner, &name, false, 100).await;
                become_of(&store, group, owner, admin, Some(Rank::Admin)).await;
                for (user, rank) in users.iter().zip(ranks()) {
                    become_of(&store, group, owner, *user, rank).await;
                }
                let all = [users.clone(), vec![caller]].concat();
                deed(&store, group, caller, what, &all).await.unwrap();
                let mut after = Vec::new();
                for user in &users {
                    let rank = rank_of(&store, group, *user).await;
                    after.push(rank.map_or("x".to_owned(), |rank| (rank as i64).to_string()));
                }
                assert_eq!(after.join(" "), expected, "{name}");
                audit(&store).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_no_admin_does_nothing_to_anybody() {
    on_each_database(async |store| {
        let owner = make_user(&store, "owner").await;
        let user = make_user(&store, "user").await;
        let target = make_user(&store, "target").await;
        for (number, rank) in [
            None,
            Some(Rank::Member),
            Some(Rank::JoinRequest),
            Some(Rank::Banned),
        ]
        .into_iter()
        .enumerate()
        {
            let group = make_group(&store, owner, &number.to_string(), false, 9).await;
            become_of(&store, group, owner, user, rank).await;
            for what in [
                Deed::Add,
                Deed::Kick,
                Deed::Ban,
                Deed::Promote,
                Deed::Demote,
            ] {
                for group in [group, Uuid::from_u128(404)] {
                    let refused = deed(&store, group, user, what, &[target]).await;
                    assert!(matches!(refused, Err(GroupError::NotAllowed)), "{rank:?}");
                }
            }
            let refused = store.delete_group(group, Actor::Player(user)).await;
            assert!(matches!(refused, Err(GroupError::NotAllowed)));
        }
    })
    .await;
}
