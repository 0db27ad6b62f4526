//! Lists of storage objects: `GET /v2/storage/{collection}`.

use serde::{Deserialize, Serialize};
use tiltyard_proto::api;

use super::channel::page_size;
use super::cursor::{decode_storage, encode_storage};
use super::error::ApiError;
use super::identifiers::parse_user_id;
use super::operation::{Context, Operation, Parameters};
use super::parameter::Parameter;
use super::query::Query;
use super::storage::{bad_user_id, object_to_wire};
use crate::auth::SessionClaims;
use crate::store::{Actor, ObjectListing, ObjectPosition};

/// Listing a collection, or what one owner has in it.
pub(super) struct ListStorageObjects;

/// What to list.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ListStorageObjectsRequest {
    #[serde(skip_serializing_if = "String::is_empty")]
    collection: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cursor: String,
}

impl Parameters for ListStorageObjectsRequest {}

impl Operation for ListStorageObjects {
    const NAME: &'static str = "ListStorageObjects";
    const QUERY: &'static [Parameter] = &[
        Parameter::text("user_id"),
        Parameter::integer("limit"),
        Parameter::text("cursor"),
    ];
    type Caller = SessionClaims;
    type Request = ListStorageObjectsRequest;
    type Response = api::StorageObjectList;

    fn decode(query: &Query, _: &[u8]) -> Result<ListStorageObjectsRequest, ApiError> {
        Ok(ListStorageObjectsRequest {
            collection: String::new(),
            user_id: query.string("user_id")?.unwrap_or_default(),
            limit: query.int("limit")?,
            cursor: query.string("cursor")?.unwrap_or_default(),
        })
    }

    fn take_segment(request: &mut ListStorageObjectsRequest, segments: String) {
        match segments.split_once('/') {
            Some((collection, user_id)) => {
                request.collection = collection.to_owned();
                request.user_id = user_id.to_owned();
            }
            None => request.collection = segments,
        }
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        caller: &SessionClaims,
        request: ListStorageObjectsRequest,
    ) -> Result<api::StorageObjectList, ApiError> {
        let limit = page_size(request.limit)?;
        let owner = match request.user_id.as_str() {
            "" => None,
            text => Some(parse_user_id(text).ok_or_else(bad_user_id)?),
        };
        let actor = Actor::Player(caller.user_id);
        let listing = ObjectListing::new(actor, request.collection, owner);
        let after = match request.cursor.as_str() {
            "" => None,
            text => {
                let malformed = || ApiError::invalid("Malformed cursor was used.");
                Some(decode_storage(text, &listing).ok_or_else(malformed)?)
            }
        };
        // One more than asked for tells whether there are more.
        let objects = state
            .store
            .list_objects(&listing, after.as_ref(), limit + 1);
        let mut objects = objects
            .await
            .map_err(|error| ApiError::store("Error listing storage objects.", &error))?;
        let has_more = objects.len() > limit as usize;
        objects.truncate(limit as usize);
        let last = objects.last().filter(|_| has_more).map(ObjectPosition::of);
        Ok(api::StorageObjectList {
            cursor: last.map_or_else(String::new, |last| encode_storage(&last, &listing)),
            objects: objects.into_iter().map(object_to_wire).collect(),
        })
    }
}
