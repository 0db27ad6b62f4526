//! Questions of the world to the database, and its answers.

use std::sync::Arc;

use crossbeam_channel::Sender;
use tiltyard::{
    Inbound, StoreFailure, StoreId, StoreOutcome, StoreReply, StoreRequest, StoredUser, UserId,
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc},
};
use tracing::warn;

use crate::{
    peer::enqueue,
    store::{Store, StoreError, UserQuery},
};

/// Questions that are put to the database at a time. Clients wait for their own answers, so what belongs
/// together stays in order.
const CONCURRENT_MAX: usize = 16;

/// The world's end of the way to the database.
#[derive(Debug)]
pub(crate) struct StoreLink {
    questions: mpsc::Sender<(StoreId, StoreRequest)>,
    queue: Sender<Inbound>,
}

impl StoreLink {
    /// Starts answering questions on this runtime, until it or the link is dropped.
    pub(crate) fn start(runtime: &Handle, store: Store, queue: Sender<Inbound>) -> Self {
        let (questions, asked) = mpsc::channel(tiltyard::STORE_QUESTIONS_MAX);
        runtime.spawn(drive_questions(asked, store, queue.clone()));
        Self { questions, queue }
    }

    /// Puts a question; the answer goes into the queue.
    pub(crate) fn ask(&self, id: StoreId, request: StoreRequest) {
        if self.questions.try_send((id, request)).is_err() {
            let outcome = Err(StoreFailure::Busy);
            if self
                .queue
                .try_send(Inbound::Stored { id, outcome })
                .is_err()
            {
                warn!(
                    "neither the database nor the queue takes anything; a question gets no answer"
                );
            }
        }
    }
}

async fn drive_questions(
    mut asked: mpsc::Receiver<(StoreId, StoreRequest)>,
    store: Store,
    queue: Sender<Inbound>,
) {
    let places = Arc::new(Semaphore::new(CONCURRENT_MAX));
    while let Some((id, request)) = asked.recv().await {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let (store, queue) = (store.clone(), queue.clone());
        tokio::spawn(async move {
            let outcome = answer(&store, request).await;
            enqueue(&queue, Inbound::Stored { id, outcome }).await;
            drop(place);
        });
    }
}

async fn answer(store: &Store, request: StoreRequest) -> StoreOutcome {
    let reply = match request {
        StoreRequest::Users { ids, usernames } => users(store, ids, usernames).await,
        other => {
            warn!(?other, "the database does not know such a question");
            return Err(StoreFailure::Failed);
        }
    };
    reply.map_err(|error| {
        warn!(%error, "the database failed");
        StoreFailure::Failed
    })
}

async fn users(
    store: &Store,
    ids: Vec<UserId>,
    usernames: Vec<String>,
) -> Result<StoreReply, StoreError> {
    let query = UserQuery {
        ids: ids.into_iter().map(|id| id.0).collect(),
        usernames,
        ..UserQuery::default()
    };
    let found = store.users(&query).await?;
    let users = found.into_iter().map(|user| StoredUser {
        id: UserId(user.id),
        username: user.username.into(),
    });
    Ok(StoreReply::Users(users.collect()))
}
