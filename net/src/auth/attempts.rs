//! How often passwords may be guessed.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Who is guessing, and whose password.
#[derive(Clone, Copy, Debug)]
pub struct Guess<'a> {
    /// Where the guess comes from; all whose address is unknown count as one.
    pub client: Option<IpAddr>,
    /// Where its connection comes from: the proxy, if there is one.
    pub peer: Option<IpAddr>,
    /// The account: its id, or what was given for one if there is none.
    pub account: &'a str,
}

/// There were too many wrong guesses; try again later.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many failed logins")]
pub struct TooManyAttempts;

/// Counts wrong passwords, so that they cannot be found by trying.
///
/// Every attempt is charged before its password is looked at, or many at a time would cost no more
/// than one; a right password gets its charge back. Charged are the account as seen from the
/// address, the address, and the account as seen from everywhere, since a client can claim any
/// address where more proxies are configured than there are. An address counts together with the one
/// of the connection, so that nobody uses up the attempts of others by claiming theirs.
///
/// The first two have a delay that doubles with every failure made as soon as there is room for it,
/// until they were left alone for long enough to forget everything. The third has none, so that
/// others cannot keep a user out for long.
#[derive(Debug)]
pub struct LoginAttempts {
    /// For an account from one address; 0 for no limits at all.
    per_minute: u32,
    hasher: RandomState,
    buckets: Mutex<BTreeMap<u64, Bucket>>,
}

/// What an attempt was charged, to be given back if it was right.
#[derive(Debug)]
#[must_use]
pub struct Charge([Charged; 3]);

/// What one bucket was charged.
#[derive(Clone, Copy, Debug)]
struct Charged {
    key: u64,
    milliseconds: i64,
    doubled: bool,
}

/// Attempts from one address, for each that is allowed to one account.
const PER_ADDRESS: u32 = 6;
/// Attempts at one account from everywhere, for each that is allowed from one address.
const PER_ACCOUNT: u32 = 10;
/// After so many doublings the delay of an account is 13 minutes.
const DOUBLINGS_MAX: u8 = 6;
/// Buckets that are kept: 4 MB.
const BUCKETS_MAX: usize = 65_536;

impl LoginAttempts {
    /// Nobody has tried yet. With 0 a minute nothing is limited.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            hasher: RandomState::new(),
            buckets: Mutex::default(),
        }
    }

    /// Charges an attempt.
    ///
    /// # Errors
    ///
    /// [`TooManyAttempts`]: the password must not be looked at, and nothing was charged.
    pub fn charge(&self, guess: Guess<'_>, now: Timestamp) -> Result<Charge, TooManyAttempts> {
        let network = (guess.client.map(network), guess.peer.map(network));
        let keyed = [
            (self.hasher.hash_one((network, guess.account)), 1, true),
            (self.hasher.hash_one(network), PER_ADDRESS, true),
            (self.hasher.hash_one(guess.account), PER_ACCOUNT, false),
        ];
        if self.per_minute == 0 {
            return Ok(Charge(keyed.map(|(key, ..)| Charged {
                key,
                milliseconds: 0,
                doubled: false,
            })));
        }
        let now = now.as_millisecond();
        let mut buckets = self.buckets();
        let rates = keyed.map(|(key, times, grows)| {
            let rate = Rate::new(self.per_minute.saturating_mul(times), grows);
            (key, rate)
        });
        let open = |(key, rate): &(u64, Rate)| {
            let bucket = buckets.get(key).copied().unwrap_or_default();
            rate.has_room(bucket, now)
        };
        if !rates.iter().all(open) {
            return Err(TooManyAttempts);
        }
        if buckets.len() + rates.len() > BUCKETS_MAX {
            evict(&mut buckets, now);
        }
        Ok(Charge(rates.map(|(key, rate)| {
            rate.charge(key, buckets.entry(key).or_default(), now)
        })))
    }

    /// Gives a charge back: the password was right, or was not looked at.
    pub fn refund(&self, charge: Charge) {
        let mut buckets = self.buckets();
        for charged in charge.0 {
            if let Some(bucket) = buckets.get_mut(&charged.key) {
                bucket.empty_at = bucket.empty_at.saturating_sub(charged.milliseconds);
                let doubled = u8::from(charged.doubled);
                bucket.doublings = bucket.doublings.saturating_sub(doubled);
            }
        }
    }

    /// A panic elsewhere leaves the counters as good as they were.
    fn buckets(&self) -> MutexGuard<'_, BTreeMap<u64, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who uses an address: with IPv6 everybody has a network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

/// A bucket that failures pour into and that leaks at a constant rate. Times are in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// When all of it has leaked away.
    empty_at: i64,
    doublings: u8,
}

/// How fast a bucket leaks and how much it holds.
#[derive(Clone, Copy, Debug)]
struct Rate {
    /// Time for one attempt to leak away.
    interval: i64,
    /// What the bucket holds: the attempts of one minute.
    room: i64,
    /// How often the interval may double.
    doublings_max: u8,
}

impl Rate {
    fn new(per_minute: u32, grows: bool) -> Self {
        let interval = 60_000 / i64::from(per_minute.clamp(1, 60_000));
        Self {
            interval,
            room: interval * i64::from(per_minute.clamp(1, 60_000)),
            doublings_max: if grows { DOUBLINGS_MAX } else { 0 },
        }
    }

    fn has_room(self, bucket: Bucket, now: i64) -> bool {
        bucket.empty_at.saturating_sub(now) + self.interval <= self.room
            // So far ahead only a clock that was set back can be.
            || bucket.empty_at.saturating_sub(now) > self.room + (self.interval << DOUBLINGS_MAX)
    }

    /// Adds an attempt.
    fn charge(self, key: u64, bucket: &mut Bucket, now: i64) -> Charged {
        if bucket.empty_at <= now || !self.has_room(*bucket, now) {
            *bucket = Bucket::default();
        }
        let milliseconds = self.interval << bucket.doublings;
        bucket.empty_at = bucket.empty_at.max(now).saturating_add(milliseconds);
        let doubled = !self.has_room(*bucket, now) && bucket.doublings < self.doublings_max;
        bucket.doublings += u8::from(doubled);
        Charged {
            key,
            milliseconds,
            doubled,
        }
    }
}

/// Drops the buckets that are empty, and if that is not much, the emptier quarter: those of attackers
/// who keep changing their addresses are among them, those of attackers who insist are not.
fn evict(buckets: &mut BTreeMap<u64, Bucket>, now: i64) {
    let mut ends: Vec<i64> = buckets.values().map(|bucket| bucket.empty_at).collect();
    let quarter = ends.len() / 4;
    let (_, limit, _) = ends.select_nth_unstable(quarter);
    let limit = (*limit).max(now);
    buckets.retain(|_, bucket| bucket.empty_at > limit);
}

#[cfg(test)]
mod tests;
