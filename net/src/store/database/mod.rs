//! The two kinds of database behind one face: statements go in, rows come out, within a deadline.

mod lease;
mod outage;
mod row;
mod sql;
#[cfg(test)]
mod tests;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};
use tracing::{error, info};

pub(super) use lease::Pool;
pub(super) use outage::{is_outage, primary_code};
pub(super) use row::Row;
pub(super) use sql::{Sql, sql};

use super::error::StoreError;
use crate::metrics::{Access, Questions};
use lease::Lease;

/// How long a call takes at most, from waiting for a connection to the last retry. A second less than what
/// clients are promised.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// How often a transaction is tried before its caller is told. Every round at least one of those that
/// collide gets through, so this many may meet on one row.
const TRIES_MAX: u32 = 16;

/// An open database. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Database {
    /// On SQLite one connection, so that writers queue up here rather than at the file's lock.
    writers: Pool,
    /// On SQLite a few more, so that nobody who reads waits for a writer; on PostgreSQL the same pool.
    readers: Pool,
    /// Whether the last call found the database there.
    answers: Arc<AtomicBool>,
    questions: Arc<Questions>,
}

impl Database {
    pub(super) fn new(writers: Pool, readers: Pool, answers: Arc<AtomicBool>) -> Self {
        Self {
            writers,
            readers,
            answers,
            questions: Arc::default(),
        }
    }

    pub(super) fn questions(&self) -> Arc<Questions> {
        self.questions.clone()
    }

    /// Waits for running work and closes the database. Later calls fail.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }

    /// The rows that a reading statement gives, of one moment.
    pub(super) async fn find(&self, sql: Sql) -> Result<Vec<Row>, StoreError> {
        let find = async { self.readers.lease().await?.find(sql).await };
        self.in_time(Access::Read, find).await
    }

    /// The first row that a reading statement gives.
    pub(super) async fn find_one(&self, sql: Sql) -> Result<Option<Row>, StoreError> {
        Ok(self.find(sql).await?.into_iter().next())
    }

    /// Makes a change by one statement and gives the count of rows that it touched.
    pub(super) async fn execute(&self, sql: Sql) -> Result<u64, StoreError> {
        let sql = &sql;
        self.write(|transaction| async move { transaction.execute(sql.clone()).await })
            .await
    }

    /// Makes a change. It sees the database as if nobody else changed it meanwhile; it is committed when
    /// this returns `Ok`, and leaves nothing behind when it returns an error of its own.
    ///
    /// The change may run several times, so its only effects are those on the transaction, which it must not
    /// keep. An error of a statement has to be returned: the transaction is over then.
    ///
    /// # Errors
    ///
    /// What the change returned; or [`StoreError::Unavailable`], and then it may be committed all the same.
    ///
    /// # Cancellation
    ///
    /// Rolled back, unless it was just being committed.
    pub(super) async fn write<T, F>(
        &self,
        change: impl Fn(Transaction) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        self.in_time(Access::Write, async {
            let mut tries = 1;
            loop {
                match self.try_write(&change).await {
                    Err(StoreError::Unavailable(error))
                        if outage::is_conflict(&error) && tries < TRIES_MAX =>
                    {
                        sleep(pause_after(tries)).await;
                        tries += 1;
                    }
                    outcome => return outcome,
                }
            }
        })
        .await
    }

    async fn try_write<T, F>(&self, change: &impl Fn(Transaction) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut lease = self.writers.lease().await?;
        lease.begin().await?;
        let work = Arc::new(Mutex::new(Work {
            lease,
            failed: false,
        }));
        let value = change(Transaction(work.clone())).await?;
        let mut work = work.lock().await;
        if work.failed {
            // PostgreSQL would answer a COMMIT with "done" and have done nothing.
            let error = "the change went on after one of its statements had failed";
            return Err(StoreError::Failed(sqlx::Error::Protocol(error.to_owned())));
        }
        work.lease.commit().await?;
        Ok(value)
    }

    /// Bounds a call, and tells the operator when the database goes and when it comes back.
    async fn in_time<T>(
        &self,
        access: Access,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let outcome = timeout(PATIENCE, call).await.unwrap_or_else(|_| {
            let late = io::Error::from(io::ErrorKind::TimedOut);
            Err(StoreError::Unavailable(sqlx::Error::Io(late)))
        });
        let is_answered = !matches!(
            outcome,
            Err(StoreError::Unavailable(_) | StoreError::Failed(_))
        );
        self.questions.note(access, begun.elapsed(), is_answered);
        match &outcome {
            Err(StoreError::Unavailable(reason)) if !outage::is_conflict(reason) => {
                if self.answers.swap(false, Ordering::Relaxed) {
                    error!(%reason, "the database does not answer");
                }
            }
            _ => {
                if !self.answers.load(Ordering::Relaxed)
                    && !self.answers.swap(true, Ordering::Relaxed)
                {
                    info!("the database answers again");
                }
            }
        }
        outcome
    }
}

/// A change that is being made.
///
/// Owned rather than lent, since the compiler cannot prove of a future that borrows it that it may move
/// between threads.
#[derive(Debug)]
pub(super) struct Transaction(Arc<Mutex<Work>>);

#[derive(Debug)]
struct Work {
    lease: Lease,
    /// Whether a statement failed, after which nothing can be committed.
    failed: bool,
}

impl Transaction {
    /// Runs a statement and gives the count of rows that it touched.
    pub(super) async fn execute(&self, sql: Sql) -> Result<u64, StoreError> {
        let mut work = self.0.lock().await;
        let outcome = work.lease.execute(sql).await;
        work.failed |= outcome.is_err();
        outcome
    }

    /// The rows that a statement gives, a changing one by `RETURNING`.
    pub(super) async fn find(&self, sql: Sql) -> Result<Vec<Row>, StoreError> {
        let mut work = self.0.lock().await;
        let outcome = work.lease.find(sql).await;
        work.failed |= outcome.is_err();
        outcome
    }

    /// The first row that a statement gives.
    pub(super) async fn find_one(&self, sql: Sql) -> Result<Option<Row>, StoreError> {
        Ok(self.find(sql).await?.into_iter().next())
    }
}

/// Grows from a millisecond to some 64, and differs between those who collided.
fn pause_after(tries: u32) -> Duration {
    let longest_us = 1000 << tries.min(6);
    Duration::from_micros(rand::random_range(longest_us / 2..=longest_us))
}
