//! A bad network in a box: delay, loss, reordering and limits, seeded and repeatable.
//!
//! ```text
//!  "mobile,loss=5%" ─► Profile ─┬─► Link        packets: when each arrives, if it does
//!                               │     └─ LinkedSocket, endpoint()   UDP sockets for QUIC
//!                               └─► StreamLink  bytes: when they arrive, repaired and in order
//!                                     └─ drive_relay()              TCP connections
//! ```
//!
//! A [`Link`] or [`StreamLink`] is one direction of a path as a function of time. It has no clock,
//! no socket and no bytes, so that a test on a virtual clock and a server on a real one have the
//! same network: the same seed and the same packets at the same times have the same fate on every
//! machine. What surrounds them carries real traffic, for development and tests:
//!
//! ```text
//! client ─► LinkedSocket ─► UDP ─► server     one end is conditioned, for both directions,
//!        ◄─      2 Links ◄─     ◄─            so a delay of 30 ms is a round trip of 60 ms
//!
//! client ─► TCP ─► drive_relay ─► TCP ─► server
//!        ◄─     ◄─ 2 StreamLinks ◄─   ◄─
//! ```
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use tiltyard_link::{Link, Profile};
//!
//! let profile: Profile = "mobile,loss=5%,seed=7".parse()?;
//! let mut link = Link::new(&profile);
//! for tick in 0..60 {
//!     let now = Duration::from_millis(16) * tick;
//!     for arrival in link.send(now, 120) {
//!         assert!(arrival >= now + profile.delay);
//!     }
//! }
//! assert_eq!(link.counters().sent, 60);
//! # Ok::<(), tiltyard_link::ProfileError>(())
//! ```
//!
//! The text form, the presets, and what is modelled and what is not are in the README beside this
//! crate.

mod chance;
mod link;
mod profile;
mod tcp;
mod udp;

pub use link::{Counters, Delivery, Link};
pub use profile::{Profile, ProfileError, Share};
pub use tcp::{StreamCounters, StreamLink, drive_relay};
pub use udp::{LinkedSocket, SocketCounters, endpoint};
