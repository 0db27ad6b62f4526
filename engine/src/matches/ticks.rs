//! The loop: which matches tick, and what is left to do afterwards.

use bevy_ecs::prelude::*;

use super::{
    Clock, Dispatcher, Inbox, Match, Participants, Tick, TickRate, admission::Unsettled,
    callbacks::send_all, components::Ending,
};
use crate::{clock::Now, limits::Limits, outbound::Outbox, schedule::MatchLoop};

/// Ticks that were skipped because the server could not keep up, since it started.
#[derive(Resource, Default, Clone, Copy, Debug)]
pub struct TicksSkipped(pub u64);

/// Decides which matches tick in this pass.
pub(super) fn mark_due(
    mut clocks: Query<&mut Clock>,
    now: Res<Now>,
    mut skipped: ResMut<TicksSkipped>,
) {
    for mut clock in &mut clocks {
        // Written without change detection: nobody asks, and it is done for every match in every pass.
        skipped.0 += u64::from(clock.bypass_change_detection().advance(now.elapsed));
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
        Entity,
        &Clock,
        &Match,
        &TickRate,
        &mut Tick,
        &mut Inbox,
        &mut Dispatcher,
        &mut Participants,
    )>,
    limits: Res<Limits>,
    mut outbox: ResMut<Outbox>,
    mut unsettled: ResMut<Unsettled>,
) {
    let empty_seconds_max = u64::from(limits.match_empty_seconds_max);
    for (entity, clock, found, rate, mut tick, mut inbox, mut dispatcher, mut participants) in
        &mut matches
    {
        if !clock.due {
            continue;
        }
        tick.0 += 1;
        inbox.messages.clear();
        inbox.answers.clear();
        inbox.permits.clear();
        if participants.as_slice().is_empty() {
            participants.empty_ticks += 1;
            if empty_seconds_max > 0
                && participants.empty_ticks >= empty_seconds_max * u64::from(rate.0)
            {
                dispatcher.ending.get_or_insert(Ending::Over);
            }
        }
        send_all(found.id, &mut dispatcher, &mut outbox);
        if dispatcher.wants_settling() {
            unsettled.0.push(entity);
        }
    }
}
