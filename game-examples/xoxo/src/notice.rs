//! Telling players who are away that something happened.

use serde_json::{Map, Value, json};
use tiltyard::{Game, parse_uuid, prelude::*};

use crate::{board::Mark, sitting::Sitting, table::Table};

/// The code of notifications of this game: it is the user's turn, or their game is over.
///
/// Content: `{"game":"xoxo","game_id":"…","opponent":"ann"}`.
pub const CODE_GAME_WENT_ON: i32 = 101;

/// The player who is expected back, if one is.
pub(crate) fn absent_player(table: &Table) -> Option<UserId> {
    let seats = [Mark::X, Mark::O].into_iter();
    let mut seats = seats.filter_map(|mark| table.seat(mark));
    let away = seats.find(|seat| seat.is_away())?;
    parse_uuid(&away.user_id).map(UserId)
}

/// Tells a player that their opponent has moved, now or when they are back.
pub(crate) fn tell_who_is_away(
    user: UserId,
    opponent: &UserPresence,
    game: &mut Game<'_, Sitting>,
    notifications: &mut Notifications<'_, '_>,
) {
    let name = &opponent.username;
    let subject = if game.state.table.is_playing() {
        format!("It is your turn against {name}")
    } else {
        format!("Your game against {name} is over")
    };
    let content = json!({
        "game": Sitting::NAME,
        "game_id": game.state.rest.game_id,
        "opponent": &**name,
    });
    let told = NewNotification {
        subject: subject.chars().take(SUBJECT_CHARACTERS_MAX).collect(),
        content: object(content),
        code: CODE_GAME_WENT_ON,
        sender: opponent.user_id,
        persistent: true,
    };
    // Nothing depends on whether it arrives: the list of open games says the same.
    notifications.send([(user, told)]).for_match(game);
}

/// Names of users may be nearly as long as subjects.
const SUBJECT_CHARACTERS_MAX: usize = 255;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
