use bevy_ecs::system::RunSystemOnce;

use super::*;
use crate::{AccountUpdate, GroupFilter, GroupId, GroupUpdate, NewGroup, ObjectDelete};

/// What the database was asked by this system.
fn asked<M>(system: impl IntoSystem<(), (), M> + 'static) -> usize {
    let mut stage = Stage::with(&[]);
    stage.world().run_system_once(system).unwrap();
    stage.pass();
    stage.questions.len()
}

#[test]
fn nonsense_does_not_reach_the_database() {
    let (mut stage, clerks) = stage_with(1);
    stage.tell(clerks[0], "nonsense");
    assert!(stage.questions.is_empty());
    stage.tick();
    assert_eq!(stage.log(), ["1 expects 1 to 128 at a time"]);
}

#[test]
fn objects_have_names_that_fit_and_values_that_are_objects() {
    let long = "å".repeat(128);
    let write = |id: ObjectId, value: &str| ObjectWrite::new(id, value);
    for (object, is_good) in [
        (write(object("a"), r#"{"a":[1]}"#), true),
        (write(object(&long), " {} "), true),
        (write(object(&(long.clone() + "x")), "{}"), false),
        (write(object(""), "{}"), false),
        (write(ObjectId::of_server("", "a"), "{}"), false),
        (write(object("a"), ""), false),
        (write(object("a"), "[]"), false),
        (write(object("a"), "{"), false),
        (write(object("a"), "{} {}"), false),
    ] {
        let text = format!("{object:?}");
        let count = asked(move |mut storage: Storage| {
            storage.write([object.clone()]).ask();
        });
        assert_eq!(count, usize::from(is_good), "{text}");
    }
}

#[test]
fn batches_and_pages_have_a_size() {
    for (count, is_good) in [(0, false), (1, true), (128, true), (129, false)] {
        let asked = asked(move |mut storage: Storage| {
            let ids = (0..count).map(|number| object(&number.to_string()));
            storage.read(ids.clone()).ask();
            storage.delete(ids.map(ObjectDelete::new)).ask();
        });
        assert_eq!(asked, 2 * usize::from(is_good), "{count} objects");
    }
    for (limit, expected) in [(0, 0), (1, 4), (100, 4), (101, 1), (1000, 1), (1001, 0)] {
        let asked = asked(
            move |mut storage: Storage,
                  mut friends: Friends,
                  mut groups: Groups,
                  mut notifications: Notifications| {
                let paging = Paging::first(limit);
                storage.list("test", None, paging.clone()).ask();
                friends.list(user(0), None, paging.clone()).ask();
                groups.list(GroupFilter::default(), paging.clone()).ask();
                notifications.list(user(0), paging).ask();
            },
        );
        assert_eq!(asked, expected, "a page of {limit}");
    }
}

#[test]
fn changes_that_cannot_be_made_are_refused() {
    let group = GroupId(uuid::Uuid::nil());
    let count = asked(
        move |mut accounts: Accounts, mut friends: Friends, mut groups: Groups| {
            accounts.update(user(0), AccountUpdate::default()).ask();
            let unnamed = AccountUpdate {
                username: Some(String::new()),
                ..AccountUpdate::default()
            };
            accounts.update(user(0), unnamed).ask();
            accounts.delete(UserId::SYSTEM).ask();
            accounts.ban([user(0), UserId::SYSTEM]).ask();
            friends.add(user(0), [user(0)]).ask();
            friends.block(UserId::SYSTEM, [user(0)]).ask();
            groups.create(NewGroup::new("", user(0))).ask();
            groups.update(group, GroupUpdate::default()).ask();
            let nothing = GroupUpdate {
                metadata: Some("1".to_owned()),
                ..GroupUpdate::default()
            };
            groups.update(group, nothing).ask();
            groups.kick(group, []).ask();
        },
    );
    assert_eq!(count, 0);
}
