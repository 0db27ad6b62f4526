//! What clients send, as requests with their ids parsed.

use std::sync::Arc;

use bytes::Bytes;
use tiltyard::{
    ChannelId, Cid, MatchData, MatchId, MatchTarget, MatchText, MatchmakerAdd, NamedPresence,
    PartyId, Request, RequestError, RequestKind, SessionId, Spelled, UserId, parse_uuid,
};
use tiltyard_proto::{
    json,
    match_data::{self, SentParts},
    realtime::{self as wire, envelope::Message, match_join},
};

use super::Encoding;

/// Checks the tokens with which the matchmaker names a match.
pub(crate) trait MatchTokens {
    /// The match that the token names, if it is a good one.
    fn match_of(&self, token: &str) -> Option<String>;
}

/// A message of a client.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// Something that a client may ask.
    Request(Cid, Request),
    /// An envelope without a message, or with one that only the server sends.
    NotARequest,
}

/// The bytes are no envelope.
#[derive(Debug)]
pub(crate) struct Malformed;

/// Reads one message of a client.
pub(crate) fn decode(
    bytes: &[u8],
    encoding: Encoding,
    tokens: &impl MatchTokens,
) -> Result<Decoded, Malformed> {
    if encoding != Encoding::Json
        && let Some(sent) = match_data::read_protobuf(bytes)
    {
        let data = data_sent(&sent);
        return Ok(Decoded::Request(None, data.unwrap_or_else(invalid)));
    }
    let envelope: wire::Envelope = match encoding {
        Encoding::Json => json::from_slice(bytes).map_err(|_| Malformed)?,
        Encoding::Protobuf | Encoding::Framed => {
            tiltyard_proto::decode_protobuf(bytes).map_err(|_| Malformed)?
        }
    };
    let Some(message) = envelope.message else {
        return Ok(Decoded::NotARequest);
    };
    // Answers to data carry no correlation id, whatever the client sent.
    let silent = matches!(message, Message::MatchDataSend(_));
    let cid = (!silent && !envelope.cid.is_empty()).then(|| envelope.cid.into_boxed_str());
    Ok(match request_from_wire(message, tokens) {
        Some(Ok(request)) => Decoded::Request(cid, request),
        Some(Err(refusal)) => Decoded::Request(cid, invalid(refusal)),
        None => Decoded::NotARequest,
    })
}

type Refusal = (RequestKind, RequestError);
type Converted = Result<Request, Refusal>;

fn invalid((kind, error): Refusal) -> Request {
    Request::Invalid { kind, error }
}

/// By far the most frequent request; read without the detour over a message.
fn data_sent(sent: &SentParts<'_>) -> Converted {
    let Some(match_id) = MatchText::parse(sent.match_id) else {
        return refuse(RequestKind::MatchDataSend, "Invalid match ID");
    };
    Ok(Request::MatchDataSend(MatchData {
        match_id,
        op_code: sent.op_code,
        data: Bytes::copy_from_slice(sent.data),
        to: Vec::new(),
        addressed: false,
        reliable: sent.reliable,
        datagram: false,
    }))
}

/// A request, or why it is none; `None` for messages that clients do not send.
fn request_from_wire(message: Message, tokens: &impl MatchTokens) -> Option<Converted> {
    Some(match message {
        Message::ChannelJoin(join) => Ok(Request::ChannelJoin {
            target: join.target,
            kind: join.r#type,
            persistence: join.persistence.unwrap_or(true),
            hidden: join.hidden.unwrap_or(false),
        }),
        Message::ChannelLeave(leave) => channel(RequestKind::ChannelLeave, leave.channel_id)
            .map(|channel| Request::ChannelLeave { channel }),
        Message::ChannelMessageSend(send) => {
            channel(RequestKind::ChannelMessageSend, send.channel_id).map(|channel| {
                Request::ChannelMessageSend {
                    channel,
                    content: send.content,
                }
            })
        }
        Message::ChannelMessageUpdate(update) => channel_message_update(update),
        Message::ChannelMessageRemove(remove) => channel_message_remove(remove),
        Message::MatchCreate(create) => Ok(Request::MatchCreate { name: create.name }),
        Message::MatchJoin(join) => match_join(join, tokens),
        Message::MatchLeave(leave) => match MatchId::parse(&leave.match_id) {
            Some(match_id) => Ok(Request::MatchLeave { match_id }),
            None => refuse(RequestKind::MatchLeave, "Invalid match ID"),
        },
        Message::MatchDataSend(send) => match_data(send),
        Message::MatchmakerAdd(add) => Ok(Request::MatchmakerAdd(Box::new(MatchmakerAdd {
            min_count: add.min_count,
            max_count: add.max_count,
            count_multiple: add.count_multiple.unwrap_or(1),
            query: add.query,
            string_properties: add.string_properties,
            numeric_properties: add.numeric_properties,
        }))),
        Message::MatchmakerRemove(remove) => Ok(Request::MatchmakerRemove {
            ticket: remove.ticket,
        }),
        Message::Rpc(rpc) => Ok(Request::Rpc {
            id: rpc.id,
            payload: rpc.payload,
        }),
        Message::StatusFollow(follow) => {
            users(RequestKind::StatusFollow, &follow.user_ids).map(|user_ids| {
                Request::StatusFollow {
                    user_ids,
                    usernames: follow.usernames,
                }
            })
        }
        Message::StatusUnfollow(unfollow) => users(RequestKind::StatusUnfollow, &unfollow.user_ids)
            .map(|user_ids| Request::StatusUnfollow { user_ids }),
        Message::StatusUpdate(update) => Ok(Request::StatusUpdate {
            status: update.status,
        }),
        Message::Ping(_) => Ok(Request::Ping),
        Message::Pong(_) => Ok(Request::Pong),
        other => return party_request(other),
    })
}

fn party_request(message: Message) -> Option<Converted> {
    use RequestKind as Kind;
    Some(match message {
        Message::PartyCreate(create) => Ok(Request::PartyCreate {
            open: create.open,
            max_size: create.max_size,
            label: create.label,
            hidden: create.hidden,
        }),
        Message::PartyJoin(join) => {
            party(Kind::PartyJoin, join.party_id).map(|party| Request::PartyJoin { party })
        }
        Message::PartyLeave(leave) => {
            party(Kind::PartyLeave, leave.party_id).map(|party| Request::PartyLeave { party })
        }
        Message::PartyPromote(promote) => {
            member(Kind::PartyPromote, promote.party_id, promote.presence)
                .map(|(party, presence)| Request::PartyPromote { party, presence })
        }
        Message::PartyAccept(accept) => member(Kind::PartyAccept, accept.party_id, accept.presence)
            .map(|(party, presence)| Request::PartyAccept { party, presence }),
        Message::PartyRemove(remove) => member(Kind::PartyRemove, remove.party_id, remove.presence)
            .map(|(party, presence)| Request::PartyRemove { party, presence }),
        Message::PartyClose(close) => {
            party(Kind::PartyClose, close.party_id).map(|party| Request::PartyClose { party })
        }
        Message::PartyJoinRequestList(list) => party(Kind::PartyJoinRequestList, list.party_id)
            .map(|party| Request::PartyJoinRequestList { party }),
        Message::PartyMatchmakerAdd(add) => party_matchmaker_add(add),
        Message::PartyMatchmakerRemove(remove) => party_matchmaker_remove(remove),
        Message::PartyDataSend(send) => {
            party(Kind::PartyDataSend, send.party_id).map(|party| Request::PartyDataSend {
                party,
                op_code: send.op_code,
                data: send.data.into(),
            })
        }
        Message::PartyUpdate(update) => {
            party(Kind::PartyUpdate, update.party_id).map(|party| Request::PartyUpdate {
                party,
                label: update.label,
                open: update.open,
                hidden: update.hidden,
            })
        }
        _ => return None,
    })
}

fn refuse<T>(kind: RequestKind, text: &str) -> Result<T, (RequestKind, RequestError)> {
    Err((kind, RequestError::bad_input(text)))
}

fn channel(
    kind: RequestKind,
    text: String,
) -> Result<Spelled<ChannelId>, (RequestKind, RequestError)> {
    match ChannelId::parse(&text) {
        Some(id) => Ok(Spelled {
            id,
            text: text.into(),
        }),
        None => refuse(kind, "Invalid channel identifier"),
    }
}

fn channel_message_update(update: wire::ChannelMessageUpdate) -> Converted {
    let kind = RequestKind::ChannelMessageUpdate;
    let Some(message_id) = parse_uuid(&update.message_id) else {
        return refuse(kind, "Invalid message identifier");
    };
    let channel = channel(kind, update.channel_id)?;
    Ok(Request::ChannelMessageUpdate {
        channel,
        message_id,
        content: update.content,
    })
}

fn channel_message_remove(remove: wire::ChannelMessageRemove) -> Converted {
    let kind = RequestKind::ChannelMessageRemove;
    let Some(message_id) = parse_uuid(&remove.message_id) else {
        return refuse(kind, "Invalid message identifier");
    };
    let channel = channel(kind, remove.channel_id)?;
    Ok(Request::ChannelMessageRemove {
        channel,
        message_id,
    })
}

fn match_join(join: wire::MatchJoin, tokens: &impl MatchTokens) -> Converted {
    let kind = RequestKind::MatchJoin;
    let target = match join.id {
        None => return refuse(kind, "No match ID or token found"),
        Some(match_join::Id::MatchId(text)) => match spelled_match(&text) {
            Some(spelled) => MatchTarget::Id(spelled),
            None => return refuse(kind, "Invalid match ID"),
        },
        Some(match_join::Id::Token(token)) => {
            match tokens.match_of(&token).as_deref().and_then(spelled_match) {
                Some(spelled) => MatchTarget::Token(spelled),
                None => return refuse(kind, "Invalid match token"),
            }
        }
    };
    Ok(Request::MatchJoin {
        target,
        metadata: join.metadata,
    })
}

fn spelled_match(text: &str) -> Option<Spelled<MatchId>> {
    Some(Spelled {
        id: MatchId::parse(text)?,
        text: text.into(),
    })
}

fn match_data(send: wire::MatchDataSend) -> Converted {
    let Some(match_id) = MatchText::parse(&send.match_id) else {
        return refuse(RequestKind::MatchDataSend, "Invalid match ID");
    };
    // One recipient that cannot be read, and nobody receives it.
    let to: Option<Vec<SessionId>> = send
        .presences
        .iter()
        .map(|presence| {
            parse_uuid(&presence.user_id)
                .and(parse_uuid(&presence.session_id))
                .map(SessionId)
        })
        .collect();
    Ok(Request::MatchDataSend(MatchData {
        match_id,
        op_code: send.op_code,
        data: send.data.into(),
        to: to.unwrap_or_default(),
        addressed: !send.presences.is_empty(),
        reliable: send.reliable,
        datagram: false,
    }))
}

fn users(kind: RequestKind, ids: &[String]) -> Result<Vec<UserId>, (RequestKind, RequestError)> {
    let parsed: Option<Vec<UserId>> = ids.iter().map(|id| parse_uuid(id).map(UserId)).collect();
    match parsed {
        Some(ids) => Ok(ids),
        None => refuse(kind, "Invalid user identifier"),
    }
}

fn party(kind: RequestKind, text: String) -> Result<Spelled<PartyId>, (RequestKind, RequestError)> {
    match PartyId::parse(&text) {
        Some(id) => Ok(Spelled {
            id,
            text: text.into(),
        }),
        None => refuse(kind, "Invalid party ID"),
    }
}

fn member(
    kind: RequestKind,
    party_id: String,
    presence: Option<wire::UserPresence>,
) -> Result<(Spelled<PartyId>, NamedPresence), (RequestKind, RequestError)> {
    let complete = |presence: &wire::UserPresence| {
        !presence.user_id.is_empty()
            && !presence.session_id.is_empty()
            && !presence.username.is_empty()
    };
    let Some(presence) = presence.filter(complete) else {
        return refuse(kind, "Invalid presence");
    };
    let named = NamedPresence {
        user_id: presence.user_id,
        session_id: presence.session_id,
        username: presence.username,
    };
    Ok((party(kind, party_id)?, named))
}

fn party_matchmaker_add(add: wire::PartyMatchmakerAdd) -> Converted {
    let kind = RequestKind::PartyMatchmakerAdd;
    let party_id = add.party_id;
    let add = Box::new(MatchmakerAdd {
        min_count: add.min_count,
        max_count: add.max_count,
        count_multiple: add.count_multiple.unwrap_or(1),
        query: add.query,
        string_properties: add.string_properties,
        numeric_properties: add.numeric_properties,
    });
    // Clients hear of wrong counts before they hear of a wrong id.
    add.check_counts().map_err(|error| (kind, error))?;
    let party = party(kind, party_id)?;
    Ok(Request::PartyMatchmakerAdd { party, add })
}

fn party_matchmaker_remove(remove: wire::PartyMatchmakerRemove) -> Converted {
    let kind = RequestKind::PartyMatchmakerRemove;
    if remove.ticket.is_empty() {
        return refuse(kind, "Invalid matchmaker ticket");
    }
    let party = party(kind, remove.party_id)?;
    let ticket = remove.ticket;
    Ok(Request::PartyMatchmakerRemove { party, ticket })
}

/// A token checker for a server that knows no tokens.
impl MatchTokens for () {
    fn match_of(&self, _: &str) -> Option<String> {
        None
    }
}

impl<T: MatchTokens + ?Sized> MatchTokens for Arc<T> {
    fn match_of(&self, token: &str) -> Option<String> {
        (**self).match_of(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Decoded, Malformed> {
        decode(text.as_bytes(), Encoding::Json, &())
    }

    fn refusal(text: &str) -> (Cid, String) {
        match read(text).unwrap() {
            Decoded::Request(cid, Request::Invalid { error, .. }) => (cid, error.message),
            other => panic!("{text} was read as {other:?}"),
        }
    }

    #[test]
    fn ids_that_are_none_are_refused_with_the_text_of_the_protocol() {
        for (text, expected) in [
            (
                r#"{"cid":"1","match_join":{"match_id":"x"}}"#,
                "Invalid match ID",
            ),
            (
                r#"{"cid":"1","match_join":{}}"#,
                "No match ID or token found",
            ),
            (
                r#"{"cid":"1","match_join":{"token":"x"}}"#,
                "Invalid match token",
            ),
            (
                r#"{"cid":"1","match_leave":{"match_id":"x."}}"#,
                "Invalid match ID",
            ),
            (
                r#"{"cid":"1","channel_leave":{"channel_id":"9..."}}"#,
                "Invalid channel identifier",
            ),
            (
                r#"{"cid":"1","status_follow":{"user_ids":["x"]}}"#,
                "Invalid user identifier",
            ),
            (
                r#"{"cid":"1","party_leave":{"party_id":"x"}}"#,
                "Invalid party ID",
            ),
            (
                r#"{"cid":"1","party_accept":{"party_id":"x"}}"#,
                "Invalid presence",
            ),
            (
                r#"{"cid":"1","party_matchmaker_add":{"party_id":"x","min_count":1}}"#,
                "Invalid minimum count, must be >= 2",
            ),
            (
                r#"{"cid":"1","party_matchmaker_remove":{"party_id":"x"}}"#,
                "Invalid matchmaker ticket",
            ),
        ] {
            assert_eq!(
                refusal(text),
                (Some("1".into()), expected.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_refusal_of_data_carries_no_correlation_id() {
        let (cid, text) = refusal(r#"{"cid":"1","match_data_send":{"match_id":"x"}}"#);
        assert_eq!((cid, text.as_str()), (None, "Invalid match ID"));
    }

    #[test]
    fn messages_of_the_server_are_not_requests() {
        for text in [
            "{}",
            r#"{"cid":"1"}"#,
            r#"{"match":{}}"#,
            r#"{"error":{}}"#,
            r#"{"party":{}}"#,
            r#"{"ping":null}"#,
        ] {
            assert!(matches!(read(text), Ok(Decoded::NotARequest)), "{text}");
        }
    }

    #[test]
    fn what_is_no_envelope_is_malformed() {
        for text in ["", "hello", "[1]", r#"{"dance":{}}"#, r#"{"cid":1}"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
