//! What makes a kind of match.

use std::fmt;

use bevy_ecs::{component::Mutable, prelude::*};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::delivery::Delivery;
use crate::limits::{LABEL_BYTES_MAX, TICK_RATE_MAX, TICK_RATE_MIN};

/// The rules of a match; the component holds its state.
///
/// ```
/// use tiltyard::prelude::*;
///
/// #[derive(Component, Default)]
/// struct PingPong;
///
/// impl MatchKind for PingPong {
///     const NAME: &'static str = "pingpong";
///     fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
///         Ok(MatchInit::new(Self).tick_rate(10))
///     }
/// }
/// ```
pub trait MatchKind: Component<Mutability = Mutable> + Sized {
    /// What this kind is called when a match is created or listed.
    const NAME: &'static str;

    /// How data of an op code travels, where it need not arrive in any case.
    ///
    /// It holds for what the rules broadcast, and for [`Delivery::Newest`] also for what clients send
    /// unreliably. Op codes that are not named are reliable, and every broadcast may say otherwise.
    const DELIVERY: &'static [(i64, Delivery)] = &[];

    /// Makes the state of a new match.
    ///
    /// # Errors
    ///
    /// Whatever it returns reaches whoever wanted the match; none is made.
    fn init(params: &MatchParams) -> Result<MatchInit<Self>, MatchError>;
}

/// What a match is created with: plain data under names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchParams(pub Map<String, Value>);

impl MatchParams {
    /// No parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The parameter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The parameter of this name, if it is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The parameter of this name, if it is a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    /// The parameter of this name, if it is true or false.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }
}

/// What a new match starts from.
#[derive(Clone, Debug)]
pub struct MatchInit<T> {
    pub(crate) state: T,
    pub(crate) tick_rate: i64,
    pub(crate) label: String,
    pub(crate) seed: Option<u64>,
}

/// Ticks a second of a match that does not say otherwise.
const TICK_RATE_DEFAULT: i64 = 10;

impl<T> MatchInit<T> {
    /// A match with this state, ten ticks a second and no label.
    pub const fn new(state: T) -> Self {
        Self {
            state,
            tick_rate: TICK_RATE_DEFAULT,
            label: String::new(),
            seed: None,
        }
    }

    /// Ticks a second, 1 to 60. Anything else makes the creation fail.
    #[must_use]
    pub fn tick_rate(mut self, hz: impl Into<i64>) -> Self {
        self.tick_rate = hz.into();
        self
    }

    /// What the match is found by: any text of at most 2048 bytes, usually a JSON object.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// What the match's random numbers start from; by default the match's id.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The tick rate, if it is one that a match may have.
    pub(crate) fn valid_tick_rate(&self) -> Result<u8, MatchError> {
        u8::try_from(self.tick_rate)
            .ok()
            .filter(|rate| (TICK_RATE_MIN..=TICK_RATE_MAX).contains(rate))
            .ok_or(MatchError::TickRate(self.tick_rate))
    }
}

/// Why something about a match was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MatchError {
    /// No kind of match has this name. Register it with `add_match`.
    #[error("no kind of match is called {0:?}")]
    UnknownKind(String),
    /// The rules refused to start.
    #[error("{0}")]
    Init(String),
    /// A match ticks 1 to 60 times a second.
    #[error("invalid tick rate {0}, must be between 1 and 60")]
    TickRate(i64),
    /// A label has at most 2048 bytes.
    #[error("match label too long, must be 0-2048 bytes")]
    LabelTooLong,
    /// One callback made too many deferred broadcasts.
    #[error("too many deferred message broadcasts per tick")]
    DeferredFull,
    /// The server is going to stop.
    #[error("shutdown in progress")]
    Stopping,
    /// As many matches run as this server allows.
    #[error("too many matches")]
    TooManyMatches,
}

impl MatchError {
    /// The rules refuse to start, for this reason.
    pub fn init(reason: impl fmt::Display) -> Self {
        Self::Init(reason.to_string())
    }
}

/// Refuses labels that are too long.
pub(crate) const fn check_label(label: &str) -> Result<(), MatchError> {
    if label.len() > LABEL_BYTES_MAX {
        Err(MatchError::LabelTooLong)
    } else {
        Ok(())
    }
}
