//! The network threads: starting them, and stopping them in order.

use std::{
    net::TcpListener,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::Sender;
use tiltyard::{Inbound, InboundSender};
use tokio::{
    runtime,
    sync::watch,
    task::{LocalSet, spawn_local},
};
use tracing::error;

use crate::{
    auth::Sessions,
    config::Config,
    listen::{Gate, THREAD, drive_listener},
    peer::{Peers, ReaderOptions, Timing},
    server::ServerError,
    thread::{EgressReceiver, EgressSender, NetThread, egress_channel},
};

/// Connections that one address may have open, unless it is this machine.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 1024;
/// How long clients have to take their closing frame when the server stops.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// The network threads.
pub(crate) struct Network {
    threads: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

pub(crate) struct NetworkParts {
    pub(crate) network: Network,
    pub(crate) senders: Vec<EgressSender>,
}

impl Network {
    pub(crate) fn start(
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
    pub(crate) fn stop(self) {
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
        stopping: std::cell::Cell::new(false),
    });
    THREAD.set(Some(thread.clone()));
    let queue = thread.options.queue.clone();
    let mut egress = spawn_local(thread.clone().drive_egress(egress));
    let mut checks = spawn_local(thread.clone().drive_checks());
    tokio::select! {
        ended = drive_listener(listener, router, gate) => if let Err(error) = ended {
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

/// A server of which a part has died is stopped, so that whoever watches it starts it again.
fn fail(queue: &Sender<Inbound>, what: &str) {
    error!("a network thread has {what}; stopping the server");
    let grace = Duration::ZERO;
    if queue.try_send(Inbound::Shutdown { grace }).is_err() {
        std::process::abort();
    }
}
