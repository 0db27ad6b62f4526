//! A WebSocket: tungstenite reads it, and what is written goes through the outbox.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::ProtocolError,
        protocol::{Role, WebSocketConfig},
    },
};
use tracing::debug;

use super::{
    Peer, ReaderOptions,
    reader::{Farewell, MALFORMED, TOO_LARGE, WRONG_TYPE, read},
};
use crate::{auth::Sessions, convert::Encoding};

/// Reads a client's messages into the world until the connection ends, whoever ends it.
///
/// `early` is what arrived together with the handshake.
///
/// Returns when the client closed, the socket broke, the client broke the protocol, or the peer was
/// abandoned. The session is not over until the caller says so to the world.
pub(crate) async fn drive_websocket(
    peer: &Rc<Peer>,
    early: Vec<u8>,
    options: &ReaderOptions,
    sessions: &Sessions,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(options.read_buffer_bytes)
        .write_buffer_size(0)
        .max_message_size(Some(options.message_bytes_max))
        .max_frame_size(Some(options.message_bytes_max));
    let wire = Wire(peer.clone());
    let mut socket =
        WebSocketStream::from_partially_read(wire, early, Role::Server, Some(config)).await;
    let mut count: u32 = 0;
    loop {
        let next = tokio::select! {
            next = socket.next() => next,
            () = peer.stopped.cancelled() => return,
        };
        let message = match next {
            None => return,
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                if let Some(Farewell { code, reason }) = farewell(&error) {
                    debug!(slot = ?peer.slot, %error, "a client broke the protocol");
                    peer.close(code, reason);
                    drain(&mut socket, peer).await;
                }
                return;
            }
        };
        let outcome = match (message, peer.encoding()) {
            (Message::Text(text), Encoding::Json) => {
                read(peer, text.as_bytes(), options, sessions).await
            }
            (Message::Binary(bytes), Encoding::Protobuf) => {
                read(peer, &bytes, options, sessions).await
            }
            (Message::Text(_) | Message::Binary(_), _) => Err(WRONG_TYPE),
            (Message::Pong(_), _) => {
                let now = Instant::now();
                peer.heard(now, options.timing);
                peer.rates.try_take(now).map(drop)
            }
            // Its answer waits in the outbox, where a newer one takes its place.
            (Message::Ping(_), _) => peer.rates.try_take(Instant::now()).map(drop),
            (Message::Close(frame), _) => {
                peer.close_in_answer(frame.map(|frame| frame.code.into()));
                return;
            }
            (Message::Frame(_), _) => continue,
        };
        if let Err(Farewell { code, reason }) = outcome {
            debug!(slot = ?peer.slot, reason, "closing a client");
            peer.close(code, reason);
            drain(&mut socket, peer).await;
            return;
        }
        count = count.wrapping_add(1);
        if count.is_multiple_of(options.backoff_messages) {
            peer.heard(Instant::now(), options.timing);
        }
    }
}

/// Waits for the client's closing frame; nothing else counts any more.
async fn drain(socket: &mut WebSocketStream<Wire>, peer: &Rc<Peer>) {
    loop {
        tokio::select! {
            next = socket.next() => if !matches!(next, Some(Ok(ref message)) if !message.is_close()) {
                return;
            },
            () = peer.stopped.cancelled() => return,
        }
    }
}

/// What a client is told that broke the protocol; nothing if there is nobody to tell.
fn farewell(error: &Error) -> Option<Farewell> {
    let protocol = |reason| Some(Farewell { code: 1002, reason });
    match error {
        Error::Capacity(_) => Some(TOO_LARGE),
        Error::Utf8(_) => Some(MALFORMED),
        Error::Protocol(error) => match error {
            ProtocolError::UnmaskedFrameFromClient => protocol("bad MASK"),
            ProtocolError::NonZeroReservedBits => protocol("RSV1 set"),
            ProtocolError::ControlFrameTooBig => protocol("len > 125 for control"),
            ProtocolError::FragmentedControlFrame => protocol("FIN not set on control"),
            ProtocolError::UnexpectedContinueFrame => protocol("continuation after FIN"),
            ProtocolError::UnknownControlFrameType(_)
            | ProtocolError::UnknownDataFrameType(_)
            | ProtocolError::InvalidOpcode(_) => protocol("bad opcode"),
            ProtocolError::ResetWithoutClosingHandshake => None,
            _ => protocol("protocol error"),
        },
        _ => None,
    }
}

/// The socket as the WebSocket library sees it: it reads from the socket and writes to the outbox.
#[derive(Debug)]
struct Wire(Rc<Peer>);

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(stream) = self.0.carrier.socket() else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        loop {
            ready!(stream.poll_read_ready(context))?;
            let room = buffer.remaining();
            match stream.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    if (1..room).contains(&count) {
                        expect_nothing(stream);
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// Notes that the socket was read to its end, which a read that fills only a part of its buffer tells. Without
/// that, every message would cost another read that finds nothing.
fn expect_nothing(stream: &TcpStream) {
    let nothing: io::Result<()> =
        stream.try_io(Interest::READABLE, || Err(io::ErrorKind::WouldBlock.into()));
    debug_assert!(nothing.is_err(), "there was none");
}

impl AsyncWrite for Wire {
    /// Only control frames come this way, so there is never much; written at once, because the last one
    /// of a connection is not flushed.
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.answer_ping(Bytes::copy_from_slice(bytes));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.flush();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
