//! The systems: one for each thing that happens to a match.

use tiltyard::{Game, prelude::*};

use crate::{
    field::{Field, PLAYERS_MAX},
    input::Input,
    lobby,
    ship::TICK_RATE,
    wire::{
        OP_INPUT, OP_ROSTER, OP_STATE, OP_WELCOME, RosterEntry, roster_message, state_message,
        welcome_message,
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

    fn init(params: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        let arena = Self {
            name: lobby::match_name(params),
            field: Field::default(),
            roster: Vec::new(),
            empty_ticks: 0,
        };
        let label = lobby::label(&arena.name, 0);
        Ok(MatchInit::new(arena).tick_rate(TICK_RATE).label(label))
    }
}

/// Turns away the seventeenth player.
fn turn_away_when_full(mut matches: Matches<Arena>) {
    matches.each(|game| {
        if game.state.roster.len() >= PLAYERS_MAX {
            game.reject("The arena is full.");
        }
    });
}

/// Gives whoever came in a ship and the map.
fn launch_ships(mut matches: Matches<Arena>) {
    matches.each(|game| {
        for who in game.joined().to_vec() {
            let Some(slot) = game.state.field.add_ship() else {
                game.kick(&who);
                continue;
            };
            game.state.roster.push(RosterEntry {
                slot,
                session_id: who.session_id.to_string(),
                user_id: who.user_id.to_string(),
                username: who.username.to_string(),
            });
            game.broadcast(OP_WELCOME, welcome_message(slot))
                .to(&who)
                .send();
        }
        show_roster(game)
    });
}

/// Takes the ships of those who left off the field.
fn remove_ships(mut matches: Matches<Arena>) {
    matches.each(|game| {
        for leave in game.left().to_vec() {
            let session_id = leave.presence.session_id.to_string();
            if let Some(slot) = game.state.slot_of(&session_id) {
                game.state.field.remove_ship(slot);
                game.state.roster.retain(|player| player.slot != slot);
            }
        }
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
            if let Some(input) = Input::from_bytes(&message.data) {
                game.state.field.steer(slot, input);
            }
        }
    });
}

/// Lets a tick pass and tells everybody where everything is.
///
/// States may be lost where the connection allows it: the next one is better than a late one.
fn simulate(mut matches: Matches<Arena>) {
    matches.each(|game| {
        if game.state.roster.is_empty() {
            game.state.empty_ticks += 1;
            if game.state.empty_ticks >= EMPTY_TICKS_MAX {
                game.end();
            }
            return;
        }
        let (arena, context) = game.split();
        arena.empty_ticks = 0;
        arena.field.step(context.random());
        let message = state_message(&arena.field, context.tick());
        context.broadcast(OP_STATE, message).unreliable().send();
    });
}

/// Tells the players who is there, and the lobby whether there is room.
fn show_roster(game: &mut Game<'_, Arena>) -> Result<(), String> {
    let message = roster_message(&game.state.roster).map_err(|error| error.to_string())?;
    game.broadcast(OP_ROSTER, message).send();
    let label = lobby::label(&game.state.name, game.state.roster.len());
    game.set_label(&label).map_err(|error| error.to_string())
}

impl Arena {
    fn slot_of(&self, session_id: &str) -> Option<u8> {
        self.roster
            .iter()
            .find(|player| player.session_id == session_id)
            .map(|player| player.slot)
    }
}
