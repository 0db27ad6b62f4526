//! One connected client.
//!
//! ```text
//! socket ─► reader ─► convert ─► queue into the world
//! socket ◄─ outbox ◄─ egress task of the thread ◄─ one batch a pass
//! ```
//!
//! Everything that is written to a socket goes through its outbox: frames of the egress task, pings, and
//! what the WebSocket library has to say. One vectored write sends all of it.

mod carrier;
mod outbox;
mod quota;
mod reader;
mod table;

pub(crate) use self::{
    carrier::{Peer, Timing},
    quota::{Lane, QUEUED_REQUESTS_MAX},
    reader::{ReaderOptions, drive_peer, enqueue},
    table::Peers,
};
