//! A WebSocket: one envelope in each message.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::http::{Request, header};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message, Utf8Bytes,
        handshake::client::generate_key,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use super::{
    DEADLINE, INCOMING_BYTES_MAX, Incoming, Traffic, Wire,
    io::{Io, Meter, open_metered},
};
use crate::{
    Options,
    options::Format,
    trouble::{self, Trouble, lost},
};

/// Bytes of a socket's buffers. There may be thousands, and messages are short.
const BUFFER_BYTES: usize = 2048;

pub(crate) struct SocketWire {
    stream: WebSocketStream<Box<dyn Io>>,
    meter: Meter,
    format: Format,
}

/// Opens a session.
pub(crate) async fn connect(
    options: &Options,
    remote: SocketAddr,
    source: Option<IpAddr>,
    token: &str,
) -> Result<Wire, Trouble> {
    let (io, meter) = open_metered(options, remote, source)
        .await
        .map_err(trouble::connect)?;
    let authority = options.server.authority();
    let format = options.format;
    let request = Request::builder()
        .uri(format!("ws://{authority}/ws?format={format}&status=false"))
        .header(header::HOST, authority)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key())
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(())
        .map_err(trouble::connect)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(Some(INCOMING_BYTES_MAX))
        .max_frame_size(Some(INCOMING_BYTES_MAX));
    let (stream, _) = client_async_with_config(request, io, Some(config))
        .await
        .map_err(|error| match error {
            tungstenite::Error::Http(answer) => {
                trouble::connect(format_args!("refused with {}", answer.status().as_u16()))
            }
            error => trouble::connect(error),
        })?;
    Ok(Wire::Socket(Box::new(SocketWire {
        stream,
        meter,
        format,
    })))
}

impl SocketWire {
    pub(super) async fn next(&mut self) -> Result<Incoming, Trouble> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Binary(bytes))) => return Ok(Incoming::Envelope(bytes)),
                Some(Ok(Message::Text(text))) => return Ok(Incoming::Envelope(text.into())),
                Some(Ok(Message::Close(frame))) => return Err(closed(frame)),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(lost(error)),
                None => return Err(lost("closed")),
            }
        }
    }

    pub(super) async fn send(&mut self, envelope: Bytes) -> Result<(), Trouble> {
        let message = match self.format {
            Format::Protobuf => Message::Binary(envelope),
            Format::Json => Message::Text(Utf8Bytes::try_from(envelope).map_err(lost)?),
        };
        self.stream.send(message).await.map_err(lost)
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.meter.get()
    }

    /// Waits for the server's own end, so that it takes the close for a good one.
    pub(super) async fn close(mut self) {
        let closing = async {
            if self.stream.close(None).await.is_ok() {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        // A server that does not answer finds out by itself.
        timeout(DEADLINE, closing).await.ok();
    }
}

fn closed(frame: Option<CloseFrame>) -> Trouble {
    let (code, reason) = frame.map_or((0, String::new()), |frame| {
        (u16::from(frame.code).into(), frame.reason.to_string())
    });
    Trouble::Closed { code, reason }
}
