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

use std::time::SystemTime;

use tokio::time::timeout;

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

/// Opens a connection; `session` gets new tokens if it needs them.
///
/// # Cancellation
///
/// The connection is closed; the server may have opened the session before.
pub(crate) async fn establish(
    options: &Options,
    session: &mut Session,
    transport: Transport,
) -> Result<Link, Ended> {
    timeout(
        options.connect_timeout,
        try_establish(options, session, transport),
    )
    .await
    .map_err(|_| Ended::Unreachable("no connection in time".into()))?
}

async fn try_establish(
    options: &Options,
    session: &mut Session,
    transport: Transport,
) -> Result<Link, Ended> {
    let is_stale = session.is_stale(SystemTime::now()) && session.can_refresh();
    if is_stale {
        *session = refresh(options, session).await?;
    }
    match open_link(options, session, transport).await {
        Ok(link) => Ok(link),
        Err(OpenError::Ended(ended)) => Err(ended),
        Err(OpenError::Unauthorized) if is_stale || !session.can_refresh() => {
            Err(Ended::SessionInvalid)
        }
        // The clocks differ, or the server has thrown the token away.
        Err(OpenError::Unauthorized) => {
            *session = refresh(options, session).await?;
            let link = open_link(options, session, transport).await;
            link.map_err(|error| match error {
                OpenError::Unauthorized => Ended::SessionInvalid,
                OpenError::Ended(ended) => ended,
            })
        }
    }
}

async fn refresh(options: &Options, session: &Session) -> Result<Session, Ended> {
    http::refresh(options, session)
        .await
        .map_err(|error| match error {
            HttpError::Refused { status, .. } if status < 500 => Ended::SessionInvalid,
            error => Ended::Unreachable(error.to_string()),
        })
}

async fn open_link(
    options: &Options,
    session: &Session,
    transport: Transport,
) -> Result<Link, OpenError> {
    let token = session.token();
    let address = match transport {
        Transport::WebSocket => None,
        Transport::Auto | Transport::Quic => http::transport(options)
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
