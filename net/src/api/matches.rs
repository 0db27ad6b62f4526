//! Running matches: `/v2/match`.

use serde::{Deserialize, Serialize};
use tiltyard_proto::api;

use super::error::{ApiError, Code};
use super::operation::{Context, Operation, Parameters};
use super::parameter::Parameter;
use super::query::Query;
use super::world::{ListFailure, MatchFilter, MatchListing};
use crate::auth::SessionClaims;

/// Listing matches.
pub(super) struct ListMatches;

/// Which matches to list; what is absent is no filter.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ListMatchesRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authoritative: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_size: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_size: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
}

impl Parameters for ListMatchesRequest {}

const LIMIT_DEFAULT: usize = 10;

impl ListMatchesRequest {
    fn into_filter(self) -> Result<MatchFilter, ApiError> {
        let limit = match self.limit.map(usize::try_from) {
            None => LIMIT_DEFAULT,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => {
                let text = "Invalid limit - limit must be between 1 and 100.";
                return Err(ApiError::invalid(text));
            }
        };
        if self.authoritative == Some(false) {
            if self.label.is_some() {
                let text = "Label filtering is not supported for non-authoritative matches.";
                return Err(ApiError::invalid(text));
            }
            if self.query.is_some() {
                let text = "Query filtering is not supported for non-authoritative matches.";
                return Err(ApiError::invalid(text));
            }
        }
        let size = |size: Option<i32>, text| {
            let size = size.map(u32::try_from).transpose();
            size.map_err(|_| ApiError::invalid(text))
        };
        let min_size = size(self.min_size, "Minimum size must be 0 or above.")?;
        let max_size = size(self.max_size, "Maximum size must be 0 or above.")?;
        if min_size.zip(max_size).is_some_and(|(min, max)| min > max) {
            let text = "Maximum size must be greater than or equal to minimum size when both are \
                        specified.";
            return Err(ApiError::invalid(text));
        }
        Ok(MatchFilter {
            limit,
            authoritative: self.authoritative,
            label: self.label,
            min_size,
            max_size,
            query: self.query,
        })
    }
}

impl Operation for ListMatches {
    const NAME: &'static str = "ListMatches";
    const QUERY: &'static [Parameter] = &[
        Parameter::integer("limit"),
        Parameter::boolean("authoritative"),
        Parameter::text("label"),
        Parameter::integer("min_size"),
        Parameter::integer("max_size"),
        Parameter::text("query"),
    ];
    type Caller = SessionClaims;
    type Request = ListMatchesRequest;
    type Response = api::MatchList;

    fn decode(query: &Query, _: &[u8]) -> Result<ListMatchesRequest, ApiError> {
        Ok(ListMatchesRequest {
            limit: query.int("limit")?,
            authoritative: query.bool("authoritative")?,
            label: query.string("label")?,
            min_size: query.int("min_size")?,
            max_size: query.int("max_size")?,
            query: query.string("query")?,
        })
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        _: &SessionClaims,
        request: ListMatchesRequest,
    ) -> Result<api::MatchList, ApiError> {
        let filter = request.into_filter()?;
        match state.world.list_matches(filter).await {
            Ok(matches) => Ok(api::MatchList {
                matches: matches.into_iter().map(listed).collect(),
            }),
            Err(ListFailure::BadQuery) => {
                Err(ApiError::new(Code::Internal, "Error listing matches."))
            }
            Err(ListFailure::World(error)) => Err(error.into()),
        }
    }
}

fn listed(listing: MatchListing) -> api::Match {
    api::Match {
        match_id: listing.match_id,
        authoritative: listing.authoritative,
        label: listing.label,
        size: i32::try_from(listing.size).unwrap_or(i32::MAX),
        tick_rate: i32::try_from(listing.tick_rate).unwrap_or(i32::MAX),
        handler_name: listing.handler_name,
    }
}
