//! Who calls: the three ways to prove it, and where the call comes from.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

use super::ApiState;
use super::error::{ApiError, Code};
use crate::auth::SessionClaims;

/// What an operation demands of its caller.
pub(super) trait Caller: Sized + Send + Sync {
    /// The ways to prove it, by their names in the description of the API; any one will do.
    const PROOFS: &'static [&'static str];

    fn authenticate(
        state: &ApiState,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Self, ApiError>;

    /// The user, if it is one.
    fn user(&self) -> Option<&SessionClaims>;
}

/// Anybody at all.
pub(super) struct Anyone;

impl Caller for Anyone {
    const PROOFS: &'static [&'static str] = &[];

    fn authenticate(_: &ApiState, _: &HeaderMap, _: Timestamp) -> Result<Self, ApiError> {
        Ok(Self)
    }

    fn user(&self) -> Option<&SessionClaims> {
        None
    }
}

/// A copy of the game, by the server key.
pub(super) struct Game;

impl Caller for Game {
    const PROOFS: &'static [&'static str] = &["server_key"];

    fn authenticate(state: &ApiState, headers: &HeaderMap, _: Timestamp) -> Result<Self, ApiError> {
        let refused = |message| ApiError::new(Code::Unauthenticated, message);
        let value = authorization(headers).ok_or_else(|| refused("Server key required"))?;
        match basic_user(value) {
            Some(key) if state.secrets.server_key.matches(&key) => Ok(Self),
            _ => Err(refused("Server key invalid")),
        }
    }

    fn user(&self) -> Option<&SessionClaims> {
        None
    }
}

/// A copy of the game, or a client that could not but send its session token.
///
/// The Defold client refreshes its session with `Authorization: Bearer`. The refresh token in
/// the body is proof enough, and the server key is no secret.
pub(super) struct GameOrHolder;

impl Caller for GameOrHolder {
    const PROOFS: &'static [&'static str] = &["server_key", "session"];

    fn authenticate(
        state: &ApiState,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        if authorization(headers).and_then(bearer_token).is_some() {
            return Ok(Self);
        }
        Game::authenticate(state, headers, now).map(|Game| Self)
    }

    fn user(&self) -> Option<&SessionClaims> {
        None
    }
}

/// A user, by a session token.
impl Caller for SessionClaims {
    const PROOFS: &'static [&'static str] = &["session"];

    fn authenticate(
        state: &ApiState,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let refused = |message| ApiError::new(Code::Unauthenticated, message);
        if !headers.contains_key(header::AUTHORIZATION) {
            return Err(refused("Auth token required"));
        }
        authorization(headers)
            .and_then(bearer_token)
            .and_then(|token| state.sessions.verify_session(token, now).ok())
            .ok_or_else(|| refused("Auth token invalid"))
    }

    fn user(&self) -> Option<&SessionClaims> {
        Some(self)
    }
}

/// The one `Authorization` header; several are none.
pub(super) fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

/// The user name of Basic credentials (RFC 7617), with the scheme spelt exactly so.
pub(super) fn basic_user(authorization: &str) -> Option<String> {
    let credentials = authorization.strip_prefix("Basic ")?;
    let credentials = BASE64_STANDARD.decode(credentials).ok()?;
    let credentials = String::from_utf8(credentials).ok()?;
    let (user, _) = credentials.split_once(':')?;
    Some(user.to_owned())
}

/// The token of Bearer credentials, with the scheme spelt exactly so.
pub(super) fn bearer_token(authorization: &str) -> Option<&str> {
    authorization.strip_prefix("Bearer ")
}

/// The address of a client behind proxies, for logs, hooks and limits; never for authorisation, as
/// clients can claim any where there are fewer proxies than that.
///
/// `X-Forwarded-For` is walked from its end, then `proxies` trusted steps further. Loopback
/// addresses are steps of our own machine and do not count, unless there is nothing before them.
#[must_use]
pub fn client_address(
    headers: &HeaderMap,
    peer: Option<SocketAddr>,
    proxies: usize,
) -> Option<IpAddr> {
    let forwarded = headers.get_all("x-forwarded-for").iter();
    let mut candidates: Vec<Option<IpAddr>> = forwarded
        .filter_map(|value: &HeaderValue| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|text| address(text.trim()))
        .collect();
    candidates.extend(peer.map(|peer| Some(peer.ip().to_canonical())));
    let mut answer = None;
    let mut steps = 0;
    for (index, candidate) in candidates.iter().enumerate().rev() {
        let Some(candidate) = candidate else { continue };
        if candidate.is_loopback() && index > 0 {
            continue;
        }
        if answer.is_some() {
            steps += 1;
        }
        if steps > proxies {
            break;
        }
        answer = Some(*candidate);
    }
    answer
}

/// An address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let in_brackets = || {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse().ok()
    };
    plain.or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_found_behind_the_proxies_we_trust() {
        let cases: &[(&[&str], &str, usize, Option<&str>)] = &[
            (&[], "198.51.100.1:5", 1, Some("198.51.100.1")),
            (&["192.0.2.1"], "198.51.100.1:5", 1, Some("192.0.2.1")),
            (&["192.0.2.1"], "198.51.100.1:5", 0, Some("198.51.100.1")),
            (
                &["203.0.113.9, 192.0.2.1"],
                "198.51.100.1:5",
                1,
                Some("192.0.2.1"),
            ),
            (
                &["203.0.113.9", "192.0.2.1"],
                "198.51.100.1:5",
                2,
                Some("203.0.113.9"),
            ),
            (
                &["203.0.113.9, 192.0.2.1"],
                "127.0.0.1:5",
                0,
                Some("192.0.2.1"),
            ),
            (
                &["203.0.113.9, 192.0.2.1"],
                "127.0.0.1:5",
                1,
                Some("203.0.113.9"),
            ),
            (
                &["192.0.2.1, , junk"],
                "198.51.100.1:5",
                1,
                Some("192.0.2.1"),
            ),
            (&["192.0.2.1:80"], "198.51.100.1:5", 1, Some("192.0.2.1")),
            (
                &["[2001:db8::1]:80"],
                "198.51.100.1:5",
                1,
                Some("2001:db8::1"),
            ),
            (&[], "127.0.0.1:5", 1, Some("127.0.0.1")),
            (&["junk"], "127.0.0.1:5", 1, None),
            (&["127.0.0.1"], "198.51.100.1:5", 1, Some("127.0.0.1")),
        ];
        for (forwarded, peer, proxies, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in *forwarded {
                headers.append("x-forwarded-for", HeaderValue::from_static(value));
            }
            let found = client_address(&headers, peer.parse().ok(), *proxies);
            let found = found.map(|address| address.to_string());
            assert_eq!(
                found.as_deref(),
                *expected,
                "{forwarded:?} {peer} {proxies}"
            );
        }
    }

    #[test]
    fn schemes_are_spelt_exactly() {
        assert_eq!(basic_user("Basic a2V5OnB3"), Some("key".to_owned()));
        for wrong in [
            "basic a2V5OnB3",
            "Basic  a2V5OnB3",
            "Basic a2V5",
            "Basic ?",
            "Bearer x",
            "",
        ] {
            assert_eq!(basic_user(wrong), None, "{wrong}");
        }
        assert_eq!(bearer_token("Bearer x"), Some("x"));
        assert_eq!(bearer_token("bearer x"), None);
    }
}
