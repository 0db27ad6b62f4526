//! The systems: one for each thing that happens to a match.

use tiltyard::{Game, prelude::*};

use crate::{
    drone,
    field::{Field, PLAYERS_MAX},
    input::Input,
    lobby,
    ship::TICK_RATE,
    wire::{
        NO_SLOT, OP_INPUT, OP_ROSTER, OP_STATE, OP_WELCOME, RosterEntry, roster_message,
        state_message, welcome_message,
    },
};

/// Ticks that an arena without players stays open: 10 seconds.
const EMPTY_TICKS_MAX: u32 = 10 * TICK_RATE as u32;

/// A match: the field, and who flies what.
///
/// All of it is one component. Ships and bullets are elements of lists, not entities: that is
/// faster for a few dozen of them, and their order is part of the state, as a replay needs it.
#[derive(Clone, Component, Debug)]
pub struct Arena {
    name: String,
    field: Field,
    roster: Vec<RosterEntry>,
    /// Drones for one player; every further player replaces one.
    drones_wanted: usize,
    empty_ticks: u32,
}

/// Adds the game to a server.
pub fn plugin(app: &mut App) {
    app.add_match::<Arena>()
        .add_systems(MatchJoinAttempt, turn_away_when_full)
        .add_systems(MatchJoin, launch_ships)
        .add_systems(MatchLeave, remove_ships)
        .add_systems(MatchLoop, (steer, simulate).chain())
        .add_rpc("arena_find", lobby::find)
        .add_rpc("arena_create", lobby::create);
}

impl MatchKind for Arena {
    const NAME: &'static str = "arena";

    /// Neither is worth waiting for: inputs are repeated, and a newer state makes an older one useless.
    const DELIVERY: &'static [(i64, Delivery)] = &[
        (OP_INPUT, Delivery::Unreliable),
        (OP_STATE, Delivery::Newest),
    ];

    fn init(params: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        let arena = Self {
            name: lobby::match_name(params),
            field: Field::default(),
            roster: Vec::new(),
            drones_wanted: lobby::drones_wanted(params),
            empty_ticks: 0,
        };
        let label = lobby::label(&arena.name, 0);
        Ok(MatchInit::new(arena).tick_rate(TICK_RATE).label(label))
    }
}

/// Turns away the seventeenth player.
fn turn_away_when_full(mut matches: Matches<Arena>) {
    matches.each(|game| {
        if game.state.player_count() >= PLAYERS_MAX {
            game.reject("The arena is full.");
        }
    });
}

/// Gives whoever came in a ship and the map.
fn launch_ships(mut matches: Matches<Arena>) {
    matches.each(|game| {
        for who in game.joined().to_vec() {
            let Some(slot) = game.state.launch(RosterEntry {
                slot: NO_SLOT,
                session_id: who.session_id.to_string(),
                user_id: who.user_id.to_string(),
                username: who.username.to_string(),
                transport: game
                    .transport(who.session_id)
                    .map_or_else(String::new, |transport| transport.to_string()),
            }) else {
                game.kick(&who);
                continue;
            };
            game.broadcast(OP_WELCOME, welcome_message(slot))
                .to(&who)
                .send();
        }
        game.state.adjust_drones();
        show_roster(game)
    });
}

/// Takes the ships of those who left off the field.
fn remove_ships(mut matches: Matches<Arena>) {
    matches.each(|game| {
        for leave in game.left().to_vec() {
            let session_id = leave.presence.session_id.to_string();
            if let Some(slot) = game.state.slot_of(&session_id) {
                game.state.remove(slot);
            }
        }
        game.state.adjust_drones();
        show_roster(game)
    });
}

/// Hands inputs to ships. What cannot be read is dropped: the next input is a tick away.
fn steer(mut matches: Matches<Arena>) {
    matches.each(|game| {
        for message in game.take_messages() {
            if message.op_code != OP_INPUT {
                continue;
            }
            let session_id = message.sender.session_id.to_string();
            let Some(slot) = game.state.slot_of(&session_id) else {
                continue;
            };
            for input in Input::from_message(&message.data) {
                game.state.field.steer(slot, input);
            }
        }
    });
}

/// Lets a tick pass and tells everybody where everything is.
///
/// Scores and health are in every state, but who shot down whom is only in one, which must arrive.
fn simulate(mut matches: Matches<Arena>) {
    matches.each(|game| {
        if game.state.player_count() == 0 {
            game.state.empty_ticks += 1;
            if game.state.empty_ticks >= EMPTY_TICKS_MAX {
                game.end();
            }
            return;
        }
        let (arena, context) = game.split();
        arena.empty_ticks = 0;
        arena.steer_drones(context.tick());
        arena.field.step(context.random());
        let message = state_message(&arena.field, context.tick());
        let state = context.broadcast(OP_STATE, message);
        if arena.field.kills().is_empty() {
            state.send();
        } else {
            state.reliable().send();
        }
    });
}

/// Tells the players who is there, and the lobby whether there is room.
fn show_roster(game: &mut Game<'_, Arena>) -> Result<(), String> {
    let message = roster_message(&game.state.roster).map_err(|error| error.to_string())?;
    game.broadcast(OP_ROSTER, message).send();
    let label = lobby::label(&game.state.name, game.state.player_count());
    game.set_label(&label).map_err(|error| error.to_string())
}

impl Arena {
    /// Players without drones.
    fn player_count(&self) -> usize {
        self.roster.iter().filter(|entry| !entry.is_drone()).count()
    }

    fn slot_of(&self, session_id: &str) -> Option<u8> {
        self.roster
            .iter()
            .find(|entry| !entry.is_drone() && entry.session_id == session_id)
            .map(|entry| entry.slot)
    }

    /// Gives somebody a ship; a drone makes room if need be.
    fn launch(&mut self, entry: RosterEntry) -> Option<u8> {
        if self.roster.len() >= PLAYERS_MAX {
            self.remove_drone();
        }
        let slot = self.field.add_ship()?;
        self.roster.push(RosterEntry { slot, ..entry });
        Some(slot)
    }

    fn remove(&mut self, slot: u8) {
        self.field.remove_ship(slot);
        self.roster.retain(|entry| entry.slot != slot);
    }

    fn remove_drone(&mut self) {
        if let Some(drone) = self.roster.iter().find(|entry| entry.is_drone()) {
            self.remove(drone.slot);
        }
    }

    /// Brings the number of drones to what the number of players asks for.
    fn adjust_drones(&mut self) {
        let players = self.player_count();
        let wanted = match players {
            0 => 0,
            some => self.drones_wanted.saturating_sub(some - 1),
        };
        // Drones never push each other out: there are at most as many as there is room for.
        let wanted = wanted.min(PLAYERS_MAX - players);
        for _ in wanted..self.roster.len() - players {
            self.remove_drone();
        }
        for _ in self.roster.len() - players..wanted {
            self.launch(RosterEntry::drone());
        }
    }

    fn steer_drones(&mut self, tick: u64) {
        let Self { field, roster, .. } = self;
        for entry in roster.iter().filter(|entry| entry.is_drone()) {
            let Some(ship) = field.ships().iter().find(|ship| ship.slot == entry.slot) else {
                continue;
            };
            let input = drone::input(ship, field.ships(), tick);
            field.steer(entry.slot, input);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena(drones_wanted: usize) -> Arena {
        Arena {
            name: String::new(),
            field: Field::default(),
            roster: Vec::new(),
            drones_wanted,
            empty_ticks: 0,
        }
    }

    fn join(arena: &mut Arena, name: &str) -> Option<u8> {
        let slot = arena.launch(RosterEntry {
            slot: NO_SLOT,
            session_id: name.into(),
            user_id: name.into(),
            username: name.into(),
            transport: "websocket".into(),
        });
        arena.adjust_drones();
        slot
    }

    fn drone_count(arena: &Arena) -> usize {
        arena.roster.len() - arena.player_count()
    }

    #[test]
    fn every_player_after_the_first_replaces_a_drone() {
        let mut arena = arena(2);
        let counts: Vec<usize> = ["ann", "bob", "cyd", "dee"]
            .map(|name| {
                join(&mut arena, name);
                drone_count(&arena)
            })
            .into();
        assert_eq!(counts, [2, 1, 0, 0]);
    }

    #[test]
    fn drones_come_back_when_players_leave_and_go_with_the_last() {
        let mut arena = arena(2);
        let ann = join(&mut arena, "ann").expect("there is room");
        let bob = join(&mut arena, "bob").expect("there is room");
        arena.remove(bob);
        arena.adjust_drones();
        assert_eq!(drone_count(&arena), 2);
        arena.remove(ann);
        arena.adjust_drones();
        assert_eq!(drone_count(&arena), 0);
    }

    #[test]
    fn a_drone_is_nobodys_session() {
        let mut arena = arena(1);
        join(&mut arena, "ann");
        assert_eq!(arena.slot_of(""), None);
    }

    #[test]
    fn sixteen_players_fit_whatever_drones_there_were() {
        let mut arena = arena(PLAYERS_MAX);
        let seated = (0..PLAYERS_MAX)
            .filter(|number| join(&mut arena, &number.to_string()).is_some())
            .count();
        assert_eq!(seated, PLAYERS_MAX);
        assert_eq!(drone_count(&arena), 0);
        assert_eq!(join(&mut arena, "one too many"), None);
    }
}
