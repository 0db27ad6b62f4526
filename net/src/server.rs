//! The server: an engine, its network threads, and everything between start and stop.

use std::{
    env,
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
    process,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bevy_app::{App, AppExit, Plugin};
use bevy_ecs::prelude::*;
use thiserror::Error;
use tiltyard::{
    Disagreements, EnginePlugin, FunctionNames, InboundSender, Limits, MatchTokenSigner,
    MatchmakerOptions, NodeName, Now, Outbox, Pass, Shutdown, Tokens,
};
use tokio::{runtime, sync::watch, task::LocalSet};
use tracing::{error, info};

use crate::{
    api::{self, ApiState},
    auth::{Passwords, Secrets, SecretsError, Sessions, SystemClock},
    bridge::Bridge,
    cli,
    config::{self, Command, Config, ConfigError, Defaults},
    convert,
    egress::EgressRouter,
    listen::{
        Gate, PublicFiles, THREAD, WebSocketState, bind, drive_listener, serve_file, upgrade,
    },
    logging,
    pace::{Pace, sharpen_sleep},
    peer::{Peers, ReaderOptions, Timing},
    search_link::SearchLink,
    store::{OpenError, Store},
    store_link::StoreLink,
    thread::{EgressReceiver, NetThread, egress_channel},
    world::EngineWorld,
};

/// Everything that makes an app a server.
///
/// It reads the command line, the environment and the files they name; [`App::run`] then starts the
/// server and returns when it has stopped.
///
/// ```no_run
/// use tiltyard::prelude::*;
/// use tiltyard_net::ServerPlugins;
///
/// fn main() -> AppExit {
///     App::new().add_plugins(ServerPlugins).run()
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerPlugins;

impl ServerPlugins {
    /// The same, with another default for an option. Files, environment and flags still override it.
    pub fn with_default(self, key: &str, value: &str) -> ServerPluginsWith {
        ServerPluginsWith {
            defaults: Defaults::new().with_default(key, value),
        }
    }
}

/// [`ServerPlugins`] with other defaults.
#[derive(Clone, Debug)]
pub struct ServerPluginsWith {
    defaults: Defaults,
}

impl ServerPluginsWith {
    /// The same, with another default for one more option.
    #[must_use]
    pub fn with_default(self, key: &str, value: &str) -> Self {
        Self {
            defaults: self.defaults.with_default(key, value),
        }
    }
}

impl Plugin for ServerPlugins {
    fn build(&self, app: &mut App) {
        build(app, &Defaults::new());
    }
}

impl Plugin for ServerPluginsWith {
    fn build(&self, app: &mut App) {
        build(app, &self.defaults);
    }
}

fn build(app: &mut App, defaults: &Defaults) {
    let command = config::load(env::args_os().skip(1), env::vars_os(), defaults);
    let engine = match &command {
        Ok(Command::Run(config)) => engine_plugin(config),
        _ => EnginePlugin {
            node: fallback_node(),
            limits: Limits::default(),
        },
    };
    app.add_plugins(engine)
        .set_runner(move |app| match command {
            Ok(Command::Run(config)) => finish(run(app, *config)),
            Ok(Command::Healthcheck { port }) => finish(cli::healthcheck(port)),
            Ok(Command::Version) => say(&format!("tiltyard {}", env!("CARGO_PKG_VERSION"))),
            Ok(Command::Help(text)) => say(&text),
            Err(error) => finish(Err::<(), _>(error)),
        });
}

fn say(text: &str) -> AppExit {
    // Whoever reads it may have read enough, such as `--help | head`.
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => AppExit::error(),
        _ => AppExit::Success,
    }
}

fn environment(config: &Config) -> tiltyard::Environment {
    let entries = config.runtime.env.iter();
    tiltyard::Environment(
        entries
            .map(|entry| (entry.key.clone(), entry.value.clone()))
            .collect(),
    )
}

/// The engine as this configuration wants it.
#[must_use]
pub fn engine_plugin(config: &Config) -> EnginePlugin {
    let limits = Limits {
        join_attempts_per_match_max: config.matches.join_attempt_queue_size,
        deferred_per_callback_max: config.matches.deferred_queue_size,
        match_empty_seconds_max: u32::try_from(config.matches.max_empty_sec).unwrap_or(u32::MAX),
        matchmaker: matchmaker_options(&config.matchmaker),
        single_socket: config.session.single_socket,
        single_match: config.session.single_match,
        single_party: config.session.single_party,
        party_idle_check: Duration::from_millis(config.party.idle_check_interval_ms),
        ..Limits::default()
    };
    EnginePlugin {
        node: NodeName::new(&config.name).unwrap_or_else(fallback_node),
        limits,
    }
}

fn matchmaker_options(config: &config::Matchmaker) -> MatchmakerOptions {
    MatchmakerOptions {
        tickets_max: config.max_tickets,
        interval: Duration::from_secs(config.interval_sec),
        intervals_max: config.max_intervals,
        mutual: config.rev_precision,
        mutual_intervals_max: config.rev_threshold,
        eager: config.eager,
    }
}

/// Signs what the matchmaker finds with the key of sessions.
fn match_token_signer(sessions: &Arc<Sessions>) -> MatchTokenSigner {
    let sessions = sessions.clone();
    MatchTokenSigner(Arc::new(move |id, unix_seconds| {
        let now = jiff::Timestamp::from_second(unix_seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        sessions.matchmaker_token(&id.to_string(), now)
    }))
}

fn fallback_node() -> NodeName {
    NodeName::new("tiltyard").unwrap_or_else(|| unreachable!("eight bytes"))
}

/// Prints why it ended, if it was not as it should.
#[expect(
    clippy::print_stderr,
    reason = "the last word of a program, after its logs"
)]
fn finish<E: std::fmt::Display>(outcome: Result<(), E>) -> AppExit {
    match outcome {
        Ok(()) => AppExit::Success,
        Err(error) => {
            eprintln!("tiltyard: {error}");
            AppExit::error()
        }
    }
}

/// Why a server does not start. The text says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServerError {
    /// An option cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The keys of the server cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The port cannot be opened.
    #[error(
        "cannot listen on {address}: {problem}; stop what uses the port, or choose another with --socket.port"
    )]
    Bind {
        /// What was to be opened.
        address: SocketAddr,
        /// What the system says.
        problem: io::Error,
    },
    /// The system gives no threads or no descriptors.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Runs a server until it is asked to stop and has stopped.
///
/// # Errors
///
/// [`ServerError`] if it cannot start.
pub fn run(app: App, config: Config) -> Result<(), ServerError> {
    run_with(app, config, |_| {})
}

/// The same; `ready` is told where the server listens as soon as it does.
///
/// # Errors
///
/// [`ServerError`] if it cannot start.
pub fn run_with(
    mut app: App,
    config: Config,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServerError> {
    logging::start(&config.logger);
    app.insert_resource(convert::envelope_reader());
    app.insert_resource(environment(&config));
    app.finish();
    app.cleanup();
    let secrets = Secrets::prepare(&config)?;
    // The pools of the database keep house on a runtime of their own.
    let control = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .enable_all()
        .build()?;
    let address = SocketAddr::new(config.socket.address, config.socket.port);
    let listener = bind(address).map_err(|problem| ServerError::Bind { address, problem })?;
    let address = listener.local_addr()?;
    let store = control.block_on(Store::open_embedded(&config.data_dir))?;
    let queue = app.world().resource::<InboundSender>().clone();
    let queue_for_store = queue.0.clone();
    let bridge = Bridge::new(queue.0.clone());
    let sessions = Arc::new(Sessions::new(&secrets, &config.session));
    app.insert_resource(match_token_signer(&sessions));
    app.insert_resource(Tokens(sessions.clone()));
    let config = Arc::new(config);
    let state = ApiState {
        config: config.clone(),
        secrets: Arc::new(secrets),
        sessions: sessions.clone(),
        passwords: Arc::new(Passwords::start()?),
        store: store.clone(),
        world: Arc::new(EngineWorld::new(
            bridge.clone(),
            FunctionNames::of(app.world()),
            control.handle().clone(),
        )),
        clock: Arc::new(SystemClock),
    };
    let router = router(
        state,
        app.world().get_resource::<PublicFiles>().copied(),
        app.world(),
    );
    let network = Network::start(&config, &listener, &router, &sessions, queue)?;
    let search_link = SearchLink::start(queue_for_store.clone())?;
    let store_link = StoreLink::start(control.handle(), store.clone(), queue_for_store);
    watch_signals(&control, &app, config.shutdown_grace_sec);
    announce(address, &config);
    ready(address);
    let NetworkParts { network, senders } = network;
    tick(
        &mut app,
        config.engine.pass_rate_hz,
        EgressRouter::new(senders, bridge.calls(), store_link, search_link),
    );
    info!("stopped ticking; closing connections");
    network.stop();
    control.block_on(store.close());
    control.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

fn router(state: ApiState, files: Option<PublicFiles>, world: &World) -> axum::Router {
    let node = world.resource::<tiltyard::Node>().0;
    let websocket = WebSocketState {
        sessions: state.sessions.clone(),
        clock: state.clock.clone(),
        proxy_count: state.config.socket.proxy_count,
        node_part: WebSocketState::node_part(node),
    };
    let page = move |request: axum::extract::Request| async move {
        serve_file(files, request.uri().path(), request.headers()).unwrap_or_default()
    };
    let mut sockets = axum::Router::new()
        .route("/ws", axum::routing::get(upgrade))
        .with_state(websocket)
        .route("/", axum::routing::get(page));
    for path in files.map(|files| files.paths()).unwrap_or_default() {
        sockets = sockets.route(&format!("/{path}"), axum::routing::get(page));
    }
    api::around(sockets, state)
}

/// The few lines that whoever starts a server reads, whatever the log level.
fn announce(address: SocketAddr, config: &Config) {
    let data = std::fs::canonicalize(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    let text = format!(
        "Tiltyard {} is listening.\n  page    http://{address}/\n  socket  ws://{address}/ws\n  data    {}",
        env!("CARGO_PKG_VERSION"),
        data.display(),
    );
    if let Err(problem) = writeln!(io::stdout(), "{text}") {
        info!(%address, %problem, "listening, though nobody reads the output");
    }
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
}

/// Runs passes until the engine has stopped.
fn tick(app: &mut App, rate_hz: u32, mut egress: EgressRouter) {
    sharpen_sleep();
    let mut pace = Pace::new(rate_hz);
    let mut pass = 0;
    loop {
        let elapsed = pace.wait();
        let world = app.world_mut();
        *world.resource_mut::<Now>() = Now {
            elapsed,
            unix_ms: unix_ms(),
            pass,
        };
        pass += 1;
        world.run_schedule(Pass);
        world.clear_trackers();
        egress.send(world.resource_mut::<Outbox>().take());
        if world.resource::<Shutdown>().is_finished() {
            // One more pass stops what is left; nobody hears of it any more.
            world.run_schedule(Pass);
            egress.send(world.resource_mut::<Outbox>().take());
            debug_assert_eq!(
                world.resource::<Disagreements>().0,
                0,
                "the engine's records agree"
            );
            return;
        }
    }
}

fn unix_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Asks the engine to stop when the system asks us. Asked a second time, it stops at once.
fn watch_signals(control: &runtime::Runtime, app: &App, grace_seconds: u64) {
    let queue = app.world().resource::<InboundSender>().0.clone();
    control.spawn(async move {
        loop {
            if let Err(problem) = wait_for_signal().await {
                error!(%problem, "signals cannot be watched; stop the server by ending its process");
                return;
            }
            let grace = Duration::from_secs(grace_seconds);
            if queue.try_send(tiltyard::Inbound::Shutdown { grace }).is_err() {
                error!("the engine does not listen any more; ending the process");
                process::exit(1);
            }
        }
    });
}

#[cfg(unix)]
async fn wait_for_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Connections that one address may have open, unless it is this machine.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 1024;
/// How long clients have to take their closing frame when the server stops.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// The network threads.
struct Network {
    threads: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

struct NetworkParts {
    network: Network,
    senders: Vec<crate::thread::EgressSender>,
}

impl Network {
    fn start(
        config: &Config,
        listener: &TcpListener,
        router: &axum::Router,
        sessions: &Arc<Sessions>,
        queue: InboundSender,
    ) -> Result<NetworkParts, ServerError> {
        let count = thread_count(config.net.threads);
        let gate = Gate::new(config.socket.max_sessions, CONNECTIONS_PER_ADDRESS_MAX);
        let (stop, stopping) = watch::channel(false);
        let (started, starts) = mpsc::channel();
        let mut threads = Vec::new();
        let mut senders = Vec::new();
        for index in 0..count {
            let (sender, egress) = egress_channel();
            senders.push(sender);
            let plan = ThreadPlan {
                index,
                listener: listener.try_clone()?,
                router: router.clone(),
                gate: gate.clone(),
                sessions: sessions.clone(),
                options: reader_options(config, &queue),
                inputs_max: u32::try_from(config.matches.input_queue_size).unwrap_or(u32::MAX),
                stopping: stopping.clone(),
            };
            let started = started.clone();
            let body = move || match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    drop(started.send(Ok(())));
                    LocalSet::new().block_on(&runtime, drive_thread(plan, egress));
                }
                Err(error) => drop(started.send(Err(error))),
            };
            threads.push(
                thread::Builder::new()
                    .name(format!("net-{index}"))
                    .spawn(body)?,
            );
        }
        drop(started);
        for outcome in starts.iter().take(usize::from(count)) {
            outcome?;
        }
        Ok(NetworkParts {
            network: Self { threads, stop },
            senders,
        })
    }

    /// Closes every connection and waits for the threads.
    fn stop(self) {
        self.stop.send_replace(true);
        for thread in self.threads {
            if thread.join().is_err() {
                error!("a network thread panicked");
            }
        }
    }
}

/// One a core, unless the operator says otherwise.
fn thread_count(configured: usize) -> u8 {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let count = if configured == 0 { cores() } else { configured };
    u8::try_from(count.max(1)).unwrap_or(u8::MAX)
}

fn reader_options(config: &Config, queue: &InboundSender) -> ReaderOptions {
    let socket = &config.socket;
    ReaderOptions {
        queue: queue.0.clone(),
        message_bytes_max: socket.max_message_size_bytes,
        read_buffer_bytes: socket.read_buffer_size_bytes,
        backoff_messages: socket.ping_backoff_threshold,
        timing: Timing {
            ping_period: Duration::from_millis(socket.ping_period_ms),
            pong_wait: Duration::from_millis(socket.pong_wait_ms),
            write_wait: Duration::from_millis(socket.write_wait_ms),
            close_wait: Duration::from_millis(socket.close_ack_wait_ms),
        },
    }
}

/// What one network thread is started with.
struct ThreadPlan {
    index: u8,
    listener: TcpListener,
    router: axum::Router,
    gate: Arc<Gate>,
    sessions: Arc<Sessions>,
    options: ReaderOptions,
    inputs_max: u32,
    stopping: watch::Receiver<bool>,
}

/// Serves this thread's share of connections until the server stops.
async fn drive_thread(plan: ThreadPlan, egress: EgressReceiver) {
    let ThreadPlan {
        index,
        listener,
        router,
        gate,
        sessions,
        options,
        inputs_max,
        mut stopping,
    } = plan;
    let thread = std::rc::Rc::new(NetThread {
        peers: Peers::new(index).into(),
        sessions,
        options,
        inputs_max,
    });
    THREAD.set(Some(thread.clone()));
    thread.start(egress);
    tokio::select! {
        ended = drive_listener(listener, router, gate) => if let Err(error) = ended {
            error!(%error, "a network thread cannot accept connections");
        },
        // An error means that whoever would say so is gone.
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    thread.close_all(CLOSE_WAIT).await;
    THREAD.set(None);
}
