//! One round: whose turn it is, what a move does, and how a round ends.

use serde::{Deserialize, Serialize};

use crate::board::{Board, Mark};

/// Ticks that a player has for a move: 30 seconds at [`TICK_RATE`].
pub const TURN_TICKS_MAX: u32 = 30 * TICK_RATE as u32;

/// Ticks a second. Nothing moves between turns, so five are plenty for the clock.
pub const TICK_RATE: u8 = 5;

/// A round from the first move to its outcome.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Round {
    board: Board,
    turn: Mark,
    turn_ticks_left: u32,
    outcome: Option<Outcome>,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Outcome {
    /// Three in a row.
    Line {
        /// Who made the line.
        winner: Mark,
        /// Its cells.
        cells: [usize; 3],
    },
    /// A full board without a line.
    Draw,
    /// The winner's opponent did not move in time.
    OutOfTime {
        /// Who waited.
        winner: Mark,
    },
    /// The winner's opponent left the match.
    Left {
        /// Who stayed.
        winner: Mark,
    },
}

impl Outcome {
    /// Who won; nobody wins a draw.
    pub fn winner(self) -> Option<Mark> {
        match self {
            Self::Line { winner, .. } | Self::OutOfTime { winner } | Self::Left { winner } => {
                Some(winner)
            }
            Self::Draw => None,
        }
    }
}

/// Why a request was refused. Only its sender is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The payload is not what the op code asks for.
    Garbage,
    /// There is no such op code.
    UnknownOpCode,
    /// No round is being played.
    NotPlaying,
    /// It is the opponent's turn.
    NotYourTurn,
    /// There is no such cell.
    OutOfRange,
    /// The cell has a mark already.
    CellTaken,
    /// A rematch can be asked for only once a round is over, with both players there.
    NoRematchNow,
}

impl Round {
    /// An empty board, with `X` to move.
    pub fn new() -> Self {
        Self {
            board: Board::default(),
            turn: Mark::X,
            turn_ticks_left: TURN_TICKS_MAX,
            outcome: None,
        }
    }

    /// Plays one move.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that says which rule the move breaks; the round is as it was.
    pub fn play(&mut self, mark: Mark, cell: i64) -> Result<(), Refusal> {
        if self.outcome.is_some() {
            return Err(Refusal::NotPlaying);
        }
        if mark != self.turn {
            return Err(Refusal::NotYourTurn);
        }
        let cell = usize::try_from(cell)
            .ok()
            .filter(|&cell| cell < crate::board::CELL_COUNT)
            .ok_or(Refusal::OutOfRange)?;
        if !self.board.try_place(mark, cell) {
            return Err(Refusal::CellTaken);
        }
        self.turn = mark.other();
        self.turn_ticks_left = TURN_TICKS_MAX;
        self.outcome = self.outcome_on_board();
        Ok(())
    }

    /// Takes one tick off the clock and says whether that ended the round.
    pub fn tick(&mut self) -> bool {
        if self.outcome.is_some() {
            return false;
        }
        self.turn_ticks_left = self.turn_ticks_left.saturating_sub(1);
        if self.turn_ticks_left > 0 {
            return false;
        }
        self.outcome = Some(Outcome::OutOfTime {
            winner: self.turn.other(),
        });
        true
    }

    /// Ends a running round because `mark` left.
    pub fn forfeit(&mut self, mark: Mark) {
        self.outcome.get_or_insert(Outcome::Left {
            winner: mark.other(),
        });
    }

    /// How the round ended; `None` while it runs.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// The board.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Who moves next; `None` once the round is over.
    pub fn turn(&self) -> Option<Mark> {
        self.outcome.is_none().then_some(self.turn)
    }

    /// Milliseconds left for the move.
    pub fn turn_ms_left(&self) -> u32 {
        self.turn_ticks_left * 1000 / u32::from(TICK_RATE)
    }

    fn outcome_on_board(&self) -> Option<Outcome> {
        if let Some((winner, cells)) = self.board.winning_line() {
            return Some(Outcome::Line { winner, cells });
        }
        self.board.is_full().then_some(Outcome::Draw)
    }
}

impl Default for Round {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A round after these cells were played in turn.
    fn round_after(cells: &[i64]) -> Round {
        let mut round = Round::new();
        for &cell in cells {
            let mark = round.turn().expect("the round is still running");
            assert_eq!(round.play(mark, cell), Ok(()));
        }
        round
    }

    #[test]
    fn three_in_a_row_win() {
        let round = round_after(&[0, 3, 1, 4, 2]);
        let line = Outcome::Line {
            winner: Mark::X,
            cells: [0, 1, 2],
        };
        assert_eq!(round.outcome(), Some(line));
        assert_eq!(round.turn(), None, "nobody moves after the end");
    }

    #[test]
    fn a_line_on_the_last_cell_wins_and_is_no_draw() {
        let round = round_after(&[0, 1, 2, 3, 4, 5, 7, 6, 8]);
        assert_eq!(round.outcome().and_then(Outcome::winner), Some(Mark::X));
    }

    #[test]
    fn a_full_board_without_a_line_is_a_draw() {
        let round = round_after(&[0, 1, 2, 4, 3, 5, 7, 6, 8]);
        assert_eq!(round.outcome(), Some(Outcome::Draw));
    }

    #[test]
    fn a_move_out_of_turn_is_refused_and_changes_nothing() {
        let mut round = round_after(&[4]);
        assert_eq!(round.play(Mark::X, 0), Err(Refusal::NotYourTurn));
        assert_eq!(round.board().letters(), "....X....");
    }

    #[test]
    fn a_taken_cell_is_refused_and_the_turn_stays() {
        let mut round = round_after(&[4]);
        assert_eq!(round.play(Mark::O, 4), Err(Refusal::CellTaken));
        assert_eq!(round.turn(), Some(Mark::O));
    }

    #[test]
    fn cells_off_the_board_are_refused() {
        for cell in [-1, 9, i64::MIN, i64::MAX] {
            assert_eq!(Round::new().play(Mark::X, cell), Err(Refusal::OutOfRange));
        }
    }

    #[test]
    fn a_move_after_the_end_is_refused() {
        let mut round = round_after(&[0, 3, 1, 4, 2]);
        assert_eq!(round.play(Mark::O, 8), Err(Refusal::NotPlaying));
    }

    #[test]
    fn a_player_who_lets_the_clock_run_out_loses() {
        let mut round = round_after(&[4]);
        let ended_at = (1..=TURN_TICKS_MAX).find(|_| round.tick());
        assert_eq!(ended_at, Some(TURN_TICKS_MAX));
        let lost = Outcome::OutOfTime { winner: Mark::X };
        assert_eq!(round.outcome(), Some(lost), "it was O's turn");
    }

    #[test]
    fn a_move_gives_the_opponent_the_whole_time() {
        let mut round = Round::new();
        assert!((1..TURN_TICKS_MAX).all(|_| !round.tick()));
        assert_eq!(round.play(Mark::X, 0), Ok(()));
        assert_eq!(round.turn_ms_left(), 30_000);
    }

    #[test]
    fn leaving_loses_a_running_round_and_not_a_finished_one() {
        let mut running = Round::new();
        running.forfeit(Mark::X);
        assert_eq!(running.outcome(), Some(Outcome::Left { winner: Mark::O }));

        let mut won_by_x = round_after(&[0, 3, 1, 4, 2]);
        won_by_x.forfeit(Mark::X);
        assert_eq!(won_by_x.outcome().and_then(Outcome::winner), Some(Mark::X));
    }
}
