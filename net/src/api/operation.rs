//! An operation: a request that is decoded, let in, shown to hooks, carried out and answered.

use std::future::Future;
use std::net::IpAddr;

use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tiltyard_proto::{api, json};

use super::ApiState;
use super::caller::Caller;
use super::error::{ApiError, Code};
use super::gateway::{self, Exchange};
use super::parameter::Parameter;
use super::query::Query;
use super::world::{ApiCall, HookFailure, Verdict, When, World, WorldError};

/// What one kind of request is and does.
pub(super) trait Operation: 'static {
    /// The name hooks know it by.
    const NAME: &'static str;
    /// Whether the body is part of the request.
    const READS_BODY: bool = false;
    /// The parameters that are part of the request; others cannot be read.
    const QUERY: &'static [Parameter] = &[];
    /// Who may call it.
    type Caller: Caller;
    type Request: Message;
    type Response: Answer;

    /// Puts the request together. This comes before authentication, as clients expect.
    fn decode(query: &Query, body: &[u8]) -> Result<Self::Request, ApiError>;

    /// Puts what the names in the path stand for into the request, with the slash between two of them, where
    /// the route has any.
    fn take_segment(_: &mut Self::Request, _segment: String) {}

    fn run(
        context: Context<'_>,
        caller: &Self::Caller,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Response, ApiError>> + Send;
}

/// What an operation works with.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) state: &'a ApiState,
    pub(super) now: Timestamp,
    /// Where the request comes from.
    pub(super) client: Option<IpAddr>,
    /// Where its connection comes from.
    pub(super) peer: Option<IpAddr>,
}

/// Something that hooks see as JSON in snake case, defaults left out.
pub(super) trait Message: Sized + Send {
    /// Name of the schema of the body, where the request has one.
    const BODY: Option<&'static str> = None;

    fn to_value(&self) -> Value;
    fn from_value(value: &Value) -> Result<Self, ApiError>;
}

/// Something that clients read as JSON in snake case, defaults left out.
pub(super) trait Answer: Send {
    /// Name of its schema; without one it is an empty object.
    const SCHEMA: Option<&'static str> = None;

    fn to_json(&self) -> String;
}

/// No request, no response: `{}`.
pub(super) struct Nothing;

impl Message for Nothing {
    fn to_value(&self) -> Value {
        Value::Object(serde_json::Map::new())
    }

    fn from_value(_: &Value) -> Result<Self, ApiError> {
        Ok(Self)
    }
}

impl Answer for Nothing {
    fn to_json(&self) -> String {
        "{}".to_owned()
    }
}

/// A request that is made of query parameters and has no message of the protocol.
pub(super) trait Parameters: Serialize + DeserializeOwned + Send {}

impl<P: Parameters> Message for P {
    fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn from_value(value: &Value) -> Result<Self, ApiError> {
        Self::deserialize(value).map_err(|error| ApiError::invalid(error.to_string()))
    }
}

macro_rules! messages {
    ($($Request:ident)*) => {$(
        impl Message for api::$Request {
            const BODY: Option<&'static str> = Some(stringify!($Request));

            fn to_value(&self) -> Value {
                to_value(self)
            }

            fn from_value(value: &Value) -> Result<Self, ApiError> {
                json::from_value_lenient(value).map_err(|error| ApiError::invalid(error.to_string()))
            }
        }
    )*};
}
messages!(AccountApple AccountCustom AccountDevice AccountEmail AccountFacebook);
messages!(AccountFacebookInstantGame AccountGameCenter AccountGoogle AccountSteam LinkSteamRequest);
messages!(SessionLogoutRequest SessionRefreshRequest UpdateAccountRequest);
messages!(DeleteStorageObjectsRequest ReadStorageObjectsRequest WriteStorageObjectsRequest);
messages!(CreateGroupRequest UpdateGroupRequest);

macro_rules! answers {
    ($($Response:ident)*) => {$(
        impl Answer for api::$Response {
            const SCHEMA: Option<&'static str> = Some(stringify!($Response));

            fn to_json(&self) -> String {
                json::to_string(self)
            }
        }
    )*};
}
answers!(Account ChannelMessageList MatchList MatchmakerStats NotificationList PartyList Session Users);
answers!(StorageObjectAcks StorageObjectList StorageObjects);
answers!(FriendList FriendsOfFriendsList);
answers!(Group GroupList GroupUserList UserGroupList);

fn to_value(message: &impl json::ToJson) -> Value {
    serde_json::from_str(&json::to_string(message)).unwrap_or_default()
}

/// Reads a message of the protocol from a body.
///
/// Lua cannot tell an empty map from an empty list and sends `[]` for either, so that is no
/// mistake where variables are expected.
pub(super) fn decode_body<M: Message + json::FromJson + Default>(
    body: &[u8],
) -> Result<M, ApiError> {
    let error = match json::from_slice_lenient(body) {
        Ok(message) => return Ok(message),
        Err(error) => error,
    };
    if let Ok(mut value) = serde_json::from_slice::<Value>(body)
        && let Some(vars) = value.get_mut("vars")
        && vars.as_array().is_some_and(Vec::is_empty)
    {
        *vars = Value::Null;
        return M::from_value(&value);
    }
    Err(ApiError::invalid(error.to_string()))
}

/// Carries out an operation from its bytes to its bytes.
pub(super) async fn answer<O: Operation>(mut exchange: Exchange) -> Result<Response, ApiError> {
    let body = match O::READS_BODY {
        true => exchange.read_body().await?,
        false => bytes::Bytes::new(),
    };
    let mut request = O::decode(&Query::parse(&exchange.query, O::QUERY)?, &body)?;
    O::take_segment(&mut request, std::mem::take(&mut exchange.tail));
    let state = &exchange.state;
    let now = state.clock.now();
    let caller = O::Caller::authenticate(state, &exchange.headers, now)?;
    let call = |request: &O::Request| ApiCall {
        operation: O::NAME,
        caller: caller.user().cloned(),
        client: exchange.client,
        request: request.to_value(),
    };
    if state.world.has_hook(O::NAME, When::Before) {
        request = ask_hook(&*state.world, call(&request)).await?;
    }
    let hook = state.world.has_hook(O::NAME, When::After);
    let told = hook.then(|| call(&request));
    let context = Context {
        state,
        now,
        client: exchange.client,
        peer: exchange.peer,
    };
    let response = O::run(context, &caller, request).await?;
    let text = response.to_json();
    if let Some(call) = told {
        let response = serde_json::from_str(&text).unwrap_or_default();
        state.world.after(call, response);
    }
    Ok(gateway::json(StatusCode::OK, text))
}

/// Lets the game see a request, and gives the one to carry out.
async fn ask_hook<M: Message>(world: &dyn World, call: ApiCall) -> Result<M, ApiError> {
    match world.before(call).await {
        Ok(Verdict::Proceed(value)) => M::from_value(&value),
        Ok(Verdict::Disabled) => Err(ApiError::not_found("Requested resource was not found.")),
        Err(HookFailure::Refused { code, message }) => Err(ApiError::new(code, message)),
        Err(HookFailure::World(error)) => Err(error.into()),
    }
}

impl From<WorldError> for ApiError {
    fn from(error: WorldError) -> Self {
        Self::new(Code::Unavailable, format!("{error}; try again later"))
    }
}
