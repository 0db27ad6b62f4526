//! Behaviour tests of Tiltyard, and the server that conformance scenarios are run against.

pub mod bench;
#[cfg(target_os = "linux")]
pub mod cluster;
pub mod exposition;
pub mod fixture;
pub mod gate;
pub mod pressure;
#[cfg(unix)]
pub mod process;
pub mod quic;
pub mod server;
pub mod stage;

/// The README, whose code is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
