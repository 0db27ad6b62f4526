//! Everything around the Tiltyard world: sockets, HTTP, accounts, storage, configuration.

pub mod auth;
pub mod cli;
pub mod config;
pub mod store;
