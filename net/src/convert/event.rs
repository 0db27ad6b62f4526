//! What happened in the world, as envelopes.

use std::sync::Arc;

use bytes::Bytes;
use tiltyard::{
    ChannelMessage, Delivery, EnvelopeReader, Event, MatchDataEvent, MatchedTarget,
    MatchmakerMatched, MatchmakerUser, Notification, PresenceView, RawEnvelope, StreamId,
};
use tiltyard_proto::{
    api, datagram, json,
    match_data::{self, MatchDataParts, PresenceParts},
    realtime::{self as wire, Envelope, envelope::Message, matchmaker_matched},
};
use uuid::Uuid;

use super::{
    Encoding,
    frame::{Datagram, envelope_frame, frame},
    reply::{
        ChannelNames, error_to_wire, party_ticket_to_wire, party_to_wire, presence_to_wire,
        statuses, time_to_wire, view_to_wire,
    },
};
use crate::peer::NewestKey;

/// An event, ready to be sent.
pub(crate) fn event_to_frame(event: &Event, encoding: Encoding) -> Bytes {
    match event {
        Event::MatchData(data) => match_data_frame(data, encoding),
        Event::Raw(RawEnvelope(envelope)) => match envelope.downcast_ref::<Envelope>() {
            Some(envelope) => envelope_frame(envelope, encoding),
            None => envelope_frame(&Envelope::default(), encoding),
        },
        other => envelope_frame(
            &Envelope {
                cid: String::new(),
                message: event_to_wire(other),
            },
            encoding,
        ),
    }
}

/// Reads ready-made messages that server code sends, by the same rules as those of clients.
pub(crate) fn envelope_reader() -> EnvelopeReader {
    EnvelopeReader(Arc::new(|text| {
        match json::from_slice::<Envelope>(text.as_bytes()) {
            Ok(envelope) => Ok(RawEnvelope(Arc::new(envelope))),
            Err(error) => Err(error.to_string()),
        }
    }))
}

/// By far the most frequent event; written without the detour over a message.
fn match_data_frame(data: &MatchDataEvent, encoding: Encoding) -> Bytes {
    let match_id = data.match_id.to_string();
    let mut ids = [[0; uuid::fmt::Hyphenated::LENGTH]; 2];
    let [user_id, session_id] = &mut ids;
    let presence = data.sender.as_ref().map(|sender| PresenceParts {
        user_id: sender.user_id.0.hyphenated().encode_lower(user_id),
        session_id: sender.session_id.0.hyphenated().encode_lower(session_id),
        username: &sender.username,
    });
    let parts = MatchDataParts {
        match_id: &match_id,
        presence,
        op_code: data.op_code,
        data: &data.data,
        reliable: data.reliable,
    };
    frame(encoding, |bytes| match encoding {
        Encoding::Json => match_data::write_json(&parts, bytes),
        Encoding::Protobuf | Encoding::Framed => match_data::write_protobuf(&parts, bytes),
    })
}

/// The event as a datagram, if it may be lost and is short enough for one.
pub(crate) fn event_to_datagram(event: &Event) -> Option<Datagram> {
    let Event::MatchData(data) = event else {
        return None;
    };
    if data.delivery == Delivery::Reliable {
        return None;
    }
    let sender = data.sender.as_ref().map(|sender| datagram::Sender {
        user_id: sender.user_id.0.into_bytes(),
        session_id: sender.session_id.0.into_bytes(),
        username: &sender.username,
    });
    let newest = data.delivery == Delivery::Newest;
    let body = datagram::Body::new(data.op_code, newest, sender, &data.data);
    body.fits().then(|| Datagram {
        match_id: data.match_id.id(),
        body,
    })
}

/// What tells the event from others of its kind, if only the newest of them counts.
pub(crate) fn newest_key(event: &Event) -> Option<NewestKey> {
    let Event::MatchData(data) = event else {
        return None;
    };
    if data.delivery != Delivery::Newest {
        return None;
    }
    // Ids of matches are random, so their halves differ in all of these bits.
    let (high, low) = data.match_id.id().uuid.as_u64_pair();
    NewestKey::new(high ^ low.rotate_left(1) ^ data.op_code.cast_unsigned())
}

fn event_to_wire(event: &Event) -> Option<Message> {
    Some(match event {
        Event::MatchPresence {
            match_id,
            joins,
            leaves,
        } => Message::MatchPresenceEvent(wire::MatchPresenceEvent {
            match_id: match_id.to_string(),
            joins: views(joins),
            leaves: views(leaves),
        }),
        Event::StreamData(data) => Message::StreamData(wire::StreamData {
            stream: Some(stream_to_wire(&data.stream)),
            sender: None,
            data: data.data.clone(),
            reliable: data.reliable,
        }),
        Event::StreamPresence {
            stream,
            joins,
            leaves,
        } => Message::StreamPresenceEvent(wire::StreamPresenceEvent {
            stream: Some(stream_to_wire(stream)),
            joins: views(joins),
            leaves: views(leaves),
        }),
        Event::ChannelPresence(presences) => {
            let ChannelNames {
                room_name,
                group_id,
                user_id_one,
                user_id_two,
            } = ChannelNames::of(&presences.id);
            Message::ChannelPresenceEvent(wire::ChannelPresenceEvent {
                channel_id: presences.id.to_string(),
                joins: views(&presences.joins),
                leaves: views(&presences.leaves),
                room_name,
                group_id,
                user_id_one,
                user_id_two,
            })
        }
        Event::ChannelMessage(message) => Message::ChannelMessage(message_to_wire(message)),
        Event::Notifications(notifications) => Message::Notifications(wire::Notifications {
            notifications: notifications.iter().map(notification_to_wire).collect(),
        }),
        Event::StatusPresence { joins, leaves } => {
            Message::StatusPresenceEvent(wire::StatusPresenceEvent {
                joins: statuses(joins),
                leaves: statuses(leaves),
            })
        }
        Event::MatchmakerMatched(matched) => Message::MatchmakerMatched(matched_to_wire(matched)),
        Event::PartyMatchmakerTicket { party_id, ticket } => {
            party_ticket_to_wire(party_id, *ticket)
        }
        Event::Error(error) => error_to_wire(error.clone()),
        Event::MatchData(_) | Event::Raw(_) => return None,
        other => return party_event_to_wire(other),
    })
}

fn party_event_to_wire(event: &Event) -> Option<Message> {
    Some(match event {
        Event::Party(info) => Message::Party(party_to_wire(info)),
        Event::PartyLeader { party_id, presence } => Message::PartyLeader(wire::PartyLeader {
            party_id: party_id.to_string(),
            presence: Some(presence_to_wire(presence)),
        }),
        Event::PartyJoinRequest { party_id, presence } => {
            Message::PartyJoinRequest(wire::PartyJoinRequest {
                party_id: party_id.to_string(),
                presences: vec![presence_to_wire(presence)],
            })
        }
        Event::PartyPresence(presences) => Message::PartyPresenceEvent(wire::PartyPresenceEvent {
            party_id: presences.party_id.to_string(),
            joins: views(&presences.joins),
            leaves: views(&presences.leaves),
        }),
        Event::PartyUpdate {
            party_id,
            label,
            open,
            hidden,
        } => Message::PartyUpdate(wire::PartyUpdate {
            party_id: party_id.to_string(),
            label: label.to_string(),
            open: *open,
            hidden: *hidden,
        }),
        Event::PartyData {
            party_id,
            presence,
            op_code,
            data,
        } => Message::PartyData(wire::PartyData {
            party_id: party_id.to_string(),
            presence: Some(presence_to_wire(presence)),
            op_code: *op_code,
            data: data.to_vec(),
        }),
        Event::PartyClose { party_id } => Message::PartyClose(wire::PartyClose {
            party_id: party_id.to_string(),
        }),
        other => {
            tracing::error!(?other, "an event has no wire form");
            return None;
        }
    })
}

fn views(views: &[PresenceView]) -> Vec<wire::UserPresence> {
    views.iter().map(view_to_wire).collect()
}

fn matched_to_wire(matched: &MatchmakerMatched) -> wire::MatchmakerMatched {
    let id = match &matched.target {
        MatchedTarget::Match(id) => matchmaker_matched::Id::MatchId(id.to_string()),
        MatchedTarget::Token(token) => matchmaker_matched::Id::Token(token.to_string()),
    };
    wire::MatchmakerMatched {
        ticket: matched.ticket.to_string(),
        id: Some(id),
        users: matched.users.iter().map(matched_user_to_wire).collect(),
        self_: matched.users.get(matched.me).map(matched_user_to_wire),
    }
}

fn matched_user_to_wire(user: &MatchmakerUser) -> matchmaker_matched::MatchmakerUser {
    matchmaker_matched::MatchmakerUser {
        presence: Some(presence_to_wire(&user.presence)),
        party_id: user.party_id.map(|id| id.to_string()).unwrap_or_default(),
        string_properties: user.properties.strings.clone(),
        numeric_properties: user.properties.numbers.clone(),
    }
}

fn message_to_wire(message: &ChannelMessage) -> api::ChannelMessage {
    let ChannelNames {
        room_name,
        group_id,
        user_id_one,
        user_id_two,
    } = ChannelNames::of(&message.channel.id);
    api::ChannelMessage {
        channel_id: message.channel.text.to_string(),
        message_id: message.id.to_string(),
        code: Some(message.code as i32),
        sender_id: message.sender.to_string(),
        username: message.username.to_string(),
        content: message.content.to_string(),
        create_time: Some(time_to_wire(message.create_us)),
        update_time: Some(time_to_wire(message.update_us)),
        persistent: Some(message.persistent),
        room_name,
        group_id,
        user_id_one,
        user_id_two,
    }
}

/// Times of notifications are told without their fraction.
fn notification_to_wire(notification: &Notification) -> api::Notification {
    let sender = notification.sender.map(|sender| sender.to_string());
    let seconds = notification.create_us.div_euclid(1_000_000);
    api::Notification {
        id: notification.id.to_string(),
        subject: notification.subject.clone(),
        content: notification.content.clone(),
        code: notification.code,
        sender_id: sender.unwrap_or_default(),
        create_time: Some(tiltyard_proto::timestamp(seconds, 0)),
        persistent: notification.persistent,
    }
}

fn stream_to_wire(stream: &StreamId) -> wire::Stream {
    let text = |uuid: Uuid| {
        if uuid.is_nil() {
            String::new()
        } else {
            uuid.to_string()
        }
    };
    wire::Stream {
        mode: i32::from(stream.mode),
        subject: text(stream.subject),
        subcontext: text(stream.subcontext),
        label: stream.label.to_string(),
    }
}
