//! Objects in storage.

use serde_json::json;
use tiltyard::{
    DataResult, ObjectAck, ObjectId, ObjectWrite, RpcAnswer, Storage, StorageObject, prelude::*,
};
use tiltyard_tests::server::Server;

/// Keeps what it is called with, then answers with what is kept.
fn keep(In(call): In<RpcCall>, mut storage: Storage) -> RpcAnswer {
    let write = ObjectWrite::new(ObjectId::of_server("notes", "last"), call.payload);
    storage.write([write]).then((), look)
}

fn look(
    In((_, kept)): In<((), DataResult<Vec<ObjectAck>>)>,
    mut storage: Storage,
) -> Result<RpcAnswer, RpcError> {
    kept?;
    let note = ObjectId::of_server("notes", "last");
    Ok(storage.read([note]).then((), show))
}

fn show(In((_, found)): In<((), DataResult<Vec<StorageObject>>)>) -> RpcResult {
    Ok(found?.pop().map(|note| note.value).unwrap_or_default())
}

#[tokio::test]
async fn game_code_keeps_and_finds_objects_in_the_database() {
    let server = Server::start(|app| {
        app.add_later_rpc("keep", keep);
    });
    let mut alice = server.connect("alice").await;
    for payload in ["{\"n\":1}", "{\"n\":2}"] {
        let call = json!({ "id": "keep", "payload": payload });
        let answer = alice.ask("rpc", call).await;
        assert_eq!(answer["rpc"]["payload"], payload, "{answer}");
    }
    let call = json!({ "id": "keep", "payload": "no object" });
    let answer = alice.ask("rpc", call).await;
    assert_eq!(answer["error"]["code"], 7, "{answer}");
}
