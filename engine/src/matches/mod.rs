//! Matches: those that clients run among themselves, and those whose rules run here.
//!
//! A match that runs here is an entity. Its rules are systems that reach it through [`Matches`]; what
//! they decide is collected in its [`Dispatcher`] and carried out after each callback.

mod admission;
mod calendar;
mod callbacks;
mod components;
mod directory;
mod functions;
mod game;
mod index;
mod kind;
mod param;
mod requests;
mod ticks;

use std::time::Duration;

use bevy_app::prelude::*;
use bevy_ecs::prelude::*;

pub(crate) use self::{
    admission::Departures,
    calendar::Calendar,
    functions::list_compiled,
    index::{MatchIndex, MatchKinds},
    requests::receive_data,
    ticks::mark_due,
};
pub use self::{
    admission::JoinAttempt,
    calendar::Clock,
    components::{Dispatcher, Inbox, Label, Leave, Match, Message, Participants, Tick, TickRate},
    directory::{MatchDirectory, MatchFilter, MatchListing},
    functions::{MatchFunctions, SignalError},
    game::{Broadcast, Game, MatchContext},
    kind::{MatchError, MatchInit, MatchKind, MatchParams},
    param::{Matches, Outcome},
    requests::{MatchData, MatchInfo},
    ticks::TicksSkipped,
};
use self::{
    admission::{Knocking, Unsettled},
    components::{Occasion, Turn},
    param::Called,
};
use crate::{
    request::RequestKind,
    requests::HandleRequests,
    schedule::{MatchTerminate, Pass, PassSystems},
};

/// Matches of both kinds.
pub(crate) struct MatchPlugin;

impl Plugin for MatchPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<MatchKinds>()
            .init_resource::<MatchIndex>()
            .init_resource::<Calendar>()
            .init_resource::<Departures>()
            .init_resource::<Knocking>()
            .init_resource::<Unsettled>()
            .init_resource::<Called>()
            .init_resource::<TicksSkipped>()
            .handle_request(RequestKind::MatchCreate, requests::create)
            .handle_request(RequestKind::MatchJoin, requests::join)
            .handle_request(RequestKind::MatchLeave, requests::leave)
            .add_systems(
                Pass,
                (
                    admission::admit.in_set(PassSystems::Admit),
                    ticks::mark_due.in_set(PassSystems::Receive),
                    (ticks::run_loops, ticks::finish_ticks)
                        .chain()
                        .in_set(PassSystems::Loop),
                    settle_matches.in_set(PassSystems::Settle),
                ),
            );
        let world = app.world_mut();
        // Every kind of match has its own state and shares these with the others; two kinds never touch
        // the same match.
        world.allow_ambiguous_component::<Label>();
        world.allow_ambiguous_component::<Participants>();
        world.allow_ambiguous_component::<Inbox>();
        world.allow_ambiguous_component::<Dispatcher>();
        world.allow_ambiguous_component::<Turn>();
        world.allow_ambiguous_component::<components::Random>();
    }
}

/// Makes what the rules decided in this tick final.
pub(crate) fn settle_matches(world: &mut World) {
    admission::admit(world);
}

/// How many matches run here.
pub(crate) fn running(world: &World) -> usize {
    world.resource::<MatchIndex>().len()
}

/// The same by kind, every registered kind once.
pub(crate) fn running_by_kind(world: &World) -> Vec<(&'static str, usize)> {
    let calendar = world.resource::<Calendar>();
    let kinds = world.resource::<MatchKinds>().names();
    kinds.map(|kind| (kind, calendar.count(kind))).collect()
}

/// Tells the rules of every match how long it has until the server stops.
pub(crate) fn terminate_all(world: &mut World, grace: Duration) {
    let matches = world.resource::<MatchIndex>().entities();
    for entity in &matches {
        if let Some(mut turn) = world.get_mut::<Turn>(*entity) {
            turn.0 = Some(Box::new(Occasion::Terminate {
                grace_seconds: grace.as_secs(),
            }));
        }
    }
    callbacks::call(world, MatchTerminate, matches.clone());
    for entity in matches {
        callbacks::conclude(world, entity);
    }
}

/// Ends every match without asking.
pub(crate) fn stop_all(world: &mut World) {
    for entity in world.resource::<MatchIndex>().entities() {
        callbacks::stop(world, entity);
    }
}
