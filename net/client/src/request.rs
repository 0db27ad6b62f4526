//! What a game can ask a server.

use std::collections::BTreeMap;

use tiltyard_proto::{
    api,
    realtime::{
        ChannelJoin, ChannelLeave, ChannelMessageSend, MatchCreate, MatchJoin, MatchLeave,
        MatchmakerAdd, MatchmakerRemove, PartyCreate, PartyDataSend, PartyJoin, PartyLeave, Ping,
        StatusFollow, StatusUpdate, envelope::Message, match_join,
    },
};

use crate::{
    client::{Client, SendError},
    event::RequestId,
};

/// Properties of a player or a join: names and values.
pub type Properties = BTreeMap<String, String>;

/// Each is answered by [`Event::Reply`](crate::Event::Reply), or by
/// [`Event::Failed`](crate::Event::Failed) if there will be no answer. The errors of all of them are
/// those of [`send`](Self::send).
#[expect(clippy::missing_errors_doc, reason = "said above, once for all")]
impl Client {
    /// Goes into a match. The reply has who is there: [`Reply::joined`](crate::Reply::joined).
    pub fn join_match(
        &mut self,
        match_id: &str,
        metadata: Properties,
    ) -> Result<RequestId, SendError> {
        self.join(match_join::Id::MatchId(match_id.to_owned()), metadata)
    }

    /// Goes into the match that the matchmaker has given this token for.
    pub fn join_match_by_token(
        &mut self,
        token: &str,
        metadata: Properties,
    ) -> Result<RequestId, SendError> {
        self.join(match_join::Id::Token(token.to_owned()), metadata)
    }

    /// Leaves a match.
    pub fn leave_match(&mut self, match_id: &str) -> Result<RequestId, SendError> {
        let match_id = match_id.to_owned();
        self.send(Message::MatchLeave(MatchLeave { match_id }))
    }

    /// Makes a match without rules, in which the server passes on what players send, and goes into it.
    /// Those who give the same name, if it is not empty, meet in one.
    pub fn create_match(&mut self, name: &str) -> Result<RequestId, SendError> {
        let name = name.to_owned();
        self.send(Message::MatchCreate(MatchCreate { name }))
    }

    /// Calls a function of the server. The reply has what it returns:
    /// [`Reply::payload`](crate::Reply::payload).
    pub fn rpc(&mut self, id: &str, payload: &str) -> Result<RequestId, SendError> {
        self.send(Message::Rpc(api::Rpc {
            id: id.to_owned(),
            payload: payload.to_owned(),
            ..api::Rpc::default()
        }))
    }

    /// Looks for others to play with. The reply has a ticket; the match comes as
    /// [`Event::Message`](crate::Event::Message).
    pub fn add_to_matchmaker(&mut self, wish: MatchmakerAdd) -> Result<RequestId, SendError> {
        self.send(Message::MatchmakerAdd(wish))
    }

    /// Stops looking.
    pub fn remove_from_matchmaker(&mut self, ticket: &str) -> Result<RequestId, SendError> {
        let ticket = ticket.to_owned();
        self.send(Message::MatchmakerRemove(MatchmakerRemove { ticket }))
    }

    /// Goes into a chat room that whoever knows its name may enter. The reply has the channel's id.
    pub fn join_room(&mut self, name: &str) -> Result<RequestId, SendError> {
        self.send(Message::ChannelJoin(ChannelJoin {
            target: name.to_owned(),
            r#type: CHANNEL_ROOM,
            persistence: None,
            hidden: None,
        }))
    }

    /// Leaves a chat channel.
    pub fn leave_channel(&mut self, channel_id: &str) -> Result<RequestId, SendError> {
        let channel_id = channel_id.to_owned();
        self.send(Message::ChannelLeave(ChannelLeave { channel_id }))
    }

    /// Says something in a channel; `content` is a JSON object.
    pub fn write_channel(
        &mut self,
        channel_id: &str,
        content: &str,
    ) -> Result<RequestId, SendError> {
        self.send(Message::ChannelMessageSend(ChannelMessageSend {
            channel_id: channel_id.to_owned(),
            content: content.to_owned(),
        }))
    }

    /// Hears from now on what these users are doing.
    pub fn follow_status(&mut self, user_ids: &[&str]) -> Result<RequestId, SendError> {
        self.send(Message::StatusFollow(StatusFollow {
            user_ids: user_ids.iter().map(|&id| id.to_owned()).collect(),
            usernames: Vec::new(),
        }))
    }

    /// Tells followers what the player is doing; `None` to appear offline.
    pub fn update_status(&mut self, status: Option<&str>) -> Result<RequestId, SendError> {
        let status = status.map(str::to_owned);
        self.send(Message::StatusUpdate(StatusUpdate { status }))
    }

    /// Makes a party for so many players. Whoever knows the id of an open one may join.
    pub fn create_party(&mut self, open: bool, players_max: i32) -> Result<RequestId, SendError> {
        self.send(Message::PartyCreate(PartyCreate {
            open,
            max_size: players_max,
            ..PartyCreate::default()
        }))
    }

    /// Goes into a party, or asks to.
    pub fn join_party(&mut self, party_id: &str) -> Result<RequestId, SendError> {
        let party_id = party_id.to_owned();
        self.send(Message::PartyJoin(PartyJoin { party_id }))
    }

    /// Leaves a party.
    pub fn leave_party(&mut self, party_id: &str) -> Result<RequestId, SendError> {
        let party_id = party_id.to_owned();
        self.send(Message::PartyLeave(PartyLeave { party_id }))
    }

    /// Sends data to the others of a party.
    pub fn send_party_data(
        &mut self,
        party_id: &str,
        op_code: i64,
        data: &[u8],
    ) -> Result<RequestId, SendError> {
        self.send(Message::PartyDataSend(PartyDataSend {
            party_id: party_id.to_owned(),
            op_code,
            data: data.to_vec(),
        }))
    }

    /// Asks whether the server is there.
    pub fn ping(&mut self) -> Result<RequestId, SendError> {
        self.send(Message::Ping(Ping {}))
    }

    fn join(&mut self, id: match_join::Id, metadata: Properties) -> Result<RequestId, SendError> {
        self.send(Message::MatchJoin(MatchJoin {
            id: Some(id),
            metadata,
        }))
    }
}

/// A room, among the types of channels.
const CHANNEL_ROOM: i32 = 1;

/// Whether a server answers this. It closes the connection over what only servers say.
pub(crate) const fn is_request(message: &Message) -> bool {
    matches!(
        message,
        Message::ChannelJoin(_)
            | Message::ChannelLeave(_)
            | Message::ChannelMessageSend(_)
            | Message::ChannelMessageUpdate(_)
            | Message::ChannelMessageRemove(_)
            | Message::MatchCreate(_)
            | Message::MatchJoin(_)
            | Message::MatchLeave(_)
            | Message::MatchmakerAdd(_)
            | Message::MatchmakerRemove(_)
            | Message::Rpc(_)
            | Message::StatusFollow(_)
            | Message::StatusUnfollow(_)
            | Message::StatusUpdate(_)
            | Message::Ping(_)
            | Message::PartyCreate(_)
            | Message::PartyJoin(_)
            | Message::PartyLeave(_)
            | Message::PartyPromote(_)
            | Message::PartyAccept(_)
            | Message::PartyRemove(_)
            | Message::PartyClose(_)
            | Message::PartyJoinRequestList(_)
            | Message::PartyMatchmakerAdd(_)
            | Message::PartyMatchmakerRemove(_)
            | Message::PartyDataSend(_)
            | Message::PartyUpdate(_)
    )
}
