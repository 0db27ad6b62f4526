use super::*;

fn sessions() -> Sessions {
    Sessions::for_tests()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_253_282 + second).unwrap()
}

const ALICE: Uuid = Uuid::from_u128(0xa11ce);

fn login(sessions: &Sessions, second: i64) -> TokenPair {
    sessions.issue(ALICE, "alice", Vars::new(), at(second))
}

#[test]
fn each_token_opens_its_own_door_only() {
    let sessions = sessions();
    let pair = login(&sessions, 0);
    assert!(sessions.verify_session(&pair.session, at(0)).is_ok());
    assert!(sessions.verify_refresh(&pair.refresh, at(0)).is_ok());
    assert!(sessions.verify_session(&pair.refresh, at(0)).is_err());
    assert!(sessions.verify_refresh(&pair.session, at(0)).is_err());
    let ticket = sessions.matchmaker_token("x.", at(0));
    assert!(sessions.verify_session(&ticket, at(0)).is_err());
    assert!(sessions.verify_refresh(&ticket, at(0)).is_err());
    assert!(sessions.verify_matchmaker(&pair.session, at(0)).is_err());
    assert_eq!(
        sessions.verify_matchmaker(&ticket, at(29)),
        Ok("x.".to_owned())
    );
    assert!(sessions.verify_matchmaker(&ticket, at(30)).is_err());
}

#[test]
fn the_two_tokens_share_their_identity_and_differ_in_life() {
    let sessions = sessions();
    let pair = login(&sessions, 0);
    let session = sessions.verify_session(&pair.session, at(59)).unwrap();
    let refresh = sessions.verify_refresh(&pair.refresh, at(3599)).unwrap();
    assert_eq!(session.token_id, refresh.token_id);
    assert_eq!(refresh.expires_at - session.expires_at, 3540);
    assert!(sessions.verify_session(&pair.session, at(60)).is_err());
    assert!(sessions.verify_refresh(&pair.refresh, at(3600)).is_err());
}

#[test]
fn refreshing_keeps_the_login_and_takes_the_new_name() {
    let sessions = sessions();
    let vars = Vars::from([("a".to_owned(), "1".to_owned())]);
    let pair = sessions.issue(ALICE, "alice", vars.clone(), at(0));
    let old = sessions.verify_refresh(&pair.refresh, at(100)).unwrap();
    let fresh = sessions.refresh(old.clone(), "alicia", None, at(100));
    let new = sessions.verify_session(&fresh.session, at(100)).unwrap();
    assert_eq!(new.token_id, old.token_id);
    assert_eq!(new.issued_at, old.issued_at);
    assert_eq!((new.username.as_str(), new.vars), ("alicia", vars));
    let other = Vars::from([("b".to_owned(), "2".to_owned())]);
    let fresh = sessions.refresh(old, "alicia", Some(other.clone()), at(100));
    let new = sessions.verify_refresh(&fresh.refresh, at(3699)).unwrap();
    assert_eq!(new.vars, other);
    assert!(
        sessions.verify_refresh(&pair.refresh, at(100)).is_ok(),
        "not rotated"
    );
}

#[test]
fn logging_out_everywhere_ends_what_was_issued_before_this_second() {
    let sessions = sessions();
    let before = login(&sessions, 0);
    let same_second = login(&sessions, 5);
    sessions.logout_all(ALICE, at(5)).unwrap();
    let logged_out = Err(TokenError::LoggedOut);
    assert_eq!(sessions.verify_session(&before.session, at(5)), logged_out);
    assert_eq!(sessions.verify_refresh(&before.refresh, at(5)), logged_out);
    assert!(sessions.verify_session(&same_second.session, at(5)).is_ok());
    let other = sessions.issue(Uuid::from_u128(7), "bob", Vars::new(), at(0));
    assert!(sessions.verify_session(&other.session, at(5)).is_ok());
}

#[test]
fn whoever_is_shut_out_has_no_token_of_this_very_second_either() {
    let sessions = sessions();
    let same_second = login(&sessions, 5);
    sessions.shut_out(ALICE, at(5)).unwrap();
    sessions.logout_all(ALICE, at(5)).unwrap();
    assert!(
        sessions
            .verify_session(&same_second.session, at(5))
            .is_err()
    );
    assert!(
        sessions
            .verify_refresh(&same_second.refresh, at(5))
            .is_err()
    );
    let later = login(&sessions, 6);
    assert!(sessions.verify_session(&later.session, at(6)).is_ok());
}

#[test]
fn a_logged_out_session_stays_out_through_refreshes() {
    let sessions = sessions();
    let pair = login(&sessions, 0);
    let claims = sessions.verify_session(&pair.session, at(0)).unwrap();
    sessions.logout_session(&claims, at(0)).unwrap();
    assert!(sessions.verify_session(&pair.session, at(1)).is_err());
    let mut refresh = pair.refresh;
    for hour in 1..5 {
        let now = at(hour * 3500);
        let claims = sessions.verify_refresh(&refresh, now).unwrap();
        let fresh = sessions.refresh(claims, "alice", None, now);
        sessions.logout_all(Uuid::from_u128(7), now).unwrap();
        assert!(
            sessions.verify_session(&fresh.session, now).is_err(),
            "hour {hour}"
        );
        refresh = fresh.refresh;
    }
}

#[test]
fn a_logged_out_refresh_token_leaves_the_session() {
    let sessions = sessions();
    let pair = login(&sessions, 0);
    let claims = sessions.verify_refresh(&pair.refresh, at(0)).unwrap();
    sessions.logout_refresh(&claims, at(0)).unwrap();
    assert!(sessions.verify_refresh(&pair.refresh, at(1)).is_err());
    assert!(sessions.verify_session(&pair.session, at(1)).is_ok());
    assert!(
        sessions
            .verify_session(&login(&sessions, 1).session, at(1))
            .is_ok()
    );
}

#[test]
fn expired_logouts_are_forgotten() {
    let sessions = sessions();
    let claims = sessions
        .verify_session(&login(&sessions, 0).session, at(0))
        .unwrap();
    sessions.logout_session(&claims, at(0)).unwrap();
    sessions.logout_all(Uuid::from_u128(7), at(3660)).unwrap();
    let remembered: Vec<_> = sessions.logouts().users.keys().copied().collect();
    assert_eq!(remembered, [Uuid::from_u128(7)]);
}

#[test]
fn more_logouts_than_are_remembered_end_all_tokens_of_the_user() {
    let sessions = sessions();
    for _ in 0..=TOKENS_PER_USER_MAX {
        let claims = sessions
            .verify_session(&login(&sessions, 0).session, at(0))
            .unwrap();
        sessions.logout_session(&claims, at(0)).unwrap();
    }
    assert!(
        sessions
            .verify_session(&login(&sessions, 0).session, at(0))
            .is_err()
    );
    assert!(
        sessions
            .verify_session(&login(&sessions, 1).session, at(1))
            .is_ok()
    );
}

#[test]
fn debug_shows_no_token() {
    let sessions = sessions();
    let pair = login(&sessions, 0);
    assert!(!format!("{pair:?} {sessions:?}").contains(&pair.session[..10]));
}
