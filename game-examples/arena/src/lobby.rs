//! How players find an arena: its label, and the functions that find or open one.

use serde::Deserialize;
use serde_json::json;
use tiltyard::{MatchId, MatchedEntry, prelude::*};

use crate::{Arena, PLAYERS_MAX};

/// Characters of the longest name of an arena.
const NAME_CHARS_MAX: usize = 40;

/// Drones of an arena that a quick match opens.
const DRONES: u64 = 2;

/// Arenas with room and somebody to fly against.
const INHABITED: &str = "+label.game:arena +label.open:T +label.players:>0";

/// Opens an arena for those whom the matchmaker put together. Others may come, too, as in any arena.
///
/// # Errors
///
/// Those of [`MatchDirectory::create`].
pub fn open_for(
    directory: &mut MatchDirectory,
    players: &[MatchedEntry],
) -> Result<MatchId, MatchError> {
    let names: Vec<_> = players
        .iter()
        .map(|player| &*player.presence.username)
        .collect();
    let name: String = names.join(", ").chars().take(NAME_CHARS_MAX).collect();
    directory.create(Arena::NAME, &MatchParams::new().with("name", name))
}

/// What an arena is listed by.
pub(crate) fn label(name: &str, player_count: usize) -> String {
    json!({
        "game": Arena::NAME,
        "name": name,
        "open": player_count < PLAYERS_MAX,
        "players": player_count,
        "max": PLAYERS_MAX,
    })
    .to_string()
}

/// The name of a new arena.
pub(crate) fn match_name(params: &MatchParams) -> String {
    params.text("name").unwrap_or("An arena").to_owned()
}

/// How many drones a new arena has for one player.
pub(crate) fn drones_wanted(params: &MatchParams) -> usize {
    let wanted = params.get("drones").and_then(serde_json::Value::as_u64);
    usize::try_from(wanted.unwrap_or(0)).map_or(PLAYERS_MAX, |wanted| wanted.min(PLAYERS_MAX))
}

/// Finds an arena where somebody flies, or opens one.
pub(crate) fn find(In(call): In<RpcCall>, mut directory: MatchDirectory) -> RpcResult {
    let inhabited = directory.list(&MatchFilter::limit(1).query(INHABITED))?;
    match inhabited.first() {
        Some(arena) => Ok(answer(arena.match_id)),
        None => {
            let name = format!("{}’s arena", call.caller.username);
            open(&mut directory, &name, DRONES)
        }
    }
}

/// Opens an arena. Payload: `{"name":"…","drones":2}`, or nothing.
pub(crate) fn create(In(call): In<RpcCall>, mut directory: MatchDirectory) -> RpcResult {
    #[derive(Default, Deserialize)]
    struct Wanted {
        name: Option<String>,
        #[serde(default)]
        drones: u64,
    }
    let wanted = if call.payload.is_empty() {
        Wanted::default()
    } else {
        serde_json::from_str(&call.payload)
            .map_err(|_| RpcError::new(RpcError::INVALID_ARGUMENT, "The payload is no object."))?
    };
    let name = wanted.name.as_deref().unwrap_or("An arena");
    open(&mut directory, name, wanted.drones)
}

fn open(directory: &mut MatchDirectory, name: &str, drones: u64) -> RpcResult {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    let params = MatchParams::new().with("name", name).with("drones", drones);
    Ok(answer(directory.create(Arena::NAME, &params)?))
}

fn answer(id: MatchId) -> String {
    json!({ "match_id": id.to_string() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_json_and_says_whether_there_is_room() {
        for (player_count, is_open) in [(0, true), (15, true), (16, false)] {
            let label: serde_json::Value =
                serde_json::from_str(&label("Ann’s \"arena\"", player_count))
                    .expect("a label is JSON");
            assert_eq!(label["open"], is_open);
            assert_eq!(label["name"], "Ann’s \"arena\"");
        }
    }
}
