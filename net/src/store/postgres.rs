//! A PostgreSQL database, which several servers may share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;

use super::address::Address;
use super::database::{Database, PATIENCE, Pool};
use super::error::OpenError;
use super::migrations;

/// How many connections there may be, and how old.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// Connections at a time.
    pub connections_max: u32,
    /// Age at which a connection is replaced; `None` for never.
    pub lifetime_max: Option<Duration>,
}

/// A connection that has not been used for this long may have been lost since, so it is tried first.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);

pub(super) async fn open(address: &Address, limits: PoolLimits) -> Result<Database, OpenError> {
    let mut connection = connect(address).await?;
    let migrated = migrations::POSTGRES.run(&mut connection).await;
    // Closing frees the lock of a migration that failed; there is nothing to do about an error.
    drop(connection.close().await);
    migrated.map_err(|error| migrate_error(address, error))?;
    let answers = Arc::new(AtomicBool::new(true));
    let answering = answers.clone();
    let pool = PgPoolOptions::new()
        .max_connections(limits.connections_max)
        .max_lifetime(limits.lifetime_max)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            // After an outage every one of them may be lost.
            let trusted = meta.idle_for < IDLE_TRUSTED && answering.load(Ordering::Relaxed);
            Box::pin(async move {
                if !trusted {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(with_deadlines(address.options().clone()));
    Ok(Database::new(
        Pool::Postgres(pool.clone()),
        Pool::Postgres(pool),
        answers,
    ))
}

/// A connection without deadlines for its statements, as migrations need it.
pub(super) async fn connect(address: &Address) -> Result<PgConnection, OpenError> {
    let options = address
        .options()
        .clone()
        .application_name("tiltyard migration")
        .options([("client_min_messages", "warning")]);
    match timeout(PATIENCE, options.connect()).await {
        Ok(connected) => connected.map_err(|error| open_error(address, &error)),
        Err(_) => Err(OpenError::Unreachable {
            database: address.to_string(),
            reason: "it does not answer".to_owned(),
        }),
    }
}

/// The server's own deadlines, for what is left of a call that was given up here: it holds its locks for no
/// longer, and a server that has vanished from the network none at all.
fn with_deadlines(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("tiltyard").options([
        ("statement_timeout", "4s"),
        ("lock_timeout", "3s"),
        ("idle_in_transaction_session_timeout", "8s"),
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
        // A rollback after a commit that failed is no news.
        ("client_min_messages", "error"),
    ])
}

pub(super) fn open_error(address: &Address, error: &sqlx::Error) -> OpenError {
    let database = address.to_string();
    let server = error.as_database_error();
    let reason = server.map_or_else(|| error.to_string(), |error| error.message().to_owned());
    let reason = reason.lines().collect::<Vec<_>>().join(" ");
    let code = server.and_then(|error| error.code());
    match (error, code.as_deref()) {
        (sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_), _) => {
            OpenError::Unreachable { database, reason }
        }
        // invalid_password, invalid_authorization_specification; too_many_connections, cannot_connect_now.
        (_, Some("28P01" | "28000")) => OpenError::LoginRefused { database, reason },
        (_, Some("3D000")) => OpenError::Missing {
            name: address.database().to_owned(),
            database,
        },
        (_, Some("53300" | "57P03")) => OpenError::Unreachable { database, reason },
        _ => OpenError::Failed { database, reason },
    }
}

pub(super) fn migrate_error(address: &Address, error: MigrateError) -> OpenError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            open_error(address, &error)
        }
        other => migrations::open_error(address.to_string(), &other),
    }
}
