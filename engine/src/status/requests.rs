//! What clients ask about status.

use std::collections::BTreeSet;

use bevy_ecs::prelude::*;

use super::followers::{self, TooMany};
use crate::{
    id::UserId,
    limits::{LABEL_BYTES_MAX, Limits},
    outbound::{ErrorCode, Reply, RequestError},
    request::Request,
    requests::{self, Asker, Handled},
    store::{self, StoreOutcome, StoreReply, StoreRequest},
    stream::{self, PresenceMeta, PresenceReason, PresenceView, StreamId},
};

/// Follows users, and shows who of them is online. Which of them exist, the database knows.
pub(super) fn follow(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::StatusFollow {
        user_ids,
        usernames,
    } = request
    else {
        return Handled::Silent;
    };
    if usernames.iter().any(String::is_empty) {
        return Handled::refuse(RequestError::bad_input("Invalid username"));
    }
    let ids: BTreeSet<UserId> = user_ids
        .into_iter()
        .filter(|id| *id != asker.who.user_id && *id != UserId::SYSTEM)
        .collect();
    let usernames: BTreeSet<String> = usernames
        .into_iter()
        .filter(|name| **name != *asker.who.username)
        .collect();
    if ids.is_empty() && usernames.is_empty() {
        return Handled::Reply(Reply::Status(Vec::new()));
    }
    let question = StoreRequest::Users {
        ids: ids.into_iter().collect(),
        usernames: usernames.into_iter().collect(),
    };
    let asker = asker.clone();
    store::ask(world, question, move |world, outcome| {
        let reply = follow_found(world, &asker, outcome).unwrap_or_else(Reply::Error);
        requests::answer(world, asker.session, reply);
    });
    Handled::Later
}

fn follow_found(
    world: &mut World,
    asker: &Asker,
    outcome: StoreOutcome,
) -> Result<Reply, RequestError> {
    let Ok(StoreReply::Users(found)) = outcome else {
        let text = "Could not check users";
        return Err(RequestError::new(ErrorCode::RuntimeException, text));
    };
    let users: BTreeSet<UserId> = found.into_iter().map(|user| user.id).collect();
    let users: Vec<UserId> = users
        .into_iter()
        .filter(|user| *user != asker.who.user_id && *user != UserId::SYSTEM)
        .collect();
    let users_max = world.resource::<Limits>().follows_per_session_max;
    followers::follow(world, asker.session, &users, users_max).map_err(|TooMany| {
        RequestError::bad_input(format!("Too many users followed, at most {users_max}"))
    })?;
    let online = users
        .into_iter()
        .flat_map(|user| stream::members(world, &StreamId::status(user)))
        .filter(|presence| !presence.meta.hidden)
        .map(|presence| PresenceView::of(&presence));
    Ok(Reply::Status(online.collect()))
}

/// Follows users no more.
pub(super) fn unfollow(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::StatusUnfollow { user_ids } = request else {
        return Handled::Silent;
    };
    followers::unfollow(world, asker.session, &user_ids);
    Handled::Reply(Reply::Done)
}

/// Appears online with a text, or offline.
pub(super) fn update(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::StatusUpdate { status } = request else {
        return Handled::Silent;
    };
    let user = asker.who.user_id;
    let stream = StreamId::status(user);
    match status {
        None => {
            if let Some(presence) = stream::find(world, asker.session, user, &stream) {
                stream::untrack(world, presence, PresenceReason::Leave);
            }
        }
        Some(status) if status.len() > LABEL_BYTES_MAX => {
            let text = "Status must be 2048 characters or less";
            return Handled::refuse(RequestError::bad_input(text));
        }
        Some(status) => {
            let meta = PresenceMeta {
                status: status.into(),
                ..PresenceMeta::default()
            };
            stream::update(world, asker.session, user, &stream, meta);
        }
    }
    Handled::Reply(Reply::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::{Peer, Stage};
    use crate::{SessionId, StatusError, StatusFunctions, StreamFunctions};

    fn by_id(users: &[UserId]) -> Request {
        Request::StatusFollow {
            user_ids: users.to_vec(),
            usernames: Vec::new(),
        }
    }

    fn by_name(names: &[&str]) -> Request {
        Request::StatusFollow {
            user_ids: Vec::new(),
            usernames: names.iter().map(ToString::to_string).collect(),
        }
    }

    fn status(text: impl Into<Option<&'static str>>) -> Request {
        Request::StatusUpdate {
            status: text.into().map(str::to_owned),
        }
    }

    fn follow(stage: &mut Stage, peer: &Peer, request: Request) -> String {
        stage.reply(peer, request)
    }

    #[test]
    fn whoever_follows_sees_every_change() {
        let mut stage = Stage::new();
        let alice = stage.connect("alice");
        let bob_id = stage.user("bob");
        assert_eq!(follow(&mut stage, &alice, by_id(&[bob_id])), "status");
        let bob = stage.connect_online("bob");
        assert_eq!(stage.heard(&alice), ["status +bob="]);
        assert_eq!(
            stage.ask(&bob, status("here")),
            ["reply: ok", "status +bob=here -bob="]
        );
        assert_eq!(
            stage.ask(&bob, status("here")),
            ["reply: ok", "status +bob=here -bob=here"]
        );
        assert_eq!(
            stage.ask(&bob, status(None)),
            ["reply: ok", "status -bob=here"]
        );
        assert_eq!(stage.ask(&bob, status(None)), ["reply: ok"]);
        assert_eq!(
            stage.ask(&bob, status("back")),
            ["reply: ok", "status +bob=back"]
        );
        stage.vanish(&bob);
        assert_eq!(
            stage.heard(&alice),
            [
                "status +bob=here -bob=",
                "status +bob=here -bob=here",
                "status -bob=here",
                "status +bob=back",
                "status -bob=back"
            ]
        );
    }

    #[test]
    fn following_shows_who_of_those_named_is_online_now() {
        let mut stage = Stage::new();
        let alice = stage.connect("alice");
        let bob = stage.connect_online("bob");
        stage.connect_online("bob");
        stage.connect("carol");
        stage.ask(&bob, status("here"));
        let (bob_id, carol_id) = (stage.user("bob"), stage.user("carol"));
        let unknown = UserId(uuid::Uuid::from_u128(7));
        let all = by_id(&[bob_id, carol_id, unknown, UserId::SYSTEM, bob_id]);
        for _ in 0..2 {
            let reply = follow(&mut stage, &alice, all.clone());
            assert_eq!(
                reply, "status bob=here bob=",
                "two connections, two presences"
            );
        }
        assert_eq!(
            follow(&mut stage, &alice, by_name(&["bob", "nobody", "BOB"])),
            "status bob=here bob="
        );
        let first = &stage.questions[0];
        assert!(
            matches!(first, StoreRequest::Users { ids, .. } if ids.len() == 3),
            "each once, and not the system: {first:?}"
        );
    }

    #[test]
    fn hidden_presences_are_not_shown() {
        let mut stage = Stage::new();
        let alice = stage.connect("alice");
        let bob = stage.connect("bob");
        let user = bob.who.user_id;
        let meta = PresenceMeta {
            hidden: true,
            ..PresenceMeta::default()
        };
        let stream = StreamId::status(user);
        stage
            .world()
            .stream_user_join(&stream, user, bob.who.session_id, meta)
            .unwrap();
        assert_eq!(follow(&mut stage, &alice, by_id(&[user])), "status");
    }

    #[test]
    fn oneself_is_followed_always_and_never_asked_about() {
        let mut stage = Stage::new();
        let alice = stage.connect_online("alice");
        let other = stage.connect("alice");
        let id = alice.who.user_id;
        for request in [by_id(&[id]), by_name(&["alice"]), by_id(&[])] {
            assert_eq!(follow(&mut stage, &alice, request), "status");
        }
        assert_eq!(stage.questions, []);
        let unfollow = Request::StatusUnfollow { user_ids: vec![id] };
        assert_eq!(stage.ask(&other, unfollow), ["reply: ok"]);
        stage.ask(&alice, status("me"));
        assert_eq!(stage.heard(&other), ["status +alice=me -alice="]);
    }

    #[test]
    fn wrong_names_and_texts_are_refused() {
        let mut stage = Stage::new();
        let alice = stage.connect("alice");
        assert_eq!(
            follow(&mut stage, &alice, by_name(&["bob", ""])),
            "3 Invalid username"
        );
        let update = |bytes| Request::StatusUpdate {
            status: Some("x".repeat(bytes)),
        };
        assert_eq!(stage.reply(&alice, update(2048)), "ok");
        assert_eq!(
            stage.reply(&alice, update(2049)),
            "3 Status must be 2048 characters or less"
        );
        stage.broken = true;
        assert_eq!(
            follow(&mut stage, &alice, by_name(&["bob"])),
            "0 Could not check users"
        );
    }

    #[test]
    fn requests_wait_for_the_answer_before_them() {
        let mut stage = Stage::new();
        let alice = stage.connect("alice");
        stage.user("bob");
        stage.say(&alice, by_name(&["bob"]));
        stage.say(&alice, Request::Ping);
        stage.pass();
        assert_eq!(stage.heard(&alice), ["reply: status", "reply: Pong"]);
    }

    #[test]
    fn whoever_unfollows_or_leaves_is_told_nothing_more() {
        let mut stage = Stage::new();
        let (alice, carol) = (stage.connect("alice"), stage.connect("carol"));
        let bob = stage.connect_online("bob");
        let unfollow = Request::StatusUnfollow {
            user_ids: vec![bob.who.user_id],
        };
        assert_eq!(
            stage.reply(&alice, unfollow.clone()),
            "ok",
            "nobody has to be followed"
        );
        for peer in [&alice, &carol] {
            stage.reply(peer, by_name(&["bob"]));
        }
        stage.reply(&alice, unfollow);
        stage.vanish(&carol);
        stage.ask(&bob, status("unseen"));
        assert_eq!((stage.heard(&alice), stage.heard(&carol)), (vec![], vec![]));
        let followers = stage
            .world()
            .resource_mut::<super::super::Followers>()
            .of(bob.who.user_id);
        assert_eq!(
            followers.map(|to| to.as_slice().len()),
            Some(1),
            "bob alone is left"
        );
    }

    #[test]
    fn a_session_follows_so_many_and_no_more() {
        let mut stage = Stage::with(Limits {
            follows_per_session_max: 2,
            ..Limits::default()
        });
        let alice = stage.connect("alice");
        let names = ["bob", "carol", "dave"];
        let users = names.map(|name| stage.user(name));
        let full = "3 Too many users followed, at most 2";
        assert_eq!(follow(&mut stage, &alice, by_name(&names)), full);
        assert_eq!(
            follow(&mut stage, &alice, by_id(&users[..2])),
            "status",
            "none was followed before"
        );
        assert_eq!(follow(&mut stage, &alice, by_id(&users[..2])), "status");
        assert_eq!(follow(&mut stage, &alice, by_id(&users[2..])), full);
        let session = alice.who.session_id;
        let world = stage.world();
        assert_eq!(
            world.status_follow(session, &users),
            Err(StatusError::TooManyFollowed)
        );
        world.status_unfollow(session, &users[..1]).unwrap();
        assert_eq!(world.status_follow(session, &users[1..]), Ok(()));
    }

    #[test]
    fn server_code_says_whom_a_session_follows() {
        let mut stage = Stage::new();
        let alice = stage.connect("alice");
        let bob_id = stage.user("bob");
        stage
            .world()
            .status_follow(alice.who.session_id, &[bob_id])
            .unwrap();
        let bob = stage.connect_online("bob");
        stage
            .world()
            .status_unfollow(alice.who.session_id, &[bob_id])
            .unwrap();
        stage.ask(&bob, status("unseen"));
        assert_eq!(stage.heard(&alice), ["status +bob="]);
        let nobody = SessionId(uuid::Uuid::nil());
        let refused = stage.world().status_follow(nobody, &[bob_id]);
        assert_eq!(refused, Err(StatusError::SessionNotFound));
    }
}
