use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tiltyard::{Call, ChannelId, ChannelMessage, NewNotification, StreamId, UserId};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::api::*;
use crate::auth::{Clock, LoginAttempts, Passwords, Secrets, Sessions};
use crate::config::{self, Command, Defaults};
use crate::health::Health;
use crate::metrics::tests::metrics;
use crate::rate::AddressRate;
use crate::social::SocialProviders;
use crate::store::harness::{self, DropsDatabase};

/// The API with accounts in a temporary folder or on PostgreSQL, a clock that is cranked and a made-up world.
pub(super) struct Stage {
    pub(super) state: ApiState,
    pub(super) world: Arc<FakeWorld>,
    clock: Arc<FakeClock>,
    _database: Option<DropsDatabase>,
    _dir: TempDir,
}

pub(super) struct FakeClock(AtomicI64);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Response {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Checks a success.
    #[track_caller]
    pub(super) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        self.json()
    }

    /// Checks a refusal of the gateway.
    #[track_caller]
    pub(super) fn refused(self, status: u16, code: u32, message: &str) {
        let body = json!({"code": code, "message": message});
        assert_eq!((self.status.as_u16(), self.json()), (status, body));
        assert_eq!(self.header("content-type"), Some("application/json"));
    }
}

/// A request being put together.
pub(super) struct Asking<'a> {
    stage: &'a Stage,
    request: axum::http::request::Builder,
    body: Body,
}

impl Asking<'_> {
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Over a connection from this address.
    pub(super) fn peer(mut self, address: &str) -> Self {
        let address = SocketAddr::new(address.parse().unwrap(), 5);
        self.request = self.request.extension(ConnectInfo(address));
        self
    }

    pub(super) fn key(self, key: &str) -> Self {
        let credentials = BASE64_STANDARD.encode(format!("{key}:"));
        self.header("authorization", &format!("Basic {credentials}"))
    }

    pub(super) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(super) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) async fn send(self) -> Response {
        let request: Request<Body> = self.request.body(self.body).unwrap();
        let router = router(self.stage.state.clone());
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        Response {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

/// A user who is logged in.
pub(super) struct Player {
    pub(super) id: Uuid,
    pub(super) token: String,
    pub(super) refresh: String,
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With options as on the command line.
    pub(super) async fn with(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = format!("--data_dir={}", dir.path().display());
        let args = options.iter().copied().chain([folder.as_str()]);
        let args: Vec<_> = args.map(Into::into).collect();
        let defaults = Defaults::new()
            .with_default("runtime.http_key", "defaulthttpkey")
            .with_default("session.encryption_key", "defaultencryptionkey");
        let Command::Run(config) = config::load(args, [], &defaults).unwrap() else {
            panic!("expected to run");
        };
        let secrets = Secrets::prepare(&config).unwrap();
        let world = Arc::new(FakeWorld::default());
        let clock = Arc::new(FakeClock(AtomicI64::new(1_795_253_282)));
        let (store, database) = harness::open_either(dir.path()).await;
        let health = Arc::new(Health::new(Duration::from_secs(5), Arc::default()));
        health.pass_ended(Instant::now());
        let metrics = metrics("");
        let state = ApiState {
            sessions: Arc::new(Sessions::new(&secrets, &config.session)),
            secrets: Arc::new(secrets),
            passwords: Arc::new(Passwords::start().unwrap()),
            login_attempts: Arc::new(LoginAttempts::new(config.auth.login_attempts_per_minute)),
            authentications: Arc::new(AddressRate::of_logins(&config.limits)),
            capacity: Arc::default(),
            social: Arc::new(SocialProviders::new()),
            store,
            world: world.clone(),
            clock: clock.clone(),
            health,
            operations: metrics.operations.clone(),
            rpcs: metrics.rpcs.clone(),
            config: Arc::from(config),
        };
        Self {
            state,
            world,
            clock,
            _database: database,
            _dir: dir,
        }
    }

    pub(super) fn pass_seconds(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(super) fn ask(&self, method: &str, uri: &str) -> Asking<'_> {
        Asking {
            stage: self,
            request: Request::builder().method(method).uri(uri),
            body: Body::empty(),
        }
    }

    /// A login by a device id made of the name.
    pub(super) async fn player(&self, name: &str) -> Player {
        let uri = format!("/v2/account/authenticate/device?username={name}");
        let body = json!({"id": format!("device-{name}")}).to_string();
        let session = self.ask("POST", &uri).key("defaultkey").body(body);
        let session = session.send().await.ok();
        let token = session["token"].as_str().unwrap().to_owned();
        let claims = self.state.sessions.verify_session(&token, self.clock.now());
        Player {
            id: claims.unwrap().user_id,
            token,
            refresh: session["refresh_token"].as_str().unwrap().to_owned(),
        }
    }
}

/// A world that answers as it was told to, and remembers what it was asked.
#[derive(Default)]
pub(super) struct FakeWorld {
    pub(super) calls: Mutex<Vec<RpcRequest>>,
    pub(super) filters: Mutex<Vec<MatchFilter>>,
    pub(super) seen: Mutex<Vec<(When, ApiCall, Value)>>,
    pub(super) verdicts: Mutex<BTreeMap<&'static str, Result<Verdict, HookFailure>>>,
    pub(super) listens_to: Mutex<Vec<&'static str>>,
    pub(super) online: Mutex<BTreeSet<Uuid>>,
    pub(super) matchmaker_stats: Mutex<MatchmakerStats>,
    pub(super) matches: Mutex<Option<Result<Vec<MatchListing>, ListFailure>>>,
    pub(super) party_filters: Mutex<Vec<PartyFilter>>,
    pub(super) disconnected: Mutex<Vec<Uuid>>,
    pub(super) parties: Mutex<Option<Result<PartyPage, ListFailure>>>,
    pub(super) told: Mutex<Vec<(UserId, NewNotification)>>,
    pub(super) shown: Mutex<Vec<(ChannelId, Vec<ChannelMessage>, Vec<UserId>)>>,
    pub(super) closed: Mutex<Vec<StreamId>>,
    /// What becomes of telling and closing; they succeed if this is not said.
    pub(super) outcome: Mutex<Option<Result<(), WorldError>>>,
}

const FUNCTIONS: [&str; 7] = ["echo", "void", "fail", "busy", "stuck", "panic", "a/b"];

impl World for FakeWorld {
    fn has_rpc(&self, id: &str) -> bool {
        FUNCTIONS.contains(&id)
    }

    fn rpc(&self, call: RpcRequest) -> BoxFuture<'_, Result<RpcReply, RpcFailure>> {
        self.calls.lock().unwrap().push(call.clone());
        async move {
            match call.id.as_str() {
                "void" => Ok(RpcReply::default()),
                "fail" => {
                    let code: i64 = String::from_utf8_lossy(&call.payload).parse().unwrap_or(0);
                    Err(RpcFailure::Failed {
                        code: Code::from_number(code),
                        message: "boom".to_owned(),
                    })
                }
                "busy" => Err(RpcFailure::World(WorldError::Busy)),
                "stuck" => pending().await,
                "panic" => panic!("the fake world panics when asked to"),
                _ => Ok(RpcReply {
                    payload: call.payload,
                }),
            }
        }
        .boxed()
    }

    fn list_matches(
        &self,
        filter: MatchFilter,
    ) -> BoxFuture<'_, Result<Vec<MatchListing>, ListFailure>> {
        self.filters.lock().unwrap().push(filter);
        let matches = self.matches.lock().unwrap().clone();
        async { matches.unwrap_or_else(|| Ok(Vec::new())) }.boxed()
    }

    fn matchmaker_stats(&self) -> BoxFuture<'_, Result<MatchmakerStats, WorldError>> {
        let stats = self.matchmaker_stats.lock().unwrap().clone();
        async { Ok(stats) }.boxed()
    }

    fn list_parties(&self, filter: PartyFilter) -> BoxFuture<'_, Result<PartyPage, ListFailure>> {
        self.party_filters.lock().unwrap().push(filter);
        let parties = self.parties.lock().unwrap().clone();
        async { parties.unwrap_or_else(|| Ok(PartyPage::default())) }.boxed()
    }

    fn online(&self, users: Vec<Uuid>) -> BoxFuture<'_, Result<BTreeSet<Uuid>, WorldError>> {
        let online = self.online.lock().unwrap();
        let online = users.into_iter().filter(|user| online.contains(user));
        let online = Ok(online.collect());
        async { online }.boxed()
    }

    fn has_hook(&self, operation: &str, when: When) -> bool {
        match when {
            When::Before => self.verdicts.lock().unwrap().contains_key(operation),
            When::After => self.listens_to.lock().unwrap().contains(&operation),
        }
    }

    fn before(&self, call: ApiCall) -> BoxFuture<'_, Result<Verdict, HookFailure>> {
        let verdict = self.verdicts.lock().unwrap()[call.operation].clone();
        self.seen
            .lock()
            .unwrap()
            .push((When::Before, call, Value::Null));
        async { verdict }.boxed()
    }

    fn after(&self, call: ApiCall, response: Value) {
        self.seen
            .lock()
            .unwrap()
            .push((When::After, call, response));
    }

    fn disconnect_user(&self, user_id: Uuid) -> BoxFuture<'_, Result<(), WorldError>> {
        self.disconnected.lock().unwrap().push(user_id);
        async { Ok(()) }.boxed()
    }

    fn tell(&self, call: Call) -> BoxFuture<'_, Result<(), WorldError>> {
        match call {
            Call::Notify(notifications) => self.told.lock().unwrap().extend(notifications),
            Call::ChannelSystemMessages {
                channel,
                messages,
                leavers,
            } => self
                .shown
                .lock()
                .unwrap()
                .push((channel, messages, leavers)),
            Call::CloseStream(stream) => self.closed.lock().unwrap().push(stream),
            other => panic!("does not follow from a change: {other:?}"),
        }
        let outcome = self.outcome.lock().unwrap().unwrap_or(Ok(()));
        async move { outcome }.boxed()
    }
}
