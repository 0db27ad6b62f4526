//! Who may do what to whom in a group.

use tiltyard::MessageCode;

use super::group::{Deed, Rank};

/// What is to become of a user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Verdict {
    /// What they are to be to the group, if anything.
    pub(super) rank: Option<Rank>,
    /// By how many this changes the count of members.
    pub(super) count: i64,
    /// What the group's channel sees of it.
    pub(super) message: Option<MessageCode>,
}

impl Verdict {
    /// Whether it makes a superadmin be less.
    pub(super) fn dethrones(self, target: Option<Rank>) -> bool {
        target == Some(Rank::Superadmin) && self.rank != Some(Rank::Superadmin)
    }
}

/// Decides what an admin's deed does to another user; `None` if nothing.
///
/// Only superadmins touch superadmins, and nobody touches themselves. The server, which judges as a
/// superadmin, has to spare the last one by itself.
pub(super) fn judge(deed: Deed, caller: Rank, target: Option<Rank>) -> Option<Verdict> {
    let rank = match (deed, target) {
        (Deed::Add, None | Some(Rank::JoinRequest)) => Some(Rank::Member),
        (Deed::Kick, Some(target)) if may_remove(caller, target) => None,
        (Deed::Ban, Some(target)) if may_remove(caller, target) && target != Rank::Banned => {
            Some(Rank::Banned)
        }
        (Deed::Promote, Some(Rank::Member)) => Some(Rank::Admin),
        (Deed::Promote, Some(Rank::Admin)) if caller == Rank::Superadmin => Some(Rank::Superadmin),
        (Deed::Demote, Some(Rank::Superadmin)) if caller == Rank::Superadmin => Some(Rank::Admin),
        (Deed::Demote, Some(Rank::Admin)) => Some(Rank::Member),
        _ => return None,
    };
    let is_member = |rank: Option<Rank>| rank.is_some_and(Rank::is_member);
    let message = match deed {
        Deed::Add => Some(MessageCode::GroupAdd),
        // Whoever was no member goes without a word.
        Deed::Kick => is_member(target).then_some(MessageCode::GroupKick),
        Deed::Ban => is_member(target).then_some(MessageCode::GroupBan),
        Deed::Promote => Some(MessageCode::GroupPromote),
        Deed::Demote => Some(MessageCode::GroupDemote),
    };
    Some(Verdict {
        rank,
        count: i64::from(is_member(rank)) - i64::from(is_member(target)),
        message,
    })
}

fn may_remove(caller: Rank, target: Rank) -> bool {
    caller == Rank::Superadmin || target > Rank::Admin
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of strangers, superadmins, admins, members, those who ask and those who are banned:
    /// the number of their new rank, `x` for none, `.` where nothing is done.
    const MATRIX: [(Deed, Rank, &str); 10] = [
        (Deed::Add, Rank::Superadmin, "2 . . . 2 ."),
        (Deed::Add, Rank::Admin, "2 . . . 2 ."),
        (Deed::Kick, Rank::Superadmin, ". x x x x x"),
        (Deed::Kick, Rank::Admin, ". . . x x x"),
        (Deed::Ban, Rank::Superadmin, ". 4 4 4 4 ."),
        (Deed::Ban, Rank::Admin, ". . . 4 4 ."),
        (Deed::Promote, Rank::Superadmin, ". . 0 1 . ."),
        (Deed::Promote, Rank::Admin, ". . . 1 . ."),
        (Deed::Demote, Rank::Superadmin, ". 1 2 . . ."),
        (Deed::Demote, Rank::Admin, ". . 2 . . ."),
    ];

    #[test]
    fn every_deed_does_to_every_rank_what_the_table_says() {
        for (deed, caller, row) in MATRIX {
            let targets = [None].into_iter().chain(Rank::ALL.map(Some));
            let judged = targets.map(|target| match judge(deed, caller, target) {
                None => ".".to_owned(),
                Some(Verdict { rank: None, .. }) => "x".to_owned(),
                Some(Verdict {
                    rank: Some(rank), ..
                }) => (rank as i64).to_string(),
            });
            let judged = judged.collect::<Vec<_>>().join(" ");
            assert_eq!(judged, row, "{deed:?} by {caller:?}");
        }
    }

    #[test]
    fn the_channel_hears_of_members_and_of_those_who_become_one() {
        let heard = |deed, target| judge(deed, Rank::Superadmin, target).unwrap().message;
        let asked = Some(Rank::JoinRequest);
        let member = Some(Rank::Member);
        assert_eq!(heard(Deed::Add, asked), Some(MessageCode::GroupAdd));
        assert_eq!(heard(Deed::Kick, asked), None);
        assert_eq!(heard(Deed::Kick, Some(Rank::Banned)), None);
        assert_eq!(heard(Deed::Ban, asked), None);
        assert_eq!(heard(Deed::Kick, member), Some(MessageCode::GroupKick));
        assert_eq!(heard(Deed::Ban, member), Some(MessageCode::GroupBan));
    }

    #[test]
    fn the_count_changes_with_membership_alone() {
        let count = |deed, target| judge(deed, Rank::Superadmin, target).unwrap().count;
        assert_eq!(count(Deed::Add, None), 1);
        assert_eq!(count(Deed::Kick, Some(Rank::Admin)), -1);
        assert_eq!(count(Deed::Ban, Some(Rank::Member)), -1);
        assert_eq!(count(Deed::Ban, Some(Rank::JoinRequest)), 0);
        assert_eq!(count(Deed::Kick, Some(Rank::Banned)), 0);
        assert_eq!(count(Deed::Promote, Some(Rank::Admin)), 0);
        assert_eq!(count(Deed::Demote, Some(Rank::Superadmin)), 0);
    }
}
