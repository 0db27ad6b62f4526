//! The wire format of Tiltyard: the Nakama client protocol.

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
