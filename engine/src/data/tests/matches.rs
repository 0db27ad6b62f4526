use super::*;
use crate::StoreFailure;

#[test]
fn an_answer_is_there_in_the_first_tick_after_it_came_and_in_no_other() {
    let (mut stage, clerks) = stage_with(1);
    stage.tell(clerks[0], "read");
    stage.tick();
    assert_eq!(stage.log(), [""; 0], "nothing waits");
    let asked = stage.reply(Ok(DataReply::Objects(Vec::new())));
    assert_eq!(asked, DataRequest::ReadObjects(vec![object("a")]));
    assert_eq!(stage.log(), [""; 0], "no tick was due");
    stage.tick();
    assert_eq!(stage.log(), ["read Ok(0)"]);
    stage.tick();
    assert_eq!(stage.log(), [""; 0]);
}

#[test]
fn a_match_is_answered_in_the_order_in_which_answers_arrive() {
    let (mut stage, clerks) = stage_with(1);
    for order in ["nonsense", "flood"] {
        stage.tell(clerks[0], order);
    }
    stage.tick();
    stage.log();
    stage.questions.swap(0, 2);
    for _ in 0..3 {
        stage.reply(Ok(DataReply::Objects(Vec::new())));
    }
    stage.tick();
    assert_eq!(stage.log(), ["4 0", "3 0", "2 0"]);
}

#[test]
fn the_sixty_fifth_ask_is_refused_and_others_go_through_when_some_are_answered() {
    let (mut stage, clerks) = stage_with(1);
    stage.tell(clerks[0], "flood");
    assert_eq!(stage.questions.len(), 64);
    stage.tick();
    let busy = "65 too many asks wait for the database";
    assert_eq!(stage.log(), [busy], "though the database says nothing");
    stage.reply(Ok(DataReply::Objects(Vec::new())));
    stage.tell(clerks[0], "read");
    stage.tell(clerks[0], "read");
    assert_eq!(stage.questions.len(), 64, "there was room for one");
    stage.tick();
    assert_eq!(
        stage.log(),
        ["read Err(Busy)", "1 0"],
        "the handle is the last one's"
    );
}

#[test]
fn a_database_that_fails_is_an_answer() {
    let (mut stage, clerks) = stage_with(1);
    stage.tell(clerks[0], "read");
    stage.answer(Err(StoreFailure::Failed));
    stage.tick();
    assert_eq!(stage.log(), ["read Err(Failed)"]);
    stage.tell(clerks[0], "read");
    stage.reply(Err(DataError::Conflict));
    stage.tick();
    assert_eq!(stage.log(), ["read Err(Conflict)"]);
    stage.tell(clerks[0], "read");
    stage.reply(Ok(DataReply::Done));
    stage.tick();
    assert_eq!(stage.log(), ["read Err(Failed)"], "that is no answer to it");
}

#[test]
fn what_an_ended_match_asked_is_done_and_nobody_is_told() {
    let (mut stage, clerks) = stage_with(2);
    stage.tell(clerks[0], "end");
    stage.tell(clerks[1], "read");
    assert!(stage.world().match_get(clerks[0]).is_none());
    let written = stage.reply(Ok(DataReply::ObjectAcks(Vec::new())));
    assert!(matches!(written, DataRequest::WriteObjects(objects) if objects.len() == 1));
    stage.tick();
    assert_eq!(
        stage.log(),
        [""; 0],
        "the other asked under the same number"
    );
    stage.reply(Ok(DataReply::Objects(Vec::new())));
    stage.tick();
    assert_eq!(stage.log(), ["read Ok(0)"]);
}

#[test]
fn telling_is_answered_when_it_is_kept_and_delivered() {
    let (mut stage, clerks) = stage_with(1);
    stage.tell(clerks[0], "tell");
    stage.tick();
    assert_eq!(stage.heard(), [""; 0]);
    stage.store();
    assert_eq!(stage.heard(), ["alice: told 1 hello;"]);
    stage.tick();
    assert_eq!(stage.log(), ["1 done"]);
    stage.tell(clerks[0], "tell");
    stage.answer(Err(StoreFailure::Failed));
    stage.tick();
    assert_eq!(stage.log(), ["2 the database failed"]);
    assert_eq!(stage.heard(), [""; 0]);
}
