//! Between the wire and the engine. Nothing else in the server names both.

mod event;
mod frame;
mod reply;
mod request;

pub(crate) use self::{
    event::{envelope_reader, event_to_frame},
    frame::{Encoding, Frames, close_frame, ping_frame},
    reply::{ChannelNames, reply_to_frame, time_to_wire},
    request::{Decoded, MatchTokens, decode},
};
