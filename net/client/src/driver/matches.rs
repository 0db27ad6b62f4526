//! The matches that a client is in, and what datagrams call them.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use tiltyard_proto::{
    control,
    datagram::{self, DATAGRAM_BYTES_MAX, Datagram, Receiver, Verdict},
    realtime::{MatchJoin, MatchPresenceEvent, match_join},
};
use uuid::Uuid;

use crate::{
    command::MatchSend,
    event::{Delivery, MatchData, MatchId, Presence},
    stats::Stats,
};

/// Matches that a server may name on one connection. It keeps names for good, so this is for those
/// of a long evening.
const HANDLES_MAX: usize = 4096;

/// Datagrams that wait for the name of their match, which they may overtake: about half a second of a
/// match at 30 Hz. Each is 1,100 bytes at most.
const EARLY_MAX: usize = 16;

/// Metadata of the join, which is sent again to come back.
pub(super) type Metadata = BTreeMap<String, String>;

/// The matches that a client is in. They outlive connections.
#[derive(Debug, Default)]
pub(super) struct Joined(BTreeMap<MatchId, Participation>);

/// How a client is in a match.
#[derive(Debug)]
struct Participation {
    metadata: Metadata,
    /// UUID of the session with which it is there; empty if that is not known.
    session_id: String,
}

impl Joined {
    pub(super) fn add(&mut self, id: MatchId, metadata: Metadata, session_id: String) {
        let participation = Participation {
            metadata,
            session_id,
        };
        self.0.insert(id, participation);
    }

    /// The match was joined again, with another session.
    pub(super) fn note_session(&mut self, id: &str, session_id: String) {
        if let Some(participation) = self.0.get_mut(id) {
            participation.session_id = session_id;
        }
    }

    /// Forgets a match whose server says that this session has left it.
    pub(super) fn prune(&mut self, event: &MatchPresenceEvent) {
        let Some(Participation { session_id, .. }) = self.0.get(event.match_id.as_str()) else {
            return;
        };
        if event.leaves.iter().any(|who| who.session_id == *session_id) {
            self.0.remove(event.match_id.as_str());
        }
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Requests that lead back into all of them.
    pub(super) fn rejoins(&self) -> Vec<(MatchId, MatchJoin)> {
        let rejoin = |(id, participation): (&MatchId, &Participation)| {
            let join = MatchJoin {
                id: Some(match_join::Id::MatchId(id.to_string())),
                metadata: participation.metadata.clone(),
            };
            (id.clone(), join)
        };
        self.0.iter().map(rejoin).collect()
    }
}

/// What datagrams of one connection call its matches, and which have come.
#[derive(Debug, Default)]
pub(super) struct Handles {
    incoming: BTreeMap<u32, Incoming>,
    outgoing: BTreeMap<MatchId, Outgoing>,
    /// Of matches without a name, oldest first.
    early: VecDeque<Bytes>,
    sent: u64,
    unknown: u64,
}

#[derive(Debug)]
struct Incoming {
    match_id: MatchId,
    receiver: Receiver,
}

#[derive(Debug)]
struct Outgoing {
    handle: u32,
    sequence: u16,
}

/// The server has named more matches than anybody plays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct TooMany;

impl Handles {
    /// Learns a name, and gives what came before it. One that is known already keeps its count.
    pub(super) fn learn(&mut self, name: control::MatchHandle) -> Result<Vec<MatchData>, TooMany> {
        let control::MatchHandle { handle, match_id } = name;
        if self.incoming.contains_key(&handle) {
            return Ok(Vec::new());
        }
        if self.incoming.len() >= HANDLES_MAX {
            return Err(TooMany);
        }
        let match_id = MatchId::from(match_id);
        let outgoing = Outgoing {
            handle,
            sequence: 0,
        };
        self.outgoing.insert(match_id.clone(), outgoing);
        let receiver = Receiver::default();
        self.incoming
            .insert(handle, Incoming { match_id, receiver });
        let early = std::mem::take(&mut self.early);
        // What is of others goes back to wait.
        let accepted = early.into_iter().filter_map(|bytes| self.accept(bytes));
        Ok(accepted.collect())
    }

    /// The id of a match as it is known already, so that it is not copied for every message.
    pub(super) fn known(&self, match_id: String) -> MatchId {
        match self.outgoing.get_key_value(match_id.as_str()) {
            Some((known, _)) => known.clone(),
            None => match_id.into(),
        }
    }

    /// The datagram for data that may be lost, if it fits one and its match has a name.
    pub(super) fn datagram(&mut self, data: &MatchSend) -> Option<Bytes> {
        let outgoing = self.outgoing.get_mut(&*data.match_id)?;
        let mut bytes = Vec::with_capacity(data.data.len() + HEAD_BYTES);
        Datagram {
            handle: outgoing.handle,
            sequence: outgoing.sequence,
            newest: data.delivery == Delivery::Newest,
            op_code: data.op_code,
            sender: None,
            data: &data.data,
        }
        .write(&mut bytes);
        if bytes.len() > DATAGRAM_BYTES_MAX {
            return None;
        }
        outgoing.sequence = outgoing.sequence.wrapping_add(1);
        self.sent += 1;
        Some(bytes.into())
    }

    /// What a datagram brings, unless it is to be dropped. That of a match without a name is kept until
    /// the match gets one, or until too many have come after it.
    pub(super) fn accept(&mut self, bytes: Bytes) -> Option<MatchData> {
        let Ok(datagram) = datagram::read(&bytes) else {
            self.unknown += 1;
            return None;
        };
        let Some(incoming) = self.incoming.get_mut(&datagram.handle) else {
            if self.early.len() == EARLY_MAX {
                self.early.pop_front();
                self.unknown += 1;
            }
            self.early.push_back(bytes);
            return None;
        };
        let verdict =
            incoming
                .receiver
                .accept(datagram.sequence, datagram.op_code, datagram.newest);
        if verdict != Verdict::Fresh {
            return None;
        }
        Some(MatchData {
            match_id: incoming.match_id.clone(),
            op_code: datagram.op_code,
            data: bytes.slice_ref(datagram.data),
            sender: datagram.sender.map(presence),
            is_datagram: true,
        })
    }

    /// Adds what has come and gone to `stats`.
    pub(super) fn measure(&self, stats: &mut Stats) {
        stats.datagrams_sent += self.sent;
        let unknown = self.unknown + self.early.len() as u64;
        stats.datagrams_unknown += unknown;
        stats.datagrams_received += unknown;
        for incoming in self.incoming.values() {
            let counts = incoming.receiver.counts();
            stats.datagrams_received += counts.received;
            stats.datagrams_lost += counts.lost;
            stats.datagrams_duplicate += counts.duplicates;
            stats.datagrams_late += counts.late;
            stats.datagrams_outdated += counts.outdated;
        }
    }
}

/// Flags, handle, sequence number and op code at most.
const HEAD_BYTES: usize = 1 + 5 + 2 + 10;

fn presence(sender: datagram::Sender<'_>) -> Presence {
    let uuid = |bytes| Uuid::from_bytes(bytes).to_string();
    Presence {
        user_id: uuid(sender.user_id),
        session_id: uuid(sender.session_id),
        username: sender.username.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tiltyard_proto::realtime;

    use super::*;

    fn send(match_id: &str, data: &'static [u8]) -> MatchSend {
        MatchSend {
            match_id: match_id.into(),
            op_code: 7,
            data: Bytes::from_static(data),
            delivery: Delivery::Newest,
        }
    }

    fn handles() -> Handles {
        let mut handles = Handles::default();
        handles.learn(name(3, "duel")).unwrap();
        handles
    }

    fn name(handle: u32, match_id: &str) -> control::MatchHandle {
        let match_id = match_id.to_owned();
        control::MatchHandle { handle, match_id }
    }

    #[test]
    fn datagrams_of_a_match_are_counted_up() {
        let mut handles = handles();
        for sequence in 0..3 {
            let bytes = handles.datagram(&send("duel", b"here")).unwrap();
            let datagram = datagram::read(&bytes).unwrap();
            assert_eq!((datagram.handle, datagram.sequence), (3, sequence));
            assert!(datagram.newest);
        }
    }

    #[test]
    fn without_a_name_or_too_long_it_is_no_datagram_and_not_counted() {
        let mut handles = handles();
        assert_eq!(handles.datagram(&send("chess", b"here")), None);
        assert_eq!(handles.datagram(&send("duel", &[7; 1100])), None);
        let bytes = handles.datagram(&send("duel", b"here")).unwrap();
        let sequence = datagram::read(&bytes).unwrap().sequence;
        assert_eq!(sequence, 0, "a number that is not used would count as lost");
    }

    #[test]
    fn a_copy_is_dropped_and_so_is_what_nobody_knows() {
        let mut handles = handles();
        // What a client sends looks like what a server sends without a sender.
        let bytes = handles.datagram(&send("duel", b"here")).unwrap();
        let data = handles.accept(bytes.clone()).unwrap();
        assert_eq!((&*data.match_id, &*data.data), ("duel", &b"here"[..]));
        assert_eq!(handles.accept(bytes), None);
        assert_eq!(handles.accept(Bytes::from_static(b"\x40\x09\0\0\0")), None);
        assert_eq!(handles.accept(Bytes::from_static(b"")), None);

        let mut stats = Stats::default();
        handles.measure(&mut stats);
        assert_eq!(stats.datagrams_received, 4);
        assert_eq!((stats.datagrams_duplicate, stats.datagrams_unknown), (1, 2));
    }

    #[test]
    fn a_match_that_is_joined_again_keeps_its_count() {
        let mut handles = handles();
        handles.datagram(&send("duel", b"here")).unwrap();
        handles.learn(name(3, "duel")).unwrap();
        let bytes = handles.datagram(&send("duel", b"here")).unwrap();
        assert_eq!(datagram::read(&bytes).unwrap().sequence, 1);
    }

    #[test]
    fn datagrams_that_overtake_the_name_of_their_match_wait_for_it() {
        let mut server = Handles::default();
        server.learn(name(4, "late")).unwrap();
        let mut sent = || server.datagram(&send("late", b"here")).unwrap();
        let mut handles = handles();
        for _ in 0..EARLY_MAX + 3 {
            assert_eq!(handles.accept(sent()), None);
        }
        assert_eq!(handles.learn(name(5, "other")).unwrap(), []);
        let early = handles.learn(name(4, "late")).unwrap();
        assert_eq!(early.len(), EARLY_MAX);
        assert!(early.iter().all(|data| &*data.match_id == "late"));
        assert!(handles.accept(sent()).is_some());

        let mut stats = Stats::default();
        handles.measure(&mut stats);
        assert_eq!((stats.datagrams_unknown, stats.datagrams_received), (3, 20));
    }

    #[test]
    fn a_match_that_the_session_has_left_is_not_joined_again() {
        let left = |session_id: &str| MatchPresenceEvent {
            match_id: "duel".into(),
            leaves: vec![realtime::UserPresence {
                session_id: session_id.into(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let mut joined = Joined::default();
        joined.add("duel".into(), Metadata::default(), "s-1".into());
        joined.note_session("duel", "s-2".into());
        joined.prune(&left("s-1"));
        assert_eq!(joined.rejoins().len(), 1, "that was somebody else");
        joined.prune(&left("s-2"));
        assert_eq!(joined.rejoins(), []);
    }

    #[test]
    fn a_server_cannot_name_matches_for_ever() {
        let mut handles = Handles::default();
        let all = (0..).map_while(|handle| handles.learn(name(handle, &handle.to_string())).ok());
        assert_eq!(all.count(), HANDLES_MAX);
    }
}
