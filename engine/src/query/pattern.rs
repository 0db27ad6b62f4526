//! Regular expressions and wildcards, as automata of bounded size.

use std::sync::Arc;

use regex_automata::{
    Anchored, MatchKind,
    dfa::{Automaton, StartKind, dense},
    nfa::thompson::{self, WhichCaptures},
    util::{primitives::StateID, start},
};
use regex_syntax::{
    ast::{
        self, Ast, ClassAscii, ClassAsciiKind, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet,
        ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind,
    },
    hir::{Dot, Hir, Repetition, translate::Translator},
};

/// A test of whole terms that reads each byte of a term once.
///
/// Terms may be 2 KiB and documents many, so the usual engines, which read a term once for every
/// state that they may be in, would let one query stop the server. This one is determinised in
/// advance, and a pattern that is too large for that is refused, as it is by the reference server.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    automaton: Arc<dense::DFA<Vec<u32>>>,
    start: StateID,
    matches_numbers: bool,
}

impl Pattern {
    /// Compiles a regular expression into at most `bytes_max` bytes.
    pub(super) fn regex(source: &str, bytes_max: usize) -> Result<Self, String> {
        // Terms are matched whole, so an anchor at the start says nothing new.
        let source = source.strip_prefix('^').unwrap_or(source);
        let mut parser = ast::parse::ParserBuilder::new()
            .nest_limit(NEST_MAX)
            .build();
        let mut ast = parser
            .parse(source)
            .map_err(|error| error.kind().to_string())?;
        adapt(&mut ast)?;
        let hir = Translator::new()
            .translate(source, &ast)
            .map_err(|error| error.kind().to_string())?;
        Self::compile(&hir, matches!(source, ".*" | ".+"), bytes_max)
    }

    /// Compiles a wildcard, where `*` is any run and `?` any one character.
    pub(super) fn wildcard(text: &str, bytes_max: usize) -> Result<Self, String> {
        let any = || Hir::dot(Dot::AnyChar);
        let any_run = || Repetition {
            min: 0,
            max: None,
            greedy: true,
            sub: Box::new(any()),
        };
        let parts = text.chars().map(|c| match c {
            '*' => Hir::repetition(any_run()),
            '?' => any(),
            c => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
        });
        let hir = Hir::concat(parts.collect());
        let matches_numbers = text.contains('*') && text.chars().all(|c| matches!(c, '*' | '?'));
        Self::compile(&hir, matches_numbers, bytes_max)
    }

    fn compile(hir: &Hir, matches_numbers: bool, bytes_max: usize) -> Result<Self, String> {
        let too_large = || "the pattern needs too much memory".to_owned();
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .which_captures(WhichCaptures::None)
                    .nfa_size_limit(Some(NFA_BYTES_MAX)),
            )
            .build_from_hir(hir)
            .map_err(|_| too_large())?;
        let automaton = dense::Builder::new()
            .configure(
                dense::Config::new()
                    // All ways to match are followed: only the end of the term decides.
                    .match_kind(MatchKind::All)
                    .start_kind(StartKind::Anchored)
                    .accelerate(false)
                    .dfa_size_limit(Some(bytes_max.min(PATTERN_BYTES_MAX)))
                    .determinize_size_limit(Some(PATTERN_BYTES_MAX)),
            )
            .build_from_nfa(&nfa)
            .map_err(|_| too_large())?;
        let start = automaton
            .start_state(&start::Config::new().anchored(Anchored::Yes))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            automaton: Arc::new(automaton),
            start,
            matches_numbers,
        })
    }

    /// Whether the pattern matches all of `term`.
    pub(super) fn matches(&self, term: &str) -> bool {
        let mut state = self.start;
        for &byte in term.as_bytes() {
            state = self.automaton.next_state(state, byte);
            if self.automaton.is_dead_state(state) {
                return false;
            }
        }
        self.automaton
            .is_match_state(self.automaton.next_eoi_state(state))
    }

    /// Whether the pattern asks for no more than that there is a value, which a number is too.
    pub(super) fn matches_numbers(&self) -> bool {
        self.matches_numbers
    }

    pub(super) fn bytes(&self) -> usize {
        self.automaton.memory_usage()
    }
}

/// Refuses what the language lacks, and makes `\w`, `\d` and `\s` mean ASCII as it does.
fn adapt(ast: &mut Ast) -> Result<(), String> {
    match ast {
        Ast::Empty(_) | Ast::Literal(_) | Ast::Dot(_) | Ast::ClassUnicode(_) => Ok(()),
        Ast::Flags(set) => check_flags(&set.flags),
        Ast::Assertion(_) => Err("zero-width assertions are not available".to_owned()),
        Ast::ClassPerl(class) => {
            let span = class.span;
            let kind = ClassSet::Item(ascii(class));
            *ast = Ast::class_bracketed(ClassBracketed {
                span,
                negated: false,
                kind,
            });
            Ok(())
        }
        Ast::ClassBracketed(class) => {
            adapt_set(&mut class.kind);
            Ok(())
        }
        Ast::Repetition(repetition) if !repetition.greedy => {
            Err("lazy quantifiers are not available".to_owned())
        }
        Ast::Repetition(repetition) => adapt(&mut repetition.ast),
        Ast::Group(group) => {
            if let GroupKind::NonCapturing(flags) = &group.kind {
                check_flags(flags)?;
            }
            adapt(&mut group.ast)
        }
        Ast::Alternation(alternation) => alternation.asts.iter_mut().try_for_each(adapt),
        Ast::Concat(concat) => concat.asts.iter_mut().try_for_each(adapt),
    }
}

fn check_flags(flags: &Flags) -> Result<(), String> {
    let known = flags.items.iter().all(|item| match &item.kind {
        FlagsItemKind::Negation => true,
        FlagsItemKind::Flag(flag) => {
            matches!(
                flag,
                Flag::CaseInsensitive | Flag::MultiLine | Flag::DotMatchesNewLine
            )
        }
    });
    known
        .then_some(())
        .ok_or_else(|| "flags other than i, m and s are not available".to_owned())
}

fn adapt_set(set: &mut ClassSet) {
    match set {
        ClassSet::Item(item) => adapt_item(item),
        ClassSet::BinaryOp(operation) => {
            adapt_set(&mut operation.lhs);
            adapt_set(&mut operation.rhs);
        }
    }
}

fn adapt_item(item: &mut ClassSetItem) {
    match item {
        ClassSetItem::Perl(class) => *item = ascii(class),
        ClassSetItem::Bracketed(class) => adapt_set(&mut class.kind),
        ClassSetItem::Union(union) => union.items.iter_mut().for_each(adapt_item),
        _ => {}
    }
}

fn ascii(class: &ClassPerl) -> ClassSetItem {
    let kind = match class.kind {
        ClassPerlKind::Digit => ClassAsciiKind::Digit,
        ClassPerlKind::Space => ClassAsciiKind::Space,
        ClassPerlKind::Word => ClassAsciiKind::Word,
    };
    ClassSetItem::Ascii(ClassAscii {
        span: class.span,
        kind,
        negated: class.negated,
    })
}

/// Bytes of one regular expression, between its slashes.
///
/// Six user ids and the bars between them take 221.
pub const REGEX_BYTES_MAX: usize = 256;

/// Bytes of all automata of one query together.
///
/// A search for a user id somewhere in a text takes 24 KB, and a query has room for some thirty
/// of them. This and the limit of each pattern keep compiling any query below 30 ms, and nearly
/// all below one.
pub const PATTERNS_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of one automaton, and of what is needed to build it, which is what building costs.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// Bytes of the automaton before it is made deterministic, which costs time with every state.
const NFA_BYTES_MAX: usize = 64 * 1024;

/// Levels of groups and classes inside each other. The walk over them is recursive.
const NEST_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(source: &str) -> Pattern {
        Pattern::regex(source, PATTERNS_BYTES_MAX).unwrap()
    }

    fn wildcard(text: &str) -> Pattern {
        Pattern::wildcard(text, PATTERNS_BYTES_MAX).unwrap()
    }

    #[test]
    fn a_regex_matches_whole_terms() {
        assert!(regex("free.*").matches("freeforall"));
        assert!(!regex("free").matches("freeforall"));
        assert!(
            regex("^free").matches("free"),
            "a leading anchor is dropped"
        );
        assert!(
            regex("a|ab").matches("ab"),
            "the first alternative does not shadow the second"
        );
        assert!(regex("(a|b)*").matches("abba"));
        assert!(regex("").matches("") && !regex("").matches("a"));
        assert!(!regex(".*").matches("a\nb"), "a dot is no line end");
        assert!(regex("(?s).*").matches("a\nb"));
        assert!(regex("(?i)größe").matches("GRÖSSE".replace("SS", "ß").as_str()));
        assert!(regex("a{2,3}").matches("aaa") && !regex("a{2,3}").matches("aaaa"));
        assert!(regex(r"[^a]\.").matches("é."));
    }

    #[test]
    fn perl_classes_are_ascii() {
        assert!(regex(r"\w+\d[\d\s]").matches("ab_12 "));
        assert!(!regex(r"\w").matches("é"));
        assert!(!regex(r"[\w]").matches("é"));
        assert!(regex(r"\W").matches("é") && regex(r"[^\w]").matches("é"));
    }

    #[test]
    fn what_the_language_lacks_is_refused() {
        for source in [
            "a$", r"a\b", r"\ba", r"a\B", "a^b", "^^a", r"\Aa", r"a\z", "(a|$)", "a*?", "a+?",
            "a??", "a{2}?", "(a+?)*", "(?U)a*", "(?x)a", "(?-u)a", r"(a)\1", "(?=a)", "(", "[a",
            "a{2,1}", "*",
        ] {
            assert!(
                Pattern::regex(source, PATTERNS_BYTES_MAX).is_err(),
                "{source}"
            );
        }
    }

    #[test]
    fn a_wildcard_matches_whole_terms() {
        assert!(
            wildcard("d?sert").matches("désert"),
            "a question mark is one character"
        );
        assert!(!wildcard("d?sert").matches("dsert"));
        assert!(wildcard("*duel*").matches("duel") && wildcard("*duel*").matches("a\nduel b"));
        assert!(wildcard("*").matches(""));
        assert!(
            !wildcard("a.c*").matches("abc"),
            "other characters stand for themselves"
        );
    }

    #[test]
    fn only_a_pattern_that_takes_any_value_matches_numbers() {
        for text in ["*", "**", "?*"] {
            assert!(wildcard(text).matches_numbers(), "{text}");
        }
        assert!(regex(".*").matches_numbers() && regex(".+").matches_numbers());
        assert!(!wildcard("1*").matches_numbers() && !wildcard("??").matches_numbers());
        assert!(!regex("[0-9]+").matches_numbers());
    }

    #[test]
    fn patterns_that_explode_are_refused() {
        for source in [
            "(.*a.{20}){3}",
            "(((a{99}){99}){99}){99}",
            r"(\pL{50}){50}",
            "[01]*1[01]{30}",
        ] {
            assert!(
                Pattern::regex(source, PATTERNS_BYTES_MAX).is_err(),
                "{source}"
            );
        }
        let wildcard = format!("*a{}", "?".repeat(100));
        assert!(Pattern::wildcard(&wildcard, PATTERNS_BYTES_MAX).is_err());
        let nested = format!("{}a{}", "(".repeat(100), ")".repeat(100));
        assert!(Pattern::regex(&nested, PATTERNS_BYTES_MAX).is_err());
    }

    #[test]
    fn patterns_of_ordinary_size_fit() {
        let ids = ["0192f0c1-5b3e-7c11-9d5e-3a1b2c4d5e6f"; 6].join("|");
        for source in [
            &ids,
            r"[0-9a-f\-]{36}",
            ".*(map2|map3).*",
            "(?i)freeforall",
            ".{0,100}",
            r"\w{1,200}",
        ] {
            let pattern = regex(source);
            assert!(
                pattern.bytes() <= PATTERN_BYTES_MAX,
                "{source}: {}",
                pattern.bytes()
            );
        }
    }
}
