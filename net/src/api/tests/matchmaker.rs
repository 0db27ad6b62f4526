use serde_json::json;

use super::stage::Stage;
use crate::api::{MatchmakerCompletion, MatchmakerStats};

const URI: &str = "/v2/matchmaker/stats";

#[tokio::test]
async fn before_anything_happened_there_is_nothing_to_tell() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let stats = stage.ask("GET", URI).token(&alice.token).send().await;
    assert_eq!(stats.ok(), json!({}));
}

#[tokio::test]
async fn times_are_told_to_the_nanosecond() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    *stage.world.matchmaker_stats.lock().unwrap() = MatchmakerStats {
        ticket_count: 2,
        oldest_created_ns: Some(1_700_000_000_000_000_001),
        completions: vec![MatchmakerCompletion {
            created_ns: 1_700_000_000_000_000_001,
            completed_ns: 1_700_000_003_500_000_000,
        }],
    };
    let stats = stage.ask("GET", URI).token(&alice.token).send().await;
    let created = "2023-11-14T22:13:20.000000001Z";
    let expected = json!({
        "ticket_count": 2,
        "oldest_ticket_create_time": created,
        "completions": [{"create_time": created, "complete_time": "2023-11-14T22:13:23.500Z"}],
    });
    assert_eq!(stats.ok(), expected);
}

#[tokio::test]
async fn strangers_are_told_nothing() {
    let stage = Stage::new().await;
    let stats = stage.ask("GET", URI).send().await;
    stats.refused(401, 16, "Auth token required");
}
