//! What happens at a table.

use rand::{SeedableRng, rngs::SmallRng};

use super::*;

struct Game {
    table: Table,
    random: SmallRng,
}

impl Game {
    /// A table at which these have sat down and begun.
    fn of(names: &[&str]) -> Self {
        let mut game = Self::waiting(&[], names);
        assert_eq!(game.table.begin(&mut game.random), Ok(()));
        game
    }

    fn waiting(invited: &[&str], names: &[&str]) -> Self {
        let invited = invited.iter().map(|&name| name.to_owned()).collect();
        let mut game = Self {
            table: Table::new("a table".into(), invited),
            random: SmallRng::seed_from_u64(1),
        };
        for name in names {
            game.arrive(name);
        }
        game
    }

    fn arrive(&mut self, name: &str) {
        self.table
            .arrive(name, name, &format!("{name}-session"), &mut self.random);
    }

    fn look_away(&mut self, name: &str) {
        self.table.look_away(&format!("{name}-session"));
    }

    fn play(&mut self, name: &str, word: &str) -> Result<(), Refusal> {
        self.table.play(name, word, &mut self.random)
    }

    fn pass(&mut self, name: &str) -> Result<(), Refusal> {
        self.table.pass(name, &mut self.random)
    }

    fn turn(&self) -> String {
        self.table
            .awaited()
            .expect("somebody has the turn")
            .user_id
            .clone()
    }

    /// A word that can be played now.
    fn word(&self) -> &'static str {
        dictionary::words()
            .iter()
            .find(|word| self.table.letters.can_spell(word) && !self.table.was_played(word))
            .expect("there is always a word")
    }

    fn let_turn_lapse(&mut self) {
        let outcomes: Vec<_> = (0..TURN_TICKS_MAX)
            .map(|_| self.table.tick(&mut self.random))
            .collect();
        assert_eq!(outcomes.last(), Some(&TickOutcome::Changed));
    }
}

#[test]
fn a_word_is_worth_its_letters_and_the_turn_goes_on() {
    let mut game = Game::of(&["ann", "bob"]);
    let word = game.word();
    assert_eq!(
        game.play("ann", &word.to_uppercase()),
        Ok(()),
        "case does not matter"
    );
    assert_eq!(game.table.seats()[0].score, letters::score(word));
    assert_eq!(game.turn(), "bob");
    assert_eq!(game.table.letters().text().len(), letters::LETTER_COUNT);
}

#[test]
fn what_is_no_word_of_these_letters_is_refused_and_the_turn_stays() {
    let mut game = Game::of(&["ann", "bob"]);
    let word = game.word();
    let all = game.table.letters().text();
    assert_eq!(game.play("bob", word), Err(Refusal::NotYourTurn));
    assert_eq!(game.play("cyd", word), Err(Refusal::NotPlaying));
    assert_eq!(game.play("ann", "ab"), Err(Refusal::TooShort));
    assert_eq!(game.play("ann", "???"), Err(Refusal::NotOnTheTable));
    assert_eq!(game.play("ann", &all), Err(Refusal::UnknownWord));
    game.table.played.push(Played {
        user_id: "bob".into(),
        word: word.into(),
        points: 1,
    });
    assert_eq!(game.play("ann", word), Err(Refusal::AlreadyPlayed));
    assert_eq!(
        (game.turn().as_str(), game.table.seats()[0].score),
        ("ann", 0)
    );
}

#[test]
fn the_best_wins_after_the_last_round() {
    let mut game = Game::of(&["ann", "bob", "cyd"]);
    for _ in 0..ROUNDS {
        let word = game.word();
        assert_eq!(game.play("ann", word), Ok(()));
        assert_eq!(game.pass("bob"), Ok(()));
        assert_eq!(game.pass("cyd"), Ok(()));
    }
    assert_eq!(game.table.phase(), Phase::Over(Outcome::Rounds));
    let winners: Vec<_> = game
        .table
        .winners()
        .iter()
        .map(|seat| &*seat.user_id)
        .collect();
    assert_eq!(winners, ["ann"]);
    assert_eq!(game.pass("ann"), Err(Refusal::NotPlaying));
}

#[test]
fn there_is_always_a_word_however_long_one_plays() {
    for seed in 0..20 {
        let mut game = Game::of(&["ann", "bob"]);
        game.random = SmallRng::seed_from_u64(seed);
        while game.table.phase() == Phase::Playing {
            let (turn, word) = (game.turn(), game.word());
            assert_eq!(game.play(&turn, word), Ok(()), "seed {seed}");
        }
        assert_eq!(game.table.played().len(), 10);
    }
}

#[test]
fn when_all_pass_there_are_other_letters() {
    let mut game = Game::of(&["ann", "bob"]);
    let before = game.table.letters().clone();
    assert_eq!(game.pass("ann"), Ok(()));
    assert_eq!(*game.table.letters(), before);
    assert_eq!(game.pass("bob"), Ok(()));
    assert_ne!(*game.table.letters(), before);
}

#[test]
fn whoever_lets_two_turns_in_a_row_pass_by_is_out() {
    let mut game = Game::of(&["ann", "bob", "cyd"]);
    for _ in 1..LAPSES_MAX {
        game.let_turn_lapse();
        assert_eq!(game.pass("bob"), Ok(()));
        assert_eq!(game.pass("cyd"), Ok(()));
    }
    assert!(!game.table.seats()[0].is_out);
    game.let_turn_lapse();
    assert!(game.table.seats()[0].is_out);
    assert_eq!(game.turn(), "bob");
}

#[test]
fn the_last_one_left_wins() {
    let mut game = Game::of(&["ann", "bob"]);
    assert_eq!(game.table.resign("ann"), Ok(()));
    assert_eq!(game.table.phase(), Phase::Over(Outcome::Left));
    assert_eq!(game.table.winners()[0].user_id, "bob");
    assert_eq!(game.table.resign("bob"), Err(Refusal::NotPlaying));
}

#[test]
fn giving_up_out_of_turn_takes_nobodys_turn() {
    let mut game = Game::of(&["ann", "bob", "cyd"]);
    assert_eq!(game.table.resign("bob"), Ok(()));
    assert_eq!(game.turn(), "ann");
    assert_eq!(game.pass("ann"), Ok(()));
    assert_eq!(game.turn(), "cyd");
}

#[test]
fn whoever_looks_away_keeps_the_seat_and_is_called_once_a_turn() {
    let mut game = Game::of(&["ann", "bob"]);
    game.look_away("bob");
    assert_eq!(
        game.table.take_call(),
        None,
        "ann has the turn, and is here"
    );
    assert_eq!(game.pass("ann"), Ok(()));
    assert_eq!(game.table.take_call().as_deref(), Some("bob"));
    assert_eq!(game.table.take_call(), None);
    assert_eq!(game.table.admit("bob"), Ok(()));
    game.arrive("bob");
    let word = game.word();
    assert_eq!(game.play("bob", word), Ok(()));
}

#[test]
fn before_the_game_whoever_goes_frees_the_seat() {
    let mut game = Game::waiting(&[], &["ann", "bob"]);
    game.look_away("ann");
    assert_eq!(game.table.seats().len(), 1);
    assert_eq!(
        game.table.begin(&mut game.random),
        Err(Refusal::CannotBegin)
    );
}

#[test]
fn four_begin_by_themselves_and_nobody_else_comes_in() {
    let game = Game::waiting(&[], &["ann", "bob", "cyd", "dan"]);
    assert_eq!(game.table.phase(), Phase::Playing);
    game.table.admit("eve").unwrap_err();
}

#[test]
fn a_table_for_invited_players_begins_when_all_are_there() {
    let mut game = Game::waiting(&["ann", "bob"], &["ann"]);
    game.table.admit("eve").unwrap_err();
    assert!(!game.table.is_open());
    game.arrive("bob");
    assert_eq!(game.table.phase(), Phase::Playing);
}

#[test]
fn a_user_who_was_invited_twice_is_waited_for_once() {
    let mut game = Game::waiting(&["ann", "bob", "ann"], &["ann"]);
    game.arrive("bob");
    assert_eq!(game.table.phase(), Phase::Playing);
}

#[test]
fn invited_players_begin_without_whoever_does_not_come() {
    let mut game = Game::waiting(&["ann", "bob", "cyd"], &["ann", "bob"]);
    for _ in 0..INVITED_TICKS_MAX {
        game.table.tick(&mut game.random);
    }
    assert_eq!(game.table.phase(), Phase::Playing);

    let mut alone = Game::waiting(&["ann", "bob"], &["ann"]);
    for _ in 0..INVITED_TICKS_MAX {
        alone.table.tick(&mut alone.random);
    }
    assert!(alone.table.is_open(), "anybody may come then");
}

#[test]
fn a_table_nobody_sits_at_is_given_up() {
    let mut game = Game::waiting(&[], &[]);
    let given_up =
        (1..=EMPTY_TICKS_MAX).find(|_| game.table.tick(&mut game.random) == TickOutcome::Abandoned);
    assert_eq!(given_up, Some(EMPTY_TICKS_MAX));
}
