use std::sync::Arc;
use std::time::{Duration, Instant};

use super::stage::Stage;
use crate::health::Health;

const ROUTES: [&str; 2] = ["/healthcheck", "/v2/tiltyard/ready"];

#[tokio::test]
async fn a_server_that_ticks_is_live_and_ready() {
    let stage = Stage::new().await;
    for route in ROUTES {
        let response = stage.ask("GET", route).send().await;
        assert_eq!(response.ok(), serde_json::json!({}), "{route}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_tick_is_neither() {
    let mut stage = Stage::new().await;
    // No pass is ever recent enough.
    stage.state.health = Arc::new(Health::new(Duration::ZERO, Arc::default()));
    for route in ROUTES {
        let response = stage.ask("GET", route).send().await;
        response.refused(503, 14, "The server does not tick.");
    }
}

#[tokio::test]
async fn a_server_that_stops_is_live_and_not_ready() {
    let stage = Stage::new().await;
    stage.state.health.set_stopping();
    let response = stage.ask("GET", ROUTES[0]).send().await;
    assert_eq!(response.ok(), serde_json::json!({}));
    let response = stage.ask("GET", ROUTES[1]).send().await;
    response.refused(503, 14, "The server is stopping.");
}

#[tokio::test]
async fn a_server_that_has_not_ticked_yet_is_live_and_not_ready() {
    let mut stage = Stage::new().await;
    stage.state.health = Arc::new(Health::new(Duration::from_secs(3600), Arc::default()));
    let response = stage.ask("GET", ROUTES[0]).send().await;
    assert_eq!(response.ok(), serde_json::json!({}));
    let response = stage.ask("GET", ROUTES[1]).send().await;
    response.refused(503, 14, "The server is starting.");
    stage.state.health.pass_ended(Instant::now());
    stage.ask("GET", ROUTES[1]).send().await.ok();
}
