//! Behaviour tests of Tiltyard, and the server that conformance scenarios are run against.

pub mod fixture;
pub mod server;
pub mod stage;
