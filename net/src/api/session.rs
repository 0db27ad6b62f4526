//! Sessions: `/v2/account/session/refresh`, `/v2/session/logout`; and `/healthcheck`.

use std::time::Instant;

use tiltyard::LogoutError;
use tiltyard_proto::api;

use super::caller::{Anyone, GameOrHolder};
use super::error::{ApiError, Code};
use super::operation::{Context, Nothing, Operation, decode_body};
use super::query::Query;
use super::visitor::{banned, unknown};
use crate::auth::{SessionClaims, TooManyLogouts};
use crate::health::STUCK_TEXT;
use crate::store::Identifier;

/// Whether the server answers at all, and ticks.
pub(super) struct Healthcheck;

impl Operation for Healthcheck {
    const NAME: &'static str = "Healthcheck";
    type Caller = Anyone;
    type Request = Nothing;
    type Response = Nothing;

    fn decode(_: &Query, _: &[u8]) -> Result<Nothing, ApiError> {
        Ok(Nothing)
    }

    async fn run(Context { state, .. }: Context<'_>, _: &Anyone, _: Nothing) -> Outcome {
        match state.health.is_live(Instant::now()) {
            true => Ok(Nothing),
            false => Err(ApiError::new(Code::Unavailable, STUCK_TEXT)),
        }
    }
}

type Outcome = Result<Nothing, ApiError>;

/// Whether new players should come here.
pub(super) struct Readiness;

impl Operation for Readiness {
    const NAME: &'static str = "Readiness";
    type Caller = Anyone;
    type Request = Nothing;
    type Response = Nothing;

    fn decode(_: &Query, _: &[u8]) -> Result<Nothing, ApiError> {
        Ok(Nothing)
    }

    async fn run(Context { state, .. }: Context<'_>, _: &Anyone, _: Nothing) -> Outcome {
        let readiness = state.health.readiness(Instant::now());
        readiness.map_err(|reason| ApiError::new(Code::Unavailable, reason.text()))?;
        Ok(Nothing)
    }
}

/// New tokens for a refresh token.
pub(super) struct SessionRefresh;

impl Operation for SessionRefresh {
    const NAME: &'static str = "SessionRefresh";
    const READS_BODY: bool = true;
    type Caller = GameOrHolder;
    type Request = api::SessionRefreshRequest;
    type Response = api::Session;

    fn decode(_: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
        decode_body(body)
    }

    async fn run(
        Context { state, now, .. }: Context<'_>,
        _: &GameOrHolder,
        request: Self::Request,
    ) -> Result<api::Session, ApiError> {
        if request.token.is_empty() {
            return Err(ApiError::invalid("Refresh token is required."));
        }
        let claims = state.sessions.verify_refresh(&request.token, now);
        let claims = claims.map_err(|_| {
            ApiError::new(Code::Unauthenticated, "Refresh token invalid or expired.")
        })?;
        let found = state
            .store
            .find_login(&Identifier::User(claims.user_id))
            .await;
        let login = found
            .map_err(|error| ApiError::store("Error finding user account.", &error))?
            .ok_or_else(unknown)?;
        if login.banned {
            return Err(banned());
        }
        let vars = (!request.vars.is_empty()).then(|| request.vars.into_iter().collect());
        let pair = state.sessions.refresh(claims, &login.username, vars, now);
        Ok(api::Session {
            created: false,
            token: pair.session,
            refresh_token: pair.refresh,
        })
    }
}

/// An end to some tokens, or to all.
pub(super) struct SessionLogout;

impl Operation for SessionLogout {
    const NAME: &'static str = "SessionLogout";
    const READS_BODY: bool = true;
    type Caller = SessionClaims;
    type Request = api::SessionLogoutRequest;
    type Response = Nothing;

    fn decode(_: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
        decode_body(body)
    }

    async fn run(
        Context { state, now, .. }: Context<'_>,
        caller: &SessionClaims,
        request: Self::Request,
    ) -> Result<Nothing, ApiError> {
        fn given(token: &str) -> Option<&str> {
            (!token.is_empty()).then_some(token)
        }
        let (token, refresh) = (given(&request.token), given(&request.refresh_token));
        let outcome = state.sessions.logout(caller.user_id, token, refresh, now);
        outcome.map_err(|error| match error {
            LogoutError::SessionToken => ApiError::invalid("Session token invalid."),
            LogoutError::RefreshToken => ApiError::invalid("Refresh token invalid."),
            _ => TooManyLogouts.into(),
        })?;
        Ok(Nothing)
    }
}
