//! A run: threads, the moment at which all begin, and the end.

use std::{
    cell::RefCell,
    io,
    net::{Ipv4Addr, SocketAddr},
    ops::Range,
    pin::pin,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

use thiserror::Error;
use tiltyard_link::drive_relay;
use tokio::{
    net::{TcpListener, lookup_host},
    runtime,
    task::LocalSet,
    time::{Instant, interval, sleep_until},
};

use crate::{
    Options, Report,
    bot::{Crew, Dialer},
    http,
    options::{SIZE_MIN, Script, Transport},
    script,
    shared::Shared,
    tally::Tally,
    trouble::Trouble,
    wire::QuicDialer,
};

/// Why there is no report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BotsError {
    /// Nothing answers there.
    #[error("no server answers at {server}: {reason}")]
    Unreachable {
        /// Where it was looked for.
        server: String,
        /// What happened instead.
        reason: String,
    },
    /// The server does not make matches.
    #[error("the server makes no matches: {0}")]
    NoMatches(String),
    /// The options do not go together.
    #[error("{0}")]
    Options(&'static str),
    /// The system gives no threads or sockets.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Connections that a relay of a bad network takes.
const RELAYED_MAX: usize = 1024;

/// How much longer than the connections alone the way to the beginning may take.
const RAMP_SLACK: Duration = Duration::from_secs(60);

/// How often it is looked whether all are ready, or done.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Runs the bots and reports what they measured. Blocks until they have left.
///
/// # Errors
///
/// [`BotsError`] if nothing was measured. What happens to single bots is in the report.
pub fn run(options: Options) -> Result<Report, BotsError> {
    run_until(options, std::future::pending())
}

/// The same; when `stop` is ready, the bots leave early.
///
/// # Errors
///
/// As [`run`].
pub fn run_until(
    options: Options,
    stop: impl Future<Output = ()> + Send,
) -> Result<Report, BotsError> {
    check(&options)?;
    // A thread of its own, so that callers may have a runtime.
    thread::scope(|scope| {
        let leader = scope.spawn(|| {
            let runtime = runtime()?;
            LocalSet::new().block_on(&runtime, lead(options, stop))
        });
        leader.join().unwrap_or_else(|_| {
            let error = io::Error::other("the leader of the bots panicked");
            Err(BotsError::System(error))
        })
    })
}

fn check(options: &Options) -> Result<(), BotsError> {
    let refuse = |reason| Err(BotsError::Options(reason));
    if options.clients == 0 || options.threads == 0 {
        return refuse("there must be a client and a thread");
    }
    if options
        .matches()
        .is_some_and(|matches| matches.players == 0)
    {
        return refuse("there must be a player in a match");
    }
    if options.size < SIZE_MIN {
        return refuse("messages have at least 16 bytes");
    }
    if !(options.rate > 0.0 && options.connect_rate > 0.0) {
        return refuse("rates must be more than 0");
    }
    let per_thread = options.clients.div_ceil(options.threads);
    let is_relayed = options.network.is_some() && options.transport == Transport::WebSocket;
    if is_relayed && per_thread > RELAYED_MAX {
        return refuse("with a network, a thread has at most 1,024 clients on WebSockets");
    }
    Ok(())
}

fn runtime() -> io::Result<runtime::Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
}

async fn lead(options: Options, stop: impl Future<Output = ()>) -> Result<Report, BotsError> {
    let unreachable = |reason: String| BotsError::Unreachable {
        server: options.server.to_string(),
        reason,
    };
    let remote = find(&options).await.map_err(unreachable)?;
    let source = options.sources.first().copied();
    let quic = http::transport(&options, remote, source)
        .await
        .map_err(unreachable)?;
    let shared = Arc::new(Shared::new(options, remote, quic));
    let maker = crew(&shared).await?;
    script::make_matches(&maker)
        .await
        .map_err(|trouble| BotsError::NoMatches(trouble.to_string()))?;

    let threads = (0..shared.options.threads).map(|thread| {
        let shared = Arc::clone(&shared);
        thread::Builder::new()
            .name(format!("bots-{thread}"))
            .spawn(move || {
                let runtime = runtime()?;
                LocalSet::new().block_on(&runtime, drive_crew(&shared, thread))
            })
    });
    let threads = threads.collect::<io::Result<Vec<_>>>();
    let window = match &threads {
        Ok(_) => conduct(&shared, stop).await,
        Err(_) => None,
    };
    shared.stop.cancel();
    let mut tally = Tally::default();
    for thread in threads? {
        // The bots have a deadline for everything, so this ends soon.
        match thread.join() {
            Ok(measured) => tally.merge(measured?),
            Err(_) => tally.count_error(&Trouble::Lost("a thread of bots panicked".into())),
        }
    }
    Ok(Report::new(&shared, &tally, window))
}

async fn find(options: &Options) -> Result<SocketAddr, String> {
    let host = options.server.host_str().unwrap_or_default();
    let port = options.server.port_or_known_default().unwrap_or(7350);
    let found = lookup_host((host, port))
        .await
        .map_err(|error| error.to_string());
    found?.next().ok_or_else(|| "it has no address".into())
}

/// The bots of a thread, all on it.
async fn drive_crew(shared: &Arc<Shared>, thread: usize) -> io::Result<Tally> {
    let crew = crew(shared).await?;
    let options = &shared.options;
    let bots = (thread..options.clients)
        .step_by(options.threads)
        .map(|number| tokio::task::spawn_local(script::drive(crew.clone(), number)));
    for bot in bots.collect::<Vec<_>>() {
        if bot.await.is_err() {
            let trouble = Trouble::Lost("a bot panicked".into());
            crew.tally.borrow_mut().count_error(&trouble);
        }
    }
    Ok(crew.tally.take())
}

async fn crew(shared: &Arc<Shared>) -> io::Result<Crew> {
    let options = &shared.options;
    let mut socket = shared.remote;
    if let (Some(profile), Transport::WebSocket) = (options.network, options.transport) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        socket = listener.local_addr()?;
        let shared = Arc::clone(shared);
        tokio::task::spawn_local(async move {
            let stop = std::future::pending();
            // When it ends early, the bots say that they are lost.
            drive_relay(listener, shared.remote, &profile, stop)
                .await
                .ok();
        });
    }
    let quic = match options.transport {
        Transport::WebSocket => None,
        Transport::Quic | Transport::WebTransport => {
            QuicDialer::new(options, shared.remote, &shared.quic).map_err(io::Error::other)?
        }
    };
    Ok(Crew {
        shared: Arc::clone(shared),
        tally: Rc::new(RefCell::new(Tally::default())),
        dialer: Rc::new(Dialer { quic, socket }),
    })
}

/// Waits for everybody, for the end of the window, and for what is under way then; or for `stop`.
/// Gives what has passed of the window, if it has begun.
async fn conduct(shared: &Shared, stop: impl Future<Output = ()>) -> Option<Range<Instant>> {
    let mut stop = pin!(stop);
    let clients = shared.options.clients;
    let everybody = until(|| shared.ready.load(Ordering::Relaxed) >= clients);
    let ramp = Duration::try_from_secs_f64(clients as f64 / shared.options.connect_rate);
    let patience = ramp.unwrap_or(RAMP_SLACK).saturating_add(RAMP_SLACK);
    tokio::select! {
        () = everybody => {}
        // Those who are still not there are not waited for.
        () = tokio::time::sleep(patience) => {}
        () = &mut stop => return None,
    }
    let began = Instant::now();
    let end = began + shared.begin();
    let all_done = until(|| shared.done.load(Ordering::Relaxed) >= clients);
    let is_stopped = tokio::select! {
        () = sleep_until(end) => false,
        () = all_done => false,
        () = &mut stop => true,
    };
    let start = began + shared.options.warmup;
    let end = Instant::now().clamp(start, start + shared.options.duration);
    if !is_stopped
        && matches!(
            shared.options.script,
            Script::Match(_) | Script::Chat { .. }
        )
    {
        tokio::select! {
            () = until(|| shared.is_drained()) => {}
            () = sleep_until(Instant::now() + shared.options.drain) => {}
            () = &mut stop => {}
        }
    }
    Some(start..end)
}

async fn until(is_so: impl Fn() -> bool) {
    let mut looks = interval(LOOK_INTERVAL);
    // The first tick is at once. A bot that sends in the last moment has counted it by the second.
    looks.tick().await;
    loop {
        looks.tick().await;
        if is_so() {
            return;
        }
    }
}
