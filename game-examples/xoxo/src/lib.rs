//! Noughts and crosses: how to check what players send, end a match by the clock, and keep what outlives it.
//!
//! ```text
//! op code 1, {"cell":4} ─► wire: is it a move? ─► table: is it a player? ─► round: is it legal?
//!                                                                              │
//!                     op code 11, a reason, to the sender alone ◄── no ────────┤
//!                     op code 10, the whole state, to both     ◄── yes ────────┘
//! ```
//!
//! The rules ([`board`], [`round`], [`table`]) are plain Rust that knows no server. [`wire`] has the
//! op codes and payloads, and the systems that connect the two are in `play`. Time is counted in
//! ticks, so a test can let thirty seconds pass at once.
//!
//! What outlives a match is in storage: `records` counts wins, and `rest` keeps games that go on while
//! nobody is there. Neither waits: they ask, and look for the answer in later ticks.
//!
//! # Functions
//!
//! `xoxo_find` answers `{"match_id":"…"}` with a table where somebody waits, or a new one;
//! `xoxo_create` with a new one, called by `{"name":"…"}`. The label of a table is
//! `{"game":"xoxo","name":"…","open":true,"players":1,"max":2}`.
//!
//! `xoxo_create`, called by `{"name":"…","passive":true}`, makes a table at which players come and go,
//! `"passive":true` in its label. `xoxo_open_games` answers
//! `{"games":[{"game_id":"…","name":"…","opponent":"…","your_turn":true}]}` with the caller's games that
//! sleep, and `xoxo_resume`, called by `{"game_id":"…"}`, answers `{"match_id":"…"}` with the match where
//! that game goes on.

pub mod board;
mod lobby;
mod notice;
mod play;
mod records;
mod rest;
mod resume;
pub mod round;
mod sitting;
pub mod table;
#[cfg(test)]
mod tests;
pub mod wire;

pub use notice::CODE_GAME_WENT_ON;
pub use play::plugin;
