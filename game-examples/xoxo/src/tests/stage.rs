//! An engine with players, time that is cranked by hand, and a database in memory.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;
use tiltyard::{
    DataError, DataOutcome, DataReply, DataRequest, EnginePlugin, Event, ExpectedVersion, Inbound,
    InboundSender, Limits, MatchData, MatchTarget, MatchText, NodeName, Now, ObjectAck, Opening,
    Outbound, Outbox, Page, Pass, Permit, Reply, Request, Slot, Spelled, StorageObject,
    StoreFailure, StoreId, StoreReply, StoreRequest, Transport, parse_uuid, prelude::*,
};

/// Passes a second.
const PASS_RATE_HZ: u32 = 20;

pub(super) struct Stage {
    app: App,
    replies: Vec<(u32, Reply)>,
    events: Vec<(u32, Event)>,
    /// What was told, and to whom.
    pub(super) told: Vec<(UserId, String)>,
    pub(super) objects: BTreeMap<ObjectId, StorageObject>,
    versions: u32,
    /// What the database was asked and has not answered.
    pub(super) asked: Vec<(StoreId, StoreRequest)>,
    /// Whether the database answers by itself.
    pub(super) is_up: bool,
    connections: u32,
}

/// A connection of a user.
#[derive(Clone, Copy)]
pub(super) struct Player {
    connection: u32,
    pub(super) user: UserId,
    name: &'static str,
}

impl Stage {
    pub(super) fn new() -> Self {
        let mut app = App::empty();
        let node = NodeName::new("stage").unwrap();
        app.add_plugins(EnginePlugin {
            node,
            limits: Limits::default(),
        });
        crate::plugin(&mut app);
        Self {
            app,
            replies: Vec::new(),
            events: Vec::new(),
            told: Vec::new(),
            objects: BTreeMap::new(),
            versions: 0,
            asked: Vec::new(),
            is_up: true,
            connections: 0,
        }
    }

    /// Connects the user with this number.
    pub(super) fn connect(&mut self, number: u32, name: &'static str) -> Player {
        self.connections += 1;
        let connection = self.connections;
        let user = UserId(parse_uuid(&format!("{number:032x}")).unwrap());
        self.push(Inbound::Opened(Box::new(Opening {
            slot: slot(connection),
            session_id: SessionId(parse_uuid(&format!("{:032x}", connection + 1000)).unwrap()),
            user_id: user,
            username: name.into(),
            vars: Arc::default(),
            expires: 0,
            lang: "en".into(),
            client_ip: "127.0.0.1".into(),
            client_port: 1,
            online: false,
        })));
        self.step();
        Player {
            connection,
            user,
            name,
        }
    }

    /// Loses a connection, and connects the same user again.
    pub(super) fn reconnect(&mut self, player: Player) -> Player {
        let number = u32::try_from(player.user.0.as_u128()).unwrap();
        self.lose(player);
        self.connect(number, player.name)
    }

    pub(super) fn lose(&mut self, player: Player) {
        let slot = slot(player.connection);
        self.push(Inbound::Closed { slot });
        self.step();
    }

    pub(super) fn send(&mut self, player: Player, request: Request) {
        self.push(Inbound::Request {
            slot: slot(player.connection),
            cid: Some("1".into()),
            request,
            permit: Permit::free(),
        });
    }

    /// The next reply to a player, if it is there.
    pub(super) fn reply(&mut self, player: Player) -> Option<Reply> {
        let mut replies = self.replies.iter();
        let place = replies.position(|(connection, _)| *connection == player.connection)?;
        Some(self.replies.remove(place).1)
    }

    fn ask(&mut self, player: Player, request: Request) -> Reply {
        self.send(player, request);
        for _ in 0..10 {
            self.step();
            if let Some(reply) = self.reply(player) {
                return reply;
            }
        }
        panic!("no reply");
    }

    /// Calls a function.
    pub(super) fn call(
        &mut self,
        player: Player,
        id: &str,
        payload: &str,
    ) -> Result<Value, String> {
        read(self.ask(player, rpc(id, payload)))
    }

    /// The id of the match that a function answers with.
    pub(super) fn find(&mut self, player: Player, id: &str, payload: &str) -> MatchId {
        match_id(&self.call(player, id, payload).unwrap())
    }

    pub(super) fn join(&mut self, player: Player, id: MatchId) -> bool {
        let request = Request::MatchJoin {
            target: MatchTarget::Id(spelled(id)),
            metadata: BTreeMap::new(),
        };
        matches!(self.ask(player, request), Reply::Match(_))
    }

    /// A player plays a move, and the next tick sees it.
    pub(super) fn play(&mut self, player: Player, id: MatchId, cell: u8) {
        let data = MatchData {
            match_id: MatchText::Canonical(id),
            op_code: crate::wire::OP_MOVE,
            data: format!(r#"{{"cell":{cell}}}"#).into(),
            to: Vec::new(),
            addressed: false,
            reliable: true,
            datagram: false,
        };
        self.send(player, Request::MatchDataSend(data));
        self.run(Duration::from_millis(400));
    }

    /// The last state that a player saw.
    pub(super) fn state(&self, player: Player) -> Value {
        let seen = self.events.iter().rev();
        let mut seen = seen.filter(|(connection, _)| *connection == player.connection);
        let data = seen.find_map(|(_, event)| match event {
            Event::MatchData(data) if data.op_code == crate::wire::OP_STATE => Some(&data.data),
            _ => None,
        });
        serde_json::from_slice(data.unwrap()).unwrap()
    }

    pub(super) fn is_running(&mut self, id: MatchId) -> bool {
        self.app.world_mut().match_get(id).is_some()
    }

    pub(super) fn run(&mut self, time: Duration) {
        for _ in 0..time.as_millis() * u128::from(PASS_RATE_HZ) / 1000 {
            self.step();
        }
    }

    /// One pass. Whatever the database was asked is answered in the next one.
    pub(super) fn step(&mut self) {
        let world = self.app.world_mut();
        let mut now = world.resource_mut::<Now>();
        now.pass += 1;
        now.elapsed += Duration::from_secs(1) / PASS_RATE_HZ;
        world.run_schedule(Pass);
        for outbound in world.resource_mut::<Outbox>().take() {
            match outbound {
                Outbound::Reply { to, reply, .. } => self.replies.push((to.index, reply)),
                Outbound::Event { to, event } => {
                    for slot in to.as_slice() {
                        self.events.push((slot.index, event.clone()));
                    }
                }
                Outbound::Store { id, request } => self.asked.push((id, request)),
                _ => {}
            }
        }
        while self.is_up && !self.asked.is_empty() {
            self.answer(0);
        }
    }

    /// The database answers one of its questions.
    pub(super) fn answer(&mut self, place: usize) {
        let (id, request) = self.asked.remove(place);
        let reply = match request {
            StoreRequest::Data(request) => StoreReply::Data(Box::new(self.look_up(*request))),
            StoreRequest::InsertNotifications(told) => {
                let told = told
                    .iter()
                    .map(|(user, told)| (*user, told.subject.clone()));
                self.told.extend(told);
                StoreReply::Done
            }
            other => panic!("not asked in this game: {other:?}"),
        };
        let outcome = Ok(reply);
        self.push(Inbound::Stored { id, outcome });
    }

    /// The database fails at all its questions.
    pub(super) fn fail_all(&mut self) {
        for (id, _) in std::mem::take(&mut self.asked) {
            let outcome = Err(StoreFailure::Failed);
            self.push(Inbound::Stored { id, outcome });
        }
    }

    /// The server is asked to stop.
    pub(super) fn stop(&mut self, grace: Duration) {
        self.push(Inbound::Shutdown { grace });
    }

    /// Somebody else writes an object.
    pub(super) fn write(&mut self, id: ObjectId, value: &str) {
        self.keep(ObjectWrite::new(id, value));
    }

    /// The database does everything it was asked, and does not get to say so.
    pub(super) fn make_but_fail(&mut self) {
        for (_, request) in &self.asked.clone() {
            if let StoreRequest::Data(request) = request {
                assert!(self.look_up((**request).clone()).is_ok());
            }
        }
        self.fail_all();
    }

    fn look_up(&mut self, request: DataRequest) -> DataOutcome {
        match request {
            DataRequest::ReadObjects(ids) => {
                let found = ids.iter().filter_map(|id| self.objects.get(id).cloned());
                Ok(DataReply::Objects(found.collect()))
            }
            DataRequest::ListObjects {
                collection, owner, ..
            } => {
                let objects = self.objects.values().filter(|object| {
                    object.id.collection == collection && Some(object.id.owner) == owner
                });
                let items = objects.cloned().collect();
                Ok(DataReply::ObjectPage(Page {
                    items,
                    cursor: None,
                }))
            }
            DataRequest::WriteObjects(writes) => {
                let meets = |write: &ObjectWrite| {
                    let version = self.objects.get(&write.id).map(|found| &found.version);
                    match &write.expected {
                        ExpectedVersion::Any => true,
                        ExpectedVersion::Absent => version.is_none(),
                        ExpectedVersion::Is(expected) => version == Some(expected),
                    }
                };
                if !writes.iter().all(meets) {
                    return Err(DataError::Conflict);
                }
                let acks = writes.into_iter().map(|write| self.keep(write));
                Ok(DataReply::ObjectAcks(acks.collect()))
            }
            DataRequest::DeleteObjects(objects) => {
                let known = |id: &ObjectId| self.objects.contains_key(id);
                if !objects.iter().all(|object| known(&object.id)) {
                    return Err(DataError::NotFound);
                }
                for object in objects {
                    self.objects.remove(&object.id);
                }
                Ok(DataReply::Done)
            }
            _ => Err(DataError::Failed),
        }
    }

    fn keep(&mut self, write: ObjectWrite) -> ObjectAck {
        self.versions += 1;
        let version = self.versions.to_string();
        let object = StorageObject {
            id: write.id.clone(),
            value: write.value,
            version: version.clone(),
            read: write.read,
            write: write.write,
            create_us: 1,
            update_us: 1,
        };
        self.objects.insert(write.id.clone(), object);
        ObjectAck {
            id: write.id,
            version,
            create_us: 1,
            update_us: 1,
        }
    }

    fn push(&mut self, inbound: Inbound) {
        let queue = self.app.world().resource::<InboundSender>();
        queue.0.try_send(inbound).unwrap();
    }
}

pub(super) fn rpc(id: &str, payload: &str) -> Request {
    Request::Rpc {
        id: id.to_owned(),
        payload: payload.to_owned(),
    }
}

/// What a function answered.
pub(super) fn read(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::Rpc { payload, .. } => Ok(serde_json::from_str(&payload).unwrap()),
        Reply::Error(error) => Err(error.message.to_string()),
        other => panic!("not an answer: {other:?}"),
    }
}

pub(super) fn match_id(answer: &Value) -> MatchId {
    MatchId::parse(answer["match_id"].as_str().unwrap()).unwrap()
}

const fn slot(connection: u32) -> Slot {
    Slot {
        thread: 0,
        encoding: 0,
        transport: Transport::WebSocket,
        index: connection,
        generation: 0,
    }
}

fn spelled(id: MatchId) -> Spelled<MatchId> {
    Spelled {
        id,
        text: id.to_string().into(),
    }
}
