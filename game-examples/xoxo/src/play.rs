//! The systems: one for each thing that happens to a match.

use tiltyard::{Game, prelude::*};

use crate::{
    lobby,
    round::{Refusal, TICK_RATE},
    table::{Seat, Table, TickOutcome},
    wire::{
        OP_MOVE, OP_REJECTED, OP_REMATCH, OP_STATE, cell_from_payload, rejected_message,
        state_message,
    },
};

/// Adds the game to a server.
pub fn plugin(app: &mut App) {
    app.add_match::<Table>()
        .add_systems(MatchJoinAttempt, turn_away_spectators)
        .add_systems(MatchJoin, seat_players)
        .add_systems(MatchLeave, free_seats)
        .add_systems(MatchLoop, play)
        .add_rpc("xoxo_find", lobby::find)
        .add_rpc("xoxo_create", lobby::create);
}

impl MatchKind for Table {
    const NAME: &'static str = "xoxo";

    fn init(params: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        let table = Self::new(lobby::match_name(params));
        let label = lobby::label(&table);
        Ok(MatchInit::new(table).tick_rate(TICK_RATE).label(label))
    }
}

/// Two seats, no spectators. Players are let in one by one, so that the last seat is not given twice.
fn turn_away_spectators(mut matches: Matches<Table>) {
    matches.each(|game| {
        if game.state.is_full() {
            game.reject("The table is full.");
        }
    });
}

/// Seats whoever came in. With the second one the round begins.
fn seat_players(mut matches: Matches<Table>) {
    matches.each(|game| {
        for who in game.joined().to_vec() {
            game.state.sit(Seat::new(
                who.session_id.to_string(),
                who.user_id.to_string(),
                who.username.to_string(),
            ));
        }
        show(game)
    });
}

/// Frees the seat of whoever left; a running round is lost for them.
fn free_seats(mut matches: Matches<Table>) {
    matches.each(|game| {
        for leave in game.left().to_vec() {
            let session_id = leave.presence.session_id.to_string();
            game.state.stand_up(&session_id);
        }
        show(game)
    });
}

/// Answers what players sent, then takes a tick off the clock.
fn play(mut matches: Matches<Table>) {
    matches.each(|game| {
        for message in game.take_messages() {
            let session_id = message.sender.session_id.to_string();
            let done = match message.op_code {
                OP_MOVE => cell_from_payload(&message.data)
                    .and_then(|cell| game.state.play(&session_id, cell)),
                OP_REMATCH => game.state.ask_rematch(&session_id),
                _ => Err(Refusal::UnknownOpCode),
            };
            match done {
                // Each change is shown by itself, so that no client misses a move.
                Ok(()) => show(game)?,
                Err(refusal) => game
                    .broadcast(OP_REJECTED, rejected_message(refusal))
                    .to(message.sender)
                    .send(),
            }
        }
        match game.state.tick() {
            TickOutcome::Nothing => {}
            TickOutcome::RoundEnded => show(game)?,
            TickOutcome::Abandoned => game.end(),
        }
        Ok::<(), String>(())
    });
}

/// Tells the players how things stand, and the lobby whether there is a seat.
fn show(game: &mut Game<'_, Table>) -> Result<(), String> {
    let message = state_message(game.state).map_err(|error| error.to_string())?;
    game.broadcast(OP_STATE, message).send();
    let label = lobby::label(game.state);
    game.set_label(&label).map_err(|error| error.to_string())
}
