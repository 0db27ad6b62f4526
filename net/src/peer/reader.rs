//! What a client asks, on its way into the world, whatever carries it.

use std::{rc::Rc, sync::Arc, time::Duration};

use crossbeam_channel::{Sender, TrySendError};
use tiltyard::{Inbound, Permit, Request};
use tokio::time::Instant;

use super::{Lane, Peer, RateLimits, Timing};
use crate::{
    auth::Sessions,
    convert::{Decoded, MatchTokens, decode},
    metrics::{Link, RpcCarrier, Rpcs, Traffic, Wait},
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
    pub(crate) rates: RateLimits,
    pub(crate) timing: Timing,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) rpcs: Arc<Rpcs>,
}

/// Why a client is told to go.
pub(super) struct Farewell {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

pub(super) const MALFORMED: Farewell = Farewell {
    code: 1000,
    reason: "received malformed payload",
};
const NOT_A_REQUEST: Farewell = Farewell {
    code: 1000,
    reason: "error processing message",
};
pub(super) const WRONG_TYPE: Farewell = Farewell {
    code: 1000,
    reason: "received unexpected WebSocket message type",
};
pub(super) const TOO_LARGE: Farewell = Farewell {
    code: 1009,
    reason: "",
};

/// Whether this is what a client is told whose message makes no sense.
pub(super) fn is_malformed(reason: &str) -> bool {
    [MALFORMED, NOT_A_REQUEST, WRONG_TYPE]
        .iter()
        .any(|farewell| farewell.reason == reason)
}

/// Puts one message before the world, as soon as the client has a place for it and keeps to its rate.
pub(super) async fn read(
    peer: &Rc<Peer>,
    bytes: &[u8],
    options: &ReaderOptions,
    sessions: &Sessions,
) -> Result<(), Farewell> {
    // A client that was told to go is not listened to any more.
    if !peer.is_heard() {
        return Ok(());
    }
    let link = Link::of(peer.slot);
    options.traffic.received_bytes(link, bytes.len());
    let decoded = decode(bytes, peer.encoding(), &Tokens(sessions)).map_err(|_| MALFORMED)?;
    let Decoded::Request(cid, request) = decoded else {
        return Err(NOT_A_REQUEST);
    };
    let (lane, waits_for): (&Arc<Lane>, Wait) = match request {
        Request::MatchDataSend(_) => (&peer.inputs, Wait::Input),
        _ => (&peer.requests, Wait::Request),
    };
    count(&request, options);
    if lane.is_full() {
        options.traffic.waits(waits_for);
    }
    let wait = peer.rates.take(&request, Instant::now());
    if !wait.is_zero() {
        options.traffic.waits(Wait::Rate);
    }
    let hand_over = async {
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
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

fn count(request: &Request, options: &ReaderOptions) {
    options.traffic.received(request.kind());
    if let Request::Rpc { id, .. } = request {
        options.rpcs.count(id, RpcCarrier::Session);
    }
}

/// Puts something into the queue, waiting while it is full. Gives up when the world is gone.
pub(crate) async fn enqueue(queue: &Sender<Inbound>, inbound: Inbound) {
    let mut inbound = inbound;
    while let Err(TrySendError::Full(refused)) = queue.try_send(inbound) {
        inbound = refused;
        tokio::time::sleep(QUEUE_REST).await;
    }
}

struct Tokens<'a>(&'a Sessions);

impl MatchTokens for Tokens<'_> {
    fn match_of(&self, token: &str) -> Option<String> {
        self.0.verify_matchmaker(token, jiff::Timestamp::now()).ok()
    }
}
