//! Terms within a few edits of each other.

use smallvec::SmallVec;

/// The number of edits that turn `from` into `to`, if it is at most `max`.
///
/// An edit inserts, deletes or substitutes a character, or swaps two neighbours, and no part of
/// the text is edited twice (the "optimal string alignment" distance). Time is linear in the
/// shorter text.
pub(super) fn edits_within(from: &str, to: &str, max: usize) -> Option<usize> {
    // A character has at most four bytes; terms this much longer need no closer look.
    if to.len() > 4 * (from.len() + max) {
        return None;
    }
    // Most terms of a field begin and end alike, and what is the same needs no edits.
    let (from, to) = without_common_start(from, to);
    let (from, to) = without_common_end(from, to);
    if from.chars().count().abs_diff(to.chars().count()) > max {
        return None;
    }
    let [from, to] = [from, to].map(|text| text.chars().collect::<SmallVec<[char; 64]>>());
    edits_in_band(&from, &to, max)
}

fn without_common_start<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let same = one.chars().zip(other.chars()).take_while(|(a, b)| a == b);
    let bytes = same.map(|(c, _)| c.len_utf8()).sum();
    (&one[bytes..], &other[bytes..])
}

fn without_common_end<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let same = one
        .chars()
        .rev()
        .zip(other.chars().rev())
        .take_while(|(a, b)| a == b);
    let bytes: usize = same.map(|(c, _)| c.len_utf8()).sum();
    (&one[..one.len() - bytes], &other[..other.len() - bytes])
}

/// Fills the part of the usual table that can stay within `max`: a band around its diagonal.
fn edits_in_band(from: &[char], to: &[char], max: usize) -> Option<usize> {
    let (mut before_last, mut last, mut current): (Row, Row, Row) =
        ([max + 1; BAND], [max + 1; BAND], [max + 1; BAND]);
    for row in 0..=from.len() {
        for slot in 0..BAND {
            current[slot] = max + 1;
            // The slot stands for this column: the middle slot is the diagonal.
            let Some(column) = (row + slot)
                .checked_sub(EDITS_MAX)
                .filter(|column| *column <= to.len())
            else {
                continue;
            };
            let mut edits = if row == 0 { column } else { max + 1 };
            if row > 0 && slot + 1 < BAND {
                edits = edits.min(last[slot + 1] + 1);
            }
            if slot > 0 {
                edits = edits.min(current[slot - 1] + 1);
            }
            if row > 0 && column > 0 {
                edits = edits.min(last[slot] + usize::from(from[row - 1] != to[column - 1]));
            }
            if row > 1
                && column > 1
                && from[row - 1] == to[column - 2]
                && from[row - 2] == to[column - 1]
            {
                edits = edits.min(before_last[slot] + 1);
            }
            current[slot] = edits;
        }
        if current.iter().all(|edits| *edits > max) {
            return None;
        }
        (before_last, last) = (last, current);
    }
    let slot = (to.len() + EDITS_MAX).checked_sub(from.len())?;
    last.get(slot).copied().filter(|edits| *edits <= max)
}

/// The most edits that a query may allow.
pub(super) const EDITS_MAX: usize = 2;

/// Width of the band: the diagonal and `EDITS_MAX` columns to either side.
const BAND: usize = 2 * EDITS_MAX + 1;

type Row = [usize; BAND];

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table, as in textbooks.
    fn edits_by_table(from: &[char], to: &[char]) -> usize {
        let mut table = vec![vec![0; to.len() + 1]; from.len() + 1];
        for i in 0..=from.len() {
            for j in 0..=to.len() {
                table[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let substituted = table[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
                    substituted
                        .min(table[i - 1][j] + 1)
                        .min(table[i][j - 1] + 1)
                };
                if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                    table[i][j] = table[i][j].min(table[i - 2][j - 2] + 1);
                }
            }
        }
        table[from.len()][to.len()]
    }

    #[test]
    fn each_kind_of_edit_counts_once() {
        for (from, to) in [
            ("duel", "dul"),
            ("duel", "duuel"),
            ("duel", "dual"),
            ("duel", "deul"),
        ] {
            assert_eq!(edits_within(from, to, 1), Some(1), "{from} {to}");
            assert_eq!(edits_within(from, to, 0), None, "{from} {to}");
        }
        assert_eq!(edits_within("duel", "duel", 0), Some(0));
        assert_eq!(edits_within("", "", 0), Some(0));
        assert_eq!(edits_within("", "ab", 2), Some(2));
        assert_eq!(
            edits_within("größe", "grösse", 2),
            Some(2),
            "edits count characters, not bytes"
        );
    }

    #[test]
    fn more_edits_than_allowed_is_no_match() {
        assert_eq!(edits_within("freforal", "freeforall", 2), Some(2));
        assert_eq!(edits_within("freforal", "freeforall", 1), None);
        assert_eq!(edits_within("free", "freeforall", 2), None);
        assert_eq!(edits_within("abc", "xyz", 2), None);
    }

    proptest::proptest! {
        #[test]
        fn the_band_agrees_with_the_whole_table(from in "[abc]{0,7}", to in "[abc]{0,7}", max in 0usize..=2) {
            let expected = edits_by_table(
                &from.chars().collect::<Vec<_>>(),
                &to.chars().collect::<Vec<_>>(),
            );
            let expected = (expected <= max).then_some(expected);
            proptest::prop_assert_eq!(edits_within(&from, &to, max), expected);
        }
    }
}
