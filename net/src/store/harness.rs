//! Databases for tests: SQLite always, PostgreSQL where there is one.

use std::{env, panic::AssertUnwindSafe};

use futures_util::FutureExt as _;
use sqlx::{ConnectOptions as _, Postgres, migrate::MigrateDatabase as _};
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

/// A PostgreSQL database that exists for one test.
pub(in crate::store) struct PostgresDatabase {
    pub(in crate::store) address: Address,
    text: String,
}

impl PostgresDatabase {
    /// `None` if there is no server for tests and none has to be.
    pub(in crate::store) async fn make() -> Option<Self> {
        let Ok(server) = env::var("TILTYARD_TEST_POSTGRES") else {
            let wanted = env::var("TILTYARD_TEST_STORE");
            assert_ne!(
                wanted.as_deref(),
                Ok("both"),
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
