use futures_util::future::join_all;
use jiff::Timestamp;
use uuid::Uuid;

use super::FriendNews::{Accepted, Invited, Removed};
use super::FriendState::{self, Blocked, InviteReceived, InviteSent};
use super::database::sql;
use super::harness::on_each_database;
use super::*;

const BEFRIENDED: FriendState = FriendState::Friend;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_253_282 + second).unwrap()
}

/// Three users and a database.
struct Stage {
    store: Store,
    alice: Uuid,
    bob: Uuid,
    carol: Uuid,
}

impl Stage {
    async fn new(store: Store) -> Self {
        Self {
            alice: account(&store, "alice").await,
            bob: account(&store, "bob").await,
            carol: account(&store, "carol").await,
            store,
        }
    }

    async fn add(&self, user: Uuid, others: &[Uuid], second: i64) -> Vec<(Uuid, FriendNews)> {
        add(&self.store, user, others, second).await
    }

    async fn delete(&self, user: Uuid, others: &[Uuid], second: i64) -> Vec<(Uuid, FriendNews)> {
        let deleted = self.store.delete_friends(user, others, at(second)).await;
        deleted.unwrap()
    }

    async fn block(&self, user: Uuid, others: &[Uuid], second: i64) -> Vec<Uuid> {
        let blocked = self.store.block_friends(user, others, at(second)).await;
        blocked.unwrap()
    }

    async fn befriend(&self, one: Uuid, other: Uuid) {
        self.add(one, &[other], 0).await;
        self.add(other, &[one], 0).await;
    }
}

async fn account(store: &Store, name: &str) -> Uuid {
    let account = NewAccount {
        identifier: Identifier::Device(format!("device-{name}")),
        username: name.to_owned(),
        password_hash: None,
    };
    store.create_account(&account, at(-100)).await.unwrap()
}

async fn add(store: &Store, user: Uuid, others: &[Uuid], second: i64) -> Vec<(Uuid, FriendNews)> {
    let none = FriendMetadata::default();
    let added = store.add_friends(user, others, &none, at(second)).await;
    added.unwrap()
}

async fn list(store: &Store, user: Uuid) -> Vec<Friend> {
    let all = FriendQuery {
        state: None,
        from: None,
        limit: 100,
    };
    store.friends(user, all).await.unwrap()
}

async fn state(store: &Store, user: Uuid, other: Uuid) -> Option<FriendState> {
    let friends = list(store, user).await;
    let friend = friends.into_iter().find(|friend| friend.user.id == other);
    friend.map(|friend| friend.state)
}

async fn user(store: &Store, id: Uuid) -> User {
    store.account(id).await.unwrap().unwrap().user
}

/// Whether everybody's count is that of their rows.
async fn check_counts(store: &Store, users: &[Uuid]) {
    for id in users {
        let rows = list(store, *id).await.len();
        assert_eq!(usize::try_from(user(store, *id).await.edge_count), Ok(rows));
    }
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Add,
    Delete,
    Block,
}
use Action::{Add, Block, Delete};

type States = (Option<FriendState>, Option<FriendState>);

const NONE: States = (None, None);
const SENT: States = (Some(InviteSent), Some(InviteReceived));
const RECEIVED: States = (Some(InviteReceived), Some(InviteSent));
const FRIENDS: States = (Some(BEFRIENDED), Some(BEFRIENDED));
const BLOCKS: States = (Some(Blocked), None);
const BLOCKED: States = (None, Some(Blocked));
const BOTH_BLOCK: States = (Some(Blocked), Some(Blocked));

#[tokio::test]
async fn what_users_are_to_each_other_changes_by_the_table() {
    let table = [
        (Add, NONE, SENT, Some(Invited)),
        (Add, SENT, SENT, None),
        (Add, RECEIVED, FRIENDS, Some(Accepted)),
        (Add, FRIENDS, FRIENDS, None),
        (Add, BLOCKS, BLOCKS, None),
        (Add, BLOCKED, BLOCKED, None),
        (Add, BOTH_BLOCK, BOTH_BLOCK, None),
        (Delete, NONE, NONE, None),
        (Delete, SENT, NONE, Some(Removed)),
        (Delete, RECEIVED, NONE, Some(Removed)),
        (Delete, FRIENDS, NONE, Some(Removed)),
        (Delete, BLOCKS, NONE, None),
        (Delete, BLOCKED, BLOCKED, None),
        (Delete, BOTH_BLOCK, BLOCKED, None),
        (Block, NONE, BLOCKS, None),
        (Block, SENT, BLOCKS, None),
        (Block, RECEIVED, BLOCKS, None),
        (Block, FRIENDS, BLOCKS, None),
        (Block, BLOCKS, BLOCKS, None),
        (Block, BLOCKED, BOTH_BLOCK, None),
        (Block, BOTH_BLOCK, BOTH_BLOCK, None),
    ];
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let (store, a, b) = (&stage.store, stage.alice, stage.bob);
        let states = async || (state(store, a, b).await, state(store, b, a).await);
        for (action, before, after, news) in table {
            for (one, other) in [(a, b), (b, a)] {
                stage.delete(one, &[other], 1).await;
            }
            match before {
                SENT => _ = stage.add(a, &[b], 1).await,
                RECEIVED => _ = stage.add(b, &[a], 1).await,
                FRIENDS => stage.befriend(a, b).await,
                _ => {}
            }
            if before.0 == Some(Blocked) {
                stage.block(a, &[b], 1).await;
            }
            if before.1 == Some(Blocked) {
                stage.block(b, &[a], 1).await;
            }
            let case = format!("{action:?} {before:?}");
            assert_eq!(states().await, before, "{case}");
            let told = match action {
                Add => stage.add(a, &[b], 2).await,
                Delete => stage.delete(a, &[b], 2).await,
                Block => {
                    assert_eq!(stage.block(a, &[b], 2).await, [b], "{case}");
                    Vec::new()
                }
            };
            assert_eq!(states().await, after, "{case}");
            let expected: Vec<_> = news.map(|news| (b, news)).into_iter().collect();
            assert_eq!(told, expected, "{case}");
            check_counts(store, &[a, b]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_edge_tells_when_it_changed_and_keeps_its_place_and_its_note() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let (store, a, b) = (&stage.store, stage.alice, stage.bob);
        let edge = async |user| list(store, user).await.remove(0);
        let add = async |user, other, note, second| {
            let note = FriendMetadata::parse(note).unwrap();
            let others = [other];
            let added = store.add_friends(user, &others, &note, at(second));
            added.await.unwrap();
        };
        add(a, b, r#"{"from":"school"}"#, 1).await;
        let (sent, received) = (edge(a).await, edge(b).await);
        assert_eq!(sent.metadata, r#"{"from":"school"}"#);
        assert_eq!(received.metadata, "{}");
        assert_eq!(sent.position, received.position);
        assert_eq!((sent.update_time, received.update_time), (at(1), at(1)));
        assert_eq!(user(store, a).await.update_time, at(1));
        add(b, a, r#"{"nick":"al"}"#, 2).await;
        let (of_a, of_b) = (edge(a).await, edge(b).await);
        assert_eq!(of_a.metadata, r#"{"from":"school"}"#);
        assert_eq!(
            of_b.metadata, r#"{"nick":"al"}"#,
            "whoever accepts notes it"
        );
        assert_eq!(
            (of_a.position, of_b.position),
            (sent.position, sent.position)
        );
        assert_eq!((of_a.update_time, of_b.update_time), (at(2), at(2)));
        assert_eq!(
            user(store, a).await.update_time,
            at(1),
            "no edge more or less"
        );
        stage.block(a, &[b], 3).await;
        let blocked = edge(a).await;
        assert_eq!(blocked.metadata, r#"{"from":"school"}"#);
        assert_eq!(
            (blocked.position, blocked.update_time),
            (sent.position, at(3))
        );
        assert_eq!(user(store, a).await.update_time, at(1));
        assert_eq!(user(store, b).await.update_time, at(3), "it has lost one");
        stage.block(a, &[b], 4).await;
        assert_eq!(edge(a).await, blocked);
    })
    .await;
}

#[tokio::test]
async fn nobody_oneself_and_the_same_again_are_passed_over() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let nobody = Uuid::from_u128(7);
        let others = [stage.bob, nobody, stage.alice, stage.bob, stage.carol];
        let news = stage.add(stage.alice, &others, 1).await;
        assert_eq!(news, [(stage.bob, Invited), (stage.carol, Invited)]);
        let friends = list(&stage.store, stage.alice).await;
        let ids: Vec<_> = friends.iter().map(|friend| friend.user.id).collect();
        assert_eq!(ids, [stage.bob, stage.carol], "in the order of the request");
        let news = stage.delete(stage.alice, &others, 2).await;
        assert_eq!(news, [(stage.bob, Removed), (stage.carol, Removed)]);
        let blocked = stage.block(stage.alice, &others, 3).await;
        assert_eq!(blocked, [stage.bob, stage.carol]);
        check_counts(&stage.store, &[stage.alice, stage.bob, stage.carol]).await;
        let none = FriendMetadata::default();
        let store = &stage.store;
        let gone = store.add_friends(nobody, &[stage.bob], &none, at(4)).await;
        assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
        let gone = store.block_friends(nobody, &[stage.bob], at(4)).await;
        assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
        assert_eq!(stage.delete(nobody, &[stage.bob], 4).await, []);
        check_counts(store, &[stage.bob]).await;
    })
    .await;
}

#[tokio::test]
async fn friends_are_listed_by_state_and_age_from_any_place_on() {
    on_each_database(async |store| {
        let me = account(&store, "me").await;
        let mut others = Vec::new();
        for number in 0..6 {
            others.push(account(&store, &format!("other{number}")).await);
        }
        // The latter three of one request, and the former at the same time.
        add(&store, me, &others[3..], 9).await;
        for other in &others[..3] {
            add(&store, *other, &[me], 9).await;
        }
        add(&store, me, &others[..1], 9).await;
        store.block_friends(me, &others[5..], at(9)).await.unwrap();
        let all = list(&store, me).await;
        let states: Vec<_> = all.iter().map(|friend| friend.state as u8).collect();
        assert_eq!(states, [0, 1, 1, 2, 2, 3]);
        assert_eq!(all[1].user.id, others[3]);
        assert_eq!(all[2].user.id, others[4]);
        for (state, limit) in [(None, 1), (None, 4), (Some(InviteReceived), 1)] {
            let expected = all
                .iter()
                .filter(|friend| state.is_none_or(|s| s == friend.state));
            let expected: Vec<_> = expected.cloned().collect();
            let mut read = Vec::new();
            let mut from = None;
            loop {
                let query = FriendQuery {
                    state,
                    from,
                    limit: limit + 1,
                };
                let mut page = store.friends(me, query).await.unwrap();
                assert!(page.len() <= limit as usize + 1);
                from = page.get(limit as usize).map(Friend::place);
                page.truncate(limit as usize);
                read.extend(page);
                if from.is_none() {
                    break;
                }
            }
            assert_eq!(read, expected, "{state:?} {limit}");
        }
    })
    .await;
}

#[tokio::test]
async fn friends_of_friends_are_neither_oneself_nor_friends_already() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let store = &stage.store;
        let (me, mut near) = (stage.alice, [stage.bob, stage.carol]);
        near.sort_unstable();
        let mut far = [account(store, "dan").await, account(store, "eve").await];
        far.sort_unstable();
        let invited = account(store, "invited").await;
        stage.befriend(near[0], near[1]).await;
        for friend in near {
            stage.befriend(me, friend).await;
            stage.befriend(friend, far[0]).await;
            stage.befriend(friend, far[1]).await;
            stage.add(friend, &[invited], 0).await;
        }
        stage.add(me, &[invited], 0).await;
        let page = async |after, limit| {
            let found = store.friends_of_friends(me, after, limit).await.unwrap();
            let pairs = found.iter().map(|found| (found.referrer, found.user.id));
            pairs.collect::<Vec<_>>()
        };
        let pairs = [near[0], near[1]].map(|friend| far.map(|stranger| (friend, stranger)));
        let pairs = pairs.concat();
        assert_eq!(page(None, 10).await, pairs);
        for (index, (referrer, user_id)) in pairs.iter().enumerate() {
            let place = FriendOfFriendPlace {
                referrer: *referrer,
                user_id: *user_id,
            };
            let rest = &pairs[index + 1..];
            assert_eq!(page(Some(place), 2).await, rest[..rest.len().min(2)]);
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_is_blocked_may_not_write() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let (a, b) = (stage.alice, stage.bob);
        let may = async |from, to| stage.store.may_message(from, to).await.unwrap();
        assert!(may(a, b).await && may(b, a).await && may(a, a).await);
        assert!(!may(a, Uuid::from_u128(7)).await);
        stage.befriend(a, b).await;
        assert!(may(a, b).await && may(b, a).await);
        stage.block(a, &[b], 1).await;
        assert!(may(a, b).await, "one way");
        assert!(!may(b, a).await);
        stage.delete(a, &[b], 2).await;
        assert!(may(b, a).await);
    })
    .await;
}

#[tokio::test]
async fn relations_go_with_the_account() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        stage.befriend(stage.alice, stage.bob).await;
        stage.block(stage.alice, &[stage.carol], 1).await;
        stage.block(stage.carol, &[stage.alice], 1).await;
        let delete = sql("DELETE FROM users WHERE id = $1").bind(stage.alice);
        stage.store.database.execute(delete).await.unwrap();
        for other in [stage.bob, stage.carol] {
            assert_eq!(list(&stage.store, other).await, []);
        }
        stage.befriend(stage.bob, stage.carol).await;
        assert_eq!(list(&stage.store, stage.bob).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn users_who_add_each_other_at_once_are_friends() {
    const ROUNDS: usize = 15;
    on_each_database(async |store| {
        let mut users = Vec::new();
        for name in ["alice", "bob", "carol"] {
            users.push(account(&store, name).await);
        }
        for round in 0..ROUNDS {
            let adding = users.iter().map(|me| add(&store, *me, &users, 1));
            let news = join_all(adding).await.concat();
            let accepted = news.iter().filter(|(_, news)| *news == Accepted).count();
            assert_eq!((news.len(), accepted), (6, 3), "round {round}");
            for me in &users {
                let friends = list(&store, *me).await;
                assert_eq!(friends.len(), 2);
                assert!(friends.iter().all(|friend| friend.state == BEFRIENDED));
            }
            check_counts(&store, &users).await;
            let deleting = users
                .iter()
                .map(|me| store.delete_friends(*me, &users, at(2)));
            let deleted = join_all(deleting).await;
            let told: usize = deleted
                .iter()
                .map(|told| told.as_ref().unwrap().len())
                .sum();
            assert_eq!(told, 3, "every friendship ends once");
            check_counts(&store, &users).await;
        }
    })
    .await;
}
