//! When matches tick.
//!
//! ```text
//! kind, rate, slot ─► group: next deadline, members
//!                       │ due?
//! each pass ────────────┴──► lists of due matches, one a kind ─► Matches::each
//! ```
//!
//! The period of a rate is divided into slots, about one a pass, and matches of one kind, rate and slot tick
//! together. So a pass looks at some groups, and at those matches that tick in it; the others cost nothing.

use std::{collections::BTreeMap, time::Duration};

use bevy_ecs::{lifecycle::HookContext, prelude::*, world::DeferredWorld};

use super::{Match, TickRate};
use crate::clock::{Cadence, Now, nanoseconds, period_of};

/// Slots of one second: as many as there are passes, unless the server is configured otherwise.
const SLOTS_PER_SECOND: u32 = 240;
/// The fewest slots of a period.
const SLOTS_MIN: u32 = 4;

/// Whether a match ticks in this pass, and its place among those that tick with it.
///
/// Belongs to [`Match`], and is nothing without it.
#[derive(Component, Clone, Copy, Debug)]
#[component(on_add = enter, on_remove = leave)]
pub struct Clock {
    due: bool,
    group: u32,
    place: u32,
}

impl Clock {
    /// The clock of a match that is spawned with it, in the same bundle.
    pub(super) const fn new() -> Self {
        Self {
            due: false,
            group: u32::MAX,
            place: 0,
        }
    }

    /// Whether the match ticks in this pass.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        self.due
    }

    pub(super) const fn set_due(&mut self, due: bool) {
        self.due = due;
    }
}

/// Which matches tick when.
#[derive(Resource, Debug, Default)]
pub(crate) struct Calendar {
    groups: Vec<Group>,
    places: BTreeMap<Key, u32>,
    /// Matches of each rate in each slot, whatever their kind.
    loads: BTreeMap<u8, Vec<u32>>,
    due: BTreeMap<&'static str, Vec<Entity>>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    kind: &'static str,
    rate: u8,
    slot: usize,
}

#[derive(Debug)]
struct Group {
    key: Key,
    cadence: Cadence,
    members: Vec<Entity>,
}

impl Calendar {
    /// Finds out who ticks now. Returns how many ticks were skipped because it is too late for them.
    pub(super) fn advance(&mut self, now: Duration) -> u64 {
        self.due.values_mut().for_each(Vec::clear);
        let now_ns = nanoseconds(now);
        let mut skipped = 0;
        for group in &mut self.groups {
            let Some(missed) = group.cadence.advance(now_ns) else {
                continue;
            };
            skipped += missed * group.members.len() as u64;
            let due = self.due.entry(group.key.kind).or_default();
            due.extend_from_slice(&group.members);
        }
        skipped
    }

    /// Matches of this kind that tick in this pass; some may be over by now.
    pub(super) fn due(&self, kind: &str) -> &[Entity] {
        self.due.get(kind).map_or(&[], Vec::as_slice)
    }

    /// The same of all kinds.
    pub(super) fn all_due(&self) -> impl Iterator<Item = Entity> {
        self.due.values().flatten().copied()
    }

    /// How many matches of this kind there are.
    pub(super) fn count(&self, kind: &str) -> usize {
        let groups = self.groups.iter().filter(|group| group.key.kind == kind);
        groups.map(|group| group.members.len()).sum()
    }

    /// How many matches tick in this pass.
    pub(crate) fn due_count(&self) -> usize {
        self.due.values().map(Vec::len).sum()
    }

    /// Gives a match a place whose first tick is a period from now, or as much earlier as it takes to reach
    /// the slot with the least to do.
    ///
    /// Matches that are created one by one keep their natural phase; a thousand created at once are spread
    /// evenly.
    fn enter(&mut self, entity: Entity, kind: &'static str, rate: u8, now: Duration) -> Clock {
        let slots = slots_of(rate);
        let loads = self.loads.entry(rate).or_insert_with(|| vec![0; slots]);
        let least = loads.iter().copied().min().unwrap_or(0);
        let home = slot_of(now, rate);
        let slot = (0..slots)
            .map(|earlier| (home + slots - earlier) % slots)
            .find(|slot| loads[*slot] == least)
            .unwrap_or(home);
        loads[slot] += 1;
        let key = Key { kind, rate, slot };
        let index = *self.places.entry(key).or_insert_with(|| {
            self.groups.push(Group {
                key,
                cadence: Cadence::new(rate, first_tick(slot, rate, now)),
                members: Vec::new(),
            });
            index_of(self.groups.len() - 1)
        });
        let members = &mut self.groups[index as usize].members;
        members.push(entity);
        Clock {
            due: false,
            group: index,
            place: index_of(members.len() - 1),
        }
    }

    /// Takes a match out, if it is in. Returns the one that has its place now, if another has.
    fn leave(&mut self, entity: Entity, clock: Clock) -> Option<Entity> {
        let group = self.groups.get_mut(clock.group as usize)?;
        if group.members.get(clock.place as usize) != Some(&entity) {
            return None;
        }
        group.members.swap_remove(clock.place as usize);
        if let Some(loads) = self.loads.get_mut(&group.key.rate) {
            loads[group.key.slot] -= 1;
        }
        group.members.get(clock.place as usize).copied()
    }
}

fn index_of(count: usize) -> u32 {
    u32::try_from(count).expect("there are fewer matches than that")
}

fn slots_of(rate: u8) -> usize {
    (SLOTS_PER_SECOND / u32::from(rate.max(1))).max(SLOTS_MIN) as usize
}

/// The slot that a time is in.
fn slot_of(at: Duration, rate: u8) -> usize {
    let period = period_of(rate).as_nanos();
    let within = at.as_nanos() % period;
    usize::try_from(within * slots_of(rate) as u128 / period).unwrap_or(0)
}

/// When a slot begins next.
fn first_tick(slot: usize, rate: u8, now: Duration) -> Duration {
    let period_ns = nanoseconds(period_of(rate));
    let now_ns = nanoseconds(now);
    let begin_ns = now_ns - now_ns % period_ns + period_ns * slot as u64 / slots_of(rate) as u64;
    Duration::from_nanos(if begin_ns > now_ns {
        begin_ns
    } else {
        begin_ns + period_ns
    })
}

fn enter(mut world: DeferredWorld, context: HookContext) {
    let entity = context.entity;
    let now = world.resource::<Now>().elapsed;
    let Some((kind, rate)) = world
        .get::<Match>(entity)
        .zip(world.get::<TickRate>(entity))
        .map(|(found, rate)| (found.kind, rate.0))
    else {
        return;
    };
    let placed = world
        .resource_mut::<Calendar>()
        .enter(entity, kind, rate, now);
    if let Some(mut clock) = world.get_mut::<Clock>(entity) {
        *clock = placed;
    }
}

fn leave(mut world: DeferredWorld, context: HookContext) {
    let Some(clock) = world.get::<Clock>(context.entity).copied() else {
        return;
    };
    let moved = world
        .resource_mut::<Calendar>()
        .leave(context.entity, clock);
    if let Some(mut moved) = moved.and_then(|moved| world.get_mut::<Clock>(moved)) {
        moved.place = clock.place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "duel";
    const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 240);

    fn entity(number: u32) -> Entity {
        Entity::from_raw_u32(number).unwrap()
    }

    fn calendar(count: u32, rate: u8, now: Duration) -> (Calendar, Vec<Clock>) {
        let mut calendar = Calendar::default();
        let clocks = (0..count)
            .map(|number| calendar.enter(entity(number), KIND, rate, now))
            .collect();
        (calendar, clocks)
    }

    #[test]
    fn matches_created_at_once_are_spread_evenly() {
        let (mut calendar, _) = calendar(800, 30, Duration::from_secs(5));
        for pass in 1..=8 {
            calendar.advance(Duration::from_secs(5) + FRAME * pass + Duration::from_nanos(100));
            assert_eq!(calendar.due(KIND).len(), 100, "{pass}");
        }
    }

    #[test]
    fn the_first_tick_is_later_than_now_and_within_a_period() {
        for rate in [1, 7, 10, 30, 60] {
            for ms in 0..2000 {
                let now = Duration::from_millis(ms);
                for slot in 0..slots_of(rate) {
                    let first = first_tick(slot, rate, now);
                    assert!(
                        first > now && first <= now + period_of(rate),
                        "{rate} {ms} {slot}"
                    );
                }
            }
        }
    }

    #[test]
    fn one_alone_keeps_its_natural_phase() {
        let now = Duration::from_millis(1234);
        let (calendar, clocks) = calendar(1, 10, now);
        let group = &calendar.groups[clocks[0].group as usize];
        assert_eq!(group.key.slot, slot_of(now, 10));
    }

    #[test]
    fn places_of_matches_that_ended_are_used_again() {
        let (mut calendar, clocks) = calendar(24, 10, Duration::ZERO);
        let slot =
            |calendar: &Calendar, clock: Clock| calendar.groups[clock.group as usize].key.slot;
        let left = slot(&calendar, clocks[3]);
        assert_eq!(calendar.leave(entity(3), clocks[3]), None, "it was alone");
        let entered = calendar.enter(entity(99), KIND, 10, Duration::ZERO);
        assert_eq!(slot(&calendar, entered), left);
    }

    #[test]
    fn one_that_leaves_gives_its_place_to_the_last() {
        let (mut calendar, clocks) = calendar(72, 10, Duration::ZERO);
        let together: Vec<u32> = (0..72)
            .filter(|number| clocks[*number as usize].group == clocks[5].group)
            .collect();
        assert_eq!(together.len(), 3);
        let first = clocks[together[0] as usize];
        let leaver = entity(together[0]);
        assert_eq!(
            calendar.leave(entity(99), first),
            None,
            "somebody else's place"
        );
        assert_eq!(calendar.leave(leaver, first), Some(entity(together[2])));
        let members = &calendar.groups[first.group as usize].members;
        assert_eq!(members, &[entity(together[2]), entity(together[1])]);
    }
}
