use jiff::Timestamp;
use uuid::Uuid;

use super::database::sql;
use super::harness::on_each_database;
use super::*;
use crate::social::SocialKind;

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

async fn owner(store: &Store, identifier: &Identifier) -> Option<Uuid> {
    let login = store.find_login(identifier).await.unwrap();
    login.map(|login| login.user_id)
}

const KINDS: [SocialKind; 6] = [
    SocialKind::Apple,
    SocialKind::Facebook,
    SocialKind::FacebookInstantGame,
    SocialKind::GameCenter,
    SocialKind::Google,
    SocialKind::Steam,
];

/// One of each kind, with how it is taken away by its name and without.
fn all(name: &str) -> Vec<(Identifier, Vec<Unlink>)> {
    let name = name.to_owned();
    let some = Some(name.clone());
    let mut all = vec![
        (
            Identifier::Device(name.clone()),
            vec![Unlink::Device(name.clone())],
        ),
        (
            Identifier::Custom(name.clone()),
            vec![Unlink::Custom(None), Unlink::Custom(some.clone())],
        ),
        (
            Identifier::Email(name.clone()),
            vec![Unlink::Email(None), Unlink::Email(some.clone())],
        ),
    ];
    all.extend(KINDS.map(|kind| {
        let unlinks = vec![
            Unlink::Social(kind, None),
            Unlink::Social(kind, some.clone()),
        ];
        (Identifier::Social(kind, name.clone()), unlinks)
    }));
    all
}

#[tokio::test]
async fn identifiers_of_every_kind_are_linked_and_unlinked() {
    on_each_database(async |store| {
        let (alice, bob) = (user(&store, "alice").await, user(&store, "bob").await);
        for (identifier, unlinks) in all("an-identifier") {
            for unlink in unlinks {
                store
                    .link(alice, &identifier, Some("hash"), at(1))
                    .await
                    .unwrap();
                store
                    .link(alice, &identifier, Some("hash"), at(2))
                    .await
                    .unwrap();
                assert_eq!(owner(&store, &identifier).await, Some(alice));
                let taken = store.link(bob, &identifier, None, at(3)).await;
                assert!(
                    matches!(taken, Err(StoreError::IdentifierTaken)),
                    "{taken:?}"
                );
                let others = store.unlink(bob, &unlink, at(3)).await;
                let any = matches!(
                    unlink,
                    Unlink::Custom(None) | Unlink::Email(None) | Unlink::Social(_, None)
                );
                assert_eq!(others.is_ok(), any, "{unlink:?}");
                store.unlink(alice, &unlink, at(4)).await.unwrap();
                assert_eq!(owner(&store, &identifier).await, None, "{identifier:?}");
            }
        }
        let account = store.account(alice).await.unwrap().unwrap();
        assert_eq!(account.user.update_time, at(4));
        assert_eq!(account.devices, ["device-alice"]);
    })
    .await;
}

#[tokio::test]
async fn the_last_identifier_stays() {
    on_each_database(async |store| {
        for (number, (identifier, unlinks)) in all("the-last-one").into_iter().enumerate() {
            let name = format!("user{number}");
            let id = user(&store, &name).await;
            store.link(id, &identifier, None, at(0)).await.unwrap();
            let first = Unlink::Device(format!("device-{name}"));
            store.unlink(id, &first, at(0)).await.unwrap();
            for unlink in unlinks {
                let last = store.unlink(id, &unlink, at(0)).await;
                assert!(
                    matches!(last, Err(StoreError::LastIdentifier)),
                    "{unlink:?}"
                );
            }
            assert_eq!(owner(&store, &identifier).await, Some(id), "{identifier:?}");
            store.delete_account(id).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn what_has_a_nul_in_it_is_nobodys() {
    on_each_database(async |store| {
        let id = user(&store, "alice").await;
        for (identifier, unlinks) in all("a\0") {
            let named = unlinks.last().unwrap();
            let refused = store.unlink(id, named, at(1)).await;
            assert!(
                matches!(refused, Err(StoreError::LastIdentifier)),
                "{identifier:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_comes_and_goes_with_its_password() {
    on_each_database(async |store| {
        let alice = user(&store, "alice").await;
        let hash = async || {
            let login = store.find_login(&Identifier::User(alice)).await.unwrap();
            login.unwrap().password_hash
        };
        let email = Identifier::Email("alice@example.com".to_owned());
        store
            .link(alice, &email, Some("first"), at(1))
            .await
            .unwrap();
        store
            .link(alice, &email, Some("second"), at(1))
            .await
            .unwrap();
        assert_eq!(hash().await.as_deref(), Some("second"));
        store
            .replace_password_hash(alice, "first", "third")
            .await
            .unwrap();
        assert_eq!(
            hash().await.as_deref(),
            Some("second"),
            "it is not that one"
        );
        store
            .replace_password_hash(alice, "second", "third")
            .await
            .unwrap();
        assert_eq!(hash().await.as_deref(), Some("third"));
        store
            .unlink(alice, &Unlink::Email(None), at(2))
            .await
            .unwrap();
        assert_eq!(hash().await, None);
        let missing = store.link(Uuid::from_u128(7), &email, None, at(0)).await;
        assert!(matches!(missing, Err(StoreError::NotFound)));
        let device = Identifier::Device("device-new".to_owned());
        let missing = store.link(Uuid::from_u128(7), &device, None, at(0)).await;
        assert!(matches!(missing, Err(StoreError::NotFound)));
    })
    .await;
}

#[tokio::test]
async fn a_profile_fills_what_is_empty() {
    on_each_database(async |store| {
        let (alice, bob) = (user(&store, "alice").await, user(&store, "bob").await);
        let profile = Profile {
            display_name: "Ann".to_owned(),
            avatar_url: String::new(),
            email: "Ann@example.com".to_owned(),
        };
        store.fill_profile(alice, &profile, at(1)).await.unwrap();
        let other = Profile {
            display_name: "Other".to_owned(),
            avatar_url: "https://example.com/a.png".to_owned(),
            email: "other@example.com".to_owned(),
        };
        store.fill_profile(alice, &other, at(2)).await.unwrap();
        store.fill_profile(alice, &other, at(3)).await.unwrap();
        let account = store.account(alice).await.unwrap().unwrap();
        assert_eq!(account.user.display_name, "Ann");
        assert_eq!(account.user.avatar_url, "https://example.com/a.png");
        assert_eq!(account.email, "Ann@example.com");
        assert_eq!(account.user.update_time, at(2), "the third changed nothing");
        store.fill_profile(bob, &profile, at(1)).await.unwrap();
        let account = store.account(bob).await.unwrap().unwrap();
        assert_eq!(account.user.display_name, "Ann");
        assert_eq!(account.email, "", "it is not free");
        let unlink = Unlink::Email(Some("ann@example.com".to_owned()));
        store.unlink(alice, &unlink, at(4)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_an_accounts_own_goes_with_it() {
    on_each_database(async |store| {
        let mut users = Vec::new();
        for name in ["alice", "bob", "carol"] {
            users.push(user(&store, name).await);
        }
        let [alice, bob, carol] = users[..] else {
            unreachable!()
        };
        let make = async |text: &'static str, a: Uuid, b: Uuid| {
            let statement = sql(text).bind(a).bind(b);
            store.database.execute(statement).await.unwrap();
        };
        let befriend = "INSERT INTO friends (source_id, destination_id, state, position, update_time) \
             VALUES ($1, $2, 0, 1, 1), ($2, $1, 0, 1, 1)";
        make(befriend, alice, bob).await;
        let count = "UPDATE users SET edge_count = 1 WHERE id IN ($1, $2)";
        make(count, alice, bob).await;
        let storage = "INSERT INTO storage (collection, key, user_id, value, version, create_time, \
             update_time) VALUES ('c', 'k', $1, '{}', $2, 1, 1)";
        make(storage, alice, bob).await;
        let (own, shared, joined) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
        for (group, name) in [(own, 1), (shared, 2), (joined, 3)] {
            let found = "INSERT INTO groups (id, creator_id, name, edge_count, create_time, update_time) \
                 VALUES ($1, $1, $2, 2, 1, 1)";
            make(found, group, Uuid::from_u128(name)).await;
        }
        let rank = |state: u8| match state {
            0 => {
                "INSERT INTO group_edges (source_id, destination_id, state, position, update_time) \
                 VALUES ($1, $2, 0, 1, 1), ($2, $1, 0, 1, 1)"
            }
            2 => {
                "INSERT INTO group_edges (source_id, destination_id, state, position, update_time) \
                 VALUES ($1, $2, 2, 1, 1), ($2, $1, 2, 1, 1)"
            }
            _ => {
                "INSERT INTO group_edges (source_id, destination_id, state, position, update_time) \
                 VALUES ($1, $2, 3, 1, 1), ($2, $1, 3, 1, 1)"
            }
        };
        for (group, user, state) in [
            (own, alice, 0),
            (own, bob, 2),
            (shared, alice, 0),
            (shared, bob, 0),
            (joined, alice, 3),
            (joined, bob, 0),
            (joined, carol, 2),
        ] {
            make(rank(state), group, user).await;
        }
        assert_eq!(store.delete_account(alice).await.unwrap(), [own]);
        assert_eq!(store.delete_account(alice).await.unwrap(), Vec::<Uuid>::new());
        assert_eq!(store.account(alice).await.unwrap(), None);
        let device = Identifier::Device("device-alice".to_owned());
        assert_eq!(owner(&store, &device).await, None);
        assert_eq!(store.account(bob).await.unwrap().unwrap().user.edge_count, 0);
        let rows = async |text: &'static str| {
            let rows = store.database.find(sql(text)).await.unwrap();
            rows.iter().map(|row| row.text("found").unwrap()).collect::<Vec<_>>()
        };
        let none: [String; 0] = [];
        assert_eq!(rows("SELECT collection AS found FROM storage").await, none);
        assert_eq!(rows("SELECT source_id AS found FROM friends").await, none);
        let edges = rows("SELECT DISTINCT source_id AS found FROM group_edges ORDER BY source_id").await;
        let mut expected = [bob, carol, shared, joined].map(|id| id.to_string());
        expected.sort();
        assert_eq!(edges, expected, "the group of one superadmin is gone");
        let counts = rows(
            "SELECT id || ' ' || CAST(edge_count AS TEXT) AS found FROM groups ORDER BY edge_count",
        );
        let expected = [format!("{shared} 1"), format!("{joined} 2")];
        assert_eq!(counts.await, expected, "a request to join was no member");
        store.delete_account(Uuid::nil()).await.unwrap();
        assert!(store.account(Uuid::nil()).await.unwrap().is_some());
    })
    .await;
}
