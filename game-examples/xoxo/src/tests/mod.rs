//! The game in virtual time, with a database in memory.

mod records;
mod sleep;
mod stage;

use std::time::Duration;

use tiltyard::prelude::*;

use self::stage::{Player, Stage};

/// Longer than a table without players stays.
const LONG: Duration = Duration::from_secs(15);

/// Ann and Bob at a table, passive or not; Ann has the cross.
fn seated(is_passive: bool) -> (Stage, [Player; 2], MatchId) {
    let mut stage = Stage::new();
    let players = [stage.connect(1, "ann"), stage.connect(2, "bob")];
    let payload = format!(r#"{{"name":"table","passive":{is_passive}}}"#);
    let id = stage.find(players[0], "xoxo_create", &payload);
    for player in players {
        assert!(stage.join(player, id));
    }
    (stage, players, id)
}
