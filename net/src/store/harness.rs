//! Databases for tests: SQLite always, PostgreSQL where there is one.

use std::{env, mem, panic::AssertUnwindSafe, path::Path, thread};

use futures_util::FutureExt as _;
use sqlx::{ConnectOptions as _, Postgres, migrate::MigrateDatabase as _};
use tokio::runtime;
use uuid::Uuid;

use super::{Address, PoolLimits, Store};

/// Enough for tests that race, and few enough for many tests at a time.
pub(in crate::store) const LIMITS: PoolLimits = PoolLimits {
    connections_max: 4,
    lifetime_max: None,
};

/// Runs a test on an empty database of each kind, one after the other.
pub(in crate::store) async fn on_each_database(test: impl AsyncFn(Store)) {
    on_sqlite(&test).await;
    if let Some(database) = PostgresDatabase::make().await {
        let store = Store::open_postgres(&database.address, LIMITS)
            .await
            .unwrap();
        database.lend(test(store.clone())).await;
    }
}

async fn on_sqlite(test: impl AsyncFn(Store)) {
    eprintln!("on SQLite");
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    test(store.clone()).await;
    store.close().await;
}

/// `both`, `postgres` or nothing.
fn wanted_store() -> Option<String> {
    env::var("TILTYARD_TEST_STORE").ok()
}

/// An empty store for a test that goes through something above the store: on PostgreSQL if
/// `TILTYARD_TEST_STORE` is `postgres`, or else SQLite in the folder.
///
/// Such tests run once for each database.
pub(crate) async fn open_either(folder: &Path) -> (Store, Option<DropsDatabase>) {
    if wanted_store().is_none_or(|wanted| wanted != "postgres") {
        return (Store::open_embedded(folder).await.unwrap(), None);
    }
    let database = PostgresDatabase::make().await.expect("there is a server");
    let owner = DropsDatabase(database.text);
    let store = Store::open_postgres(&database.address, LIMITS).await;
    (store.unwrap(), Some(owner))
}

/// Drops a PostgreSQL database when it is dropped itself.
pub(crate) struct DropsDatabase(String);

impl Drop for DropsDatabase {
    fn drop(&mut self) {
        let address = mem::take(&mut self.0);
        // The test's own runtime is busy with this very drop.
        let drop = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let drop = Postgres::force_drop_database(&address);
            runtime.unwrap().block_on(drop).unwrap();
        });
        // A second panic would hide what the first one had to say.
        if drop.join().is_err() && !thread::panicking() {
            panic!("the database of the test stays behind");
        }
    }
}

/// A PostgreSQL database that exists for one test.
pub(in crate::store) struct PostgresDatabase {
    pub(in crate::store) address: Address,
    text: String,
}

impl PostgresDatabase {
    /// `None` if there is no server for tests and none has to be.
    pub(in crate::store) async fn make() -> Option<Self> {
        let Ok(server) = env::var("TILTYARD_TEST_POSTGRES") else {
            assert!(
                !wanted_store().is_some_and(|wanted| wanted == "both" || wanted == "postgres"),
                "TILTYARD_TEST_POSTGRES has to name a PostgreSQL server"
            );
            return None;
        };
        let server = Address::parse(&server).expect("TILTYARD_TEST_POSTGRES is an address");
        let name = format!("tiltyard_test_{}", Uuid::new_v4().simple());
        let options = server.options().clone().database(&name);
        let text = options.to_url_lossy().to_string();
        Postgres::create_database(&text).await.unwrap();
        eprintln!("on PostgreSQL, {name}");
        Some(Self {
            address: Address::parse(&text).unwrap(),
            text,
        })
    }

    /// Drops the database when the test has ended, be it by a panic.
    pub(in crate::store) async fn lend(self, test: impl Future<Output = ()>) {
        let outcome = AssertUnwindSafe(test).catch_unwind().await;
        Postgres::force_drop_database(&self.text).await.unwrap();
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }
}
