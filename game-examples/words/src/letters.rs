//! The letters on the table, and what they are worth.

use rand::Rng;

use crate::dictionary;

/// Letters on the table.
pub const LETTER_COUNT: usize = 12;

/// The letters from which everybody makes words. Each is used once a word, and is then replaced.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Letters(Vec<u8>);

impl Letters {
    /// As many letters as belong on the table.
    pub fn draw(random: &mut impl Rng) -> Self {
        let mut letters = Self::default();
        letters.fill(random);
        letters
    }

    /// Takes a word off the table; says whether all of its letters were there. If not, nothing is taken.
    pub fn take(&mut self, word: &str) -> bool {
        let mut left = self.0.clone();
        for letter in word.bytes() {
            let Some(at) = left.iter().position(|&other| other == letter) else {
                return false;
            };
            left.remove(at);
        }
        self.0 = left;
        true
    }

    /// Whether a word can be made of what is on the table.
    pub fn can_spell(&self, word: &str) -> bool {
        self.clone().take(word)
    }

    /// Draws letters for those that are missing.
    pub fn fill(&mut self, random: &mut impl Rng) {
        while self.0.len() < LETTER_COUNT {
            let vowels = self
                .0
                .iter()
                .filter(|letter| VOWELS.contains(letter))
                .count();
            let short_of_vowels = LETTER_COUNT - self.0.len() <= VOWELS_MIN.saturating_sub(vowels);
            let bag = if short_of_vowels { VOWELS } else { BAG };
            self.0.push(bag[below(bag.len(), random)]);
        }
    }

    /// Puts other letters on the table, from which at least one of the words can be made that `wanted`
    /// accepts, if there is such a word.
    pub fn renew(&mut self, wanted: impl Fn(&str) -> bool, random: &mut impl Rng) {
        let words: Vec<_> = dictionary::words()
            .iter()
            .filter(|word| wanted(word))
            .collect();
        self.0.clear();
        if !words.is_empty() {
            self.0.extend(words[below(words.len(), random)].bytes());
        }
        self.fill(random);
        // What was put there on purpose should not be read from left to right.
        for at in (1..self.0.len()).rev() {
            self.0.swap(at, below(at + 1, random));
        }
    }

    /// The letters as text.
    pub fn text(&self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }
}

/// What a word is worth: the values of its letters, and one for every letter after the third.
pub fn score(word: &str) -> u32 {
    let values: u32 = word.bytes().map(value).sum();
    let extra = word.len().saturating_sub(dictionary::WORD_LETTERS_MIN);
    values + u32::try_from(extra).unwrap_or(0)
}

/// What a letter is worth: the rarer, the more.
pub fn value(letter: u8) -> u32 {
    match letter {
        b'd' | b'g' => 2,
        b'b' | b'c' | b'm' | b'p' => 3,
        b'f' | b'h' | b'v' | b'w' | b'y' => 4,
        b'k' => 5,
        b'j' | b'x' => 8,
        b'q' | b'z' => 10,
        _ => 1,
    }
}

/// Every letter as often as it should be drawn, much as in other games of this sort.
const BAG: &[u8] = b"aaaaaaaaabbccddddeeeeeeeeeeeeffggghhiiiiiiiiijkllllmmnnnnnnooooooooppqrrrrrrssssttttttuuuuvvwwxyyz";

/// Letters without which there are few words.
const VOWELS: &[u8] = b"aeiou";

/// Vowels that are always on a full table.
const VOWELS_MIN: usize = 4;

fn below(end: usize, random: &mut impl Rng) -> usize {
    random.next_u32() as usize % end
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    #[test]
    fn a_table_is_full_and_has_vowels_whatever_the_chance() {
        for seed in 0..200 {
            let text = Letters::draw(&mut SmallRng::seed_from_u64(seed)).text();
            let vowels = text.bytes().filter(|letter| VOWELS.contains(letter));
            assert_eq!(text.len(), LETTER_COUNT);
            assert!(vowels.count() >= VOWELS_MIN, "seed {seed}: {text}");
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_letters() {
        let draw = |seed| Letters::draw(&mut SmallRng::seed_from_u64(seed));
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_letter_is_used_once() {
        let mut letters = Letters(b"noonxx".to_vec());
        assert!(!letters.can_spell("onion") && letters.can_spell("noon"));
        assert!(!letters.take("nonn"));
        assert_eq!(
            letters.text(),
            "noonxx",
            "a word that is not there takes nothing"
        );
        assert!(letters.take("no"));
        assert_eq!(letters.text(), "onxx");
    }

    #[test]
    fn renewed_letters_hold_a_word_that_is_wanted() {
        for seed in 0..50 {
            let mut letters = Letters::default();
            letters.renew(|word| word == "puzzle", &mut SmallRng::seed_from_u64(seed));
            assert!(letters.can_spell("puzzle"), "seed {seed}");
            assert_eq!(letters.text().len(), LETTER_COUNT);
        }
    }

    #[test]
    fn rare_letters_and_long_words_are_worth_more() {
        assert_eq!(score("tea"), 3);
        assert_eq!(score("zoo"), 12);
        assert_eq!(score("stone"), 7, "five letters and two more than three");
    }
}
