//! One direction of a TCP connection.

use std::{collections::VecDeque, time::Duration};

use super::repair::Repair;
use crate::{Profile, chance::Chance};

/// One direction of a TCP connection over a lossy path, without a clock and without the bytes: told
/// how many bytes are sent, it tells how many arrive by when.
///
/// No byte is lost. The stream is cut into segments, each of which takes the rate, the delay and
/// the jitter. A lost segment arrives after the time in which TCP on Linux repairs it, and all
/// that was sent after it waits behind it:
///
/// - A loss is seen when a later segment is acknowledged, though not within a round trip and a
///   quarter (RACK).
/// - A lone segment at the end is repeated after 200 ms and a round trip, several lost in a row
///   after two round trips, the last of them first (tail loss probe).
/// - A repetition that is lost is repeated after 200 ms and a round trip, then after twice that,
///   and so on. After fifteen the stream stands still for ever.
///
/// The sources are RFC 8985 (RACK and the tail loss probe), RFC 6298 (the timeout) and, for their
/// numbers, Linux. The path back is taken to be like this one, and its losses to cost nothing.
/// There is no congestion window, so losses delay and do not slow down; repetitions take no rate;
/// there is no handshake; and since segments that swap places or come twice do not show in a
/// stream, `reorder` and `duplicate` mean nothing.
///
/// What is under way is bounded by [`StreamLink::room_bytes`], which the caller is to keep to: with
/// a rate it is what the path and its queue hold.
#[derive(Clone, Debug)]
pub struct StreamLink {
    profile: Profile,
    repair: Repair,
    chance: Chance,
    segments: VecDeque<Segment>,
    flight_bytes: usize,
    /// Segments at the end whose loss is not seen yet.
    unseen: usize,
    /// When all that was sent has passed the narrowest part.
    free_at: Duration,
    finished: bool,
    counters: StreamCounters,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    bytes: usize,
    last: bool,
    sent: Duration,
    /// When it arrives. `None` is not known yet, or never.
    due: Option<Duration>,
}

impl StreamLink {
    /// An idle stream over a path as the profile says.
    pub fn new(profile: &Profile) -> Self {
        Self {
            profile: *profile,
            repair: Repair::new(profile),
            chance: Chance::new(profile),
            segments: VecDeque::new(),
            flight_bytes: 0,
            unseen: 0,
            free_at: Duration::ZERO,
            finished: false,
            counters: StreamCounters::default(),
        }
    }

    /// Bytes that may be sent before more have arrived.
    pub fn room_bytes(&self) -> usize {
        if self.segments.len() >= SEGMENTS_MAX {
            return 0;
        }
        self.window_bytes().saturating_sub(self.flight_bytes)
    }

    /// Sends so many bytes.
    pub fn send(&mut self, now: Duration, bytes: usize) {
        let mut rest = bytes;
        while rest > 0 {
            let segment = rest.min(SEGMENT_BYTES_MAX);
            self.send_segment(now, segment, false);
            rest -= segment;
        }
    }

    /// Sends the end of the stream.
    pub fn finish(&mut self, now: Duration) {
        self.send_segment(now, 0, true);
    }

    /// How many more bytes have arrived by now.
    pub fn poll(&mut self, now: Duration) -> usize {
        self.probe(now);
        let mut bytes = 0;
        while let Some(segment) = self.segments.front()
            && segment.due.is_some_and(|due| due <= now)
        {
            bytes += segment.bytes;
            self.finished |= segment.last;
            self.segments.pop_front();
        }
        self.flight_bytes -= bytes;
        bytes
    }

    /// When to poll next, if nothing is sent until then. There may be nothing yet.
    pub fn next_due(&self) -> Option<Duration> {
        let first = self.segments.front()?;
        let unseen = self.segments.len() == self.unseen;
        first.due.or(unseen.then(|| self.probe_due()).flatten())
    }

    /// Whether the end of the stream has arrived.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// What became of the segments so far.
    pub fn counters(&self) -> StreamCounters {
        self.counters
    }

    fn window_bytes(&self) -> usize {
        let Some(rate) = self.profile.rate else {
            return WINDOW_BYTES_MAX;
        };
        let path = self.profile.delay.saturating_add(self.profile.jitter);
        let path_bytes = path.as_nanos() * u128::from(rate.get()) / 1_000_000_000;
        usize::try_from(path_bytes + u128::from(self.profile.queue))
            .unwrap_or(WINDOW_BYTES_MAX)
            .clamp(SEGMENT_BYTES_MAX, WINDOW_BYTES_MAX)
    }

    fn send_segment(&mut self, now: Duration, bytes: usize, last: bool) {
        let time = self.profile.serialization(bytes + HEADER_BYTES);
        let sent = self.free_at.max(now).saturating_add(time);
        self.free_at = sent;
        self.flight_bytes += bytes;
        self.counters.sent += 1;
        self.probe(sent);
        let fate = self.chance.draw();
        if fate.lost {
            self.counters.lost += 1;
            self.unseen += 1;
        } else {
            self.see_losses(|repair, lost, _| repair.seen_by_later(lost.sent, sent));
        }
        let arrival = sent
            .saturating_add(self.profile.delay)
            .saturating_add(fate.jitter);
        self.segments.push_back(Segment {
            bytes,
            last,
            sent,
            due: (!fate.lost).then_some(arrival),
        });
    }

    /// Repairs a lost tail whose probe was due by then.
    fn probe(&mut self, now: Duration) {
        let Some(probed) = self.probe_due().filter(|due| *due <= now) else {
            return;
        };
        self.counters.probed += 1;
        self.see_losses(|repair, _, behind| match behind {
            0 => probed,
            _ => repair.seen_by_probe(probed),
        });
    }

    fn probe_due(&self) -> Option<Duration> {
        let last = self.segments.back().filter(|_| self.unseen > 0)?;
        Some(self.repair.probed(last.sent, self.unseen))
    }

    /// Sends the lost tail again, each segment when its loss is seen, which may depend on how many
    /// lost ones are behind it.
    fn see_losses(&mut self, seen: impl Fn(&Repair, &Segment, usize) -> Duration) {
        for behind in (0..self.unseen).rev() {
            let index = self.segments.len() - 1 - behind;
            let seen = seen(&self.repair, &self.segments[index], behind);
            self.segments[index].due = self.repeat(seen);
        }
        self.unseen = 0;
    }

    /// When a segment arrives that is first repeated then, and again after every timeout.
    fn repeat(&mut self, first: Duration) -> Option<Duration> {
        let mut sent = first;
        for lost_count in 0.. {
            let fate = self.chance.draw();
            if !fate.lost {
                let arrival = sent.saturating_add(self.profile.delay);
                return Some(arrival.saturating_add(fate.jitter));
            }
            self.counters.timeouts += 1;
            sent = sent.saturating_add(self.repair.timeout(lost_count)?);
        }
        None
    }
}

/// What became of the segments of a stream.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct StreamCounters {
    /// Segments sent, without repetitions.
    pub sent: u64,
    /// Of those, the lost ones.
    pub lost: u64,
    /// Losses, or losses in a row, that only a tail loss probe showed.
    pub probed: u64,
    /// Repetitions that were lost as well, each at the cost of a timeout.
    pub timeouts: u64,
}

/// An Ethernet frame without the headers of IPv4 and TCP, the latter with timestamps.
const SEGMENT_BYTES_MAX: usize = 1500 - HEADER_BYTES;
const HEADER_BYTES: usize = 20 + 32;
/// Enough for 20 Mbit/s over a path of 100 ms.
const WINDOW_BYTES_MAX: usize = 256 * 1024;
/// A minute of small messages at 60 Hz.
const SEGMENTS_MAX: usize = 4096;

#[cfg(test)]
mod tests;
