//! What single steps cost: reading and writing messages, queries, passes.
//!
//! `cargo bench -p tiltyard-tests --bench micro`

use std::{hint::black_box, time::Duration};

use bevy_app::App;
use criterion::{Criterion, Throughput};
use serde_json::json;
use tiltyard::{
    EnginePlugin, Limits, NodeName, Now, Outbox, Pass,
    prelude::*,
    query::{Document, Index, Query},
};
use tiltyard_proto::{
    decode_protobuf, encode_protobuf, json as wire_json,
    match_data::{self, MatchDataParts, PresenceParts},
    realtime::{Envelope, MatchDataSend, envelope::Message},
};

const MATCH_ID: &str = "06488fd0-1c2b-4a3d-8e4f-0123456789ab.tiltyard";
const SESSION_ID: &str = "16488fd0-1c2b-4a3d-8e4f-0123456789ab";
/// Bytes of match data: a record of the arena, and a snapshot of eight.
const SIZES: [usize; 2] = [64, 520];

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(50)
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    codec(&mut criterion);
    queries(&mut criterion);
    passes(&mut criterion);
    criterion.final_summary();
}

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("match data");
    for size in SIZES {
        let data = vec![7; size];
        let parts = MatchDataParts {
            match_id: MATCH_ID,
            presence: Some(PresenceParts {
                user_id: SESSION_ID,
                session_id: SESSION_ID,
                username: "alice",
            }),
            op_code: 2,
            data: &data,
            reliable: true,
        };
        let sent = Envelope {
            cid: String::new(),
            message: Some(Message::MatchDataSend(MatchDataSend {
                match_id: MATCH_ID.to_owned(),
                op_code: 1,
                data: data.clone(),
                presences: Vec::new(),
                reliable: true,
            })),
        };
        let (binary, text) = (encode_protobuf(&sent), wire_json::to_string(&sent));
        group.throughput(Throughput::Bytes(size as u64));
        let mut out = Vec::new();
        group.bench_function(format!("write protobuf, {size} bytes"), |bencher| {
            bencher.iter(|| {
                out.clear();
                match_data::write_protobuf(black_box(&parts), &mut out);
            });
        });
        group.bench_function(format!("write JSON, {size} bytes"), |bencher| {
            bencher.iter(|| {
                out.clear();
                match_data::write_json(black_box(&parts), &mut out);
            });
        });
        group.bench_function(format!("read protobuf, {size} bytes"), |bencher| {
            bencher.iter(|| match_data::read_protobuf(black_box(&binary)));
        });
        group.bench_function(format!("read any protobuf, {size} bytes"), |bencher| {
            bencher.iter(|| decode_protobuf(black_box(&binary)));
        });
        group.bench_function(format!("read JSON, {size} bytes"), |bencher| {
            bencher.iter(|| wire_json::from_slice::<Envelope>(black_box(text.as_bytes())));
        });
    }
    group.finish();
}

fn queries(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("query");
    let mut index = Index::new();
    for number in 0..10_000_u32 {
        let mode = ["duel", "melee", "siege"][number as usize % 3];
        let label = json!({ "mode": mode, "level": number % 100, "open": number % 7 == 0 });
        index.insert(number, Document::builder().json("label", &label).build());
    }
    for text in [
        "+label.mode:duel",
        "+label.mode:duel +label.level:>90 +label.open:T",
        "label.level:>=10 label.level:<=20",
        "+label.mode:/s.*e/",
    ] {
        group.bench_function(format!("compile {text}"), |bencher| {
            bencher.iter(|| Query::parse(black_box(text)).and_then(|query| query.compile()));
        });
        let query = Query::parse(text).and_then(|query| query.compile());
        let query = query.expect("a good query");
        group.bench_function(format!("search 10,000 labels for {text}"), |bencher| {
            bencher.iter(|| index.search(black_box(&query)));
        });
    }
    group.finish();
}

/// Answers nobody.
#[derive(Component)]
struct Quiet;

impl MatchKind for Quiet {
    const NAME: &'static str = "quiet";

    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self).tick_rate(30))
    }
}

fn listen(mut matches: Matches<Quiet>) {
    matches.each(|game| drop(game.take_messages()));
}

fn passes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pass");
    for count in [0, 1_000] {
        let mut app = App::new();
        app.add_plugins(EnginePlugin {
            node: NodeName::new("bench").expect("a name"),
            limits: Limits::default(),
        })
        .add_match::<Quiet>()
        .add_systems(MatchLoop, listen);
        app.finish();
        app.cleanup();
        for _ in 0..count {
            let world = app.world_mut();
            let made = world.match_create(Quiet::NAME, &MatchParams::default());
            made.expect("there is room");
        }
        group.bench_function(format!("{count} idle matches at 30 Hz"), |bencher| {
            bencher.iter(|| {
                let world = app.world_mut();
                let mut now = world.resource_mut::<Now>();
                now.elapsed += Duration::from_secs(1) / 240;
                now.pass += 1;
                world.run_schedule(Pass);
                world.resource_mut::<Outbox>().take()
            });
        });
    }
    group.finish();
}
