//! A QUIC connection: its control stream, and match data in datagrams.

use std::{collections::VecDeque, rc::Rc};

use bytes::Bytes;
use tiltyard::{Inbound, Permit, Request};
use tiltyard_proto::{
    Message as _, control,
    framing::{Frame, FrameError, FrameKind, FrameReader},
};
use tokio::time::Instant;
use tracing::debug;
use web_transport_quinn::{RecvStream, Session};

use super::{
    Peer, ReaderOptions,
    handles::Received,
    reader::{Farewell, TOO_LARGE, read},
};
use crate::auth::Sessions;

/// Bytes that are read from the stream at once, as on a WebSocket.
const READ_BYTES: usize = 4096;
/// Datagrams of a client that wait while its match is behind; the oldest goes first.
const WAITING_DATAGRAMS_MAX: usize = 32;

const BROKEN_FRAME: Farewell = Farewell {
    code: 1002,
    reason: "broken frame",
};
const UNKNOWN_FRAME: Farewell = Farewell {
    code: 1002,
    reason: "unexpected kind of frame",
};

/// Reads a client's messages into the world until the connection ends, whoever ends it.
///
/// Returns when the client said goodbye, the connection broke, the client broke the protocol, or the peer
/// was abandoned. The session is not over until the caller says so to the world.
pub(crate) async fn drive_control(
    peer: &Rc<Peer>,
    control: RecvStream,
    frames: FrameReader,
    options: &ReaderOptions,
    sessions: &Sessions,
) {
    let Some(quic) = peer.carrier.quic() else {
        return;
    };
    let ended = tokio::select! {
        ended = drive_frames(peer, control, frames, options, sessions) => ended,
        flooding = drive_datagrams(peer, &quic.session, options) => Err(flooding),
        // These end with the connection, whose stream may hold more than was read of it.
        () = refuse_streams(&quic.session) => return,
        () = refuse_one_way_streams(&quic.session) => return,
        () = peer.stopped.cancelled() => return,
    };
    if let Err(Farewell { code, reason }) = ended {
        debug!(slot = ?peer.slot, reason, "closing a client");
        peer.close(code, reason);
    }
    // Ended without a word, if it is open still.
    peer.close_connection(control::code::OVER, "");
    // What was said last is still on its way.
    tokio::select! {
        _ = quic.session.closed() => {}
        () = peer.stopped.cancelled() => {}
    }
}

async fn drive_frames(
    peer: &Rc<Peer>,
    control: RecvStream,
    frames: FrameReader,
    options: &ReaderOptions,
    sessions: &Sessions,
) -> Result<(), Farewell> {
    let (mut control, mut frames) = (control, frames);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        while let Some(frame) = frames.next().map_err(|error| broken(&error))? {
            let Frame { kind, body } = frame;
            match FrameKind::of(kind) {
                Some(FrameKind::Envelope) => read(peer, &body, options, sessions).await?,
                Some(FrameKind::Goodbye) => {
                    let goodbye = control::Goodbye::decode(body).unwrap_or_default();
                    peer.close_connection(goodbye.code, &goodbye.reason);
                    return Ok(());
                }
                _ => return Err(UNKNOWN_FRAME),
            }
        }
        match control.read(&mut buffer).await {
            Ok(Some(count)) => frames.push(&buffer[..count]),
            // The end of the stream, or of the connection.
            Ok(None) | Err(_) => return Ok(()),
        }
    }
}

fn broken(error: &FrameError) -> Farewell {
    match error {
        FrameError::TooLong { .. } => TOO_LARGE,
        _ => BROKEN_FRAME,
    }
}

/// Puts match data before the world as it comes. What comes faster than the match takes it waits, and the
/// oldest gives way. Ends when the client has to go.
async fn drive_datagrams(peer: &Peer, session: &Session, options: &ReaderOptions) -> Farewell {
    let mut waiting: VecDeque<Received> = VecDeque::new();
    loop {
        let datagram = if waiting.is_empty() {
            session.read_datagram().await
        } else {
            tokio::select! {
                datagram = session.read_datagram() => datagram,
                () = peer.datagram_inputs.acquire() => {
                    if let Some(data) = waiting.pop_front() {
                        hand_over(peer, data, options);
                    }
                    continue;
                }
            }
        };
        match datagram {
            Ok(datagram) => match peer.rates.try_take(Instant::now()) {
                Ok(true) => take(peer, &datagram, &mut waiting, options),
                Ok(false) => peer.datagrams.count(|counts| counts.flooded += 1),
                Err(flooding) => return flooding,
            },
            // One that belongs to no WebTransport session; the next may be better.
            Err(_) if session.close_reason().is_none() => {
                peer.datagrams.count(|counts| counts.refused += 1);
            }
            Err(_) => return std::future::pending().await,
        }
    }
}

fn take(peer: &Peer, datagram: &Bytes, waiting: &mut VecDeque<Received>, options: &ReaderOptions) {
    if !peer.is_open() {
        return;
    }
    let Some(data) = peer.datagrams.read(datagram) else {
        return;
    };
    if waiting.is_empty() && peer.datagram_inputs.try_acquire() {
        hand_over(peer, data, options);
        return;
    }
    if waiting.len() >= WAITING_DATAGRAMS_MAX {
        waiting.pop_front();
        peer.datagrams.count(|counts| counts.flooded += 1);
    }
    waiting.push_back(data);
}

/// Puts data into the queue. Where that is full, waiting would only make it older.
fn hand_over(peer: &Peer, data: Received, options: &ReaderOptions) {
    let inbound = Inbound::Request {
        slot: peer.slot,
        cid: None,
        request: Request::MatchDataSend(data),
        permit: Permit::new(peer.datagram_inputs.clone()),
    };
    if options.queue.try_send(inbound).is_err() {
        peer.datagrams.count(|counts| counts.flooded += 1);
    }
}

async fn refuse_one_way_streams(session: &Session) {
    while let Ok(mut receive) = session.accept_uni().await {
        drop(receive.stop(1002));
    }
    std::future::pending().await
}

/// One stream is all that a client has use for.
async fn refuse_streams(session: &Session) {
    while let Ok((mut send, mut receive)) = session.accept_bi().await {
        // Streams that the client has given up already need no refusing.
        drop(send.reset(1002));
        drop(receive.stop(1002));
    }
    std::future::pending().await
}
