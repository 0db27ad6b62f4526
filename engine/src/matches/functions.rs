//! What server code does to matches, on a whole world.

use bevy_ecs::prelude::*;
use thiserror::Error;

use super::{
    MatchDirectory, MatchError, MatchFilter, MatchListing, MatchParams,
    callbacks::{self, call},
    components::{Occasion, Turn},
    index::{MatchIndex, MatchKinds},
};
use crate::{
    id::MatchId,
    query::{CompiledQuery, QueryError},
    schedule::MatchSignal,
};

/// Why a match did not answer a signal.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalError {
    /// There is no such match here.
    #[error("match not found")]
    NotFound,
    /// The match ended, failed, or is being signalled already.
    #[error("match busy")]
    Busy,
}

/// The match functions of the server, on a whole world: what they do holds when they return.
pub trait MatchFunctions {
    /// Makes a match of the kind with this name.
    ///
    /// # Errors
    ///
    /// As [`MatchDirectory::create`].
    fn match_create(&mut self, kind: &str, params: &MatchParams) -> Result<MatchId, MatchError>;

    /// The kinds of match that were registered, by name.
    fn match_kinds(&self) -> Vec<&'static str>;

    /// The match with this id, if it exists.
    fn match_get(&mut self, id: MatchId) -> Option<MatchListing>;

    /// The matches that pass this filter.
    ///
    /// # Errors
    ///
    /// [`QueryError`] if the query cannot be read.
    fn match_list(&mut self, filter: &MatchFilter) -> Result<Vec<MatchListing>, QueryError>;

    /// Says something to a match, between ticks, and returns its answer.
    ///
    /// # Errors
    ///
    /// [`SignalError::NotFound`] if there is no such match; [`SignalError::Busy`] if it ends instead of
    /// answering.
    fn match_signal(&mut self, id: MatchId, data: &str) -> Result<String, SignalError>;
}

impl MatchFunctions for World {
    fn match_create(&mut self, kind: &str, params: &MatchParams) -> Result<MatchId, MatchError> {
        let input = (kind.to_owned(), params.clone());
        self.run_system_cached_with(create, input)
            .unwrap_or_else(|_| Err(MatchError::init("matches are being made already")))
    }

    fn match_kinds(&self) -> Vec<&'static str> {
        self.resource::<MatchKinds>().names().collect()
    }

    fn match_get(&mut self, id: MatchId) -> Option<MatchListing> {
        self.run_system_cached_with(get, id).ok().flatten()
    }

    fn match_list(&mut self, filter: &MatchFilter) -> Result<Vec<MatchListing>, QueryError> {
        self.run_system_cached_with(list, filter.clone())
            .unwrap_or_else(|_| Ok(Vec::new()))
    }

    fn match_signal(&mut self, id: MatchId, data: &str) -> Result<String, SignalError> {
        let entity = self
            .resource::<MatchIndex>()
            .find(id)
            .map(|entry| entry.entity);
        let entity = entity.ok_or(SignalError::NotFound)?;
        let Some(mut turn) = self.get_mut::<Turn>(entity) else {
            return Err(SignalError::NotFound);
        };
        if turn.0.is_some() {
            return Err(SignalError::Busy);
        }
        turn.0 = Some(Box::new(Occasion::Signal {
            data: data.to_owned(),
            answer: String::new(),
        }));
        let ran = call(self, MatchSignal, vec![entity]);
        let occasion = callbacks::conclude(self, entity);
        match occasion {
            Some(Occasion::Signal { answer, .. })
                if ran && self.resource::<MatchIndex>().find(id).is_some() =>
            {
                Ok(answer)
            }
            _ => Err(SignalError::Busy),
        }
    }
}

fn create(
    In((kind, params)): In<(String, MatchParams)>,
    mut directory: MatchDirectory,
) -> Result<MatchId, MatchError> {
    directory.create(&kind, &params)
}

fn get(In(id): In<MatchId>, directory: MatchDirectory) -> Option<MatchListing> {
    directory.get(id)
}

fn list(
    In(filter): In<MatchFilter>,
    mut directory: MatchDirectory,
) -> Result<Vec<MatchListing>, QueryError> {
    directory.list(&filter)
}

/// Lists matches by a query that was compiled before.
pub(crate) fn list_compiled(
    In((filter, query)): In<(MatchFilter, Option<CompiledQuery>)>,
    mut directory: MatchDirectory,
) -> Vec<MatchListing> {
    directory.list_compiled(&filter, query.as_ref())
}
