//! What goes over the wire: op codes and JSON payloads.

use serde::{Deserialize, Serialize};

use crate::table::{Outcome, Phase, Played, ROUNDS, Refusal, Seat, Table};

/// Client to server: play a word. Payload: `{"word":"lance"}`.
pub const OP_WORD: i64 = 1;

/// Client to server: play nothing this turn. The payload is ignored.
pub const OP_PASS: i64 = 2;

/// Client to server: begin with those who are there. The payload is ignored.
pub const OP_BEGIN: i64 = 3;

/// Client to server: give up. The payload is ignored. Leaving the match does not do it: whoever leaves is
/// called when it is their turn.
pub const OP_RESIGN: i64 = 4;

/// Server to everybody: the whole state, after every change. See [`state_message`].
pub const OP_STATE: i64 = 10;

/// Server to one sender: a request was refused.
/// Payload: `{"reason":"unknown_word","text":"That is no word we know."}`.
pub const OP_REJECTED: i64 = 11;

/// The code of the notification that it is somebody's turn. Content: `{"match_id":"…","name":"…"}`.
pub const CODE_YOUR_TURN: i32 = 100;

/// Bytes of the longest sensible [`OP_WORD`] payload; more is garbage and is not even parsed.
const WORD_BYTES_MAX: usize = 128;

/// Words that a state shows, the newest ones.
const PLAYED_SHOWN_MAX: usize = 20;

/// Reads the word out of an [`OP_WORD`] payload.
///
/// # Errors
///
/// [`Refusal::Garbage`] for anything but an object with a text `word`.
pub fn word_from_payload(payload: &[u8]) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Word {
        word: String,
    }
    if payload.len() > WORD_BYTES_MAX {
        return Err(Refusal::Garbage);
    }
    serde_json::from_slice::<Word>(payload)
        .map(|played| played.word)
        .map_err(|_| Refusal::Garbage)
}

/// The payload of [`OP_STATE`].
///
/// ```json
/// {"phase":"playing","letters":"eatslnoirdge","turn":"<user id>","turn_ms_left":30000,"round":1,"rounds":5,
///  "seats":[{"user_id":"…","username":"ann","score":0,"here":true,"out":false}],
///  "played":[{"user_id":"…","word":"lance","points":9}],"outcome":null}
/// ```
///
/// `phase` is `waiting`, `playing` or `over`; `outcome` then says `{"how":"rounds","winners":["<user id>"]}`,
/// where `how` is `rounds` or `left`. `played` holds the newest words, the oldest of them first.
///
/// # Errors
///
/// None that a table can cause: its fields are text and numbers.
pub fn state_message(table: &Table) -> Result<Vec<u8>, serde_json::Error> {
    let played = table.played();
    let (phase, how) = match table.phase() {
        Phase::Waiting => ("waiting", None),
        Phase::Playing => ("playing", None),
        Phase::Over(Outcome::Rounds) => ("over", Some("rounds")),
        Phase::Over(Outcome::Left) => ("over", Some("left")),
    };
    serde_json::to_vec(&StateMessage {
        phase,
        letters: table.letters().text(),
        turn: table.awaited().map(|seat| &*seat.user_id),
        turn_ms_left: table.turn_ms_left(),
        round: table.round(),
        rounds: ROUNDS,
        seats: table.seats().iter().map(SeatMessage::new).collect(),
        played: played[played.len().saturating_sub(PLAYED_SHOWN_MAX)..]
            .iter()
            .map(PlayedMessage::new)
            .collect(),
        outcome: how.map(|how| OutcomeMessage {
            how,
            winners: table.winners().iter().map(|seat| &*seat.user_id).collect(),
        }),
    })
}

/// The payload of [`OP_REJECTED`].
pub fn rejected_message(refusal: Refusal) -> String {
    let (reason, text) = match refusal {
        Refusal::Garbage => ("garbage", "That message makes no sense."),
        Refusal::UnknownOpCode => ("unknown_op_code", "There is no such op code."),
        Refusal::NotPlaying => ("not_playing", "You are not in a running game."),
        Refusal::NotYourTurn => ("not_your_turn", "It is not your turn."),
        Refusal::TooShort => ("too_short", "A word has three letters at least."),
        Refusal::NotOnTheTable => ("not_on_the_table", "Those letters are not on the table."),
        Refusal::AlreadyPlayed => ("already_played", "That word was played before."),
        Refusal::UnknownWord => ("unknown_word", "That is no word we know."),
        Refusal::CannotBegin => ("cannot_begin", "It takes two to begin."),
    };
    format!(r#"{{"reason":"{reason}","text":"{text}"}}"#)
}

#[derive(Serialize)]
struct StateMessage<'a> {
    phase: &'static str,
    letters: String,
    turn: Option<&'a str>,
    turn_ms_left: u32,
    round: u32,
    rounds: u32,
    seats: Vec<SeatMessage<'a>>,
    played: Vec<PlayedMessage<'a>>,
    outcome: Option<OutcomeMessage<'a>>,
}

#[derive(Serialize)]
struct SeatMessage<'a> {
    user_id: &'a str,
    username: &'a str,
    score: u32,
    here: bool,
    out: bool,
}

impl<'a> SeatMessage<'a> {
    fn new(seat: &'a Seat) -> Self {
        Self {
            user_id: &seat.user_id,
            username: &seat.username,
            score: seat.score,
            here: seat.is_here(),
            out: seat.is_out,
        }
    }
}

#[derive(Serialize)]
struct PlayedMessage<'a> {
    user_id: &'a str,
    word: &'a str,
    points: u32,
}

impl<'a> PlayedMessage<'a> {
    fn new(played: &'a Played) -> Self {
        Self {
            user_id: &played.user_id,
            word: &played.word,
            points: played.points,
        }
    }
}

#[derive(Serialize)]
struct OutcomeMessage<'a> {
    how: &'static str,
    winners: Vec<&'a str>,
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    fn state(table: &Table) -> serde_json::Value {
        let bytes = state_message(table).expect("a state has nothing that JSON cannot hold");
        serde_json::from_slice(&bytes).expect("a state is JSON")
    }

    #[test]
    fn a_word_is_read_and_anything_else_is_garbage() {
        assert_eq!(
            word_from_payload(br#"{"word":"tea"}"#).as_deref(),
            Ok("tea")
        );
        let long = format!(r#"{{"word":"{}"}}"#, "x".repeat(WORD_BYTES_MAX));
        for payload in [
            &b""[..],
            b"tea",
            b"{}",
            b"{\"word\":4}",
            b"\xff",
            long.as_bytes(),
        ] {
            assert_eq!(word_from_payload(payload), Err(Refusal::Garbage));
        }
    }

    #[test]
    fn a_state_shows_who_is_there_whose_turn_it_is_and_who_won() {
        let mut random = SmallRng::seed_from_u64(1);
        let mut table = Table::new("a table".into(), Vec::new());
        assert_eq!(state(&table)["phase"], "waiting");
        for name in ["ann", "bob"] {
            table.arrive(name, name, name, &mut random);
        }
        table.begin(&mut random).expect("two are enough");
        let playing = state(&table);
        assert_eq!(
            (&playing["phase"], &playing["turn"]),
            (&"playing".into(), &"ann".into())
        );
        assert_eq!(
            (&playing["turn_ms_left"], &playing["round"]),
            (&30_000.into(), &1.into())
        );
        assert_eq!(playing["letters"].as_str().map(str::len), Some(12));
        assert_eq!(playing["seats"][1]["here"], true);
        table.look_away("bob");
        table.resign("ann").expect("ann plays");
        let over = state(&table);
        assert_eq!(
            over["outcome"],
            serde_json::json!({ "how": "left", "winners": ["bob"] })
        );
        assert_eq!(
            (&over["seats"][0]["out"], &over["seats"][1]["here"]),
            (&true.into(), &false.into())
        );
    }

    #[test]
    fn a_rejection_is_json_with_a_reason() {
        let message: serde_json::Value =
            serde_json::from_str(&rejected_message(Refusal::TooShort)).expect("it is JSON");
        assert_eq!(message["reason"], "too_short");
    }
}
