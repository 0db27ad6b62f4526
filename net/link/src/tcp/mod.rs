//! TCP connections.

mod pump;
mod relay;
mod repair;
mod stream;

pub use relay::drive_relay;
pub use stream::{StreamCounters, StreamLink};
