//! A client of Tiltyard servers, made for game loops: nothing waits, and nothing calls back.
//!
//! ```text
//! game loop                      client's own thread                            server
//!
//! Client::send … ─► bounded ─► requests ─┬─ QUIC: stream, datagrams ──┐
//!                                        └─ WebSocket ────────────────┴─────────►
//! Client::poll ◄── bounded ◄── events ◄─── answers, match data, reconnecting ◄───
//! ```
//!
//! A game makes one [`Client`], [authenticates](Client::authenticate), [connects](Client::connect) with
//! the session that comes back, and [polls](Client::poll) for [`Event`]s once a frame.
//! [`Transport::Auto`] uses QUIC where it gets through, and a WebSocket elsewhere.
//!
//! ```no_run
//! use tiltyard_client::{Account, Client, Delivery, Event, Options, Transport};
//!
//! let mut client = Client::new(Options::new("http://127.0.0.1:7350")?)?;
//! client.authenticate(Account::device("a-device-of-my-own"))?;
//! loop {
//!     while let Some(event) = client.poll() {
//!         match event {
//!             Event::Authenticated { session, .. } => client.connect(session, Transport::Auto)?,
//!             Event::Connected { .. } => drop(client.rpc("pingpong_create", "")?),
//!             Event::Reply { result, .. } => println!("{:?}", result?),
//!             Event::MatchData(data) => println!("{}: {:?}", data.op_code, data.data),
//!             Event::Disconnected { reason, will_retry: false } => return Err(reason.into()),
//!             _ => {}
//!         }
//!     }
//!     // … draw a frame …
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//!
//! | What waits | At most | With more |
//! | --- | --- | --- |
//! | to be sent, reliably | [`Options::sends_max`] | sending gives [`SendError::Full`] |
//! | to be sent, may be lost | the same | the same; the network's own queue drops the oldest |
//! | requests without an answer | [`Options::requests_max`] | sending gives [`SendError::Full`] |
//! | requests, while [`Options::events_max`] events wait | none | sending gives [`SendError::Full`] |
//! | events, reliable | [`Options::events_max`] | the connection is closed as [`Ended::NotPolled`] |
//! | events, may be lost | [`Options::lossy_events_max`] | the oldest are dropped: [`Stats::events_dropped`] |
//!
//! # When a connection is lost
//!
//! Requests without an answer get [`Event::Failed`], and the client connects again by itself, as
//! [`Options::reconnect`] says. The server takes it for somebody new: the client goes back into the
//! matches that it was in ([`Event::Rejoined`] or [`Event::MatchLost`]); channels, parties, statuses
//! and tickets of the matchmaker are for the game to ask for again.

mod account;
mod client;
mod command;
mod connect;
mod driver;
mod event;
mod http;
mod link;
mod options;
mod queue;
mod request;
mod session;
mod stats;

pub use account::Account;
pub use bytes::Bytes;
pub use client::{Client, SendError};
pub use event::{
    Connection, Delivery, Ended, Event, FailReason, MatchData, MatchId, Presence, Reply, RequestId,
    ServerError,
};
pub use options::{Options, OptionsError, Reconnect, Transport};
pub use request::Properties;
pub use session::{Session, SessionError};
pub use stats::Stats;
pub use tiltyard_link::{Profile, ProfileError};
pub use tiltyard_proto::{api, realtime};
