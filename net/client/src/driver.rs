//! The life of a client, on a thread of its own.
//!
//! ```text
//!        ┌──────────────── Disconnect, no more attempts ───────────────┐
//!        ▼                                                             │
//!      idle ── Connect ─► establish ─► run the link ─► wait ─► establish …
//! ```

mod link_loop;
mod matches;
mod requests;

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{self, JoinError, JoinSet},
    time::{Instant, sleep},
};

use self::matches::Joined;
use crate::{
    command::{Command, Control, Goal, MatchSend},
    connect::{self, QuicMemory},
    event::{Connection, Ended, Event, FailReason, RequestId, ServerError},
    http::{self, HttpError},
    link::Link,
    options::Options,
    queue::EventQueue,
    session::Session,
    stats::Stats,
};

/// A connection that held this long was a good one: the next attempts begin to count anew.
const GOOD_CONNECTION: Duration = Duration::from_secs(10);

/// What the game's thread and the client's look at together.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) events: EventQueue,
    /// Requests without an answer.
    pub(crate) in_flight: AtomicUsize,
    pub(crate) is_connected: AtomicBool,
    stats: Mutex<Stats>,
}

impl Shared {
    pub(crate) fn new(events: EventQueue) -> Self {
        Self {
            events,
            in_flight: AtomicUsize::new(0),
            is_connected: AtomicBool::new(false),
            stats: Mutex::default(),
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let stats = *self.lock_stats();
        let events_dropped = self.events.dropped();
        Stats {
            events_dropped,
            ..stats
        }
    }

    fn lock_stats(&self) -> MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ends of the queues that the client's thread holds.
pub(crate) struct Inputs {
    pub(crate) controls: mpsc::Receiver<Control>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) lossy: mpsc::Receiver<MatchSend>,
}

/// What is done next.
enum Turn {
    Idle,
    Connect(Goal),
    /// The game has dropped its client.
    Stop,
}

/// Does what the game wants, until it drops its client.
pub(crate) async fn drive(options: Options, inputs: Inputs, shared: Arc<Shared>) {
    let mut driver = Driver {
        options: Arc::new(options),
        inputs,
        shared,
        logins: Logins::default(),
        joined: Joined::default(),
        quic: QuicMemory::default(),
        totals: Stats::default(),
        is_overflowing: false,
    };
    let mut turn = Turn::Idle;
    loop {
        turn = match turn {
            Turn::Idle => driver.idle().await,
            Turn::Connect(goal) => driver.play(goal).await,
            Turn::Stop => break,
        };
    }
    driver.logins.tasks.shutdown().await;
}

struct Driver {
    options: Arc<Options>,
    inputs: Inputs,
    shared: Arc<Shared>,
    logins: Logins,
    joined: Joined,
    quic: QuicMemory,
    /// Of the connections before the present one.
    totals: Stats,
    /// Whether the game has left too many events waiting.
    is_overflowing: bool,
}

/// Accounts that are being asked for.
#[derive(Default)]
struct Logins {
    tasks: JoinSet<Result<Session, HttpError>>,
    requests: BTreeMap<task::Id, RequestId>,
}

impl Logins {
    fn spawn(
        &mut self,
        request: RequestId,
        login: impl Future<Output = Result<Session, HttpError>> + Send + 'static,
    ) {
        let task = self.tasks.spawn(login);
        self.requests.insert(task.id(), request);
    }

    /// The next one that is done, or that a panic has ended; `None` if there are none.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost.
    async fn next(&mut self) -> Option<(RequestId, Result<Session, LoginError>)> {
        let (id, outcome) = match self.tasks.join_next_with_id().await? {
            Ok((id, outcome)) => (id, outcome.map_err(LoginError::Http)),
            Err(error) => (error.id(), Err(LoginError::Ended(error))),
        };
        let request = self.requests.remove(&id)?;
        Some((request, outcome))
    }
}

/// Why there is no session.
enum LoginError {
    Http(HttpError),
    Ended(JoinError),
}

impl Driver {
    /// Until the game wants a connection.
    async fn idle(&mut self) -> Turn {
        match self.serve_while(std::future::pending::<()>()).await {
            Ok(()) => Turn::Idle,
            Err(turn) => turn,
        }
    }

    /// One connection after the other, until the game wants none or there is none to be had.
    async fn play(&mut self, mut goal: Goal) -> Turn {
        // Since the last good connection.
        let mut retries = 0;
        let mut was_connected = false;
        self.joined.clear();
        self.is_overflowing = false;
        loop {
            let reason = match self.open(&mut goal).await {
                Err(turn) => return self.end(Ended::ByGame, turn),
                Ok(Err(reason)) => reason,
                Ok(Ok(link)) => {
                    was_connected = true;
                    let since = Instant::now();
                    let connection = link.wire.connection();
                    let ended = self.run(link, retries.max(1)).await;
                    if since.elapsed() >= GOOD_CONNECTION {
                        retries = 0;
                    } else if let (Connection::Quic, Ok(Ended::Lost(_))) = (connection, &ended) {
                        self.quic.note_broken();
                    }
                    match ended {
                        Ok(reason) => reason,
                        Err(turn) => return self.end(Ended::ByGame, turn),
                    }
                }
            };
            retries += 1;
            let may_retry = was_connected && reason.may_retry() && self.shared.events.has_room();
            let wait = self.options.reconnect.wait(retries, rand::random());
            let Some(wait) = wait.filter(|_| may_retry) else {
                return self.end(reason, Turn::Idle);
            };
            self.tell_last(Event::Disconnected {
                reason,
                will_retry: true,
            });
            if let Err(turn) = self.serve_while(sleep(wait)).await {
                return self.end(Ended::ByGame, turn);
            }
        }
    }

    /// Tells that there will be no more connection.
    fn end(&self, reason: Ended, turn: Turn) -> Turn {
        self.tell_last(Event::Disconnected {
            reason,
            will_retry: false,
        });
        turn
    }

    /// Tries to connect once.
    async fn open(&mut self, goal: &mut Goal) -> Result<Result<Link, Ended>, Turn> {
        let options = Arc::clone(&self.options);
        let mut session = goal.session.clone();
        let mut quic = self.quic;
        let opening = connect::establish(&options, &mut session, goal.transport, &mut quic);
        let outcome = self.serve_while(opening).await?;
        self.quic = quic;
        if session != goal.session {
            goal.session = session.clone();
            self.tell_last(Event::Refreshed { session });
        }
        Ok(outcome)
    }

    /// Waits for `future` without a connection: whoever asks for one is told that there is none.
    async fn serve_while<F: Future>(&mut self, future: F) -> Result<F::Output, Turn> {
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                done = &mut future => return Ok(done),
                control = self.inputs.controls.recv() => match control {
                    Some(Control::Connect(goal)) => return Err(Turn::Connect(goal)),
                    Some(Control::Disconnect) => return Err(Turn::Idle),
                    Some(Control::Rebind) => {}
                    None => return Err(Turn::Stop),
                },
                Some(command) = self.inputs.commands.recv() => self.refuse(command),
                Some(_) = self.inputs.lossy.recv() => self.drop_send(),
                Some((request, login)) = self.logins.next() => self.take_login(request, login),
            }
        }
    }

    /// What can be done without a connection.
    fn refuse(&mut self, command: Command) {
        match command {
            Command::Authenticate(request, account) => {
                let options = Arc::clone(&self.options);
                let login = async move { http::authenticate(&options, &account).await };
                self.logins.spawn(request, login);
            }
            Command::Request(request, message) => {
                self.forget_left(&message);
                self.fail(request, FailReason::NotConnected);
            }
            Command::Data(_) => self.drop_send(),
        }
    }

    fn take_login(&self, request: RequestId, login: Result<Session, LoginError>) {
        match login {
            Ok(session) => {
                self.answered();
                self.tell_last(Event::Authenticated { request, session });
            }
            Err(LoginError::Http(HttpError::Refused { status, message })) => {
                let code = status.into();
                self.fail(request, ServerError { code, message }.into());
            }
            Err(LoginError::Http(error)) => {
                self.fail(request, FailReason::Unreachable(error.to_string()));
            }
            Err(LoginError::Ended(error)) => {
                tracing::error!(%error, "asking for a session has panicked");
                self.fail(request, FailReason::Ended(Ended::Stopped));
            }
        }
    }

    /// A request has no answer, and will have none.
    fn fail(&self, request: RequestId, reason: FailReason) {
        self.answered();
        self.tell_last(Event::Failed { request, reason });
    }

    fn answered(&self) {
        self.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    fn drop_send(&mut self) {
        self.totals.sends_dropped += 1;
        self.shared.lock_stats().sends_dropped = self.totals.sends_dropped;
    }

    /// Tells the game what it must not miss. Without room, the connection is closed.
    fn tell(&mut self, event: Event) {
        if self.shared.events.push(event).is_err() {
            self.is_overflowing = true;
        }
    }

    /// Tells the game what is told even without room: there are no more of these than requests in
    /// flight, and a few for each connection. While there is no room, the game may begin neither.
    fn tell_last(&self, event: Event) {
        self.shared.events.push_last(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_login_that_panics_is_still_known_by_its_request() {
        let mut logins = Logins::default();
        logins.spawn(RequestId(1), async { panic!("on purpose") });
        logins.spawn(RequestId(2), async { Err(HttpError::Senseless) });
        let mut failed = Vec::new();
        while let Some((request, login)) = logins.next().await {
            failed.push((request.0, matches!(login, Err(LoginError::Ended(_)))));
        }
        failed.sort_unstable();
        assert_eq!(failed, [(1, true), (2, false)]);
    }
}
