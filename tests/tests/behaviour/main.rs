//! What the server does, seen from outside: through the engine's queue and outbox, or over real sockets.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its failure")]

mod bots;
mod client;
mod data;
mod delivery;
mod friends;
mod games;
mod groups;
mod lanes;
mod limits;
mod loss;
mod matches;
mod metrics;
#[cfg(target_os = "linux")]
mod outage;
mod overload;
mod panics;
mod quic;
mod relayed;
#[cfg(target_os = "linux")]
mod shutdown;
mod sockets;
#[cfg(target_os = "linux")]
mod store;
mod streams;
