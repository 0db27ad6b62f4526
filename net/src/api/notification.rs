//! One's own notifications: `/v2/notification`.

use serde::{Deserialize, Serialize};
use tiltyard::{Notification, UserId, parse_uuid};
use tiltyard_proto::api;

use super::channel::page_size;
use super::cursor::{decode_notification, encode_notification};
use super::error::{ApiError, Code};
use super::operation::{Context, Nothing, Operation, Parameters};
use super::parameter::Parameter;
use super::query::Query;
use crate::auth::SessionClaims;
use crate::store::Position;

/// Listing what was kept, oldest first.
pub(super) struct ListNotifications;

/// What to list.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ListNotificationsRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cacheable_cursor: String,
}

impl Parameters for ListNotificationsRequest {}

impl Operation for ListNotifications {
    const NAME: &'static str = "ListNotifications";
    const QUERY: &'static [Parameter] = &[
        Parameter::integer("limit"),
        Parameter::text("cacheable_cursor"),
    ];
    type Caller = SessionClaims;
    type Request = ListNotificationsRequest;
    type Response = api::NotificationList;

    fn decode(query: &Query, _: &[u8]) -> Result<ListNotificationsRequest, ApiError> {
        Ok(ListNotificationsRequest {
            limit: query.int("limit")?,
            cacheable_cursor: query.string("cacheable_cursor")?.unwrap_or_default(),
        })
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        caller: &SessionClaims,
        request: ListNotificationsRequest,
    ) -> Result<api::NotificationList, ApiError> {
        let limit = page_size(request.limit)?;
        let after = match request.cacheable_cursor.as_str() {
            "" => Position::START,
            // The wording and the code are the reference server's.
            text => decode_notification(text)
                .ok_or_else(|| ApiError::new(Code::Internal, "Error retrieving notifications."))?,
        };
        let notifications = state
            .store
            .notifications(caller.user_id, after, limit)
            .await
            .map_err(|error| ApiError::store("Error retrieving notifications.", &error))?;
        let last = notifications.last().map(|last| Position {
            create_us: last.create_us,
            id: last.id,
        });
        let cacheable_cursor = match last {
            None if !request.cacheable_cursor.is_empty() => request.cacheable_cursor,
            last => encode_notification(last.unwrap_or(after)),
        };
        Ok(api::NotificationList {
            notifications: notifications.into_iter().map(listed).collect(),
            cacheable_cursor,
        })
    }
}

fn listed(notification: Notification) -> api::Notification {
    let sender = notification
        .sender
        .filter(|sender| *sender != UserId::SYSTEM);
    let seconds = notification.create_us.div_euclid(1_000_000);
    api::Notification {
        id: notification.id.to_string(),
        subject: notification.subject,
        content: notification.content,
        code: notification.code,
        sender_id: sender.map(|sender| sender.to_string()).unwrap_or_default(),
        create_time: Some(tiltyard_proto::timestamp(seconds, 0)),
        persistent: true,
    }
}

/// Deleting some.
pub(super) struct DeleteNotifications;

/// Which ones; those of others are left alone.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct DeleteNotificationsRequest {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
}

impl Parameters for DeleteNotificationsRequest {}

impl Operation for DeleteNotifications {
    const NAME: &'static str = "DeleteNotifications";
    const QUERY: &'static [Parameter] = &[Parameter::texts("ids")];
    type Caller = SessionClaims;
    type Request = DeleteNotificationsRequest;
    type Response = Nothing;

    fn decode(query: &Query, _: &[u8]) -> Result<DeleteNotificationsRequest, ApiError> {
        Ok(DeleteNotificationsRequest {
            ids: query.strings("ids")?,
        })
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        caller: &SessionClaims,
        request: DeleteNotificationsRequest,
    ) -> Result<Nothing, ApiError> {
        const FAILED: &str = "Error while deleting notifications.";
        let ids = request.ids.iter().map(|id| parse_uuid(id));
        // The code is the reference server's.
        let ids = ids
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| ApiError::new(Code::Internal, FAILED))?;
        let deleted = state.store.delete_notifications(caller.user_id, &ids).await;
        deleted.map_err(|error| ApiError::store(FAILED, &error))?;
        Ok(Nothing)
    }
}
