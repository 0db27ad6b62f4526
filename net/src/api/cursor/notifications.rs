//! Places in a list of notifications.

use super::{NOTIFICATIONS, open, position_bytes, read_position, seal};
use crate::store::Position;

pub(crate) fn encode_notification(position: Position) -> String {
    seal(NOTIFICATIONS, &[], &[&position_bytes(position)])
}

/// `None` if it is no cursor of notifications.
pub(crate) fn decode_notification(text: &str) -> Option<Position> {
    read_position(&open(text, NOTIFICATIONS, &[])?)
}
