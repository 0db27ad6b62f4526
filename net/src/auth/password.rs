//! Passwords: argon2id on one thread of its own, so that a rush of logins cannot take the cores
//! that run matches. Hashes of bcrypt, as other servers have made them, are compared but not made.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
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

/// Highest cost of bcrypt that is compared: 1.1 s. Other servers use 10 to 13; a hash that claims
/// more would hold up everybody else, and is taken for no hash at all.
pub const BCRYPT_COST_MAX: u32 = 14;
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
    /// How long it takes, in hashes of argon2id: bcrypt of cost 9 takes as long as one.
    fn work(&self) -> u32 {
        let cost = match self {
            Self::Verify(_, Some(hash), _) => bcrypt_cost(hash),
            _ => None,
        };
        match cost {
            Some(cost @ 10..=BCRYPT_COST_MAX) => 1 << (cost - 9),
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
    let argon2 = hasher();
    // Compared where there is no account.
    let dummy = hash(&argon2, "").unwrap_or_default();
    while let Ok(job) = queue.recv() {
        let weight = job.work();
        // The work is done before the asker hears of it, who may ask again at once.
        let done = || work.fetch_sub(weight, Ordering::Relaxed);
        match job {
            Job::Hash(password, reply) => {
                let hash = hash(&argon2, &password);
                done();
                _ = reply.send(hash);
            }
            Job::Verify(password, stored, reply) => {
                let compared = compare(&argon2, &password, stored.as_deref().unwrap_or(&dummy));
                done();
                _ = reply.send(stored.map_or(Comparison::Different, |_| compared));
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

fn compare(argon2: &Argon2<'_>, password: &str, hash: &str) -> Comparison {
    let (same, needs_rehash) = match bcrypt_cost(hash) {
        Some(cost) if cost > BCRYPT_COST_MAX => (false, false),
        // A longer password cannot be hashed anew, and must go on opening its account.
        Some(_) => (
            bcrypt::verify(password, hash).unwrap_or(false),
            password.len() <= PASSWORD_BYTES_MAX,
        ),
        None => (verify(argon2, password, hash), false),
    };
    match same {
        true => Comparison::Same { needs_rehash },
        false => Comparison::Different,
    }
}

/// The cost that a hash of bcrypt names; `None` if it is no such hash. `$2x$`, the mark of a faulty
/// implementation, is not among them.
fn bcrypt_cost(hash: &str) -> Option<u32> {
    let kinds = ["$2a$", "$2b$", "$2y$"];
    let rest = kinds.iter().find_map(|kind| hash.strip_prefix(kind))?;
    rest.split_once('$')?.0.parse().ok()
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

    const SAME: Comparison = Comparison::Same {
        needs_rehash: false,
    };
    const SAME_BUT_OLD: Comparison = Comparison::Same { needs_rehash: true };

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let passwords = Passwords::start().unwrap();
        let hash = passwords.hash("batsignal").await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        for (password, hash, expected) in [
            ("batsignal", Some(hash.as_str()), SAME),
            ("batsignal?", Some(&hash), Comparison::Different),
            ("batsignal", Some(""), Comparison::Different),
            ("", None, Comparison::Different),
        ] {
            let compared = passwords.verify(password, hash).await;
            assert_eq!(compared, Ok(expected), "{password}");
        }
    }

    #[tokio::test]
    async fn a_hash_of_bcrypt_is_compared_and_told_to_be_old() {
        let passwords = Passwords::start().unwrap();
        // From the tests of jBCrypt.
        let vectors = [
            ("", "DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
            ("a", "m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
            (
                "abc",
                "If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i",
            ),
        ];
        for (password, hash) in vectors {
            for kind in ["2a", "2b", "2y"] {
                let hash = format!("${kind}$06${hash}");
                let right = passwords.verify(password, Some(&hash)).await;
                assert_eq!(right, Ok(SAME_BUT_OLD), "{hash}");
                let wrong = passwords.verify("b", Some(&hash)).await;
                assert_eq!(wrong, Ok(Comparison::Different), "{hash}");
            }
        }
    }

    #[tokio::test]
    async fn only_the_first_72_bytes_count_for_bcrypt_and_more_are_not_hashed_anew() {
        let passwords = Passwords::start().unwrap();
        let hash = bcrypt::hash("x".repeat(72), 4).unwrap();
        for (length, expected) in [(71, Comparison::Different), (72, SAME_BUT_OLD), (73, SAME)] {
            let compared = passwords.verify(&"x".repeat(length), Some(&hash)).await;
            assert_eq!(compared, Ok(expected), "{length}");
        }
    }

    #[tokio::test]
    async fn hashes_that_are_none_open_nothing() {
        let passwords = Passwords::start().unwrap();
        let rest = "$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
        for hash in [
            "$2a$06$",
            "$2a$",
            "$2a$06$short",
            "$2x$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i",
            &format!("$2a$03{rest}"),
            &format!("$2a$15{rest}"),
            &format!("$2a$31{rest}"),
            &format!("$2a$4294967295{rest}"),
            &format!("$2a$-1{rest}"),
            &format!("$2a$6{rest}"),
            &format!("$2a$06{rest}é"),
            "plain text",
        ] {
            let compared = passwords.verify("abc", Some(hash)).await;
            assert_eq!(compared, Ok(Comparison::Different), "{hash}");
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
