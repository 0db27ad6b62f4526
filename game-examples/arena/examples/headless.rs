//! How a game's own client speaks to the arena: it flies in circles, and tells how the connection was.
//!
//! ```text
//! cargo run --release -p arena --example headless -- --transport quic --seconds 5
//! ```
//!
//! `--server URL`, `--transport auto|quic|websocket`, `--seconds N`, and `--network PROFILE` for a bad
//! network, such as `mobile,loss=5%`.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::{
    env,
    error::Error,
    process,
    time::{Duration, Instant},
};

use arena::{
    input::INPUT_BYTES,
    ship::TICK_RATE,
    wire::{OP_INPUT, OP_STATE},
};
use tiltyard_client::{
    Account, Client, Connection, Delivery, Event, MatchData, MatchId, Options, Stats, Transport,
};

/// Longest wait for a state.
const PATIENCE: Duration = Duration::from_secs(20);

/// A circle takes three seconds.
const TURN_RAD_PER_TICK: f32 = std::f32::consts::TAU / (3.0 * TICK_RATE as f32);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read()?;
    let mut client = Client::new(arguments.options)?;
    let device = format!("headless-{}-{}", process::id(), rand::random::<u32>());
    client.authenticate(Account::device(&device))?;

    let mut pilot = Pilot::new(arguments.transport);
    let tick = Duration::from_secs(1) / u32::from(TICK_RATE);
    let begun = Instant::now();
    let mut next_tick = begun;
    while pilot.states.flown_for() < arguments.duration {
        if pilot.states.newest().unwrap_or(begun).elapsed() > PATIENCE {
            return Err("the server sends no states".into());
        }
        // A game polls once a frame; without frames to draw, waiting for events will do.
        while let Some(event) = client.wait(next_tick.saturating_duration_since(Instant::now())) {
            pilot.handle(&mut client, event)?;
        }
        pilot.steer(&mut client);
        next_tick += tick;
    }
    report(&client.stats(), &pilot);
    Ok(())
}

/// What the command line says.
struct Arguments {
    options: Options,
    transport: Transport,
    duration: Duration,
}

impl Arguments {
    fn read() -> Result<Self, Box<dyn Error>> {
        let (mut server, mut seconds) = ("http://127.0.0.1:7350".to_owned(), 10);
        let (mut transport, mut network) = (Transport::Auto, None);
        let mut words = env::args().skip(1);
        while let Some(name) = words.next() {
            let value = words.next().ok_or(format!("{name} wants a value"))?;
            match name.as_str() {
                "--server" => server = value,
                "--seconds" => seconds = value.parse()?,
                "--network" => network = Some(value.parse()?),
                "--transport" => {
                    transport = match value.as_str() {
                        "auto" => Transport::Auto,
                        "quic" => Transport::Quic,
                        "websocket" => Transport::WebSocket,
                        other => return Err(format!("{other} is no transport").into()),
                    };
                }
                other => return Err(format!("{other} is no option").into()),
            }
        }
        let mut options = Options::new(&server)?;
        if let Some(network) = network {
            options = options.network(network);
        }
        Ok(Self {
            options,
            transport,
            duration: Duration::from_secs(seconds),
        })
    }
}

/// Flies one ship.
struct Pilot {
    transport: Transport,
    match_id: Option<MatchId>,
    sequence: u32,
    unsent: usize,
    states: States,
}

impl Pilot {
    fn new(transport: Transport) -> Self {
        Self {
            transport,
            match_id: None,
            sequence: 0,
            unsent: 0,
            states: States::default(),
        }
    }

    fn handle(&mut self, client: &mut Client, event: Event) -> Result<(), Box<dyn Error>> {
        match event {
            Event::Authenticated { session, .. } => client.connect(session, self.transport)?,
            // After a loss, the client goes back into the arena by itself.
            Event::Connected { .. } if self.match_id.is_none() => {
                client.rpc("arena_find", "")?;
            }
            Event::Reply { result, .. } => {
                let reply = result?;
                if let Some(payload) = reply.payload() {
                    let found: serde_json::Value = serde_json::from_str(payload)?;
                    let match_id = found["match_id"].as_str().ok_or("no match id")?;
                    client.join_match(match_id, [].into())?;
                }
                if let Some(joined) = reply.joined() {
                    self.match_id = Some(joined.match_id.as_str().into());
                }
            }
            Event::MatchData(data) if data.op_code == OP_STATE => self.states.take(&data),
            Event::Disconnected {
                reason,
                will_retry: false,
            } => return Err(reason.into()),
            Event::Failed { reason, .. } => return Err(reason.into()),
            Event::MatchLost { error, .. } => return Err(error.into()),
            _ => {}
        }
        Ok(())
    }

    /// Sends this tick's input. One that cannot be sent is not worth keeping: the next is a tick away.
    fn steer(&mut self, client: &mut Client) {
        let Some(match_id) = &self.match_id else {
            return;
        };
        self.sequence += 1;
        let data = input_bytes(self.sequence);
        let sent = client.send_match_data(match_id, OP_INPUT, data, Delivery::Unreliable);
        self.unsent += usize::from(sent.is_err());
    }
}

/// Full thrust around a circle, looking ahead, as [`arena::input::Input::from_bytes`] reads it.
fn input_bytes(sequence: u32) -> Vec<u8> {
    // After 2^24 inputs, which is six days, the circle has corners.
    #[expect(clippy::cast_precision_loss, reason = "said above")]
    let (y, x) = (sequence as f32 * TURN_RAD_PER_TICK).sin_cos();
    let mut bytes = Vec::with_capacity(INPUT_BYTES);
    bytes.extend(sequence.to_le_bytes());
    for number in [x, y, x, y] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.push(0);
    bytes
}

/// When states came.
#[derive(Default)]
struct States {
    /// Tick of each, and when it came.
    arrivals: Vec<(u32, Instant)>,
    datagrams: usize,
}

impl States {
    fn take(&mut self, data: &MatchData) {
        let Some(tick) = data.data.first_chunk() else {
            return;
        };
        self.arrivals
            .push((u32::from_le_bytes(*tick), Instant::now()));
        self.datagrams += usize::from(data.is_datagram);
    }

    fn newest(&self) -> Option<Instant> {
        self.arrivals.last().map(|(_, at)| *at)
    }

    fn flown_for(&self) -> Duration {
        let first = self.arrivals.first().map(|(_, at)| *at);
        let between = first.zip(self.newest()).map(|(first, last)| last - first);
        between.unwrap_or_default()
    }

    /// How much older than the freshest each state was when it came, in seconds, sorted.
    ///
    /// The two clocks have nothing in common, but ticks come at an even pace: the state that came
    /// earliest for its tick took the shortest way, and every other one is late by comparison.
    fn ages(&self) -> Vec<f64> {
        let Some((_, first)) = self.arrivals.first() else {
            return Vec::new();
        };
        let mut ages: Vec<f64> = self
            .arrivals
            .iter()
            .map(|(tick, at)| {
                (*at - *first).as_secs_f64() - f64::from(*tick) / f64::from(TICK_RATE)
            })
            .collect();
        ages.sort_by(f64::total_cmp);
        let freshest = ages[0];
        ages.iter().map(|age| age - freshest).collect()
    }
}

fn report(stats: &Stats, pilot: &Pilot) {
    let states = &pilot.states;
    let transport = stats
        .transport
        .map_or("none".into(), |over: Connection| over.to_string());
    println!("transport  {transport}");
    let rtt_ms = stats.rtt.map_or(0.0, |rtt| rtt.as_secs_f64() * 1000.0);
    println!("rtt        {rtt_ms:.1} ms");
    println!(
        "states     {}, {} in datagrams",
        states.arrivals.len(),
        states.datagrams
    );
    let ages = states.ages();
    let age_ms = |part: usize| {
        let last = ages.len().saturating_sub(1);
        ages.get(last * part / 100).map_or(0.0, |age| age * 1000.0)
    };
    println!(
        "age        p50 {:.1} ms, p99 {:.1} ms, over that of the freshest",
        age_ms(50),
        age_ms(99)
    );
    println!("inputs     {}, {} not sent", pilot.sequence, pilot.unsent);
    println!(
        "datagrams  {} sent, {} received, {} lost, {} twice, {} outdated",
        stats.datagrams_sent,
        stats.datagrams_received,
        stats.datagrams_lost,
        stats.datagrams_duplicate,
        stats.datagrams_outdated
    );
}
