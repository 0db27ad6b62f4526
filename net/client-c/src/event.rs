//! An event in a form that C can read.

use std::{
    ffi::{CString, c_char},
    mem::offset_of,
    ptr::{null, null_mut},
};

use tiltyard_client::{
    Connection, Ended, Event, FailReason, MatchData, Presence, Reply, ServerError,
};
use tiltyard_proto::{
    json,
    realtime::{Envelope, envelope::Message},
};

/// What happened. What else an event says depends on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(i32)]
pub enum EventKind {
    /// One that is newer than the program; ignore it.
    Unknown = 0,
    /// The account is known: `request`, and the session in `text`, to connect with and to keep.
    Authenticated = 1,
    /// The session has new tokens: `text`, as above.
    Refreshed = 2,
    /// There is a connection: `transport`, and the session id in `text` if the server tells it.
    Connected = 3,
    /// There is no connection: the reason in `text`, and `flag` if the client tries again by itself. `code`
    /// is what the server gave, 0 or more, or one of TILTYARD_ENDED_….
    Disconnected = 4,
    /// The answer to `request`: `text` has what a function returned, or else an envelope in JSON. After
    /// a join, `match_id`.
    Reply = 5,
    /// The server refuses `request`: `code` and `text`. The code is one of the protocol, or the status of
    /// HTTP if `request` was to authenticate.
    Refused = 6,
    /// There will be no answer to `request`: the reason in `text`, and `code` as of a disconnection, or
    /// TILTYARD_ENDED_NONE if there was no connection.
    Failed = 7,
    /// Data of a match: `match_id`, `op_code`, `data`, the sender if it was a player, and `flag` if it
    /// came in a datagram.
    MatchData = 8,
    /// The client is in `match_id` again after a connection was lost: `text` has who is there, an envelope
    /// in JSON as of the answer to a join.
    Rejoined = 9,
    /// The client is not let into `match_id` again after a connection was lost: `code` and `text`.
    MatchLost = 10,
    /// Whatever else the server says, as an envelope in JSON in `text`.
    Message = 11,
}

/// QUIC, and a WebSocket where QUIC does not get through.
pub const TRANSPORT_AUTO: i32 = 0;
/// QUIC.
pub const TRANSPORT_QUIC: i32 = 1;
/// A WebSocket.
pub const TRANSPORT_WEBSOCKET: i32 = 2;

/// There was no connection to end.
pub const ENDED_NONE: i32 = -1;
/// The program wanted so.
pub const ENDED_BY_PROGRAM: i32 = -2;
/// The program left too many events waiting.
pub const ENDED_NOT_POLLED: i32 = -3;
/// Nothing was heard from the server for too long, or the network failed.
pub const ENDED_LOST: i32 = -4;
/// The server could not be reached.
pub const ENDED_UNREACHABLE: i32 = -5;
/// The server does not take the session, and it cannot be refreshed: authenticate again.
pub const ENDED_SESSION_INVALID: i32 = -6;
/// The server has no QUIC, and the program wants nothing else.
pub const ENDED_NO_QUIC: i32 = -7;
/// The server said what this library does not understand.
pub const ENDED_PROTOCOL: i32 = -8;
/// A mistake in this library: the client is of no use any more.
pub const ENDED_STOPPED: i32 = -9;
/// Something else.
pub const ENDED_OTHER: i32 = -100;

/// Something that happened. Pointers are null where there is nothing to say, and good until the next
/// poll, wait or free of the same client. Text ends with a zero.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CEvent {
    /// Set this to sizeof(tiltyard_event). Fields that the program or the library does not know are left
    /// as they are.
    pub size: usize,
    /// What happened.
    pub kind: EventKind,
    /// Code of a refusal or an end, see the kind.
    pub code: i32,
    /// Which call this answers, or 0.
    pub request: u64,
    /// Op code of match data.
    pub op_code: i64,
    /// TILTYARD_TRANSPORT_QUIC or TILTYARD_TRANSPORT_WEBSOCKET, or 0.
    pub transport: i32,
    /// See the kind.
    pub flag: bool,
    /// Which match.
    pub match_id: *const c_char,
    /// See the kind.
    pub text: *const c_char,
    /// Data of a match; may have zeros in it.
    pub data: *const u8,
    /// Bytes of data.
    pub data_len: usize,
    /// Account of the player who sent match data; null for the server.
    pub sender_user_id: *const c_char,
    /// Connection of that player.
    pub sender_session_id: *const c_char,
    /// Name of that player.
    pub sender_username: *const c_char,
}

impl CEvent {
    /// Its size in version 1 of the interface, which is for ever. No new field goes into it.
    pub(crate) const FIRST_SIZE: usize =
        offset_of!(Self, sender_username) + size_of::<*const c_char>();

    /// Nothing.
    pub(crate) const NONE: Self = Self {
        size: size_of::<Self>(),
        kind: EventKind::Unknown,
        code: 0,
        request: 0,
        op_code: 0,
        transport: 0,
        flag: false,
        match_id: null(),
        text: null(),
        data: null(),
        data_len: 0,
        sender_user_id: null(),
        sender_session_id: null(),
        sender_username: null(),
    };
}

/// What the pointers of an event lead to.
#[derive(Debug, Default)]
pub(crate) struct Held {
    texts: Vec<CString>,
    data: tiltyard_client::Bytes,
}

impl Held {
    /// The form of `event` for C. Its pointers are good until the next call, or until `self` is gone.
    pub(crate) fn hold(&mut self, event: Event) -> CEvent {
        self.texts.clear();
        let none = CEvent::NONE;
        match event {
            Event::Authenticated { request, session } => CEvent {
                kind: EventKind::Authenticated,
                request: request.number(),
                text: self.text(session.to_text()),
                ..none
            },
            Event::Refreshed { session } => CEvent {
                kind: EventKind::Refreshed,
                text: self.text(session.to_text()),
                ..none
            },
            Event::Connected {
                transport,
                session_id,
                ..
            } => CEvent {
                kind: EventKind::Connected,
                transport: transport_number(Some(transport)),
                text: session_id.map_or(null_mut(), |id| self.text(id).cast_mut()),
                ..none
            },
            Event::Disconnected { reason, will_retry } => CEvent {
                kind: EventKind::Disconnected,
                code: ended_number(&reason),
                text: self.text(reason.to_string()),
                flag: will_retry,
                ..none
            },
            Event::Reply { request, result } => match result {
                Ok(reply) => self.reply(request.number(), &reply),
                Err(error) => self.refused(request.number(), error),
            },
            Event::Failed {
                request,
                reason: FailReason::Refused(error),
            } => self.refused(request.number(), error),
            Event::Failed { request, reason } => CEvent {
                kind: EventKind::Failed,
                request: request.number(),
                code: fail_number(&reason),
                text: self.text(reason.to_string()),
                ..none
            },
            Event::MatchData(data) => self.match_data(data),
            Event::Rejoined { match_id, joined } => CEvent {
                kind: EventKind::Rejoined,
                match_id: self.text(match_id.to_string()),
                text: self.text(envelope(Some(Message::Match(*joined)))),
                ..none
            },
            Event::MatchLost { match_id, error } => CEvent {
                kind: EventKind::MatchLost,
                match_id: self.text(match_id.to_string()),
                code: error.code,
                text: self.text(error.message),
                ..none
            },
            Event::Message(message) => CEvent {
                kind: EventKind::Message,
                text: self.text(envelope(Some(*message))),
                ..none
            },
            _ => none,
        }
    }

    fn refused(&mut self, request: u64, error: ServerError) -> CEvent {
        CEvent {
            kind: EventKind::Refused,
            request,
            code: error.code,
            text: self.text(error.message),
            ..CEvent::NONE
        }
    }

    fn reply(&mut self, request: u64, reply: &Reply) -> CEvent {
        let text = match reply.payload() {
            Some(payload) => payload.to_owned(),
            None => envelope(reply.message().cloned()),
        };
        let match_id = reply.joined().map(|joined| joined.match_id.clone());
        CEvent {
            kind: EventKind::Reply,
            request,
            text: self.text(text),
            match_id: match_id.map_or(null(), |id| self.text(id)),
            ..CEvent::NONE
        }
    }

    fn match_data(&mut self, data: MatchData) -> CEvent {
        self.data = data.data;
        let mut event = CEvent {
            kind: EventKind::MatchData,
            match_id: self.text(data.match_id.to_string()),
            op_code: data.op_code,
            flag: data.is_datagram,
            data: self.data.as_ptr(),
            data_len: self.data.len(),
            ..CEvent::NONE
        };
        if let Some(Presence {
            user_id,
            session_id,
            username,
        }) = data.sender
        {
            event.sender_user_id = self.text(user_id);
            event.sender_session_id = self.text(session_id);
            event.sender_username = self.text(username);
        }
        event
    }

    /// Keeps a text. The bytes of a `CString` stay where they are when it moves.
    fn text(&mut self, text: String) -> *const c_char {
        // Zeros would end it early.
        let text = CString::new(text).unwrap_or_else(|error| {
            let bytes = error.into_vec();
            let without_zeros: Vec<u8> = bytes.into_iter().filter(|byte| *byte != 0).collect();
            CString::new(without_zeros).unwrap_or_default()
        });
        let pointer = text.as_ptr();
        self.texts.push(text);
        pointer
    }
}

pub(crate) const fn transport_number(transport: Option<Connection>) -> i32 {
    match transport {
        Some(Connection::Quic) => TRANSPORT_QUIC,
        Some(Connection::WebSocket) => TRANSPORT_WEBSOCKET,
        None => 0,
    }
}

fn ended_number(ended: &Ended) -> i32 {
    match ended {
        Ended::ByServer { code, .. } => i32::try_from(*code).unwrap_or(ENDED_OTHER),
        Ended::ByGame => ENDED_BY_PROGRAM,
        Ended::NotPolled => ENDED_NOT_POLLED,
        Ended::Lost(_) => ENDED_LOST,
        Ended::Unreachable(_) => ENDED_UNREACHABLE,
        Ended::SessionInvalid => ENDED_SESSION_INVALID,
        Ended::NoQuic => ENDED_NO_QUIC,
        Ended::Protocol(_) => ENDED_PROTOCOL,
        Ended::Stopped => ENDED_STOPPED,
        _ => ENDED_OTHER,
    }
}

fn fail_number(reason: &FailReason) -> i32 {
    match reason {
        FailReason::NotConnected => ENDED_NONE,
        FailReason::Ended(ended) => ended_number(ended),
        FailReason::Unreachable(_) => ENDED_UNREACHABLE,
        _ => ENDED_OTHER,
    }
}

fn envelope(message: Option<Message>) -> String {
    let cid = String::new();
    json::to_string(&Envelope { cid, message })
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use tiltyard_client::{MatchId, realtime::Match};

    use super::*;

    fn held(event: Event) -> CEvent {
        Held::default().hold(event)
    }

    #[test]
    fn why_a_connection_ended_is_a_number_too() {
        let code = |reason| {
            let will_retry = false;
            held(Event::Disconnected { reason, will_retry }).code
        };
        let by_server = Ended::ByServer {
            code: 4503,
            reason: "full".into(),
        };
        assert_eq!(code(by_server), 4503);
        assert_eq!(code(Ended::SessionInvalid), ENDED_SESSION_INVALID);
        assert_eq!(code(Ended::Lost("it rains".into())), ENDED_LOST);
    }

    #[test]
    #[expect(unsafe_code, reason = "reads as C does")]
    fn who_is_there_after_a_reconnect_is_told() {
        let mut held = Held::default();
        let joined = Match {
            match_id: "m.n".into(),
            size: 3,
            ..Match::default()
        };
        let event = held.hold(Event::Rejoined {
            match_id: MatchId::from("m.n"),
            joined: joined.into(),
        });
        assert_eq!(event.kind, EventKind::Rejoined);
        // SAFETY: `held` has not been used since.
        let text = unsafe { CStr::from_ptr(event.text) };
        let text = text.to_str().unwrap();
        assert!(text.starts_with(r#"{"match":{"#) && text.contains(r#""size":3"#));
    }
}
