//! Reads what one client sends, until the connection ends.

use std::{rc::Rc, time::Duration};

use crossbeam_channel::{Sender, TrySendError};
use futures_util::StreamExt;
use tiltyard::{Inbound, Permit, Request};
use tokio::time::Instant;
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
    Lane, Peer,
    carrier::{Carrier, Timing},
};
use crate::{
    auth::Sessions,
    convert::{Decoded, Encoding, MatchTokens, decode},
};

/// How long a reader rests when the queue into the world is full.
const QUEUE_REST: Duration = Duration::from_millis(2);

/// What readers need to know.
#[derive(Clone, Debug)]
pub(crate) struct ReaderOptions {
    pub(crate) queue: Sender<Inbound>,
    pub(crate) message_bytes_max: usize,
    pub(crate) read_buffer_bytes: usize,
    /// Messages that count as one pong.
    pub(crate) backoff_messages: u32,
    pub(crate) timing: Timing,
}

/// Why a client is told to go.
struct Farewell {
    code: u16,
    reason: &'static str,
}

const MALFORMED: Farewell = Farewell {
    code: 1000,
    reason: "received malformed payload",
};
const WRONG_TYPE: Farewell = Farewell {
    code: 1000,
    reason: "received unexpected WebSocket message type",
};
const NOT_A_REQUEST: Farewell = Farewell {
    code: 1000,
    reason: "error processing message",
};
const TOO_LARGE: Farewell = Farewell {
    code: 1009,
    reason: "",
};

/// Reads a client's messages into the world until the connection ends, whoever ends it.
///
/// `early` is what arrived together with the handshake.
///
/// Returns when the client closed, the socket broke, the client broke the protocol, or the peer was
/// abandoned. The session is not over until the caller says so to the world.
pub(crate) async fn drive_peer(
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
    let carrier = Carrier(peer.clone());
    let mut socket =
        WebSocketStream::from_partially_read(carrier, early, Role::Server, Some(config)).await;
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
                peer.heard(Instant::now(), options.timing);
                continue;
            }
            (Message::Close(frame), _) => {
                peer.close_in_answer(frame.map(|frame| frame.code.into()));
                return;
            }
            (Message::Ping(_) | Message::Frame(_), _) => continue,
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
async fn drain(socket: &mut WebSocketStream<Carrier>, peer: &Rc<Peer>) {
    loop {
        tokio::select! {
            next = socket.next() => if !matches!(next, Some(Ok(ref message)) if !message.is_close()) {
                return;
            },
            () = peer.stopped.cancelled() => return,
        }
    }
}

async fn read(
    peer: &Rc<Peer>,
    bytes: &[u8],
    options: &ReaderOptions,
    sessions: &Sessions,
) -> Result<(), Farewell> {
    // A client that was told to go is not listened to any more.
    if !peer.is_open() {
        return Ok(());
    }
    let decoded = decode(bytes, peer.encoding(), &Tokens(sessions)).map_err(|_| MALFORMED)?;
    let Decoded::Request(cid, request) = decoded else {
        return Err(NOT_A_REQUEST);
    };
    let lane: &std::sync::Arc<Lane> = match request {
        Request::MatchDataSend(_) => &peer.inputs,
        _ => &peer.requests,
    };
    let hand_over = async {
        lane.acquire().await;
        let permit = Permit::new(lane.clone());
        let slot = peer.slot;
        let inbound = Inbound::Request {
            slot,
            cid,
            request,
            permit,
        };
        enqueue(&options.queue, inbound).await;
    };
    tokio::select! {
        () = hand_over => {}
        // The client is given up; what it asked last is lost with it.
        () = peer.stopped.cancelled() => {}
    }
    Ok(())
}

/// Puts something into the queue, waiting while it is full. Gives up when the world is gone.
pub(crate) async fn enqueue(queue: &Sender<Inbound>, inbound: Inbound) {
    let mut inbound = inbound;
    while let Err(TrySendError::Full(refused)) = queue.try_send(inbound) {
        inbound = refused;
        tokio::time::sleep(QUEUE_REST).await;
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

struct Tokens<'a>(&'a Sessions);

impl MatchTokens for Tokens<'_> {
    fn match_of(&self, token: &str) -> Option<String> {
        self.0.verify_matchmaker(token, jiff::Timestamp::now()).ok()
    }
}
