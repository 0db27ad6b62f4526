//! What the bots measured, as a table and as JSON.

use std::{collections::BTreeMap, fmt, ops::Range, sync::atomic::Ordering, time::Instant};

use serde::Serialize;

use crate::{Percentiles, shared::Shared, tally::Tally};

/// What the bots of a run measured. Its JSON has these names, and they stay.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The flags that make the same run.
    pub options: BTreeMap<&'static str, String>,
    /// How long was measured.
    pub seconds: f64,
    /// Bots, or visits in a storm, that got a connection.
    pub connected: u64,
    /// Bots, or visits in a storm, that got into a match or a room.
    pub joined: u64,
    /// Matches and rooms that the bots were in.
    pub matches: usize,
    /// Messages that bots sent.
    pub messages_out: u64,
    /// Messages that bots got, of whatever kind.
    pub messages_in: u64,
    /// Messages that should have arrived: each counts once for every bot that it was for.
    pub expected: u64,
    /// Those that arrived.
    pub delivered: u64,
    /// The same, a second.
    pub deliveries_per_s: f64,
    /// Which part of what should have arrived did; none if nothing should have.
    pub delivery: Option<f64>,
    /// Bytes that bots sent: of TCP's payload, or of UDP's.
    pub bytes_out: u64,
    /// Bytes that bots got.
    pub bytes_in: u64,
    /// Times of logins.
    pub auth_ms: Option<Percentiles>,
    /// Times from the first packet to an open session.
    pub connect_ms: Option<Percentiles>,
    /// Times from asking for a match to being in it.
    pub join_ms: Option<Percentiles>,
    /// Times from sending to arriving.
    pub latency_ms: Option<Percentiles>,
    /// How far the times between two ticks, as they arrive, are from those between two ticks.
    pub tick_jitter_ms: Option<Percentiles>,
    /// Times until a ticket is acknowledged.
    pub ticket_ack_ms: Option<Percentiles>,
    /// Times until a ticket is matched.
    pub ticket_matched_ms: Option<Percentiles>,
    /// In a storm, times from the beginning of a login to the connection or the match.
    pub visit_ms: Option<Percentiles>,
    /// In a storm, such visits a second.
    pub visits_per_s: f64,
    /// What went wrong, and how often.
    pub errors: BTreeMap<String, u64>,
    /// When what happened counted, if it came to that.
    #[serde(skip)]
    pub window: Option<Range<Instant>>,
}

impl Report {
    pub(crate) fn new(
        shared: &Shared,
        tally: &Tally,
        window: Option<Range<tokio::time::Instant>>,
    ) -> Self {
        let window = window.map(|window| window.start.into_std()..window.end.into_std());
        let seconds = window
            .as_ref()
            .map_or(0.0, |window| (window.end - window.start).as_secs_f64());
        let expected = shared.expected.load(Ordering::Relaxed);
        let delivered = shared.delivered.load(Ordering::Relaxed);
        let per_second = |count: u64| {
            if seconds > 0.0 {
                count as f64 / seconds
            } else {
                0.0
            }
        };
        let visits = tally.visit.percentiles();
        Self {
            options: shared.options.flags(),
            seconds,
            connected: tally.connected,
            joined: tally.joined,
            matches: shared.match_count(),
            messages_out: tally.messages_out,
            messages_in: tally.messages_in,
            expected,
            delivered,
            deliveries_per_s: per_second(delivered),
            delivery: (expected > 0).then(|| delivered as f64 / expected as f64),
            bytes_out: tally.bytes_out,
            bytes_in: tally.bytes_in,
            auth_ms: tally.auth.percentiles(),
            connect_ms: tally.connect.percentiles(),
            join_ms: tally.join.percentiles(),
            latency_ms: tally.latency.percentiles(),
            tick_jitter_ms: tally.jitter.percentiles(),
            ticket_ack_ms: tally.ticket_ack.percentiles(),
            ticket_matched_ms: tally.matched.percentiles(),
            visit_ms: visits,
            visits_per_s: per_second(visits.map_or(0, |visits| visits.count)),
            errors: tally.errors().clone(),
            window,
        }
    }

    /// The report as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("maps have texts as keys")
    }

    fn counts(&self) -> Vec<(&'static str, String)> {
        let mut counts = vec![
            ("connected", self.connected.to_string()),
            (
                "joined",
                format!("{} in {} matches or rooms", self.joined, self.matches),
            ),
            ("measured", format!("{:.1} s", self.seconds)),
        ];
        if self.messages_in + self.messages_out > 0 {
            let per_s = |count: u64| format!("{count}, {:.0}/s", count as f64 / self.seconds);
            counts.push(("messages out", per_s(self.messages_out)));
            counts.push(("messages in", per_s(self.messages_in)));
            counts.push(("bytes out", per_s(self.bytes_out)));
            counts.push(("bytes in", per_s(self.bytes_in)));
        }
        if let Some(delivery) = self.delivery {
            let text = format!(
                "{} of {} ({delivery:.4}), {:.0}/s",
                self.delivered, self.expected, self.deliveries_per_s
            );
            counts.push(("delivered", text));
        }
        if self.visit_ms.is_some() {
            counts.push(("visits", format!("{:.1}/s", self.visits_per_s)));
        }
        counts
    }
}

/// The table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, text) in self.counts() {
            writeln!(f, "{name:<14}{text}")?;
        }
        let times = [
            ("auth", self.auth_ms),
            ("connect", self.connect_ms),
            ("join", self.join_ms),
            ("latency", self.latency_ms),
            ("tick jitter", self.tick_jitter_ms),
            ("ticket ack", self.ticket_ack_ms),
            ("matched", self.ticket_matched_ms),
            ("visit", self.visit_ms),
        ];
        writeln!(
            f,
            "\n{:<14}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "ms", "count", "p50", "p99", "p99.9", "max"
        )?;
        for (name, times) in times {
            let Some(Percentiles {
                count,
                p50,
                p99,
                p999,
                max,
            }) = times
            else {
                continue;
            };
            writeln!(
                f,
                "{name:<14}{count:>10}{p50:>10.2}{p99:>10.2}{p999:>10.2}{max:>10.2}"
            )?;
        }
        if !self.errors.is_empty() {
            writeln!(f, "\nerrors")?;
        }
        for (kind, count) in &self.errors {
            writeln!(f, "{count:>8}  {kind}")?;
        }
        Ok(())
    }
}
