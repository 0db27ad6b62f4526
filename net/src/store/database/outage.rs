//! What an error of the database says: that it is not there, or that it does not like the statement.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

/// Whether the database is down, frozen, full or too busy, so that the same call may do well later.
pub(in crate::store) fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => is_outage_of(&**error),
        _ => false,
    }
}

/// Whether other transactions were in the way, so that the same one may do well at once.
pub(super) fn is_conflict(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    // serialization_failure, deadlock_detected. SQLite has one writer, and no such thing.
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

fn is_outage_of(error: &dyn DatabaseError) -> bool {
    let Some(code) = error.code() else {
        return false;
    };
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        return is_postgres_outage(&code);
    }
    primary_code(&code).is_some_and(|code| SQLITE_OUTAGES.contains(&code))
}

/// Classes of SQLSTATE and single ones (postgresql.org/docs/current/errcodes-appendix.html): connection,
/// resources, intervention, system; conflicts, a lock that is not free, a replica, a login or database
/// that is gone.
fn is_postgres_outage(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "28" | "40" | "53" | "57" | "58"))
        || matches!(code, "25006" | "3D000" | "55P03")
}

/// BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN (sqlite.org/rescode.html).
const SQLITE_OUTAGES: [i32; 7] = [5, 6, 7, 8, 10, 13, 14];

/// A result code of SQLite without its extended part.
pub(in crate::store) fn primary_code(code: &str) -> Option<i32> {
    code.parse::<i32>().ok().map(|code| code & 0xff)
}
