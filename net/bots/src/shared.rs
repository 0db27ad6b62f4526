//! What all bots of a run know.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Options, http::QuicAddress};

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) remote: SocketAddr,
    pub(crate) quic: QuicAddress,
    began: Instant,
    /// When everybody who will come is there; then the window is known.
    pub(crate) go: CancellationToken,
    /// When the bots leave.
    pub(crate) stop: CancellationToken,
    window: OnceLock<Window>,
    /// Bots that are ready, or have failed.
    pub(crate) ready: AtomicUsize,
    /// Bots that have done all that they had to do.
    pub(crate) done: AtomicUsize,
    /// Messages in the window that should arrive, and those that have.
    pub(crate) expected: AtomicU64,
    pub(crate) delivered: AtomicU64,
    /// Where the bots of each match meet.
    pub(crate) places: Vec<watch::Sender<Place>>,
    members: Mutex<BTreeMap<String, Arc<Members>>>,
}

/// From when to when what happens counts, in nanoseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
}

impl Window {
    pub(crate) fn has(self, ns: u64) -> bool {
        (self.start_ns..self.end_ns).contains(&ns)
    }
}

/// The match of some bots.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Pending,
    Made(String),
    Failed,
}

/// How many bots are in a match or a room.
pub(crate) type Members = AtomicU64;

impl Shared {
    pub(crate) fn new(options: Options, remote: SocketAddr, quic: QuicAddress) -> Self {
        let places = (0..options.match_count()).map(|_| watch::Sender::new(Place::Pending));
        Self {
            places: places.collect(),
            options,
            remote,
            quic,
            began: Instant::now(),
            go: CancellationToken::new(),
            stop: CancellationToken::new(),
            window: OnceLock::new(),
            ready: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            expected: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            members: Mutex::default(),
        }
    }

    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Lets the bots begin, and gives how long it is until the window ends.
    pub(crate) fn begin(&self) -> Duration {
        let options = &self.options;
        let start_ns = self.now_ns() + nanos(options.warmup);
        let end_ns = start_ns + nanos(options.duration);
        self.window.get_or_init(|| Window { start_ns, end_ns });
        self.go.cancel();
        options.warmup + options.duration
    }

    /// The window; none before everybody is there.
    pub(crate) fn window(&self) -> Option<Window> {
        self.window.get().copied()
    }

    /// Counts one more in this match.
    pub(crate) fn enter(&self, place: &str) -> Arc<Members> {
        let mut all = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let members = all.entry(place.to_owned()).or_default();
        members.fetch_add(1, Ordering::Relaxed);
        Arc::clone(members)
    }

    pub(crate) fn match_count(&self) -> usize {
        let members = self.members.lock();
        members.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Where bot `number` connects from.
    pub(crate) fn source(&self, number: usize) -> Option<IpAddr> {
        let sources = &self.options.sources;
        let index = number.checked_rem(sources.len())?;
        sources.get(index).copied()
    }

    /// Whether nothing is under way any more that should arrive.
    pub(crate) fn is_drained(&self) -> bool {
        self.delivered.load(Ordering::Relaxed) >= self.expected.load(Ordering::Relaxed)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 4)
}
