//! The short names that matches have on one connection.

use std::sync::Arc;

use bytes::Bytes;
use tiltyard::{MatchData, MatchId, MatchText, Spelled};
use tiltyard_proto::datagram::{self, Verdict};

use super::datagrams::is_newest;
use crate::convert::Deliveries;

/// Names that a connection keeps: twice the matches that a session may be in, so that the name of one that
/// it has just left is still understood.
const HANDLES_MAX: usize = 32;

/// Short names, and what has gone and come under each.
#[derive(Debug, Default)]
pub(super) struct Handles {
    entries: Vec<Entry>,
    given: u32,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    handle: u32,
    match_id: MatchId,
    /// As the client wrote it when it joined.
    text: Arc<str>,
    deliveries: Deliveries,
    /// The number of the next datagram to the client.
    sequence: u16,
    receiver: datagram::Receiver,
    used: u64,
}

/// Match data that came in a datagram.
pub(super) type Received = MatchData;

impl Handles {
    pub(super) fn knows(&self, match_id: MatchId) -> bool {
        self.entries.iter().any(|entry| entry.match_id == match_id)
    }

    /// The name of a match, a new one if it has none. The name that was not used for the longest time is
    /// given up for it where there are too many.
    pub(super) fn bind(
        &mut self,
        match_id: MatchId,
        text: Arc<str>,
        deliveries: Deliveries,
    ) -> u32 {
        self.uses += 1;
        let used = self.uses;
        if let Some(entry) = self.find(match_id) {
            entry.used = used;
            entry.text = text;
            entry.deliveries = deliveries;
            return entry.handle;
        }
        if self.entries.len() >= HANDLES_MAX
            && let Some(oldest) = (0..self.entries.len()).min_by_key(|at| self.entries[*at].used)
        {
            self.entries.swap_remove(oldest);
        }
        let handle = self.given;
        self.given = self.given.wrapping_add(1);
        self.entries.push(Entry {
            handle,
            match_id,
            text,
            deliveries,
            sequence: 0,
            receiver: datagram::Receiver::default(),
            used,
        });
        handle
    }

    /// Under which name and number the next datagram about a match goes to the client.
    pub(super) fn next_sequence(&mut self, match_id: MatchId) -> Option<(u32, u16)> {
        self.uses += 1;
        let used = self.uses;
        let entry = self.find(match_id)?;
        entry.used = used;
        let sequence = entry.sequence;
        entry.sequence = sequence.wrapping_add(1);
        Some((entry.handle, sequence))
    }

    /// What a datagram of the client is for: none if the name is unknown, and `Some(None)` if it comes too
    /// late.
    pub(super) fn accept(&mut self, datagram: &datagram::Datagram<'_>) -> Option<Option<Received>> {
        self.uses += 1;
        let entry = self
            .entries
            .iter_mut()
            .find(|entry| entry.handle == datagram.handle)?;
        entry.used = self.uses;
        let newest = datagram.newest || is_newest(entry.deliveries, datagram.op_code);
        let verdict = entry
            .receiver
            .accept(datagram.sequence, datagram.op_code, newest);
        let fresh = verdict == Verdict::Fresh;
        Some(fresh.then(|| MatchData {
            match_id: MatchText::Spelled(Spelled {
                id: entry.match_id,
                text: entry.text.clone(),
            }),
            op_code: datagram.op_code,
            data: Bytes::copy_from_slice(datagram.data),
            to: Vec::new(),
            addressed: false,
            reliable: false,
            datagram: true,
        }))
    }

    fn find(&mut self, match_id: MatchId) -> Option<&mut Entry> {
        self.entries
            .iter_mut()
            .find(|entry| entry.match_id == match_id)
    }
}

#[cfg(test)]
mod tests {
    use tiltyard::Delivery;
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> MatchId {
        MatchId::relayed(Uuid::from_u128(number))
    }

    fn sent(handle: u32, sequence: u16, op_code: i64) -> datagram::Datagram<'static> {
        datagram::Datagram {
            handle,
            sequence,
            newest: false,
            op_code,
            sender: None,
            data: b"data",
        }
    }

    #[test]
    fn a_match_keeps_its_name_and_another_gets_another() {
        let mut handles = Handles::default();
        assert_eq!(handles.bind(id(1), "one".into(), &[]), 0);
        assert_eq!(handles.bind(id(2), "two".into(), &[]), 1);
        assert_eq!(handles.bind(id(1), "one".into(), &[]), 0);
        assert_eq!(handles.next_sequence(id(1)), Some((0, 0)));
        assert_eq!(handles.next_sequence(id(1)), Some((0, 1)));
        assert_eq!(handles.next_sequence(id(3)), None);
    }

    #[test]
    fn the_name_that_was_not_used_for_the_longest_time_is_given_up() {
        let mut handles = Handles::default();
        for number in 0..HANDLES_MAX as u128 {
            handles.bind(id(number), "match".into(), &[]);
        }
        handles.next_sequence(id(0));
        handles.bind(id(1000), "match".into(), &[]);
        assert!(handles.knows(id(0)) && !handles.knows(id(1)));
        assert_eq!(handles.accept(&sent(1, 0, 1)), None, "it was that of 1");
    }

    #[test]
    fn what_is_old_is_dropped_where_the_game_says_so() {
        let mut handles = Handles::default();
        handles.bind(id(1), "match".into(), &[(7, Delivery::Newest)]);
        for (sequence, op_code, fresh) in [
            (1, 7, true),
            (0, 7, false),
            (3, 8, true),
            (2, 8, true),
            (2, 8, false),
        ] {
            let accepted = handles.accept(&sent(0, sequence, op_code)).unwrap();
            assert_eq!(accepted.is_some(), fresh, "{sequence} of {op_code}");
        }
    }
}
