//! What the engine answers, as envelopes.

use std::fmt::Display;

use bytes::Bytes;
use tiltyard::{
    ChannelId, ChannelInfo, ChannelMessage, Cid, MatchInfo, PartyInfo, PresenceView, Reply,
    RequestError, UserPresence,
};
use tiltyard_proto::{
    api,
    realtime::{self as wire, Envelope, envelope::Message},
};
use uuid::Uuid;

use super::{Encoding, frame::envelope_frame};

/// The answer to a request, ready to be sent.
pub(crate) fn reply_to_frame(cid: Cid, reply: Reply, encoding: Encoding) -> Bytes {
    let cid = cid.map(String::from).unwrap_or_default();
    envelope_frame(
        &Envelope {
            cid,
            message: reply_to_wire(reply),
        },
        encoding,
    )
}

fn reply_to_wire(reply: Reply) -> Option<Message> {
    Some(match reply {
        Reply::Done => return None,
        Reply::Error(error) => error_to_wire(error),
        Reply::Match(info) => Message::Match(match_to_wire(*info)),
        Reply::Channel(info) => Message::Channel(channel_to_wire(*info)),
        Reply::ChannelMessageAck(message) => Message::ChannelMessageAck(ack_to_wire(&message)),
        Reply::Rpc { id, payload } => Message::Rpc(api::Rpc {
            id,
            payload,
            http_key: String::new(),
        }),
        Reply::MatchmakerTicket(ticket) => Message::MatchmakerTicket(wire::MatchmakerTicket {
            ticket: ticket.to_string(),
        }),
        Reply::PartyMatchmakerTicket { party_id, ticket } => {
            party_ticket_to_wire(&*party_id, ticket)
        }
        Reply::Status(presences) => Message::Status(wire::Status {
            presences: statuses(&presences),
        }),
        Reply::Party(info) => Message::Party(party_to_wire(&info)),
        Reply::PartyJoinRequests {
            party_id,
            presences,
        } => Message::PartyJoinRequest(wire::PartyJoinRequest {
            party_id: party_id.to_string(),
            presences: presences.iter().map(presence_to_wire).collect(),
        }),
        Reply::Pong => Message::Pong(wire::Pong {}),
        other => {
            tracing::error!(?other, "a reply has no wire form");
            return None;
        }
    })
}

pub(super) fn error_to_wire(error: RequestError) -> Message {
    let context = std::collections::BTreeMap::new();
    Message::Error(wire::Error {
        code: error.code as i32,
        message: error.message,
        context,
    })
}

/// The same for whoever asked and for the others.
pub(super) fn party_ticket_to_wire(party_id: impl Display, ticket: Uuid) -> Message {
    Message::PartyMatchmakerTicket(wire::PartyMatchmakerTicket {
        party_id: party_id.to_string(),
        ticket: ticket.to_string(),
    })
}

/// Who it is, and nothing else.
pub(super) fn presence_to_wire(presence: &UserPresence) -> wire::UserPresence {
    wire::UserPresence {
        user_id: presence.user_id.to_string(),
        session_id: presence.session_id.to_string(),
        username: presence.username.to_string(),
        ..wire::UserPresence::default()
    }
}

/// Who it is, and whether their chat is stored.
pub(super) fn view_to_wire(view: &PresenceView) -> wire::UserPresence {
    wire::UserPresence {
        persistence: view.persistence,
        ..presence_to_wire(&view.who)
    }
}

/// The only presences whose status text is shown, even when it is empty.
pub(super) fn statuses(views: &[PresenceView]) -> Vec<wire::UserPresence> {
    views
        .iter()
        .map(|view| wire::UserPresence {
            status: Some(view.status.to_string()),
            ..view_to_wire(view)
        })
        .collect()
}

pub(super) fn party_to_wire(info: &PartyInfo) -> wire::Party {
    wire::Party {
        party_id: info.party_id.to_string(),
        open: info.open,
        hidden: info.hidden,
        max_size: i32::try_from(info.size_max).unwrap_or(i32::MAX),
        self_: Some(presence_to_wire(&info.me)),
        leader: Some(presence_to_wire(&info.leader)),
        presences: info.presences.iter().map(presence_to_wire).collect(),
        label: info.label.to_string(),
    }
}

fn match_to_wire(info: MatchInfo) -> wire::Match {
    wire::Match {
        match_id: info.match_id.to_string(),
        authoritative: info.authoritative,
        label: info.label.map(|label| label.to_string()),
        size: i32::try_from(info.size).unwrap_or(i32::MAX),
        presences: info.presences.iter().map(presence_to_wire).collect(),
        self_: Some(presence_to_wire(&info.me)),
    }
}

fn channel_to_wire(info: ChannelInfo) -> wire::Channel {
    let ChannelNames {
        room_name,
        group_id,
        user_id_one,
        user_id_two,
    } = ChannelNames::of(&info.id);
    wire::Channel {
        id: info.id.to_string(),
        presences: info.presences.iter().map(view_to_wire).collect(),
        self_: Some(wire::UserPresence {
            persistence: info.persistence,
            ..presence_to_wire(&info.me)
        }),
        room_name,
        group_id,
        user_id_one,
        user_id_two,
    }
}

fn ack_to_wire(message: &ChannelMessage) -> wire::ChannelMessageAck {
    let ChannelNames {
        room_name,
        group_id,
        user_id_one,
        user_id_two,
    } = ChannelNames::of(&message.channel.id);
    wire::ChannelMessageAck {
        channel_id: message.channel.text.to_string(),
        message_id: message.id.to_string(),
        code: Some(message.code as i32),
        username: message.username.to_string(),
        create_time: Some(time_to_wire(message.create_us)),
        update_time: Some(time_to_wire(message.update_us)),
        persistent: Some(message.persistent),
        room_name,
        group_id,
        user_id_one,
        user_id_two,
    }
}

/// A time in microseconds since 1970.
pub(crate) fn time_to_wire(time_us: i64) -> tiltyard_proto::Timestamp {
    let nanos = time_us.rem_euclid(1_000_000) * 1000;
    tiltyard_proto::timestamp(
        time_us.div_euclid(1_000_000),
        u32::try_from(nanos).unwrap_or_default(),
    )
}

/// A channel is named by its room, its group or its two users.
#[derive(Default)]
pub(crate) struct ChannelNames {
    pub(crate) room_name: String,
    pub(crate) group_id: String,
    pub(crate) user_id_one: String,
    pub(crate) user_id_two: String,
}

impl ChannelNames {
    pub(crate) fn of(id: &ChannelId) -> Self {
        let users = id.user_ids();
        Self {
            room_name: id.room_name().unwrap_or_default().to_owned(),
            group_id: id.group_id().map(|id| id.to_string()).unwrap_or_default(),
            user_id_one: users.map(|(one, _)| one.to_string()).unwrap_or_default(),
            user_id_two: users.map(|(_, two)| two.to_string()).unwrap_or_default(),
        }
    }
}
