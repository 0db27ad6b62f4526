use futures_util::future::join_all;
use jiff::Timestamp;
use uuid::Uuid;

use super::harness::on_each_database;
use super::*;

use ReadPermission as Read;
use WritePermission as Write;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_253_282 + second).unwrap()
}

async fn user(store: &Store, name: &str) -> Uuid {
    let account = NewAccount {
        identifier: Identifier::Device(format!("device-{name}")),
        username: name.to_owned(),
        password_hash: None,
    };
    store.create_account(&account, at(0)).await.unwrap()
}

fn id(key: &str, owner: Uuid) -> ObjectId {
    ObjectId {
        collection: "saves".to_owned(),
        key: key.to_owned(),
        owner,
    }
}

fn value(text: &str) -> ObjectValue {
    ObjectValue::parse(text.to_owned()).unwrap()
}

fn write(id: ObjectId, text: &str) -> ObjectWrite {
    ObjectWrite {
        id,
        value: value(text),
        condition: ObjectCondition::Any,
        read: Read::Owner,
        write: Write::Owner,
    }
}

fn delete(id: ObjectId) -> ObjectDelete {
    ObjectDelete { id, version: None }
}

async fn put(store: &Store, write: ObjectWrite) -> ObjectAck {
    let acks = store.write_objects(Actor::Server, &[write], at(0)).await;
    acks.unwrap().remove(0)
}

async fn find(store: &Store, id: &ObjectId) -> Option<StoredObject> {
    let found = store.read_objects(Actor::Server, std::slice::from_ref(id));
    found.await.unwrap().pop()
}

async fn keys(store: &Store, actor: Actor, owner: Option<Uuid>) -> Vec<String> {
    let listing = ObjectListing::new(actor, "saves".to_owned(), owner);
    let mut keys = Vec::new();
    let mut after = None;
    // Pages of one, so that every object is once the last of a page.
    while let [object] = &*store
        .list_objects(&listing, after.as_ref(), 1)
        .await
        .unwrap()
    {
        keys.push(object.id.key.clone());
        after = Some(ObjectPosition::of(object));
    }
    let whole = store.list_objects(&listing, None, 100).await.unwrap();
    let whole: Vec<_> = whole.into_iter().map(|object| object.id.key).collect();
    assert_eq!(keys, whole, "pages are the list");
    keys
}

#[tokio::test]
async fn what_was_written_is_read_back_with_its_version_and_times() {
    on_each_database(async |store| {
        let alice = user(&store, "alice").await;
        let slot = id("slot", alice);
        let text = r#" {"b": 1,  "a": "\"ö\\", "b": 2} "#;
        let mut first = write(slot.clone(), text);
        let batch = [first.clone()];
        let acks = store.write_objects(Actor::Player(alice), &batch, at(1));
        let expected = StoredObject {
            id: slot.clone(),
            value: text.to_owned(),
            version: first.value.version(),
            read: Read::Owner,
            write: Write::Owner,
            create_time: at(1),
            update_time: at(1),
        };
        let ack = ObjectAck {
            id: slot.clone(),
            version: expected.version.clone(),
            create_time: at(1),
            update_time: at(1),
        };
        assert_eq!(acks.await.unwrap(), [ack]);
        assert_eq!(find(&store, &slot).await, Some(expected));

        // The same again, then only another permission, then only other spaces.
        for (second, read, text, updated) in [
            (2, Read::Owner, text, 1),
            (3, Read::Public, text, 3),
            (4, Read::Public, text.trim(), 4),
            (5, Read::Public, text.trim(), 4),
        ] {
            first.value = value(text);
            first.read = read;
            let batch = [first.clone()];
            let acks = store.write_objects(Actor::Server, &batch, at(second));
            let ack = acks.await.unwrap().remove(0);
            assert_eq!((ack.create_time, ack.update_time), (at(1), at(updated)));
            let found = find(&store, &slot).await.unwrap();
            assert_eq!((found.update_time, found.read), (at(updated), read));
            assert_eq!((found.value.as_str(), found.version), (text, ack.version));
        }
    })
    .await;
}

#[tokio::test]
async fn a_batch_is_all_or_nothing_and_answers_in_its_order() {
    on_each_database(async |store| {
        let alice = user(&store, "alice").await;
        let player = Actor::Player(alice);
        let batch = ["z", "a", "m", "a"].map(|key| id(key, alice));
        let mut writes: Vec<_> = (0..).zip(batch).collect();
        let mut writes: Vec<_> = writes
            .drain(..)
            .map(|(number, id)| write(id, &format!(r#"{{"n":{number}}}"#)))
            .collect();
        let acks = store.write_objects(player, &writes, at(0)).await.unwrap();
        for (write, ack) in writes.iter().zip(&acks) {
            assert_eq!(
                (&write.id, write.value.version()),
                (&ack.id, ack.version.clone())
            );
        }
        let last = find(&store, &id("a", alice)).await.unwrap();
        assert_eq!(last.value, r#"{"n":3}"#, "equal ids in the order given");

        // The second of the same id meets what the first has written.
        writes[1].value = value(r#"{"n":10}"#);
        writes[3].condition = ObjectCondition::Version(writes[1].value.version());
        let acks = store.write_objects(player, &writes, at(1)).await.unwrap();
        assert_eq!((acks[0].update_time, acks[3].update_time), (at(0), at(1)));

        writes[1].value = value(r#"{"n":11}"#);
        let refused = store.write_objects(player, &writes, at(2)).await;
        assert!(matches!(refused, Err(StoreError::VersionDiffers)));
        let a = find(&store, &id("a", alice)).await.unwrap();
        assert_eq!((a.value.as_str(), a.update_time), (r#"{"n":3}"#, at(1)));

        let locked = ObjectWrite {
            write: Write::Nobody,
            ..write(id("y", alice), "{}")
        };
        put(&store, locked).await;
        writes[1].id.key = "y".to_owned();
        writes[3] = write(id("zz", alice), "{}");
        writes[3].condition = ObjectCondition::Version("x".to_owned());
        let refused = store.write_objects(player, &writes, at(3)).await;
        assert!(
            matches!(refused, Err(StoreError::WriteForbidden)),
            "y is before zz"
        );

        let deletes = ["z", "a", "gone"].map(|key| delete(id(key, alice)));
        let refused = store.delete_objects(player, &deletes).await;
        assert!(matches!(refused, Err(StoreError::NoSuchObject)));
        let twice = ["a", "a"].map(|key| delete(id(key, alice)));
        let refused = store.delete_objects(player, &twice).await;
        assert!(matches!(refused, Err(StoreError::NoSuchObject)));
        assert!(find(&store, &id("a", alice)).await.is_some());
        store.delete_objects(player, &deletes[..2]).await.unwrap();
        assert_eq!(find(&store, &id("a", alice)).await, None);
        assert_eq!(keys(&store, Actor::Server, None).await, ["m", "y"]);
    })
    .await;
}

#[tokio::test]
async fn who_may_read_what() {
    on_each_database(async |store| {
        let alice = user(&store, "alice").await;
        let bob = user(&store, "bob").await;
        let permissions = [Read::Nobody, Read::Owner, Read::Public];
        for (owner, name) in [(alice, "alice"), (Uuid::nil(), "system")] {
            for read in permissions {
                let key = format!("{name} {}", read as u8);
                let object = write(id(&key, owner), "{}");
                put(&store, ObjectWrite { read, ..object }).await;
            }
        }
        let players = [
            // Who asks, whose, and the permissions with which that is read.
            (Actor::Player(alice), alice, "alice", &permissions[1..]),
            (Actor::Player(bob), alice, "alice", &permissions[2..]),
            (Actor::Server, alice, "alice", &permissions[..]),
            (
                Actor::Player(alice),
                Uuid::nil(),
                "system",
                &permissions[2..],
            ),
            (Actor::Server, Uuid::nil(), "system", &permissions[..]),
        ];
        for (actor, owner, name, readable) in players {
            let key = |read: &Read| format!("{name} {}", *read as u8);
            let expected: Vec<_> = readable.iter().map(key).collect();
            let ids: Vec<_> = permissions
                .iter()
                .map(|read| id(&key(read), owner))
                .collect();
            // Twice the same, and some that are not there.
            let more = [ids[2].clone(), id("alice 1", bob), id("x", alice)];
            let ids = [ids, more.to_vec()].concat();
            let mut found: Vec<_> = store.read_objects(actor, &ids).await.unwrap();
            found.retain(|object| object.id.owner == owner);
            let mut found: Vec<_> = found.into_iter().map(|object| object.id.key).collect();
            found.sort();
            assert_eq!(found, expected, "{actor:?} reads");
            assert_eq!(
                keys(&store, actor, Some(owner)).await,
                expected,
                "{actor:?} lists"
            );
        }
        for player in [alice, bob] {
            let public = keys(&store, Actor::Player(player), None).await;
            assert_eq!(public, ["alice 2", "system 2"]);
        }
        assert_eq!(keys(&store, Actor::Server, None).await.len(), 6);
    })
    .await;
}

/// What is there, and what becomes of a write or a delete.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Done,
    Missing,
    Version,
    Forbidden,
}

fn outcome<T>(result: Result<T, StoreError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Done,
        Err(StoreError::NoSuchObject) => Outcome::Missing,
        Err(StoreError::VersionDiffers) => Outcome::Version,
        Err(StoreError::WriteForbidden) => Outcome::Forbidden,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn who_may_write_and_delete_what_under_which_condition() {
    use Outcome::{Done, Forbidden, Missing, Version};

    on_each_database(async |store| {
        let alice = user(&store, "alice").await;
        let bob = user(&store, "bob").await;
        let actors = [Actor::Player(alice), Actor::Player(bob), Actor::Server];
        let now = ObjectCondition::Version(value("{}").version());
        let other = ObjectCondition::Version("*".to_owned());
        let (any, absent) = (ObjectCondition::Any, ObjectCondition::Absent);
        // What alice has there, the condition, and what it is for herself, for bob, and for the server.
        let table = [
            (None, &any, [Done, Forbidden, Done]),
            (None, &absent, [Done, Forbidden, Done]),
            (None, &now, [Version; 3]),
            (Some(Write::Owner), &any, [Done, Forbidden, Done]),
            (Some(Write::Owner), &absent, [Version; 3]),
            (Some(Write::Owner), &now, [Done, Forbidden, Done]),
            (Some(Write::Owner), &other, [Version, Forbidden, Version]),
            (Some(Write::Nobody), &any, [Forbidden, Forbidden, Done]),
            (Some(Write::Nobody), &absent, [Version; 3]),
            (Some(Write::Nobody), &now, [Forbidden, Forbidden, Done]),
            (Some(Write::Nobody), &other, [Forbidden, Forbidden, Version]),
        ];
        for (number, (there, condition, outcomes)) in table.into_iter().enumerate() {
            for (actor, expected) in actors.into_iter().zip(outcomes) {
                let slot = id(&format!("{number} {actor:?}"), alice);
                let stage = async |store: &Store| {
                    if let Some(write_permission) = there {
                        let object = write(slot.clone(), "{}");
                        let write = write_permission;
                        put(store, ObjectWrite { write, ..object }).await;
                    }
                };
                stage(&store).await;
                let told = format!("{actor:?} on {there:?}, {condition:?}");
                // With what is there already: whoever may not write is told so all the same.
                for text in ["{}", r#"{"n":1}"#] {
                    let condition = condition.clone();
                    let object = write(slot.clone(), text);
                    let object = ObjectWrite {
                        condition,
                        ..object
                    };
                    let written = store.write_objects(actor, &[object], at(1)).await;
                    assert_eq!(outcome(written), expected, "{told} writes {text}");
                    let delete = [delete(slot.clone())];
                    drop(store.delete_objects(Actor::Server, &delete).await);
                    stage(&store).await;
                }
                let version = match condition {
                    ObjectCondition::Any => None,
                    ObjectCondition::Absent => continue,
                    ObjectCondition::Version(version) => Some(version.clone()),
                };
                let expected = match there {
                    None => Missing,
                    Some(_) => expected,
                };
                let delete = [ObjectDelete { id: slot, version }];
                let deleted = store.delete_objects(actor, &delete).await;
                assert_eq!(outcome(deleted), expected, "{told} deletes");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn of_many_writers_exactly_one_wins_each_version() {
    const WRITERS: usize = 6;
    const ROUNDS: usize = 5;
    on_each_database(async |store| {
        let alice = user(&store, "alice").await;
        let slot = id("slot", alice);
        let mut condition = ObjectCondition::Absent;
        for round in 0..ROUNDS {
            let writers = (0..WRITERS).map(|writer| {
                let text = format!(r#"{{"round":{round},"writer":{writer}}}"#);
                let write = ObjectWrite {
                    condition: condition.clone(),
                    ..write(slot.clone(), &text)
                };
                let store = store.clone();
                tokio::spawn(async move {
                    let batch = [write];
                    let acks = store.write_objects(Actor::Player(alice), &batch, at(0));
                    acks.await.map(|acks| acks[0].version.clone())
                })
            });
            let mut won = Vec::new();
            for outcome in join_all(writers).await {
                match outcome.unwrap() {
                    Ok(version) => won.push(version),
                    Err(error) => assert!(matches!(error, StoreError::VersionDiffers), "{error}"),
                }
            }
            let there = find(&store, &slot).await.unwrap();
            assert_eq!(won, [there.version], "round {round}");
            condition = ObjectCondition::Version(won.remove(0));
        }
    })
    .await;
}

#[tokio::test]
async fn lists_have_their_order_and_stay_in_their_collection() {
    on_each_database(async |store| {
        let mut users = [user(&store, "ann").await, user(&store, "bob").await];
        users.sort();
        let [ann, bob] = users;
        for (key, owner, read) in [
            ("b", ann, Read::Public),
            ("c", ann, Read::Owner),
            ("a", bob, Read::Public),
            ("b", bob, Read::Public),
            ("B", ann, Read::Owner),
            ("d", ann, Read::Nobody),
            ("ä", ann, Read::Public),
        ] {
            let mut object = write(id(key, owner), "{}");
            object.read = read;
            put(&store, object.clone()).await;
            object.id.collection = "saves2".to_owned();
            put(&store, object).await;
        }
        let ann_asks = Actor::Player(ann);
        for (actor, owner, expected) in [
            (ann_asks, None, &["a", "b", "b", "ä"][..]),
            (ann_asks, Some(ann), &["B", "c", "b", "ä"]),
            (ann_asks, Some(bob), &["a", "b"]),
            (Actor::Server, None, &["B", "a", "b", "b", "c", "d", "ä"]),
            (Actor::Server, Some(ann), &["d", "B", "c", "b", "ä"]),
        ] {
            assert_eq!(
                keys(&store, actor, owner).await,
                expected,
                "{actor:?} {owner:?}"
            );
        }
        let public = ObjectListing::new(ann_asks, "saves".to_owned(), None);
        let public = store.list_objects(&public, None, 3).await.unwrap();
        let owners: Vec<_> = public.iter().map(|object| object.id.owner).collect();
        assert_eq!(owners, [bob, ann, bob]);
        // A place that one could not have been given shows no more.
        let own = ObjectListing::new(ann_asks, "saves".to_owned(), Some(ann));
        let forged = ObjectPosition {
            read: Read::Nobody,
            key: String::new(),
            owner: bob,
        };
        let found = store.list_objects(&own, Some(&forged), 100).await.unwrap();
        assert!(
            found
                .iter()
                .all(|object| object.id.owner == ann && object.read > Read::Nobody)
        );
    })
    .await;
}

#[tokio::test]
async fn what_fits_no_column_is_refused_and_nothing_is_written() {
    on_each_database(async |store| {
        let alice = user(&store, "alice").await;
        let longest = "ö".repeat(128);
        let unfit = ["", &"ö".repeat(129), "a\0b"].map(|key| id(key, alice));
        let mut writes = unfit.clone().map(|id| write(id, "{}")).to_vec();
        writes.push(write(id("nul", alice), r#"{"a":["\u0000"]}"#));
        for bad in writes {
            let writes = [write(id(&longest, alice), "{}"), bad];
            let refused = store.write_objects(Actor::Server, &writes, at(0)).await;
            assert!(
                matches!(refused, Err(StoreError::Unfit { .. })),
                "{refused:?}"
            );
        }
        let nobody = write(id("slot", Uuid::from_u128(1)), "{}");
        let refused = store.write_objects(Actor::Server, &[nobody], at(0)).await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
        assert!(keys(&store, Actor::Server, None).await.is_empty());
        put(&store, write(id(&longest, alice), "{}")).await;

        let server = Actor::Server;
        assert_eq!(store.read_objects(server, &unfit[..2]).await.unwrap(), []);
        let refused = store.read_objects(server, &unfit[2..]).await;
        assert!(matches!(refused, Err(StoreError::Unfit { .. })));
        let refused = store
            .delete_objects(server, &[delete(unfit[2].clone())])
            .await;
        assert!(matches!(refused, Err(StoreError::Unfit { .. })));
        let listing = ObjectListing::new(server, "a\0".to_owned(), None);
        let refused = store.list_objects(&listing, None, 1).await;
        assert!(matches!(refused, Err(StoreError::Unfit { .. })));
    })
    .await;
}

#[tokio::test]
async fn more_than_an_answer_may_have_is_not_read_at_once() {
    on_each_database(async |store| {
        let alice = user(&store, "alice").await;
        let ids: Vec<_> = (0..80).map(|n| id(&format!("{n:04}"), alice)).collect();
        let value = format!("{{\"text\":\"{}\"}}", "x".repeat(256 * 1024));
        for ids in ids.chunks(20) {
            let writes: Vec<_> = ids.iter().cloned().map(|id| write(id, &value)).collect();
            store
                .write_objects(Actor::Server, &writes, at(0))
                .await
                .unwrap();
        }
        let refused = store.read_objects(Actor::Server, &ids).await;
        assert!(matches!(refused, Err(StoreError::TooMuch)), "{refused:?}");
        let found = store.read_objects(Actor::Server, &ids[..63]).await.unwrap();
        assert_eq!(found.len(), 63);
        let stranger = Actor::Player(user(&store, "bob").await);
        assert_eq!(
            store.read_objects(stranger, &ids).await.unwrap(),
            [],
            "none is bob's"
        );
    })
    .await;
}

#[tokio::test]
async fn a_request_full_of_objects_is_one_change() {
    on_each_database(async |store| {
        let alice = user(&store, "alice").await;
        let ids: Vec<_> = (0..2000).map(|n| id(&format!("{n:04}"), alice)).collect();
        let writes: Vec<_> = ids.iter().cloned().map(|id| write(id, "{}")).collect();
        let player = Actor::Player(alice);
        let acks = store.write_objects(player, &writes, at(0)).await.unwrap();
        assert!(acks.iter().map(|ack| &ack.id).eq(&ids));
        assert_eq!(store.read_objects(player, &ids).await.unwrap().len(), 2000);
        let deletes: Vec<_> = ids.iter().cloned().map(delete).collect();
        store.delete_objects(player, &deletes).await.unwrap();
        assert!(store.read_objects(player, &ids).await.unwrap().is_empty());
        assert_eq!(store.read_objects(player, &[]).await.unwrap(), []);
        assert_eq!(store.write_objects(player, &[], at(0)).await.unwrap(), []);
        store.delete_objects(player, &[]).await.unwrap();
    })
    .await;
}
