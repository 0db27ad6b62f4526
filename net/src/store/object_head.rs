//! What decides whether an object may be written.

use jiff::Timestamp;

use super::error::StoreError;
use super::object::{
    Actor, ObjectAck, ObjectCondition, ObjectId, ObjectWrite, ReadPermission, WritePermission,
};

/// All of an object but its id and value.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) version: String,
    pub(super) read: ReadPermission,
    pub(super) write: WritePermission,
    pub(super) create_time: Timestamp,
    pub(super) update_time: Timestamp,
}

impl Head {
    /// Of an object that was not there. What is told now is what will be read: microseconds.
    pub(super) fn of(write: &ObjectWrite, now: Timestamp) -> Self {
        let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        Self {
            version: write.value.version(),
            read: write.read,
            write: write.write,
            create_time: now,
            update_time: now,
        }
    }

    pub(super) fn in_place_of(mut self, old: Option<&Self>) -> Self {
        let Some(old) = old else { return self };
        self.create_time = old.create_time;
        if (&self.version, self.read, self.write) == (&old.version, old.read, old.write) {
            self.update_time = old.update_time;
        }
        self
    }

    pub(super) fn ack(&self, id: &ObjectId) -> ObjectAck {
        ObjectAck {
            id: id.clone(),
            version: self.version.clone(),
            create_time: self.create_time,
            update_time: self.update_time,
        }
    }
}

/// Whether what is there may become what is to be written. That there should be nothing is told first.
pub(super) fn check_write(
    actor: Actor,
    write: &ObjectWrite,
    old: Option<&Head>,
) -> Result<(), StoreError> {
    let permission = match (old, &write.condition) {
        (None, ObjectCondition::Version(_)) | (Some(_), ObjectCondition::Absent) => {
            return Err(StoreError::VersionDiffers);
        }
        (None, _) => WritePermission::Owner,
        (Some(old), _) => old.write,
    };
    check_writer(actor, &write.id, permission)?;
    match (old, &write.condition) {
        (Some(old), ObjectCondition::Version(version)) if *version != old.version => {
            Err(StoreError::VersionDiffers)
        }
        _ => Ok(()),
    }
}

pub(super) fn check_writer(
    actor: Actor,
    id: &ObjectId,
    permission: WritePermission,
) -> Result<(), StoreError> {
    match actor {
        Actor::Player(player) if player != id.owner || permission == WritePermission::Nobody => {
            Err(StoreError::WriteForbidden)
        }
        Actor::Player(_) | Actor::Server => Ok(()),
    }
}
