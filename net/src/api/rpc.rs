//! Functions of the game: `/v2/rpc/{id}`.
//!
//! These have their own order of checks and their own shape of errors, with an `error` member.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::caller::{authorization, basic_user, bearer_token};
use super::error::{ApiError, Code};
use super::gateway::{self, Exchange};
use super::parameter::Parameter;
use super::query::Query;
use super::world::{RpcFailure, RpcRequest};
use crate::auth::SessionClaims;
use crate::metrics::RpcCarrier;

/// The parameters that say how to call; the function gets them all.
pub(super) const QUERY: &[Parameter] = &[Parameter::text("unwrap")];

/// Why a call came to nothing.
enum Refusal {
    /// We refused it.
    Ours(ApiError),
    /// The body was too large, which is told as the gateway would.
    TooLarge,
    /// The function failed.
    Game(Code, String),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Ours(error)
    }
}

fn refused(code: Code, message: &str) -> Refusal {
    Refusal::Ours(ApiError::new(code, message))
}

pub(super) async fn answer(exchange: Exchange) -> Response {
    match call(exchange).await {
        Ok(response) => response,
        Err(Refusal::Ours(error)) => {
            let message = Value::from(error.message.as_str()).to_string();
            let number = error.code.number();
            let body = format!(r#"{{"error":{message},"message":{message},"code":{number}}}"#);
            let mut response = gateway::json(error.code.status(), body);
            error.end(&mut response);
            response
        }
        Err(Refusal::TooLarge) => {
            let mut response = ApiError::too_large().into_response();
            let body = r#"{"code":3, "message":"http: request body too large"}"#;
            *response.body_mut() = body.into();
            response
        }
        Err(Refusal::Game(code, message)) => {
            let body = json!({"code": code.number(), "error": {}, "message": message});
            gateway::json(code.status(), body.to_string())
        }
    }
}

async fn call(mut exchange: Exchange) -> Result<Response, Refusal> {
    let query = Query::parse_leniently(&exchange.query, QUERY);
    let unwrap = query.has("unwrap");
    let mut query = query.into_lists();
    let caller = authenticate(&exchange, &mut query)?;
    let id = exchange.tail.to_lowercase();
    if id.is_empty() {
        return Err(refused(Code::InvalidArgument, "RPC ID must be set"));
    }
    let state = exchange.state.clone();
    state.rpcs.count(&id, RpcCarrier::Http);
    if !state.world.has_rpc(&id) {
        return Err(not_found());
    }
    let payload = match exchange.is_post {
        true => payload(&mut exchange, unwrap).await?,
        false => Bytes::new(),
    };
    let request = RpcRequest {
        id,
        payload,
        caller,
        query,
        headers: header_lists(&exchange.headers),
        client: exchange.client,
    };
    let reply = state
        .world
        .rpc(request)
        .await
        .map_err(|failure| match failure {
            RpcFailure::NotFound => not_found(),
            RpcFailure::Failed { code, message } => Refusal::Game(code, message),
            RpcFailure::World(error) => Refusal::Ours(error.into()),
        })?;
    if unwrap {
        let kind = exchange.headers.get(header::CONTENT_TYPE).cloned();
        let kind = kind.unwrap_or_else(|| HeaderValue::from_static("text/plain"));
        return Ok(([(header::CONTENT_TYPE, kind)], reply.payload).into_response());
    }
    let payload = String::from_utf8_lossy(&reply.payload);
    Ok(gateway::json(
        StatusCode::OK,
        json!({"payload": payload}).to_string(),
    ))
}

fn not_found() -> Refusal {
    refused(Code::NotFound, "RPC function not found")
}

/// Who calls: a user, or `None` for another server. The key is taken out of the query.
///
/// Clients differ in how they spell the key's name. It comes before everything else.
fn authenticate(
    exchange: &Exchange,
    query: &mut BTreeMap<String, Vec<String>>,
) -> Result<Option<SessionClaims>, Refusal> {
    let state = &exchange.state;
    let refuse = |message| Err(refused(Code::Unauthenticated, message));
    let mut keys = ["http_key", "httpKey"].map(|name| query.remove(name).unwrap_or_default());
    let first = keys.iter_mut().filter_map(|values| values.drain(..).next());
    if let Some(key) = first.into_iter().find(|key| !key.is_empty()) {
        return match state.secrets.http_key.matches(&key) {
            true => Ok(None),
            false => refuse("HTTP key invalid"),
        };
    }
    if !exchange.headers.contains_key(header::AUTHORIZATION) {
        return refuse("Auth token or HTTP key required");
    }
    let value = authorization(&exchange.headers).unwrap_or_default();
    if let Some(key) = basic_user(value) {
        return match state.secrets.http_key.matches(&key) {
            true => Ok(None),
            false => refuse("HTTP key invalid"),
        };
    }
    let claims = bearer_token(value)
        .and_then(|token| state.sessions.verify_session(token, state.clock.now()).ok());
    match claims {
        Some(claims) => Ok(Some(claims)),
        None => refuse("Auth token invalid"),
    }
}

/// What the function is given: the body, or the text that it is in JSON.
async fn payload(exchange: &mut Exchange, unwrap: bool) -> Result<Bytes, Refusal> {
    let body =
        exchange
            .read_body()
            .await
            .map_err(|error| match error == ApiError::too_large() {
                true => Refusal::TooLarge,
                false => Refusal::Ours(error),
            })?;
    if unwrap || body.is_empty() {
        return Ok(body);
    }
    let text = serde_json::from_slice::<Option<String>>(&body).map_err(|_| {
        refused(
            Code::InvalidArgument,
            "json: cannot unmarshal object into Go value of type string",
        )
    })?;
    Ok(text.unwrap_or_default().into())
}

/// Headers as the function sees them. Deadlines are ours to set.
fn header_lists(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut lists = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in headers {
        if name.as_str() != "grpc-timeout" {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            lists
                .entry(name.as_str().to_owned())
                .or_default()
                .push(value);
        }
    }
    lists
}
