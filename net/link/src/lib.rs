//! A bad network in a box: delay, loss, reordering and limits, seeded and repeatable.
//!
//! [`Link`] is one direction of a path, as a function of time: it has no clock and no socket, so
//! that a test on a virtual clock and a server use the same network.
//!
//! ```
//! use std::time::Duration;
//! use tiltyard_link::{Link, Profile};
//!
//! let profile: Profile = "mobile,loss=5%,seed=7".parse()?;
//! let mut link = Link::new(&profile);
//! for arrival in link.send(Duration::from_millis(16), 120) {
//!     assert!(arrival >= Duration::from_millis(16) + profile.delay);
//! }
//! # Ok::<(), tiltyard_link::ProfileError>(())
//! ```

mod chance;
mod link;
mod profile;
mod tcp;
mod udp;

pub use link::{Counters, Delivery, Link};
pub use profile::{Profile, ProfileError, Share};
pub use tcp::{StreamCounters, StreamLink, drive_relay};
pub use udp::{LinkedSocket, SocketCounters, endpoint};
