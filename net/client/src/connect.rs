//! From a session to an open connection.
//!
//! ```text
//! session ─ stale? refresh ─► where is QUIC? ─► race ─┬─ Quic: HELLO, WELCOME ─┬─► Link
//!                                                     └─ WebSocket ────────────┘
//!     ▲                                                          │
//!     └────────── the server does not take the token: once ◄─────┘
//! ```

mod io;
mod race;
pub(crate) mod tls;

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout};

pub(crate) use io::{Io, Opened, Relay, Traffic, open};
pub(crate) use tls::CertificateHash;

use crate::{
    connect::race::{Winner, race},
    event::Ended,
    http::{self, HttpError, QuicAddress},
    link::{self, Handshaken, Link, OpenError},
    options::{Options, Transport},
    session::Session,
};

/// How long a server may take to say where QUIC is before a WebSocket is opened without it: three round
/// trips of 300 ms, for TCP, TLS and the answer, and half a second to spare.
const ROUTE_DEADLINE: Duration = Duration::from_millis(1400);

/// How long QUIC is left alone after it has shaken hands and then said no more. A network that does
/// this will not have changed in a minute, and a player who has changed networks gets it back.
const QUIC_LEFT_ALONE: Duration = Duration::from_secs(5 * 60);

/// What is remembered of QUIC from one attempt to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QuicMemory {
    broken_until: Option<Instant>,
}

impl QuicMemory {
    /// It got through, and then broke.
    pub(crate) fn note_broken(&mut self) {
        self.broken_until = Some(Instant::now() + QUIC_LEFT_ALONE);
    }

    /// What to connect over, of what the game wants.
    fn choose(self, wanted: Transport) -> Transport {
        let is_broken = self.broken_until.is_some_and(|at| Instant::now() < at);
        match wanted {
            Transport::Auto if is_broken => Transport::WebSocket,
            wanted => wanted,
        }
    }
}

/// Opens a connection; `session` gets new tokens if it needs them.
///
/// # Cancellation
///
/// The connection is closed; the server may have opened the session before.
pub(crate) async fn establish(
    options: &Options,
    session: &mut Session,
    transport: Transport,
    memory: &mut QuicMemory,
) -> Result<Link, Ended> {
    let transport = memory.choose(transport);
    let opening = try_establish(options, session, transport);
    let error = match timeout(options.connect_timeout, opening).await {
        Ok(Ok(link)) => return Ok(link),
        Ok(Err(error)) => error,
        Err(_) => OpenError::unreachable("no connection in time"),
    };
    if matches!(error, OpenError::Silent(_)) {
        memory.note_broken();
    }
    Err(error.into_ended())
}

async fn try_establish(
    options: &Options,
    session: &mut Session,
    transport: Transport,
) -> Result<Link, OpenError> {
    let is_stale = session.is_stale(SystemTime::now()) && session.can_refresh();
    if is_stale {
        *session = refresh(options, session).await?;
    }
    match open_link(options, session, transport).await {
        // The clocks differ, or the server has thrown the token away.
        Err(OpenError::Unauthorized) if !is_stale && session.can_refresh() => {
            *session = refresh(options, session).await?;
            open_link(options, session, transport).await
        }
        outcome => outcome,
    }
}

async fn refresh(options: &Options, session: &Session) -> Result<Session, OpenError> {
    let refreshed = http::refresh(options, session).await;
    refreshed.map_err(|error| match is_final(&error) {
        true => OpenError::Unauthorized,
        false => OpenError::unreachable(error),
    })
}

/// Whether the server says that these tokens will never do. Anything else may pass: a limit on requests,
/// a timeout, whatever is between here and the server.
const fn is_final(error: &HttpError) -> bool {
    matches!(
        error,
        HttpError::Refused {
            status: 400 | 401 | 403 | 404,
            ..
        }
    )
}

async fn open_link(
    options: &Options,
    session: &Session,
    transport: Transport,
) -> Result<Link, OpenError> {
    let token = session.token();
    let address = match transport {
        Transport::WebSocket => None,
        Transport::Auto => find_quic(options).await,
        Transport::Quic => http::transport(options)
            .await
            .map_err(OpenError::unreachable)?,
    };
    match (transport, address) {
        (Transport::Quic, None) => Err(OpenError::Ended(Ended::NoQuic)),
        (Transport::Quic, Some(address)) => {
            let handshaken = link::handshake(options, &address).await?;
            handshaken.begin(options, token).await
        }
        (Transport::Auto, Some(address)) => open_fastest(options, token, &address).await,
        (Transport::Auto | Transport::WebSocket, _) => {
            let opened = open_websocket(options).await?;
            link::upgrade(options, token, opened).await
        }
    }
}

/// Where QUIC is, if the server says so soon. Whatever else it says, there is the WebSocket.
async fn find_quic(options: &Options) -> Option<QuicAddress> {
    match timeout(ROUTE_DEADLINE, http::transport(options)).await {
        Ok(Ok(address)) => address,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the server does not say where QUIC is");
            None
        }
        Err(_) => {
            tracing::debug!("the server does not say in time where QUIC is");
            None
        }
    }
}

async fn open_fastest(
    options: &Options,
    token: &str,
    address: &QuicAddress,
) -> Result<Link, OpenError> {
    let winner: Winner<Handshaken, Link> = race(
        options.quic_head_start,
        link::handshake(options, address),
        open_websocket(options),
        |opened| link::upgrade(options, token, opened),
        OpenError::is_answer,
    )
    .await?;
    match winner {
        Winner::WebSocket(link) => Ok(link),
        Winner::Quic(handshaken) => handshaken.begin(options, token).await,
    }
}

/// What a WebSocket is opened over.
async fn open_websocket(options: &Options) -> Result<Opened, OpenError> {
    let opened = io::open_on_network(options).await;
    opened.map_err(OpenError::unreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn where_quic_breaks_after_its_handshake_a_websocket_is_used_for_a_while() {
        let mut memory = QuicMemory::default();
        assert_eq!(memory.choose(Transport::Auto), Transport::Auto);
        memory.note_broken();
        assert_eq!(memory.choose(Transport::Auto), Transport::WebSocket);
        assert_eq!(
            memory.choose(Transport::Quic),
            Transport::Quic,
            "or nothing"
        );
        tokio::time::advance(QUIC_LEFT_ALONE).await;
        assert_eq!(memory.choose(Transport::Auto), Transport::Auto);
    }

    #[test]
    fn only_a_server_that_says_so_ends_a_session() {
        let refused = |status| HttpError::Refused {
            status,
            message: String::new(),
        };
        assert!([400, 401, 403, 404].map(refused).iter().all(is_final));
        assert!(![408, 425, 429, 500, 503].map(refused).iter().any(is_final));
    }
}
