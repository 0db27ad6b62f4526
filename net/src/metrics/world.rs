//! How many of everything there is: counted by the world when somebody asks.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use tiltyard::Census;

type Seconds = Gauge<f64, AtomicU64>;

/// How many of everything there was when the world was last asked. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct WorldGauges {
    pub(super) presences: Gauge,
    pub(super) parties: Gauge,
    pub(super) tickets: Gauge,
    streams: Gauge,
    sessions: Gauge,
    by_kind: Vec<(&'static str, Gauge)>,
    queued: Gauge,
    passwords: Gauge,
    uptime: Seconds,
    overloaded: Gauge,
    unanswered: Counter,
}

/// What others know that is asked for together with the census.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) queued: usize,
    pub(super) passwords: u32,
    pub(super) uptime_seconds: f64,
    pub(super) is_overloaded: bool,
}

impl WorldGauges {
    pub(super) fn register(registry: &mut Registry, kinds: &[&'static str]) -> Self {
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let matches = Family::<[(&'static str, &'static str); 1], Gauge>::default();
        let by_kind = kinds
            .iter()
            .map(|kind| (*kind, matches.get_or_create_owned(&[("kind", *kind)])))
            .collect();
        let help = "Matches whose rules run here, by kind";
        registry.register("matches", help, matches);
        let uptime = Seconds::default();
        let help = "How long the server has been running";
        registry.register_with_unit("uptime", help, Unit::Seconds, uptime.clone());
        let unanswered = Counter::default();
        let help = "Scrapes for which the world did not count, so that its gauges are older";
        registry.register("census_unanswered", help, unanswered.clone());
        Self {
            presences: gauge(registry, "presences", "Presences on all streams"),
            parties: gauge(registry, "parties", "Parties"),
            tickets: gauge(
                registry,
                "matchmaker_tickets",
                "Tickets that wait in the matchmaker",
            ),
            streams: gauge(registry, "streams", "Streams with at least one presence"),
            sessions: gauge(
                registry,
                "world_sessions",
                "Sessions that the world knows; differs from connections for moments only",
            ),
            by_kind,
            queued: gauge(
                registry,
                "world_queue_messages",
                "Messages that wait for the world; it takes 65,536",
            ),
            passwords: gauge(
                registry,
                "password_queue_hashes",
                "Work that waits for the thread that hashes passwords, in hashes of 35 ms",
            ),
            uptime,
            overloaded: gauge(
                registry,
                "overloaded",
                "1 while more is asked of the server than it can do",
            ),
            unanswered,
        }
    }

    /// Takes what the world counted, if it did in time.
    pub(super) fn set_census(&self, census: Option<&Census>) {
        let Some(census) = census else {
            self.unanswered.inc();
            return;
        };
        set(&self.presences, census.presences);
        set(&self.parties, census.parties);
        set(&self.tickets, census.tickets);
        set(&self.streams, census.streams);
        set(&self.sessions, census.sessions);
        for (kind, gauge) in &self.by_kind {
            let mut counted = census.matches_by_kind.iter();
            let count = counted.find(|(counted, _)| counted == kind);
            set(gauge, count.map_or(0, |(_, count)| *count));
        }
    }

    pub(super) fn set_around(&self, around: Around) {
        set(&self.queued, around.queued);
        self.passwords.set(around.passwords.into());
        self.uptime.set(around.uptime_seconds);
        self.overloaded.set(around.is_overloaded.into());
    }

    pub(super) fn matches(&self) -> u64 {
        let counts = self.by_kind.iter().map(|(_, gauge)| read(gauge));
        counts.sum()
    }
}

fn set(gauge: &Gauge, count: usize) {
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}

/// What a gauge of things that are counted shows.
pub(super) fn read(gauge: &Gauge) -> u64 {
    u64::try_from(gauge.get()).unwrap_or(0)
}
