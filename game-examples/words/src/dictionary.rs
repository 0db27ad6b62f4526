//! Which words count.

use std::sync::LazyLock;

/// Letters of the shortest word that counts.
pub const WORD_LETTERS_MIN: usize = 3;

/// Letters of the longest word in the list.
pub const WORD_LETTERS_MAX: usize = 9;

/// The words that count, in alphabetical order: lower case, `a` to `z` alone.
static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("words.txt").lines().collect());

/// Whether a word counts.
pub fn contains(word: &str) -> bool {
    WORDS.binary_search(&word).is_ok()
}

/// All words that count.
pub fn words() -> &'static [&'static str] {
    &WORDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_clean() {
        assert!(
            words().is_sorted_by(|a, b| a < b),
            "it is searched by halves"
        );
        for word in words() {
            assert!(
                (WORD_LETTERS_MIN..=WORD_LETTERS_MAX).contains(&word.len()),
                "{word}"
            );
            assert!(
                word.bytes().all(|letter| letter.is_ascii_lowercase()),
                "{word}"
            );
        }
    }

    #[test]
    fn common_words_count_and_others_do_not() {
        assert!(contains("lance") && contains("horse"));
        assert!(!contains("lanc") && !contains("") && !contains("LANCE"));
    }
}
