//! Which groups are listed, and where a page of them ends.

use uuid::Uuid;

use super::group::{Group, folded};

/// Which groups to list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GroupFilter {
    /// Those whose name is like this, by name; disabled ones, too.
    Name(NamePattern),
    /// Those that have all of these.
    Traits {
        /// This language tag.
        lang_tag: Option<String>,
        /// So many members at most.
        members: Option<i32>,
        /// Being open, or not.
        open: Option<bool>,
    },
}

/// What a name is like: `%` stands for anything, `_` for one character, a backslash makes them ordinary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamePattern {
    /// In lower case, and whole.
    pub(super) like: String,
    /// What every such name begins with.
    pub(super) prefix: String,
}

impl NamePattern {
    /// Reads a pattern. It cannot begin with anything: what stands for that is left out, and so are spaces.
    /// `None` if nothing else is there.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut like = folded(text.trim_start_matches(['%', ' ']));
        if like.is_empty() {
            return None;
        }
        let mut prefix = String::new();
        let mut is_prefix = true;
        let mut characters = like.chars();
        let mut dangles = false;
        while let Some(character) = characters.next() {
            let literal = match character {
                '%' | '_' => None,
                '\\' => {
                    let next = characters.next();
                    dangles = next.is_none();
                    next.or(Some('\\'))
                }
                other => Some(other),
            };
            is_prefix &= literal.is_some();
            prefix.extend(literal.filter(|_| is_prefix));
        }
        if dangles {
            like.push('\\');
        }
        Some(Self { like, prefix })
    }
}

/// Where a group is in its list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupPlace {
    /// Count of members.
    pub edge_count: i64,
    /// When the group was last changed, in microseconds since 1970.
    pub update_us: i64,
    /// The name, if that is the order; the language tag elsewhere.
    pub text: String,
    /// The id.
    pub id: Uuid,
}

impl GroupPlace {
    /// The place of a group in the list that a filter gives.
    #[must_use]
    pub fn of(group: &Group, filter: &GroupFilter) -> Self {
        let text = match filter {
            GroupFilter::Name(_) => &group.name,
            GroupFilter::Traits { .. } => &group.lang_tag,
        };
        Self {
            edge_count: group.edge_count.into(),
            update_us: group.update_time.as_microsecond(),
            text: text.clone(),
            id: group.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_in_lower_case_and_knows_its_prefix() {
        for (text, like, prefix) in [
            ("Knights", "knights", "knights"),
            (" %% Knights%", "knights%", "knights"),
            ("KN_GHTS%s", "kn_ghts%s", "kn"),
            (r"100\%_", r"100\%_", "100%"),
            (r"a\", r"a\\", r"a\"),
            (r"a\\", r"a\\", r"a\"),
            (r"%\", r"\\", r"\"),
            ("ΑΣ%", "ασ%", "ασ"),
            ("_a", "_a", ""),
        ] {
            let pattern = NamePattern::new(text).unwrap();
            assert_eq!((&*pattern.like, &*pattern.prefix), (like, prefix), "{text}");
        }
        for nothing in ["", " ", "%", "% %"] {
            assert_eq!(NamePattern::new(nothing), None, "{nothing:?}");
        }
    }
}
