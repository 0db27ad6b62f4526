//! A WebSocket: one envelope in each binary message.

use std::{sync::Arc, time::Duration};

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use hyper::http::{Request, StatusCode, header};
use tiltyard_proto::decode_protobuf;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message,
        handshake::client::generate_key,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};
use tokio_util::task::AbortOnDropHandle;

use super::{INCOMING_BYTES_MAX, Incoming, Link, OUTBOX_MESSAGES_MAX, OpenError, Outgoing, Wire};
use crate::{
    connect::{Io, Opened, Relay, Traffic},
    event::Ended,
    options::Options,
    stats::Stats,
};

/// How long a server may be silent. The client pings every two seconds.
const SILENCE_MAX: Duration = Duration::from_secs(15);

type Stream = WebSocketStream<Box<dyn Io>>;

/// Opens a session over an open connection.
///
/// # Cancellation
///
/// The connection is closed; the server may have opened the session before.
pub(crate) async fn upgrade(
    options: &Options,
    token: &str,
    opened: Opened,
) -> Result<Link, OpenError> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("format", "protobuf")
        .append_pair("status", if options.online { "true" } else { "false" })
        .append_pair("lang", &options.language);
    let authority = options.server.authority();
    // In a header: addresses end up in the logs of whatever is between here and the server.
    let request = Request::builder()
        .uri(format!("ws://{authority}/ws?{}", query.finish()))
        .header(header::HOST, authority)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key())
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(())
        .map_err(OpenError::unreachable)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(4096)
        .max_message_size(Some(INCOMING_BYTES_MAX))
        .max_frame_size(Some(INCOMING_BYTES_MAX));
    let (stream, _) = client_async_with_config(request, opened.io, Some(config))
        .await
        .map_err(|error| match error {
            tungstenite::Error::Http(answer) if answer.status() == StatusCode::UNAUTHORIZED => {
                OpenError::Unauthorized
            }
            error @ tungstenite::Error::Http(_) => {
                OpenError::Refused(Ended::Unreachable(error.to_string()))
            }
            error => OpenError::unreachable(error),
        })?;
    Ok(link(stream, opened.relay))
}

fn link(stream: Stream, relay: Option<Relay>) -> Link {
    let (sink, stream) = stream.split();
    let (outbox, waiting) = mpsc::channel(OUTBOX_MESSAGES_MAX);
    let traffic = Arc::new(Traffic::default());
    let writer = tokio::spawn(drive_writer(sink, waiting, Arc::clone(&traffic)));
    let wire = WebSocketWire {
        stream,
        traffic,
        heard_at: Instant::now(),
        rtt: None,
    };
    Link {
        wire: Wire::WebSocket(wire),
        outbox,
        writer: AbortOnDropHandle::new(writer),
        relay,
    }
}

/// The half of a connection that reads.
pub(crate) struct WebSocketWire {
    stream: SplitStream<Stream>,
    traffic: Arc<Traffic>,
    heard_at: Instant,
    /// Of the last ping that was answered.
    pub(crate) rtt: Option<Duration>,
}

impl WebSocketWire {
    pub(super) async fn next(&mut self) -> Incoming {
        loop {
            let message = tokio::select! {
                message = self.stream.next() => message,
                () = sleep_until(self.heard_at + SILENCE_MAX) => {
                    return Incoming::Ended(Ended::Lost("the server is silent".into()));
                }
            };
            self.heard_at = Instant::now();
            match message {
                Some(Ok(Message::Binary(bytes))) => {
                    self.traffic.count_in(bytes.len());
                    return match decode_protobuf(&bytes) {
                        Ok(envelope) => Incoming::Envelope(envelope.into()),
                        Err(error) => Incoming::Ended(Ended::Protocol(error.to_string())),
                    };
                }
                Some(Ok(Message::Close(frame))) => return Incoming::Ended(ended_by(frame)),
                Some(Ok(Message::Text(_))) => {
                    let reason = "a text frame".to_owned();
                    return Incoming::Ended(Ended::Protocol(reason));
                }
                // Pings of the protocol below are answered there.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Incoming::Ended(Ended::Lost(error.to_string())),
                None => return Incoming::Ended(Ended::Lost("closed".into())),
            }
        }
    }

    pub(super) fn measure(&self, stats: &mut Stats) {
        let (bytes_in, bytes_out) = self.traffic.bytes();
        stats.rtt = self.rtt;
        stats.bytes_in += bytes_in;
        stats.bytes_out += bytes_out;
    }

    /// Waits for the server's own end, so that it takes the close for a good one.
    pub(super) async fn close(mut self, deadline: Instant) {
        let end = async { while let Some(Ok(_)) = self.stream.next().await {} };
        drop(timeout_at(deadline, end).await);
    }
}

fn ended_by(frame: Option<CloseFrame>) -> Ended {
    let (code, reason) = frame.map_or((0, String::new()), |frame| {
        (u16::from(frame.code).into(), frame.reason.to_string())
    });
    Ended::ByServer { code, reason }
}

/// Writes what waits, until a goodbye, the end of the connection, or the end of the outbox.
async fn drive_writer(
    mut sink: SplitSink<Stream, Message>,
    mut waiting: mpsc::Receiver<Outgoing>,
    traffic: Arc<Traffic>,
) {
    while let Some(outgoing) = waiting.recv().await {
        let message = match outgoing {
            Outgoing::Envelope(envelope) => Message::binary(envelope),
            Outgoing::Goodbye { code, reason } => {
                let frame = CloseFrame {
                    code: CloseCode::from(code),
                    reason: reason.into(),
                };
                // The connection ends either way.
                drop(sink.send(Message::Close(Some(frame))).await);
                return;
            }
        };
        traffic.count_out(message.len());
        // A burst is written at once.
        let is_sent = if waiting.is_empty() {
            sink.send(message).await
        } else {
            sink.feed(message).await
        };
        if is_sent.is_err() {
            return;
        }
    }
}
