//! How often players won, in storage where everybody may read it.
//!
//! ```text
//! a win ─► read the record ─► write it, if it is still the one that was read ─► done
//!                ▲                              │
//!                └── somebody else wrote it ◄───┘
//! ```

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tiltyard::{
    Ask, ExpectedVersion, Game, ObjectAck, ReadPermission, WritePermission, parse_uuid, prelude::*,
};

use crate::{round::TICK_RATE, sitting::Sitting};

/// What is kept of a player: collection `xoxo`, key `record`.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Record {
    /// Rounds won.
    pub(crate) wins: u32,
}

/// Ticks after which a win is given up that cannot be counted: a minute.
const COUNT_TICKS_MAX: u32 = 60 * TICK_RATE as u32;

/// Wins that are not in storage yet, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Records {
    wins: VecDeque<Win>,
}

impl Records {
    /// Whether everything is counted.
    pub(crate) fn are_kept(&self) -> bool {
        self.wins.is_empty()
    }
}

#[derive(Debug)]
struct Win {
    user: UserId,
    step: Step,
    ticks: u32,
}

#[derive(Debug)]
enum Step {
    Begin,
    Read(Ask<Vec<StorageObject>>),
    Write(Ask<Vec<ObjectAck>>),
    Done,
}

/// Counts wins, one at a time, so that a player who wins twice is not in their own way.
pub(crate) fn keep_records(mut matches: Matches<Sitting>, mut storage: Storage) {
    matches.each(|game| {
        if let Some(user) = game
            .state
            .table
            .take_winner()
            .as_deref()
            .and_then(parse_uuid)
        {
            game.state.records.wins.push_back(Win {
                user: UserId(user),
                step: Step::Begin,
                ticks: 0,
            });
        }
        let Some(mut win) = game.state.records.wins.pop_front() else {
            return;
        };
        win.ticks += 1;
        win.step = advance(win.user, win.step, game, &mut storage);
        if !matches!(win.step, Step::Done) && win.ticks < COUNT_TICKS_MAX {
            game.state.records.wins.push_front(win);
        }
    });
}

fn advance(
    user: UserId,
    step: Step,
    game: &mut Game<'_, Sitting>,
    storage: &mut Storage<'_, '_>,
) -> Step {
    match step {
        Step::Begin => Step::Read(storage.read([record_of(user)]).for_match(game)),
        Step::Read(ask) => match game.answer_to(ask) {
            None => step,
            Some(Ok(found)) => match add_win(user, found.first()) {
                Some(write) => Step::Write(storage.write([write]).for_match(game)),
                None => Step::Done,
            },
            Some(Err(_)) => Step::Begin,
        },
        Step::Write(ask) => match game.answer_to(ask) {
            None => step,
            Some(Err(DataError::Conflict | DataError::Busy)) => Step::Begin,
            // A write that failed may have been made; one win too few is better than one too many.
            Some(_) => Step::Done,
        },
        Step::Done => step,
    }
}

fn record_of(user: UserId) -> ObjectId {
    ObjectId::new("xoxo", "record", user)
}

/// The record with one win more. Nothing if it is not ours to read.
fn add_win(user: UserId, found: Option<&StorageObject>) -> Option<ObjectWrite> {
    let (mut record, expected) = match found {
        None => (Record::default(), ExpectedVersion::Absent),
        Some(found) => (
            found.parse::<Record>().ok()?,
            ExpectedVersion::Is(found.version.clone()),
        ),
    };
    record.wins += 1;
    let write = ObjectWrite::new(record_of(user), serde_json::to_string(&record).ok()?);
    Some(
        write
            .if_version(expected)
            .permissions(ReadPermission::Public, WritePermission::Nobody),
    )
}
