//! The table: two seats, the round being played, and who wants another one.

use crate::{
    board::Mark,
    round::{Refusal, Round},
};

/// Ticks that a table without players stays open: 10 seconds.
const EMPTY_TICKS_MAX: u32 = 10 * crate::round::TICK_RATE as u32;

/// Two seats, and what is played at them.
///
/// At a passive table players come and go: a seat is kept while a round is open, and nobody has to hurry.
#[derive(Clone, Debug)]
pub struct Table {
    name: String,
    is_passive: bool,
    seats: [Option<Seat>; 2],
    round: Option<Round>,
    empty_ticks: u32,
    /// Who won since somebody asked.
    won_by: Option<String>,
}

/// A player at the table. One user with two connections is two players.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seat {
    /// The connection that plays; empty while the player is away.
    pub session_id: String,
    /// The account behind it.
    pub user_id: String,
    /// The name to show.
    pub username: String,
    /// Rounds won against the player opposite.
    pub wins: u32,
    /// Whether the player asked for another round.
    pub wants_rematch: bool,
}

impl Seat {
    /// A player who has just arrived.
    pub fn new(session_id: String, user_id: String, username: String) -> Self {
        Self {
            session_id,
            user_id,
            username,
            wins: 0,
            wants_rematch: false,
        }
    }

    /// Whether the player is expected back.
    pub fn is_away(&self) -> bool {
        self.session_id.is_empty()
    }
}

impl Table {
    /// An empty table.
    pub fn new(name: String) -> Self {
        Self {
            name,
            is_passive: false,
            seats: [None, None],
            round: None,
            empty_ticks: 0,
            won_by: None,
        }
    }

    /// An empty table at which players come and go.
    pub fn passive(name: String) -> Self {
        Self {
            is_passive: true,
            ..Self::new(name)
        }
    }

    /// A passive table in the middle of a round, with both players away.
    pub fn deserted(name: String, seats: [Seat; 2], round: Round) -> Self {
        Self {
            seats: seats.map(Some),
            round: Some(round),
            ..Self::passive(name)
        }
    }

    /// Whether players come and go.
    pub fn is_passive(&self) -> bool {
        self.is_passive
    }

    /// What the lobby calls this table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The player with a mark.
    pub fn seat(&self, mark: Mark) -> Option<&Seat> {
        self.seats[index(mark)].as_ref()
    }

    /// The round being played, or the last one; `None` before the first.
    pub fn round(&self) -> Option<&Round> {
        self.round.as_ref()
    }

    /// Players at the table; not those who are away.
    pub fn player_count(&self) -> usize {
        let seats = self.seats.iter().flatten();
        seats.filter(|seat| !seat.is_away()).count()
    }

    /// Whether both seats are taken.
    pub fn is_full(&self) -> bool {
        self.seats.iter().all(Option::is_some)
    }

    /// Whether a user may sit down: on a free seat, or on their own if they are back.
    pub fn has_room_for(&self, user_id: &str) -> bool {
        let own = self.seats.iter().flatten();
        let mut own = own.filter(|seat| seat.user_id == user_id);
        match own.next() {
            Some(seat) if self.is_passive => seat.is_away(),
            _ => !self.is_full(),
        }
    }

    /// Whether this user has a seat, at the table or away.
    pub fn knows(&self, user_id: &str) -> bool {
        let mut seats = self.seats.iter().flatten();
        seats.any(|seat| seat.user_id == user_id)
    }

    /// Whether a round is being played.
    pub fn is_playing(&self) -> bool {
        self.round
            .as_ref()
            .is_some_and(|round| round.outcome().is_none())
    }

    /// Whether nobody has been here for a while.
    pub fn is_abandoned(&self) -> bool {
        self.empty_ticks >= EMPTY_TICKS_MAX
    }

    /// The user who won, once for every win.
    pub fn take_winner(&mut self) -> Option<String> {
        self.won_by.take()
    }

    /// Seats a player. With the second one a round begins.
    pub fn sit(&mut self, seat: Seat) {
        let mut seats = self.seats.iter_mut().flatten();
        let back = seats.find(|own| own.is_away() && own.user_id == seat.user_id);
        if let Some(own) = back {
            own.session_id = seat.session_id;
            return;
        }
        let Some(free) = self.seats.iter_mut().find(|seat| seat.is_none()) else {
            return;
        };
        *free = Some(seat);
        if self.is_full() {
            self.begin_round();
        }
    }

    /// Frees a player's seat; a running round is lost for them. At a passive table they keep it until the
    /// round is over.
    pub fn stand_up(&mut self, session_id: &str) {
        let Some(mark) = self.mark_of(session_id) else {
            return;
        };
        if self.is_passive && self.is_playing() {
            if let Some(seat) = &mut self.seats[index(mark)] {
                seat.session_id.clear();
            }
            return;
        }
        self.seats[index(mark)] = None;
        if let Some(round) = &mut self.round
            && round.outcome().is_none()
        {
            round.forfeit(mark);
            self.count_win();
        }
    }

    /// Plays a move for a player.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] for that player; the table is as it was.
    pub fn play(&mut self, session_id: &str, cell: i64) -> Result<(), Refusal> {
        let mark = self.mark_of(session_id).ok_or(Refusal::NotPlaying)?;
        let round = self.round.as_mut().ok_or(Refusal::NotPlaying)?;
        round.play(mark, cell)?;
        if round.outcome().is_some() {
            self.count_win();
            // Nobody needs to come back to a round that is over.
            for seat in &mut self.seats {
                seat.take_if(|seat| seat.is_away());
            }
        }
        Ok(())
    }

    /// Notes that a player wants another round. Once both do, it begins with the marks swapped.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoRematchNow`] while a round runs or the other seat is empty.
    pub fn ask_rematch(&mut self, session_id: &str) -> Result<(), Refusal> {
        let is_over = self
            .round
            .as_ref()
            .is_some_and(|round| round.outcome().is_some());
        let mark = self.mark_of(session_id).ok_or(Refusal::NoRematchNow)?;
        if !is_over || !self.is_full() {
            return Err(Refusal::NoRematchNow);
        }
        if let Some(seat) = &mut self.seats[index(mark)] {
            seat.wants_rematch = true;
        }
        if self.seats.iter().flatten().all(|seat| seat.wants_rematch) {
            self.seats.swap(0, 1);
            self.begin_round();
        }
        Ok(())
    }

    /// Takes a tick off the clocks and says what came of it.
    pub fn tick(&mut self) -> TickOutcome {
        if self.player_count() == 0 {
            self.empty_ticks += 1;
            return if self.is_abandoned() {
                TickOutcome::Abandoned
            } else {
                TickOutcome::Nothing
            };
        }
        self.empty_ticks = 0;
        if !self.is_passive && self.round.as_mut().is_some_and(Round::tick) {
            self.count_win();
            return TickOutcome::RoundEnded;
        }
        TickOutcome::Nothing
    }

    fn begin_round(&mut self) {
        self.round = Some(Round::new());
        for seat in self.seats.iter_mut().flatten() {
            seat.wants_rematch = false;
        }
    }

    fn count_win(&mut self) {
        let winner = self
            .round
            .as_ref()
            .and_then(|round| round.outcome()?.winner());
        if let Some(seat) = winner.and_then(|mark| self.seats[index(mark)].as_mut()) {
            seat.wins += 1;
            self.won_by = Some(seat.user_id.clone());
        }
    }

    /// What this player plays with. Nobody who is away plays.
    fn mark_of(&self, session_id: &str) -> Option<Mark> {
        [Mark::X, Mark::O].into_iter().find(|&mark| {
            self.seat(mark)
                .is_some_and(|seat| !seat.is_away() && seat.session_id == session_id)
        })
    }
}

/// What a tick brought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TickOutcome {
    /// Nothing worth telling.
    Nothing,
    /// A player ran out of time.
    RoundEnded,
    /// Nobody has been here for a while, so that the match may end.
    Abandoned,
}

fn index(mark: Mark) -> usize {
    match mark {
        Mark::X => 0,
        Mark::O => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::round::{Outcome, TURN_TICKS_MAX};

    fn seat(name: &str) -> Seat {
        Seat::new(name.into(), format!("user of {name}"), name.into())
    }

    fn table_of(names: &[&str]) -> Table {
        let mut table = Table::new("a table".into());
        for name in names {
            table.sit(seat(name));
        }
        table
    }

    /// A table at which `ann` has just won with the top row.
    fn won_table() -> Table {
        let mut table = table_of(&["ann", "bob"]);
        for (name, cell) in [("ann", 0), ("bob", 3), ("ann", 1), ("bob", 4), ("ann", 2)] {
            assert_eq!(table.play(name, cell), Ok(()));
        }
        table
    }

    fn wins(table: &Table, name: &str) -> u32 {
        let mark = table.mark_of(name).expect("the player is seated");
        table.seat(mark).expect("the seat is taken").wins
    }

    #[test]
    fn the_first_player_waits_and_cannot_move() {
        let mut table = table_of(&["ann"]);
        assert!(table.round().is_none());
        assert_eq!(table.play("ann", 0), Err(Refusal::NotPlaying));
    }

    #[test]
    fn the_second_player_starts_the_round_and_the_first_moves_first() {
        let mut table = table_of(&["ann", "bob"]);
        assert_eq!(table.play("bob", 0), Err(Refusal::NotYourTurn));
        assert_eq!(table.play("ann", 0), Ok(()));
    }

    #[test]
    fn a_third_player_finds_no_seat() {
        let mut table = table_of(&["ann", "bob"]);
        table.sit(seat("cyd"));
        assert_eq!(table.mark_of("cyd"), None);
    }

    #[test]
    fn a_stranger_cannot_move() {
        let mut table = table_of(&["ann", "bob"]);
        assert_eq!(table.play("cyd", 0), Err(Refusal::NotPlaying));
    }

    #[test]
    fn leaving_forfeits_and_frees_the_seat_for_somebody_else() {
        let mut table = table_of(&["ann", "bob"]);
        table.stand_up("ann");
        let outcome = table.round().and_then(Round::outcome);
        assert_eq!(outcome, Some(Outcome::Left { winner: Mark::O }));
        assert_eq!(wins(&table, "bob"), 1);

        table.sit(seat("cyd"));
        assert_eq!(table.play("cyd", 0), Ok(()), "a new round has begun");
    }

    #[test]
    fn a_rematch_needs_both_and_swaps_the_marks() {
        let mut table = won_table();
        assert_eq!(table.ask_rematch("ann"), Ok(()));
        assert!(table.round().and_then(Round::outcome).is_some());
        assert_eq!(table.ask_rematch("bob"), Ok(()));
        assert_eq!(table.mark_of("bob"), Some(Mark::X));
        assert_eq!(table.play("bob", 8), Ok(()));
        assert_eq!(wins(&table, "ann"), 1, "the tally goes on");
    }

    #[test]
    fn a_rematch_is_refused_while_a_round_runs_or_nobody_is_opposite() {
        let mut running = table_of(&["ann", "bob"]);
        assert_eq!(running.ask_rematch("ann"), Err(Refusal::NoRematchNow));

        let mut deserted = won_table();
        deserted.stand_up("bob");
        assert_eq!(deserted.ask_rematch("ann"), Err(Refusal::NoRematchNow));
    }

    #[test]
    fn the_clock_ends_a_round_once() {
        let mut table = table_of(&["ann", "bob"]);
        let ended = (0..TURN_TICKS_MAX * 2)
            .filter(|_| table.tick() == TickOutcome::RoundEnded)
            .count();
        assert_eq!(ended, 1);
        assert_eq!(wins(&table, "bob"), 1, "it was ann's turn");
    }

    #[test]
    fn at_a_passive_table_a_seat_is_kept_until_the_round_is_over() {
        let mut table = Table::passive("a table".into());
        for name in ["ann", "bob"] {
            table.sit(seat(name));
        }
        table.stand_up("bob");
        assert!(table.is_full() && !table.has_room_for("user of cyd"));
        assert!((0..TURN_TICKS_MAX * 2).all(|_| table.tick() == TickOutcome::Nothing));
        assert_eq!(table.play("ann", 0), Ok(()));
        assert_eq!(table.play("", 3), Err(Refusal::NotPlaying), "bob is away");
        assert!(table.has_room_for("user of bob"));
        table.sit(Seat {
            session_id: "bob again".into(),
            ..seat("bob")
        });
        for (name, cell) in [("bob again", 3), ("ann", 1), ("bob again", 4)] {
            assert_eq!(table.play(name, cell), Ok(()));
        }
        table.stand_up("bob again");
        assert_eq!(table.play("ann", 2), Ok(()));
        assert_eq!(table.take_winner().as_deref(), Some("user of ann"));
        assert_eq!(table.take_winner(), None, "once");
        assert!(!table.is_full(), "bob need not come back");
    }

    #[test]
    fn a_table_nobody_sits_at_is_given_up() {
        let mut table = table_of(&[]);
        let given_up = (1..=EMPTY_TICKS_MAX).find(|_| table.tick() == TickOutcome::Abandoned);
        assert_eq!(given_up, Some(EMPTY_TICKS_MAX));
    }

    #[test]
    fn a_table_with_one_player_waiting_stays_open() {
        let mut table = table_of(&["ann"]);
        assert!((0..EMPTY_TICKS_MAX * 2).all(|_| table.tick() == TickOutcome::Nothing));
    }
}
