//! Between the wire and the engine. Nothing else in the server names both.

mod event;
mod frame;
mod reply;
mod request;

pub(crate) use self::{
    event::{envelope_reader, event_to_datagram, event_to_frame, newest_key},
    frame::{
        Datagram, Deliveries, Encoding, Frames, close_frame, goodbye_frame, match_handle_frame,
        ping_frame, welcome_frame,
    },
    reply::{ChannelNames, reply_to_frame, time_to_wire},
    request::{Decoded, MatchTokens, decode},
};
