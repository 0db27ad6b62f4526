//! Accepting connections: HTTP and WebSocket on one port.

mod files;
mod http;
mod websocket;

pub use self::files::PublicFiles;
pub(crate) use self::{
    files::serve_file,
    http::{Gate, bind, drive_listener},
    websocket::{THREAD, WebSocketState, upgrade},
};
