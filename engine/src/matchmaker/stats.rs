//! How the matchmaker has been doing.

use std::collections::VecDeque;

/// How the matchmaker had been doing when the latest interval was over. Times are nanoseconds since 1970.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MatchmakerStats {
    /// Tickets that waited when the interval was over, those that then found each other included.
    pub ticket_count: usize,
    /// Since when the first of them waited.
    pub oldest_created_ns: Option<i64>,
    /// The latest players that found each other, the last of them last.
    pub completions: Vec<Completion>,
}

/// One player's way to a match.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Completion {
    /// When they asked.
    pub created_ns: i64,
    /// When others were found.
    pub completed_ns: i64,
}

/// Completions that are remembered, as many as the reference server shows.
const COMPLETIONS_MAX: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Stats {
    published: MatchmakerStats,
    ticket_count: usize,
    oldest_created_ns: Option<i64>,
    completions: VecDeque<Completion>,
}

impl Stats {
    pub(super) fn begin_interval(&mut self, ticket_count: usize, oldest_created_ns: Option<i64>) {
        self.ticket_count = ticket_count;
        self.oldest_created_ns = oldest_created_ns;
    }

    pub(super) fn end_interval(&mut self) {
        self.published = MatchmakerStats {
            ticket_count: self.ticket_count,
            oldest_created_ns: self.oldest_created_ns,
            completions: self.completions.iter().copied().collect(),
        };
    }

    pub(super) fn complete(&mut self, completion: Completion) {
        if self.completions.len() >= COMPLETIONS_MAX {
            self.completions.pop_front();
        }
        self.completions.push_back(completion);
    }

    pub(super) fn published(&self) -> MatchmakerStats {
        self.published.clone()
    }
}
