//! What the bots of one thread have measured.

use std::{collections::BTreeMap, time::Duration};

use crate::{histogram::Histogram, trouble::Trouble, wire::Traffic};

/// Kinds of errors that are told apart. What more there is counts as other.
const KINDS_MAX: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) auth: Histogram,
    pub(crate) connect: Histogram,
    pub(crate) join: Histogram,
    pub(crate) latency: Histogram,
    pub(crate) jitter: Histogram,
    pub(crate) ticket_ack: Histogram,
    pub(crate) matched: Histogram,
    /// From the beginning of a login to the end of the join, in a storm.
    pub(crate) visit: Histogram,
    pub(crate) connected: u64,
    pub(crate) joined: u64,
    pub(crate) messages_in: u64,
    pub(crate) messages_out: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    errors: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn count_error(&mut self, trouble: &Trouble) {
        self.count_errors(trouble.to_string(), 1);
    }

    fn count_errors(&mut self, kind: String, count: u64) {
        let is_known = self.errors.contains_key(&kind) || self.errors.len() < KINDS_MAX;
        let kind = if is_known { kind } else { "other".into() };
        *self.errors.entry(kind).or_default() += count;
    }

    pub(crate) fn errors(&self) -> &BTreeMap<String, u64> {
        &self.errors
    }

    pub(crate) fn count_traffic(&mut self, before: Traffic, after: Traffic) {
        self.bytes_in += after.bytes_in.saturating_sub(before.bytes_in);
        self.bytes_out += after.bytes_out.saturating_sub(before.bytes_out);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.auth.merge(&other.auth);
        self.connect.merge(&other.connect);
        self.join.merge(&other.join);
        self.latency.merge(&other.latency);
        self.jitter.merge(&other.jitter);
        self.ticket_ack.merge(&other.ticket_ack);
        self.matched.merge(&other.matched);
        self.visit.merge(&other.visit);
        self.connected += other.connected;
        self.joined += other.joined;
        self.messages_in += other.messages_in;
        self.messages_out += other.messages_out;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        for (kind, count) in other.errors {
            self.count_errors(kind, count);
        }
    }
}

/// The time between two arrivals, and how far it is from that between two ticks.
pub(crate) fn jitter(interval: Duration, rate: f64) -> Duration {
    interval.abs_diff(Duration::from_secs_f64(1.0 / rate))
}
