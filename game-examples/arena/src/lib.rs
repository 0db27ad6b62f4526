//! Arena: how to simulate a game in real time on the server.
//!
//! ```text
//! client: input N ─► op code 1 ─► one waits for each tick ─► ships fly, bullets hit ─► op code 10
//!    │                                                                                    │
//!    └─► shows its own ship at once ◄── corrected by "the last input used was N" ◄────────┘
//! ```
//!
//! Thirty times a second the server takes one input of every player, lets one tick pass, and tells
//! everybody where everything is. Clients only draw. Over QUIC and WebTransport both travel in
//! datagrams: an input is repeated in the next three messages, and a lost state is followed by a
//! newer one, so that nothing ever waits for what was lost. The rules ([`vector`], [`map`], [`input`],
//! [`ship`], [`bullet`], [`drone`], [`field`]) know no server, clock or chance of their own, so that the same
//! inputs and seed make the same match. [`wire`] has the op codes and payloads; the systems that
//! connect the two are in `play`.
//!
//! # Functions
//!
//! `arena_find` answers `{"match_id":"…"}` with an arena where somebody flies, or a new one with a
//! few [`drone`]s to practise on; `arena_create` with a new one, called by
//! `{"name":"…","drones":0}`. Every player after the first replaces a drone. The label of an arena is
//! `{"game":"arena","name":"…","open":true,"players":3,"max":16}`. The matchmaker's way is [`open_for`].

pub mod bullet;
pub mod drone;
pub mod field;
pub mod input;
mod lobby;
pub mod map;
#[cfg(test)]
mod network;
mod play;
pub mod ship;
pub mod vector;
pub mod wire;

pub use field::PLAYERS_MAX;
pub use lobby::open_for;
pub use play::{Arena, plugin};
