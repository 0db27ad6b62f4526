//! Notifications.

use bevy_ecs::{prelude::*, system::SystemParam};
use uuid::Uuid;

use super::{
    DataError, DataRequest, Page, Paging, Question, SystemAsks,
    ask::Wanted,
    check::{PAGE_MAX, batch},
};
use crate::{
    id::UserId,
    notification::{NewNotification, Notification},
};

/// Tells users something, and asks about what was kept for them.
///
/// ```
/// use tiltyard::{NewNotification, prelude::*};
///
/// #[derive(Component, Default)]
/// struct Duel;
///
/// # impl MatchKind for Duel {
/// #     const NAME: &'static str = "duel";
/// #     fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
/// #         Ok(MatchInit::new(Self))
/// #     }
/// # }
/// /// Whoever left is told what they miss, now or when they are back.
/// fn call_back(mut matches: Matches<Duel>, mut notifications: Notifications) {
///     matches.each(|game| {
///         for leave in game.left().to_vec() {
///             let missed = NewNotification {
///                 subject: "The duel goes on without you".to_owned(),
///                 content: serde_json::Map::new(),
///                 code: 1,
///                 sender: UserId::SYSTEM,
///                 persistent: true,
///             };
///             let user = leave.presence.user_id;
///             notifications.send([(user, missed)]).for_match(game);
///         }
///     });
/// }
///
/// let mut app = App::new();
/// app.add_match::<Duel>().add_systems(MatchLeave, call_back);
/// ```
#[derive(SystemParam, Debug)]
pub struct Notifications<'w, 's> {
    asks: SystemAsks<'w, 's>,
}

impl Notifications<'_, '_> {
    /// Tells users: all of them or, if something cannot be kept, nobody. What is to be kept is kept before it
    /// is delivered; the answer comes after both.
    pub fn send(
        &mut self,
        notifications: impl IntoIterator<Item = (UserId, NewNotification)>,
    ) -> Question<'_, ()> {
        let wanted = batch(notifications).and_then(|notifications| {
            for (_, notification) in &notifications {
                notification.check()?;
            }
            Ok(notifications)
        });
        self.asks.wanted(match wanted {
            Ok(notifications) => Wanted::Tell(notifications),
            Err(error) => Wanted::Nothing(error),
        })
    }

    /// Lists what was kept for a user, oldest first. Pages have up to 100, and always a cursor: after the last
    /// part it is the one to ask with for what comes later.
    pub fn list(&mut self, user: UserId, paging: Paging) -> Question<'_, Page<Notification>> {
        let checked = paging.check(PAGE_MAX);
        let request = checked.map(|()| DataRequest::ListNotifications { user, paging });
        self.asks.question(request)
    }

    /// Forgets what was kept for a user. What is not theirs is left alone.
    pub fn delete(
        &mut self,
        user: UserId,
        ids: impl IntoIterator<Item = Uuid>,
    ) -> Question<'_, ()> {
        let ids: Result<_, DataError> = batch(ids);
        let request = ids.map(|ids| DataRequest::DeleteNotifications { user, ids });
        self.asks.question(request)
    }
}
