//! What clients may connect over, told at `GET /v2/tiltyard/transport`.

use std::sync::Arc;

use axum::{Json, response::IntoResponse};
use serde::Serialize;
use tiltyard_proto::control;

use crate::certificates::Certificates;

/// What there is besides WebSockets.
#[derive(Clone, Debug)]
pub(crate) struct Transports {
    /// The UDP port, which has the number of the TCP port.
    pub(crate) port: u16,
    /// None if there is no QUIC.
    pub(crate) certificates: Option<Arc<Certificates>>,
}

#[derive(Debug, Default, Serialize)]
struct Answer {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    quic: Option<Native>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webtransport: Option<Browser>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    certificate_hashes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Native {
    port: u16,
    alpn: &'static str,
}

#[derive(Debug, Serialize)]
struct Browser {
    port: u16,
    path: &'static str,
}

impl Transports {
    /// The answer, which changes when the certificate does and is therefore not to be kept.
    pub(crate) fn answer(&self) -> impl IntoResponse + use<> {
        let mut answer = Answer {
            version: control::VERSION,
            ..Answer::default()
        };
        if let Some(certificates) = &self.certificates {
            answer.quic = Some(Native {
                port: self.port,
                alpn: str::from_utf8(control::ALPN).unwrap_or_default(),
            });
            answer.webtransport = Some(Browser {
                port: self.port,
                path: control::WEBTRANSPORT_PATH,
            });
            answer.certificate_hashes = certificates.hash().into_iter().collect();
        }
        ([("cache-control", "no-store")], Json(answer))
    }
}
