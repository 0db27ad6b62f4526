//! Games that go on while nobody is there: saved, put to sleep, and woken.
//!
//! ```text
//! both gone ─► save ─► nobody back in ten seconds? ─► the match ends: it sleeps
//!                                                          │
//! xoxo_resume ─► read ─► a match with the saved state ◄────┘
//! round over ─► delete what was saved
//! ```
//!
//! A save replaces only the save that its match was woken from. So a match that was woken from an old save
//! loses against the one that has gone on, whatever came late.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tiltyard::{
    Ask, ExpectedVersion, Game, ObjectAck, ObjectDelete, ReadPermission, WritePermission,
    parse_uuid, prelude::*,
};

use crate::{
    board::Mark,
    round::{Round, TICK_RATE},
    sitting::Sitting,
    table::{Seat, Table},
};

/// A game that sleeps: collection `xoxo_game`, key the game's id, for the server alone.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Saved {
    pub(crate) game_id: String,
    name: String,
    seats: [SavedSeat; 2],
    round: Round,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct SavedSeat {
    user_id: String,
    username: String,
    wins: u32,
}

impl Saved {
    /// A table at which a round is being played.
    fn of(game_id: &str, table: &Table) -> Option<Self> {
        let seat = |mark| {
            let seat = table.seat(mark)?;
            Some(SavedSeat {
                user_id: seat.user_id.clone(),
                username: seat.username.clone(),
                wins: seat.wins,
            })
        };
        Some(Self {
            game_id: game_id.to_owned(),
            name: table.name().to_owned(),
            seats: [seat(Mark::X)?, seat(Mark::O)?],
            round: table.round().filter(|_| table.is_playing())?.clone(),
        })
    }

    /// Whether this user plays.
    pub(crate) fn knows(&self, user_id: &str) -> bool {
        self.seats.iter().any(|seat| seat.user_id == user_id)
    }

    /// The game itself, and what each player finds in the list of their games.
    fn writes(&self, expected: ExpectedVersion) -> Result<Vec<ObjectWrite>, serde_json::Error> {
        let [x, o] = &self.seats;
        let own = [(x, o, Mark::X), (o, x, Mark::O)];
        let own = own.into_iter().filter_map(|(seat, opponent, mark)| {
            let entry = json!({
                "game_id": self.game_id,
                "name": self.name,
                "opponent": opponent.username,
                "your_turn": self.round.turn() == Some(mark),
            });
            let id = entry_of(&self.game_id, &seat.user_id)?;
            let write = ObjectWrite::new(id, entry.to_string());
            Some(write.permissions(ReadPermission::Owner, WritePermission::Nobody))
        });
        let game = ObjectWrite::new(game_object(&self.game_id), serde_json::to_string(self)?)
            .if_version(expected)
            .permissions(ReadPermission::Nobody, WritePermission::Nobody);
        Ok([game].into_iter().chain(own).collect())
    }
}

impl From<Saved> for Table {
    fn from(saved: Saved) -> Self {
        let seats = saved.seats.map(|seat| Seat {
            wins: seat.wins,
            ..Seat::new(String::new(), seat.user_id, seat.username)
        });
        Self::deserted(saved.name, seats, saved.round)
    }
}

/// The object of a game.
pub(crate) fn game_object(game_id: &str) -> ObjectId {
    ObjectId::of_server("xoxo_game", game_id)
}

/// The collection of what players find in the list of their games.
pub(crate) const OPEN_GAMES: &str = "xoxo_open";

fn entry_of(game_id: &str, user_id: &str) -> Option<ObjectId> {
    let user = UserId(parse_uuid(user_id)?);
    Some(ObjectId::new(OPEN_GAMES, game_id, user))
}

/// Where a match stands with its sleep.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// The game's own id, which stays when its match does not.
    pub(crate) game_id: String,
    /// What is in storage, and in which version.
    kept: Option<(Saved, String)>,
    /// What may be in storage, for the database failed when it was to be saved.
    unsure: Option<Box<Saved>>,
    /// The server is going to stop: nobody is waited for.
    is_closing: bool,
    step: Step,
}

#[derive(Debug, Default)]
enum Step {
    /// To be looked at.
    #[default]
    Awake,
    /// There is nothing to save as it stands in this tick.
    Kept,
    Saving(Ask<Vec<ObjectAck>>, Box<Saved>),
    Checking(Ask<Vec<StorageObject>>, Box<Saved>),
    Forgetting(Ask<()>),
    /// The database failed; so many ticks until it is asked again.
    Waiting(u32),
}

/// Ticks until a database is asked again that failed: five seconds.
const RETRY_TICKS: u32 = 5 * TICK_RATE as u32;

impl Rest {
    /// Just woken.
    pub(crate) fn after(saved: &Saved, version: &str) -> Self {
        Self {
            game_id: saved.game_id.clone(),
            kept: Some((saved.clone(), version.to_owned())),
            ..Self::default()
        }
    }
}

/// Saves a game when both players have gone, and ends the match when nobody comes back. The last to run
/// in a tick.
pub(crate) fn put_to_sleep(mut matches: Matches<Sitting>, mut storage: Storage) {
    matches.each(|game| {
        let step = std::mem::take(&mut game.state.rest.step);
        let step = advance(step, game, &mut storage)?;
        game.state.rest.step = step;
        let Sitting {
            table,
            records,
            rest,
        } = &*game.state;
        let may_end = matches!(rest.step, Step::Kept) && records.are_kept();
        let is_closing = rest.is_closing && table.is_passive();
        if may_end && (table.is_abandoned() || is_closing) {
            game.end();
        }
        Ok::<(), serde_json::Error>(())
    });
}

/// Has games saved while there is time. Live tables play on until the server stops.
pub(crate) fn close(mut matches: Matches<Sitting>) {
    matches.each(|game| game.state.rest.is_closing = true);
}

fn advance(
    step: Step,
    game: &mut Game<'_, Sitting>,
    storage: &mut Storage<'_, '_>,
) -> Result<Step, serde_json::Error> {
    match step {
        Step::Awake | Step::Kept | Step::Waiting(0) => begin(game, storage),
        Step::Waiting(ticks) => Ok(Step::Waiting(ticks - 1)),
        Step::Saving(ask, saved) => Ok(match game.answer_to(ask) {
            None => Step::Saving(ask, saved),
            Some(Ok(acks)) => {
                let version = acks.into_iter().next().map(|ack| ack.version);
                game.state.rest.kept = version.map(|version| (*saved, version));
                Step::Awake
            }
            Some(Err(DataError::Conflict)) => {
                // The game has gone on elsewhere.
                game.end();
                Step::Awake
            }
            Some(Err(_)) => {
                game.state.rest.unsure = Some(saved);
                Step::Waiting(RETRY_TICKS)
            }
        }),
        Step::Checking(ask, saved) => Ok(match game.answer_to(ask) {
            None => Step::Checking(ask, saved),
            Some(Ok(found)) => {
                // What is there is either this, or what was there before.
                let made = found
                    .into_iter()
                    .find(|found| found.parse().is_ok_and(|it: Saved| it == *saved));
                if let Some(made) = made {
                    game.state.rest.kept = Some((*saved, made.version));
                }
                Step::Awake
            }
            Some(Err(_)) => {
                game.state.rest.unsure = Some(saved);
                Step::Waiting(RETRY_TICKS)
            }
        }),
        Step::Forgetting(ask) => Ok(match game.answer_to(ask) {
            None => Step::Forgetting(ask),
            Some(Ok(()) | Err(DataError::NotFound)) => {
                game.state.rest.kept = None;
                Step::Awake
            }
            Some(Err(_)) => Step::Waiting(RETRY_TICKS),
        }),
    }
}

/// Saves what is worth it, or forgets what is over.
fn begin(
    game: &mut Game<'_, Sitting>,
    storage: &mut Storage<'_, '_>,
) -> Result<Step, serde_json::Error> {
    if let Some(saved) = game.state.rest.unsure.take() {
        let read = storage.read([game_object(&saved.game_id)]);
        return Ok(Step::Checking(read.for_match(game), saved));
    }
    let Sitting { table, rest, .. } = &*game.state;
    if !table.is_passive() {
        return Ok(Step::Kept);
    }
    let kept = rest.kept.as_ref();
    if let Some((saved, _)) = kept.filter(|_| !table.is_playing()) {
        let entries = saved.seats.iter();
        let entries = entries.filter_map(|seat| entry_of(&saved.game_id, &seat.user_id));
        let (entries, object) = (entries.collect::<Vec<_>>(), game_object(&saved.game_id));
        for entry in entries {
            storage.delete([ObjectDelete::new(entry)]).for_match(game);
        }
        let delete = storage.delete([ObjectDelete::new(object)]);
        return Ok(Step::Forgetting(delete.for_match(game)));
    }
    if table.player_count() > 0 && !rest.is_closing {
        return Ok(Step::Kept);
    }
    let Some(saved) = Saved::of(&rest.game_id, table) else {
        return Ok(Step::Kept);
    };
    let expected = match kept {
        Some((before, _)) if *before == saved => return Ok(Step::Kept),
        Some((_, version)) => ExpectedVersion::Is(version.clone()),
        None => ExpectedVersion::Absent,
    };
    let writes = saved.writes(expected)?;
    let ask = storage.write(writes).for_match(game);
    Ok(Step::Saving(ask, Box::new(saved)))
}
