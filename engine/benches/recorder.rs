//! What the flight recorder costs: a pass with its stopwatch running, and the same pass without.
//!
//! `cargo bench -p tiltyard --bench recorder` prints one line for each world. The two are measured in turn, pass
//! by pass. A world repeats itself every second; of each pass of that second the quickest run counts, and the
//! mean over the second is shown, so that what else the machine does stays out of it. What the recorder counts
//! without a stopwatch is in both.
//!
//! These are passes of the engine alone, with rules that do next to nothing, so the last column is the one that
//! tells: the share of a core at 240 passes a second, beside what a server with so many players needs anyway.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(
    clippy::disallowed_types,
    reason = "a bench lends the engine its clock"
)]

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bevy_app::App;
use bevy_ecs::prelude::*;
use tiltyard::{
    EnginePlugin, FlightRecorder, GameApp, Inbound, InboundSender, Limits, MatchError,
    MatchFunctions, MatchId, MatchInit, MatchKind, MatchLoop, MatchParams, MatchTarget, Matches,
    NodeName, Now, Opening, Outbox, Pass, Permit, Request, SessionId, Slot, Spelled, Transport,
    UserId,
};
use uuid::Uuid;

const PASS_RATE_HZ: u32 = 240;
/// Seconds of game time.
const SECONDS: u32 = 30;

/// Eight bodies that move, and a broadcast of where they are: a small game.
#[derive(Component)]
struct Bodies([[f32; 4]; 8]);

impl MatchKind for Bodies {
    const NAME: &'static str = "bodies";

    fn init(params: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        let rate = params.get("rate").and_then(serde_json::Value::as_i64);
        Ok(MatchInit::new(Self([[1.0; 4]; 8])).tick_rate(rate.unwrap_or(30)))
    }
}

fn advance(mut matches: Matches<Bodies>) {
    matches.each(|game| {
        let mut state = Vec::with_capacity(64);
        for [x, y, vx, vy] in &mut game.state.0 {
            *x += *vx;
            *y += *vy;
            state.extend_from_slice(&x.to_le_bytes());
            state.extend_from_slice(&y.to_le_bytes());
        }
        game.broadcast(1, state).send();
    });
}

fn main() {
    println!(
        "{:>8} {:>8} {:>4} {:>16} {:>16} {:>12} {:>12}",
        "matches", "players", "Hz", "ns/pass without", "ns/pass with", "difference", "of a core"
    );
    for (matches, players, rate) in [
        (0, 0, 30),
        (10_000, 0, 10),
        (100_000, 0, 10),
        (40, 8, 30),
        (500, 8, 30),
    ] {
        let mut without = Stage::new(matches, players, rate);
        let mut with = Stage::new(matches, players, rate);
        let mut flight = with.app.world_mut().resource_mut::<FlightRecorder>();
        flight.set_stopwatch(nanoseconds);
        let mut least = [[u64::MAX; PASS_RATE_HZ as usize]; 2];
        for _ in 0..SECONDS {
            for pass in 0..PASS_RATE_HZ as usize {
                for (stage, least) in [&mut without, &mut with].into_iter().zip(&mut least) {
                    let begun = nanoseconds();
                    stage.step();
                    least[pass] = least[pass].min(nanoseconds() - begun);
                }
            }
        }
        let [without, with] = least.map(|least| {
            let sum = least.iter().sum::<u64>();
            f64::from(u32::try_from(sum).expect("a second")) / f64::from(PASS_RATE_HZ)
        });
        let difference = with - without;
        let core = difference * f64::from(PASS_RATE_HZ) / 1e9 * 100.0;
        let (players, core) = (matches * players, format!("{core:+.3} %"));
        println!(
            "{matches:>8} {players:>8} {rate:>4} {without:>16.0} {with:>16.0} {difference:>12.0} {core:>12}"
        );
    }
}

fn nanoseconds() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

struct Stage {
    app: App,
    pass: u32,
    connections: u32,
}

impl Stage {
    fn new(matches: u32, players: u32, rate: u32) -> Self {
        let mut app = App::new();
        app.add_plugins(EnginePlugin {
            node: NodeName::new("bench").expect("a name"),
            limits: Limits::default(),
        })
        .add_match::<Bodies>()
        .add_systems(MatchLoop, advance);
        app.finish();
        app.cleanup();
        let mut stage = Self {
            app,
            pass: 0,
            connections: 0,
        };
        let params = MatchParams::new().with("rate", rate);
        for number in 0..matches {
            let created = stage
                .app
                .world_mut()
                .match_create(Bodies::NAME, &params)
                .expect("there is room");
            for _ in 0..players {
                stage.join(created);
            }
            if number % 250 == 249 || players > 0 {
                stage.step();
            }
        }
        stage.run();
        stage
    }

    fn join(&mut self, match_id: MatchId) {
        self.connections += 1;
        let id = Uuid::from_u128(self.connections.into());
        let slot = Slot {
            thread: 0,
            encoding: 0,
            transport: Transport::WebSocket,
            index: self.connections,
            generation: 0,
        };
        let opening = Opening {
            slot,
            session_id: SessionId(id),
            user_id: UserId(id),
            username: id.to_string().into(),
            vars: Arc::default(),
            expires: 0,
            lang: "en".into(),
            client_ip: "127.0.0.1".into(),
            client_port: 1,
            online: false,
        };
        let request = Request::MatchJoin {
            target: MatchTarget::Id(Spelled {
                id: match_id,
                text: match_id.to_string().into(),
            }),
            metadata: BTreeMap::new(),
        };
        let queue = &self.app.world().resource::<InboundSender>().0;
        for inbound in [
            Inbound::Opened(Box::new(opening)),
            Inbound::Request {
                slot,
                cid: None,
                request,
                permit: Permit::free(),
            },
        ] {
            queue.try_send(inbound).expect("there is room");
        }
    }

    fn step(&mut self) {
        let world = self.app.world_mut();
        let mut now = world.resource_mut::<Now>();
        now.elapsed = Duration::from_secs(1) * self.pass / PASS_RATE_HZ;
        // The audit of release builds is in neither.
        now.pass = 1;
        self.pass += 1;
        world.run_schedule(Pass);
        world.resource_mut::<Outbox>().take();
    }

    fn run(&mut self) {
        for _ in 0..2 * PASS_RATE_HZ {
            self.step();
        }
    }
}
