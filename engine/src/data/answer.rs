//! Which replies are answers to what.

use super::{
    Account, DataReply, Friend, Group, GroupMembership, GroupUser, ObjectAck, Page, StorageObject,
};
use crate::notification::Notification;

/// What an ask can be answered with.
pub trait DataAnswer: sealed::Sealed + Sized + 'static {
    #[doc(hidden)]
    fn read(reply: DataReply) -> Option<Self>;
}

mod sealed {
    #[expect(unnameable_types, reason = "that is its point")]
    /// Only the engine knows which replies there are.
    pub trait Sealed {}
}

macro_rules! answers {
    ($($answer:ty = $pattern:pat => $value:expr),* $(,)?) => { $(
        impl sealed::Sealed for $answer {}

        impl DataAnswer for $answer {
            fn read(reply: DataReply) -> Option<Self> {
                match reply {
                    $pattern => Some($value),
                    _ => None,
                }
            }
        }
    )* };
}

answers! {
    () = DataReply::Done => (),
    Vec<StorageObject> = DataReply::Objects(objects) => objects,
    Vec<ObjectAck> = DataReply::ObjectAcks(acks) => acks,
    Page<StorageObject> = DataReply::ObjectPage(page) => page,
    Vec<Account> = DataReply::Accounts(accounts) => accounts,
    Page<Friend> = DataReply::Friends(page) => page,
    Group = DataReply::Group(group) => *group,
    Page<Group> = DataReply::Groups(page) => page,
    Page<GroupUser> = DataReply::GroupUsers(page) => page,
    Page<GroupMembership> = DataReply::UserGroups(page) => page,
    Page<Notification> = DataReply::Notifications(page) => page,
}
