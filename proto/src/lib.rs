//! The wire format of Tiltyard: the Nakama client protocol in protobuf and in JSON.
//!
//! ```text
//! proto/*.proto ── build ──┬─ prost structs ──────── realtime, api
//!                          └─ their JSON coding ──── json
//!
//! socket, protobuf:  bytes ─ decode_protobuf ─→ realtime::Envelope ─ encode_protobuf ─→ bytes
//! socket, JSON:      bytes ─ json::from_slice ─→ realtime::Envelope ─ json::write ────→ bytes
//! HTTP:              body ─ json::from_slice_lenient ─→ api::* ─ json::write ─────────→ body
//! match data, out:   match_data::MatchDataParts ─ write_protobuf or write_json ───────→ bytes
//!
//! QUIC, stream:      bytes ─ framing::FrameReader ─→ Frame ─┬─ an envelope, as above
//!                                                           └─ control::{Hello, Goodbye, …}
//! QUIC, datagrams:   bytes ─ datagram::read ─→ Datagram ─ Receiver::accept ─→ fresh, or dropped
//!                    datagram::Body, encoded once ─ write, for each recipient ─────────→ bytes
//! ```
//!
//! Nothing here knows of sockets, sessions or matches: bytes become messages and messages bytes.
//! No input panics a decoder, and messages own all they hold, so a read buffer is free as soon as
//! it is decoded. How large an input may be is for the caller to say.
//!
//! ```
//! use tiltyard_proto::{json, realtime::{Envelope, MatchCreate, envelope::Message}};
//!
//! let envelope: Envelope = json::from_slice(br#"{"cid": "1", "matchCreate": {"name": "duel"}}"#)?;
//! let name = "duel".to_owned();
//! assert_eq!(envelope.message, Some(Message::MatchCreate(MatchCreate { name })));
//! assert_eq!(json::to_string(&envelope), r#"{"cid":"1","match_create":{"name":"duel"}}"#);
//!
//! let bytes = tiltyard_proto::encode_protobuf(&envelope);
//! assert_eq!(tiltyard_proto::decode_protobuf(&bytes), Ok(envelope));
//! # Ok::<(), json::JsonError>(())
//! ```

pub mod control;
pub mod datagram;
mod envelope;
pub mod framing;
pub mod json;
pub mod match_data;
#[cfg(test)]
mod sample;
mod varint;

pub use envelope::{decode_protobuf, encode_protobuf, write_protobuf};
pub use json::timestamp;
pub use prost::{DecodeError, Message};
pub use prost_types::Timestamp;

/// Objects of the HTTP API (package `nakama.api`).
#[allow(
    missing_docs,
    reason = "written by prost; what names say needs no words"
)]
#[allow(clippy::use_self, reason = "written by prost")]
pub mod api {
    include!(concat!(env!("OUT_DIR"), "/nakama.api.rs"));
}

/// JSON Schemas (draft 2020-12) of the messages of [`api`], as one JSON object with a member for each.
/// They refer to each other by their places in an OpenAPI document.
pub const API_SCHEMAS: &str = include_str!(concat!(env!("OUT_DIR"), "/schemas.json"));

/// Envelopes and what they carry (package `nakama.realtime`).
#[allow(
    missing_docs,
    reason = "written by prost; what names say needs no words"
)]
#[allow(
    clippy::large_enum_variant,
    clippy::use_self,
    reason = "written by prost"
)]
pub mod realtime {
    include!(concat!(env!("OUT_DIR"), "/nakama.realtime.rs"));
}
