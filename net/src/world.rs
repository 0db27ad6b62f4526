//! The world as the HTTP API sees it: questions over the bridge.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use serde_json::Value;
use tiltyard::{Answer, Call, Caller, FunctionNames, HookOutcome, RpcCall, RpcError, UserId};
use tokio::runtime::Handle;
use tracing::debug;
use uuid::Uuid;

use crate::{
    api::{
        ApiCall, Code, HookFailure, ListFailure, MatchFilter, MatchListing, MatchmakerCompletion,
        MatchmakerStats, PartyFilter, PartyListing, PartyPage, RpcFailure, RpcReply, RpcRequest,
        Verdict, When, World, WorldError,
    },
    auth::SessionClaims,
    bridge::{Bridge, BridgeError},
};

/// Asks the engine.
pub(crate) struct EngineWorld {
    bridge: Bridge,
    names: FunctionNames,
    /// Where calls run that nobody waits for.
    background: Handle,
}

impl EngineWorld {
    pub(crate) const fn new(bridge: Bridge, names: FunctionNames, background: Handle) -> Self {
        Self {
            bridge,
            names,
            background,
        }
    }
}

impl From<BridgeError> for WorldError {
    fn from(_: BridgeError) -> Self {
        Self::Busy
    }
}

impl World for EngineWorld {
    fn has_rpc(&self, id: &str) -> bool {
        self.names.rpcs.contains(id)
    }

    fn rpc(&self, call: RpcRequest) -> BoxFuture<'_, Result<RpcReply, RpcFailure>> {
        async move {
            let Ok(payload) = String::from_utf8(call.payload.to_vec()) else {
                let message = "payload is not valid UTF-8".to_owned();
                let code = Code::InvalidArgument;
                return Err(RpcFailure::Failed { code, message });
            };
            let caller = caller(call.caller, call.client);
            let call = RpcCall {
                id: call.id,
                payload,
                caller,
                query: call.query,
                headers: call.headers,
            };
            match self.bridge.call(Call::Rpc(call)).await {
                Ok(Answer::Rpc(Ok(payload))) => Ok(RpcReply {
                    payload: Bytes::from(payload),
                }),
                Ok(Answer::Rpc(Err(RpcError { code, message }))) => Err(RpcFailure::Failed {
                    code: Code::from_number(code.into()),
                    message,
                }),
                Ok(_) => Err(RpcFailure::World(WorldError::Stopped)),
                Err(error) => Err(RpcFailure::World(error.into())),
            }
        }
        .boxed()
    }

    fn list_matches(
        &self,
        filter: MatchFilter,
    ) -> BoxFuture<'_, Result<Vec<MatchListing>, ListFailure>> {
        async move {
            let filter = tiltyard::MatchFilter {
                limit: filter.limit,
                authoritative: filter.authoritative,
                label: filter.label,
                query: filter.query,
                min_size: filter.min_size.map(i64::from),
                max_size: filter.max_size.map(i64::from),
            };
            let query = filter.compile().map_err(|error| {
                debug!(%error, "a match query cannot be read");
                ListFailure::BadQuery
            })?;
            match self.bridge.call(Call::ListMatches { filter, query }).await {
                Ok(Answer::Matches(found)) => Ok(found.into_iter().map(listing).collect()),
                Ok(_) => Err(ListFailure::World(WorldError::Stopped)),
                Err(error) => Err(ListFailure::World(error.into())),
            }
        }
        .boxed()
    }

    fn matchmaker_stats(&self) -> BoxFuture<'_, Result<MatchmakerStats, WorldError>> {
        async move {
            let Answer::MatchmakerStats(stats) = self.bridge.call(Call::MatchmakerStats).await?
            else {
                return Err(WorldError::Stopped);
            };
            let completions = stats.completions.into_iter();
            let completions = completions.map(|completion| MatchmakerCompletion {
                created_ns: completion.created_ns,
                completed_ns: completion.completed_ns,
            });
            Ok(MatchmakerStats {
                ticket_count: stats.ticket_count,
                oldest_created_ns: stats.oldest_created_ns,
                completions: completions.collect(),
            })
        }
        .boxed()
    }

    fn list_parties(&self, filter: PartyFilter) -> BoxFuture<'_, Result<PartyPage, ListFailure>> {
        async move {
            let filter = tiltyard::PartyFilter {
                limit: filter.limit,
                offset: filter.offset,
                open: filter.open,
                query: filter.query,
                hidden: false,
            };
            let query = filter.compile().map_err(|error| {
                debug!(%error, "a party query cannot be read");
                ListFailure::BadQuery
            })?;
            match self.bridge.call(Call::ListParties { filter, query }).await {
                Ok(Answer::Parties(page)) => Ok(PartyPage {
                    parties: page.parties.into_iter().map(party_listing).collect(),
                    next: page.next,
                }),
                Ok(_) => Err(ListFailure::World(WorldError::Stopped)),
                Err(error) => Err(ListFailure::World(error.into())),
            }
        }
        .boxed()
    }

    fn online(&self, users: Vec<Uuid>) -> BoxFuture<'_, Result<BTreeSet<Uuid>, WorldError>> {
        async move {
            let users = users.into_iter().map(UserId).collect();
            match self.bridge.call(Call::Online(users)).await? {
                Answer::Online(users) => Ok(users.into_iter().map(|user| user.0).collect()),
                _ => Err(WorldError::Stopped),
            }
        }
        .boxed()
    }

    fn has_hook(&self, operation: &str, when: When) -> bool {
        match when {
            When::Before => self.names.before_api.contains(operation),
            When::After => self.names.after_api.contains(operation),
        }
    }

    fn before(&self, call: ApiCall) -> BoxFuture<'_, Result<Verdict, HookFailure>> {
        async move {
            match self.bridge.call(Call::BeforeApi(api_call(call))).await {
                Ok(Answer::Hook(HookOutcome::Proceed(request))) => Ok(Verdict::Proceed(request)),
                Ok(Answer::Hook(HookOutcome::Reject(RpcError { code, message }))) => {
                    Err(HookFailure::Refused {
                        code: Code::from_number(code.into()),
                        message,
                    })
                }
                Ok(Answer::Hook(_)) => Ok(Verdict::Disabled),
                Ok(_) => Err(HookFailure::World(WorldError::Stopped)),
                Err(error) => Err(HookFailure::World(error.into())),
            }
        }
        .boxed()
    }

    fn after(&self, call: ApiCall, response: Value) {
        let bridge = self.bridge.clone();
        self.background.spawn(async move {
            let result = tiltyard::ApiResult {
                call: api_call(call),
                response,
            };
            if let Err(error) = bridge.call(Call::AfterApi(result)).await {
                debug!(%error, "a hook after an HTTP operation was not run");
            }
        });
    }

    fn disconnect_user(&self, user_id: Uuid) -> BoxFuture<'_, Result<(), WorldError>> {
        async move {
            self.bridge.call(Call::Disconnect(UserId(user_id))).await?;
            Ok(())
        }
        .boxed()
    }

    fn tell(&self, call: Call) -> BoxFuture<'_, Result<(), WorldError>> {
        async move {
            self.bridge.insist(call).await?;
            Ok(())
        }
        .boxed()
    }
}

fn caller(claims: Option<SessionClaims>, client: Option<IpAddr>) -> Caller {
    let client_ip = client
        .map(|client| client.to_string())
        .unwrap_or_default()
        .into();
    let Some(claims) = claims else {
        return Caller {
            client_ip,
            ..Caller::default()
        };
    };
    Caller {
        user_id: Some(UserId(claims.user_id)),
        username: claims.username.into(),
        vars: Arc::new(claims.vars),
        expires: claims.expires_at,
        client_ip,
        ..Caller::default()
    }
}

fn api_call(call: ApiCall) -> tiltyard::ApiCall {
    tiltyard::ApiCall {
        operation: call.operation.to_owned(),
        caller: caller(call.caller, call.client),
        request: call.request,
    }
}

fn listing(found: tiltyard::MatchListing) -> MatchListing {
    MatchListing {
        match_id: found.match_id.to_string(),
        authoritative: found.match_id.is_authoritative(),
        label: found.label.map(|label| label.to_string()),
        size: u32::try_from(found.size).unwrap_or(u32::MAX),
        tick_rate: u32::from(found.tick_rate),
        handler_name: found.kind.to_owned(),
    }
}

fn party_listing(found: tiltyard::PartyListing) -> PartyListing {
    PartyListing {
        party_id: found.party_id.to_string(),
        open: found.open,
        max_size: u32::try_from(found.size_max).unwrap_or(u32::MAX),
        label: found.label.to_string(),
    }
}
