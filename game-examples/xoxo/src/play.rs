//! The systems: one for each thing that happens to a match.

use tiltyard::{Game, prelude::*};

use crate::{
    lobby,
    notice::{absent_player, tell_who_is_away},
    records::keep_records,
    rest::{close, put_to_sleep},
    resume,
    round::Refusal,
    sitting::Sitting,
    table::{Seat, TickOutcome},
    wire::{
        OP_MOVE, OP_REJECTED, OP_REMATCH, OP_STATE, cell_from_payload, rejected_message,
        state_message,
    },
};

/// Adds the game to a server.
pub fn plugin(app: &mut App) {
    app.add_match::<Sitting>()
        .add_systems(MatchJoinAttempt, turn_away_spectators)
        .add_systems(MatchJoin, seat_players)
        .add_systems(MatchLeave, free_seats)
        .add_systems(MatchLoop, (play, keep_records, put_to_sleep).chain())
        .add_systems(MatchTerminate, close)
        .add_rpc("xoxo_find", lobby::find)
        .add_rpc("xoxo_create", lobby::create)
        .add_later_rpc("xoxo_open_games", resume::open_games)
        .add_later_rpc("xoxo_resume", resume::resume);
}

/// Two seats, no spectators. Players are let in one by one, so that the last seat is not given twice.
fn turn_away_spectators(mut matches: Matches<Sitting>) {
    matches.each(|game| {
        let user = game.attempt().map(|attempt| attempt.presence.user_id);
        let user = user.map(|user| user.to_string()).unwrap_or_default();
        if !game.state.table.has_room_for(&user) {
            game.reject("The table is full.");
        }
    });
}

/// Seats whoever came in. With the second one the round begins.
fn seat_players(mut matches: Matches<Sitting>) {
    matches.each(|game| {
        let match_id = game.match_id();
        if game.state.rest.game_id.is_empty() {
            game.state.rest.game_id = match_id.uuid.simple().to_string();
        }
        for who in game.joined().to_vec() {
            game.state.table.sit(Seat::new(
                who.session_id.to_string(),
                who.user_id.to_string(),
                who.username.to_string(),
            ));
        }
        show(game)
    });
}

/// Frees the seat of whoever left; a running round is lost for them, but at a passive table.
fn free_seats(mut matches: Matches<Sitting>) {
    matches.each(|game| {
        for leave in game.left().to_vec() {
            let session_id = leave.presence.session_id.to_string();
            game.state.table.stand_up(&session_id);
        }
        show(game)
    });
}

/// Answers what players sent, then takes a tick off the clock.
fn play(mut matches: Matches<Sitting>, mut notifications: Notifications) {
    matches.each(|game| {
        for message in game.take_messages() {
            let session_id = message.sender.session_id.to_string();
            let away = absent_player(&game.state.table);
            let done = match message.op_code {
                OP_MOVE => cell_from_payload(&message.data)
                    .and_then(|cell| game.state.table.play(&session_id, cell)),
                OP_REMATCH => game.state.table.ask_rematch(&session_id),
                _ => Err(Refusal::UnknownOpCode),
            };
            match done {
                // Each change is shown by itself, so that no client misses a move.
                Ok(()) => {
                    show(game)?;
                    if let Some(user) = away {
                        tell_who_is_away(user, &message.sender, game, &mut notifications);
                    }
                }
                Err(refusal) => game
                    .broadcast(OP_REJECTED, rejected_message(refusal))
                    .to(message.sender)
                    .send(),
            }
        }
        match game.state.table.tick() {
            // An abandoned table ends when everything is in storage.
            TickOutcome::Nothing | TickOutcome::Abandoned => {}
            TickOutcome::RoundEnded => show(game)?,
        }
        Ok::<(), String>(())
    });
}

/// Tells the players how things stand, and the lobby whether there is a seat.
fn show(game: &mut Game<'_, Sitting>) -> Result<(), String> {
    let message = state_message(&game.state.table).map_err(|error| error.to_string())?;
    game.broadcast(OP_STATE, message).send();
    let label = lobby::label(&game.state.table);
    game.set_label(&label).map_err(|error| error.to_string())
}
