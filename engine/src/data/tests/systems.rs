use super::*;
use crate::{Account, SystemAsk};

#[derive(Resource, Default)]
struct Seen {
    ask: Option<SystemAsk<Vec<Account>>>,
    answers: Vec<String>,
}

fn read_answers(mut answers: MessageReader<Answered>, mut seen: ResMut<Seen>) {
    for answered in answers.read() {
        let text = match seen.ask.and_then(|ask| answered.to(ask)) {
            Some(accounts) => format!("{:?}", accounts.map(|accounts| accounts.len())),
            None => "another".to_owned(),
        };
        seen.answers.push(text);
    }
}

/// Several parameters in one system, and two such systems without an order between them.
fn ask_twice(mut accounts: Accounts, mut storage: Storage, mut seen: ResMut<Seen>) {
    if seen.ask.is_none() {
        storage.read([object("a")]).ask();
        seen.ask = Some(accounts.get([user(0)]).ask());
    }
}

fn ask_once(mut storage: Storage, mut done: Local<bool>) {
    if !std::mem::replace(&mut done, true) {
        storage.read([object("b")]).ask();
    }
}

#[test]
fn systems_read_their_answers_once_and_matches_do_not_see_them() {
    let (mut stage, clerks) = stage_with(1);
    stage
        .app
        .init_resource::<Seen>()
        .add_systems(MatchLoop, ((ask_twice, read_answers).chain(), ask_once));
    stage.tell(clerks[0], "read");
    assert_eq!(stage.questions.len(), 4);
    for _ in 0..4 {
        let reply = match &stage.questions[0].1 {
            StoreRequest::Data(request) if matches!(**request, DataRequest::GetAccounts(_)) => {
                DataReply::Accounts(Vec::new())
            }
            _ => DataReply::Objects(Vec::new()),
        };
        stage.reply(Ok(reply));
    }
    stage.tick();
    assert_eq!(stage.log(), ["read Ok(0)"]);
    stage.pass();
    let mut answers = stage.world().resource::<Seen>().answers.clone();
    answers.sort();
    assert_eq!(answers, ["Ok(0)", "another", "another"]);
}

#[test]
fn whoever_is_banned_is_shown_out_once_it_is_so() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.app.add_systems(
        MatchLoop,
        |mut accounts: Accounts, mut done: Local<bool>| {
            if !std::mem::replace(&mut done, true) {
                accounts.ban([user(1)]).ask();
                accounts.delete(user(0)).ask();
            }
        },
    );
    stage.pass();
    assert_eq!(stage.world().user_sessions(user(1)).len(), 1);
    stage.reply(Ok(DataReply::Done));
    assert!(stage.world().user_sessions(user(1)).is_empty());
    stage.reply(Err(DataError::Failed));
    assert_eq!(stage.world().user_sessions(user(0)).len(), 1);
}
