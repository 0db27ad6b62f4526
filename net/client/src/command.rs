//! What a game tells its client's thread.

use bytes::Bytes;
use tiltyard_proto::realtime::{Envelope, MatchDataSend, envelope::Message};

use crate::{
    event::{Delivery, MatchId, RequestId},
    http::Account,
    options::Transport,
    session::Session,
};

/// What is done in order.
#[derive(Debug)]
pub(crate) enum Command {
    Authenticate(RequestId, Account),
    Request(RequestId, Box<Message>),
    Data(MatchSend),
}

/// What does not wait behind others.
#[derive(Debug)]
pub(crate) enum Control {
    Connect(Goal),
    Disconnect,
    Rebind,
}

/// What to connect to, and how.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) session: Session,
    pub(crate) transport: Transport,
}

/// Data for a match.
#[derive(Clone, Debug)]
pub(crate) struct MatchSend {
    pub(crate) match_id: MatchId,
    pub(crate) op_code: i64,
    pub(crate) data: Bytes,
    pub(crate) delivery: Delivery,
}

impl MatchSend {
    /// What it is where there are no datagrams.
    pub(crate) fn into_envelope(self) -> Envelope {
        let data = MatchDataSend {
            match_id: self.match_id.to_string(),
            op_code: self.op_code,
            data: self.data.into(),
            presences: Vec::new(),
            reliable: self.delivery == Delivery::Reliable,
        };
        Envelope {
            cid: String::new(),
            message: Some(Message::MatchDataSend(data)),
        }
    }
}
