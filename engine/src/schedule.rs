//! The stages of a pass, and the schedules that game code adds systems to.

use bevy_app::prelude::*;
use bevy_ecs::{
    error::{BevyError, ErrorContext},
    prelude::*,
    schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor},
};
use tracing::error;

use crate::{
    audit::{Disagreements, audit},
    channel::ChannelPlugin,
    clock::{Now, RecordClock},
    data::DataPlugin,
    flight::FlightPlugin,
    functions::{self, Environment, Functions, NotStored},
    inbound,
    limits::Limits,
    matches::MatchPlugin,
    matchmaker::MatchmakerPlugin,
    outbound::Outbox,
    overload::Overload,
    party::PartyPlugin,
    request::RequestKind,
    requests::{self, Arrivals, HandleRequests, Resumed},
    session::SessionIndex,
    shutdown::{Shutdown, advance_shutdown},
    status::StatusPlugin,
    store::StoreQuestions,
    stream::{PresenceEvents, StreamIndex, announce_presences},
};

/// One run of the engine: everything that entered is dealt with, and due matches tick.
#[derive(ScheduleLabel, Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Pass;

/// The stages of one pass, in the order in which they run.
#[derive(SystemSet, Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PassSystems {
    /// Drains the queue. No later stage reads it.
    Receive,
    /// Starts the sessions that were opened.
    Sessions,
    /// Carries out what clients and callers ask, and ends the sessions that were closed, in the order in
    /// which it arrived. After it, everything that needs no tick is done.
    Requests,
    /// Decides join attempts; accepted players are participants of their match.
    Admit,
    /// Every due match runs its systems once, with its messages of this tick.
    Loop,
    /// Joins, leaves, kicks, label changes and ended matches become final.
    Settle,
    /// Fills the outbox with what members of streams learn about one another. It is complete after this.
    Send,
}

impl PassSystems {
    /// How many there are.
    pub const COUNT: usize = 7;

    /// All of them, in the order in which they run.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Receive,
        Self::Sessions,
        Self::Requests,
        Self::Admit,
        Self::Loop,
        Self::Settle,
        Self::Send,
    ];

    /// What it is called where people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Sessions => "sessions",
            Self::Requests => "requests",
            Self::Admit => "admit",
            Self::Loop => "loop",
            Self::Settle => "settle",
            Self::Send => "send",
        }
    }
}

macro_rules! match_schedules {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(ScheduleLabel, Clone, Copy, Debug, Eq, Hash, PartialEq)]
            pub struct $name;
        )*

        /// The schedules of match rules.
        fn init_match_schedules(app: &mut App) {
            $(
                app.init_schedule($name);
                app.edit_schedule($name, strict);
            )*
        }
    };
}

match_schedules! {
    /// Runs when somebody wants to join, once for each attempt of a match.
    MatchJoinAttempt,
    /// Runs when somebody has joined.
    MatchJoin,
    /// Runs when somebody has left.
    MatchLeave,
    /// Runs when it is time for a tick.
    MatchLoop,
    /// Runs when the server itself has something to say to a match.
    MatchSignal,
    /// Runs when the server is going to stop.
    MatchTerminate,
}

/// One thread, one order: two systems that touch the same data must say which comes first.
fn strict(schedule: &mut Schedule) {
    schedule.set_executor(SingleThreadedExecutor::new());
    schedule.set_build_settings(ScheduleBuildSettings {
        ambiguity_detection: LogLevel::Error,
        hierarchy_detection: LogLevel::Error,
        ..ScheduleBuildSettings::default()
    });
}

/// The engine: sessions, streams, matches and the pass that moves them.
///
/// It has no clock and no sockets: whoever runs it sets [`Now`], runs [`Pass`], and takes what is in the
/// [`Outbox`].
#[derive(Clone, Debug)]
pub struct EnginePlugin {
    /// The name of this node, part of the ids of its matches.
    pub node: crate::id::NodeName,
    /// What it bounds.
    pub limits: Limits,
}

impl Plugin for EnginePlugin {
    fn build(&self, app: &mut App) {
        let (sender, queue) = inbound::queue();
        app.insert_resource(sender)
            .insert_resource(queue)
            .insert_resource(self.limits.clone())
            .insert_resource(Node(self.node))
            .init_resource::<Now>()
            .init_resource::<Outbox>()
            .init_resource::<Arrivals>()
            .init_resource::<Resumed>()
            .init_resource::<Functions>()
            .init_resource::<NotStored>()
            .init_resource::<functions::Awaited>()
            .init_resource::<Environment>()
            .init_resource::<SessionIndex>()
            .init_resource::<StreamIndex>()
            .init_resource::<PresenceEvents>()
            .init_resource::<Shutdown>()
            .init_resource::<Overload>()
            .init_resource::<Disagreements>()
            .init_resource::<StoreQuestions>()
            .init_resource::<RecordClock>()
            .init_schedule(Pass)
            .edit_schedule(Pass, |schedule| {
                strict(schedule);
                schedule.configure_sets(
                    (
                        PassSystems::Receive,
                        PassSystems::Sessions,
                        PassSystems::Requests,
                        PassSystems::Admit,
                        PassSystems::Loop,
                        PassSystems::Settle,
                        PassSystems::Send,
                    )
                        .chain(),
                );
            });
        init_match_schedules(app);
        app.add_systems(
            Pass,
            (
                requests::receive.in_set(PassSystems::Receive),
                requests::open_sessions.in_set(PassSystems::Sessions),
                requests::carry_out_requests.in_set(PassSystems::Requests),
                (announce_presences, audit)
                    .chain()
                    .in_set(PassSystems::Send),
            ),
        );
        app.add_plugins((
            MatchPlugin,
            MatchmakerPlugin,
            ChannelPlugin,
            StatusPlugin,
            PartyPlugin,
            DataPlugin,
            FlightPlugin,
        ))
        .handle_request(RequestKind::Rpc, functions::call_rpc)
        .handle_request(RequestKind::Ping, requests::pong)
        .handle_request(RequestKind::Pong, requests::ignore)
        .add_systems(
            Pass,
            advance_shutdown
                .in_set(PassSystems::Settle)
                .after(crate::matches::settle_matches),
        )
        .set_error_handler(report_failure);
    }
}

/// The name of this node.
#[derive(Resource, Clone, Copy, Debug)]
pub struct Node(pub crate::id::NodeName);

/// A system that fails or panics loses its run; the pass goes on.
fn report_failure(failure: BevyError, context: ErrorContext) {
    error!(system = %context.name(), %failure, "a system failed");
}
