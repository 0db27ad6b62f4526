//! The accept loop of a network thread.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{net::TcpStream, task::spawn_local};
use tower::ServiceExt;
use tracing::{debug, warn};

use super::Impatient;
use crate::{config::Limits, rate::household};

/// Connections that the system may hold for the server to accept: a login storm of a second.
const BACKLOG: i32 = 4096;
/// Bytes of the head of a request. The reference server takes 5,120 and some slack.
const HEAD_BYTES_MAX: usize = 10 * 1024;
/// How long to rest when the system gives no more connections, such as when descriptors run out.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// How long an HTTP client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// To send the head of a request, counted from when the one before was answered.
    pub(crate) head: Duration,
    /// To take a part of the answer.
    pub(crate) write: Duration,
}

/// Opens the port.
///
/// # Errors
///
/// Whatever the system says, such as that the port is in use.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A server that is started again finds the port in the hands of its own dead connections.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Counts connections, and turns away those above the bounds.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Shared by all gates of a server.
    open: Arc<AtomicUsize>,
    connections_max: usize,
    per_address: Mutex<HashMap<IpAddr, usize>>,
    per_address_max: usize,
    counts_loopback: bool,
}

impl Gate {
    pub(crate) fn new(connections_max: usize, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            open: Arc::default(),
            connections_max,
            per_address: Mutex::default(),
            per_address_max: limits.connections_per_address,
            counts_loopback: limits.loopback,
        })
    }

    /// Another way in, with a bound of its own for every address.
    pub(crate) fn stricter(&self, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self {
            open: self.open.clone(),
            connections_max: self.connections_max,
            per_address: Mutex::default(),
            per_address_max,
            counts_loopback: self.counts_loopback,
        })
    }

    /// Whether no more connections are taken from anybody.
    pub(crate) fn is_full(&self) -> bool {
        self.open.load(Ordering::Acquire) >= self.connections_max
    }

    /// Lets a connection in, unless there are too many.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Pass> {
        // A socket for both families shows an address of IPv4 as one of IPv6.
        let address = address.to_canonical();
        if self.open.fetch_add(1, Ordering::AcqRel) >= self.connections_max {
            self.open.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        // From the own machine come load tests, and proxies that speak for everybody.
        let counted = self.counts_loopback || !address.is_loopback();
        let address = household(address);
        if counted {
            let mut per_address = self
                .per_address
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let count = per_address.entry(address).or_default();
            if *count >= self.per_address_max {
                self.open.fetch_sub(1, Ordering::AcqRel);
                return None;
            }
            *count += 1;
        }
        Some(Pass {
            gate: self.clone(),
            address: counted.then_some(address),
        })
    }
}

/// One connection's place, given back when it ends. A WebSocket takes it along from HTTP.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    address: Option<IpAddr>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.open.fetch_sub(1, Ordering::AcqRel);
        let Some(address) = self.address else {
            return;
        };
        let mut per_address = self
            .gate
            .per_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                per_address.remove(&address);
            }
        }
    }
}

/// Accepts connections and serves them on this thread, for ever.
pub(crate) async fn drive_listener(
    listener: TcpListener,
    router: Router,
    gate: Arc<Gate>,
    patience: Patience,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => match gate.enter(address.ip()) {
                Some(pass) => {
                    spawn_local(serve(
                        stream,
                        address,
                        router.clone(),
                        Arc::new(pass),
                        patience,
                    ));
                }
                None => debug!(%address, "turned a connection away: too many are open"),
            },
            Err(error) => {
                warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    pass: Arc<Pass>,
    patience: Patience,
) {
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        request.extensions_mut().insert(pass.clone());
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(
            TokioIo::new(Impatient::new(stream, patience.write)),
            TowerToHyperService::new(service),
        )
        .with_upgrades();
    if let Err(error) = connection.await {
        debug!(%address, %error, "an HTTP connection ended early");
    }
}
