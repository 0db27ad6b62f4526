//! Words: how a game uses matchmaker, parties, chat and notifications.
//!
//! ```text
//! tickets of players and parties ─► matchmaker ─► the server's hook ─► open_for: a table for these players
//!
//! op code 1, {"word":"lance"} ─► wire: is it a word? ─► table: is it legal?
//!                                                          │
//!             op code 11, a reason, to the sender alone ◄──┤
//!             op code 10, the whole state, to all here  ◄──┤
//!             a notification to whoever has the turn    ◄──┘
//!             and is not in the match
//! ```
//!
//! The rules ([`dictionary`], [`letters`], [`table`]) are plain Rust that knows no server. [`wire`] has the
//! op codes and payloads, and the systems that connect the two are in `play`.
//!
//! # Functions
//!
//! `words_find` answers `{"match_id":"…"}` with a table where somebody waits, or a new one; `words_create`
//! with a new one, called by `{"name":"…"}`. The label of a table is
//! `{"game":"words","name":"…","open":true,"players":1,"max":4}`. The matchmaker's way is [`open_for`].

pub mod dictionary;
pub mod letters;
mod lobby;
mod play;
pub mod table;
pub mod wire;

pub use lobby::open_for;
pub use play::plugin;
