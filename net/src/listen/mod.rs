//! Accepting connections: HTTP and WebSocket on one port, QUIC and WebTransport on its twin.

mod admission;
mod files;
mod http;
mod impatient;
mod quic;
mod websocket;

pub use self::files::PublicFiles;
pub(crate) use self::{
    admission::Admission,
    files::serve_file,
    http::{Gate, Patience, bind, drive_listener},
    impatient::Impatient,
    quic::{Greeted, Load, QuicListener, bind_udp, server_config},
    websocket::{THREAD, upgrade},
};
