//! What happens while there is a connection.

use std::{collections::VecDeque, sync::atomic::Ordering, time::Duration};

use tiltyard_proto::{
    encode_protobuf,
    realtime::{Envelope, Match, MatchJoin, Ping, envelope::Message},
};
use tokio::{
    sync::mpsc::{self, Permit},
    time::{Instant, MissedTickBehavior, interval},
};

use super::{
    Driver, Turn,
    matches::Handles,
    requests::{Asked, Asker, PING_CID, Requests},
};
use crate::{
    command::{Command, Control, MatchSend},
    event::{Ended, Event, FailReason, MatchData, MatchId, Reply, ServerError},
    link::{Incoming, Link, Outgoing, Wire},
};

/// How often a WebSocket is pinged, to know how far the server is and whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// What lasts as long as a connection.
struct State {
    handles: Handles,
    requests: Requests,
    /// Matches to go back into, before anything else is sent.
    rejoins: VecDeque<(MatchId, MatchJoin)>,
    pinged_at: Option<Instant>,
}

/// What the outbox has room for.
enum Next {
    Rejoin(MatchId, MatchJoin),
    Command(Command),
}

impl Driver {
    /// Runs a connection until it ends; `Err` if the game wants so.
    pub(super) async fn run(&mut self, link: Link, attempt: u32) -> Result<Ended, Turn> {
        let mut link = link;
        let mut state = State {
            handles: Handles::default(),
            requests: Requests::default(),
            rejoins: self.joined.rejoins().into(),
            pinged_at: None,
        };
        self.totals.connections += 1;
        self.publish(&link.wire, &state);
        self.shared.is_connected.store(true, Ordering::Relaxed);
        self.tell_last(Event::Connected {
            transport: link.wire.connection(),
            session_id: link.wire.session_id(),
            attempt,
        });

        let ended = self.serve(&mut link, &mut state).await;

        self.shared.is_connected.store(false, Ordering::Relaxed);
        let reason = ended.as_ref().map_or(Ended::ByGame, Clone::clone);
        if ended.is_err() {
            self.flush(&mut link, &mut state);
        }
        self.publish(&link.wire, &state);
        link.close(&reason).await;
        self.totals = self.shared.lock_stats().disconnected();
        *self.shared.lock_stats() = self.totals;
        for (request, asked) in state.requests.drain() {
            if let Asked::Leave(id) = asked {
                self.joined.remove(&id);
            }
            self.fail(request, FailReason::Ended(reason.clone()));
        }
        ended
    }

    async fn serve(&mut self, link: &mut Link, state: &mut State) -> Result<Ended, Turn> {
        let mut pings = interval(PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.is_overflowing {
                return Ok(Ended::NotPolled);
            }
            let Link { wire, outbox, .. } = &mut *link;
            let inputs = &mut self.inputs;
            let rejoins = &mut state.rejoins;
            tokio::select! {
                incoming = wire.next() => {
                    if let Some(ended) = self.take(wire, state, incoming) {
                        return Ok(ended);
                    }
                }
                control = inputs.controls.recv() => match control {
                    Some(Control::Connect(goal)) => return Err(Turn::Connect(goal)),
                    Some(Control::Disconnect) => return Err(Turn::Idle),
                    Some(Control::Rebind) => rebind(wire),
                    None => return Err(Turn::Stop),
                },
                Some((permit, next)) = next(outbox, rejoins, &mut inputs.commands) => {
                    self.send(state, permit, next);
                }
                Some(data) = inputs.lossy.recv() => self.send_lossy(wire, outbox, state, data),
                Some((request, login)) = self.logins.next() => self.take_login(request, login),
                _ = pings.tick() => {
                    ping(wire, outbox, state);
                    self.publish(wire, state);
                }
            }
        }
    }

    /// Sends what the game had sent before it wanted the end, as far as there is room.
    fn flush(&mut self, link: &mut Link, state: &mut State) {
        while let Ok(permit) = link.outbox.try_reserve() {
            let Ok(command) = self.inputs.commands.try_recv() else {
                return;
            };
            self.send(state, permit, Next::Command(command));
        }
    }

    fn send(&mut self, state: &mut State, permit: Permit<'_, Outgoing>, next: Next) {
        match next {
            Next::Rejoin(id, join) => {
                let asker = state.requests.add_own(Asked::Rejoin(id));
                permit.send(ask(asker, Message::MatchJoin(join)));
            }
            Next::Command(Command::Request(request, message)) => {
                self.forget_left(&message);
                let asker = state.requests.add(request, Asked::of(&message));
                permit.send(ask(asker, *message));
            }
            Next::Command(Command::Data(data)) => {
                permit.send(outgoing(&data.into_envelope()));
            }
            Next::Command(command @ Command::Authenticate(..)) => self.refuse(command),
        }
    }

    /// Sends data that may be lost: in a datagram if there are any, else if there is room.
    fn send_lossy(
        &mut self,
        wire: &Wire,
        outbox: &mpsc::Sender<Outgoing>,
        state: &mut State,
        data: MatchSend,
    ) {
        if let Wire::Quic(wire) = wire
            && let Some(datagram) = state.handles.datagram(&data)
        {
            if !wire.try_send_datagram(datagram) {
                self.drop_send();
            }
            return;
        }
        if outbox.try_send(outgoing(&data.into_envelope())).is_err() {
            self.drop_send();
        }
    }

    /// A match that the game leaves is not gone back into.
    pub(super) fn forget_left(&mut self, message: &Message) {
        if let Message::MatchLeave(leave) = message {
            self.joined.remove(&leave.match_id);
        }
    }

    /// Takes in what the server sent.
    fn take(&mut self, wire: &mut Wire, state: &mut State, incoming: Incoming) -> Option<Ended> {
        match incoming {
            Incoming::Ended(ended) => return Some(ended),
            Incoming::MatchHandle(name) => {
                let Ok(early) = state.handles.learn(name) else {
                    return Some(Ended::Protocol("too many match handles".into()));
                };
                for data in early {
                    self.shared.events.push_lossy(Event::MatchData(data));
                }
            }
            Incoming::Datagram(bytes) => {
                let data = state.handles.accept(bytes);
                self.publish(wire, state);
                if let Some(data) = data {
                    self.shared.events.push_lossy(Event::MatchData(data));
                }
            }
            Incoming::Envelope(envelope) => self.take_envelope(wire, state, *envelope),
        }
        None
    }

    fn take_envelope(&mut self, wire: &mut Wire, state: &mut State, envelope: Envelope) {
        self.publish(wire, state);
        if envelope.cid == PING_CID {
            if let (Wire::WebSocket(wire), Some(at)) = (wire, state.pinged_at.take()) {
                wire.rtt = Some(at.elapsed());
            }
            return;
        }
        match (state.requests.take(&envelope.cid), envelope.message) {
            (Some((asker, asked)), message) => self.take_answer(state, asker, asked, message),
            (None, Some(Message::MatchData(data))) => {
                let is_reliable = data.reliable;
                let event = Event::MatchData(MatchData {
                    match_id: state.handles.known(data.match_id),
                    op_code: data.op_code,
                    data: data.data.into(),
                    sender: data.presence.map(Into::into),
                    is_datagram: false,
                });
                if is_reliable {
                    self.tell(event);
                } else {
                    self.shared.events.push_lossy(event);
                }
            }
            (None, Some(message)) => {
                if let Message::MatchPresenceEvent(event) = &message {
                    self.joined.prune(event);
                }
                self.tell(Event::Message(Box::new(message)));
            }
            (None, None) => {}
        }
    }

    fn take_answer(&mut self, state: &State, asker: Asker, asked: Asked, message: Option<Message>) {
        let result = match message {
            Some(Message::Error(error)) => Err(ServerError {
                code: error.code,
                message: error.message,
            }),
            message => Ok(Reply(message)),
        };
        match (asker, asked) {
            (Asker::Game(request), asked) => {
                match (asked, result.as_ref().map(Reply::joined)) {
                    (Asked::Join(metadata), Ok(Some(joined))) => {
                        let id = state.handles.known(joined.match_id.clone());
                        self.joined.add(id, metadata, own_session(joined));
                    }
                    // It may have been joined while this was on its way.
                    (Asked::Leave(id), _) => self.joined.remove(&id),
                    _ => {}
                }
                self.answered();
                let answer = Event::Reply { request, result };
                if self.shared.events.push(answer).is_err() {
                    self.is_overflowing = true;
                    let reason = FailReason::Ended(Ended::NotPolled);
                    self.tell_last(Event::Failed { request, reason });
                }
            }
            (Asker::Client(_), Asked::Rejoin(match_id)) => match result {
                Ok(Reply(Some(Message::Match(joined)))) => {
                    self.joined.note_session(&match_id, own_session(&joined));
                    self.tell(Event::Rejoined {
                        match_id,
                        joined: Box::new(joined),
                    });
                }
                Ok(_) => {}
                Err(error) => {
                    self.joined.remove(&match_id);
                    self.tell(Event::MatchLost { match_id, error });
                }
            },
            (Asker::Client(_), Asked::Join(_) | Asked::Leave(_) | Asked::Other) => {}
        }
    }

    /// Shows the game how the connection does.
    fn publish(&self, wire: &Wire, state: &State) {
        let mut stats = self.totals;
        wire.measure(&mut stats);
        state.handles.measure(&mut stats);
        *self.shared.lock_stats() = stats;
    }
}

/// What is to be sent next, once there is room for it.
///
/// # Cancellation
///
/// Nothing is lost.
async fn next<'a>(
    outbox: &'a mpsc::Sender<Outgoing>,
    rejoins: &mut VecDeque<(MatchId, MatchJoin)>,
    commands: &mut mpsc::Receiver<Command>,
) -> Option<(Permit<'a, Outgoing>, Next)> {
    let permit = outbox.reserve().await.ok()?;
    if let Some((id, join)) = rejoins.pop_front() {
        return Some((permit, Next::Rejoin(id, join)));
    }
    let command = commands.recv().await?;
    Some((permit, Next::Command(command)))
}

/// What the server calls this session; empty if it does not say.
fn own_session(joined: &Match) -> String {
    let own = joined.self_.as_ref();
    own.map(|own| own.session_id.clone()).unwrap_or_default()
}

fn ask(asker: Asker, message: Message) -> Outgoing {
    outgoing(&Envelope {
        cid: asker.cid(),
        message: Some(message),
    })
}

fn outgoing(envelope: &Envelope) -> Outgoing {
    Outgoing::Envelope(encode_protobuf(envelope))
}

fn rebind(wire: &Wire) {
    if let Wire::Quic(wire) = wire
        && let Err(error) = wire.rebind()
    {
        tracing::warn!(%error, "no other port");
    }
}

/// Asks how far the server is, unless it has not answered yet.
fn ping(wire: &Wire, outbox: &mpsc::Sender<Outgoing>, state: &mut State) {
    if matches!(wire, Wire::Quic(_)) || state.pinged_at.is_some() {
        return;
    }
    let ping = Envelope {
        cid: PING_CID.into(),
        message: Some(Message::Ping(Ping {})),
    };
    // With so much waiting already, the next one will do.
    if outbox.try_send(outgoing(&ping)).is_ok() {
        state.pinged_at = Some(Instant::now());
    }
}
