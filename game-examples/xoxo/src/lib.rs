//! Noughts and crosses: how to check what players send, and end a match by the clock.
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
//! # Functions
//!
//! `xoxo_find` answers `{"match_id":"…"}` with a table where somebody waits, or a new one;
//! `xoxo_create` with a new one, called by `{"name":"…"}`. The label of a table is
//! `{"game":"xoxo","name":"…","open":true,"players":1,"max":2}`.

pub mod board;
mod lobby;
mod play;
pub mod round;
pub mod table;
pub mod wire;

pub use play::plugin;
