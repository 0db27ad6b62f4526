//! An engine with clients and a database that answers when it is told to.

use std::sync::Arc;

use bevy_app::App;
use bevy_ecs::prelude::World;
use uuid::Uuid;

use super::{ChannelId, ChannelMessage};
use crate::{
    Answer, Call, CallId, EnginePlugin, Event, Inbound, InboundSender, Limits, NodeName, Now,
    Opening, Outbound, Outbox, Pass, Permit, PresenceView, Reply, Request, RpcCall, SessionId,
    Slot, Spelled, StoreId, StoreOutcome, StoreReply, StoreRequest, UserId,
};

pub(crate) struct Stage {
    pub(crate) app: App,
    /// What clients received, as short lines: `alice: ack 0`.
    heard: Vec<String>,
    names: Vec<&'static str>,
    pub(crate) questions: Vec<(StoreId, StoreRequest)>,
    /// Every chat message that was shown or acknowledged.
    pub(crate) messages: Vec<Arc<ChannelMessage>>,
    pub(crate) answers: Vec<Answer>,
}

/// A client by its number; its user has the same one.
pub(crate) type Peer = u32;

pub(crate) fn user(peer: Peer) -> UserId {
    UserId(Uuid::from_u128(u128::from(peer) + 1))
}

pub(crate) fn session(peer: Peer) -> SessionId {
    SessionId(Uuid::from_u128(u128::from(peer) + 1000))
}

const fn slot(peer: Peer) -> Slot {
    Slot {
        thread: 0,
        encoding: 0,
        transport: crate::Transport::WebSocket,
        index: peer,
        generation: 0,
    }
}

impl Stage {
    /// Clients with these names, all connected.
    pub(crate) fn with(names: &[&'static str]) -> Self {
        let mut app = App::empty();
        let node = NodeName::new("stage").unwrap();
        let limits = Limits {
            channels_per_session_max: 3,
            ..Limits::default()
        };
        app.add_plugins(EnginePlugin { node, limits });
        let mut stage = Self {
            app,
            heard: Vec::new(),
            names: Vec::new(),
            questions: Vec::new(),
            messages: Vec::new(),
            answers: Vec::new(),
        };
        for (peer, name) in (0..).zip(names) {
            stage.connect(peer, peer, name);
        }
        stage
    }

    /// Another client of the user with this number.
    pub(crate) fn connect(&mut self, peer: Peer, of_user: Peer, name: &'static str) {
        self.names.push(name);
        self.enqueue(Inbound::Opened(Box::new(Opening {
            slot: slot(peer),
            session_id: session(peer),
            user_id: user(of_user),
            username: name.into(),
            vars: Arc::default(),
            expires: 0,
            lang: "en".into(),
            client_ip: "127.0.0.1".into(),
            client_port: 1,
            online: false,
        })));
        self.pass();
    }

    pub(crate) fn world(&mut self) -> &mut World {
        self.app.world_mut()
    }

    pub(crate) fn vanish(&mut self, peer: Peer) {
        self.enqueue(Inbound::Closed { slot: slot(peer) });
        self.pass();
    }

    /// A client asks for something, and a pass goes by.
    pub(crate) fn ask(&mut self, peer: Peer, request: Request) {
        self.enqueue(Inbound::Request {
            slot: slot(peer),
            cid: Some("1".into()),
            request,
            permit: Permit::free(),
        });
        self.pass();
    }

    pub(crate) fn join(&mut self, peer: Peer, kind: i32, target: &str) {
        self.join_as(peer, kind, target, true, false);
    }

    pub(crate) fn join_as(
        &mut self,
        peer: Peer,
        kind: i32,
        target: &str,
        persistence: bool,
        hidden: bool,
    ) {
        let request = Request::ChannelJoin {
            target: target.to_owned(),
            kind,
            persistence,
            hidden,
        };
        self.ask(peer, request);
    }

    pub(crate) fn say(&mut self, peer: Peer, room: &str, content: &str) {
        let request = Request::ChannelMessageSend {
            channel: spelled(room),
            content: content.to_owned(),
        };
        self.ask(peer, request);
    }

    pub(crate) fn update(&mut self, peer: Peer, room: &str, message_id: Uuid, content: &str) {
        let request = Request::ChannelMessageUpdate {
            channel: spelled(room),
            message_id,
            content: content.to_owned(),
        };
        self.ask(peer, request);
    }

    pub(crate) fn remove(&mut self, peer: Peer, room: &str, message_id: Uuid) {
        let request = Request::ChannelMessageRemove {
            channel: spelled(room),
            message_id,
        };
        self.ask(peer, request);
    }

    /// A function is called over HTTP.
    pub(crate) fn call(&mut self, id: &str) {
        self.put(Call::Rpc(RpcCall {
            id: id.to_owned(),
            ..RpcCall::default()
        }));
    }

    /// Something outside puts a question.
    pub(crate) fn put(&mut self, call: Call) {
        self.enqueue(Inbound::Call {
            id: CallId(1),
            call: Box::new(call),
        });
        self.pass();
    }

    /// The database answers its oldest question.
    pub(crate) fn answer(&mut self, outcome: StoreOutcome) -> StoreRequest {
        let (id, request) = self.questions.remove(0);
        self.enqueue(Inbound::Stored { id, outcome });
        self.pass();
        request
    }

    /// The database does what it is asked first.
    pub(crate) fn store(&mut self) -> StoreRequest {
        self.answer(Ok(StoreReply::Done))
    }

    /// What was received since this was last asked.
    pub(crate) fn heard(&mut self) -> Vec<String> {
        std::mem::take(&mut self.heard)
    }

    fn enqueue(&mut self, inbound: Inbound) {
        let queue = self.app.world().resource::<InboundSender>();
        queue.0.try_send(inbound).unwrap();
    }

    /// Two passes of one millisecond, as an answer lets waiting requests go on in the next one.
    pub(crate) fn pass(&mut self) {
        for _ in 0..2 {
            let world = self.world();
            world.resource_mut::<Now>().unix_ms += 1;
            world.run_schedule(Pass);
            for outbound in self.world().resource_mut::<Outbox>().take() {
                self.take(outbound);
            }
        }
    }

    fn take(&mut self, outbound: Outbound) {
        match outbound {
            Outbound::Reply { to, reply, .. } => {
                if let Reply::ChannelMessageAck(message) = &reply {
                    self.messages.push(message.clone());
                }
                self.note(to, &reply_text(&reply));
            }
            Outbound::Event { to, event } => {
                if let Event::ChannelMessage(message) = &event {
                    self.messages.push(message.clone());
                }
                for slot in to.as_slice() {
                    self.note(*slot, &event_text(&event));
                }
            }
            Outbound::Store { id, request } => self.questions.push((id, request)),
            Outbound::Answer { answer, .. } => self.answers.push(answer),
            Outbound::Close { slot, reason } => self.note(slot, reason),
            // The matchmaker's tests have a stage of their own.
            Outbound::Search(_) => {}
        }
    }

    fn note(&mut self, slot: Slot, text: &str) {
        let name = self.names[slot.index as usize];
        self.heard.push(format!("{name}: {text}"));
    }
}

/// A channel by its id; a plain name is a room.
pub(crate) fn spelled(text: &str) -> Spelled<ChannelId> {
    let text = match text.contains("..") || text.starts_with("4.") {
        true => text.to_owned(),
        false => format!("2...{text}"),
    };
    Spelled {
        id: ChannelId::parse(&text).unwrap(),
        text: text.into(),
    }
}

fn names(views: &[PresenceView]) -> String {
    let names: Vec<&str> = views.iter().map(|view| &*view.who.username).collect();
    names.join(",")
}

fn reply_text(reply: &Reply) -> String {
    match reply {
        Reply::Done => "done".to_owned(),
        Reply::Error(error) => format!("error {} {}", error.code as i32, error.message),
        Reply::Channel(info) => format!("channel {} [{}]", info.id, names(&info.presences)),
        Reply::ChannelMessageAck(message) => format!("ack {}", message.code as i32),
        Reply::Rpc { payload, .. } => format!("rpc {payload}"),
        other => format!("{other:?}"),
    }
}

fn event_text(event: &Event) -> String {
    match event {
        Event::ChannelPresence(change) => {
            format!("+[{}] -[{}]", names(&change.joins), names(&change.leaves))
        }
        Event::ChannelMessage(message) => {
            let code = message.code as i32;
            format!("message {code} {} {}", message.username, message.content)
        }
        Event::Notifications(notifications) => {
            let one = |told: &crate::Notification| format!(" {} {};", told.code, told.subject);
            notifications
                .iter()
                .map(one)
                .fold("told".to_owned(), |all, one| all + &one)
        }
        other => format!("{other:?}"),
    }
}
