//! The thread on which the matchmaker searches.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender};
use prometheus_client::metrics::histogram::Histogram;
use tiltyard::{Found, Inbound, Search, Searcher};
use tracing::error;

/// The world's end of the way to the matchmaker's search. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct SearchLink {
    searches: Option<Sender<Search>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How often a thread that cannot hand over what it found looks whether the server stops.
const QUEUE_REST: Duration = Duration::from_millis(100);

impl SearchLink {
    /// Starts the thread; what it finds goes into the queue.
    pub(crate) fn start(queue: Sender<Inbound>, durations: Histogram) -> io::Result<Self> {
        // The world asks for the next search when it has the answer to the last one.
        let (searches, asked) = crossbeam_channel::bounded(1);
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = stopping.clone();
        let thread = thread::Builder::new()
            .name("matchmaker".to_owned())
            .spawn(move || drive_searches(&asked, &queue, &stop, &durations))?;
        Ok(Self {
            searches: Some(searches),
            stopping,
            thread: Some(thread),
        })
    }

    /// Has a search done.
    pub(crate) fn search(&self, search: Search) {
        let refused = self
            .searches
            .as_ref()
            .is_some_and(|searches| searches.try_send(search).is_err());
        if refused {
            error!("the matchmaker was asked to search while it searched, or is gone");
        }
    }
}

impl Drop for SearchLink {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.searches = None;
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            error!("the matchmaker's thread panicked");
        }
    }
}

fn drive_searches(
    asked: &Receiver<Search>,
    queue: &Sender<Inbound>,
    stopping: &AtomicBool,
    durations: &Histogram,
) {
    let mut searcher = Searcher::new();
    for search in asked {
        let begun = Instant::now();
        let found = catch_unwind(AssertUnwindSafe(|| searcher.search(search)));
        let found = found.unwrap_or_else(|_| {
            error!("a search of the matchmaker panicked; it begins anew after the next interval");
            Found::nothing_known()
        });
        durations.observe(begun.elapsed().as_secs_f64());
        hand_over(Inbound::Found(Box::new(found)), queue, stopping);
    }
}

/// Waits for room in the queue, for the matchmaker rests until the answer is there.
fn hand_over(mut found: Inbound, queue: &Sender<Inbound>, stopping: &AtomicBool) {
    while !stopping.load(Ordering::Relaxed) {
        match queue.send_timeout(found, QUEUE_REST) {
            Err(SendTimeoutError::Timeout(refused)) => found = refused,
            Ok(()) | Err(SendTimeoutError::Disconnected(_)) => return,
        }
    }
}
