//! What a match of this game is: a table, and what is not in storage yet.

use tiltyard::prelude::*;

use crate::{
    lobby,
    records::Records,
    rest::{Rest, Saved},
    round::TICK_RATE,
    table::Table,
};

/// Players at a table, from the first one's coming until it is abandoned or put to sleep.
#[derive(Component, Debug)]
pub(crate) struct Sitting {
    /// What is played.
    pub(crate) table: Table,
    /// Wins to count.
    pub(crate) records: Records,
    /// Where it stands with its sleep.
    pub(crate) rest: Rest,
}

impl MatchKind for Sitting {
    const NAME: &'static str = "xoxo";

    /// A new table, or one that wakes up.
    fn init(params: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        let (table, rest) = match (params.text("saved"), params.text("version")) {
            (Some(saved), Some(version)) => {
                let saved: Saved = serde_json::from_str(saved).map_err(MatchError::init)?;
                let rest = Rest::after(&saved, version);
                (Table::from(saved), rest)
            }
            _ => (new_table(params), Rest::default()),
        };
        let label = lobby::label(&table);
        let sitting = Self {
            table,
            records: Records::default(),
            rest,
        };
        Ok(MatchInit::new(sitting).tick_rate(TICK_RATE).label(label))
    }
}

fn new_table(params: &MatchParams) -> Table {
    let name = params.text("name").unwrap_or("A table").to_owned();
    if params.flag("passive").unwrap_or(false) {
        Table::passive(name)
    } else {
        Table::new(name)
    }
}
