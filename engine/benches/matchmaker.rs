//! What a ticket of the matchmaker costs, from the request to the match.
//!
//! `cargo bench -p tiltyard --bench matchmaker` prints one line for each pool: microseconds a ticket in the
//! world's thread and in the search, each of which has a core of its own, and the longest pass, which is
//! what everybody else waits.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(
    clippy::disallowed_types,
    reason = "what measures needs a clock; what is measured has none"
)]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bevy_app::App;
use tiltyard::{
    EnginePlugin, Event, Inbound, InboundSender, Limits, MatchmakerAdd, MatchmakerOptions,
    NodeName, Now, Opening, Outbound, Outbox, Pass, Permit, Request, Search, Searcher, SessionId,
    Slot, UserId,
};
use uuid::Uuid;

/// Tickets that are measured, in as many pools as it takes.
const TICKETS_MIN: u32 = 10_000;

/// Tickets that arrive in one pass: 240 passes a second make 60,000 tickets a second.
const ARRIVALS_PER_PASS: u32 = 250;

fn main() {
    println!(
        "{:<36} {:>7} {:>8} {:>12} {:>12} {:>12} {:>14}",
        "pool", "tickets", "matched", "world us/t", "search us/t", "sum us/t", "longest ms"
    );
    for eager in [true, false] {
        let when = if eager { "at once" } else { "interval" };
        for count in [250, 1_000, 10_000, 50_000] {
            for (name, ticket) in POOLS {
                let mut spent = Spent::default();
                let rounds = (TICKETS_MIN / count).max(1);
                for _ in 0..rounds {
                    let mut stage = Stage::new(eager);
                    stage.arrive(0..count, *ticket);
                    stage.interval();
                    spent.add(&stage.spent);
                }
                spent.report(&format!("{name}, {when}"), count, rounds);
            }
        }
    }
    for residents in [1_000, 10_000, 50_000] {
        let mut stage = Stage::new(true);
        stage.arrive(0..residents, lonely);
        stage.interval();
        stage.interval();
        stage.spent = Spent::default();
        let count = 1_000;
        stage.arrive(residents..residents + count, buckets);
        let name = format!("buckets beside {residents} others");
        stage.spent.report(&name, count, 1);
    }
}

type MakeTicket = fn(u32) -> MatchmakerAdd;

const POOLS: &[(&str, MakeTicket)] = &[
    ("plain pairs", plain),
    ("buckets of 100", buckets),
    ("ranks within 5 of 1000", ranks),
    ("regions preferred", regions),
];

fn ticket(query: String) -> MatchmakerAdd {
    MatchmakerAdd {
        min_count: 2,
        max_count: 2,
        count_multiple: 1,
        query,
        string_properties: BTreeMap::new(),
        numeric_properties: BTreeMap::new(),
    }
}

fn plain(_: u32) -> MatchmakerAdd {
    ticket(String::new())
}

fn buckets(index: u32) -> MatchmakerAdd {
    let bucket = format!("b{}", index / 100);
    MatchmakerAdd {
        string_properties: [("bucket".to_owned(), bucket.clone())].into(),
        ..ticket(format!("+properties.bucket:{bucket}"))
    }
}

/// Spreads indices evenly, in no order.
fn scattered(index: u32, below: u32) -> u32 {
    index.wrapping_mul(2_654_435_761) % below
}

fn ranks(index: u32) -> MatchmakerAdd {
    let rank = i64::from(scattered(index, 1000));
    let query = format!(
        "+properties.rank:>={} +properties.rank:<={}",
        rank - 5,
        rank + 5
    );
    MatchmakerAdd {
        numeric_properties: [("rank".to_owned(), f64::from(scattered(index, 1000)))].into(),
        ..ticket(query)
    }
}

fn regions(index: u32) -> MatchmakerAdd {
    let regions = ["eu", "us", "asia", "africa"];
    let own = regions[scattered(index, 4) as usize];
    MatchmakerAdd {
        string_properties: [("region".to_owned(), own.to_owned())].into(),
        ..ticket(format!("properties.region:{own}^5 properties.region:*"))
    }
}

/// Nobody else is in this bucket.
fn lonely(index: u32) -> MatchmakerAdd {
    MatchmakerAdd {
        string_properties: [("bucket".to_owned(), format!("lonely{index}"))].into(),
        ..ticket(format!("+properties.bucket:lonely{index}"))
    }
}

struct Stage {
    app: App,
    searcher: Searcher,
    pending: Option<Search>,
    spent: Spent,
}

#[derive(Default)]
struct Spent {
    world: Duration,
    search: Duration,
    longest: Duration,
    matched: u32,
}

impl Stage {
    fn new(eager: bool) -> Self {
        let mut app = App::new();
        app.add_plugins(EnginePlugin {
            node: NodeName::new("bench").expect("five bytes"),
            limits: Limits {
                matchmaker: MatchmakerOptions {
                    eager,
                    ..MatchmakerOptions::default()
                },
                ..Limits::default()
            },
        });
        app.finish();
        app.cleanup();
        Self {
            app,
            searcher: Searcher::new(),
            pending: None,
            spent: Spent::default(),
        }
    }

    fn push(&mut self, inbound: Inbound) {
        let queue = self.app.world().resource::<InboundSender>().0.clone();
        queue.send(inbound).expect("the engine keeps the other end");
    }

    /// Players connect, which is not counted, and ask for others.
    fn arrive(&mut self, indices: std::ops::Range<u32>, make: MakeTicket) {
        for index in indices.clone() {
            self.push(Inbound::Opened(Box::new(opening(index))));
            if index % 10_000 == 9_999 {
                self.app.world_mut().run_schedule(Pass);
            }
        }
        self.app.world_mut().run_schedule(Pass);
        self.app.world_mut().resource_mut::<Outbox>().take();
        let indices: Vec<u32> = indices.collect();
        for arrivals in indices.chunks(ARRIVALS_PER_PASS as usize) {
            for index in arrivals {
                let request = Request::MatchmakerAdd(Box::new(make(*index)));
                self.push(Inbound::Request {
                    slot: slot(*index),
                    cid: None,
                    request,
                    permit: Permit::free(),
                });
            }
            self.pass();
        }
        while self.pending.is_some() {
            self.pass();
        }
    }

    fn interval(&mut self) {
        self.app.world_mut().resource_mut::<Now>().elapsed += Duration::from_secs(15);
        self.pass();
        let mut matched = u32::MAX;
        while self.pending.is_some() || matched != self.spent.matched {
            matched = self.spent.matched;
            self.pass();
        }
    }

    /// Does the search that the last pass asked for, and runs one pass.
    fn pass(&mut self) {
        let begin = Instant::now();
        let found = self
            .pending
            .take()
            .map(|search| self.searcher.search(search));
        let middle = Instant::now();
        if let Some(found) = found {
            self.push(Inbound::Found(Box::new(found)));
        }
        let world = self.app.world_mut();
        // Passes are numbered, or each would be the one in which everything is audited.
        world.resource_mut::<Now>().pass += 1;
        world.run_schedule(Pass);
        let outbound = world.resource_mut::<Outbox>().take();
        let end = Instant::now();
        self.spent.search += middle - begin;
        self.spent.world += end - middle;
        self.spent.longest = self.spent.longest.max(end - middle);
        for entry in outbound {
            match entry {
                Outbound::Search(search) => self.pending = Some(*search),
                Outbound::Event {
                    event: Event::MatchmakerMatched(_),
                    ..
                } => self.spent.matched += 1,
                _ => {}
            }
        }
    }
}

impl Spent {
    fn add(&mut self, other: &Self) {
        self.world += other.world;
        self.search += other.search;
        self.longest = self.longest.max(other.longest);
        self.matched = other.matched;
    }

    fn report(&self, name: &str, count: u32, rounds: u32) {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(count * rounds);
        let Self {
            world,
            search,
            longest,
            matched,
        } = *self;
        println!(
            "{name:<36} {count:>7} {matched:>8} {:>12.2} {:>12.2} {:>12.2} {:>14.2}",
            each(world),
            each(search),
            each(world + search),
            longest.as_secs_f64() * 1e3,
        );
    }
}

fn slot(index: u32) -> Slot {
    Slot {
        thread: 0,
        encoding: 0,
        transport: tiltyard::Transport::WebSocket,
        index,
        generation: 0,
    }
}

fn opening(index: u32) -> Opening {
    let id = Uuid::from_u128(u128::from(index) + 1);
    Opening {
        slot: slot(index),
        session_id: SessionId(id),
        user_id: UserId(id),
        username: "player".into(),
        vars: Default::default(),
        expires: 0,
        lang: "".into(),
        client_ip: "".into(),
        client_port: 0,
        online: false,
    }
}
