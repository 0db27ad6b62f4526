//! What waits for the game.
//!
//! ```text
//! reliable ─┐                              ┌─ poll: whichever is older
//!           ├─ numbered as they come ──────┤
//! lossy ────┘  (full: the oldest go)       └─ wait: the same, and sleeps until there is one
//! ```

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::event::Event;

/// A queue from the client's thread to the game.
#[derive(Debug)]
pub(crate) struct EventQueue {
    waiting: Mutex<Waiting>,
    came: Condvar,
    reliable_max: usize,
    lossy_max: usize,
}

/// Two rows in one order.
#[derive(Debug, Default)]
struct Waiting {
    reliable: VecDeque<(u64, Event)>,
    lossy: VecDeque<(u64, Event)>,
    next_number: u64,
    dropped: u64,
    is_closed: bool,
}

/// The game has left too many events waiting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Overflow;

impl EventQueue {
    pub(crate) fn new(reliable_max: usize, lossy_max: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            came: Condvar::new(),
            reliable_max: reliable_max.max(1),
            lossy_max: lossy_max.max(1),
        }
    }

    /// Adds an event that must not be lost, if there is room.
    pub(crate) fn push(&self, event: Event) -> Result<(), Overflow> {
        let mut waiting = self.lock();
        if waiting.reliable.len() >= self.reliable_max {
            return Err(Overflow);
        }
        waiting.push_reliable(event);
        self.came.notify_one();
        Ok(())
    }

    /// Adds an event even if there is no room: that a connection or a request has ended. The caller
    /// sees to it that these are few.
    pub(crate) fn push_last(&self, event: Event) {
        self.lock().push_reliable(event);
        self.came.notify_one();
    }

    /// Adds an event that may be lost; without room the oldest of these goes.
    pub(crate) fn push_lossy(&self, event: Event) {
        let mut waiting = self.lock();
        if waiting.lossy.len() >= self.lossy_max {
            waiting.lossy.pop_front();
            waiting.dropped += 1;
        }
        let number = waiting.number();
        waiting.lossy.push_back((number, event));
        self.came.notify_one();
    }

    /// Whether there is room for another event that must not be lost.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().reliable.len() < self.reliable_max
    }

    /// The oldest event.
    pub(crate) fn pop(&self) -> Option<Event> {
        self.lock().pop()
    }

    /// The oldest event, as soon as there is one.
    pub(crate) fn pop_within(&self, timeout: Duration) -> Option<Event> {
        let deadline = Instant::now().checked_add(timeout);
        let mut waiting = self.lock();
        loop {
            if let Some(event) = waiting.pop() {
                return Some(event);
            }
            let left = deadline.map_or(Duration::MAX, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if waiting.is_closed || left.is_zero() {
                return None;
            }
            waiting = self
                .came
                .wait_timeout(waiting, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// How many were dropped for want of room.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Whether nothing more will come.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.came.notify_all();
    }

    /// Whoever panicked while holding it has left it whole: every change is one call.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn push_reliable(&mut self, event: Event) {
        let number = self.number();
        self.reliable.push_back((number, event));
    }

    fn pop(&mut self) -> Option<Event> {
        let reliable = self.reliable.front().map(|(number, _)| *number);
        let lossy = self.lossy.front().map(|(number, _)| *number);
        let older = match (reliable, lossy) {
            (Some(reliable), Some(lossy)) if lossy < reliable => &mut self.lossy,
            (None, _) => &mut self.lossy,
            _ => &mut self.reliable,
        };
        older.pop_front().map(|(_, event)| event)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::event::{FailReason, RequestId};

    fn event(number: u64) -> Event {
        Event::Failed {
            request: RequestId(number),
            reason: FailReason::NotConnected,
        }
    }

    fn popped(queue: &EventQueue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop())
            .map(|event| match event {
                Event::Failed { request, .. } => request.0,
                event => panic!("{event:?}"),
            })
            .collect()
    }

    #[test]
    fn events_come_out_in_the_order_they_went_in() {
        let queue = EventQueue::new(10, 10);
        queue.push(event(1)).unwrap();
        queue.push_lossy(event(2));
        queue.push_lossy(event(3));
        queue.push(event(4)).unwrap();
        queue.push_lossy(event(5));
        assert_eq!(popped(&queue), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn of_what_may_be_lost_the_oldest_goes_first_and_is_counted() {
        let queue = EventQueue::new(10, 2);
        queue.push(event(1)).unwrap();
        (2..=5).for_each(|number| queue.push_lossy(event(number)));
        assert_eq!(popped(&queue), [1, 4, 5]);
        assert_eq!(queue.dropped(), 2);
    }

    #[test]
    fn what_must_not_be_lost_is_refused_when_full() {
        let queue = EventQueue::new(2, 10);
        queue.push(event(1)).unwrap();
        queue.push_lossy(event(2));
        queue.push(event(3)).unwrap();
        assert!(!queue.has_room());
        assert_eq!(queue.push(event(4)), Err(Overflow));
        queue.push_last(event(5));
        assert_eq!(popped(&queue), [1, 2, 3, 5], "how it ended is always told");
        assert!(queue.has_room());
    }

    #[test]
    fn whoever_waits_gets_what_comes_and_does_not_wait_for_what_will_not() {
        let queue = EventQueue::new(2, 2);
        assert_eq!(queue.pop_within(Duration::ZERO), None);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.pop_within(Duration::MAX));
            queue.push(event(1)).unwrap();
            assert_eq!(waiting.join().unwrap(), Some(event(1)));
            let waiting = scope.spawn(|| queue.pop_within(Duration::MAX));
            queue.close();
            assert_eq!(waiting.join().unwrap(), None);
        });
    }
}
