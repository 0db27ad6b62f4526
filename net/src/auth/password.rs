//! Passwords: argon2id on one thread of its own, so that a rush of logins cannot take the cores
//! that run matches.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::oneshot;

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

/// Passwords that wait for the hashing thread. At 35 ms each the last one waits a second.
const QUEUE_MAX: usize = 32;

enum Job {
    Hash(String, oneshot::Sender<Option<String>>),
    Verify(String, Option<String>, oneshot::Sender<bool>),
}

/// The thread that hashes passwords. Dropping this ends it.
#[derive(Debug)]
pub struct Passwords {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Passwords {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the operating system gives no thread.
    pub fn start() -> io::Result<Self> {
        let (jobs, queue) = sync_channel(QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("passwords".to_owned())
            .spawn(move || drive_jobs(&queue))?;
        Ok(Self {
            jobs: Some(jobs),
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

    /// Whether this is the password that was hashed. Without a hash the answer is no, after the
    /// same work, so that its time tells nothing about the account.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] if too many are waiting.
    ///
    /// # Cancellation
    ///
    /// The work is done all the same; its result is lost.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let (reply, verified) = oneshot::channel();
        let hash = hash.map(str::to_owned);
        self.send(Job::Verify(password.to_owned(), hash, reply))?;
        verified.await.map_err(|_| PasswordError::Broken)
    }

    fn send(&self, job: Job) -> Result<(), PasswordError> {
        let jobs = self.jobs.as_ref().ok_or(PasswordError::Broken)?;
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => PasswordError::Busy,
            TrySendError::Disconnected(_) => PasswordError::Broken,
        })
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
fn drive_jobs(queue: &Receiver<Job>) {
    let argon2 = hasher();
    // Compared where there is no account.
    let dummy = hash(&argon2, "").unwrap_or_default();
    while let Ok(job) = queue.recv() {
        match job {
            Job::Hash(password, reply) => _ = reply.send(hash(&argon2, &password)),
            Job::Verify(password, hash, reply) => {
                let known = hash.is_some();
                let matched = verify(&argon2, &password, hash.as_deref().unwrap_or(&dummy));
                _ = reply.send(known && matched);
            }
        }
    }
}

/// 19 MiB and two passes, the first choice of the OWASP password storage cheat sheet.
fn hasher() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None);
    let params = params.expect("the parameters are within the limits of argon2");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Option<String> {
    let hash = argon2.hash_password(password.as_bytes()).ok()?;
    Some(hash.to_string())
}

fn verify(argon2: &Argon2<'_>, password: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else {
        return false;
    };
    argon2.verify_password(password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let passwords = Passwords::start().unwrap();
        let hash = passwords.hash("batsignal").await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(passwords.verify("batsignal", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("batsignal?", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("batsignal", Some("")).await.unwrap());
        assert!(
            !passwords.verify("", None).await.unwrap(),
            "no account, no entry"
        );
    }

    #[test]
    fn a_full_queue_turns_askers_away() {
        let (jobs, _queue) = sync_channel(QUEUE_MAX);
        let passwords = Passwords {
            jobs: Some(jobs),
            thread: None,
        };
        let ask = || {
            let (reply, _) = oneshot::channel();
            passwords.send(Job::Hash(String::new(), reply))
        };
        for _ in 0..QUEUE_MAX {
            ask().unwrap();
        }
        assert_eq!(ask(), Err(PasswordError::Busy));
    }

    #[tokio::test]
    async fn a_lost_thread_is_told() {
        let (jobs, queue) = sync_channel(1);
        let passwords = Passwords {
            jobs: Some(jobs),
            thread: None,
        };
        drop(queue);
        assert_eq!(passwords.hash("x").await, Err(PasswordError::Broken));
    }
}
