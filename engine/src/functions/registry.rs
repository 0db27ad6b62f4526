//! Which functions and hooks there are.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use bevy_ecs::prelude::*;
use tracing::error;

use super::{
    AfterRequest, ApiCall, ApiResult, BeforeRequest, Caller, Function, FunctionError, HookOutcome,
    MatchedEntry, RpcAnswer, RpcCall, RpcError, RpcResult, SessionEnded,
};
use crate::{
    id::MatchId,
    request::{Request, RequestKind},
};

type Before = Function<BeforeRequest, HookOutcome<Request>>;
type After = Function<AfterRequest, ()>;

/// Everything that was registered, by name.
#[derive(Resource, Default)]
pub(crate) struct Functions {
    pub(crate) rpcs: BTreeMap<String, Function<RpcCall, RpcAnswer>>,
    pub(crate) before: BTreeMap<RequestKind, Before>,
    pub(crate) after: BTreeMap<RequestKind, After>,
    pub(crate) before_api: BTreeMap<String, Function<ApiCall, HookOutcome<serde_json::Value>>>,
    pub(crate) after_api: BTreeMap<String, Function<ApiResult, ()>>,
    pub(crate) session_start: Option<Function<Caller, ()>>,
    pub(crate) session_end: Option<Function<SessionEnded, ()>>,
    /// Sessions that ended while the hook was told of another one.
    ended: VecDeque<SessionEnded>,
    pub(crate) matched: Option<Function<Vec<MatchedEntry>, Option<MatchId>>>,
}

/// The names of what was registered, for whoever wants to ask only where there is an answer.
#[derive(Clone, Debug, Default)]
pub struct FunctionNames {
    /// Functions.
    pub rpcs: Arc<BTreeSet<String>>,
    /// HTTP operations with a hook before them.
    pub before_api: Arc<BTreeSet<String>>,
    /// HTTP operations with a hook after them.
    pub after_api: Arc<BTreeSet<String>>,
}

impl FunctionNames {
    /// The names of everything registered in this world by now.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let Some(functions) = world.get_resource::<Functions>() else {
            return Self::default();
        };
        Self {
            rpcs: Arc::new(functions.rpcs.keys().cloned().collect()),
            before_api: Arc::new(functions.before_api.keys().cloned().collect()),
            after_api: Arc::new(functions.after_api.keys().cloned().collect()),
        }
    }
}

impl Functions {
    /// Runs a function. Ids are found whatever their case. `None` if there is none with this id.
    pub(crate) fn call_rpc(world: &mut World, mut call: RpcCall) -> Option<RpcAnswer> {
        call.id = call.id.to_lowercase();
        let id = call.id.clone();
        let result = Function::call::<Self>(world, |functions| functions.rpcs.get_mut(&id), call)?;
        Some(result.unwrap_or_else(|failure| {
            error!(rpc = id, %failure, "function failed");
            let error = RpcError::new(RpcError::INTERNAL, public_text(&failure));
            RpcAnswer::from(RpcResult::Err(error))
        }))
    }

    /// Runs the hook before a request, if there is one.
    pub(crate) fn call_before(world: &mut World, before: BeforeRequest) -> HookOutcome<Request> {
        let kind = before.request.kind();
        if !world.resource::<Self>().before.contains_key(&kind) {
            return HookOutcome::Proceed(before.request);
        }
        let outcome =
            Function::call::<Self>(world, |functions| functions.before.get_mut(&kind), before);
        match outcome {
            Some(Ok(outcome)) => outcome,
            Some(Err(failure)) => {
                error!(hook = kind.name(), %failure, "hook before a request failed");
                HookOutcome::Reject(RpcError::new(RpcError::INTERNAL, public_text(&failure)))
            }
            None => HookOutcome::Disable,
        }
    }

    /// Runs the hook after a request, if there is one.
    pub(crate) fn call_after(world: &mut World, after: AfterRequest) {
        let kind = after.request.kind();
        let outcome =
            Function::call::<Self>(world, |functions| functions.after.get_mut(&kind), after);
        if let Some(Err(failure)) = outcome {
            error!(hook = kind.name(), %failure, "hook after a request failed");
        }
    }

    /// Asks game code where players go that the matchmaker put together. `None` if it does not say.
    pub(crate) fn call_matched(world: &mut World, entries: Vec<MatchedEntry>) -> Option<MatchId> {
        let outcome =
            Function::call::<Self>(world, |functions| functions.matched.as_mut(), entries);
        match outcome? {
            Ok(id) => id,
            Err(failure) => {
                error!(hook = "MatchmakerMatched", %failure, "hook of the matchmaker failed");
                None
            }
        }
    }

    /// Tells the hook that a session has started, if there is one.
    pub(crate) fn call_session_start(
        world: &mut World,
        caller: impl FnOnce(&World) -> Option<Caller>,
    ) {
        if world.resource::<Self>().session_start.is_none() {
            return;
        }
        let Some(caller) = caller(world) else {
            return;
        };
        let outcome =
            Function::call::<Self>(world, |functions| functions.session_start.as_mut(), caller);
        if let Some(Err(failure)) = outcome {
            error!(%failure, "hook at the start of a session failed");
        }
    }

    /// Tells the hook that a session has ended, if there is one. A session that the hook itself ends is told
    /// when the hook is done.
    pub(crate) fn call_session_end(world: &mut World, ended: SessionEnded) {
        let mut functions = world.resource_mut::<Self>();
        functions.ended.push_back(ended);
        while let Some(ended) = world.resource_mut::<Self>().ended.pop_front() {
            let again = ended.clone();
            let outcome =
                Function::call::<Self>(world, |functions| functions.session_end.as_mut(), ended);
            match outcome {
                Some(Err(FunctionError::Busy)) => {
                    world.resource_mut::<Self>().ended.push_front(again);
                    return;
                }
                Some(Err(failure)) => error!(%failure, "hook at the end of a session failed"),
                _ => {}
            }
        }
    }

    /// Runs the hook before an HTTP operation, if there is one.
    pub(crate) fn call_before_api(
        world: &mut World,
        call: ApiCall,
    ) -> HookOutcome<serde_json::Value> {
        let name = call.operation.clone();
        if !world.resource::<Self>().before_api.contains_key(&name) {
            return HookOutcome::Proceed(call.request);
        }
        match Function::call::<Self>(world, |functions| functions.before_api.get_mut(&name), call) {
            Some(Ok(outcome)) => outcome,
            Some(Err(failure)) => {
                error!(hook = name, %failure, "hook before an HTTP operation failed");
                HookOutcome::Reject(RpcError::new(RpcError::INTERNAL, public_text(&failure)))
            }
            None => HookOutcome::Disable,
        }
    }

    /// Runs the hook after an HTTP operation, if there is one.
    pub(crate) fn call_after_api(world: &mut World, result: ApiResult) {
        let name = result.call.operation.clone();
        let outcome = Function::call::<Self>(
            world,
            |functions| functions.after_api.get_mut(&name),
            result,
        );
        if let Some(Err(failure)) = outcome {
            error!(hook = name, %failure, "hook after an HTTP operation failed");
        }
    }
}

/// What a caller may know about a failure inside the server.
pub(super) fn public_text(failure: &FunctionError) -> &'static str {
    match failure {
        FunctionError::Busy => "Function is busy.",
        FunctionError::Panicked(_) | FunctionError::Refused(_) => "Internal error.",
    }
}
