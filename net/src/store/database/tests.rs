use std::future::pending;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::*;
use crate::store::harness::{LIMITS, PostgresDatabase, on_each_database};
use crate::store::{Identifier, NewAccount, Store};

/// Makes a user without any identifier.
fn insert(username: &str) -> Sql {
    sql("INSERT INTO users (id, username, create_time, update_time) VALUES ($1, $2, 0, 0)")
        .bind(Uuid::new_v4())
        .bind(username)
}

async fn count(store: &Store, username: &str) -> i64 {
    let counting = sql("SELECT count(*) AS found FROM users WHERE username = $1").bind(username);
    let row = store.database.find_one(counting).await.unwrap().unwrap();
    row.integer("found").unwrap()
}

#[tokio::test]
async fn a_change_that_refuses_leaves_nothing() {
    on_each_database(async |store| {
        let refused = store.database.write(|transaction| async move {
            transaction.execute(insert("ann")).await?;
            Err::<(), _>(StoreError::NotFound)
        });
        assert!(matches!(refused.await, Err(StoreError::NotFound)));
        assert_eq!(count(&store, "ann").await, 0);
        store.database.execute(insert("ann")).await.unwrap();
        assert_eq!(count(&store, "ann").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_goes_on_after_a_failed_statement_is_not_committed() {
    on_each_database(async |store| {
        store.database.execute(insert("ann")).await.unwrap();
        let changed = store.database.write(|transaction| async move {
            transaction.execute(insert("bob")).await?;
            drop(transaction.execute(insert("ann")).await);
            Ok(())
        });
        assert!(matches!(changed.await, Err(StoreError::Failed(_))));
        assert_eq!(count(&store, "bob").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_that_read_before_they_write_do_not_lose_one_another() {
    on_each_database(async |store| {
        store.database.execute(insert("ann")).await.unwrap();
        let adders = (0..8).map(|_| {
            let database = store.database.clone();
            tokio::spawn(async move {
                let added = database.write(|transaction| async move {
                    let read = sql("SELECT edge_count FROM users WHERE username = 'ann'");
                    let row = transaction.find_one(read).await?;
                    let count: i64 = row.map_or(Ok(0), |row| row.integer("edge_count"))?;
                    let write = sql("UPDATE users SET edge_count = $1 WHERE username = 'ann'");
                    transaction.execute(write.bind(count + 1)).await
                });
                added.await.unwrap()
            })
        });
        for added in join_all(adders).await {
            assert_eq!(added.unwrap(), 1);
        }
        let read = sql("SELECT edge_count FROM users WHERE username = 'ann'");
        let row = store.database.find_one(read).await.unwrap().unwrap();
        assert_eq!(row.integer::<i64>("edge_count").unwrap(), 8);
    })
    .await;
}

#[tokio::test]
async fn a_change_whose_asker_leaves_is_taken_back() {
    on_each_database(async |store| {
        let (half_done, mut is_half_done) = mpsc::channel(1);
        let half_done = &half_done;
        let change = store.database.write(|transaction| async move {
            transaction.execute(insert("ann")).await?;
            half_done.send(()).await.unwrap();
            pending::<Result<(), _>>().await
        });
        tokio::select! {
            _ = change => unreachable!("it never ends"),
            _ = is_half_done.recv() => {}
        }
        store.database.execute(insert("ann")).await.unwrap();
        assert_eq!(count(&store, "ann").await, 1);
    })
    .await;
}

#[tokio::test]
async fn statements_mean_the_same_everywhere() {
    on_each_database(async |store| {
        let names = [
            "_",
            "A",
            "Z",
            "a",
            "a%",
            "a\"]",
            "ab",
            "\u{e9}",
            "\u{1f40e}",
        ];
        for name in names {
            store.database.execute(insert(name)).await.unwrap();
        }
        let listed = async |listing: Sql| {
            let rows = store.database.find(listing).await.unwrap();
            let names = rows.iter().map(|row| row.text("username").unwrap());
            names.collect::<Vec<_>>()
        };
        let all = sql("SELECT username FROM users WHERE username > '' ORDER BY username");
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        assert_eq!(listed(all).await, sorted, "texts compare by their bytes");
        let of_list = sql("SELECT username FROM users \
             WHERE username IN (SELECT value FROM json_each($1)) ORDER BY username");
        assert_eq!(
            listed(of_list.clone().bind_list(&["a\"]", "\u{1f40e}", "b"])).await,
            ["a\"]", "\u{1f40e}"]
        );
        assert!(listed(of_list.bind_list::<String>(&[])).await.is_empty());
        let like = sql("SELECT username FROM users \
             WHERE username LIKE $1 ESCAPE '\\' ORDER BY username");
        assert_eq!(
            listed(like.clone().bind("a%")).await,
            ["a", "a\"]", "a%", "ab"]
        );
        assert_eq!(listed(like.bind("a\\%")).await, ["a%"]);
        let row = sql("SELECT $1 AS no_text, $2 AS no_number, 7 AS literal, \
             CAST(sum(edge_count) AS BIGINT) AS total FROM users")
        .bind(None::<&str>)
        .bind(None::<i64>);
        let row = store.database.find_one(row).await.unwrap().unwrap();
        assert_eq!(row.text_or_null("no_text").unwrap(), None);
        assert_eq!(row.integer::<u8>("literal").unwrap(), 7);
        assert_eq!(row.integer::<i64>("total").unwrap(), 0);
        row.integer::<i64>("no_number").unwrap_err();
        row.text("no_text").unwrap_err();
        row.uuid("no_text").unwrap_err();
        row.text("absent").unwrap_err();
    })
    .await;
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let columns = async |store: &Store, listing: Sql| {
        let rows = store.database.find(listing).await.unwrap();
        let text = |row: &Row| (row.text("t").unwrap(), row.text("c").unwrap());
        rows.iter().map(text).collect::<Vec<_>>()
    };
    let Some(database) = PostgresDatabase::make().await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let sqlite = Store::open_embedded(dir.path()).await.unwrap();
    let sqlite = columns(
        &sqlite,
        sql("SELECT tables.name AS t, columns.name AS c \
             FROM pragma_table_list() AS tables \
                 JOIN pragma_table_info(tables.name) AS columns \
             WHERE tables.schema = 'main' AND tables.name NOT LIKE 'sqlite%' ORDER BY 1, 2"),
    )
    .await;
    let store = Store::open_postgres(&database.address, LIMITS);
    let store = store.await.unwrap();
    database
        .lend(async {
            let postgres = columns(
                &store,
                sql(
                    "SELECT CAST(table_name AS TEXT) AS t, CAST(column_name AS TEXT) AS c \
                     FROM information_schema.columns WHERE table_schema = 'public' \
                     ORDER BY table_name COLLATE \"C\", column_name COLLATE \"C\"",
                ),
            );
            assert_eq!(postgres.await, sqlite);
            assert!(sqlite.len() > 60, "{sqlite:?}");
        })
        .await;
}

fn account(name: &str) -> NewAccount {
    NewAccount {
        identifier: Identifier::Custom(name.to_owned()),
        username: name.to_owned(),
        password_hash: None,
    }
}

async fn make(store: &Store, name: &str) -> Result<Uuid, StoreError> {
    let now = Timestamp::UNIX_EPOCH;
    store.create_account(&account(name), now).await
}

#[tokio::test]
async fn a_file_that_another_program_locks_is_unavailable_until_it_is_free() {
    use sqlx::{Connection as _, SqliteConnection};

    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    let file = format!("sqlite://{}/tiltyard.db", dir.path().display());
    let mut other = SqliteConnection::connect(&file).await.unwrap();
    let lock = sqlx::raw_sql("BEGIN IMMEDIATE");
    lock.execute(&mut other).await.unwrap();
    // With the clock standing still every deadline is over at once.
    tokio::time::pause();
    let written = make(&store, "ann").await;
    assert!(
        matches!(written, Err(StoreError::Unavailable(_))),
        "{written:?}"
    );
    tokio::time::resume();
    other.close().await.unwrap();
    make(&store, "ann").await.unwrap();
}

#[tokio::test]
async fn a_full_disk_fails_the_call_and_not_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    let limit = async |statement| {
        let mut lease = store.database.writers.lease().await.unwrap();
        lease.find(sql(statement)).await.unwrap();
    };
    // Less than there is, which SQLite takes for "as many as there are".
    limit("PRAGMA max_page_count = 1").await;
    let large = || {
        let update = sql("UPDATE users SET metadata = $1");
        store.database.execute(update.bind("x".repeat(1 << 20)))
    };
    let full = large().await;
    assert!(matches!(full, Err(StoreError::Unavailable(_))), "{full:?}");
    limit("PRAGMA max_page_count = 1000000").await;
    large().await.unwrap();
    make(&store, "ann").await.unwrap();
}
