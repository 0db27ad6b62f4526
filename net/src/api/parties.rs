//! Parties: `/v2/party`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tiltyard_proto::api;

use super::error::{ApiError, Code};
use super::operation::{Context, Operation, Parameters};
use super::parameter::Parameter;
use super::query::Query;
use super::world::{ListFailure, PartyFilter, PartyListing, PartyPage};
use crate::auth::SessionClaims;

/// Listing parties.
pub(super) struct ListParties;

/// Which parties to list; what is absent is no filter.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ListPartiesRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Parameters for ListPartiesRequest {}

const LIMIT_DEFAULT: usize = 10;

impl ListPartiesRequest {
    fn into_filter(self) -> Result<PartyFilter, ApiError> {
        let limit = match self.limit.map(usize::try_from) {
            None => LIMIT_DEFAULT,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => {
                let text = "Invalid limit - limit must be between 1 and 100.";
                return Err(ApiError::invalid(text));
            }
        };
        let first = PartyFilter {
            limit,
            offset: 0,
            open: self.open,
            query: self.query.unwrap_or_default(),
        };
        match self.cursor.as_deref() {
            None | Some("") => Ok(first),
            Some(cursor) => Cursor::read(cursor, first).ok_or_else(not_listed),
        }
    }
}

/// Where a listing goes on. It fits only the listing that it came from.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    query: String,
    open: Option<bool>,
    limit: usize,
    offset: usize,
}

impl Cursor {
    /// The listing from where the cursor says, if the cursor belongs to it.
    fn read(text: &str, first: PartyFilter) -> Option<PartyFilter> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let cursor: Self = serde_json::from_slice(&json).ok()?;
        let fits =
            cursor.query == first.query && cursor.open == first.open && cursor.limit == first.limit;
        fits.then_some(PartyFilter {
            offset: cursor.offset,
            ..first
        })
    }

    fn write(filter: PartyFilter, offset: usize) -> Result<String, ApiError> {
        let cursor = Self {
            query: filter.query,
            open: filter.open,
            limit: filter.limit,
            offset,
        };
        let json = serde_json::to_vec(&cursor).map_err(|_| not_listed())?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
    }
}

/// The reference server speaks of matches here too.
fn not_listed() -> ApiError {
    ApiError::new(Code::Internal, "Error listing matches.")
}

impl Operation for ListParties {
    const NAME: &'static str = "ListParties";
    const QUERY: &'static [Parameter] = &[
        Parameter::integer("limit"),
        Parameter::boolean("open"),
        Parameter::text("query"),
        Parameter::text("cursor"),
    ];
    type Caller = SessionClaims;
    type Request = ListPartiesRequest;
    type Response = api::PartyList;

    fn decode(query: &Query, _: &[u8]) -> Result<ListPartiesRequest, ApiError> {
        Ok(ListPartiesRequest {
            limit: query.int("limit")?,
            open: query.bool("open")?,
            query: query.string("query")?,
            cursor: query.string("cursor")?,
        })
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        _: &SessionClaims,
        request: ListPartiesRequest,
    ) -> Result<api::PartyList, ApiError> {
        let filter = request.into_filter()?;
        let PartyPage { parties, next } = match state.world.list_parties(filter.clone()).await {
            Ok(page) => page,
            Err(ListFailure::BadQuery) => return Err(not_listed()),
            Err(ListFailure::World(error)) => return Err(error.into()),
        };
        let cursor = next.map(|offset| Cursor::write(filter, offset));
        Ok(api::PartyList {
            parties: parties.into_iter().map(listed).collect(),
            cursor: cursor.transpose()?.unwrap_or_default(),
        })
    }
}

fn listed(listing: PartyListing) -> api::Party {
    api::Party {
        party_id: listing.party_id,
        open: listing.open,
        hidden: false,
        max_size: i32::try_from(listing.max_size).unwrap_or(i32::MAX),
        label: listing.label,
    }
}
