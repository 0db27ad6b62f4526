//! Accepting connections: HTTP and WebSocket on one port.

mod files;
mod http;
mod impatient;
mod websocket;

pub use self::files::PublicFiles;
pub(crate) use self::{
    files::serve_file,
    http::{Gate, Patience, bind, drive_listener},
    impatient::Impatient,
    websocket::{THREAD, WebSocketState, upgrade},
};
