use std::sync::Arc;

use jiff::Timestamp;
use tiltyard::{
    ChannelId, ChannelMessage, MessageCode, MessageTimes, Notification, Spelled, UserId,
};
use uuid::Uuid;

use super::harness::on_each_database;
use super::*;

struct Stage {
    store: Store,
    alice: Uuid,
    bob: Uuid,
}

impl Stage {
    async fn new(store: Store) -> Self {
        let mut ids = Vec::new();
        for name in ["alice", "bob"] {
            let account = NewAccount {
                identifier: Identifier::Device(format!("device-{name}")),
                username: name.to_owned(),
                password_hash: None,
            };
            let made = store.create_account(&account, Timestamp::UNIX_EPOCH).await;
            ids.push(made.unwrap());
        }
        Self {
            store,
            alice: ids[0],
            bob: ids[1],
        }
    }

    /// A message of alice's in a room.
    fn message(&self, room: &str, number: u128, create_us: i64) -> ChannelMessage {
        ChannelMessage {
            channel: Spelled {
                id: room_id(room),
                text: Arc::default(),
            },
            id: Uuid::from_u128(number),
            code: MessageCode::Chat,
            sender: UserId(self.alice),
            username: "alice".into(),
            content: r#"{"b": 1,  "a":2}"#.into(),
            create_us,
            update_us: create_us,
            persistent: true,
        }
    }

    async fn numbers(&self, query: MessageQuery) -> Vec<u128> {
        let found = self.store.messages(&query, 100).await.unwrap();
        found.iter().map(|message| message.id.as_u128()).collect()
    }

    async fn told(&self, user: Uuid) -> Vec<Notification> {
        let found = self.store.notifications(user, Position::START, 100).await;
        found.unwrap()
    }
}

fn room_id(room: &str) -> ChannelId {
    ChannelId::parse(&format!("2...{room}")).unwrap()
}

fn notification(number: u128, create_us: i64) -> Notification {
    Notification {
        id: Uuid::from_u128(number),
        subject: "hello".to_owned(),
        content: r#"{"n":1}"#.to_owned(),
        code: 5,
        sender: None,
        create_us,
        persistent: true,
    }
}

#[tokio::test]
async fn history_is_in_the_order_of_time_and_id_and_of_one_channel() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        for (room, number, create_us) in [("a", 3, 20), ("a", 2, 20), ("a", 9, 10), ("b", 1, 15)] {
            let message = stage.message(room, number, create_us);
            stage.store.insert_message(&message).await.unwrap();
        }
        let room = || room_id("a");
        let all = MessageQuery::After(room(), Position::START);
        assert_eq!(stage.numbers(all.clone()).await, [9, 2, 3]);
        let all_backwards = MessageQuery::Before(room(), Position::END);
        assert_eq!(stage.numbers(all_backwards).await, [3, 2, 9]);
        let middle = Position {
            create_us: 20,
            id: Uuid::from_u128(2),
        };
        assert_eq!(
            stage.numbers(MessageQuery::After(room(), middle)).await,
            [3]
        );
        assert_eq!(
            stage.numbers(MessageQuery::Before(room(), middle)).await,
            [9]
        );
        assert_eq!(stage.store.messages(&all, 1).await.unwrap().len(), 1);
        let empty = MessageQuery::After(room_id("c"), Position::START);
        assert_eq!(stage.numbers(empty).await, [0; 0]);
    })
    .await;
}

#[tokio::test]
async fn only_the_sender_changes_a_message_and_only_in_its_channel() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let store = &stage.store;
        let sent = stage.message("a", 1, 10);
        store.insert_message(&sent).await.unwrap();
        let edit = ChannelMessage {
            code: MessageCode::Update,
            content: r#"{"edited":true}"#.into(),
            username: "alice2".into(),
            update_us: 30,
            ..sent.clone()
        };
        let other_room = stage.message("b", 1, 10);
        let other_id = stage.message("a", 2, 10);
        let other_sender = ChannelMessage {
            sender: UserId(stage.bob),
            ..sent.clone()
        };
        for wrong in [other_room, other_id, other_sender] {
            assert_eq!(store.update_message(&wrong).await.unwrap(), None);
            assert_eq!(store.remove_message(&wrong).await.unwrap(), None);
        }
        let times = MessageTimes {
            create_us: 10,
            update_us: 30,
        };
        assert_eq!(store.update_message(&edit).await.unwrap(), Some(times));
        let all = MessageQuery::After(room_id("a"), Position::START);
        let found = store.messages(&all, 10).await.unwrap();
        let expected = StoredMessage {
            id: sent.id,
            code: 0,
            sender_id: stage.alice,
            username: "alice2".to_owned(),
            content: r#"{"edited":true}"#.to_owned(),
            create_us: 10,
            update_us: 30,
        };
        assert_eq!(found, [expected]);
        assert_eq!(store.remove_message(&edit).await.unwrap(), Some(times));
        assert_eq!(store.remove_message(&edit).await.unwrap(), None);
        assert_eq!(store.messages(&all, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn messages_of_nobody_and_with_endless_names_are_refused() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let nobody = ChannelMessage {
            sender: UserId(Uuid::from_u128(404)),
            ..stage.message("a", 1, 1)
        };
        let refused = stage.store.insert_message(&nobody).await;
        assert!(matches!(refused, Err(StoreError::Failed(_))));
        let endless = ChannelMessage {
            username: "a".repeat(129).into(),
            ..stage.message("a", 1, 1)
        };
        let refused = stage.store.insert_message(&endless).await;
        assert!(matches!(
            refused,
            Err(StoreError::Unfit { column: "username" })
        ));
        let system = ChannelMessage {
            sender: UserId::SYSTEM,
            ..stage.message("a", 1, 1)
        };
        stage.store.insert_message(&system).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn users_that_exist_may_be_written_to() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let may = async |to| stage.store.may_message(stage.alice, to).await.unwrap();
        assert!(may(stage.bob).await);
        assert!(may(stage.alice).await);
        assert!(!may(Uuid::from_u128(404)).await);
    })
    .await;
}

#[tokio::test]
async fn notifications_are_listed_and_deleted_by_their_user_alone() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let (alice, bob) = (UserId(stage.alice), UserId(stage.bob));
        let from_bob = Notification {
            sender: Some(bob),
            ..notification(1, 20)
        };
        let from_system = Notification {
            sender: Some(UserId::SYSTEM),
            ..notification(2, 10)
        };
        let batch = [
            (alice, from_bob.clone()),
            (alice, from_system),
            (bob, notification(3, 5)),
        ];
        stage.store.insert_notifications(&batch).await.unwrap();
        let told = stage.told(stage.alice).await;
        assert_eq!(told, [notification(2, 10), from_bob.clone()]);
        let first = Position {
            create_us: 10,
            id: Uuid::from_u128(2),
        };
        let rest = stage.store.notifications(stage.alice, first, 10).await;
        assert_eq!(rest.unwrap(), std::slice::from_ref(&from_bob));
        let one = stage.store.notifications(stage.alice, Position::START, 1);
        assert_eq!(one.await.unwrap().len(), 1);
        let ids = [2, 3, 404].map(Uuid::from_u128);
        let deleted = stage.store.delete_notifications(stage.alice, &ids).await;
        deleted.unwrap();
        assert_eq!(stage.told(stage.alice).await, [from_bob]);
        assert_eq!(stage.told(stage.bob).await, [notification(3, 5)]);
    })
    .await;
}

#[tokio::test]
async fn notifications_that_do_not_all_fit_are_not_kept_at_all() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let alice = UserId(stage.alice);
        let nobody = UserId(Uuid::from_u128(404));
        let batch = [(alice, notification(1, 1)), (nobody, notification(2, 2))];
        stage.store.insert_notifications(&batch).await.unwrap_err();
        let endless = Notification {
            subject: "å".repeat(256),
            ..notification(3, 3)
        };
        let batch = [(alice, notification(1, 1)), (alice, endless)];
        let refused = stage.store.insert_notifications(&batch).await;
        assert!(matches!(
            refused,
            Err(StoreError::Unfit { column: "subject" })
        ));
        assert_eq!(stage.told(stage.alice).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_notification_for_all_is_kept_once_for_every_user() {
    on_each_database(async |store| {
        let stage = Stage::new(store).await;
        let sent = notification(7, 1);
        stage
            .store
            .insert_notification_for_all(&sent)
            .await
            .unwrap();
        for user in [stage.alice, stage.bob] {
            let own = Notification {
                id: sent.id_for(UserId(user)),
                ..sent.clone()
            };
            assert_eq!(stage.told(user).await, [own]);
        }
        assert_eq!(stage.told(Uuid::nil()).await, []);
    })
    .await;
}
