use serde_json::{Map, Value};

use super::stage::Stage;
use crate::api::routes::{ROUTES, Route};

async fn description() -> Value {
    let stage = Stage::new().await;
    let ask = stage.ask("GET", "/v2/tiltyard/openapi.json");
    ask.send().await.ok()
}

/// Every text that is a reference.
fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            let inner = members.values().flat_map(references);
            own.into_iter().chain(inner).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn every_route_is_described_and_nothing_else_is() {
    let description = description().await;
    assert_eq!(description["openapi"], "3.1.1");
    let paths = description["paths"].as_object().unwrap();
    let described: usize = paths
        .values()
        .filter_map(Value::as_object)
        .map(Map::len)
        .sum();
    assert_eq!(described, ROUTES.len());
    for route in ROUTES {
        let path = route.path.replace("{*", "{");
        let operation = &paths[&path][route.method.to_lowercase()];
        let id = operation["operationId"].as_str().unwrap();
        assert!(id.starts_with(route.name), "{id}");
        let security = operation["security"].as_array().unwrap();
        assert_eq!(security.len(), route.proofs.len(), "{path}");
        assert_eq!(
            operation.get("requestBody").is_some(),
            route.body.is_some() || (route.method, route.name) == ("POST", "RpcFunc"),
            "{path}"
        );
        let parameters = operation["parameters"].as_array().unwrap();
        let in_path = path.matches('{').count();
        assert_eq!(parameters.len(), route.query.len() + in_path, "{path}");
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_schema_is_referred_to() {
    let description = description().await;
    let references = references(&description);
    assert!(references.len() > ROUTES.len());
    for reference in &references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
    for name in description["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        let reference = format!("#/components/schemas/{name}");
        assert!(references.contains(&reference.as_str()), "{name}");
    }
    let schemes = &description["components"]["securitySchemes"];
    for proof in ROUTES.iter().flat_map(|route| route.proofs) {
        assert!(schemes[proof].is_object(), "{proof}");
    }
}

#[tokio::test]
async fn operations_have_ids_of_their_own() {
    let description = description().await;
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.values().filter_map(Value::as_object).flatten();
    let mut ids: Vec<_> = operations
        .map(|(_, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[tokio::test]
async fn schemas_say_what_the_protocol_says() {
    let description = description().await;
    let schemas = &description["components"]["schemas"];
    let message = &schemas["ChannelMessage"]["properties"];
    assert_eq!(message["code"]["type"], "integer");
    assert_eq!(message["create_time"]["format"], "date-time");
    assert_eq!(message["persistent"]["type"], "boolean");
    assert_eq!(message["content"]["description"], "Text of a JSON object.");
    let devices = &schemas["Account"]["properties"]["devices"];
    assert_eq!(
        devices["items"]["$ref"],
        "#/components/schemas/AccountDevice"
    );
    let vars = &schemas["AccountDevice"]["properties"]["vars"];
    assert_eq!(vars["additionalProperties"]["type"], "string");
    let completions = &schemas["MatchmakerStats"]["properties"]["completions"]["items"];
    let nested = "#/components/schemas/MatchmakerStats.Completion";
    assert_eq!(completions["$ref"], nested);
}

/// A parameter that nobody reads would be described in vain.
#[tokio::test]
async fn parameters_that_are_described_are_read() {
    let stage = Stage::new().await;
    // Functions are asked whatever their query is; whether `unwrap` counts is seen in their own tests.
    for route in ROUTES.iter().filter(|route| route.name != "RpcFunc") {
        for parameter in route.query {
            let uri = format!("{}?{}={}", path(route), parameter.name, parameter.unfit());
            let refused = stage.ask(route.method, &uri).send().await.json();
            let unparsable = format!("parsing field {:?}", parameter.name);
            let reasons = [unparsable.as_str(), "grpc: error while marshaling"];
            let message = refused["message"].as_str().unwrap();
            assert!(
                reasons.iter().any(|reason| message.starts_with(reason)),
                "{uri}: {refused}"
            );
        }
    }
}

/// Requests are put together before anybody is asked who they are, and in tests nothing undeclared can be read.
#[tokio::test]
async fn parameters_that_are_read_are_described() {
    let stage = Stage::new().await;
    for route in ROUTES {
        let status = stage.ask(route.method, &path(route)).send().await.status;
        let expected = match route.proofs.is_empty() {
            true => 200,
            false => 401,
        };
        assert_eq!(status.as_u16(), expected, "{}", route.name);
    }
}

/// A path that leads to a route, with its names for what they stand for.
fn path(route: &Route) -> String {
    route.path.replace(['{', '}', '*'], "")
}
