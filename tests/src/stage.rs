//! An engine without sockets and with time that is cranked by hand.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bevy_ecs::prelude::World;
use tiltyard::{
    Answer, Call, CallId, Disagreements, EnginePlugin, Event, Inbound, InboundSender, Limits,
    MatchData, MatchId, MatchTarget, MatchText, NodeName, Now, Opening, Outbound, Outbox, Pass,
    Permit, Reply, Request, SessionId, Slot, Spelled, UserId, prelude::*,
};
use uuid::Uuid;

/// Passes a second of a stage.
const PASS_RATE_HZ: u64 = 240;

/// An engine and its clients.
pub struct Stage {
    /// The app under test.
    pub app: App,
    pass: u64,
    clients: Vec<Client>,
    calls: BTreeMap<u64, Answer>,
}

/// One client: who it is and what it received.
#[derive(Debug)]
pub struct Client {
    slot: Slot,
    /// Its user.
    pub user_id: UserId,
    /// Its session.
    pub session_id: SessionId,
    replies: Vec<Reply>,
    events: Vec<Event>,
    closed: Option<&'static str>,
}

/// Names a client of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Player(pub usize);

impl Stage {
    /// An engine to which `register` adds its games.
    pub fn new(register: impl FnOnce(&mut App)) -> Self {
        Self::with_limits(Limits::default(), register)
    }

    /// The same, with other limits.
    pub fn with_limits(limits: Limits, register: impl FnOnce(&mut App)) -> Self {
        let mut app = App::empty();
        let node = NodeName::new("stage").expect("five bytes");
        app.add_plugins(EnginePlugin { node, limits });
        register(&mut app);
        app.finish();
        app.cleanup();
        Self {
            app,
            pass: 0,
            clients: Vec::new(),
            calls: BTreeMap::new(),
        }
    }

    /// The world.
    pub fn world(&mut self) -> &mut World {
        self.app.world_mut()
    }

    /// A new client, connected and with nothing received.
    pub fn connect(&mut self, username: &str) -> Player {
        self.connect_as(
            username,
            UserId(Uuid::from_u128(0x1000 + self.clients.len() as u128)),
        )
    }

    /// A new client of this user.
    pub fn connect_as(&mut self, username: &str, user_id: UserId) -> Player {
        let index = self.clients.len();
        let slot = Slot {
            thread: 0,
            encoding: 0,
            transport: tiltyard::Transport::WebSocket,
            index: u32::try_from(index).expect("few clients"),
            generation: 1,
        };
        let session_id = SessionId(Uuid::from_u128(0x2000 + index as u128));
        self.clients.push(Client {
            slot,
            user_id,
            session_id,
            replies: Vec::new(),
            events: Vec::new(),
            closed: None,
        });
        self.push(Inbound::Opened(Box::new(Opening {
            slot,
            session_id,
            user_id,
            username: username.into(),
            vars: Arc::default(),
            expires: 0,
            lang: "en".into(),
            client_ip: "127.0.0.1".into(),
            client_port: 1,
            online: false,
        })));
        self.step();
        Player(index)
    }

    /// What a client is and has received.
    pub fn client(&self, player: Player) -> &Client {
        &self.clients[player.0]
    }

    /// The carrier of a client is lost.
    pub fn lose(&mut self, player: Player) {
        let slot = self.clients[player.0].slot;
        self.push(Inbound::Closed { slot });
    }

    /// A client asks for something; nothing happens before the next step.
    pub fn send(&mut self, player: Player, request: Request) {
        let slot = self.clients[player.0].slot;
        self.push(Inbound::Request {
            slot,
            cid: Some("1".into()),
            request,
            permit: Permit::free(),
        });
    }

    /// A client asks for something and gets an answer.
    ///
    /// # Panics
    ///
    /// If there is none within ten passes.
    pub fn ask(&mut self, player: Player, request: Request) -> Reply {
        let answered = self.clients[player.0].replies.len();
        self.send(player, request);
        for _ in 0..10 {
            self.step();
            if let Some(reply) = self.clients[player.0].replies.get(answered) {
                return reply.clone();
            }
        }
        panic!("no answer");
    }

    /// A client joins a match and is let in or not.
    pub fn join(&mut self, player: Player, id: MatchId, metadata: &[(&str, &str)]) -> Reply {
        self.ask(player, join_request(id, metadata))
    }

    /// A client sends data to a match; nothing happens before the next step.
    pub fn send_data(&mut self, player: Player, id: MatchId, op_code: i64, data: &str) {
        self.send(player, data_request(id, op_code, data));
    }

    /// Server code makes a match.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub fn create(&mut self, kind: &str, params: &MatchParams) -> MatchId {
        self.world()
            .match_create(kind, params)
            .expect("the match is made")
    }

    /// Runs one pass, a frame later than the last one.
    ///
    /// # Panics
    ///
    /// If the engine's records do not agree afterwards.
    pub fn step(&mut self) {
        self.pass += 1;
        let elapsed = Duration::from_nanos(self.pass * 1_000_000_000 / PASS_RATE_HZ);
        let unix_ms = 1_700_000_000_000 + i64::try_from(elapsed.as_millis()).expect("a short test");
        let pass = self.pass;
        let world = self.app.world_mut();
        *world.resource_mut::<Now>() = Now {
            elapsed,
            unix_ms,
            pass,
        };
        world.run_schedule(Pass);
        let outbound = world.resource_mut::<Outbox>().take();
        let disagreements = *world.resource::<Disagreements>();
        assert_eq!(
            disagreements,
            Disagreements(0),
            "the engine's records agree"
        );
        for entry in outbound {
            self.deliver(entry);
        }
    }

    /// Lets the next pass come later by so many frames, which are left out.
    pub const fn miss(&mut self, passes: u64) {
        self.pass += passes;
    }

    /// Runs passes for this long.
    pub fn run(&mut self, time: Duration) {
        let passes = time.as_nanos() * u128::from(PASS_RATE_HZ) / 1_000_000_000;
        for _ in 0..passes {
            self.step();
        }
    }

    /// Asks the engine from outside.
    ///
    /// # Panics
    ///
    /// If the next pass does not answer.
    pub fn call(&mut self, call: Call) -> Answer {
        let id = self.pass;
        self.push(Inbound::Call {
            id: CallId(id),
            call: Box::new(call),
        });
        self.step();
        self.calls.remove(&id).expect("the next pass answers")
    }

    /// Puts anything into the queue.
    ///
    /// # Panics
    ///
    /// If the queue is full.
    pub fn push(&mut self, inbound: Inbound) {
        let sender = self.world().resource::<InboundSender>().0.clone();
        assert!(sender.try_send(inbound).is_ok(), "the queue has room");
    }

    fn deliver(&mut self, entry: Outbound) {
        match entry {
            Outbound::Reply { to, reply, .. } => {
                self.clients[to.index as usize].replies.push(reply)
            }
            Outbound::Event { to, event } => {
                for slot in to.as_slice() {
                    self.clients[slot.index as usize].events.push(event.clone());
                }
            }
            Outbound::Close { slot, reason } => {
                self.clients[slot.index as usize].closed = Some(reason)
            }
            Outbound::Answer { id, answer } => drop(self.calls.insert(id.0, answer)),
            _ => {}
        }
    }
}

impl Client {
    /// The events so far, taken out.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The events so far.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The match data so far, as op code and text.
    pub fn match_data(&self) -> Vec<(i64, String)> {
        let data = self.events.iter().filter_map(|event| match event {
            Event::MatchData(data) => Some((
                data.op_code,
                String::from_utf8_lossy(&data.data).into_owned(),
            )),
            _ => None,
        });
        data.collect()
    }

    /// Why the engine closed it, if it did.
    pub const fn closed(&self) -> Option<&'static str> {
        self.closed
    }
}

impl Stage {
    /// The events that a client received since the last time, taken out.
    pub fn take_events(&mut self, player: Player) -> Vec<Event> {
        self.clients[player.0].take_events()
    }
}

/// A request to join a match.
pub fn join_request(id: MatchId, metadata: &[(&str, &str)]) -> Request {
    let metadata = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Request::MatchJoin {
        target: MatchTarget::Id(spelled(id)),
        metadata,
    }
}

/// Data for a match.
pub fn data_request(id: MatchId, op_code: i64, data: &str) -> Request {
    Request::MatchDataSend(MatchData {
        match_id: MatchText::Canonical(id),
        op_code,
        data: data.to_owned().into(),
        to: Vec::new(),
        addressed: false,
        reliable: true,
        datagram: false,
    })
}

fn spelled(id: MatchId) -> Spelled<MatchId> {
    Spelled {
        id,
        text: id.to_string().into(),
    }
}
