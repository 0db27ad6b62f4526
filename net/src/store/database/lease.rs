//! A connection for as long as a call needs it.

use std::time::Duration;

use sqlx::{Postgres, Sqlite, pool::PoolConnection, postgres::PgPool, sqlite::SqlitePool};
use tokio::{runtime::Handle, time::timeout};

use super::{row::Row, sql::Sql};
use crate::store::error::StoreError;

/// Where connections come from.
#[derive(Clone, Debug)]
pub(in crate::store) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// Waits for a connection.
    pub(super) async fn lease(&self) -> Result<Lease, StoreError> {
        let connection = match self {
            Self::Sqlite(pool) => Connection::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        };
        Ok(Lease {
            connection: Some(connection),
            in_transaction: false,
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

#[derive(Debug)]
enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A connection that goes back to its pool, whatever becomes of the call that has it.
#[derive(Debug)]
pub(super) struct Lease {
    /// There until it is dropped.
    connection: Option<Connection>,
    in_transaction: bool,
}

impl Lease {
    fn connection(&mut self) -> Result<&mut Connection, sqlx::Error> {
        self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    pub(super) async fn execute(&mut self, sql: Sql) -> Result<u64, StoreError> {
        Ok(match self.connection()? {
            Connection::Sqlite(connection) => sql
                .query::<Sqlite>()
                .execute(&mut **connection)
                .await?
                .rows_affected(),
            Connection::Postgres(connection) => sql
                .query::<Postgres>()
                .execute(&mut **connection)
                .await?
                .rows_affected(),
        })
    }

    pub(super) async fn find(&mut self, sql: Sql) -> Result<Vec<Row>, StoreError> {
        Ok(match self.connection()? {
            Connection::Sqlite(connection) => {
                let rows = sql.query::<Sqlite>().fetch_all(&mut **connection).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Connection::Postgres(connection) => {
                let rows = sql.query::<Postgres>().fetch_all(&mut **connection).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Begins a transaction: on SQLite with the write lock, since one that begins by reading could lose its
    /// place; on PostgreSQL as if no other ran at the same time.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        // Before it is true: if this is given up half-way, there may be something to take back.
        self.in_transaction = true;
        let connection = self.connection()?;
        let statement = match connection {
            Connection::Sqlite(_) => "BEGIN IMMEDIATE",
            Connection::Postgres(_) => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        Ok(connection.say(statement).await?)
    }

    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        self.connection()?.say("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Connection {
    async fn say(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => {
                sqlx::raw_sql(statement).execute(&mut **connection).await?;
            }
            Self::Postgres(connection) => {
                sqlx::raw_sql(statement).execute(&mut **connection).await?;
            }
        }
        Ok(())
    }

    async fn give_back(mut self, roll_back: bool, patience: Duration) {
        if roll_back {
            let rolled_back = timeout(patience, self.say("ROLLBACK")).await;
            if !matches!(rolled_back, Ok(Ok(()))) {
                // A connection that is closed takes its transaction with it.
                match &mut self {
                    Self::Sqlite(connection) => connection.close_on_drop(),
                    Self::Postgres(connection) => connection.close_on_drop(),
                }
                return;
            }
        }
        // Waits until the database has done what it was doing; one that is gone never has.
        let returned = match &mut self {
            Self::Sqlite(connection) => timeout(patience, connection.return_to_pool()).await,
            Self::Postgres(connection) => timeout(patience, connection.return_to_pool()).await,
        };
        if returned.is_err() {
            tracing::debug!("a connection to the database was given up");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        // Ends within twice the patience; the pool waits for it when it is closed.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(connection.give_back(self.in_transaction, super::PATIENCE));
        }
    }
}
