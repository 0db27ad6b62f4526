//! The board: nine cells, two marks and the eight lines that win.

use serde::{Deserialize, Serialize};

/// A player's sign. `X` begins every round.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Mark {
    /// The mark that moves first.
    X,
    /// The mark that moves second.
    O,
}

impl Mark {
    /// The opponent's mark.
    pub fn other(self) -> Self {
        match self {
            Self::X => Self::O,
            Self::O => Self::X,
        }
    }

    /// The letter that stands for the mark in messages.
    pub fn letter(self) -> char {
        match self {
            Self::X => 'X',
            Self::O => 'O',
        }
    }
}

/// Nine cells, numbered row by row from the top left: `0 1 2 / 3 4 5 / 6 7 8`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Board {
    cells: [Option<Mark>; CELL_COUNT],
}

impl Board {
    /// What is in a cell; `None` also for a cell that does not exist.
    pub fn mark_at(&self, cell: usize) -> Option<Mark> {
        self.cells.get(cell).copied().flatten()
    }

    /// Puts a mark into an empty cell and says whether it did.
    pub fn try_place(&mut self, mark: Mark, cell: usize) -> bool {
        let Some(slot @ None) = self.cells.get_mut(cell) else {
            return false;
        };
        *slot = Some(mark);
        true
    }

    /// The line of three equal marks and whose it is, if there is one.
    pub fn winning_line(&self) -> Option<(Mark, [usize; 3])> {
        LINES.iter().find_map(|&line| {
            let mark = self.mark_at(line[0])?;
            line.iter()
                .all(|&cell| self.mark_at(cell) == Some(mark))
                .then_some((mark, line))
        })
    }

    /// Whether every cell has a mark.
    pub fn is_full(&self) -> bool {
        self.cells.iter().all(Option::is_some)
    }

    /// The board as nine letters, with `.` for an empty cell: `"X.O..X..."`.
    pub fn letters(&self) -> String {
        self.cells
            .iter()
            .map(|cell| cell.map_or('.', Mark::letter))
            .collect()
    }
}

/// Cells of a board.
pub const CELL_COUNT: usize = 9;

/// Rows, columns and diagonals.
const LINES: [[usize; 3]; 8] = [
    [0, 1, 2],
    [3, 4, 5],
    [6, 7, 8],
    [0, 3, 6],
    [1, 4, 7],
    [2, 5, 8],
    [0, 4, 8],
    [2, 4, 6],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn board(letters: &str) -> Board {
        let mut board = Board::default();
        for (cell, letter) in letters.chars().enumerate() {
            let mark = match letter {
                'X' => Mark::X,
                'O' => Mark::O,
                _ => continue,
            };
            assert!(board.try_place(mark, cell));
        }
        board
    }

    #[test]
    fn letters_show_what_was_placed() {
        assert_eq!(board("X.O..X...").letters(), "X.O..X...");
    }

    #[test]
    fn a_taken_cell_keeps_its_mark() {
        let mut board = board("X........");
        assert!(!board.try_place(Mark::O, 0));
        assert_eq!(board.mark_at(0), Some(Mark::X));
    }

    #[test]
    fn a_cell_that_does_not_exist_takes_no_mark() {
        assert!(!Board::default().try_place(Mark::X, CELL_COUNT));
    }

    #[test]
    fn every_line_wins_for_both_marks() {
        for line in LINES {
            for mark in [Mark::X, Mark::O] {
                let mut board = Board::default();
                assert!(line.iter().all(|&cell| board.try_place(mark, cell)));
                assert_eq!(board.winning_line(), Some((mark, line)));
            }
        }
    }

    #[test]
    fn a_full_board_without_a_line_has_no_winner() {
        let board = board("XOXXOOOXX");
        assert!(board.is_full());
        assert_eq!(board.winning_line(), None);
    }
}
