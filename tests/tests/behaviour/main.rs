//! What the server does, seen from outside: through the engine's queue and outbox, or over real sockets.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod bots;
mod client;
mod data;
mod delivery;
mod friends;
mod games;
mod groups;
mod loss;
mod matches;
mod metrics;
#[cfg(target_os = "linux")]
mod outage;
mod panics;
mod quic;
mod relayed;
mod sockets;
#[cfg(target_os = "linux")]
mod store;
mod streams;
