//! What leaves the world for clients, counted on the tick thread.

use std::fmt;

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use tiltyard::{Event, Reply};

use super::counts::{Count, Described, closed_label, counts};

closed_label! {
    /// The kinds of message that clients get.
    pub(super) enum SentKind {
        Done "done",
        Error "error",
        Match "match",
        MatchData "match_data",
        MatchPresence "match_presence",
        Channel "channel",
        ChannelMessageAck "channel_message_ack",
        ChannelMessage "channel_message",
        ChannelPresence "channel_presence",
        Rpc "rpc",
        MatchmakerTicket "matchmaker_ticket",
        MatchmakerMatched "matchmaker_matched",
        Pong "pong",
        Status "status",
        StatusPresence "status_presence",
        StreamData "stream_data",
        StreamPresence "stream_presence",
        Notifications "notifications",
        Party "party",
        PartyLeader "party_leader",
        PartyJoinRequest "party_join_request",
        PartyPresence "party_presence",
        PartyUpdate "party_update",
        PartyData "party_data",
        PartyClose "party_close",
        PartyMatchmakerTicket "party_matchmaker_ticket",
        Raw "raw",
        Other "other",
    }
}

impl SentKind {
    const fn of_reply(reply: &Reply) -> Self {
        match reply {
            Reply::Done => Self::Done,
            Reply::Error(_) => Self::Error,
            Reply::Match(_) => Self::Match,
            Reply::Channel(_) => Self::Channel,
            Reply::ChannelMessageAck(_) => Self::ChannelMessageAck,
            Reply::Rpc { .. } => Self::Rpc,
            Reply::MatchmakerTicket(_) => Self::MatchmakerTicket,
            Reply::Pong => Self::Pong,
            Reply::Status(_) => Self::Status,
            Reply::Party(_) => Self::Party,
            Reply::PartyJoinRequests { .. } => Self::PartyJoinRequest,
            Reply::PartyMatchmakerTicket { .. } => Self::PartyMatchmakerTicket,
            _ => Self::Other,
        }
    }

    const fn of_event(event: &Event) -> Self {
        match event {
            Event::MatchData(_) => Self::MatchData,
            Event::MatchPresence { .. } => Self::MatchPresence,
            Event::StreamData(_) => Self::StreamData,
            Event::StreamPresence { .. } => Self::StreamPresence,
            Event::ChannelPresence(_) => Self::ChannelPresence,
            Event::ChannelMessage(_) => Self::ChannelMessage,
            Event::Notifications(_) => Self::Notifications,
            Event::StatusPresence { .. } => Self::StatusPresence,
            Event::MatchmakerMatched(_) => Self::MatchmakerMatched,
            Event::Error(_) => Self::Error,
            Event::Raw(_) => Self::Raw,
            Event::Party(_) => Self::Party,
            Event::PartyLeader { .. } => Self::PartyLeader,
            Event::PartyJoinRequest { .. } => Self::PartyJoinRequest,
            Event::PartyPresence(_) => Self::PartyPresence,
            Event::PartyUpdate { .. } => Self::PartyUpdate,
            Event::PartyData { .. } => Self::PartyData,
            Event::PartyClose { .. } => Self::PartyClose,
            Event::PartyMatchmakerTicket { .. } => Self::PartyMatchmakerTicket,
            _ => Self::Other,
        }
    }
}

/// Messages for clients, by kind.
#[derive(Debug)]
pub(crate) struct Sent([Count; SentKind::COUNT]);

impl Default for Sent {
    fn default() -> Self {
        Self(counts())
    }
}

impl Sent {
    pub(crate) fn reply(&self, reply: &Reply) {
        self.0[SentKind::of_reply(reply) as usize].add(1);
    }

    /// An event for so many.
    pub(crate) fn event(&self, event: &Event, recipients: usize) {
        self.0[SentKind::of_event(event) as usize].add(recipients as u64);
    }

    pub(super) fn errors(&self) -> u64 {
        self.0[SentKind::Error as usize].get()
    }
}

impl Collector for Sent {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let sent = Described::new(
            "messages_sent",
            "Messages handed to the network, once for each recipient, match data in datagrams included",
        );
        let kinds = SentKind::ALL.iter();
        let series = kinds.map(|kind| ([("kind", kind.name())], self.0[*kind as usize].get()));
        sent.counter(&mut encoder, series)
    }
}
