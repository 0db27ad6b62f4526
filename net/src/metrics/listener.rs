//! The listener for those who watch the server. Players never reach it.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tiltyard::{Answer, Call, Census, FLIGHT_PASSES_MAX, PassRecord, PassSystems};
use tracing::error;

use super::{Metrics, world::Around};
use crate::{
    auth::Passwords, bridge::Bridge, config, health::Health, listen::bind, server::ServerError,
};

/// How long a scrape waits for the world. One whose world is stuck is answered all the same, with the
/// figures of the last one.
const WORLD_WAIT: Duration = Duration::from_millis(500);
/// Passes that are shown to whoever does not say how many.
const PASSES_DEFAULT: usize = 240;

/// What the listener answers from. Clones share it.
#[derive(Clone)]
pub(crate) struct MetricsState {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) bridge: Bridge,
    pub(crate) health: Arc<Health>,
    pub(crate) passwords: Arc<Passwords>,
}

/// Opens the port for metrics, if there is to be one.
pub(crate) fn bind_metrics(options: &config::Metrics) -> Result<Option<TcpListener>, ServerError> {
    if options.prometheus_port == 0 {
        return Ok(None);
    }
    let address = SocketAddr::new(options.address, options.prometheus_port);
    match bind(address) {
        Ok(listener) => Ok(Some(listener)),
        Err(problem) => Err(ServerError::BindMetrics { address, problem }),
    }
}

/// Answers whoever watches the server, for ever.
pub(crate) async fn drive_metrics(listener: TcpListener, state: MetricsState) {
    let served = async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, router(state)).await
    };
    if let Err(error) = served.await {
        error!(%error, "the listener for metrics is gone");
    }
}

pub(super) fn router(state: MetricsState) -> Router {
    Router::new()
        .route("/", get(show_metrics))
        .route("/metrics", get(show_metrics))
        .route("/v2/tiltyard/flight", get(show_flight))
        .with_state(state)
}

/// The form that Prometheus prefers, and the older one, which reads it too.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

async fn show_metrics(State(state): State<MetricsState>, headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    let is_open = accepted.is_some_and(|value| value.contains("application/openmetrics-text"));
    let kind = if is_open { OPEN_METRICS } else { PLAIN };
    match state.page().await {
        Ok(page) => ([(header::CONTENT_TYPE, kind)], page).into_response(),
        Err(problem) => {
            error!(%problem, "the metrics could not be written down");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl MetricsState {
    async fn ask(&self, call: Call) -> Option<Answer> {
        let answer = tokio::time::timeout(WORLD_WAIT, self.bridge.call(call)).await;
        answer.ok()?.ok()
    }

    async fn census(&self) -> Option<Census> {
        match self.ask(Call::Census).await? {
            Answer::Census(census) => Some(census),
            _ => None,
        }
    }

    pub(super) async fn page(&self) -> Result<String, std::fmt::Error> {
        let census = self.census().await;
        let now = Instant::now();
        let metrics = &self.metrics;
        // One scrape at a time, so that each shows figures of its own.
        let _scrape = metrics
            .scrape
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        metrics.world.set_census(census.as_ref());
        metrics.world.set_around(Around {
            queued: self.bridge.queued(),
            passwords: self.passwords.waiting(),
            uptime_seconds: self.health.uptime(now).as_secs_f64(),
            is_overloaded: self.health.is_overloaded(),
        });
        metrics
            .passes
            .age
            .set(self.health.pass_age(now).as_secs_f64());
        metrics.page()
    }
}

#[derive(Deserialize)]
struct Wanted {
    passes: Option<usize>,
}

/// The latest passes as JSON, the last of them last; `?passes=` says how many.
async fn show_flight(State(state): State<MetricsState>, Query(wanted): Query<Wanted>) -> Response {
    let count = wanted
        .passes
        .unwrap_or(PASSES_DEFAULT)
        .min(FLIGHT_PASSES_MAX);
    let Some(Answer::Flight(passes)) = state.ask(Call::Flight { count }).await else {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "The world does not answer.\n",
        )
            .into_response();
    };
    let passes: Vec<Value> = passes.iter().map(describe).collect();
    axum::Json(json!({ "passes": passes })).into_response()
}

/// One pass; times are in microseconds.
pub(crate) fn describe(record: &PassRecord) -> Value {
    let sets = PassSystems::ALL.iter().zip(record.sets);
    let sets = sets.map(|(set, took)| (set.name().to_owned(), microseconds(took)));
    let worst = record.worst.map(|worst| {
        json!({
            "match_id": worst.match_id.to_string(),
            "kind": worst.kind,
            "took_us": microseconds(worst.took),
        })
    });
    json!({
        "pass": record.pass,
        "started_us": microseconds(record.started),
        "took_us": microseconds(record.took()),
        "sets_us": Value::Object(sets.collect()),
        "inbound": record.inbound_count,
        "outbound": record.outbound_count,
        "due_matches": record.due_count,
        "worst_visit": worst,
    })
}

fn microseconds(time: Duration) -> Value {
    let us = time.as_secs_f64() * 1_000_000.0;
    // Three digits after the point are nanoseconds.
    Value::from((us * 1000.0).round() / 1000.0)
}

/// Keeps scrapes apart.
pub(super) type Scrape = Mutex<()>;
