//! Questions of the world to the database, and its answers.

mod answer;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use crossbeam_channel::Sender;
use futures_util::FutureExt;
use tiltyard::{Call, Inbound, StoreFailure, StoreId, StoreOutcome, StoreReply, StoreRequest};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc},
    time::{Instant, timeout_at},
};
use tracing::{debug, error, warn};

use crate::{
    bridge::Bridge,
    data_link::{Answered, DataLink},
    peer::enqueue,
};
use answer::answer;

/// Questions that are put to the database at a time. Clients wait for their own answers, so what belongs
/// together stays in order.
const CONCURRENT_MAX: usize = 16;

/// How long a question may take from when it is put, however many wait before it. Half a second less than
/// what clients are promised.
const ANSWER_WAIT: Duration = Duration::from_millis(4500);

/// The world's end of the way to the database.
#[derive(Debug)]
pub(crate) struct StoreLink {
    questions: mpsc::Sender<Question>,
    queue: Sender<Inbound>,
    /// Questions that were refused and whose askers could not be told yet.
    refused: Vec<StoreId>,
}

impl StoreLink {
    /// Starts answering questions on this runtime, until it or the link is dropped.
    pub(crate) fn start(
        runtime: &Handle,
        data: DataLink,
        bridge: &Bridge,
        queue: Sender<Inbound>,
    ) -> Self {
        let (questions, asked) = mpsc::channel(tiltyard::STORE_QUESTIONS_MAX);
        let answerer = Answerer {
            data,
            bridge: bridge.clone(),
            queue: queue.clone(),
        };
        runtime.spawn(drive_questions(asked, answerer));
        Self {
            questions,
            queue,
            refused: Vec::new(),
        }
    }

    /// Puts a question; the answer goes into the queue.
    pub(crate) fn ask(&mut self, id: StoreId, request: StoreRequest) {
        if self.questions.try_send(Question::new(id, request)).is_err() {
            self.refused.push(id);
        }
        self.tell_refused();
    }

    /// Answers what was refused, as far as the queue takes it. Called every pass, so that nobody waits for
    /// ever; there are never more than [`STORE_QUESTIONS_MAX`](tiltyard::STORE_QUESTIONS_MAX).
    pub(crate) fn tell_refused(&mut self) {
        while let Some(id) = self.refused.pop() {
            let outcome = Err(StoreFailure::Busy);
            if self
                .queue
                .try_send(Inbound::Stored { id, outcome })
                .is_err()
            {
                self.refused.push(id);
                return;
            }
        }
    }
}

/// What the world wants to know, or to have changed.
#[derive(Debug)]
struct Question {
    id: StoreId,
    request: StoreRequest,
    /// When it is answered at the latest. What takes its time is bounded by its steps alone.
    deadline: Option<Instant>,
}

impl Question {
    fn new(id: StoreId, request: StoreRequest) -> Self {
        let is_long = matches!(request, StoreRequest::InsertNotificationForAll(_));
        Self {
            id,
            request,
            deadline: (!is_long).then(|| Instant::now() + ANSWER_WAIT),
        }
    }
}

/// Hands questions on until the link is dropped.
async fn drive_questions(mut asked: mpsc::Receiver<Question>, answerer: Answerer) {
    // Changes are made in the order in which they were asked for, so that channels and users see them in it too.
    let changes = lane(&answerer);
    let long = lane(&answerer);
    let places = Arc::new(Semaphore::new(CONCURRENT_MAX));
    while let Some(question) = asked.recv().await {
        let lane = match question.deadline {
            None => Some(&long),
            Some(_) => is_change(&question.request).then_some(&changes),
        };
        if let Some(lane) = lane {
            if lane.send(question).await.is_err() {
                return;
            }
            continue;
        }
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let answerer = answerer.clone();
        tokio::spawn(async move {
            answerer.answer(question).await;
            drop(place);
        });
    }
}

/// A way to the database for one question at a time.
fn lane(answerer: &Answerer) -> mpsc::Sender<Question> {
    let (questions, asked) = mpsc::channel(tiltyard::STORE_QUESTIONS_MAX);
    tokio::spawn(drive_lane(asked, answerer.clone()));
    questions
}

/// Answers questions in their order until nobody can put any.
async fn drive_lane(mut asked: mpsc::Receiver<Question>, answerer: Answerer) {
    while let Some(question) = asked.recv().await {
        answerer.answer(question).await;
    }
}

/// Puts questions to the database, and hands its answers over.
#[derive(Clone)]
struct Answerer {
    data: DataLink,
    bridge: Bridge,
    queue: Sender<Inbound>,
}

impl Answerer {
    async fn answer(&self, question: Question) {
        let id = question.id;
        let (outcome, calls) = answer_in_time(&self.data, question).await;
        // The world does what follows from a change before game code hears of it. Nothing here waits for
        // that: the world may have to ask the database, and this is what would answer.
        for call in calls {
            self.bridge.tell(call).await;
        }
        enqueue(&self.queue, Inbound::Stored { id, outcome }).await;
    }
}

/// Whether it changes the database, and is quickly done.
const fn is_change(request: &StoreRequest) -> bool {
    if let StoreRequest::Data(request) = request {
        return request.is_change();
    }
    matches!(
        request,
        StoreRequest::InsertMessage(_)
            | StoreRequest::UpdateMessage(_)
            | StoreRequest::RemoveMessage(_)
            | StoreRequest::InsertNotifications(_)
    )
}

/// An answer in any case, also of a database that hangs, or of one that panics. What was to be changed may be changed
/// all the same.
async fn answer_in_time(data: &DataLink, question: Question) -> (StoreOutcome, Vec<Call>) {
    let Question {
        request, deadline, ..
    } = question;
    let late = (Err(StoreFailure::Unavailable), Vec::new());
    if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
        debug!("a question waited too long to be put to the database");
        return late;
    }
    let answer = AssertUnwindSafe(answer_any(data, request)).catch_unwind();
    let answered = match deadline {
        Some(deadline) => timeout_at(deadline, answer).await,
        None => Ok(answer.await),
    };
    match answered {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            error!("a question to the database panicked");
            (Err(StoreFailure::Failed), Vec::new())
        }
        Err(_) => {
            warn!("the database does not answer");
            late
        }
    }
}

async fn answer_any(data: &DataLink, request: StoreRequest) -> (StoreOutcome, Vec<Call>) {
    let StoreRequest::Data(request) = request else {
        return (answer(&data.store, request).await, Vec::new());
    };
    let Answered { outcome, calls } = data.answer(*request).await;
    (Ok(StoreReply::Data(Box::new(outcome))), calls)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tiltyard::{ChannelId, ChannelMessage, MessageCode, Spelled, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::{
        auth::Sessions,
        store::{MessageQuery, Position, Store},
    };

    fn channel() -> ChannelId {
        ChannelId::parse("2...room").unwrap()
    }

    fn insertion(number: u64) -> StoreRequest {
        StoreRequest::InsertMessage(Arc::new(ChannelMessage {
            channel: Spelled {
                id: channel(),
                text: "2...room".into(),
            },
            id: Uuid::from_u128(number.into()),
            code: MessageCode::Chat,
            sender: UserId::SYSTEM,
            username: Arc::default(),
            content: "{}".into(),
            create_us: 1,
            update_us: 1,
            persistent: true,
        }))
    }

    async fn data_in(dir: &Path) -> DataLink {
        DataLink {
            store: Store::open_embedded(dir).await.unwrap(),
            sessions: Arc::new(Sessions::for_tests()),
        }
    }

    #[tokio::test]
    async fn a_change_that_waited_too_long_is_not_made_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let data = data_in(dir.path()).await;
        let mut question = Question::new(StoreId(1), insertion(1));
        question.deadline = Some(Instant::now());
        let (outcome, calls) = answer_in_time(&data, question).await;
        assert_eq!(outcome, Err(StoreFailure::Unavailable));
        assert!(calls.is_empty());
        let all = MessageQuery::After(channel(), Position::START);
        assert_eq!(data.store.messages(&all, 10).await.unwrap(), []);
        let question = Question::new(StoreId(2), insertion(1));
        assert!(answer_in_time(&data, question).await.0.is_ok());
        assert_eq!(data.store.messages(&all, 10).await.unwrap().len(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn changes_are_made_in_the_order_in_which_they_were_asked_for() {
        // Few enough for a slow disk to keep them within the time that a question may take.
        const CHANGES: usize = 30;
        let dir = tempfile::tempdir().unwrap();
        let data = data_in(dir.path()).await;
        let (sender, queue) = crossbeam_channel::bounded(256);
        let bridge = Bridge::new(sender.clone());
        let mut link = StoreLink::start(&Handle::current(), data, &bridge, sender);
        for number in 0..CHANGES as u64 {
            link.ask(StoreId(number), insertion(number));
        }
        let answered = tokio::task::spawn_blocking(move || {
            let answers = queue.iter().take(CHANGES).map(|inbound| match inbound {
                Inbound::Stored { id, outcome } => (id.0, outcome.is_ok()),
                other => panic!("not an answer: {other:?}"),
            });
            answers.collect::<Vec<_>>()
        });
        let expected: Vec<_> = (0..CHANGES as u64).map(|number| (number, true)).collect();
        assert_eq!(answered.await.unwrap(), expected);
    }
}
