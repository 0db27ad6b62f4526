//! The systems: one for each thing that happens to a match.

use serde_json::{Map, Value, json};
use tiltyard::{Game, MatchId, mode, parse_uuid, prelude::*};

use crate::{
    lobby,
    table::{Phase, Refusal, TICK_RATE, Table, TickOutcome},
    wire::{
        CODE_YOUR_TURN, OP_BEGIN, OP_PASS, OP_REJECTED, OP_RESIGN, OP_STATE, OP_WORD,
        rejected_message, state_message, word_from_payload,
    },
};

/// Adds the game to a server. What the matchmaker puts together is opened by
/// [`open_for`](crate::open_for), which the server's own hook calls.
pub fn plugin(app: &mut App) {
    app.add_match::<Table>()
        .add_systems(MatchJoinAttempt, turn_away_strangers)
        .add_systems(MatchJoin, seat_players)
        .add_systems(MatchLeave, keep_seats)
        .add_systems(MatchLoop, play)
        .add_rpc("words_find", lobby::find)
        .add_rpc("words_create", lobby::create);
}

impl MatchKind for Table {
    const NAME: &'static str = "words";

    fn init(params: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        let table = lobby::new_table(params);
        let label = lobby::label(&table);
        Ok(MatchInit::new(table).tick_rate(TICK_RATE).label(label))
    }
}

/// Lets in whoever has a seat or may take one. One by one, so that the last seat is not given twice.
fn turn_away_strangers(mut matches: Matches<Table>) {
    matches.each(|game| {
        let Some(attempt) = game.attempt() else {
            return;
        };
        let user_id = attempt.presence.user_id.to_string();
        if let Err(reason) = game.state.admit(&user_id) {
            game.reject(reason);
        }
    });
}

/// Seats whoever came in, or came back.
fn seat_players(mut matches: Matches<Table>) {
    matches.each(|game| {
        for who in game.joined().to_vec() {
            let (table, context) = game.split();
            let (user_id, session_id) = (who.user_id.to_string(), who.session_id.to_string());
            table.arrive(&user_id, &who.username, &session_id, context.random());
        }
        show(game)
    });
}

/// Whoever leaves during a game keeps the seat, and is called when it is their turn.
fn keep_seats(mut matches: Matches<Table>, mut commands: Commands) {
    matches.each(|game| {
        for leave in game.left().to_vec() {
            game.state.look_away(&leave.presence.session_id.to_string());
        }
        call_absent(game, &mut commands);
        show(game)
    });
}

/// Answers what players sent, then takes a tick off the clock.
fn play(mut matches: Matches<Table>, mut commands: Commands) {
    matches.each(|game| {
        let was_over = is_over(game.state);
        for message in game.take_messages() {
            let user_id = message.sender.user_id.to_string();
            let (table, context) = game.split();
            let random = context.random();
            let done = match message.op_code {
                OP_WORD => word_from_payload(&message.data)
                    .and_then(|word| table.play(&user_id, &word, random)),
                OP_PASS => table.pass(&user_id, random),
                OP_BEGIN => table.begin(random),
                OP_RESIGN => table.resign(&user_id),
                _ => Err(Refusal::UnknownOpCode),
            };
            match done {
                // Each change is shown by itself, so that no client misses a word.
                Ok(()) => show(game)?,
                Err(refusal) => game
                    .broadcast(OP_REJECTED, rejected_message(refusal))
                    .to(message.sender)
                    .send(),
            }
        }
        let (table, context) = game.split();
        match table.tick(context.random()) {
            TickOutcome::Nothing => {}
            TickOutcome::Changed => show(game)?,
            TickOutcome::Abandoned => game.end(),
        }
        call_absent(game, &mut commands);
        if is_over(game.state) && !was_over {
            announce_winners(game, &mut commands);
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

/// Notifies the player who has the turn and is not in the match.
///
/// It is not kept for later: the turn would be over before anybody who is not connected reads of it.
fn call_absent(game: &mut Game<'_, Table>, commands: &mut Commands) {
    let Some(user_id) = game.state.take_call().and_then(|id| parse_uuid(&id)) else {
        return;
    };
    let content = json!({ "match_id": game.match_id().to_string(), "name": game.state.name() });
    let notification = NewNotification {
        subject: "It is your turn.".to_owned(),
        content: object(content),
        code: CODE_YOUR_TURN,
        sender: UserId::SYSTEM,
        persistent: false,
    };
    // Notifications need the whole world, which is there when the rules of all matches are done.
    commands.queue(move |world: &mut World| world.notification_send(UserId(user_id), notification));
}

/// Says in the room of the match who has won.
fn announce_winners(game: &Game<'_, Table>, commands: &mut Commands) {
    let names: Vec<_> = game
        .state
        .winners()
        .iter()
        .map(|seat| &*seat.username)
        .collect();
    let text = match &*names {
        [winner] => format!("{winner} wins."),
        several => format!("A draw between {}.", several.join(" and ")),
    };
    let room = room_of(game.match_id());
    let content = object(json!({ "text": text }));
    commands.queue(move |world: &mut World| {
        world.channel_message_send(&room, content, MessageSender::server(), false);
    });
}

/// The chat room of a match. Clients join the room that is called as the match is; being in the one is
/// not being in the other, so that whoever looks away from the table may still talk.
fn room_of(id: MatchId) -> ChannelId {
    ChannelId(StreamId::labelled(mode::CHANNEL, &id.to_string()))
}

fn is_over(table: &Table) -> bool {
    matches!(table.phase(), Phase::Over(_))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
