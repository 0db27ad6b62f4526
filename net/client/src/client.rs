//! What a game holds.

use std::{
    future::Future,
    io,
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use thiserror::Error;
use tiltyard_proto::realtime::envelope::Message;
use tokio::{
    runtime::{self, Runtime},
    sync::mpsc::{self, error::TrySendError},
};

use crate::{
    account::Account,
    command::{Command, Control, Goal, MatchSend},
    driver::{Inputs, Shared, drive},
    event::{Delivery, Ended, Event, MatchId, RequestId},
    options::{Options, Transport},
    queue::EventQueue,
    request::is_request,
    session::Session,
    stats::Stats,
};

/// Calls of [`Client::connect`], [`disconnect`](Client::disconnect) and the like that may wait.
const CONTROLS_MAX: usize = 16;

/// Bytes of an envelope around its message: a correlation id of up to 20 digits, and lengths.
const ENVELOPE_BYTES: usize = 32;

/// A player's connection to a server.
///
/// Nothing here waits but [`wait`](Self::wait) and dropping it: that says goodbye to the server, and
/// takes a second at most.
///
/// While as many events wait as there is room for, what would lead to another one is refused as
/// [`SendError::Full`]: poll first.
#[derive(Debug)]
pub struct Client {
    controls: mpsc::Sender<Control>,
    commands: mpsc::Sender<Command>,
    lossy: mpsc::Sender<MatchSend>,
    shared: Arc<Shared>,
    requests: u64,
    requests_max: usize,
    message_bytes_max: usize,
    /// `None` only while it is dropped.
    thread: Option<JoinHandle<()>>,
}

impl Client {
    /// Starts the client's thread. There is no connection yet.
    ///
    /// # Errors
    ///
    /// If the system gives no thread, or nothing to wait for sockets with.
    pub fn new(options: Options) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let sends_max = options.sends_max.max(1);
        let (controls, controls_wait) = mpsc::channel(CONTROLS_MAX);
        let (commands, commands_wait) = mpsc::channel(sends_max);
        let (lossy, lossy_wait) = mpsc::channel(sends_max);
        let events = EventQueue::new(options.events_max, options.lossy_events_max);
        let shared = Arc::new(Shared::new(events));
        let inputs = Inputs {
            controls: controls_wait,
            commands: commands_wait,
            lossy: lossy_wait,
        };
        let (requests_max, message_bytes_max) = (options.requests_max, options.message_bytes_max);
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("tiltyard-client".into())
            .spawn(move || {
                // Also if what follows panics, so that nobody waits for ever.
                let _closes = CloseOnDrop(Arc::clone(&of_thread));
                run(runtime, drive(options, inputs, of_thread));
            })?;
        Ok(Self {
            controls,
            commands,
            lossy,
            shared,
            requests: 0,
            requests_max,
            message_bytes_max,
            thread: Some(thread),
        })
    }

    /// The next thing that happened, if any. Call it until there is none, once a frame.
    pub fn poll(&mut self) -> Option<Event> {
        self.shared.events.pop()
    }

    /// The next thing that happens, within this time. For tools and tests; games [`poll`](Self::poll).
    pub fn wait(&mut self, timeout: Duration) -> Option<Event> {
        self.shared.events.pop_within(timeout)
    }

    /// Whether it has stopped by a mistake in it, and told so by [`Ended::Stopped`].
    /// It is of no use any more.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.shared.events.is_closed()
    }

    /// Asks for a session, which comes as [`Event::Authenticated`] or [`Event::Failed`].
    ///
    /// # Errors
    ///
    /// [`SendError::Full`]: too much waits already.
    pub fn authenticate(&mut self, account: Account) -> Result<RequestId, SendError> {
        self.ask(|request| Command::Authenticate(request, account.0))
    }

    /// Connects, and tells by [`Event::Connected`] or [`Event::Disconnected`].
    ///
    /// Tokens are refreshed as needed ([`Event::Refreshed`]). A connection that there is, or an attempt,
    /// is closed first.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`]: too many calls in a row, or too many events that were not polled.
    pub fn connect(&mut self, session: Session, transport: Transport) -> Result<(), SendError> {
        if !self.shared.events.has_room() {
            return Err(SendError::Full);
        }
        self.control(Control::Connect(Goal { session, transport }))
    }

    /// Closes the connection, or gives up trying. What was sent before goes out first, as far as the
    /// network takes it at once.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`]: too many calls in a row.
    pub fn disconnect(&mut self) -> Result<(), SendError> {
        self.control(Control::Disconnect)
    }

    /// Asks the server something. Its answer comes as [`Event::Reply`], or [`Event::Failed`] if there
    /// will be none.
    ///
    /// The most common messages have methods of their own, such as [`join_match`](Self::join_match).
    ///
    /// # Errors
    ///
    /// See [`SendError`]; nothing was sent.
    pub fn send(&mut self, message: Message) -> Result<RequestId, SendError> {
        if !is_request(&message) {
            return Err(SendError::NotRequest);
        }
        // A match that is left while there is no connection must not be joined again.
        let is_leave = matches!(message, Message::MatchLeave(_));
        if !is_leave && !self.is_connected() {
            return Err(SendError::NotConnected);
        }
        self.check_length(message.encoded_len())?;
        self.ask(|request| Command::Request(request, message.into()))
    }

    /// Sends data to a match that this client has joined. There is no answer.
    ///
    /// What may be lost goes in a datagram if the connection has these and it fits one, which is about
    /// a kilobyte.
    ///
    /// # Errors
    ///
    /// See [`SendError`]; nothing was sent.
    pub fn send_match_data(
        &mut self,
        match_id: impl Into<MatchId>,
        op_code: i64,
        data: impl Into<Bytes>,
        delivery: Delivery,
    ) -> Result<(), SendError> {
        let (match_id, data) = (match_id.into(), data.into());
        if !self.is_connected() {
            return Err(SendError::NotConnected);
        }
        self.check_length(data.len() + match_id.len())?;
        let data = MatchSend {
            match_id,
            op_code,
            data,
            delivery,
        };
        match delivery {
            Delivery::Reliable => Ok(self.commands.try_send(Command::Data(data))?),
            Delivery::Unreliable | Delivery::Newest => Ok(self.lossy.try_send(data)?),
        }
    }

    /// Whether there is a connection, as far as is known.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.shared.is_connected.load(Ordering::Relaxed)
    }

    /// How the connection does.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Goes on from another port of this machine, as if its network had changed. Only QUIC can.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`]: too many calls in a row.
    pub fn rebind(&mut self) -> Result<(), SendError> {
        self.control(Control::Rebind)
    }

    fn ask(&mut self, command: impl FnOnce(RequestId) -> Command) -> Result<RequestId, SendError> {
        let in_flight = self.shared.in_flight.load(Ordering::Relaxed);
        if in_flight >= self.requests_max || !self.shared.events.has_room() {
            return Err(SendError::Full);
        }
        let permit = self.commands.try_reserve()?;
        self.requests += 1;
        let request = RequestId(self.requests);
        self.shared.in_flight.fetch_add(1, Ordering::Relaxed);
        permit.send(command(request));
        Ok(request)
    }

    fn control(&self, control: Control) -> Result<(), SendError> {
        Ok(self.controls.try_send(control)?)
    }

    const fn check_length(&self, bytes: usize) -> Result<(), SendError> {
        if bytes + ENVELOPE_BYTES > self.message_bytes_max {
            return Err(SendError::TooLong);
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Without a sender the thread's work ends.
        self.controls = mpsc::channel(1).0;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the client's thread has panicked");
        }
    }
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SendError {
    /// Too much waits already: try again later, or send less.
    #[error("too much waits to be sent")]
    Full,
    /// There is no connection.
    #[error("not connected")]
    NotConnected,
    /// The server would close the connection over it.
    #[error("longer than the server takes")]
    TooLong,
    /// Servers say this, or never answer it.
    #[error("not something to ask a server")]
    NotRequest,
    /// The client's thread is gone: it has panicked.
    #[error("the client has stopped")]
    Stopped,
}

impl<T> From<TrySendError<T>> for SendError {
    fn from(error: TrySendError<T>) -> Self {
        match error {
            TrySendError::Full(_) => Self::Full,
            TrySendError::Closed(_) => Self::Stopped,
        }
    }
}

/// Does all work, and does not wait for what it has left behind: a name that is still looked up would
/// keep the game waiting as long as the system's resolver likes.
fn run(runtime: Runtime, work: impl Future<Output = ()>) {
    runtime.block_on(work);
    runtime.shutdown_background();
}

/// Tells whoever waits for events that none will come, and why if it was not the game's doing.
struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.is_connected.store(false, Ordering::Relaxed);
        if thread::panicking() {
            self.0.events.push_last(Event::Disconnected {
                reason: Ended::Stopped,
                will_retry: false,
            });
        }
        self.0.events.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::token;

    /// Nothing listens there, and nothing is asked of it.
    fn client(events_max: usize) -> Client {
        let mut options = Options::new("http://127.0.0.1:1").unwrap();
        options.events_max = events_max;
        Client::new(options).unwrap()
    }

    #[test]
    fn an_end_does_not_wait_for_what_is_still_looked_up() {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        let (answer, looked_up) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel();
        runtime.spawn_blocking(move || {
            begin.send(()).unwrap();
            looked_up.recv()
        });
        begun.recv().unwrap();
        thread::spawn(move || {
            run(runtime, async {});
            end.send(()).unwrap();
        });
        assert_eq!(ended.recv_timeout(Duration::from_secs(30)), Ok(()));
        drop(answer);
    }

    #[test]
    fn a_game_that_only_asks_is_told_to_poll_first() {
        let mut client = client(2);
        let session = Session::from_tokens(token(1), "").unwrap();
        // Each ends with an event that nobody polls; some are under way when there is no more room.
        while client.leave_match("m").is_ok() {}
        while client.shared.in_flight.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        assert_eq!(client.leave_match("m"), Err(SendError::Full));
        let connected = client.connect(session, Transport::Auto);
        assert_eq!(connected, Err(SendError::Full));
        while client.poll().is_some() {}
        assert!(client.leave_match("m").is_ok());
    }

    #[test]
    fn a_client_that_panics_says_so_last() {
        let shared = Arc::new(Shared::new(EventQueue::new(1, 1)));
        let of_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let _closes = CloseOnDrop(of_thread);
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
        let last = Event::Disconnected {
            reason: Ended::Stopped,
            will_retry: false,
        };
        assert!(shared.events.is_closed());
        assert_eq!(shared.events.pop(), Some(last));
    }
}
