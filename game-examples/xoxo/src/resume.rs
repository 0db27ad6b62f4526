//! Functions that need storage to answer: a player's open games, and going on with one.

use serde::Deserialize;
use serde_json::{Value, json};
use tiltyard::{Match, Page, RpcAnswer, prelude::*};

use crate::{
    lobby,
    rest::{OPEN_GAMES, Saved, game_object},
    sitting::Sitting,
};

/// Lists the caller's games that sleep.
pub(crate) fn open_games(
    In(call): In<RpcCall>,
    mut storage: Storage,
) -> Result<RpcAnswer, RpcError> {
    let user = caller(&call)?;
    let entries = storage.list(OPEN_GAMES, Some(user), Paging::default());
    Ok(entries.then((), show_open_games))
}

fn show_open_games(In(((), listed)): In<((), DataResult<Page<StorageObject>>)>) -> RpcResult {
    let entries = listed?.items;
    let games = entries
        .iter()
        .filter_map(|entry| entry.parse::<Value>().ok());
    Ok(json!({ "games": games.collect::<Vec<_>>() }).to_string())
}

/// Who wants to go on with which game.
struct Wish {
    user: String,
    game_id: String,
}

/// Finds the match where a game goes on, or wakes the game.
pub(crate) fn resume(
    In(call): In<RpcCall>,
    sittings: Query<(&Match, &Sitting)>,
    mut storage: Storage,
) -> Result<RpcAnswer, RpcError> {
    #[derive(Deserialize)]
    struct Wanted {
        game_id: String,
    }
    let user = caller(&call)?.to_string();
    let Wanted { game_id } = serde_json::from_str(&call.payload)
        .map_err(|_| RpcError::new(RpcError::INVALID_ARGUMENT, "The payload names no game."))?;
    let wish = Wish { user, game_id };
    if let Some(id) = running(&wish, &sittings)? {
        return Ok(RpcResult::Ok(lobby::answer(id)).into());
    }
    let game = storage.read([game_object(&wish.game_id)]);
    Ok(game.then(wish, wake))
}

/// Makes a match from what was saved, unless somebody was faster.
fn wake(
    In((wish, found)): In<(Wish, DataResult<Vec<StorageObject>>)>,
    sittings: Query<(&Match, &Sitting)>,
    mut directory: MatchDirectory,
) -> RpcResult {
    if let Some(id) = running(&wish, &sittings)? {
        return Ok(lobby::answer(id));
    }
    let object = found?.pop().ok_or_else(not_found)?;
    let saved: Saved = object.parse().map_err(|_| not_found())?;
    if !saved.knows(&wish.user) {
        return Err(not_found());
    }
    let params = MatchParams::new()
        .with("saved", object.value)
        .with("version", object.version);
    Ok(lobby::answer(directory.create(Sitting::NAME, &params)?))
}

/// The match where this game goes on. A stranger learns nothing about it.
fn running(wish: &Wish, sittings: &Query<(&Match, &Sitting)>) -> Result<Option<MatchId>, RpcError> {
    let mut sittings = sittings.iter();
    let Some((found, sitting)) = sittings
        .find(|(_, sitting)| sitting.table.is_passive() && sitting.rest.game_id == wish.game_id)
    else {
        return Ok(None);
    };
    if !sitting.table.knows(&wish.user) {
        return Err(not_found());
    }
    Ok(Some(found.id))
}

fn caller(call: &RpcCall) -> Result<UserId, RpcError> {
    let denied = || RpcError::new(RpcError::PERMISSION_DENIED, "Only players have games.");
    call.caller.user_id.ok_or_else(denied)
}

fn not_found() -> RpcError {
    RpcError::new(RpcError::NOT_FOUND, "There is no such game.")
}
