//! Everything around the Tiltyard world: sockets, HTTP, accounts, storage, configuration.
//!
//! ```text
//! WebSocket /ws ─┐                                                             ┌─► WebSocket
//! QUIC ──────────┼► peer ─► convert ─► queue ─► engine ─► outbox ─► egress ─► peer ─► QUIC
//! WebTransport ──┘                      ▲                   │                    └─► WebTransport
//! HTTP /v2 ──────► api ──► bridge ──┘                          └─► bridge ─► api
//!                   └─► store (SQLite or PostgreSQL)
//! ```
//!
//! [`ServerPlugins`] is all that a game's `main` needs:
//!
//! ```no_run
//! use tiltyard::prelude::*;
//! use tiltyard_net::ServerPlugins;
//!
//! fn main() -> AppExit {
//!     App::new().add_plugins(ServerPlugins).run()
//! }
//! ```

pub mod api;
pub mod auth;
mod bridge;
mod capacity;
mod certificates;
pub mod cli;
pub mod config;
mod convert;
mod data_link;
mod egress;
mod health;
mod listen;
mod logging;
mod metrics;
mod network;
mod news;
mod pace;
mod peer;
mod plugins;
mod rate;
mod search_link;
mod server;
pub mod social;
pub mod store;
mod store_link;
mod thread;
mod transports;
mod watch;
mod world;

pub use self::{
    bridge::{Bridge, BridgeError},
    capacity::Capacity,
    certificates::CertificateError,
    listen::PublicFiles,
    plugins::{ServerPlugins, ServerPluginsWith},
    rate::AddressRate,
    server::{ServerError, engine_plugin, run, run_with},
};
