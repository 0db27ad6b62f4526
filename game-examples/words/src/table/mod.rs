//! The table: who sits there, whose turn it is, and what a turn does.

#[cfg(test)]
mod tests;

use rand::Rng;
use tiltyard::prelude::Component;

use crate::{
    dictionary::{self, WORD_LETTERS_MIN},
    letters::{self, Letters},
};

/// Seats at a table.
pub const PLAYERS_MAX: usize = 4;

/// Players without whom there is no game.
pub const PLAYERS_MIN: usize = 2;

/// Turns that each player has.
pub const ROUNDS: u32 = 5;

/// Ticks a second. Nothing moves between turns, so five are plenty for the clock.
pub const TICK_RATE: u8 = 5;

/// Ticks that a player has for a turn: 30 seconds.
pub const TURN_TICKS_MAX: u32 = 30 * TICK_RATE as u32;

/// Turns in a row that a player may let pass by before the seat is given up.
pub const LAPSES_MAX: u32 = 2;

/// Ticks that a table waits for those whom the matchmaker put together: 20 seconds.
pub const INVITED_TICKS_MAX: u32 = 20 * TICK_RATE as u32;

/// Ticks that a table at which nobody plays stays open without anybody there: 10 seconds.
const EMPTY_TICKS_MAX: u32 = 10 * TICK_RATE as u32;

/// Everything a match of this game knows.
#[derive(Clone, Component, Debug)]
pub struct Table {
    name: String,
    /// The users for whom the table is kept; empty if it is open to anybody.
    invited: Vec<String>,
    seats: Vec<Seat>,
    letters: Letters,
    phase: Phase,
    /// Index of the seat whose turn it is.
    turn: usize,
    turn_ticks_left: u32,
    /// Counts turns, so that a player is called once for each.
    turn_number: u32,
    called_turn: Option<u32>,
    round: u32,
    passes_in_a_row: usize,
    played: Vec<Played>,
    waiting_ticks: u32,
    empty_ticks: u32,
}

/// A player. The seat belongs to a user, who may look at other things meanwhile and come back.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Seat {
    /// The account.
    pub user_id: String,
    /// The name to show.
    pub username: String,
    /// What their words were worth.
    pub score: u32,
    /// Whether they gave up, or let too many turns pass by.
    pub is_out: bool,
    /// Connections from which they look at the table.
    sessions: Vec<String>,
    lapses: u32,
}

impl Seat {
    /// Whether the player looks at the table.
    pub fn is_here(&self) -> bool {
        !self.sessions.is_empty()
    }
}

/// A word that was played.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Played {
    /// By whom.
    pub user_id: String,
    /// What.
    pub word: String,
    /// What it was worth.
    pub points: u32,
}

/// How far a game is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Not begun.
    Waiting,
    /// Somebody has the turn.
    Playing,
    /// Over.
    Over(Outcome),
}

/// How a game ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// After its last round.
    Rounds,
    /// All others gave up.
    Left,
}

/// Why a request was refused. Only its sender is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The payload is not what the op code asks for.
    Garbage,
    /// There is no such op code.
    UnknownOpCode,
    /// No game is being played, or the sender is out of it.
    NotPlaying,
    /// It is another player's turn.
    NotYourTurn,
    /// The word is too short.
    TooShort,
    /// Some of its letters are not on the table.
    NotOnTheTable,
    /// It was played before.
    AlreadyPlayed,
    /// It is in no list of words.
    UnknownWord,
    /// Too few players, or the game has begun.
    CannotBegin,
}

/// What a tick brought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TickOutcome {
    /// Nothing worth telling.
    Nothing,
    /// A game began, or somebody's time was up.
    Changed,
    /// Nobody has been here for a while, so that the match may end.
    Abandoned,
}

impl Table {
    /// An empty table, kept for these users if there are any. One user has one seat, however often named.
    pub fn new(name: String, mut invited: Vec<String>) -> Self {
        invited.sort_unstable();
        invited.dedup();
        Self {
            name,
            invited,
            seats: Vec::new(),
            letters: Letters::default(),
            phase: Phase::Waiting,
            turn: 0,
            turn_ticks_left: 0,
            turn_number: 0,
            called_turn: None,
            round: 0,
            passes_in_a_row: 0,
            played: Vec::new(),
            waiting_ticks: 0,
            empty_ticks: 0,
        }
    }

    /// What the lobby calls this table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The players, in the order of their turns.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// The letters on the table; none before the game.
    pub fn letters(&self) -> &Letters {
        &self.letters
    }

    /// How far the game is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The words so far, the first one first.
    pub fn played(&self) -> &[Played] {
        &self.played
    }

    /// The round being played, from 1 to [`ROUNDS`]; 0 before the game.
    pub fn round(&self) -> u32 {
        self.round.min(ROUNDS)
    }

    /// The player whose turn it is.
    pub fn awaited(&self) -> Option<&Seat> {
        match self.phase {
            Phase::Playing => self.seats.get(self.turn),
            _ => None,
        }
    }

    /// Milliseconds that are left of the turn.
    pub fn turn_ms_left(&self) -> u32 {
        match self.phase {
            Phase::Playing => self.turn_ticks_left * 1000 / u32::from(TICK_RATE),
            _ => 0,
        }
    }

    /// Whether anybody may take a seat.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Waiting && self.invited.is_empty() && self.seats.len() < PLAYERS_MAX
    }

    /// Who won: the best of those who stayed. Nobody before the end.
    pub fn winners(&self) -> Vec<&Seat> {
        if !matches!(self.phase, Phase::Over(_)) {
            return Vec::new();
        }
        let best = self.active().map(|seat| seat.score).max();
        self.active()
            .filter(|seat| Some(seat.score) == best)
            .collect()
    }

    /// Whether a user may come to the table.
    ///
    /// # Errors
    ///
    /// The reason why not, in words.
    pub fn admit(&self, user_id: &str) -> Result<(), &'static str> {
        let is_invited = self.invited.iter().any(|invited| invited == user_id);
        if self.seats.iter().any(|seat| seat.user_id == user_id) {
            return Ok(());
        }
        if self.phase != Phase::Waiting {
            return Err("The game has begun.");
        }
        if !self.invited.is_empty() && !is_invited {
            return Err("The table is kept for others.");
        }
        if self.seats.len() >= PLAYERS_MAX {
            return Err("The table is full.");
        }
        Ok(())
    }

    /// A user looks at the table from now on, and has a seat if they had none.
    pub fn arrive(
        &mut self,
        user_id: &str,
        username: &str,
        session_id: &str,
        random: &mut impl Rng,
    ) {
        match self.seats.iter_mut().find(|seat| seat.user_id == user_id) {
            Some(seat) => seat.sessions.push(session_id.to_owned()),
            None => self.seats.push(Seat {
                user_id: user_id.to_owned(),
                username: username.to_owned(),
                sessions: vec![session_id.to_owned()],
                ..Seat::default()
            }),
        }
        let is_complete = self.seats.len() == PLAYERS_MAX
            || (self.seats.len() >= PLAYERS_MIN && self.seats.len() == self.invited.len());
        if self.phase == Phase::Waiting && is_complete {
            self.deal(random);
        }
    }

    /// A connection looks away. Before the game its user's seat is free again; during it the seat stays.
    pub fn look_away(&mut self, session_id: &str) {
        for seat in &mut self.seats {
            seat.sessions.retain(|session| session != session_id);
        }
        if self.phase == Phase::Waiting {
            self.seats.retain(Seat::is_here);
        }
    }

    /// Begins the game with those who are there.
    ///
    /// # Errors
    ///
    /// [`Refusal::CannotBegin`] with fewer than [`PLAYERS_MIN`], or if it has begun.
    pub fn begin(&mut self, random: &mut impl Rng) -> Result<(), Refusal> {
        if self.phase != Phase::Waiting || self.seats.len() < PLAYERS_MIN {
            return Err(Refusal::CannotBegin);
        }
        self.deal(random);
        Ok(())
    }

    /// A player plays a word.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] for that player; the table is as it was, and it is still their turn.
    pub fn play(
        &mut self,
        user_id: &str,
        word: &str,
        random: &mut impl Rng,
    ) -> Result<(), Refusal> {
        self.check_turn(user_id)?;
        let word = word.to_ascii_lowercase();
        if word.len() < WORD_LETTERS_MIN {
            return Err(Refusal::TooShort);
        }
        if !self.letters.can_spell(&word) {
            return Err(Refusal::NotOnTheTable);
        }
        if self.was_played(&word) {
            return Err(Refusal::AlreadyPlayed);
        }
        if !dictionary::contains(&word) {
            return Err(Refusal::UnknownWord);
        }
        self.letters.take(&word);
        self.letters.fill(random);
        let points = letters::score(&word);
        let seat = &mut self.seats[self.turn];
        seat.score += points;
        seat.lapses = 0;
        self.passes_in_a_row = 0;
        self.played.push(Played {
            user_id: user_id.to_owned(),
            word,
            points,
        });
        let is_stuck = !dictionary::words()
            .iter()
            .any(|word| !self.was_played(word) && self.letters.can_spell(word));
        if is_stuck {
            self.renew_letters(random);
        }
        self.next_turn();
        Ok(())
    }

    /// A player plays nothing. When everybody passes, there are other letters.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] for that player.
    pub fn pass(&mut self, user_id: &str, random: &mut impl Rng) -> Result<(), Refusal> {
        self.check_turn(user_id)?;
        self.seats[self.turn].lapses = 0;
        self.count_pass(random);
        Ok(())
    }

    /// A player gives up their seat.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotPlaying`] if they have none in a running game.
    pub fn resign(&mut self, user_id: &str) -> Result<(), Refusal> {
        let seat = self.playing_seat(user_id)?;
        self.seats[seat].is_out = true;
        if seat == self.turn || self.active().count() < PLAYERS_MIN {
            self.next_turn();
        }
        Ok(())
    }

    /// Takes a tick off the clocks and says what came of it.
    pub fn tick(&mut self, random: &mut impl Rng) -> TickOutcome {
        match self.phase {
            Phase::Playing => {
                self.turn_ticks_left = self.turn_ticks_left.saturating_sub(1);
                if self.turn_ticks_left > 0 {
                    return TickOutcome::Nothing;
                }
                let seat = &mut self.seats[self.turn];
                seat.lapses += 1;
                seat.is_out = seat.lapses >= LAPSES_MAX;
                self.count_pass(random);
                TickOutcome::Changed
            }
            _ if self.seats.iter().any(Seat::is_here) => {
                self.empty_ticks = 0;
                self.wait_for_invited(random)
            }
            _ => {
                self.empty_ticks += 1;
                // Whoever was just put together needs a moment to come.
                let patience = if self.invited.is_empty() {
                    EMPTY_TICKS_MAX
                } else {
                    INVITED_TICKS_MAX
                };
                if self.empty_ticks >= patience {
                    TickOutcome::Abandoned
                } else {
                    TickOutcome::Nothing
                }
            }
        }
    }

    /// The user who has the turn and does not look, once for each turn.
    pub fn take_call(&mut self) -> Option<String> {
        let awaited = self
            .awaited()
            .filter(|seat| !seat.is_here())?
            .user_id
            .clone();
        if self.called_turn == Some(self.turn_number) {
            return None;
        }
        self.called_turn = Some(self.turn_number);
        Some(awaited)
    }

    /// Those who were put together begin without whoever does not come; alone, one waits for anybody.
    fn wait_for_invited(&mut self, random: &mut impl Rng) -> TickOutcome {
        if self.phase != Phase::Waiting || self.invited.is_empty() {
            return TickOutcome::Nothing;
        }
        self.waiting_ticks += 1;
        if self.waiting_ticks < INVITED_TICKS_MAX {
            return TickOutcome::Nothing;
        }
        self.invited.clear();
        if self.seats.len() >= PLAYERS_MIN {
            self.deal(random);
        }
        TickOutcome::Changed
    }

    fn deal(&mut self, random: &mut impl Rng) {
        self.phase = Phase::Playing;
        self.round = 1;
        self.renew_letters(random);
        self.begin_turn(0);
    }

    fn renew_letters(&mut self, random: &mut impl Rng) {
        let played = &self.played;
        let is_new = |word: &str| !played.iter().any(|before| before.word == word);
        self.letters.renew(is_new, random);
    }

    fn count_pass(&mut self, random: &mut impl Rng) {
        self.passes_in_a_row += 1;
        if self.passes_in_a_row >= self.active().count() {
            self.passes_in_a_row = 0;
            self.renew_letters(random);
        }
        self.next_turn();
    }

    fn next_turn(&mut self) {
        if self.active().count() < PLAYERS_MIN {
            self.phase = Phase::Over(Outcome::Left);
            return;
        }
        let count = self.seats.len();
        let next = (1..=count)
            .map(|step| (self.turn + step) % count)
            .find(|&seat| !self.seats[seat].is_out);
        let Some(next) = next else { return };
        if next <= self.turn {
            self.round += 1;
        }
        if self.round > ROUNDS {
            self.phase = Phase::Over(Outcome::Rounds);
            return;
        }
        self.begin_turn(next);
    }

    fn begin_turn(&mut self, seat: usize) {
        self.turn = seat;
        self.turn_number += 1;
        self.turn_ticks_left = TURN_TICKS_MAX;
    }

    fn check_turn(&self, user_id: &str) -> Result<(), Refusal> {
        if self.playing_seat(user_id)? == self.turn {
            Ok(())
        } else {
            Err(Refusal::NotYourTurn)
        }
    }

    fn playing_seat(&self, user_id: &str) -> Result<usize, Refusal> {
        let seat = self
            .seats
            .iter()
            .position(|seat| seat.user_id == user_id && !seat.is_out);
        match (self.phase, seat) {
            (Phase::Playing, Some(seat)) => Ok(seat),
            _ => Err(Refusal::NotPlaying),
        }
    }

    fn was_played(&self, word: &str) -> bool {
        self.played.iter().any(|before| before.word == word)
    }

    fn active(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| !seat.is_out)
    }
}
