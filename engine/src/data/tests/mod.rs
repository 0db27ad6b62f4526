//! A match that asks what it is told to, and what comes of it.

mod functions;
mod limits;
mod matches;
mod systems;

use std::time::Duration;

use crate::{
    DataOutcome, DataReply, DataRequest, MatchId, MatchParams, Now, StorageObject, StoreReply,
    StoreRequest,
    channel::stage::{Stage, user},
    prelude::*,
};

/// A match that asks what signals tell it, and keeps a log of the answers.
#[derive(Component, Default)]
struct Clerk {
    log: Vec<String>,
    reading: Option<Ask<Vec<StorageObject>>>,
}

impl MatchKind for Clerk {
    const NAME: &'static str = "clerk";

    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self::default()).tick_rate(10))
    }
}

fn obey(mut matches: Matches<Clerk>, mut storage: Storage, mut notifications: Notifications) {
    matches.each(|game| match game.signal() {
        Some("read") => game.state.reading = Some(storage.read([object("a")]).for_match(game)),
        Some("flood") => {
            for _ in 0..65 {
                storage.read([object("a")]).for_match(game);
            }
        }
        Some("nonsense") => drop(storage.read([]).for_match(game)),
        Some("tell") => {
            let told = (user(0), new_notification());
            notifications.send([told]).for_match(game);
        }
        Some("end") => {
            let write = ObjectWrite::new(object("a"), "{}");
            storage.write([write]).for_match(game);
            game.end();
        }
        _ => {}
    });
}

fn note(mut matches: Matches<Clerk>) {
    matches.each(|game| {
        if let Some(objects) = game.state.reading.and_then(|ask| game.answer_to(ask)) {
            let count = objects.map(|objects| objects.len());
            game.state.log.push(format!("read {count:?}"));
        }
        let (state, context) = game.split();
        for answered in context.answers() {
            let text = match &answered.outcome {
                Ok(DataReply::Objects(objects)) => objects.len().to_string(),
                Ok(_) => "done".to_owned(),
                Err(error) => error.to_string(),
            };
            state.log.push(format!("{} {text}", answered.id.0));
        }
    });
}

fn object(key: &str) -> ObjectId {
    ObjectId::of_server("test", key)
}

fn new_notification() -> NewNotification {
    NewNotification {
        subject: "hello".to_owned(),
        content: serde_json::Map::new(),
        code: 1,
        sender: UserId::SYSTEM,
        persistent: true,
    }
}

/// Two clients and so many clerks.
fn stage_with(clerks: usize) -> (Stage, Vec<MatchId>) {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage
        .app
        .add_match::<Clerk>()
        .add_systems(MatchSignal, obey)
        .add_systems(MatchLoop, note);
    let create = |_| {
        let params = MatchParams::new();
        stage.world().match_create("clerk", &params).unwrap()
    };
    let ids = (0..clerks).map(create).collect();
    (stage, ids)
}

impl Stage {
    fn tell(&mut self, id: MatchId, order: &str) {
        // A match that ends has no answer.
        drop(self.world().match_signal(id, order));
        self.pass();
    }

    /// Every match ticks once.
    fn tick(&mut self) {
        self.world().resource_mut::<Now>().elapsed += Duration::from_millis(100);
        self.pass();
    }

    /// The log of the only match, emptied.
    fn log(&mut self) -> Vec<String> {
        let world = self.world();
        let mut clerks = world.query::<&mut Clerk>();
        let mut clerk = clerks.single_mut(world).unwrap();
        std::mem::take(&mut clerk.log)
    }

    /// The database answers the oldest question about data.
    fn reply(&mut self, outcome: DataOutcome) -> DataRequest {
        let reply = StoreReply::Data(Box::new(outcome));
        let StoreRequest::Data(request) = self.answer(Ok(reply)) else {
            panic!("not about data");
        };
        *request
    }
}
