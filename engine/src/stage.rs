//! A stage for tests: an engine, clients that talk to it, and a database that knows them.
//!
//! What a client receives is kept as short texts in the order in which it was sent, so that a test reads
//! like a transcript.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bevy_app::App;
use bevy_ecs::prelude::World;
use uuid::Uuid;

use crate::{
    EnginePlugin, Event, Inbound, InboundSender, Limits, NamedPresence, NodeName, Now, Opening,
    Outbound, Outbox, PartyInfo, Pass, Permit, PresenceView, Reply, Request, SessionId, Slot,
    StoreFailure, StoreOutcome, StoreReply, StoreRequest, StoredUser, UserId, UserPresence,
};

/// An engine that is cranked by hand.
pub(crate) struct Stage {
    pub(crate) app: App,
    users: BTreeMap<String, UserId>,
    connections: u32,
    heard: BTreeMap<Slot, Vec<String>>,
    /// Whether the database fails.
    pub(crate) broken: bool,
    /// What the database was asked.
    pub(crate) questions: Vec<StoreRequest>,
}

/// A connected client.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) slot: Slot,
    pub(crate) who: UserPresence,
}

impl Peer {
    /// This peer, as a client names it.
    pub(crate) fn named(&self) -> NamedPresence {
        NamedPresence {
            user_id: self.who.user_id.to_string(),
            session_id: self.who.session_id.to_string(),
            username: self.who.username.to_string(),
        }
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let mut app = App::new();
        app.add_plugins(EnginePlugin {
            node: NodeName::new("node").unwrap(),
            limits,
        });
        Self {
            app,
            users: BTreeMap::new(),
            connections: 0,
            heard: BTreeMap::new(),
            broken: false,
            questions: Vec::new(),
        }
    }

    pub(crate) fn world(&mut self) -> &mut World {
        self.app.world_mut()
    }

    /// The account with this name, made if there is none.
    pub(crate) fn user(&mut self, name: &str) -> UserId {
        let id = UserId(Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()));
        *self.users.entry(name.to_owned()).or_insert(id)
    }

    /// A connection whose user does not appear online.
    pub(crate) fn connect(&mut self, name: &str) -> Peer {
        self.open(name, false)
    }

    /// A connection whose user appears online.
    pub(crate) fn connect_online(&mut self, name: &str) -> Peer {
        self.open(name, true)
    }

    fn open(&mut self, name: &str, online: bool) -> Peer {
        let user_id = self.user(name);
        self.connections += 1;
        let peer = Peer {
            slot: Slot {
                thread: 0,
                encoding: 0,
                transport: crate::Transport::WebSocket,
                index: self.connections,
                generation: 0,
            },
            who: UserPresence {
                user_id,
                session_id: SessionId(Uuid::from_u128(self.connections.into())),
                username: name.into(),
            },
        };
        self.enqueue(Inbound::Opened(Box::new(Opening {
            slot: peer.slot,
            session_id: peer.who.session_id,
            user_id,
            username: peer.who.username.clone(),
            vars: Arc::default(),
            expires: 0,
            lang: "en".into(),
            client_ip: "127.0.0.1".into(),
            client_port: 1,
            online,
        })));
        self.pass();
        peer
    }

    /// The carrier of a peer is lost.
    pub(crate) fn vanish(&mut self, peer: &Peer) {
        self.enqueue(Inbound::Closed { slot: peer.slot });
        self.pass();
    }

    /// Puts a request into the queue.
    pub(crate) fn say(&mut self, peer: &Peer, request: Request) {
        self.enqueue(Inbound::Request {
            slot: peer.slot,
            cid: Some("1".into()),
            request,
            permit: Permit::free(),
        });
    }

    /// Carries out a request; what the peer receives until it is done.
    pub(crate) fn ask(&mut self, peer: &Peer, request: Request) -> Vec<String> {
        self.heard(peer);
        self.say(peer, request);
        self.pass();
        self.heard(peer)
    }

    /// The same where only the reply matters, which is also left out of what the peer hears.
    pub(crate) fn reply(&mut self, peer: &Peer, request: Request) -> String {
        let before = self.heard(peer);
        let mut heard = self.ask(peer, request);
        let place = heard.iter().position(|text| text.starts_with("reply: "));
        let reply = heard.remove(place.unwrap_or_else(|| panic!("no reply in {heard:?}")));
        self.heard.insert(peer.slot, [before, heard].concat());
        reply.trim_start_matches("reply: ").to_owned()
    }

    /// What a peer received since it was last asked.
    pub(crate) fn heard(&mut self, peer: &Peer) -> Vec<String> {
        self.heard.remove(&peer.slot).unwrap_or_default()
    }

    /// Forgets what everybody received.
    pub(crate) fn clear(&mut self) {
        self.heard.clear();
    }

    fn enqueue(&mut self, inbound: Inbound) {
        let queue = self.app.world().resource::<InboundSender>();
        queue.0.try_send(inbound).unwrap();
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.world().resource_mut::<Now>().elapsed += time;
        self.pass();
    }

    /// Runs passes until the database has nothing to answer any more.
    pub(crate) fn pass(&mut self) {
        loop {
            let world = self.world();
            world.resource_mut::<Now>().pass += 1;
            world.run_schedule(Pass);
            let mut asked = false;
            for outbound in self.world().resource_mut::<Outbox>().take() {
                asked |= self.take(outbound);
            }
            if !asked {
                return;
            }
        }
    }

    /// Delivers; returns whether it was a question, which is answered in the next pass.
    fn take(&mut self, outbound: Outbound) -> bool {
        match outbound {
            Outbound::Reply { to, reply, .. } => {
                self.note(to, format!("reply: {}", of_reply(reply)))
            }
            Outbound::Event { to, event } => {
                for slot in to.as_slice() {
                    self.note(*slot, of_event(&event));
                }
            }
            Outbound::Close { slot, reason } => self.note(slot, format!("closed: {reason}")),
            Outbound::Store { id, request } => {
                let outcome = self.look_up(&request);
                self.questions.push(request);
                self.enqueue(Inbound::Stored { id, outcome });
                return true;
            }
            // Nobody waits for answers here, and the matchmaker's tests have a stage of their own.
            Outbound::Answer { .. } | Outbound::Search(_) => {}
        }
        false
    }

    fn look_up(&self, request: &StoreRequest) -> StoreOutcome {
        let StoreRequest::Users { ids, usernames } = request else {
            return Err(StoreFailure::Failed);
        };
        if self.broken {
            return Err(StoreFailure::Failed);
        }
        let known = self.users.iter();
        let asked = known.filter(|(name, id)| ids.contains(id) || usernames.contains(name));
        let users = asked.map(|(name, id)| StoredUser {
            id: *id,
            username: name.as_str().into(),
        });
        Ok(StoreReply::Users(users.collect()))
    }

    fn note(&mut self, slot: Slot, text: String) {
        self.heard.entry(slot).or_default().push(text);
    }
}

fn of_reply(reply: Reply) -> String {
    match reply {
        Reply::Done => "ok".to_owned(),
        Reply::Error(error) => format!("{} {}", error.code as i32, error.message),
        Reply::Status(online) => format!("status{}", statuses("", &online)),
        Reply::Party(info) => of_party(&info),
        Reply::PartyJoinRequests { presences, .. } => format!("asked:{}", names(&presences)),
        Reply::Match(_) => "match".to_owned(),
        other => format!("{other:?}"),
    }
}

fn of_event(event: &Event) -> String {
    match event {
        Event::StatusPresence { joins, leaves } => {
            format!("status{}{}", statuses("+", joins), statuses("-", leaves))
        }
        Event::PartyPresence(changed) => {
            format!("party{}", changes(&changed.joins, &changed.leaves))
        }
        Event::MatchPresence { joins, leaves, .. } => format!("match{}", changes(joins, leaves)),
        Event::Party(info) => of_party(info),
        Event::PartyLeader { presence, .. } => format!("{} leads", presence.username),
        Event::PartyJoinRequest { presence, .. } => format!("{} asks", presence.username),
        Event::PartyUpdate {
            label,
            open,
            hidden,
            ..
        } => format!("terms: open {open}, hidden {hidden}, {label:?}"),
        Event::PartyData {
            presence,
            op_code,
            data,
            ..
        } => format!(
            "{} sends {op_code} {}",
            presence.username,
            String::from_utf8_lossy(data)
        ),
        Event::PartyClose { .. } => "party over".to_owned(),
        Event::Notifications(told) => {
            let told = told.iter().map(|one| {
                format!(
                    "{} {} {} {:?}",
                    one.code, one.subject, one.content, one.sender
                )
            });
            format!("told: {}", told.collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn of_party(info: &PartyInfo) -> String {
    let PartyInfo {
        open,
        hidden,
        size_max,
        me,
        leader,
        presences,
        label,
        ..
    } = info;
    format!(
        "party of{} led by {}, I am {}; max {size_max}, open {open}, hidden {hidden}, {label:?}",
        names(presences),
        leader.username,
        me.username,
    )
}

fn names(presences: &[UserPresence]) -> String {
    let names = presences.iter().map(|who| format!(" {}", who.username));
    names.collect()
}

fn changes(joins: &[PresenceView], leaves: &[PresenceView]) -> String {
    let joins = joins.iter().map(|view| format!(" +{}", view.who.username));
    let leaves = leaves.iter().map(|view| format!(" -{}", view.who.username));
    joins.chain(leaves).collect()
}

fn statuses(mark: &str, views: &[PresenceView]) -> String {
    let texts = views
        .iter()
        .map(|view| format!(" {mark}{}={}", view.who.username, view.status));
    texts.collect()
}
