//! What every match entity has.

use std::{collections::VecDeque, sync::Arc};

use bevy_ecs::prelude::*;
use bytes::Bytes;
use rand::rngs::Xoshiro256PlusPlus;

use super::{
    JoinAttempt,
    index::{delist, enlist},
};
use crate::{
    data::{Answered, MatchAsks},
    delivery::{Deliveries, Delivery, Transport},
    id::{MatchId, SessionId, Slot, UserPresence},
    inbound::Permit,
    outbound::Recipients,
    stream::PresenceReason,
};

/// A match that this server runs.
#[derive(Component, Clone, Copy, Debug)]
#[component(immutable, on_add = enlist, on_remove = delist)]
pub struct Match {
    /// Its id.
    pub id: MatchId,
    /// What kind of match it is.
    pub kind: &'static str,
    /// Matches that were created earlier have smaller numbers.
    pub(crate) order: u64,
    /// How it delivers what it sends.
    pub(crate) deliveries: Deliveries,
}

/// How often a match ticks, in ticks a second, from its beginning to its end.
#[derive(Component, Clone, Copy, Debug, Eq, PartialEq)]
#[component(immutable)]
pub struct TickRate(pub u8);

/// The number of the next tick, or of the present one while it runs. The first is 0.
#[derive(Component, Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tick(pub u64);

/// What a match is found by.
#[derive(Component, Clone, Debug, Default)]
pub struct Label(pub Arc<str>);

/// The match's own source of random numbers. The same seed gives the same match.
#[derive(Component, Clone, Debug)]
pub(crate) struct Random(pub(crate) Xoshiro256PlusPlus);

/// Who plays, in the order in which they joined.
#[derive(Component, Clone, Debug, Default)]
pub struct Participants {
    list: Vec<UserPresence>,
    slots: Vec<Slot>,
    shared: Option<Arc<[Slot]>>,
    /// Ticks in a row without anybody.
    pub(crate) empty_ticks: u64,
}

impl Participants {
    /// Who plays, in the order in which they joined.
    #[must_use]
    pub fn as_slice(&self) -> &[UserPresence] {
        &self.list
    }

    pub(crate) fn position(&self, session: SessionId) -> Option<usize> {
        self.list
            .iter()
            .position(|participant| participant.session_id == session)
    }

    pub(crate) fn add(&mut self, who: UserPresence, slot: Slot) {
        self.list.push(who);
        self.slots.push(slot);
        self.shared = None;
        self.empty_ticks = 0;
    }

    pub(crate) fn remove(&mut self, session: SessionId) -> bool {
        let Some(position) = self.position(session) else {
            return false;
        };
        self.list.remove(position);
        self.slots.remove(position);
        self.shared = None;
        true
    }

    /// Everybody; the list is shared until somebody joins or leaves.
    pub(crate) fn everybody(&mut self) -> Recipients {
        Recipients::Many(
            self.shared
                .get_or_insert_with(|| self.slots.as_slice().into())
                .clone(),
        )
    }

    /// Those for whom `wanted` is true.
    pub(crate) fn only(&self, mut wanted: impl FnMut(&UserPresence) -> bool) -> Recipients {
        let both = self.list.iter().zip(&self.slots);
        Recipients::Many(
            both.filter(|(who, _)| wanted(who))
                .map(|(_, slot)| *slot)
                .collect(),
        )
    }

    /// What the participant with this session is connected over.
    pub(crate) fn transport(&self, session: SessionId) -> Option<Transport> {
        Some(self.slots[self.position(session)?].transport)
    }

    pub(crate) fn one(&self, session: SessionId) -> Option<Recipients> {
        Some(Recipients::One(self.slots[self.position(session)?]))
    }
}

/// Data that a participant sent to the rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who sent it.
    pub sender: UserPresence,
    /// What kind of data it is; the game's own affair.
    pub op_code: i64,
    /// The data; empty if there was none.
    pub data: Bytes,
    /// Whether the sender asked for it to arrive in any case.
    pub reliable: bool,
    /// When it arrived, in milliseconds since 1970.
    pub received_ms: i64,
}

/// What arrived for a match since its last tick, in order of arrival.
#[derive(Component, Debug, Default)]
pub struct Inbox {
    pub(crate) messages: Vec<Message>,
    /// The senders' places in the queue, one for each message, given back when the tick is over.
    pub(crate) permits: Vec<Permit>,
    /// What the database answered.
    pub(crate) answers: Vec<Answered>,
}

impl Inbox {
    /// Forgets what arrived for the tick that is over.
    pub(crate) fn finish_tick(&mut self) {
        // Most matches have got nothing most of the time.
        if self.messages.is_empty() && self.permits.is_empty() && self.answers.is_empty() {
            return;
        }
        self.messages.clear();
        self.answers.clear();
        self.permits.clear();
    }

    /// Adds a message. One of which only the newest counts takes the place of the sender's last.
    pub(crate) fn push(&mut self, message: Message, permit: Permit, delivery: Delivery) {
        if delivery == Delivery::Newest && !message.reliable {
            let last = self.messages.iter().rposition(|waiting| {
                !waiting.reliable
                    && waiting.op_code == message.op_code
                    && waiting.sender.session_id == message.sender.session_id
            });
            if let Some(last) = last {
                self.messages.remove(last);
                // Its sender's place is free for what comes next.
                drop(self.permits.remove(last));
            }
        }
        self.messages.push(message);
        self.permits.push(permit);
    }
}

/// Who left a match, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Leave {
    /// Who it was.
    pub presence: UserPresence,
    /// [`PresenceReason::Leave`] for leaving and being kicked, [`PresenceReason::Disconnect`] for a lost
    /// connection.
    pub reason: PresenceReason,
}

/// What the rules decided and the engine carries out after each callback.
#[derive(Component, Debug, Default)]
pub struct Dispatcher {
    pub(crate) broadcasts: Vec<Outgoing>,
    pub(crate) deferred: Vec<Outgoing>,
    pub(crate) kicks: Vec<SessionId>,
    pub(crate) label_changed: bool,
    pub(crate) ending: Option<Ending>,
    pub(crate) asks: MatchAsks,
}

impl Dispatcher {
    /// Whether the engine has more to do than to send.
    pub(crate) const fn wants_settling(&self) -> bool {
        !self.kicks.is_empty()
            || self.label_changed
            || self.ending.is_some()
            || !self.asks.asked.is_empty()
    }
}

/// Data on its way to participants. Who receives it is settled.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) op_code: i64,
    pub(crate) data: Bytes,
    pub(crate) to: Recipients,
    pub(crate) sender: Option<UserPresence>,
    pub(crate) delivery: Delivery,
}

/// Why a match is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The rules ended it.
    Over,
    /// The rules failed, with this text.
    Failed(String),
}

/// What the callback that runs now is about.
#[derive(Component, Debug, Default)]
pub(crate) struct Turn(pub(crate) Option<Box<Occasion>>);

#[derive(Debug)]
pub(crate) enum Occasion {
    JoinAttempt {
        attempt: JoinAttempt,
        refusal: Option<Refusal>,
    },
    Join(Vec<UserPresence>),
    Leave(Vec<Leave>),
    Signal {
        data: String,
        answer: String,
    },
    Terminate {
        grace_seconds: u64,
    },
}

/// A player is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What the player is told; empty for the usual text.
    pub(crate) reason: String,
}

/// Players who wait to be let in, and for whom.
#[derive(Component, Debug, Default)]
pub(crate) struct Knocks(pub(crate) VecDeque<Knock>);

#[derive(Debug)]
pub(crate) struct Knock {
    pub(crate) session: Entity,
    /// The id as the player wrote it, which the answer echoes.
    pub(crate) spelled: Arc<str>,
    pub(crate) attempt: JoinAttempt,
}
