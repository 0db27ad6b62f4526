use serde_json::json;

use super::stage::{Response, Stage};
use crate::api::{ListFailure, PartyFilter, PartyListing, PartyPage, WorldError};

async fn list(stage: &Stage, token: &str, query: &str) -> Response {
    let uri = format!("/v2/party{query}");
    stage.ask("GET", &uri).token(token).send().await
}

fn page(next: Option<usize>) -> PartyPage {
    let party = PartyListing {
        party_id: "a.node".to_owned(),
        open: true,
        max_size: 4,
        label: r#"{"a":1}"#.to_owned(),
    };
    PartyPage {
        parties: vec![party],
        next,
    }
}

#[tokio::test]
async fn filters_are_handed_on() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    let asked = async |query: &str| {
        assert_eq!(list(&stage, &alice.token, query).await.ok(), json!({}));
        stage.world.party_filters.lock().unwrap().pop().unwrap()
    };
    let none = PartyFilter {
        limit: 10,
        ..PartyFilter::default()
    };
    assert_eq!(asked("").await, none);
    let all = PartyFilter {
        limit: 100,
        offset: 0,
        open: Some(false),
        query: "+label.a:1".to_owned(),
    };
    assert_eq!(
        asked("?limit=100&open=false&query=%2Blabel.a%3A1&cursor=").await,
        all
    );
}

#[tokio::test]
async fn a_cursor_goes_on_with_the_listing_it_came_from_and_no_other() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    *stage.world.parties.lock().unwrap() = Some(Ok(page(Some(2))));
    let first = list(&stage, &alice.token, "?limit=2&open=true&query=a").await;
    let first = first.ok();
    let cursor = first["cursor"].as_str().unwrap();
    let party = json!({"party_id": "a.node", "open": true, "max_size": 4, "label": r#"{"a":1}"#});
    assert_eq!(first["parties"], json!([party]));
    assert!(
        cursor
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
        "{cursor} needs no escapes in a URL"
    );
    *stage.world.parties.lock().unwrap() = Some(Ok(page(None)));
    let next = format!("?limit=2&open=true&query=a&cursor={cursor}");
    let last = list(&stage, &alice.token, &next).await.ok();
    assert_eq!(last.get("cursor"), None, "the last page has none");
    let filter = stage.world.party_filters.lock().unwrap().pop().unwrap();
    assert_eq!((filter.offset, filter.limit), (2, 2));
    for other in [
        "?limit=3&open=true&query=a",
        "?limit=2&open=false&query=a",
        "?limit=2&query=a",
        "?limit=2&open=true&query=b",
        "?limit=2&open=true",
    ] {
        let query = format!("{other}&cursor={cursor}");
        list(&stage, &alice.token, &query)
            .await
            .refused(500, 13, "Error listing matches.");
    }
}

#[tokio::test]
async fn wrong_filters_are_refused() {
    let stage = Stage::new().await;
    let alice = stage.player("alice").await;
    for query in ["?limit=0", "?limit=101", "?limit=-1&cursor=x"] {
        list(&stage, &alice.token, query).await.refused(
            400,
            3,
            "Invalid limit - limit must be between 1 and 100.",
        );
    }
    for query in [
        "?cursor=x",
        "?cursor=e30",
        "?cursor=%21%21",
        "?cursor=e30%3D",
    ] {
        list(&stage, &alice.token, query)
            .await
            .refused(500, 13, "Error listing matches.");
    }
    *stage.world.parties.lock().unwrap() = Some(Err(ListFailure::BadQuery));
    list(&stage, &alice.token, "?query=%22")
        .await
        .refused(500, 13, "Error listing matches.");
    *stage.world.parties.lock().unwrap() = Some(Err(ListFailure::World(WorldError::Busy)));
    let busy = list(&stage, &alice.token, "").await;
    assert_eq!(busy.status.as_u16(), 503);
}
