//! What goes over the wire: op codes and JSON payloads.

use serde::{Deserialize, Serialize};

use crate::{
    board::Mark,
    round::{Outcome, Refusal},
    table::{Seat, Table},
};

/// Client to server: put your mark into a cell. Payload: `{"cell":4}`, cells numbered 0 to 8.
pub const OP_MOVE: i64 = 1;

/// Client to server: ask for another round. The payload is ignored.
pub const OP_REMATCH: i64 = 2;

/// Server to everybody: the whole state, after every change. See [`state_message`].
pub const OP_STATE: i64 = 10;

/// Server to one sender: a request was refused.
/// Payload: `{"reason":"cell_taken","text":"That cell is taken."}`.
pub const OP_REJECTED: i64 = 11;

/// Bytes of the longest sensible `{"cell":4}`; more is garbage and is not even parsed.
const MOVE_BYTES_MAX: usize = 64;

/// Reads the cell out of an [`OP_MOVE`] payload.
///
/// # Errors
///
/// [`Refusal::Garbage`] for anything but an object with a whole number `cell`.
pub fn cell_from_payload(payload: &[u8]) -> Result<i64, Refusal> {
    #[derive(Deserialize)]
    struct Move {
        cell: i64,
    }
    if payload.len() > MOVE_BYTES_MAX {
        return Err(Refusal::Garbage);
    }
    serde_json::from_slice::<Move>(payload)
        .map(|placed| placed.cell)
        .map_err(|_| Refusal::Garbage)
}

/// The payload of [`OP_STATE`].
///
/// ```json
/// {"phase":"playing","board":"X...O....","turn":"X","turn_ms_left":30000,
///  "seats":{"X":{"session_id":"…","user_id":"…","username":"ann","wins":0,"wants_rematch":false,"away":false},"O":null},
///  "outcome":null}
/// ```
///
/// A player who is away has no `session_id`; at a passive table `turn_ms_left` is 0. `phase` is `waiting`, `playing` or `over`; `outcome` then says
/// `{"how":"line","winner":"X","line":[0,4,8]}`, where `how` is `line`, `draw`, `time` or `left`.
///
/// # Errors
///
/// None that a table can cause: its fields are text and numbers.
pub fn state_message(table: &Table) -> Result<Vec<u8>, serde_json::Error> {
    let round = table.round();
    let outcome = round.and_then(|round| round.outcome());
    serde_json::to_vec(&StateMessage {
        phase: match (round, outcome) {
            (None, _) => "waiting",
            (Some(_), None) => "playing",
            (Some(_), Some(_)) => "over",
        },
        board: round.map_or_else(|| ".".repeat(9), |round| round.board().letters()),
        turn: round.and_then(|round| round.turn()).map(Mark::letter),
        turn_ms_left: match round {
            Some(round) if !table.is_passive() => round.turn_ms_left(),
            _ => 0,
        },
        seats: SeatsMessage {
            x: table.seat(Mark::X).map(SeatMessage::new),
            o: table.seat(Mark::O).map(SeatMessage::new),
        },
        outcome: outcome.map(OutcomeMessage::new),
    })
}

/// The payload of [`OP_REJECTED`].
pub fn rejected_message(refusal: Refusal) -> String {
    let (reason, text) = match refusal {
        Refusal::Garbage => ("garbage", "That message makes no sense."),
        Refusal::UnknownOpCode => ("unknown_op_code", "There is no such op code."),
        Refusal::NotPlaying => ("not_playing", "No round is being played."),
        Refusal::NotYourTurn => ("not_your_turn", "It is not your turn."),
        Refusal::OutOfRange => ("out_of_range", "There is no such cell."),
        Refusal::CellTaken => ("cell_taken", "That cell is taken."),
        Refusal::NoRematchNow => ("no_rematch_now", "There can be no rematch now."),
    };
    format!(r#"{{"reason":"{reason}","text":"{text}"}}"#)
}

#[derive(Serialize)]
struct StateMessage<'a> {
    phase: &'static str,
    board: String,
    turn: Option<char>,
    turn_ms_left: u32,
    seats: SeatsMessage<'a>,
    outcome: Option<OutcomeMessage>,
}

#[derive(Serialize)]
struct SeatsMessage<'a> {
    #[serde(rename = "X")]
    x: Option<SeatMessage<'a>>,
    #[serde(rename = "O")]
    o: Option<SeatMessage<'a>>,
}

#[derive(Serialize)]
struct SeatMessage<'a> {
    session_id: &'a str,
    user_id: &'a str,
    username: &'a str,
    wins: u32,
    wants_rematch: bool,
    away: bool,
}

impl<'a> SeatMessage<'a> {
    fn new(seat: &'a Seat) -> Self {
        Self {
            session_id: &seat.session_id,
            user_id: &seat.user_id,
            username: &seat.username,
            wins: seat.wins,
            wants_rematch: seat.wants_rematch,
            away: seat.is_away(),
        }
    }
}

#[derive(Serialize)]
struct OutcomeMessage {
    how: &'static str,
    winner: Option<char>,
    line: Option<[usize; 3]>,
}

impl OutcomeMessage {
    fn new(outcome: Outcome) -> Self {
        let (how, line) = match outcome {
            Outcome::Line { cells, .. } => ("line", Some(cells)),
            Outcome::Draw => ("draw", None),
            Outcome::OutOfTime { .. } => ("time", None),
            Outcome::Left { .. } => ("left", None),
        };
        Self {
            how,
            winner: outcome.winner().map(Mark::letter),
            line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(table: &Table) -> serde_json::Value {
        let bytes = state_message(table).expect("a state has nothing that JSON cannot hold");
        serde_json::from_slice(&bytes).expect("a state is JSON")
    }

    fn table() -> Table {
        let mut table = Table::new("a table".into());
        for name in ["ann", "bob"] {
            table.sit(Seat::new(name.into(), format!("{name}-id"), name.into()));
        }
        table
    }

    #[test]
    fn a_move_is_read() {
        assert_eq!(cell_from_payload(br#"{"cell":4}"#), Ok(4));
        assert_eq!(
            cell_from_payload(br#"{"cell":-7}"#),
            Ok(-7),
            "the round refuses it"
        );
    }

    #[test]
    fn anything_else_is_garbage() {
        let long = format!(r#"{{"cell":4,"pad":"{}"}}"#, "x".repeat(MOVE_BYTES_MAX));
        for payload in [
            &b""[..],
            b"4",
            b"{}",
            b"{\"cell\":1.5}",
            b"{\"cell\":\"4\"}",
            b"\xff\x00",
            long.as_bytes(),
        ] {
            assert_eq!(cell_from_payload(payload), Err(Refusal::Garbage));
        }
    }

    #[test]
    fn a_waiting_table_shows_an_empty_board_and_nobodys_turn() {
        let state = state(&Table::new("a table".into()));
        assert_eq!(state["phase"], "waiting");
        assert_eq!(state["board"], ".........");
        assert!(state["turn"].is_null() && state["seats"]["X"].is_null());
    }

    #[test]
    fn a_running_round_shows_marks_turn_and_players() {
        let mut table = table();
        assert_eq!(table.play("ann", 4), Ok(()));
        let state = state(&table);
        assert_eq!(state["phase"], "playing");
        assert_eq!(state["board"], "....X....");
        assert_eq!(state["turn"], "O");
        assert_eq!(state["turn_ms_left"], 30_000);
        assert_eq!(state["seats"]["O"]["username"], "bob");
    }

    #[test]
    fn a_won_round_shows_the_winner_and_the_line() {
        let mut table = table();
        for (name, cell) in [("ann", 0), ("bob", 1), ("ann", 4), ("bob", 2), ("ann", 8)] {
            assert_eq!(table.play(name, cell), Ok(()));
        }
        let state = state(&table);
        assert_eq!(state["phase"], "over");
        assert_eq!(state["outcome"]["winner"], "X");
        assert_eq!(state["outcome"]["line"], serde_json::json!([0, 4, 8]));
        assert_eq!(state["seats"]["X"]["wins"], 1);
    }

    #[test]
    fn a_rejection_is_json_with_a_reason() {
        let message: serde_json::Value =
            serde_json::from_str(&rejected_message(Refusal::CellTaken)).expect("it is JSON");
        assert_eq!(message["reason"], "cell_taken");
    }
}
