use serde_json::json;

use super::stage::{Response, Stage};
use crate::api::{ListFailure, MatchFilter, MatchListing, WorldError};

async fn list(stage: &Stage, token: &str, query: &str) -> Response {
    let uri = format!("/v2/match{query}");
    stage.ask("GET", &uri).token(token).send().await
}

#[tokio::test]
async fn filters_are_read_in_either_spelling() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let asked = async |query: &str| {
        assert_eq!(list(&stage, &alice.token, query).await.ok(), json!({}));
        stage.world.filters.lock().unwrap().pop().unwrap()
    };
    let none = MatchFilter {
        limit: 10,
        ..MatchFilter::default()
    };
    assert_eq!(asked("").await, none);
    let all = MatchFilter {
        limit: 100,
        authoritative: Some(true),
        label: Some("{\"a\":1}".to_owned()),
        min_size: Some(0),
        max_size: Some(5),
        query: Some("+label.a:1".to_owned()),
    };
    let query = "?limit=100&authoritative=true&label=%7B%22a%22%3A1%7D&query=%2Blabel.a%3A1";
    assert_eq!(asked(&format!("{query}&min_size=0&max_size=5&")).await, all);
    assert_eq!(asked(&format!("{query}&minSize=0&maxSize=5")).await, all);
}

#[tokio::test]
async fn filters_are_checked_in_order() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let limit = "Invalid limit - limit must be between 1 and 100.";
    for (query, message) in [
        ("?limit=0", limit),
        ("?limit=101", limit),
        ("?limit=-1&authoritative=false&label=a", limit),
        (
            "?authoritative=false&label=a&query=b",
            "Label filtering is not supported for non-authoritative matches.",
        ),
        (
            "?authoritative=false&query=b&min_size=-1",
            "Query filtering is not supported for non-authoritative matches.",
        ),
        (
            "?min_size=-1&max_size=-1",
            "Minimum size must be 0 or above.",
        ),
        ("?max_size=-1", "Maximum size must be 0 or above."),
        (
            "?min_size=2&max_size=1",
            "Maximum size must be greater than or equal to minimum size when both are specified.",
        ),
        (
            "?limit=abc",
            r#"parsing field "limit": strconv.ParseInt: parsing "abc": invalid syntax"#,
        ),
        (
            "?authoritative=yes",
            r#"parsing field "authoritative": strconv.ParseBool: parsing "yes": invalid syntax"#,
        ),
        (
            "?limit=1&limit=2",
            r#"too many values for field "limit": 1, 2"#,
        ),
        ("?label=%zz", r#"invalid URL escape "%zz""#),
    ] {
        list(&stage, &alice.token, query)
            .await
            .refused(400, 3, message);
    }
    list(&stage, "wrong", "?limit=abc").await.refused(
        400,
        3,
        r#"parsing field "limit": strconv.ParseInt: parsing "abc": invalid syntax"#,
    );
    list(&stage, &alice.token, "?label=%FF").await.refused(
        500,
        13,
        "grpc: error while marshaling: string field contains invalid UTF-8",
    );
}

#[tokio::test]
async fn matches_are_listed_with_what_applies_to_them() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let authoritative = MatchListing {
        match_id: "a.node".to_owned(),
        authoritative: true,
        label: Some(String::new()),
        size: 0,
        tick_rate: 10,
        handler_name: "pingpong".to_owned(),
    };
    let relayed = MatchListing {
        match_id: "b.".to_owned(),
        authoritative: false,
        label: None,
        size: 2,
        tick_rate: 0,
        handler_name: String::new(),
    };
    *stage.world.matches.lock().unwrap() = Some(Ok(vec![authoritative, relayed]));
    let expected = json!({"matches": [
        {"match_id": "a.node", "authoritative": true, "label": "", "tick_rate": 10, "handler_name": "pingpong"},
        {"match_id": "b.", "size": 2},
    ]});
    assert_eq!(list(&stage, &alice.token, "").await.ok(), expected);
    *stage.world.matches.lock().unwrap() = Some(Err(ListFailure::BadQuery));
    list(&stage, &alice.token, "")
        .await
        .refused(500, 13, "Error listing matches.");
    *stage.world.matches.lock().unwrap() = Some(Err(ListFailure::World(WorldError::Stopped)));
    list(&stage, &alice.token, "").await.refused(
        503,
        14,
        "the server is shutting down; try again later",
    );
}
