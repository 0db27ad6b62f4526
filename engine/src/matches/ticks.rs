//! The loop: which matches tick, and what is left to do afterwards.

use bevy_ecs::prelude::*;

use super::{
    Calendar, Clock, Dispatcher, Inbox, Match, Participants, Tick, TickRate, admission::Unsettled,
    callbacks::send_all, components::Ending,
};
use crate::{clock::Now, limits::Limits, outbound::Outbox, schedule::MatchLoop};

/// Ticks that were skipped because the server could not keep up, since it started.
#[derive(Resource, Default, Clone, Copy, Debug)]
pub struct TicksSkipped(pub u64);

/// Decides which matches tick in this pass. Those that are made later in it do not.
pub(crate) fn mark_due(
    mut calendar: ResMut<Calendar>,
    mut clocks: Query<&mut Clock>,
    now: Res<Now>,
    mut skipped: ResMut<TicksSkipped>,
) {
    skipped.0 += calendar.advance(now.elapsed);
    for entity in calendar.all_due() {
        if let Ok(mut clock) = clocks.get_mut(entity) {
            // Without change detection, as everywhere in the loop: nobody asks, and it costs.
            clock.bypass_change_detection().set_due(true);
        }
    }
}

/// Runs the rules of every due match.
pub(super) fn run_loops(world: &mut World) {
    if let Err(error) = world.try_run_schedule(MatchLoop) {
        tracing::error!(%error, "the match loop could not run");
    }
}

/// After the rules: sends what they broadcast, empties inboxes, counts ticks.
pub(super) fn finish_ticks(
    mut matches: Query<(
        &mut Clock,
        &Match,
        &TickRate,
        &mut Tick,
        &mut Inbox,
        &mut Dispatcher,
        &mut Participants,
    )>,
    calendar: Res<Calendar>,
    limits: Res<Limits>,
    mut outbox: ResMut<Outbox>,
    mut unsettled: ResMut<Unsettled>,
) {
    let empty_seconds_max = u64::from(limits.match_empty_seconds_max);
    for entity in calendar.all_due() {
        let Ok((mut clock, found, rate, mut tick, mut inbox, mut dispatcher, mut participants)) =
            matches.get_mut(entity)
        else {
            continue;
        };
        clock.bypass_change_detection().set_due(false);
        tick.bypass_change_detection().0 += 1;
        inbox.bypass_change_detection().finish_tick();
        let dispatcher = dispatcher.bypass_change_detection();
        if participants.as_slice().is_empty() {
            let participants = participants.bypass_change_detection();
            participants.empty_ticks += 1;
            if empty_seconds_max > 0
                && participants.empty_ticks >= empty_seconds_max * u64::from(rate.0)
            {
                dispatcher.ending.get_or_insert(Ending::Over);
            }
        }
        send_all(found.id, dispatcher, &mut outbox);
        if dispatcher.wants_settling() {
            unsettled.0.push(entity);
        }
    }
}
