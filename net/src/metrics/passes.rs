//! What passes do, measured on the tick thread.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use tiltyard::{FlightTotals, PassRecord, PassSystems};

use super::seconds;

type Seconds = Counter<f64, AtomicU64>;

/// What passes did since the server started.
#[derive(Debug)]
pub(crate) struct Passes {
    duration: Histogram,
    lateness: Histogram,
    sets: [Seconds; PassSystems::COUNT],
    handover: Seconds,
    passes: Counter,
    slow: Counter,
    ticks: Counter,
    skipped: Counter,
    inbound: Counter,
    outbound: Counter,
    disagreements: Counter,
    /// The age of the latest pass, set when somebody asks.
    pub(super) age: Gauge<f64, AtomicU64>,
}

/// What the tick thread knows of a pass that the engine does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around {
    /// How late it began.
    pub(crate) late: Duration,
    /// How long it took afterwards to encode what it had to say, and to hand it over.
    pub(crate) handover: Duration,
}

/// What is true of all passes until now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) totals: FlightTotals,
    pub(crate) ticks_skipped: u64,
    pub(crate) disagreements: u64,
}

impl Passes {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let counter = |registry: &mut Registry, name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let family = Family::<[(&str, &str); 1], Seconds>::default();
        let sets = PassSystems::ALL.map(|set| family.get_or_create_owned(&[("set", set.name())]));
        let help = "Time that passes spent in each of their sets";
        registry.register_with_unit("pass_set", help, Unit::Seconds, family);
        let handover = Seconds::default();
        let help =
            "Time after passes to encode what they had to say and to hand it to network threads";
        registry.register_with_unit("pass_handover", help, Unit::Seconds, handover.clone());
        let duration = seconds(0.000_032, 15);
        let help = "How long passes took, the handover not included";
        registry.register_with_unit("pass_duration", help, Unit::Seconds, duration.clone());
        let lateness = seconds(0.000_016, 15);
        let help = "How late passes began";
        registry.register_with_unit("pass_lateness", help, Unit::Seconds, lateness.clone());
        let age = Gauge::default();
        let help = "How long ago the latest pass ended";
        registry.register_with_unit("pass_age", help, Unit::Seconds, age.clone());
        Self {
            duration,
            lateness,
            sets,
            handover,
            passes: counter(registry, "passes", "Passes that ended"),
            slow: counter(
                registry,
                "passes_slow",
                "Passes that with their handover took longer than engine.slow_pass_ms allows",
            ),
            ticks: counter(registry, "match_ticks", "Ticks of matches that were due"),
            skipped: counter(
                registry,
                "match_ticks_skipped",
                "Ticks of matches that were left out because the server was too far behind",
            ),
            inbound: counter(
                registry,
                "world_messages_received",
                "Messages that the world took out of its queue",
            ),
            outbound: counter(
                registry,
                "world_messages_sent",
                "Messages that the world had to send; one for many counts once",
            ),
            disagreements: counter(
                registry,
                "audit_disagreements",
                "Times that records of sessions, presences and matches did not agree: a bug if not 0",
            ),
            age,
        }
    }

    /// A pass did this.
    pub(crate) fn note(&self, record: &PassRecord, around: Around, is_slow: bool, sums: &Sums) {
        self.duration.observe(record.took().as_secs_f64());
        self.lateness.observe(around.late.as_secs_f64());
        self.handover.inc_by(around.handover.as_secs_f64());
        for (seconds, took) in self.sets.iter().zip(record.sets) {
            seconds.inc_by(took.as_secs_f64());
        }
        self.slow.inc_by(is_slow.into());
        for (counter, sum) in [
            (&self.passes, sums.totals.passes),
            (&self.ticks, sums.totals.ticks),
            (&self.skipped, sums.ticks_skipped),
            (&self.inbound, sums.totals.inbound),
            (&self.outbound, sums.totals.outbound),
            (&self.disagreements, sums.disagreements),
        ] {
            raise(counter, sum);
        }
    }
}

/// Brings a counter to where the engine's own stands. Only the tick thread does.
fn raise(counter: &Counter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}
