//! The network threads: starting them, and stopping them in order.

use std::{
    cell::Cell,
    future::Future,
    io,
    net::{TcpListener, UdpSocket},
    rc::Rc,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::Sender;
use quinn::{Endpoint, EndpointConfig, TokioRuntime, VarInt};
use tiltyard::{Inbound, InboundSender};
use tiltyard_link::Profile;
use tokio::{
    runtime,
    sync::watch,
    task::{LocalSet, spawn_local},
    time::timeout,
};
use tracing::error;

use crate::{
    auth::Sessions,
    config::Config,
    listen::{Admission, Gate, Load, Patience, QuicListener, THREAD, drive_listener},
    metrics::Metrics,
    peer::{Peers, RateLimits, ReaderOptions, Timing},
    server::ServerError,
    thread::{EgressReceiver, EgressSender, NetThread, egress_channel},
};

/// How long clients have to take their closing frame when the server stops.
const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// How long QUIC has after that to tell those who have not.
const LAST_PACKET_WAIT: Duration = Duration::from_millis(250);

/// The network threads.
pub(crate) struct Network {
    threads: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

pub(crate) struct NetworkParts {
    pub(crate) network: Network,
    pub(crate) senders: Vec<EgressSender>,
}

/// What the QUIC thread is started with.
pub(crate) struct QuicPlan {
    pub(crate) socket: UdpSocket,
    pub(crate) config: quinn::ServerConfig,
    pub(crate) admission: Admission,
    pub(crate) retry_always: bool,
    /// What the network is made to be like, if anything.
    pub(crate) network: Option<Profile>,
}

impl Network {
    /// Starts a number of threads that share the TCP port, and one for the UDP port if there is one.
    pub(crate) fn start(
        config: &Config,
        listener: &TcpListener,
        quic: Option<QuicPlan>,
        router: &axum::Router,
        sessions: &Arc<Sessions>,
        queue: InboundSender,
        metrics: &Metrics,
    ) -> Result<NetworkParts, ServerError> {
        let count = thread_count(config.net.threads);
        let gate = Gate::new(config.socket.max_sessions, &config.limits);
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
                patience: Patience {
                    head: Duration::from_millis(config.socket.read_timeout_ms),
                    write: Duration::from_millis(config.socket.write_timeout_ms),
                },
                sessions: sessions.clone(),
                options: reader_options(config, &queue, metrics),
                inputs_max: u32::try_from(config.matches.input_queue_size).unwrap_or(u32::MAX),
                stopping: stopping.clone(),
            };
            let started = started.clone();
            let drive = move || drive_thread(plan, egress);
            threads.push(spawn(format!("net-{index}"), started, drive)?);
        }
        if let Some(quic) = quic {
            let (sender, egress) = egress_channel();
            senders.push(sender);
            let plan = QuicThreadPlan {
                index: count,
                quic,
                gate: gate.stricter(config.limits.quic_connections_per_address),
                sessions: sessions.clone(),
                options: reader_options(config, &queue, metrics),
                inputs_max: u32::try_from(config.matches.input_queue_size).unwrap_or(u32::MAX),
                stopping,
            };
            let drive = move || drive_quic_thread(plan, egress);
            threads.push(spawn("net-quic".to_owned(), started, drive)?);
        } else {
            drop(started);
        }
        for outcome in starts.iter().take(threads.len()) {
            outcome?;
        }
        Ok(NetworkParts {
            network: Self { threads, stop },
            senders,
        })
    }

    /// Closes every connection and waits for the threads.
    pub(crate) fn stop(self) {
        self.stop.send_replace(true);
        for thread in self.threads {
            if thread.join().is_err() {
                error!("a network thread panicked");
            }
        }
    }
}

/// Starts a thread that runs what `drive` makes, and says on `started` whether it could.
fn spawn<F: Future<Output = ()>>(
    name: String,
    started: mpsc::Sender<io::Result<()>>,
    drive: impl FnOnce() -> F + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let body = move || match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            drop(started.send(Ok(())));
            LocalSet::new().block_on(&runtime, drive());
        }
        Err(error) => drop(started.send(Err(error))),
    };
    thread::Builder::new().name(name).spawn(body)
}

/// One a core, unless the operator says otherwise.
fn thread_count(configured: usize) -> u8 {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let count = if configured == 0 { cores() } else { configured };
    // One number is left for QUIC.
    u8::try_from(count.max(1)).map_or(u8::MAX - 1, |count| count.min(u8::MAX - 1))
}

fn reader_options(config: &Config, queue: &InboundSender, metrics: &Metrics) -> ReaderOptions {
    let socket = &config.socket;
    ReaderOptions {
        queue: queue.0.clone(),
        message_bytes_max: socket.max_message_size_bytes,
        read_buffer_bytes: socket.read_buffer_size_bytes,
        backoff_messages: socket.ping_backoff_threshold,
        rates: RateLimits::new(&config.limits),
        timing: Timing {
            ping_period: Duration::from_millis(socket.ping_period_ms),
            pong_wait: Duration::from_millis(socket.pong_wait_ms),
            write_wait: Duration::from_millis(socket.write_wait_ms),
            close_wait: Duration::from_millis(socket.close_ack_wait_ms),
        },
        traffic: metrics.thread(),
        rpcs: metrics.rpcs.clone(),
    }
}

/// What one network thread is started with.
struct ThreadPlan {
    index: u8,
    listener: TcpListener,
    router: axum::Router,
    gate: Arc<Gate>,
    patience: Patience,
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
        patience,
        sessions,
        options,
        inputs_max,
        mut stopping,
    } = plan;
    let thread = Rc::new(NetThread {
        peers: Peers::new(index).into(),
        sessions,
        options,
        inputs_max,
        stopping: Cell::new(false),
    });
    THREAD.set(Some(thread.clone()));
    let queue = thread.options.queue.clone();
    let mut egress = spawn_local(thread.clone().drive_egress(egress));
    let mut checks = spawn_local(thread.clone().drive_checks());
    tokio::select! {
        ended = drive_listener(listener, router, gate, patience) => if let Err(error) = ended {
            error!(%error, "a network thread cannot accept connections");
        },
        // An error means that whoever would say so is gone.
        _ = stopping.wait_for(|stop| *stop) => {}
        _ = &mut egress => fail(&queue, "stopped writing"),
        _ = &mut checks => fail(&queue, "stopped looking after clients"),
    }
    thread.wait_until_empty(CLOSE_WAIT).await;
    egress.abort();
    checks.abort();
    THREAD.set(None);
}

/// What the QUIC thread is started with, and what every network thread is.
struct QuicThreadPlan {
    index: u8,
    quic: QuicPlan,
    gate: Arc<Gate>,
    sessions: Arc<Sessions>,
    options: ReaderOptions,
    inputs_max: u32,
    stopping: watch::Receiver<bool>,
}

/// Serves everybody who comes over UDP until the server stops. One thread does, because a client that
/// changes its address keeps its connection, and only one socket can know that.
async fn drive_quic_thread(plan: QuicThreadPlan, egress: EgressReceiver) {
    let QuicThreadPlan {
        index,
        quic,
        gate,
        sessions,
        options,
        inputs_max,
        mut stopping,
    } = plan;
    let queue = options.queue.clone();
    let endpoint = match endpoint(quic.socket, quic.config, quic.network) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            error!(%error, "the UDP port cannot be used");
            fail(&queue, "not started");
            return;
        }
    };
    let thread = Rc::new(NetThread {
        peers: Peers::new(index).into(),
        sessions,
        options,
        inputs_max,
        stopping: Cell::new(false),
    });
    let listener = Rc::new(QuicListener {
        endpoint: endpoint.clone(),
        thread: thread.clone(),
        admission: quic.admission,
        gate,
        retry_always: quic.retry_always,
        load: Load::default(),
    });
    let mut egress = spawn_local(thread.clone().drive_egress(egress));
    let mut checks = spawn_local(thread.clone().drive_checks());
    tokio::select! {
        () = listener.drive() => fail(&queue, "stopped accepting"),
        // An error means that whoever would say so is gone.
        _ = stopping.wait_for(|stop| *stop) => {}
        _ = &mut egress => fail(&queue, "stopped writing"),
        _ = &mut checks => fail(&queue, "stopped looking after clients"),
    }
    thread.wait_until_empty(CLOSE_WAIT).await;
    egress.abort();
    checks.abort();
    endpoint.close(VarInt::from_u32(1001), b"server is shutting down");
    drop(timeout(LAST_PACKET_WAIT, endpoint.wait_idle()).await);
}

fn endpoint(
    socket: UdpSocket,
    config: quinn::ServerConfig,
    network: Option<Profile>,
) -> io::Result<Endpoint> {
    let endpoint = EndpointConfig::default();
    match network {
        Some(network) => tiltyard_link::endpoint(endpoint, Some(config), socket, &network),
        None => Endpoint::new(endpoint, Some(config), socket, Arc::new(TokioRuntime)),
    }
}

/// A server of which a part has died is stopped, so that whoever watches it starts it again.
fn fail(queue: &Sender<Inbound>, what: &str) {
    error!("a network thread has {what}; stopping the server");
    let grace = Duration::ZERO;
    if queue.try_send(Inbound::Shutdown { grace }).is_err() {
        std::process::abort();
    }
}
