//! Passwords: argon2id on one thread of its own, so that a rush of logins cannot take the cores
//! that run matches. Hashes of bcrypt, as other servers have made them, are compared but not made.

mod hash;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use self::hash::BCRYPT_COST_MAX;
use self::hash::Hasher;

/// Bytes of the shortest password.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// Bytes of the longest new password: what bcrypt could hold, so that accounts can be moved.
pub const PASSWORD_BYTES_MAX: usize = 72;

/// Why a password was neither hashed nor compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Too many are waiting; try again later.
    #[error("too many passwords are being checked")]
    Busy,
    /// The hasher is gone, or could not do its work.
    #[error("passwords cannot be checked")]
    Broken,
}

/// What comparing a password with a hash has shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Comparison {
    /// It is another password, or there was nothing to compare it with.
    Different,
    /// It is the password.
    Same {
        /// Whether the hash is of an older kind, so that a [new one](Passwords::hash) should take
        /// its place while the password is at hand.
        needs_rehash: bool,
    },
}

/// Work that may wait for the hashing thread, in hashes of argon2id. At 35 ms each the last one
/// waits a second.
const WORK_MAX: u32 = 32;
/// No job is less than one hash.
const JOBS_MAX: usize = WORK_MAX as usize;

enum Job {
    Hash(String, oneshot::Sender<Option<String>>),
    Verify(String, Option<String>, oneshot::Sender<Comparison>),
}

impl Job {
    /// How long it takes, in hashes of argon2id.
    fn work(&self) -> u32 {
        match self {
            Self::Verify(_, Some(hash), _) => hash::work(hash),
            _ => 1,
        }
    }
}

/// The thread that hashes passwords. Dropping this ends it.
#[derive(Debug)]
pub struct Passwords {
    jobs: Option<SyncSender<Job>>,
    /// The work of all jobs that are not yet done.
    work: Arc<AtomicU32>,
    thread: Option<JoinHandle<()>>,
}

impl Passwords {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the operating system gives no thread.
    pub fn start() -> io::Result<Self> {
        let (jobs, queue) = sync_channel(JOBS_MAX);
        let work = Arc::new(AtomicU32::new(0));
        let done = work.clone();
        let thread = std::thread::Builder::new()
            .name("passwords".to_owned())
            .spawn(move || drive_jobs(&queue, &done))?;
        Ok(Self {
            jobs: Some(jobs),
            work,
            thread: Some(thread),
        })
    }

    /// The hash of a new password, as text that names its own parameters.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] if too many are waiting.
    ///
    /// # Cancellation
    ///
    /// The work is done all the same; its result is lost.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let (reply, hashed) = oneshot::channel();
        self.send(Job::Hash(password.to_owned(), reply))?;
        hashed.await.ok().flatten().ok_or(PasswordError::Broken)
    }

    /// Whether this is the password that was hashed, by argon2 or, with a hash that begins with
    /// `$2a$`, `$2b$` or `$2y$`, by bcrypt. Without a hash the answer is no, after the work of a new
    /// one, so that its time tells nothing about the account.
    ///
    /// As everywhere, bcrypt looks at the first 72 bytes of a password only.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] if too many are waiting.
    ///
    /// # Cancellation
    ///
    /// The work is done all the same; its result is lost.
    pub async fn verify(
        &self,
        password: &str,
        hash: Option<&str>,
    ) -> Result<Comparison, PasswordError> {
        let (reply, verified) = oneshot::channel();
        let hash = hash.map(str::to_owned);
        self.send(Job::Verify(password.to_owned(), hash, reply))?;
        verified.await.map_err(|_| PasswordError::Broken)
    }

    /// The work that waits or is being done, in hashes of argon2id.
    pub(crate) fn waiting(&self) -> u32 {
        self.work.load(Ordering::Relaxed)
    }

    fn send(&self, job: Job) -> Result<(), PasswordError> {
        let jobs = self.jobs.as_ref().ok_or(PasswordError::Broken)?;
        let work = job.work();
        let sent = match self.work.fetch_add(work, Ordering::Relaxed) {
            ahead if ahead >= WORK_MAX => Err(PasswordError::Busy),
            _ => jobs.try_send(job).map_err(|error| match error {
                TrySendError::Full(_) => PasswordError::Busy,
                TrySendError::Disconnected(_) => PasswordError::Broken,
            }),
        };
        if sent.is_err() {
            self.work.fetch_sub(work, Ordering::Relaxed);
        }
        sent
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say when it ends, and a panic in it was reported by then.
            drop(thread.join());
        }
    }
}

/// Works until the owner is gone. Askers who left are not told.
fn drive_jobs(queue: &Receiver<Job>, work: &AtomicU32) {
    let hasher = Hasher::new();
    while let Ok(job) = queue.recv() {
        let weight = job.work();
        // The work is done before the asker hears of it, who may ask again at once.
        let done = || work.fetch_sub(weight, Ordering::Relaxed);
        match job {
            Job::Hash(password, reply) => {
                let hash = hasher.hash(&password);
                done();
                _ = reply.send(hash);
            }
            Job::Verify(password, stored, reply) => {
                let compared = hasher.compare(&password, stored.as_deref());
                done();
                _ = reply.send(compared);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_hashed_is_known_again() {
        let passwords = Passwords::start().unwrap();
        let hash = passwords.hash("batsignal").await.unwrap();
        let same = Comparison::Same {
            needs_rehash: false,
        };
        for (hash, expected) in [(Some(hash.as_str()), same), (None, Comparison::Different)] {
            assert_eq!(passwords.verify("batsignal", hash).await, Ok(expected));
        }
    }

    /// Passwords whose thread never comes to work, and the queue.
    fn stuck() -> (Passwords, Receiver<Job>) {
        let (jobs, queue) = sync_channel(JOBS_MAX);
        let passwords = Passwords {
            jobs: Some(jobs),
            work: Arc::default(),
            thread: None,
        };
        (passwords, queue)
    }

    #[test]
    fn a_full_queue_turns_askers_away() {
        let (passwords, _queue) = stuck();
        let ask = || {
            let (reply, _) = oneshot::channel();
            passwords.send(Job::Hash(String::new(), reply))
        };
        for _ in 0..WORK_MAX {
            ask().unwrap();
        }
        assert_eq!(ask(), Err(PasswordError::Busy));
    }

    #[test]
    fn slow_hashes_fill_the_queue_sooner() {
        let (passwords, queue) = stuck();
        let ask = || {
            let (reply, _) = oneshot::channel();
            let hash = Some("$2a$13$".to_owned());
            passwords.send(Job::Verify(String::new(), hash, reply))
        };
        assert_eq!((ask(), ask()), (Ok(()), Ok(())), "16 each");
        assert_eq!(ask(), Err(PasswordError::Busy));
        assert_eq!(queue.try_iter().count(), 2);
    }

    #[tokio::test]
    async fn a_lost_thread_is_told() {
        let (passwords, queue) = stuck();
        drop(queue);
        assert_eq!(passwords.hash("x").await, Err(PasswordError::Broken));
    }
}
