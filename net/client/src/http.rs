//! The few things that a client asks over HTTP.

mod api;
mod exchange;

pub(crate) use api::{Account, QuicAddress, authenticate, refresh, transport};
pub(crate) use exchange::HttpError;
