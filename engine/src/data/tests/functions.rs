use super::*;
use crate::{Answer, Page, Request, RpcResult, StoreFailure};

type Found = DataResult<Vec<StorageObject>>;

fn count(In(call): In<RpcCall>, mut storage: Storage) -> RpcAnswer {
    storage.read([object("a")]).then(call, show_count)
}

fn show_count(In((call, found)): In<(RpcCall, Found)>) -> RpcResult {
    assert_ne!(call.payload, "fragile");
    Ok(format!("{} {}", call.payload, found?.len()))
}

fn call(id: &str, payload: &str) -> Request {
    Request::Rpc {
        id: id.to_owned(),
        payload: payload.to_owned(),
    }
}

fn none() -> DataOutcome {
    Ok(DataReply::Objects(Vec::new()))
}

#[test]
fn a_function_answers_when_its_data_is_there() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.app.add_later_rpc("Count", count);
    stage.ask(0, call("count", "one"));
    stage.ask(1, call("COUNT", "two"));
    stage.ask(0, Request::Ping);
    assert_eq!(stage.heard(), [""; 0], "what comes after it waits");
    stage.questions.swap(0, 1);
    stage.reply(none());
    assert_eq!(stage.heard(), ["bob: rpc two 0"]);
    stage.reply(none());
    assert_eq!(stage.heard(), ["alice: rpc one 0", "alice: Pong"]);
    stage.call("count");
    assert!(stage.answers.is_empty());
    stage.reply(none());
    assert!(matches!(&stage.answers[..], [Answer::Rpc(Ok(payload))] if payload == " 0"));
}

#[test]
fn a_function_learns_that_the_database_failed() {
    let mut stage = Stage::with(&["alice"]);
    stage.app.add_later_rpc("count", count);
    stage.ask(0, call("count", ""));
    stage.reply(Err(DataError::NotFound));
    stage.ask(0, call("count", ""));
    stage.answer(Err(StoreFailure::Failed));
    let told = [
        "alice: error 7 not found",
        "alice: error 7 the database failed",
    ];
    assert_eq!(stage.heard(), told);
}

#[test]
fn a_function_that_panics_with_its_data_fails_its_own_call() {
    let mut stage = Stage::with(&["alice"]);
    stage.app.add_later_rpc("count", count);
    for (payload, told) in [
        ("fragile", "alice: error 7 Internal error."),
        ("again", "alice: rpc again 0"),
    ] {
        stage.ask(0, call("count", payload));
        stage.reply(none());
        assert_eq!(stage.heard(), [told]);
    }
}

#[test]
fn nobody_is_answered_who_has_gone() {
    let mut stage = Stage::with(&["alice", "bob"]);
    stage.app.add_later_rpc("count", count);
    stage.ask(0, call("count", ""));
    stage.vanish(0);
    stage.heard();
    stage.reply(none());
    assert_eq!(stage.heard(), [""; 0]);
}

/// Reads, writes what it read under another key, and lists what there is.
fn copy(In(_): In<RpcCall>, mut storage: Storage) -> RpcAnswer {
    storage.read([object("a")]).then((), write_copy)
}

fn write_copy(
    In(((), found)): In<((), Found)>,
    mut storage: Storage,
) -> Result<RpcAnswer, RpcError> {
    let found = found?;
    let first = found.first();
    let first = first.ok_or_else(|| RpcError::new(RpcError::NOT_FOUND, "nothing to copy"))?;
    let write = ObjectWrite::new(object("b"), first.value.clone());
    storage.write([write]).ask();
    Ok(storage.list("test", None, Paging::default()).then((), tell))
}

fn tell(In(((), listed)): In<((), DataResult<Page<StorageObject>>)>) -> RpcResult {
    Ok(listed?.items.len().to_string())
}

fn one() -> DataOutcome {
    let object = StorageObject {
        id: object("a"),
        value: "{}".to_owned(),
        version: "1".to_owned(),
        read: crate::ReadPermission::Owner,
        write: crate::WritePermission::Owner,
        create_us: 1,
        update_us: 1,
    };
    Ok(DataReply::Objects(vec![object]))
}

#[test]
fn a_function_may_ask_on_and_answers_when_what_it_did_is_stored() {
    let mut stage = Stage::with(&["alice"]);
    stage.app.add_later_rpc("copy", copy);
    stage.ask(0, call("copy", ""));
    stage.reply(none());
    assert_eq!(stage.heard(), ["alice: error 7 nothing to copy"]);
    stage.ask(0, call("copy", ""));
    stage.reply(one());
    stage.questions.swap(0, 1);
    stage.reply(Ok(DataReply::ObjectPage(Page::default())));
    assert_eq!(stage.heard(), [""; 0], "the copy is not written yet");
    stage.reply(Ok(DataReply::ObjectAcks(Vec::new())));
    assert_eq!(stage.heard(), ["alice: rpc 0"]);
    stage.ask(0, call("copy", ""));
    stage.reply(one());
    stage.answer(Err(StoreFailure::Failed));
    stage.reply(Ok(DataReply::ObjectPage(Page::default())));
    assert_eq!(stage.heard(), ["alice: error 7 Internal error."]);
}

/// Keeps its answer for later calls, of which it is none.
#[derive(Resource, Default)]
struct Kept(Option<RpcAnswer>);

#[test]
fn a_function_cannot_wait_for_what_another_call_asked() {
    let mut stage = Stage::with(&["alice"]);
    stage.app.init_resource::<Kept>().add_later_rpc(
        "late",
        |In(_): In<RpcCall>, mut storage: Storage, mut kept: ResMut<Kept>| -> RpcAnswer {
            match kept.0.take() {
                Some(answer) => answer,
                None => {
                    kept.0 = Some(
                        storage
                            .read([object("a")])
                            .then(RpcCall::default(), show_count),
                    );
                    RpcAnswer::from(RpcResult::Ok("kept".to_owned()))
                }
            }
        },
    );
    stage.ask(0, call("late", ""));
    stage.reply(none());
    stage.ask(0, call("late", ""));
    let told = ["alice: rpc kept", "alice: error 7 Internal error."];
    assert_eq!(stage.heard(), told);
}
