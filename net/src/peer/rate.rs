//! How fast one client may send.
//!
//! ```text
//! requests ──► too fast? the reader waits; the client's own connection fills up, and nothing is lost
//! datagrams ──► too fast? dropped ──┬─► ten times too fast for five seconds? closed
//! pings ──► the newest is answered ──┘
//! ```

use std::{cell::Cell, time::Duration};

use tiltyard::Request;
use tokio::time::Instant;

use super::reader::Farewell;
use crate::{config::Limits, rate::Rate};

/// What ends a client that floods the server with what cannot wait.
pub(super) const FLOODING: Farewell = Farewell {
    code: 1000,
    reason: "too many messages",
};
/// How many times too fast that is.
const FLOOD_FACTOR: u32 = 10;
/// For how many seconds in a row.
const FLOOD_SECONDS: u32 = 5;

/// How fast every client may send.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RateLimits {
    messages: Option<Rate>,
    joins: Option<Rate>,
    /// Droppable messages in a second that are a flood.
    flood_min: u32,
}

impl RateLimits {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            messages: Rate::new(limits.messages_per_second, limits.messages_burst),
            joins: Rate::new(limits.joins_per_second, limits.joins_burst),
            flood_min: limits.messages_per_second.saturating_mul(FLOOD_FACTOR),
        }
    }
}

/// How fast one client has sent.
#[derive(Debug)]
pub(super) struct Rates {
    limits: RateLimits,
    messages: Cell<Instant>,
    joins: Cell<Instant>,
    flood: Cell<Flood>,
}

/// The seconds in a row that were flooded, and the one that is counted now.
#[derive(Clone, Copy, Debug)]
struct Flood {
    second: Instant,
    count: u32,
    flooded: u32,
}

impl Rates {
    pub(super) const fn new(limits: RateLimits, now: Instant) -> Self {
        Self {
            limits,
            messages: Cell::new(now),
            joins: Cell::new(now),
            flood: Cell::new(Flood {
                second: now,
                count: 0,
                flooded: 0,
            }),
        }
    }

    /// Counts a request. Returns how long it has to wait.
    pub(super) fn take(&self, request: &Request, now: Instant) -> Duration {
        let wait = take(self.limits.messages, &self.messages, now);
        if is_join(request) {
            return wait.max(take(self.limits.joins, &self.joins, now));
        }
        wait
    }

    /// Counts what cannot wait: a datagram or a ping. Returns whether it may pass.
    ///
    /// # Errors
    ///
    /// If the client has to go.
    pub(super) fn try_take(&self, now: Instant) -> Result<bool, Farewell> {
        let Some(rate) = self.limits.messages else {
            return Ok(true);
        };
        let mut flood = self.flood.get();
        let over = flood.count(now, self.limits.flood_min);
        self.flood.set(flood);
        if over {
            return Err(FLOODING);
        }
        let mut made_up_at = self.messages.get();
        let free = rate.try_take(&mut made_up_at, now);
        self.messages.set(made_up_at);
        Ok(free)
    }
}

fn take(rate: Option<Rate>, made_up_at: &Cell<Instant>, now: Instant) -> Duration {
    let mut moment = made_up_at.get();
    let wait = rate.map_or(Duration::ZERO, |rate| rate.take(&mut moment, now));
    made_up_at.set(moment);
    wait
}

impl Flood {
    /// Counts one. Returns whether that was going on for too long.
    fn count(&mut self, now: Instant, flood_min: u32) -> bool {
        const SECOND: Duration = Duration::from_secs(1);
        let elapsed = now - self.second;
        if elapsed >= SECOND {
            // After a whole second without anything it begins anew.
            let goes_on = self.count >= flood_min && elapsed < 2 * SECOND;
            self.flooded = if goes_on { self.flooded + 1 } else { 0 };
            self.second = if goes_on { self.second + SECOND } else { now };
            self.count = 0;
        }
        self.count += 1;
        self.flooded >= FLOOD_SECONDS
    }
}

/// Whether a request makes the world look something up or let somebody in, which costs more than others.
const fn is_join(request: &Request) -> bool {
    matches!(
        request,
        Request::ChannelJoin { .. }
            | Request::MatchCreate { .. }
            | Request::MatchJoin { .. }
            | Request::MatchmakerAdd { .. }
            | Request::PartyCreate { .. }
            | Request::PartyJoin { .. }
            | Request::PartyMatchmakerAdd { .. }
            | Request::Rpc { .. }
            | Request::StatusFollow { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(messages: (u32, u32), joins: (u32, u32), now: Instant) -> Rates {
        let limits = RateLimits {
            messages: Rate::new(messages.0, messages.1),
            joins: Rate::new(joins.0, joins.1),
            flood_min: messages.0 * FLOOD_FACTOR,
        };
        Rates::new(limits, now)
    }

    fn join() -> Request {
        let name = String::new();
        Request::MatchCreate { name }
    }

    #[test]
    fn joins_wait_for_longer_than_other_messages() {
        let now = Instant::now();
        let rates = rates((100, 3), (10, 1), now);
        let waits = [Request::Ping, join(), join(), Request::Ping, join()]
            .map(|request| rates.take(&request, now).as_millis());
        assert_eq!(waits, [0, 0, 100, 10, 200]);
    }

    #[test]
    fn a_reader_that_waits_as_it_is_told_keeps_to_the_rate() {
        let start = Instant::now();
        let rates = rates((240, 2400), (20, 200), start);
        let mut now = start;
        for _ in 0..2400 + 240 * 5 {
            now += rates.take(&Request::Ping, now);
        }
        let took = now - start;
        assert!(took.abs_diff(Duration::from_secs(5)) < Duration::from_millis(1));
    }

    #[test]
    fn what_cannot_wait_is_dropped_beyond_the_rate() {
        let now = Instant::now();
        let rates = rates((10, 5), (1, 1), now);
        let passed = (0..20).filter(|_| rates.try_take(now).is_ok_and(|free| free));
        assert_eq!(passed.count(), 5);
    }

    /// After how many milliseconds a client has to go that sends so many messages at these moments.
    fn ends_at(batches: impl IntoIterator<Item = (u64, u32)>) -> Option<u64> {
        let start = Instant::now();
        let rates = rates((10, 10), (1, 1), start);
        batches.into_iter().find_map(|(at, count)| {
            let now = start + Duration::from_millis(at);
            let over = (0..count).any(|_| rates.try_take(now).is_err());
            over.then_some(at)
        })
    }

    #[test]
    fn ten_times_the_rate_for_five_seconds_is_the_end() {
        let every_tenth = |count| (0..100).map(move |number| (number * 100, count));
        assert_eq!(ends_at(every_tenth(10)), Some(5000));
        assert_eq!(ends_at(every_tenth(100)), Some(5000), "and not earlier");
        assert_eq!(ends_at(every_tenth(9)), None);
    }

    #[test]
    fn a_second_without_a_flood_is_a_new_beginning() {
        let four_of_five = (0..50).filter(|second| second % 5 != 4);
        assert_eq!(
            ends_at(four_of_five.map(|second| (second * 1000, 1000))),
            None
        );
        assert_eq!(ends_at((0..9).map(|number| (number * 1900, 1000))), None);
    }

    #[test]
    fn without_a_limit_nothing_waits_and_nothing_is_a_flood() {
        let now = Instant::now();
        let rates = rates((0, 1), (0, 1), now);
        assert!((0..9999).all(|_| rates.take(&join(), now).is_zero()));
        assert!((0..9999).all(|_| rates.try_take(now).is_ok_and(|free| free)));
    }
}
