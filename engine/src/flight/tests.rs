use std::cell::Cell;

use super::*;
use crate::{MatchFunctions, MatchTarget, Request, Spelled, prelude::*, stage::Stage};

const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 240);

thread_local! {
    static STOPWATCH_NS: Cell<u64> = const { Cell::new(0) };
    static LOOKS: Cell<u32> = const { Cell::new(0) };
}

/// A stopwatch that is cranked, and counts how often somebody looks at it.
fn cranked() -> u64 {
    LOOKS.set(LOOKS.get() + 1);
    STOPWATCH_NS.get()
}

fn crank(ns: u64) {
    STOPWATCH_NS.set(STOPWATCH_NS.get() + ns);
}

/// A match whose rules take as long as it says.
#[derive(Component)]
struct Slow(u64);

impl MatchKind for Slow {
    const NAME: &'static str = "slow";

    fn init(params: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        let ns = params.get("ns").and_then(serde_json::Value::as_u64);
        Ok(MatchInit::new(Self(ns.unwrap_or(0))).tick_rate(60))
    }
}

fn take_time(mut matches: Matches<Slow>) {
    matches.each(|game| crank(game.state.0));
}

/// A stage with matches that take so long, and whether somebody plays them.
fn stage(matches: &[(u64, bool)]) -> (Stage, Vec<MatchId>) {
    let mut stage = Stage::new();
    stage
        .app
        .add_match::<Slow>()
        .add_systems(MatchLoop, take_time);
    let mut ids = Vec::new();
    for (number, (ns, is_played)) in matches.iter().enumerate() {
        let params = MatchParams::new().with("ns", *ns);
        let id = stage.app.world_mut().match_create(Slow::NAME, &params);
        ids.push(id.unwrap());
        if *is_played {
            let peer = stage.connect(&format!("player{number}"));
            stage.ask(&peer, join(ids[number]));
        }
    }
    stage
        .app
        .world_mut()
        .resource_mut::<FlightRecorder>()
        .set_stopwatch(cranked);
    (stage, ids)
}

fn join(id: MatchId) -> Request {
    Request::MatchJoin {
        target: MatchTarget::Id(Spelled {
            id,
            text: id.to_string().into(),
        }),
        metadata: Default::default(),
    }
}

fn last(stage: &Stage) -> PassRecord {
    *stage
        .app
        .world()
        .resource::<FlightRecorder>()
        .last()
        .unwrap()
}

/// Runs passes until one in which so many matches tick.
fn step_until_due(stage: &mut Stage, count: usize) -> PassRecord {
    for _ in 0..240 {
        LOOKS.set(0);
        stage.wait(FRAME);
        if last(stage).due_count == count {
            return last(stage);
        }
    }
    panic!("{count} matches tick together");
}

#[test]
fn every_set_has_its_own_time() {
    let mut stage = Stage::new();
    for (number, set) in (1..).zip(PassSystems::ALL) {
        let spend = move || crank(number * 10);
        let spend = spend.in_set(set).after(requests::receive);
        stage.app.add_systems(Pass, spend.ambiguous_with_all());
    }
    stage
        .app
        .world_mut()
        .resource_mut::<FlightRecorder>()
        .set_stopwatch(cranked);
    LOOKS.set(0);
    stage.wait(FRAME);
    let record = last(&stage);
    let sets = record.sets.map(|took| took.as_nanos());
    assert_eq!(sets, [10, 20, 30, 40, 50, 60, 70]);
    assert_eq!(record.took(), Duration::from_nanos(280));
    assert_eq!(LOOKS.get(), 8, "one at the beginning and one for each set");
}

#[test]
fn without_a_stopwatch_there_are_counts_and_no_times() {
    let mut stage = Stage::new();
    let peer = stage.connect("anna");
    stage.ask(&peer, Request::Ping);
    let record = last(&stage);
    assert_eq!((record.inbound_count, record.outbound_count), (1, 1));
    assert_eq!((record.took(), record.worst), (Duration::ZERO, None));
}

#[test]
fn the_longest_visit_names_its_match() {
    let (mut stage, ids) = stage(&[(300, true), (900, true), (500, true)]);
    let took = Duration::from_nanos(900);
    let longest = (0..240).find_map(|_| {
        stage.wait(FRAME);
        last(&stage).worst.filter(|worst| worst.took == took)
    });
    let kind = Slow::NAME;
    let match_id = ids[1];
    assert_eq!(
        longest,
        Some(WorstVisit {
            match_id,
            kind,
            took
        })
    );
}

#[test]
fn a_match_without_participants_costs_no_look_at_the_clock() {
    let (mut stage, _) = stage(&[(300, false)]);
    let record = step_until_due(&mut stage, 1);
    assert_eq!((LOOKS.get(), record.worst), (8, None));
}

#[test]
fn visits_that_follow_one_another_share_a_look() {
    let mut visits = VisitTimes {
        stopwatch: Some(cranked),
        ..VisitTimes::default()
    };
    let (stage, _) = stage(&[(0, false)]);
    let visited = stage
        .app
        .world()
        .iter_entities()
        .find_map(|found| found.get::<Match>().copied());
    let visited = visited.unwrap();
    LOOKS.set(0);
    let mut laps = visits.laps();
    for (has_participants, ns) in [(true, 5), (true, 7), (false, 1000), (true, 6)] {
        laps.enter(|| has_participants);
        crank(ns);
        laps.leave(&visited);
    }
    assert_eq!(
        LOOKS.get(),
        5,
        "two for each row of visits, and one for each further visit"
    );
    let longest = visits.worst.unwrap().took;
    assert_eq!(
        longest,
        Duration::from_nanos(7),
        "nobody plays the long one"
    );
}

#[test]
fn the_ring_keeps_the_latest_passes_and_does_not_grow() {
    let mut flight = FlightRecorder::default();
    let capacity = flight.latest.capacity();
    for pass in 0..3 * FLIGHT_PASSES_MAX as u64 {
        flight.begin(&Now {
            pass,
            ..Now::default()
        });
        flight.count_inbound(2);
        flight.finish();
    }
    let kept: Vec<u64> = flight.passes().map(|record| record.pass).collect();
    assert_eq!(kept.len(), FLIGHT_PASSES_MAX);
    assert_eq!(kept.last(), Some(&(3 * FLIGHT_PASSES_MAX as u64 - 1)));
    assert_eq!(flight.latest.capacity(), capacity);
    assert_eq!(flight.totals().inbound, 6 * FLIGHT_PASSES_MAX as u64);
}

#[test]
fn the_latest_passes_are_the_last_ones() {
    let mut stage = Stage::new();
    for _ in 0..5 {
        stage.wait(FRAME);
    }
    let flight = stage.app.world().resource::<FlightRecorder>();
    let passes: Vec<u64> = flight.latest(2).iter().map(|record| record.pass).collect();
    assert_eq!(passes, [4, 5]);
}
