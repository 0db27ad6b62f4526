//! Making and finding matches.

use std::sync::Arc;

use bevy_ecs::{prelude::*, system::SystemParam};
use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use uuid::Uuid;

use super::{
    Clock, Dispatcher, Inbox, Label, Match, MatchError, MatchParams, Participants, Tick, TickRate,
    components::{Knocks, Random, Turn},
    index::{Entry, MatchIndex, MatchKinds},
};
use crate::{
    id::MatchId,
    limits::Limits,
    query::{CompiledQuery, Query as LabelQuery, QueryError},
    schedule::Node,
    shutdown::Shutdown,
    stream::{Presences, StreamId, mode},
};

/// Which matches are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchFilter {
    /// How many at most.
    pub limit: usize,
    /// Only those that the server runs, or only relayed ones.
    pub authoritative: Option<bool>,
    /// Only those with exactly this label. Not looked at if there is a query.
    pub label: Option<String>,
    /// Only those whose label satisfies this query. An empty one is satisfied by all.
    pub query: Option<String>,
    /// Only those with at least so many players.
    pub min_size: Option<i64>,
    /// Only those with at most so many players.
    pub max_size: Option<i64>,
}

impl MatchFilter {
    /// Any matches, this many at most.
    #[must_use]
    pub fn limit(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Only matches that the server runs and whose label satisfies this query.
    #[must_use]
    pub fn query(self, query: impl Into<String>) -> Self {
        Self {
            authoritative: Some(true),
            query: Some(query.into()),
            ..self
        }
    }

    /// The query, made ready to be asked, if there is one. This may take a while, and need not be done
    /// between ticks.
    ///
    /// # Errors
    ///
    /// [`QueryError`] if it cannot be read.
    pub fn compile(&self) -> Result<Option<CompiledQuery>, QueryError> {
        let Some(text) = &self.query else {
            return Ok(None);
        };
        let query = if text.is_empty() {
            LabelQuery::all()
        } else {
            LabelQuery::parse(text)?
        };
        query.compile().map(Some)
    }

    fn admits_size(&self, size: usize) -> bool {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        self.min_size.is_none_or(|min| size >= min) && self.max_size.is_none_or(|max| size <= max)
    }
}

/// A match as a listing shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchListing {
    /// Its id.
    pub match_id: MatchId,
    /// Its label; none for a relayed match.
    pub label: Option<Arc<str>>,
    /// How many play.
    pub size: usize,
    /// Ticks a second; 0 for a relayed match.
    pub tick_rate: u8,
    /// What kind of match it is; empty for a relayed match.
    pub kind: &'static str,
}

/// Makes and finds matches, from any system.
///
/// A match that was made is listed, and may be joined, when the system that made it is done.
#[derive(SystemParam)]
pub struct MatchDirectory<'w, 's> {
    commands: Commands<'w, 's>,
    kinds: Res<'w, MatchKinds>,
    index: ResMut<'w, MatchIndex>,
    limits: Res<'w, Limits>,
    node: Res<'w, Node>,
    shutdown: Res<'w, Shutdown>,
    participants: Query<'w, 's, &'static Participants>,
    streams: Query<'w, 's, (&'static StreamId, &'static Presences)>,
}

impl MatchDirectory<'_, '_> {
    /// Makes a match of the kind with this name.
    ///
    /// # Errors
    ///
    /// [`MatchError::UnknownKind`], or whatever the kind's `init` returned; [`MatchError::Stopping`] and
    /// [`MatchError::TooManyMatches`] when the server takes no more. No match is made.
    pub fn create(&mut self, kind: &str, params: &MatchParams) -> Result<MatchId, MatchError> {
        if self.shutdown.is_stopping() {
            return Err(MatchError::Stopping);
        }
        if self.index.len() >= self.limits.matches_max {
            return Err(MatchError::TooManyMatches);
        }
        let (kind, prepared) = self.kinds.prepare(kind, params)?;
        let id = MatchId::authoritative(Uuid::new_v4(), self.node.0);
        let order = self.index.next_order();
        let seed = prepared.seed.unwrap_or_else(|| id.uuid.as_u64_pair().0);
        let mut entity = self.commands.spawn((
            Match {
                id,
                kind,
                order,
                deliveries: prepared.deliveries,
            },
            TickRate(prepared.tick_rate),
            Tick::default(),
            Clock::new(),
            Label(prepared.label.into()),
            Participants::default(),
            Inbox::default(),
            Dispatcher::default(),
            Turn::default(),
            Knocks::default(),
            Random(Xoshiro256PlusPlus::seed_from_u64(seed)),
        ));
        (prepared.attach)(&mut entity);
        Ok(id)
    }

    /// The matches that pass this filter: the best first if there is a query, else the newest first, and
    /// relayed ones last.
    ///
    /// # Errors
    ///
    /// [`QueryError`] if the query cannot be read.
    pub fn list(&mut self, filter: &MatchFilter) -> Result<Vec<MatchListing>, QueryError> {
        let query = filter.compile()?;
        Ok(self.list_compiled(filter, query.as_ref()))
    }

    /// The same, with the query of the filter compiled already.
    #[must_use]
    pub fn list_compiled(
        &mut self,
        filter: &MatchFilter,
        query: Option<&CompiledQuery>,
    ) -> Vec<MatchListing> {
        let (running, relayed) = match filter.authoritative {
            None => (true, filter.query.is_none() && filter.label.is_none()),
            Some(authoritative) => (
                authoritative,
                !authoritative && filter.query.is_none() && filter.label.is_none(),
            ),
        };
        let mut found = Vec::new();
        if running {
            self.list_running(filter, query, &mut found);
        }
        if relayed {
            self.list_relayed(filter, &mut found);
        }
        found
    }

    /// The match with this id, if it exists and, if it is relayed, somebody is in it.
    #[must_use]
    pub fn get(&self, id: MatchId) -> Option<MatchListing> {
        if id.is_authoritative() {
            let entry = self.index.find(id)?;
            return Some(listing(entry, self.size(entry.entity)));
        }
        let stream = StreamId::of_match(id);
        let (_, presences) = self.streams.iter().find(|(found, _)| **found == stream)?;
        Some(relayed_listing(id, presences.as_slice().len()))
    }

    fn list_running(
        &mut self,
        filter: &MatchFilter,
        query: Option<&CompiledQuery>,
        found: &mut Vec<MatchListing>,
    ) {
        let candidates: Vec<Entry> = match (query, &filter.label) {
            (Some(query), _) => {
                let orders = self.index.search(query);
                orders
                    .into_iter()
                    .filter_map(|order| self.index.entry(order).cloned())
                    .collect()
            }
            (None, Some(label)) => self
                .index
                .newest_first()
                .filter(|entry| *entry.label == **label)
                .cloned()
                .collect(),
            (None, None) => self.index.newest_first().cloned().collect(),
        };
        for entry in candidates {
            if found.len() >= filter.limit {
                break;
            }
            let size = self.size(entry.entity);
            if filter.admits_size(size) {
                found.push(listing(&entry, size));
            }
        }
    }

    fn list_relayed(&self, filter: &MatchFilter, found: &mut Vec<MatchListing>) {
        for (stream, presences) in &self.streams {
            if found.len() >= filter.limit {
                break;
            }
            let size = presences.as_slice().len();
            if stream.mode == mode::MATCH_RELAYED && filter.admits_size(size) {
                found.push(relayed_listing(MatchId::relayed(stream.subject), size));
            }
        }
    }

    fn size(&self, entity: Entity) -> usize {
        self.participants
            .get(entity)
            .map_or(0, |participants| participants.as_slice().len())
    }
}

fn listing(entry: &Entry, size: usize) -> MatchListing {
    MatchListing {
        match_id: entry.id,
        label: Some(entry.label.clone()),
        size,
        tick_rate: entry.tick_rate,
        kind: entry.kind,
    }
}

const fn relayed_listing(match_id: MatchId, size: usize) -> MatchListing {
    MatchListing {
        match_id,
        label: None,
        size,
        tick_rate: 0,
        kind: "",
    }
}
