//! How players find a table: its label, and the functions that find or open one.

use serde::Deserialize;
use serde_json::json;
use tiltyard::{MatchId, prelude::*};

use crate::{sitting::Sitting, table::Table};

/// Characters of the longest name of a table.
const NAME_CHARS_MAX: usize = 40;

/// Tables with a free seat and somebody waiting.
const WAITING: &str = "+label.game:xoxo +label.open:T +label.players:>0 -label.passive:T";

/// What a table is listed by.
pub(crate) fn label(table: &Table) -> String {
    let mut label = json!({
        "game": Sitting::NAME,
        "name": table.name(),
        "open": !table.is_full(),
        "players": table.player_count(),
        "max": 2,
    });
    if table.is_passive() {
        label["passive"] = true.into();
    }
    label.to_string()
}

/// Finds a table where somebody waits, or opens one.
pub(crate) fn find(In(call): In<RpcCall>, mut directory: MatchDirectory) -> RpcResult {
    let waiting = directory.list(&MatchFilter::limit(1).query(WAITING))?;
    match waiting.first() {
        Some(table) => Ok(answer(table.match_id)),
        None => {
            let name = format!("{}’s table", call.caller.username);
            open(&mut directory, &name, false)
        }
    }
}

/// Opens a table. Payload: `{"name":"…","passive":true}`, or nothing.
pub(crate) fn create(In(call): In<RpcCall>, mut directory: MatchDirectory) -> RpcResult {
    #[derive(Default, Deserialize)]
    struct Wanted {
        name: Option<String>,
        #[serde(default)]
        passive: bool,
    }
    let wanted = if call.payload.is_empty() {
        Wanted::default()
    } else {
        serde_json::from_str(&call.payload)
            .map_err(|_| RpcError::new(RpcError::INVALID_ARGUMENT, "The payload is no object."))?
    };
    let name = wanted.name.as_deref().unwrap_or("A table");
    open(&mut directory, name, wanted.passive)
}

fn open(directory: &mut MatchDirectory, name: &str, is_passive: bool) -> RpcResult {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    let params = MatchParams::new()
        .with("name", name)
        .with("passive", is_passive);
    Ok(answer(directory.create(Sitting::NAME, &params)?))
}

pub(crate) fn answer(id: MatchId) -> String {
    json!({ "match_id": id.to_string() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Seat;

    #[test]
    fn a_label_is_json_and_says_whether_there_is_a_seat() {
        let mut table = Table::new("Ann’s \"table\"".into());
        for (name, is_open) in [("ann", true), ("bob", false)] {
            table.sit(Seat::new(name.into(), name.into(), name.into()));
            let label: serde_json::Value =
                serde_json::from_str(&label(&table)).expect("a label is JSON");
            assert_eq!(label["open"], is_open);
            assert_eq!(label["name"], "Ann’s \"table\"");
        }
    }
}
