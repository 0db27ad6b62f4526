//! The API's description of itself: `/v2/tiltyard/openapi.json`.
//!
//! It is made of the table of routes and of the schemas that come with the protocol's messages, so it
//! cannot tell of anything that is not there.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use tiltyard_proto::API_SCHEMAS;

use super::caller::Anyone;
use super::error::ApiError;
use super::operation::{Answer, Context, Nothing, Operation};
use super::query::Query;
use super::routes::{ROUTES, Route};

/// Reading the description.
pub(super) struct DescribeApi;

impl Operation for DescribeApi {
    const NAME: &'static str = "DescribeApi";
    type Caller = Anyone;
    type Request = Nothing;
    type Response = Description;

    fn decode(_: &Query, _: &[u8]) -> Result<Nothing, ApiError> {
        Ok(Nothing)
    }

    async fn run(_: Context<'_>, _: &Anyone, _: Nothing) -> Result<Description, ApiError> {
        Ok(Description)
    }
}

/// The description, the same for as long as the process runs.
pub(super) struct Description;

impl Answer for Description {
    fn to_json(&self) -> String {
        static TEXT: LazyLock<String> = LazyLock::new(|| describe(ROUTES).to_string());
        TEXT.clone()
    }
}

/// The OpenAPI document of some routes.
fn describe(routes: &[Route]) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let path = route.path.replace('*', "");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[route.method.to_lowercase()] = operation(route);
    }
    let mut all = serde_json::from_str::<Map<_, _>>(API_SCHEMAS).unwrap_or_default();
    all.insert("Error".to_owned(), error_schema());
    let mut names = BTreeSet::new();
    for item in paths.values() {
        collect_references(item, &all, &mut names);
    }
    all.retain(|name, _| names.contains(name));
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Tiltyard",
            "description": "Requests may spell members and parameters in snake case or in camel \
                case. Answers leave out what is empty, zero or false.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {"schemas": all, "securitySchemes": proofs()},
    })
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<_> = route.query.iter().map(|known| known.describe()).collect();
    let names: Vec<&str> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{'))
        .map(|name| name.trim_matches(['*', '}']))
        .collect();
    let named = names.iter().map(|name| {
        let schema = json!({"type": "string"});
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    });
    parameters.splice(0..0, named);
    // Two methods, or two paths, may share an operation, whose id must be its own all the same.
    let id = match (route.method, names.len()) {
        ("GET", 1) if route.path.contains("{*") => format!("{}Get", route.name),
        (_, 2..) => format!("{}2", route.name),
        _ => route.name.to_owned(),
    };
    let answer = match route.answer {
        Some(name) => reference(name),
        None => json!({"type": "object"}),
    };
    let proofs = route.proofs.iter().map(|proof| json!({*proof: []}));
    let mut operation = json!({
        "operationId": id,
        "tags": [tag(route.path)],
        "parameters": parameters,
        "security": proofs.collect::<Vec<_>>(),
        "responses": {
            "200": {"description": "What was asked for.", "content": content(answer)},
            "default": {"description": "A refusal.", "content": content(reference("Error"))},
        },
    });
    if let Some(name) = route.body {
        operation["requestBody"] = json!({"content": content(reference(name))});
    } else if route.method == "POST" && route.path.contains("{*") {
        let text = json!({"type": "string", "description": "What the function is given."});
        operation["requestBody"] = json!({"content": content(text)});
    }
    operation
}

/// The first word of a path that says anything.
fn tag(path: &str) -> &str {
    let words = path.split('/').filter(|word| !word.is_empty());
    words.into_iter().find(|word| *word != "v2").unwrap_or("")
}

fn content(schema: Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Adds the names of all schemas that a value refers to, also by way of others.
fn collect_references(value: &Value, all: &Map<String, Value>, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            let name = target.and_then(|target| target.strip_prefix("#/components/schemas/"));
            if let Some(name) = name
                && names.insert(name.to_owned())
                && let Some(schema) = all.get(name)
            {
                collect_references(schema, all, names);
            }
            for member in members.values() {
                collect_references(member, all, names);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect_references(item, all, names);
            }
        }
        _ => {}
    }
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "code": {"type": "integer", "description": "What it was, in gRPC's numbering."},
            "message": {"type": "string"},
            "error": {"description": "With functions only: the message again, or an empty object."},
        },
        "required": ["code", "message"],
    })
}

fn proofs() -> Value {
    json!({
        "server_key": {
            "type": "http",
            "scheme": "basic",
            "description": "The server key as the user name; the password is ignored.",
        },
        "session": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A session token.",
        },
        "http_key": {
            "type": "apiKey",
            "in": "query",
            "name": "http_key",
            "description": "The key of other servers.",
        },
        "http_key_in_header": {
            "type": "http",
            "scheme": "basic",
            "description": "The key of other servers as the user name; the password is ignored.",
        },
    })
}
