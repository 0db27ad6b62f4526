use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use super::database::sql;
use super::harness::on_each_database;
use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_253_282 + second).unwrap()
}

async fn open(dir: &TempDir) -> Store {
    Store::open_embedded(dir.path()).await.unwrap()
}

fn device(id: &str, username: &str) -> NewAccount {
    NewAccount {
        identifier: Identifier::Device(id.to_owned()),
        username: username.to_owned(),
        password_hash: None,
    }
}

async fn account_of(store: &Store, id: Uuid) -> Account {
    store.account(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_new_account_has_the_defaults_and_is_found_by_its_identifier() {
    on_each_database(async |store| {
        let identifiers = [
            Identifier::Device("device-alice".to_owned()),
            Identifier::Custom("custom-alice".to_owned()),
            Identifier::Email("alice@example.com".to_owned()),
        ];
        for (number, identifier) in identifiers.into_iter().enumerate() {
            assert_eq!(store.find_login(&identifier).await.unwrap(), None);
            let new = NewAccount {
                identifier: identifier.clone(),
                username: format!("alice{number}"),
                password_hash: Some("hash".to_owned()),
            };
            let id = store.create_account(&new, at(0)).await.unwrap();
            let login = Login {
                user_id: id,
                username: new.username.clone(),
                banned: false,
                password_hash: Some("hash".to_owned()),
            };
            for identifier in [
                identifier,
                Identifier::User(id),
                Identifier::Username(new.username),
            ] {
                let found = store.find_login(&identifier).await.unwrap();
                assert_eq!(found.as_ref(), Some(&login), "{identifier:?}");
            }
            let account = account_of(&store, id).await;
            assert_eq!(account.user.create_time, at(0));
            assert_eq!(account.user.update_time, at(0));
            assert_eq!(account.user.lang_tag, "en");
            assert_eq!(
                (account.wallet.as_str(), account.user.metadata.as_str()),
                ("{}", "{}")
            );
            assert_eq!(account.disable_time, None);
            let by_kind = (
                account.devices.len(),
                account.custom_id.len(),
                account.email.len(),
            );
            assert_eq!(by_kind, [(1, 0, 0), (0, 12, 0), (0, 0, 17)][number]);
        }
    })
    .await;
}

#[tokio::test]
async fn names_and_identifiers_are_unique_and_a_refused_account_leaves_nothing() {
    on_each_database(async |store| {
        store
            .create_account(&device("device-one", "alice"), at(0))
            .await
            .unwrap();
        let taken = store
            .create_account(&device("device-two", "alice"), at(0))
            .await;
        assert!(matches!(taken, Err(StoreError::UsernameTaken)));
        let taken = store
            .create_account(&device("device-one", "bob"), at(0))
            .await;
        assert!(matches!(taken, Err(StoreError::IdentifierTaken)));
        store
            .create_account(&device("device-two", "ALICE"), at(0))
            .await
            .unwrap();
        let bob = Identifier::Username("bob".to_owned());
        assert_eq!(store.find_login(&bob).await.unwrap(), None, "rolled back");
    })
    .await;
}

#[tokio::test]
async fn racing_first_logins_make_one_account() {
    on_each_database(async |store| {
        let calls = (0..8).map(|n| {
            let store = store.clone();
            async move {
                let new = device("device-race", &format!("racer{n}"));
                store.create_account(&new, at(0)).await
            }
        });
        let results = futures_util::future::join_all(calls).await;
        let made = results.iter().filter(|result| result.is_ok()).count();
        let late = |result: &&Result<Uuid, _>| matches!(result, Err(StoreError::IdentifierTaken));
        assert_eq!((made, results.iter().filter(late).count()), (1, 7));
    })
    .await;
}

#[tokio::test]
async fn only_a_real_change_moves_the_update_time() {
    on_each_database(async |store| {
        let id = store
            .create_account(&device("device-one", "alice"), at(0))
            .await
            .unwrap();
        let change = AccountChange {
            display_name: Some("Alice A.".to_owned()),
            lang_tag: Some("sv".to_owned()),
            ..AccountChange::default()
        };
        store.update_account(id, &change, at(1)).await.unwrap();
        store.update_account(id, &change, at(2)).await.unwrap();
        let account = account_of(&store, id).await;
        assert_eq!(account.user.update_time, at(1));
        assert_eq!(
            (
                account.user.display_name.as_str(),
                account.user.lang_tag.as_str()
            ),
            ("Alice A.", "sv")
        );
        assert_eq!(account.user.username, "alice", "what is absent stays");

        let clear = AccountChange {
            display_name: Some(String::new()),
            location: Some(String::new()),
            ..AccountChange::default()
        };
        store.update_account(id, &clear, at(3)).await.unwrap();
        store.update_account(id, &clear, at(4)).await.unwrap();
        let account = account_of(&store, id).await;
        assert_eq!(account.user.display_name, "");
        assert_eq!(
            account.user.update_time,
            at(3),
            "clearing nothing changes nothing"
        );
    })
    .await;
}

#[tokio::test]
async fn changes_that_do_not_fit_are_refused() {
    on_each_database(async |store| {
        let alice = store
            .create_account(&device("device-one", "alice"), at(0))
            .await
            .unwrap();
        store
            .create_account(&device("device-two", "bob"), at(0))
            .await
            .unwrap();
        let refuse = async |change: AccountChange| {
            store
                .update_account(alice, &change, at(1))
                .await
                .unwrap_err()
        };
        let none = AccountChange::default;
        let name = Some("bob".to_owned());
        assert!(matches!(
            refuse(AccountChange {
                username: name,
                ..none()
            })
            .await,
            StoreError::UsernameTaken
        ));
        for change in [
            AccountChange {
                username: Some(String::new()),
                ..none()
            },
            AccountChange {
                lang_tag: Some(String::new()),
                ..none()
            },
            AccountChange {
                lang_tag: Some("x".repeat(19)),
                ..none()
            },
            AccountChange {
                display_name: Some("x".repeat(256)),
                ..none()
            },
            AccountChange {
                avatar_url: Some("x".repeat(513)),
                ..none()
            },
            AccountChange {
                location: Some("a\0b".to_owned()),
                ..none()
            },
        ] {
            assert!(matches!(refuse(change).await, StoreError::Unfit { .. }));
        }
        let longest = AccountChange {
            timezone: Some("ö".repeat(255)),
            ..none()
        };
        store.update_account(alice, &longest, at(1)).await.unwrap();
        let nobody = store
            .update_account(Uuid::from_u128(1), &longest, at(1))
            .await;
        assert!(matches!(nobody, Err(StoreError::NotFound)));
    })
    .await;
}

#[tokio::test]
async fn users_are_found_once_by_any_of_the_lists() {
    on_each_database(async |store| {
        let alice = store
            .create_account(&device("device-one", "alice"), at(0))
            .await
            .unwrap();
        let bob = store
            .create_account(&device("device-two", "bob \"[]"), at(0))
            .await
            .unwrap();
        let query = UserQuery {
            ids: vec![alice, Uuid::from_u128(1), Uuid::nil()],
            usernames: ["alice", "bob \"[]", "Bob", "a\0"]
                .map(str::to_owned)
                .into(),
            facebook_ids: ["x", "\0"].map(str::to_owned).into(),
        };
        let users = store.users(&query).await.unwrap();
        let mut ids: Vec<_> = users.iter().map(|user| user.id).collect();
        ids.sort();
        let mut expected = vec![Uuid::nil(), alice, bob];
        expected.sort();
        assert_eq!(ids, expected, "the system user can be looked up too");
        assert!(store.users(&UserQuery::default()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let id = store
        .create_account(&device("device-one", "alice"), at(0))
        .await
        .unwrap();
    // As after a crash: the first store is not closed.
    let again = open(&dir).await;
    assert_eq!(account_of(&again, id).await.devices, ["device-one"]);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    store
        .create_account(&device("device-one", "alice"), at(0))
        .await
        .unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
    }
}

async fn refused(dir: &std::path::Path) -> String {
    let text = Store::open_embedded(dir).await.unwrap_err().to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let text = refused(&dir.path().join("file")).await;
    assert!(text.contains("data_dir"), "{text}");
    std::fs::create_dir(dir.path().join("tiltyard.db")).unwrap();
    let text = refused(dir.path()).await;
    assert!(text.contains("cannot write the database"), "{text}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("tiltyard.db"), "no database ".repeat(1000)).unwrap();
    let text = refused(dir.path()).await;
    assert!(text.contains("not a healthy database"), "{text}");
}

#[tokio::test]
async fn a_database_of_a_later_version_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let later = sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9000, 'later', TRUE, '', 0)",
    );
    store.database.execute(later).await.unwrap();
    store.close().await;
    let text = refused(dir.path()).await;
    assert!(
        text.contains("later version") && text.contains("9000"),
        "{text}"
    );
}
