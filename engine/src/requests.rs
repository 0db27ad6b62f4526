//! Carrying out what clients ask, one request of a session after the other.

use bevy_app::prelude::*;
use bevy_ecs::prelude::*;
use tracing::debug;

use crate::{
    census::census,
    channel,
    flight::FlightRecorder,
    functions::{
        self, AfterRequest, BeforeRequest, Functions, HookOutcome, Progress, RpcCall, RpcError,
    },
    id::{CallId, Slot, UserPresence},
    inbound::{Call, Cid, INBOUND_MESSAGES_MAX, Inbound, InboundQueue, Opening, Permit},
    matches,
    matchmaker::{self, Found},
    notification,
    outbound::{Answer, ErrorCode, Outbound, Outbox, Reply, RequestError},
    overload, party,
    request::{Request, RequestKind},
    session::{self, PendingRequest, Session, SessionFunctions, SessionIndex},
    shutdown::Shutdown,
    store::{self, StoreId, StoreOutcome},
    stream::{self, PresenceReason, StreamId},
};

/// What a client is told whose message the server does not carry out.
const PROCESSING_REASON: &str = "error processing message";

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) session: Entity,
    pub(crate) slot: Slot,
    pub(crate) who: UserPresence,
}

/// What became of a request.
pub(crate) enum Handled {
    /// It is done, with this answer.
    Reply(Reply),
    /// It is done, and has no answer.
    Silent,
    /// [`answer`] will be called; until then the session's other requests wait.
    Later,
}

impl Handled {
    pub(crate) fn refuse(error: RequestError) -> Self {
        Self::Reply(Reply::Error(error))
    }
}

/// Carries out requests of one kind.
pub(crate) type RequestHandler = fn(&mut World, &Asker, Request) -> Handled;

/// Who carries out what.
#[derive(Resource)]
pub(crate) struct RequestHandlers([Option<RequestHandler>; RequestKind::ALL.len()]);

impl Default for RequestHandlers {
    fn default() -> Self {
        Self([None; RequestKind::ALL.len()])
    }
}

/// Lets a plugin carry out requests.
pub(crate) trait HandleRequests {
    /// Requests of this kind go to this handler.
    fn handle_request(&mut self, kind: RequestKind, handler: RequestHandler) -> &mut Self;
}

impl HandleRequests for App {
    fn handle_request(&mut self, kind: RequestKind, handler: RequestHandler) -> &mut Self {
        self.init_resource::<RequestHandlers>();
        self.world_mut().resource_mut::<RequestHandlers>().0[kind as usize] = Some(handler);
        self
    }
}

/// What came out of the queue in this pass, in the order in which it arrived.
#[derive(Resource, Default, Debug)]
pub(crate) struct Arrivals {
    openings: Vec<Opening>,
    others: Vec<Arrival>,
}

#[derive(Debug)]
enum Arrival {
    Request {
        slot: Slot,
        cid: Cid,
        request: Request,
        permit: Permit,
    },
    Closed {
        slot: Slot,
    },
    Call {
        id: CallId,
        call: Box<Call>,
    },
    Stored {
        id: StoreId,
        outcome: StoreOutcome,
    },
    Found(Box<Found>),
}

/// Sessions that got an answer they had to wait for, and may go on.
#[derive(Resource, Default, Debug)]
pub(crate) struct Resumed(Vec<Entity>);

/// Drains the queue. No later stage reads it.
pub(crate) fn receive(
    queue: Res<InboundQueue>,
    mut arrivals: ResMut<Arrivals>,
    mut shutdown: ResMut<Shutdown>,
    mut flight: ResMut<FlightRecorder>,
) {
    let mut count = 0;
    for inbound in queue.0.try_iter().take(INBOUND_MESSAGES_MAX) {
        count += 1;
        match inbound {
            Inbound::Opened(opening) => arrivals.openings.push(*opening),
            Inbound::Closed { slot } => arrivals.others.push(Arrival::Closed { slot }),
            Inbound::Request {
                slot,
                cid,
                request,
                permit,
            } => {
                arrivals.others.push(Arrival::Request {
                    slot,
                    cid,
                    request,
                    permit,
                });
            }
            Inbound::Call { id, call } => arrivals.others.push(Arrival::Call { id, call }),
            Inbound::Stored { id, outcome } => {
                arrivals.others.push(Arrival::Stored { id, outcome })
            }
            Inbound::Found(found) => arrivals.others.push(Arrival::Found(found)),
            Inbound::Shutdown { grace } => shutdown.begin(grace),
        }
    }
    flight.count_inbound(count);
}

/// Starts the sessions that were opened. Their requests can only come after this.
pub(crate) fn open_sessions(world: &mut World) {
    for opening in std::mem::take(&mut world.resource_mut::<Arrivals>().openings) {
        session::open(world, opening);
    }
}

/// Carries out requests, calls and closings in the order in which they arrived.
///
/// Closings wait their turn here, because what a client sent before it went still counts.
pub(crate) fn carry_out_requests(world: &mut World) {
    store::take_own_answers(world);
    resume_sessions(world);
    for arrival in std::mem::take(&mut world.resource_mut::<Arrivals>().others) {
        match arrival {
            Arrival::Request {
                slot,
                cid,
                request,
                permit,
            } => arrive(world, slot, cid, request, permit),
            Arrival::Closed { slot } => {
                if let Some(session) = world.resource::<SessionIndex>().at(slot) {
                    session::close(world, session, PresenceReason::Disconnect);
                }
            }
            Arrival::Stored { id, outcome } => store::take_answer(world, id, outcome),
            Arrival::Found(found) => matchmaker::take_found(world, *found),
            Arrival::Call { id, call } => take_call(world, id, *call),
        }
    }
}

/// Lets sessions go on whose answers are there. Returns whether any did.
pub(crate) fn resume_sessions(world: &mut World) -> bool {
    let resumed = std::mem::take(&mut world.resource_mut::<Resumed>().0);
    for session in &resumed {
        while let Some((cid, request, permit)) = next_waiting(world, *session) {
            carry_out(world, *session, cid, request, permit);
        }
    }
    !resumed.is_empty()
}

fn next_waiting(world: &mut World, session: Entity) -> Option<(Cid, Request, Permit)> {
    let mut session = world.get_mut::<Session>(session)?;
    if session.turn.pending.is_some() {
        return None;
    }
    session.turn.waiting.pop_front()
}

fn arrive(world: &mut World, slot: Slot, cid: Cid, request: Request, permit: Permit) {
    let Some(entity) = world.resource::<SessionIndex>().at(slot) else {
        return;
    };
    let Some(mut session) = world.get_mut::<Session>(entity) else {
        return;
    };
    if session.turn.pending.is_some() || !session.turn.waiting.is_empty() {
        session.turn.waiting.push_back((cid, request, permit));
        return;
    }
    carry_out(world, entity, cid, request, permit);
}

fn carry_out(world: &mut World, session: Entity, cid: Cid, request: Request, permit: Permit) {
    let Some(asker) = world.get::<Session>(session).map(|found| Asker {
        session,
        slot: found.slot,
        who: found.presence.clone(),
    }) else {
        return;
    };
    if let Some(error) = overload::refusal(world, &request) {
        let reply = Reply::Error(error);
        world.resource_mut::<Outbox>().reply(asker.slot, cid, reply);
        return;
    }
    let Some(request) = allow(world, &asker, &cid, request) else {
        return;
    };
    if let Request::Invalid { error, .. } = request {
        world
            .resource_mut::<Outbox>()
            .reply(asker.slot, cid, Reply::Error(error));
        return;
    }
    let kind = request.kind();
    let wanted_after = world
        .resource::<Functions>()
        .after
        .contains_key(&kind)
        .then(|| request.clone());
    let handled = match request {
        // The most frequent request by far; its permit stays with the match until the tick that reads it.
        Request::MatchDataSend(data) => {
            matches::receive_data(world, &asker, data, permit);
            settle(world, &asker, wanted_after, None);
            return;
        }
        request => match world.resource::<RequestHandlers>().0[kind as usize] {
            Some(handler) => handler(world, &asker, request),
            None => Handled::refuse(RequestError::new(
                ErrorCode::UnrecognizedPayload,
                "Unrecognized message.",
            )),
        },
    };
    match handled {
        Handled::Reply(reply) => finish(world, &asker, cid, wanted_after, reply),
        Handled::Silent => settle(world, &asker, wanted_after, None),
        Handled::Later => {
            if let Some(mut found) = world.get_mut::<Session>(session) {
                found.turn.pending = Some(PendingRequest {
                    cid,
                    request: wanted_after,
                    permit,
                });
            }
        }
    }
}

/// Asks the hook before a request; `None` if the request ends here.
fn allow(world: &mut World, asker: &Asker, cid: &Cid, request: Request) -> Option<Request> {
    if !world
        .resource::<Functions>()
        .before
        .contains_key(&request.kind())
    {
        return Some(request);
    }
    let caller = world.get::<Session>(asker.session)?.caller();
    match Functions::call_before(world, BeforeRequest { caller, request }) {
        HookOutcome::Proceed(request) => Some(request),
        HookOutcome::Reject(RpcError { message, .. }) => {
            let error = RequestError::new(ErrorCode::RuntimeFunctionException, message);
            world
                .resource_mut::<Outbox>()
                .reply(asker.slot, cid.clone(), Reply::Error(error));
            None
        }
        HookOutcome::Disable => {
            debug!(session = %asker.who.session_id, "session ended: it sent a message that a hook disabled");
            session::close(world, asker.session, PresenceReason::Disconnect);
            let error = RequestError::new(
                ErrorCode::UnrecognizedPayload,
                "Requested resource was not found.",
            );
            let mut outbox = world.resource_mut::<Outbox>();
            outbox.reply(asker.slot, cid.clone(), Reply::Error(error));
            outbox.push(Outbound::Close {
                slot: asker.slot,
                reason: PROCESSING_REASON,
            });
            None
        }
    }
}

/// Gives a session the answer that it had to wait for.
pub(crate) fn answer(world: &mut World, session: Entity, reply: Reply) {
    let Some(mut found) = world.get_mut::<Session>(session) else {
        return;
    };
    let Some(PendingRequest { cid, request, .. }) = found.turn.pending.take() else {
        return;
    };
    let asker = Asker {
        session,
        slot: found.slot,
        who: found.presence.clone(),
    };
    world.resource_mut::<Resumed>().0.push(session);
    finish(world, &asker, cid, request, reply);
}

fn finish(world: &mut World, asker: &Asker, cid: Cid, request: Option<Request>, reply: Reply) {
    let succeeded = !matches!(reply, Reply::Error(_));
    let told = request.is_some().then(|| reply.clone());
    world.resource_mut::<Outbox>().reply(asker.slot, cid, reply);
    if succeeded {
        settle(world, asker, request, told);
    }
}

/// Tells the hook after a request, if there is one.
fn settle(world: &mut World, asker: &Asker, request: Option<Request>, reply: Option<Reply>) {
    let Some(request) = request else {
        return;
    };
    if let Some(caller) = world.get::<Session>(asker.session).map(Session::caller) {
        Functions::call_after(
            world,
            AfterRequest {
                caller,
                request,
                reply,
            },
        );
    }
}

/// Answers a call, but not before what it had stored is stored or is known not to be.
fn take_call(world: &mut World, id: CallId, call: Call) {
    let since = store::last_question(world);
    let answer = match call {
        Call::Rpc(call) => return call_rpc(world, id, call),
        Call::ListMatches { filter, query } => {
            let found = world.run_system_cached_with(matches::list_compiled, (filter, query));
            Answer::Matches(found.unwrap_or_default())
        }
        Call::Online(mut users) => {
            users.retain(|user| stream::entity_of(world, &StreamId::status(*user)).is_some());
            Answer::Online(users)
        }
        Call::BeforeApi(call) => Answer::Hook(Functions::call_before_api(world, call)),
        Call::AfterApi(result) => {
            Functions::call_after_api(world, result);
            Answer::Done
        }
        Call::Disconnect(user) => {
            world.user_disconnect(user);
            Answer::Done
        }
        Call::Notify(notifications) => {
            notification::notify(world, notifications);
            Answer::Done
        }
        Call::CloseStream(id) => {
            channel::turn_away(world, &id, |_| true);
            stream::close(world, &id);
            Answer::Done
        }
        Call::MatchmakerStats => Answer::MatchmakerStats(matchmaker::stats(world)),
        Call::Census => Answer::Census(census(world)),
        Call::Flight { count } => Answer::Flight(world.resource::<FlightRecorder>().latest(count)),
        Call::ListParties { filter, query } => {
            Answer::Parties(party::list_compiled(world, &filter, query.as_ref()))
        }
        Call::ChannelSystemMessages {
            channel,
            messages,
            leavers,
        } => {
            channel::show(world, &channel, messages, &leavers);
            Answer::Done
        }
    };
    if !store::has_open(world, since) {
        return give_answer(world, id, answer);
    }
    store::hold(world, since, move |world, _| give_answer(world, id, answer));
}

/// Runs a function that was called from outside.
fn call_rpc(world: &mut World, id: CallId, call: RpcCall) {
    let since = store::last_question(world);
    let rpc = call.id.clone();
    let Some(answer) = Functions::call_rpc(world, call) else {
        let error = RpcError::new(RpcError::NOT_FOUND, "RPC function not found");
        return give_answer(world, id, Answer::Rpc(Err(error)));
    };
    match functions::progress(world, since, &rpc, answer) {
        Progress::Done(result) => give_answer(world, id, Answer::Rpc(result)),
        Progress::Waiting(waiting) => {
            let done = move |world: &mut World, result| give_answer(world, id, Answer::Rpc(result));
            waiting.finish(world, Box::new(done));
        }
    }
}

fn give_answer(world: &mut World, id: CallId, answer: Answer) {
    world
        .resource_mut::<Outbox>()
        .push(Outbound::Answer { id, answer });
}

/// Answers `ping`, which passes through the queue so that answers stay in order.
pub(crate) fn pong(_: &mut World, _: &Asker, _: Request) -> Handled {
    Handled::Reply(Reply::Pong)
}

/// Takes a `pong` that nobody asked for.
pub(crate) fn ignore(_: &mut World, _: &Asker, _: Request) -> Handled {
    Handled::Silent
}
