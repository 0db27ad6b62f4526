//! What matches without players cost: CPU time of a match-tick and memory of a match, by their number.
//!
//! `cargo bench -p tiltyard --bench ticks` prints one line for each number of matches and each rate. The passes
//! are those of a server, 240 a second, on a clock that does not wait.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::{fs, time::Duration};

use bevy_app::App;
use bevy_ecs::prelude::*;
use tiltyard::{
    EnginePlugin, GameApp, Limits, MatchError, MatchFunctions, MatchInit, MatchKind, MatchLoop,
    MatchParams, Matches, NodeName, Now, Outbox, Pass,
};

const PASS_RATE_HZ: u32 = 240;
const SAMPLES: usize = 5;
/// Seconds of game time in a sample.
const SAMPLE_SECONDS: u32 = 2;

/// Answers what it gets, and gets nothing.
#[derive(Component)]
struct Quiet {
    ticks: u64,
}

impl MatchKind for Quiet {
    const NAME: &'static str = "quiet";

    fn init(params: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        let rate = params.get("rate").and_then(serde_json::Value::as_i64);
        Ok(MatchInit::new(Self { ticks: 0 }).tick_rate(rate.unwrap_or(10)))
    }
}

fn answer(mut matches: Matches<Quiet>) {
    matches.each(|game| {
        game.state.ticks += 1;
        for message in game.take_messages() {
            game.broadcast(1, message.data).to(message.sender).send();
        }
    });
}

fn main() {
    println!(
        "{:>8} {:>6} {:>14} {:>20} {:>12}",
        "matches", "Hz", "ns/match-tick", "(least-most)", "KiB/match"
    );
    for (matches, rate) in [
        (1_000, 10),
        (10_000, 10),
        (50_000, 10),
        (100_000, 10),
        (10_000, 60),
        (10_000, 1),
    ] {
        let before = resident_kib();
        let mut stage = Stage::new(matches, rate);
        let kib = (resident_kib() - before) / f64::from(matches);
        stage.run();
        let mut samples: Vec<f64> = (0..SAMPLES).map(|_| stage.sample()).collect();
        samples.sort_by(f64::total_cmp);
        println!(
            "{matches:>8} {rate:>6} {:>14.1} {:>20} {kib:>12.2}",
            samples[SAMPLES / 2],
            format!("({:.1}-{:.1})", samples[0], samples[SAMPLES - 1]),
        );
    }
}

struct Stage {
    app: App,
    pass: u32,
    ticks: f64,
}

impl Stage {
    fn new(matches: u32, rate: u32) -> Self {
        let mut app = App::new();
        app.add_plugins(EnginePlugin {
            node: NodeName::new("bench").expect("a name"),
            limits: Limits::default(),
        })
        .add_match::<Quiet>()
        .add_systems(MatchLoop, answer);
        app.finish();
        app.cleanup();
        let params = serde_json::json!({ "rate": rate });
        let params = MatchParams(params.as_object().expect("an object").clone());
        let mut stage = Self {
            app,
            pass: 0,
            ticks: f64::from(matches * rate * SAMPLE_SECONDS),
        };
        for number in 0..matches {
            let created = stage.app.world_mut().match_create(Quiet::NAME, &params);
            created.expect("there is room");
            if number % 250 == 249 {
                stage.step();
            }
        }
        stage
    }

    fn step(&mut self) {
        let world = self.app.world_mut();
        let mut now = world.resource_mut::<Now>();
        now.elapsed = Duration::from_secs(1) * self.pass / PASS_RATE_HZ;
        now.pass = u64::from(self.pass);
        self.pass += 1;
        world.run_schedule(Pass);
        world.resource_mut::<Outbox>().take();
    }

    fn run(&mut self) {
        for _ in 0..PASS_RATE_HZ * SAMPLE_SECONDS {
            self.step();
        }
    }

    /// Nanoseconds a match-tick, of this thread alone.
    fn sample(&mut self) -> f64 {
        let begun = cpu_ns();
        self.run();
        (cpu_ns() - begun) / self.ticks
    }
}

/// CPU time of this thread.
fn cpu_ns() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = stat.split(' ').next().and_then(|ns| ns.parse().ok());
    ns.unwrap_or(0.0)
}

fn resident_kib() -> f64 {
    let status = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0.0) * 4.0
}
