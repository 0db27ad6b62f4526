//! One connected client.
//!
//! ```text
//! WebSocket ──────► websocket ─┐
//! QUIC ─┬─ stream ─► control ──┴─► reader ─► convert ─► queue into the world
//!       └─ datagrams ─► control ─► handles ───────────►
//!
//! WebSocket ◄──────┬─ carrier ◄─ outbox ◄──────────┬─ egress task of the thread ◄─ one batch a pass
//! QUIC ◄─ stream ──┘                               │
//!      ◄─ datagrams ◄──────── lane of datagrams ◄──┘
//! ```
//!
//! A client has one outbox, one quota and one end, whatever carries it. Everything reliable goes through the
//! outbox: frames of the egress task, pings, and what the WebSocket library has to say. One vectored write
//! sends all of it.

mod carrier;
mod connected;
mod control;
mod datagrams;
mod handles;
mod loss;
mod outbox;
mod quota;
mod rate;
mod reader;
mod table;
mod websocket;

pub(crate) use self::{
    carrier::{Carrier, QuicCarrier},
    connected::{Peer, Timing},
    control::drive_control,
    datagrams::QUIC_QUEUE_BYTES,
    outbox::NewestKey,
    quota::{Lane, QUEUED_REQUESTS_MAX},
    rate::RateLimits,
    reader::{ReaderOptions, enqueue},
    table::Peers,
    websocket::drive_websocket,
};
