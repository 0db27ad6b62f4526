//! Requests that wait for their answers.

use std::collections::BTreeMap;

use tiltyard_proto::realtime::envelope::Message;

use super::matches::Metadata;
use crate::event::{MatchId, RequestId};

/// The correlation id of the pings that this client sends for itself.
pub(super) const PING_CID: &str = "p";

/// What was asked, as far as the answer changes something here.
#[derive(Debug)]
pub(super) enum Asked {
    /// To be in a match.
    Join(Metadata),
    /// To be in one again.
    Rejoin(MatchId),
    /// To be in one no more.
    Leave(MatchId),
    Other,
}

impl Asked {
    pub(super) fn of(message: &Message) -> Self {
        match message {
            Message::MatchJoin(join) => Self::Join(join.metadata.clone()),
            Message::MatchCreate(_) => Self::Join(Metadata::default()),
            Message::MatchLeave(leave) => Self::Leave(leave.match_id.clone().into()),
            _ => Self::Other,
        }
    }
}

/// Who asked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Asker {
    /// The game.
    Game(RequestId),
    /// This client, for itself.
    Client(u64),
}

impl Asker {
    /// What the server sends back with its answer.
    pub(super) fn cid(self) -> String {
        match self {
            Self::Game(request) => request.0.to_string(),
            Self::Client(number) => format!("c{number}"),
        }
    }

    fn of_cid(cid: &str) -> Option<Self> {
        match cid.strip_prefix('c') {
            Some(number) => number.parse().ok().map(Self::Client),
            None => cid.parse().ok().map(|number| Self::Game(RequestId(number))),
        }
    }
}

/// Requests that wait for their answers. The game's are limited where they are made, and the client's
/// own are one for each match that it is in.
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: BTreeMap<Asker, Asked>,
    own_count: u64,
}

impl Requests {
    pub(super) fn add(&mut self, request: RequestId, asked: Asked) -> Asker {
        let asker = Asker::Game(request);
        self.waiting.insert(asker, asked);
        asker
    }

    pub(super) fn add_own(&mut self, asked: Asked) -> Asker {
        self.own_count += 1;
        let asker = Asker::Client(self.own_count);
        self.waiting.insert(asker, asked);
        asker
    }

    /// Whose answer this is.
    pub(super) fn take(&mut self, cid: &str) -> Option<(Asker, Asked)> {
        self.waiting.remove_entry(&Asker::of_cid(cid)?)
    }

    /// The game's requests, none of which will be answered, in the order in which they were made.
    pub(super) fn drain(&mut self) -> Vec<(RequestId, Asked)> {
        let waiting = std::mem::take(&mut self.waiting);
        let of_game = |(asker, asked)| match asker {
            Asker::Game(request) => Some((request, asked)),
            Asker::Client(_) => None,
        };
        waiting.into_iter().filter_map(of_game).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_finds_its_request_once() {
        let mut requests = Requests::default();
        let cid = requests.add(RequestId(7), Asked::Other).cid();
        assert!(requests.take("8").is_none());
        assert!(requests.take(PING_CID).is_none());
        let (asker, _) = requests.take(&cid).unwrap();
        assert_eq!(asker, Asker::Game(RequestId(7)));
        assert!(requests.take(&cid).is_none());
    }

    #[test]
    fn the_clients_own_requests_are_not_taken_for_the_games() {
        let mut requests = Requests::default();
        requests.add(RequestId(1), Asked::Other);
        let own = requests.add_own(Asked::Other);
        assert_ne!(own.cid(), "1");
        let drained = requests.drain();
        let drained: Vec<_> = drained.iter().map(|(request, _)| *request).collect();
        assert_eq!(drained, [RequestId(1)]);
        assert!(requests.take(&own.cid()).is_none());
    }
}
