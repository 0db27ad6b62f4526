//! What the server does, seen from outside: through the engine's queue and outbox, or over real sockets.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod client;
mod delivery;
mod games;
mod groups;
mod matches;
mod panics;
mod quic;
mod relayed;
mod sockets;
mod streams;
