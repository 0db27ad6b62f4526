//! Chat history: `/v2/channel/{channel_id}`.

use serde::{Deserialize, Serialize};
use tiltyard::ChannelId;
use tiltyard_proto::api;
use uuid::Uuid;

use super::ApiState;
use super::cursor::ChannelCursor;
use super::error::ApiError;
use super::operation::{Context, Operation, Parameters};
use super::parameter::Parameter;
use super::query::Query;
use crate::auth::SessionClaims;
use crate::convert::{ChannelNames, time_to_wire};
use crate::store::{MessageQuery, Position, StoredMessage};

const FAILED: &str = "Error listing messages from channel.";

/// Listing what was said in a channel.
pub(super) struct ListChannelMessages;

/// What to list, and which way.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ListChannelMessagesRequest {
    #[serde(skip_serializing_if = "String::is_empty")]
    channel_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward: Option<bool>,
    #[serde(skip_serializing_if = "String::is_empty")]
    cursor: String,
}

impl Parameters for ListChannelMessagesRequest {}

impl Operation for ListChannelMessages {
    const NAME: &'static str = "ListChannelMessages";
    const QUERY: &'static [Parameter] = &[
        Parameter::integer("limit"),
        Parameter::boolean("forward"),
        Parameter::text("cursor"),
    ];
    type Caller = SessionClaims;
    type Request = ListChannelMessagesRequest;
    type Response = api::ChannelMessageList;

    fn decode(query: &Query, _: &[u8]) -> Result<ListChannelMessagesRequest, ApiError> {
        Ok(ListChannelMessagesRequest {
            channel_id: String::new(),
            limit: query.int("limit")?,
            forward: query.bool("forward")?,
            cursor: query.string("cursor")?.unwrap_or_default(),
        })
    }

    fn take_segment(request: &mut ListChannelMessagesRequest, segment: String) {
        request.channel_id = segment;
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        caller: &SessionClaims,
        request: ListChannelMessagesRequest,
    ) -> Result<api::ChannelMessageList, ApiError> {
        let bad_channel = || ApiError::invalid("Invalid channel ID.");
        if request.channel_id.is_empty() {
            return Err(bad_channel());
        }
        let limit = page_size(request.limit)?;
        let channel = ChannelId::parse(&request.channel_id).ok_or_else(bad_channel)?;
        let forward = request.forward.unwrap_or(true);
        let cursor = read_cursor(&request.cursor, &channel, forward)?;
        check_reader(state, &channel, caller.user_id).await?;
        let backs_up = cursor.as_ref().is_some_and(|cursor| cursor.backs_up);
        let position = cursor.as_ref().map(|cursor| cursor.position);
        let query = if forward != backs_up {
            MessageQuery::After(channel.clone(), position.unwrap_or(Position::START))
        } else {
            MessageQuery::Before(channel.clone(), position.unwrap_or(Position::END))
        };
        // One more than asked for tells whether there are more.
        let mut messages = state
            .store
            .messages(&query, limit + 1)
            .await
            .map_err(|error| ApiError::store(FAILED, &error))?;
        let has_more = messages.len() > limit as usize;
        messages.truncate(limit as usize);
        if backs_up {
            messages.reverse();
        }
        let page = Page {
            channel: &channel,
            forward,
            position,
            follows: has_more || backs_up,
            precedes: cursor.is_some() && (has_more || !backs_up),
        };
        Ok(page.into_list(&request.channel_id, messages))
    }
}

/// How many to list; one by default.
pub(super) fn page_size(limit: Option<i32>) -> Result<u32, ApiError> {
    match limit.map_or(Ok(1), u32::try_from) {
        Ok(limit @ 1..=100) => Ok(limit),
        _ => Err(ApiError::invalid(
            "Invalid limit - limit must be between 1 and 100.",
        )),
    }
}

/// A cursor works for the channel and the direction that it was made for.
fn read_cursor(
    text: &str,
    channel: &ChannelId,
    forward: bool,
) -> Result<Option<ChannelCursor>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let cursor = ChannelCursor::decode(text, channel).filter(|cursor| cursor.forward == forward);
    let refused = || ApiError::invalid("Cursor is invalid or expired.");
    cursor.map(Some).ok_or_else(refused)
}

/// Rooms are read by anybody, groups by their members, direct channels by the two.
async fn check_reader(
    state: &ApiState,
    channel: &ChannelId,
    user_id: Uuid,
) -> Result<(), ApiError> {
    if let Some(group) = channel.group_id() {
        let is_member = state.store.is_group_member(group, user_id).await;
        return match is_member {
            Ok(true) => Ok(()),
            Ok(false) => Err(ApiError::invalid("Group not found.")),
            Err(error) => Err(ApiError::store(FAILED, &error)),
        };
    }
    match channel.user_ids() {
        Some((one, two)) if user_id != one && user_id != two => {
            Err(ApiError::invalid("Channel not found."))
        }
        _ => Ok(()),
    }
}

/// Where a page is in its listing.
struct Page<'a> {
    channel: &'a ChannelId,
    forward: bool,
    /// What the caller's cursor said.
    position: Option<Position>,
    /// Whether there is something after it.
    follows: bool,
    /// And before.
    precedes: bool,
}

impl Page<'_> {
    fn into_list(self, channel_id: &str, messages: Vec<StoredMessage>) -> api::ChannelMessageList {
        let first = messages.first().map(StoredMessage::position);
        let last = messages.last().map(StoredMessage::position);
        let cursor = |position, forward, backs_up| {
            let cursor = ChannelCursor {
                position,
                forward,
                backs_up,
            };
            cursor.encode(self.channel)
        };
        let next = last.filter(|_| self.follows);
        let previous = first.filter(|_| self.precedes);
        let names = || ChannelNames::of(self.channel);
        api::ChannelMessageList {
            next_cursor: next
                .map(|position| cursor(position, self.forward, false))
                .unwrap_or_default(),
            prev_cursor: previous
                .map(|position| cursor(position, self.forward, true))
                .unwrap_or_default(),
            cacheable_cursor: last
                .or(self.position)
                .map(|position| cursor(position, true, false))
                .unwrap_or_default(),
            messages: messages
                .into_iter()
                .map(|message| listed(channel_id, names(), message))
                .collect(),
        }
    }
}

fn listed(channel_id: &str, names: ChannelNames, message: StoredMessage) -> api::ChannelMessage {
    api::ChannelMessage {
        channel_id: channel_id.to_owned(),
        message_id: message.id.to_string(),
        code: Some(message.code),
        sender_id: message.sender_id.to_string(),
        username: message.username,
        content: message.content,
        create_time: Some(time_to_wire(message.create_us)),
        update_time: Some(time_to_wire(message.update_us)),
        persistent: Some(true),
        room_name: names.room_name,
        group_id: names.group_id,
        user_id_one: names.user_id_one,
        user_id_two: names.user_id_two,
    }
}
