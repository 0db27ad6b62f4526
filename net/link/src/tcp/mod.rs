//! TCP connections.

mod repair;
mod stream;

pub use stream::{StreamCounters, StreamLink};
