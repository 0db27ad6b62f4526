//! The server: an engine, its network threads, and everything between start and stop.

use std::{
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    process,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bevy_app::App;
use bevy_ecs::prelude::*;
use thiserror::Error;
use tiltyard::{
    Disagreements, EnginePlugin, FunctionNames, InboundSender, Limits, MatchTokenSigner,
    MatchmakerOptions, NodeName, Now, Outbox, Overload, Pass, Shutdown, Tokens,
};
use tiltyard_link::Profile;
use tokio::runtime;
use tracing::{error, info};

use crate::{
    api::{self, ApiState},
    auth::{LoginAttempts, Passwords, Secrets, SecretsError, Sessions, SystemClock},
    bridge::Bridge,
    capacity::{Capacity, Meter},
    certificates::{CertificateError, Certificates},
    config::{self, Config, ConfigError},
    convert,
    data_link::DataLink,
    egress::EgressRouter,
    health::Health,
    listen::{Admission, PublicFiles, bind, bind_udp, serve_file, server_config, upgrade},
    logging,
    metrics::{Around, Metrics, MetricsState, bind_metrics, drive_metrics},
    network::{Network, NetworkParts, QuicPlan},
    pace::{Pace, sharpen_sleep},
    peer::enqueue,
    rate::AddressRate,
    search_link::SearchLink,
    social::SocialProviders,
    store::{OpenError, Store},
    store_link::StoreLink,
    transports::Transports,
    watch::Watch,
    world::EngineWorld,
};

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

pub(crate) fn fallback_node() -> NodeName {
    NodeName::new("tiltyard").unwrap_or_else(|| unreachable!("eight bytes"))
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
    /// The UDP port cannot be opened.
    #[error(
        "cannot listen on UDP port {address}: {problem}; stop what uses it, choose another with --socket.port, or do without QUIC by --quic.enabled false"
    )]
    BindUdp {
        /// What was to be opened.
        address: SocketAddr,
        /// What the system says.
        problem: io::Error,
    },
    /// The port for metrics cannot be opened.
    #[error(
        "cannot listen on {address} for metrics: {problem}; stop what uses the port, or choose another with --metrics.prometheus_port"
    )]
    BindMetrics {
        /// What was to be opened.
        address: SocketAddr,
        /// What the system says.
        problem: io::Error,
    },
    /// There is no certificate for QUIC.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
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
    let (listener, udp) = open_ports(&config)?;
    let address = listener.local_addr()?;
    let metrics_listener = bind_metrics(&config.metrics)?;
    let certificates = match udp {
        Some(_) => Some(Certificates::open(&config.quic, &config.data_dir)?),
        None => None,
    };
    let store = control.block_on(Store::open(&config))?;
    let queue = app.world().resource::<InboundSender>().clone();
    let queue_for_store = queue.0.clone();
    let bridge = Bridge::new(queue.0.clone());
    let sessions = Arc::new(Sessions::new(&secrets, &config.session));
    app.insert_resource(match_token_signer(&sessions));
    app.insert_resource(Tokens(sessions.clone()));
    let config = Arc::new(config);
    let social = app.world_mut().remove_resource::<SocialProviders>();
    let social = social.unwrap_or_default();
    let capacity = Arc::<Capacity>::default();
    let names = FunctionNames::of(app.world());
    let metrics = Arc::new(Metrics::of(&config, app.world(), &names, store.questions()));
    let pass_age_max = Duration::from_millis(config.health.pass_age_max_ms);
    let health = Arc::new(Health::new(pass_age_max, capacity.clone()));
    let passwords = Arc::new(Passwords::start()?);
    let state = ApiState {
        config: config.clone(),
        secrets: Arc::new(secrets),
        sessions: sessions.clone(),
        passwords: passwords.clone(),
        login_attempts: Arc::new(LoginAttempts::new(config.auth.login_attempts_per_minute)),
        authentications: Arc::new(AddressRate::of_logins(&config.limits)),
        capacity: capacity.clone(),
        social: Arc::new(social.with_configured(&config)),
        store: store.clone(),
        world: Arc::new(EngineWorld::new(
            bridge.clone(),
            names,
            control.handle().clone(),
        )),
        clock: Arc::new(SystemClock),
        health: health.clone(),
        operations: metrics.operations.clone(),
        rpcs: metrics.rpcs.clone(),
    };
    let admission = Admission {
        sessions: state.sessions.clone(),
        clock: state.clock.clone(),
        proxy_count: config.socket.proxy_count,
        arrivals: Arc::new(AddressRate::of_arrivals(&config.limits)),
        capacity: capacity.clone(),
        node_part: Admission::node_part(app.world().resource::<tiltyard::Node>().0),
    };
    let quic = match (udp, &certificates) {
        (Some(socket), Some(certificates)) => Some(QuicPlan {
            socket,
            config: server_config(certificates.clone())?,
            admission: admission.clone(),
            retry_always: config.quic.retry == config::Retry::Always,
            network: config.dev.network,
        }),
        _ => None,
    };
    if let Some(certificates) = &certificates {
        control.spawn(certificates.clone().drive_refresh());
    }
    let transports = Transports {
        port: address.port(),
        certificates,
    };
    let router = router(
        state,
        admission,
        transports,
        app.world().get_resource::<PublicFiles>().copied(),
    );
    let listener = match config.dev.network {
        Some(network) => spoil(&control, listener, network)?,
        None => listener,
    };
    let network = Network::start(
        &config, &listener, quic, &router, &sessions, queue, &metrics,
    )?;
    let search_link = SearchLink::start(queue_for_store.clone(), metrics.searches.clone())?;
    let data_link = DataLink {
        store: store.clone(),
        sessions,
    };
    let store_link = StoreLink::start(control.handle(), data_link, &bridge, queue_for_store);
    watch_signals(&control, &app, config.shutdown_grace_sec);
    announce(address, &config);
    let watch = Watch::start(&mut app, &config, metrics.passes.clone(), health.clone());
    if let Some(listener) = metrics_listener {
        let state = MetricsState {
            metrics: metrics.clone(),
            bridge: bridge.clone(),
            health,
            passwords,
        };
        control.spawn(drive_metrics(listener, state));
    }
    ready(address);
    let NetworkParts { network, senders } = network;
    let meter = Meter::new(capacity.clone(), config.limits.busy_percent);
    tick(
        &mut app,
        Pace::new(config.engine.pass_rate_hz, meter),
        &capacity,
        EgressRouter::new(
            senders,
            bridge.calls(),
            store_link,
            search_link,
            metrics.sent.clone(),
        ),
        watch,
    );
    info!("stopped ticking; closing connections");
    network.stop();
    control.block_on(store.close());
    control.shutdown_timeout(Duration::from_millis(500));
    Ok(())
}

/// Ports that are tried where any will do, until one is free for both TCP and UDP.
const PORT_TRIES_MAX: usize = 16;

/// Opens the client port: TCP, and UDP of the same number.
fn open_ports(config: &Config) -> Result<(TcpListener, Option<UdpSocket>), ServerError> {
    let wanted = SocketAddr::new(config.socket.address, config.socket.port);
    let mut tries = 0;
    loop {
        tries += 1;
        let listener = bind(wanted).map_err(|problem| ServerError::Bind {
            address: wanted,
            problem,
        })?;
        if !config.quic.enabled {
            return Ok((listener, None));
        }
        let address = listener.local_addr()?;
        match bind_udp(address) {
            Ok(udp) => return Ok((listener, Some(udp))),
            Err(_) if wanted.port() == 0 && tries < PORT_TRIES_MAX => {}
            Err(problem) => return Err(ServerError::BindUdp { address, problem }),
        }
    }
}

/// Puts a bad network in front of the client port. Gives the listener behind it.
fn spoil(
    control: &runtime::Runtime,
    public: TcpListener,
    network: Profile,
) -> Result<TcpListener, ServerError> {
    let _runtime = control.enter();
    let public = tokio::net::TcpListener::from_std(public)?;
    let hidden = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let target = hidden.local_addr()?;
    control.spawn(async move {
        let never = std::future::pending();
        if let Err(error) = tiltyard_link::drive_relay(public, target, &network, never).await {
            error!(%error, "the bad network in front of the client port is gone");
        }
    });
    Ok(hidden)
}

fn router(
    state: ApiState,
    admission: Admission,
    transports: Transports,
    files: Option<PublicFiles>,
) -> axum::Router {
    let page = move |request: axum::extract::Request| async move {
        serve_file(files, request.uri().path(), request.headers()).unwrap_or_default()
    };
    let mut sockets = axum::Router::new()
        .route("/ws", axum::routing::get(upgrade))
        .with_state(admission)
        .route(
            "/v2/tiltyard/transport",
            axum::routing::get(move || async move { transports.answer() }),
        )
        .route("/", axum::routing::get(page));
    for path in files.map(|files| files.paths()).unwrap_or_default() {
        sockets = sockets.route(&format!("/{path}"), axum::routing::get(page));
    }
    api::around(sockets, state)
}

/// The few lines that whoever starts a server reads, whatever the log level.
fn announce(address: SocketAddr, config: &Config) {
    let data = std::fs::canonicalize(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    let udp = if config.quic.enabled {
        ", and QUIC and WebTransport on the UDP port of the same number"
    } else {
        ""
    };
    let text = format!(
        "Tiltyard {} is listening.\n  page    http://{address}/\n  socket  ws://{address}/ws{udp}\n  data    {}",
        env!("CARGO_PKG_VERSION"),
        data.display(),
    );
    if let Err(problem) = writeln!(io::stdout(), "{text}") {
        info!(%address, %problem, "listening, though nobody reads the output");
    }
    if let Some(network) = &config.dev.network {
        tracing::warn!(%network, "dev.network is set: connections are bad on purpose");
    }
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
}

/// Runs passes until the engine has stopped.
fn tick(
    app: &mut App,
    mut pace: Pace,
    capacity: &Capacity,
    mut egress: EgressRouter,
    mut watch: Watch,
) {
    sharpen_sleep();
    let mut pass = 0;
    loop {
        let elapsed = pace.wait();
        let late = pace.lateness(elapsed);
        let world = app.world_mut();
        *world.resource_mut::<Now>() = Now {
            elapsed,
            unix_ms: unix_ms(),
            pass,
        };
        pass += 1;
        world.insert_resource(Overload(capacity.is_overloaded()));
        world.run_schedule(Pass);
        world.clear_trackers();
        let ended = Instant::now();
        egress.send(world.resource_mut::<Outbox>().take());
        capacity.set_stopping(world.resource::<Shutdown>().is_stopping());
        let handover = ended.elapsed();
        watch.note(world, Around { late, handover });
        if world.resource::<Shutdown>().is_finished() {
            // One more pass stops what is left; nobody hears of it any more.
            world.run_schedule(Pass);
            egress.send(world.resource_mut::<Outbox>().take());
            egress.close_all();
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

/// Asks the engine to stop when the system asks us. Asked a second time, it stops at once; asked a third
/// time, the process ends.
fn watch_signals(control: &runtime::Runtime, app: &App, grace_seconds: u64) {
    let queue = app.world().resource::<InboundSender>().0.clone();
    control.spawn(async move {
        let mut signals = match Signals::watch() {
            Ok(signals) => signals,
            Err(problem) => {
                error!(%problem, "signals cannot be watched; stop the server by ending its process");
                return;
            }
        };
        for _ in 0..2 {
            signals.next().await;
            let grace = Duration::from_secs(grace_seconds);
            enqueue(&queue, tiltyard::Inbound::Shutdown { grace }).await;
        }
        signals.next().await;
        error!("asked to stop three times; ending the process");
        process::exit(1);
    });
}

/// The ways in which the system asks a process to stop. None is missed while another is dealt with.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn watch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn watch() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if let Err(problem) = tokio::signal::ctrl_c().await {
            error!(%problem, "signals cannot be watched");
            std::future::pending::<()>().await;
        }
    }
}
