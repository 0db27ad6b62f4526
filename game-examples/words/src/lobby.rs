//! How players find a table: its label, the functions that find or open one, and the matchmaker.

use serde::Deserialize;
use serde_json::{Value, json};
use tiltyard::{MatchId, MatchedEntry, prelude::*};

use crate::table::{PLAYERS_MAX, Table};

/// Characters of the longest name of a table.
const NAME_CHARS_MAX: usize = 40;

/// Tables with a free seat and somebody waiting.
const WAITING: &str = "+label.game:words +label.open:T +label.players:>0";

/// Opens a table for those whom the matchmaker put together: all of them have a seat, nobody else has, and
/// the game begins when all are there. Friends who queued as a party come together by themselves, because
/// a ticket of a party is matched as a whole.
///
/// # Errors
///
/// [`MatchError::Init`] if there are more players than seats, and those of [`MatchDirectory::create`].
pub fn open_for(
    directory: &mut MatchDirectory,
    players: &[MatchedEntry],
) -> Result<MatchId, MatchError> {
    if players.len() > PLAYERS_MAX {
        return Err(MatchError::init("more players than seats"));
    }
    let names: Vec<_> = players
        .iter()
        .map(|player| &*player.presence.username)
        .collect();
    let invited: Vec<_> = players
        .iter()
        .map(|player| player.presence.user_id.to_string())
        .collect();
    let params = MatchParams::new()
        .with("name", shortened(&names.join(", ")))
        .with("invited", invited);
    directory.create(Table::NAME, &params)
}

/// What a table is listed by.
pub(crate) fn label(table: &Table) -> String {
    json!({
        "game": Table::NAME,
        "name": table.name(),
        "open": table.is_open(),
        "players": table.seats().len(),
        "max": PLAYERS_MAX,
    })
    .to_string()
}

/// The table that a match begins with.
pub(crate) fn new_table(params: &MatchParams) -> Table {
    let invited = params.get("invited").and_then(Value::as_array);
    let invited = invited.into_iter().flatten().filter_map(Value::as_str);
    Table::new(
        params.text("name").unwrap_or("A table").to_owned(),
        invited.map(str::to_owned).collect(),
    )
}

/// Finds a table where somebody waits, or opens one.
pub(crate) fn find(In(call): In<RpcCall>, mut directory: MatchDirectory) -> RpcResult {
    let waiting = directory.list(&MatchFilter::limit(1).query(WAITING))?;
    match waiting.first() {
        Some(table) => Ok(answer(table.match_id)),
        None => open(&mut directory, &format!("{}’s table", call.caller.username)),
    }
}

/// Opens a table. Payload: `{"name":"…"}`, or nothing.
pub(crate) fn create(In(call): In<RpcCall>, mut directory: MatchDirectory) -> RpcResult {
    #[derive(Default, Deserialize)]
    struct Wanted {
        name: Option<String>,
    }
    let wanted = if call.payload.is_empty() {
        Wanted::default()
    } else {
        serde_json::from_str(&call.payload)
            .map_err(|_| RpcError::new(RpcError::INVALID_ARGUMENT, "The payload is no object."))?
    };
    open(&mut directory, wanted.name.as_deref().unwrap_or("A table"))
}

fn open(directory: &mut MatchDirectory, name: &str) -> RpcResult {
    let params = MatchParams::new().with("name", shortened(name));
    Ok(answer(directory.create(Table::NAME, &params)?))
}

fn shortened(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

fn answer(id: MatchId) -> String {
    json!({ "match_id": id.to_string() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_json_and_says_whether_anybody_may_come() {
        for (invited, is_open) in [(Vec::new(), true), (vec!["ann"], false)] {
            let params = MatchParams::new()
                .with("name", "Ann’s \"table\"")
                .with("invited", invited);
            let label: Value =
                serde_json::from_str(&label(&new_table(&params))).expect("a label is JSON");
            assert_eq!(label["open"], is_open);
            assert_eq!(label["name"], "Ann’s \"table\"");
        }
    }
}
