//! How much a client may have on its way through the world.

use std::sync::atomic::{AtomicU32, Ordering};

use tiltyard::Quota;
use tokio::sync::Notify;

/// Requests of one client that wait in the queue or in the world.
///
/// A client that asks more at once waits for answers first; it delays nobody but itself.
pub(crate) const QUEUED_REQUESTS_MAX: u32 = 64;

/// A bounded number of places.
#[derive(Debug)]
pub(crate) struct Lane {
    used: AtomicU32,
    max: u32,
    freed: Notify,
}

impl Lane {
    pub(crate) fn new(max: u32) -> Self {
        Self {
            used: AtomicU32::new(0),
            max,
            freed: Notify::new(),
        }
    }

    /// Whether all places are taken.
    pub(crate) fn is_full(&self) -> bool {
        self.used.load(Ordering::Acquire) >= self.max
    }

    /// Takes a place if there is one.
    pub(crate) fn try_acquire(&self) -> bool {
        let free = !self.is_full();
        if free {
            self.used.fetch_add(1, Ordering::AcqRel);
        }
        free
    }

    /// Takes a place, waiting for one if necessary. Only one task may wait on a lane.
    ///
    /// # Cancellation
    ///
    /// No place is taken.
    pub(crate) async fn acquire(&self) {
        while self.is_full() {
            self.freed.notified().await;
        }
        self.used.fetch_add(1, Ordering::AcqRel);
    }
}

impl Quota for Lane {
    fn release(&self) {
        // Only the step from full to not full can have somebody waiting.
        if self.used.fetch_sub(1, Ordering::AcqRel) >= self.max {
            self.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_full_lane_waits_for_a_place() {
        let lane = Arc::new(Lane::new(2));
        lane.acquire().await;
        lane.acquire().await;
        let waiting = tokio::spawn({
            let lane = lane.clone();
            async move { lane.acquire().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "both places are taken");
        lane.release();
        waiting.await.unwrap();
    }
}
