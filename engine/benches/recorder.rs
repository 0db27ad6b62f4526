//! What the flight recorder costs: a pass with its stopwatch running, and the same pass without.
//!
//! `cargo bench -p tiltyard --bench recorder` prints one line for each world. The two are measured in turn,
//! so that a busy machine is busy for both. What the recorder counts without a stopwatch is in both.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::{
    collections::BTreeMap,
    fs,
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
/// Seconds of game time in a sample.
const SAMPLE_SECONDS: u32 = 2;
const SAMPLES: usize = 9;

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
        "{:>8} {:>8} {:>4} {:>16} {:>16} {:>22}",
        "matches", "players", "Hz", "ns/pass without", "ns/pass with", "difference (spread)"
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
        let mut samples: Vec<(f64, f64)> = (0..SAMPLES)
            .map(|_| (without.sample(), with.sample()))
            .collect();
        let share = |(without, with): &(f64, f64)| (with / without - 1.0) * 100.0;
        samples.sort_by(|a, b| share(a).total_cmp(&share(b)));
        let (middle, least, most) = (samples[SAMPLES / 2], samples[0], samples[SAMPLES - 1]);
        println!(
            "{matches:>8} {:>8} {rate:>4} {:>16.0} {:>16.0} {:>22}",
            matches * players,
            middle.0,
            middle.1,
            format!(
                "{:+.1} % ({:+.1} to {:+.1})",
                share(&middle),
                share(&least),
                share(&most)
            ),
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
        for _ in 0..PASS_RATE_HZ * SAMPLE_SECONDS {
            self.step();
        }
    }

    /// Nanoseconds a pass, of this thread alone.
    fn sample(&mut self) -> f64 {
        let begun = cpu_ns();
        self.run();
        (cpu_ns() - begun) / f64::from(PASS_RATE_HZ * SAMPLE_SECONDS)
    }
}

/// CPU time of this thread.
fn cpu_ns() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = stat.split(' ').next().and_then(|ns| ns.parse().ok());
    ns.unwrap_or(0.0)
}
