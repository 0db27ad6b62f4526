//! Streams: who is where.
//!
//! A stream is named by four parts and exists while somebody is on it. A presence is one session on one
//! stream, for one user. Chat, status, matches, parties and notifications are all streams; presences are
//! the only record of membership.
//!
//! ```text
//! Session ◄─OfSession─ Presence ─OnStream─► Stream { StreamId, Presences, Roster }
//! ```

mod events;
mod functions;
mod id;
mod ops;
mod presence;
mod swap_set;

pub use self::{
    events::PresenceView,
    functions::{StreamError, StreamFunctions},
    id::{StreamId, mode},
    presence::{Presence, PresenceMeta, PresenceReason},
};
pub(crate) use self::{
    events::{PresenceEvents, announce_presences},
    ops::{
        StreamIndex, Tracked, close, entity_of, find, members, recipients, recipients_in,
        roster_len, stream_of, track, untrack, untrack_others, untrack_session, update,
    },
    presence::{Presences, SessionPresences},
};
