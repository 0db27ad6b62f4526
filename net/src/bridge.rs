//! The way into the world for everything that is not a socket.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::{Sender, TrySendError};
use thiserror::Error;
use tiltyard::{Answer, Call, CallId, Inbound};
use tokio::sync::oneshot;

use crate::peer::enqueue;

/// How long a caller waits for the world. A pass takes milliseconds; this is for a world that is stuck.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Asks the world questions and waits for the answers.
#[derive(Clone, Debug)]
pub struct Bridge {
    queue: Sender<Inbound>,
    calls: Arc<Calls>,
}

/// Questions that wait for an answer. Bounded by the queue they went through.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    next: AtomicU64,
    waiting: Mutex<HashMap<CallId, oneshot::Sender<Answer>>>,
}

/// Why the world did not answer. Either way the caller may try again.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BridgeError {
    /// More is asked than the world keeps up with; nothing was done.
    #[error("the server is busy")]
    Busy,
    /// The world did not answer in time; what was asked may still be done.
    #[error("the server did not answer in time")]
    Late,
}

impl Bridge {
    pub(crate) fn new(queue: Sender<Inbound>) -> Self {
        Self {
            queue,
            calls: Arc::default(),
        }
    }

    pub(crate) fn calls(&self) -> Arc<Calls> {
        self.calls.clone()
    }

    /// Messages that wait for the world.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`BridgeError`] if there was none.
    ///
    /// # Cancellation
    ///
    /// The answer is thrown away; what was asked is done all the same.
    pub async fn call(&self, call: Call) -> Result<Answer, BridgeError> {
        let (inbound, answer) = self.begin(call);
        match self.queue.try_send(inbound) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                return Err(BridgeError::Busy);
            }
        }
        answer.wait().await
    }

    /// The same, but waits for a place in the queue: for what has happened already and has to be known.
    ///
    /// # Errors
    ///
    /// [`BridgeError::Late`] if there was none in time, or no answer.
    ///
    /// # Cancellation
    ///
    /// The answer is thrown away; what was asked may be done all the same.
    pub async fn insist(&self, call: Call) -> Result<Answer, BridgeError> {
        let (inbound, answer) = self.begin(call);
        let enqueued = tokio::time::timeout(ANSWER_WAIT, enqueue(&self.queue, inbound));
        enqueued.await.map_err(|_| BridgeError::Late)?;
        answer.wait().await
    }

    /// Has the world do what follows from something that has happened already, as soon as there is a place
    /// in the queue. Nobody waits for the answer.
    pub(crate) async fn tell(&self, call: Call) {
        let id = self.calls.next_id();
        let call = Box::new(call);
        enqueue(&self.queue, Inbound::Call { id, call }).await;
    }

    fn begin(&self, call: Call) -> (Inbound, Waiting<'_>) {
        let (id, answer) = self.calls.begin();
        let call = Box::new(call);
        let waiting = Waiting {
            calls: &self.calls,
            id,
            answer,
        };
        (Inbound::Call { id, call }, waiting)
    }
}

/// Forgets a question when nobody waits for its answer any more.
struct Waiting<'a> {
    calls: &'a Calls,
    id: CallId,
    answer: oneshot::Receiver<Answer>,
}

impl Waiting<'_> {
    async fn wait(mut self) -> Result<Answer, BridgeError> {
        let answer = tokio::time::timeout(ANSWER_WAIT, &mut self.answer).await;
        answer.ok().and_then(Result::ok).ok_or(BridgeError::Late)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.id);
    }
}

impl Calls {
    fn begin(&self) -> (CallId, oneshot::Receiver<Answer>) {
        let id = self.next_id();
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(id, sender);
        (id, receiver)
    }

    fn next_id(&self) -> CallId {
        CallId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Hands an answer to whoever waits for it, if anybody still does.
    pub(crate) fn complete(&self, id: CallId, answer: Answer) {
        if let Some(waiting) = self.lock().remove(&id) {
            // The caller may have given up in this very moment.
            drop(waiting.send(answer));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CallId, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
