//! Load on a Tiltyard server: thousands of clients on one thread, and what they see.
//!
//! ```text
//! Options ─► run ─┬─ the leader: finds the server, has matches made, says when to begin and to end
//!                 └─ threads, each with a runtime ─ a task for each bot:
//!                      log in ─► connect ─► join ─► send and listen ─► leave
//!                                   │                      │
//!                        WebSocket, QUIC, WebTransport     └─► Tally ─► Report: table, JSON
//! ```
//!
//! Every server that is built on Tiltyard has it as `tiltyard bots`; `tiltyard bots --help` lists the
//! flags. What bots send begins with the time at which it was sent, so that whoever gets it back can
//! tell how long it took: with the others of a relayed match, in a match that echoes, in one that
//! collects, and in a chat room.
//!
//! ```no_run
//! use tiltyard_bots::{Options, run};
//!
//! let options = Options { clients: 100, ..Options::default() };
//! let report = run(options)?;
//! println!("{report}");
//! assert_eq!(report.delivery, Some(1.0));
//! # Ok::<(), tiltyard_bots::BotsError>(())
//! ```

mod bot;
mod envelope;
mod flags;
mod histogram;
mod http;
mod options;
mod report;
mod run;
mod script;
mod shared;
mod stamp;
mod tally;
mod trouble;
mod wire;

pub use flags::{Asked, FlagError, parse};
pub use histogram::Percentiles;
pub use options::{
    Delivery, Fanout, Format, Join, MatchScript, Options, SIZE_MIN, Script, Ticket, Ticks,
    Transport,
};
pub use report::Report;
pub use run::{BotsError, run, run_until};
