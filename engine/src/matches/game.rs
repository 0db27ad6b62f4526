//! One match, as its rules see it.

use std::{
    borrow::Borrow,
    ops::{Deref, DerefMut},
};

use bytes::Bytes;
use rand::Rng;

use super::{
    Dispatcher, Inbox, JoinAttempt, Label, Leave, Match, MatchError, Message, Participants,
    components::{Ending, Occasion, Outgoing, Random, Refusal, Turn},
    kind::check_label,
};
use crate::{
    data::{self, Answered, Ask, DataAnswer, DataResult},
    delivery::{Delivery, Transport, delivery_of},
    id::{MatchId, SessionId, UserPresence},
    outbound::Recipients,
};

/// One match: its state, and everything that can be done with it.
///
/// Everything but the state is reached through [`MatchContext`], to which this dereferences. Where both
/// are needed at once, [`split`](Self::split) them.
pub struct Game<'a, T> {
    /// The match's own state.
    pub state: &'a mut T,
    pub(crate) context: MatchContext<'a>,
}

impl<'a, T> Game<'a, T> {
    /// The state and the rest, so that one can be walked while the other is used.
    pub const fn split(&mut self) -> (&mut T, &mut MatchContext<'a>) {
        (self.state, &mut self.context)
    }
}

impl<'a, T> Deref for Game<'a, T> {
    type Target = MatchContext<'a>;

    fn deref(&self) -> &Self::Target {
        &self.context
    }
}

impl<T> DerefMut for Game<'_, T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.context
    }
}

/// What every match offers to its rules, whatever its state is.
pub struct MatchContext<'a> {
    pub(crate) info: &'a Match,
    pub(crate) tick: u64,
    pub(crate) tick_rate: u8,
    pub(crate) label: &'a mut Label,
    pub(crate) participants: &'a mut Participants,
    pub(crate) inbox: &'a mut Inbox,
    pub(crate) dispatcher: &'a mut Dispatcher,
    pub(crate) turn: &'a mut Turn,
    pub(crate) random: &'a mut Random,
    pub(crate) deferred_max: usize,
}

impl MatchContext<'_> {
    /// The id of this match.
    #[must_use]
    pub const fn match_id(&self) -> MatchId {
        self.info.id
    }

    /// The number of this tick; outside [`MatchLoop`](crate::MatchLoop), of the next one. The first is 0.
    #[must_use]
    pub const fn tick(&self) -> u64 {
        self.tick
    }

    /// Ticks a second.
    #[must_use]
    pub const fn tick_rate(&self) -> u8 {
        self.tick_rate
    }

    /// Seconds from one tick to the next.
    #[must_use]
    pub fn tick_seconds(&self) -> f32 {
        1.0 / f32::from(self.tick_rate)
    }

    /// What the match is found by.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label.0
    }

    /// Changes what the match is found by. Listings follow at once.
    ///
    /// # Errors
    ///
    /// [`MatchError::LabelTooLong`] above 2048 bytes; the label stays as it was.
    pub fn set_label(&mut self, label: &str) -> Result<(), MatchError> {
        check_label(label)?;
        if *self.label.0 != *label {
            self.label.0 = label.into();
            self.dispatcher.label_changed = true;
        }
        Ok(())
    }

    /// Who plays, in the order in which they joined.
    #[must_use]
    pub fn participants(&self) -> &[UserPresence] {
        self.participants.as_slice()
    }

    /// The participant with this session.
    #[must_use]
    pub fn participant(&self, session: SessionId) -> Option<&UserPresence> {
        self.participants
            .position(session)
            .map(|position| &self.participants.as_slice()[position])
    }

    /// What a participant is connected over.
    #[must_use]
    pub fn transport(&self, session: SessionId) -> Option<Transport> {
        self.participants.transport(session)
    }

    /// What arrived since the last tick, in order of arrival. Only in [`MatchLoop`](crate::MatchLoop).
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.inbox.messages
    }

    /// The same, taken out, so that other systems of the kind do not see it.
    pub fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.inbox.messages)
    }

    /// What the database answered since the last tick, in order of arrival. Only in
    /// [`MatchLoop`](crate::MatchLoop); what is not read in this tick is gone after it.
    #[must_use]
    pub fn answers(&self) -> &[Answered] {
        if self.turn.0.is_some() {
            return &[];
        }
        &self.inbox.answers
    }

    /// The answer to this ask, taken out, if it came since the last tick. Only in
    /// [`MatchLoop`](crate::MatchLoop), and only in the first tick after it came.
    pub fn answer_to<T: DataAnswer>(&mut self, ask: Ask<T>) -> Option<DataResult<T>> {
        let place = self
            .answers()
            .iter()
            .position(|found| found.id == ask.id())?;
        Some(data::read(self.inbox.answers.remove(place).outcome))
    }

    /// How many asks of this match wait for their answers.
    #[must_use]
    pub const fn asks_in_flight(&self) -> usize {
        self.dispatcher.asks.open
    }

    /// Who wants to join. Only in [`MatchJoinAttempt`](crate::MatchJoinAttempt).
    #[must_use]
    pub fn attempt(&self) -> Option<&JoinAttempt> {
        match self.turn.0.as_deref() {
            Some(Occasion::JoinAttempt { attempt, .. }) => Some(attempt),
            _ => None,
        }
    }

    /// Turns the player away who wants to join; an empty reason gives the usual text.
    ///
    /// Whoever is not turned away is let in.
    pub fn reject(&mut self, reason: impl Into<String>) {
        if let Some(Occasion::JoinAttempt { refusal, .. }) = self.turn.0.as_deref_mut() {
            *refusal = Some(Refusal {
                reason: reason.into(),
            });
        }
    }

    /// Who has just joined. Only in [`MatchJoin`](crate::MatchJoin).
    #[must_use]
    pub fn joined(&self) -> &[UserPresence] {
        match self.turn.0.as_deref() {
            Some(Occasion::Join(joined)) => joined,
            _ => &[],
        }
    }

    /// Who has just left. Only in [`MatchLeave`](crate::MatchLeave).
    #[must_use]
    pub fn left(&self) -> &[Leave] {
        match self.turn.0.as_deref() {
            Some(Occasion::Leave(left)) => left,
            _ => &[],
        }
    }

    /// What the server has to say. Only in [`MatchSignal`](crate::MatchSignal).
    #[must_use]
    pub fn signal(&self) -> Option<&str> {
        match self.turn.0.as_deref() {
            Some(Occasion::Signal { data, .. }) => Some(data),
            _ => None,
        }
    }

    /// Answers what the server said.
    pub fn answer(&mut self, text: impl Into<String>) {
        if let Some(Occasion::Signal { answer, .. }) = self.turn.0.as_deref_mut() {
            *answer = text.into();
        }
    }

    /// How many seconds are left before the server stops. Only in
    /// [`MatchTerminate`](crate::MatchTerminate).
    #[must_use]
    pub fn grace_seconds(&self) -> Option<u64> {
        match self.turn.0.as_deref() {
            Some(Occasion::Terminate { grace_seconds }) => Some(*grace_seconds),
            _ => None,
        }
    }

    /// The match's own random numbers: the same seed and the same messages give the same match.
    pub fn random(&mut self) -> &mut impl Rng {
        &mut self.random.0
    }

    /// Data for participants: everybody, as [`MatchKind::DELIVERY`](crate::MatchKind::DELIVERY) says of
    /// this op code, unless said otherwise. It leaves with [`send`](Broadcast::send).
    pub fn broadcast(&mut self, op_code: i64, data: impl Into<Bytes>) -> Broadcast<'_> {
        Broadcast {
            outgoing: Outgoing {
                op_code,
                data: data.into(),
                to: self.participants.everybody(),
                sender: None,
                delivery: delivery_of(self.info.deliveries, op_code),
            },
            participants: self.participants,
            dispatcher: self.dispatcher,
            deferred_max: self.deferred_max,
        }
    }

    /// Removes a participant. They are not told, and may come back unless the rules turn them away.
    pub fn kick(&mut self, presence: impl Borrow<UserPresence>) {
        self.kick_session(presence.borrow().session_id);
    }

    /// Removes the participant with this session, if there is one.
    pub fn kick_session(&mut self, session: SessionId) {
        self.dispatcher.kicks.push(session);
    }

    /// Ends the match after this callback. Participants are not told; they keep their connections.
    pub fn end(&mut self) {
        self.dispatcher.ending.get_or_insert(Ending::Over);
    }

    /// Whether the match ends after this callback.
    #[must_use]
    pub const fn is_ending(&self) -> bool {
        self.dispatcher.ending.is_some()
    }
}

/// Data on its way to participants.
#[must_use = "it is not sent before `send`"]
pub struct Broadcast<'a> {
    outgoing: Outgoing,
    participants: &'a Participants,
    dispatcher: &'a mut Dispatcher,
    deferred_max: usize,
}

impl Broadcast<'_> {
    /// Only to this participant; to nobody if they are none.
    pub fn to(mut self, presence: impl Borrow<UserPresence>) -> Self {
        let one = self.participants.one(presence.borrow().session_id);
        self.outgoing.to = one.unwrap_or_else(|| Recipients::Many([].into()));
        self
    }

    /// Only to these participants. Whoever is none is left out; no presences means nobody.
    pub fn to_all<P: Borrow<UserPresence>>(self, presences: impl IntoIterator<Item = P>) -> Self {
        let sessions: Vec<SessionId> = presences
            .into_iter()
            .map(|presence| presence.borrow().session_id)
            .collect();
        self.to_sessions(&sessions)
    }

    /// Only to the participants with these sessions.
    pub fn to_sessions(mut self, sessions: &[SessionId]) -> Self {
        self.outgoing.to = self
            .participants
            .only(|who| sessions.contains(&who.session_id));
        self
    }

    /// To everybody but this participant.
    pub fn except(mut self, presence: impl Borrow<UserPresence>) -> Self {
        let session = presence.borrow().session_id;
        self.outgoing.to = self.participants.only(|who| who.session_id != session);
        self
    }

    /// As if this presence had sent it.
    pub fn from(mut self, presence: impl Borrow<UserPresence>) -> Self {
        self.outgoing.sender = Some(presence.borrow().clone());
        self
    }

    /// Arrives once and in order.
    pub const fn reliable(self) -> Self {
        self.delivered(Delivery::Reliable)
    }

    /// May be lost rather than late, where the connection allows it.
    pub const fn unreliable(self) -> Self {
        self.delivered(Delivery::Unreliable)
    }

    /// The same, and only the newest of this op code counts.
    pub const fn newest(self) -> Self {
        self.delivered(Delivery::Newest)
    }

    /// As this says.
    pub const fn delivered(mut self, delivery: Delivery) -> Self {
        self.outgoing.delivery = delivery;
        self
    }

    /// Sends it.
    pub fn send(self) {
        if !self.outgoing.to.as_slice().is_empty() {
            self.dispatcher.broadcasts.push(self.outgoing);
        }
    }

    /// Sends it after everything else that this callback sends.
    ///
    /// # Errors
    ///
    /// [`MatchError::DeferredFull`] if this callback deferred too many already; this one is not sent.
    pub fn defer(self) -> Result<(), MatchError> {
        if self.dispatcher.deferred.len() >= self.deferred_max {
            return Err(MatchError::DeferredFull);
        }
        if !self.outgoing.to.as_slice().is_empty() {
            self.dispatcher.deferred.push(self.outgoing);
        }
        Ok(())
    }
}
