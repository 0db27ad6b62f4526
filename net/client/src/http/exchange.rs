//! One request over HTTP/1.1, and its answer.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::future::join;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::time::timeout;

use crate::{connect, options::Options};

/// Longest time for a request, from opening the connection to the last byte of the answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Longest answer. Two tokens with all that may be in them stay far below.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What is asked.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) authorization: Option<String>,
    pub(super) body: Vec<u8>,
}

/// What is answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    /// The address that answered.
    pub(super) remote: SocketAddr,
}

/// Why there is no good answer.
#[derive(Clone, Debug, Error)]
pub(crate) enum HttpError {
    /// No connection, no answer in time, or something else than HTTP.
    #[error("{0}")]
    Unreachable(String),
    /// An answer that says no.
    #[error("{message} ({status})")]
    Refused { status: u16, message: String },
    /// An answer that is not what it should be.
    #[error("the server's answer makes no sense")]
    Senseless,
}

/// Asks, on a connection of its own.
///
/// # Cancellation
///
/// The server may have done what was asked.
pub(super) async fn exchange(options: &Options, ask: Ask<'_>) -> Result<Answer, HttpError> {
    timeout(DEADLINE, try_exchange(options, ask))
        .await
        .map_err(|_| unreachable("no answer in time"))?
}

async fn try_exchange(options: &Options, ask: Ask<'_>) -> Result<Answer, HttpError> {
    let opened = connect::open(options).await.map_err(unreachable)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(opened.io))
        .await
        .map_err(unreachable)?;
    let mut request = Request::builder()
        .method(ask.method)
        .uri(ask.path)
        .header(header::HOST, options.server.authority())
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(authorization) = ask.authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let request = request
        .body(Full::new(Bytes::from(ask.body)))
        .map_err(unreachable)?;
    let answer = async move {
        let answer = sender.send_request(request).await.map_err(unreachable)?;
        let (status, body) = (answer.status(), answer.into_body());
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
        // Dropping the sender lets the connection end.
        drop(sender);
        let body = body.map_err(unreachable)?.to_bytes();
        Ok((status, body))
    };
    // How the connection ends does not matter once there is an answer; without one, `answer` says why.
    let (answer, _) = join(answer, connection).await;
    let (status, body) = answer?;
    Ok(Answer {
        status,
        body,
        remote: opened.remote,
    })
}

fn unreachable(error: impl ToString) -> HttpError {
    HttpError::Unreachable(error.to_string())
}
