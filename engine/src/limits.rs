//! Bounds that the engine keeps. What happens at each is said where it is used.

use std::time::Duration;

use bevy_ecs::prelude::*;

use crate::matchmaker::MatchmakerOptions;

/// Bytes in the longest match or party label, and in the longest status text.
pub const LABEL_BYTES_MAX: usize = 2048;

/// Ticks a second of the slowest and the fastest match.
pub const TICK_RATE_MIN: u8 = 1;
/// Ticks a second of the fastest match.
pub const TICK_RATE_MAX: u8 = 60;

/// Entries and bytes of the metadata that a player sends along when joining a match.
pub const JOIN_METADATA_ENTRIES_MAX: usize = 32;
/// Bytes of all keys and values of join metadata together.
pub const JOIN_METADATA_BYTES_MAX: usize = 1024;

/// Bounds that an operator may change.
#[derive(Resource, Clone, Debug)]
pub struct Limits {
    /// Matches that one session may be in at the same time.
    pub matches_per_session_max: usize,
    /// Chat channels that one session may be in at the same time.
    pub channels_per_session_max: usize,
    /// Users that one session may follow.
    pub follows_per_session_max: usize,
    /// Parties that one session may be in at the same time.
    pub parties_per_session_max: usize,
    /// Join attempts that may wait for one match; further ones are refused.
    pub join_attempts_per_match_max: usize,
    /// Deferred broadcasts that one callback of a match may make; further ones are an error.
    pub deferred_per_callback_max: usize,
    /// Seconds without participants after which a match is stopped; 0 means never.
    pub match_empty_seconds_max: u32,
    /// Matches that may run at the same time.
    pub matches_max: usize,
    /// What bounds the matchmaker, and how it works.
    pub matchmaker: MatchmakerOptions,
    /// A user has one session at a time: a new one ends the others.
    pub single_socket: bool,
    /// A session that joins a match leaves the others.
    pub single_match: bool,
    /// A session that joins a party, or makes one, leaves the others.
    pub single_party: bool,
    /// Time between two searches for parties that nobody is in; zero means never.
    pub party_idle_check: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            matches_per_session_max: 16,
            channels_per_session_max: 32,
            follows_per_session_max: 256,
            parties_per_session_max: 4,
            join_attempts_per_match_max: 128,
            deferred_per_callback_max: 128,
            match_empty_seconds_max: 0,
            matches_max: 200_000,
            matchmaker: MatchmakerOptions::default(),
            single_socket: false,
            single_match: false,
            single_party: false,
            party_idle_check: Duration::from_secs(30),
        }
    }
}
