//! What game code does to friends is what clients do to them.

use serde_json::{Value, json};
use tiltyard::{DataResult, Friend, FriendState, Friends, Page, Paging, RpcAnswer, prelude::*};
use tiltyard_tests::server::Server;

use super::{User, read, tell, user_of, users_of};

fn friends(In(call): In<RpcCall>, mut friends: Friends) -> RpcAnswer {
    let asked = read(&call);
    let user = user_of(&asked["user"]);
    let others = || users_of(&asked["others"]);
    match asked["do"].as_str().unwrap() {
        "add" => friends.add(user, others()).then((), tell),
        "delete" => friends.delete(user, others()).then((), tell),
        "block" => friends.block(user, others()).then((), tell),
        "list" => {
            let paging = match asked["cursor"].as_str() {
                Some(cursor) => Paging::after(1, cursor),
                None => Paging::first(1),
            };
            let state = asked["blocked"]
                .is_boolean()
                .then_some(FriendState::Blocked);
            friends.list(user, state, paging).then((), show)
        }
        other => panic!("no such thing to do: {other}"),
    }
}

fn show(In((_, page)): In<((), DataResult<Page<Friend>>)>) -> RpcResult {
    let Page { items, cursor } = page?;
    let items = items.iter();
    let names: Vec<_> = items
        .map(|friend| format!("{} {:?}", friend.user.username, friend.state))
        .collect();
    Ok(json!({ "names": names, "cursor": cursor }).to_string())
}

fn server() -> Server {
    Server::start(|app| {
        app.add_later_rpc("friends", friends);
    })
}

fn on(what: &str, user: &User, other: &User) -> Value {
    json!({ "do": what, "user": user.id, "others": [other.id] })
}

#[tokio::test]
async fn friends_that_game_code_makes_and_parts_are_told() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let mut bob = User::new(&server, "bob").await;
    assert_eq!(alice.call("friends", on("add", &alice, &bob)).await, "()");
    let told = bob.told().await;
    assert_eq!(told["code"], -2);
    assert_eq!(told["subject"], "alice wants to add you as a friend");
    assert_eq!(told["sender_id"], alice.id);
    let kept = bob.http(&server, "GET", "notification").await;
    assert_eq!(kept["notifications"][0]["id"], told["id"]);
    assert_eq!(alice.call("friends", on("add", &bob, &alice)).await, "()");
    assert_eq!(alice.told().await["code"], -3);
    let list = json!({ "do": "list", "user": alice.id });
    let shown = r#"{"cursor":null,"names":["bob Friend"]}"#;
    assert_eq!(alice.call("friends", list).await, shown);
    assert_eq!(
        alice.call("friends", on("delete", &alice, &bob)).await,
        "()"
    );
    assert_eq!(bob.told().await["code"], -9);
    let list = bob.http(&server, "GET", "friend").await;
    assert_eq!(list, json!({}));
}

#[tokio::test]
async fn a_block_by_game_code_ends_the_direct_chat() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let mut bob = User::new(&server, "bob").await;
    let opened = alice.enter(2, &bob.id).await;
    let channel = opened["channel"]["id"].clone();
    assert_eq!(bob.enter(2, &alice.id).await["channel"]["id"], channel);
    assert!(bob.says(&channel).await);
    assert_eq!(alice.call("friends", on("block", &alice, &bob)).await, "()");
    assert!(!alice.says(&channel).await);
    assert!(!bob.says(&channel).await);
    assert_eq!(bob.enter(2, &alice.id).await["error"]["code"], 3);
    let list = json!({ "do": "list", "user": alice.id, "blocked": true });
    let shown = r#"{"cursor":null,"names":["bob Blocked"]}"#;
    assert_eq!(alice.call("friends", list).await, shown);
}

#[tokio::test]
async fn a_list_of_friends_goes_on_at_its_cursor() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let bob = User::new(&server, "bob").await;
    let carol = User::new(&server, "carol").await;
    alice.call("friends", on("add", &alice, &bob)).await;
    alice.call("friends", on("block", &alice, &carol)).await;
    let list = json!({ "do": "list", "user": alice.id });
    let first: Value = serde_json::from_str(&alice.call("friends", list).await).unwrap();
    assert_eq!(first["names"], json!(["bob InviteSent"]));
    let list = json!({ "do": "list", "user": alice.id, "cursor": first["cursor"] });
    let rest: Value = serde_json::from_str(&alice.call("friends", list).await).unwrap();
    assert_eq!(rest, json!({ "names": ["carol Blocked"], "cursor": null }));
    let list = json!({ "do": "list", "user": alice.id, "cursor": "zz" });
    let refused = alice.call("friends", list).await;
    assert_eq!(refused, "the cursor is not one of this list");
}

#[tokio::test]
async fn nobody_is_invited_by_a_user_who_is_not_there() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let stranger = uuid::Uuid::from_u128(404).to_string();
    let add = json!({ "do": "add", "user": stranger, "others": [alice.id] });
    assert_eq!(alice.call("friends", add).await, "not found");
    let add = json!({ "do": "add", "user": alice.id, "others": [stranger] });
    assert_eq!(alice.call("friends", add).await, "()", "passed over");
}
