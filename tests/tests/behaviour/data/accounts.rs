//! What game code does to accounts.

use serde_json::{Value, json};
use tiltyard::{Account, AccountUpdate, Accounts, DataResult, RpcAnswer, prelude::*};
use tiltyard_tests::server::Server;

use super::{User, read, tell, user_of, users_of};

fn accounts(In(call): In<RpcCall>, mut accounts: Accounts) -> RpcAnswer {
    let asked = read(&call);
    match asked["do"].as_str().unwrap() {
        "ban" => accounts.ban(users_of(&asked["users"])).then((), tell),
        "unban" => accounts.unban(users_of(&asked["users"])).then((), tell),
        "delete" => accounts.delete(user_of(&asked["user"])).then((), tell),
        "note" => {
            let update = AccountUpdate {
                metadata: Some(asked["metadata"].to_string()),
                ..AccountUpdate::default()
            };
            accounts
                .update(user_of(&asked["user"]), update)
                .then((), tell)
        }
        "show" => accounts.get(users_of(&asked["users"])).then((), show),
        other => panic!("no such thing to do: {other}"),
    }
}

fn show(In((_, found)): In<((), DataResult<Vec<Account>>)>) -> RpcResult {
    let account = found?.pop().unwrap();
    let banned = account.disable_us.is_some();
    Ok(format!("banned: {banned}, {}", account.user.metadata))
}

fn server() -> Server {
    Server::start(|app| {
        app.add_later_rpc("accounts", accounts);
    })
}

/// What an attempt to log in, or to refresh a session, comes to.
async fn post(server: &Server, path: &str, body: Value) -> (u16, Value) {
    let key = "Authorization: Basic ZGVmYXVsdGtleTo=\r\n";
    let path = format!("/v2/account/{path}");
    let body = body.to_string();
    let answer = server.try_http("POST", &path, key, &body).await;
    answer.unwrap()
}

async fn log_in(server: &Server, name: &str) -> (u16, Value) {
    let body = json!({ "id": format!("device-of-{name}") });
    post(server, "authenticate/device?create=false", body).await
}

#[tokio::test]
async fn a_ban_ends_connections_tokens_and_logins_until_it_is_lifted() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let mut bob = User::new(&server, "bob").await;
    let (_, tokens) = log_in(&server, "bob").await;
    let ban = json!({ "do": "ban", "users": [bob.id] });
    assert_eq!(alice.call("accounts", ban).await, "()");

    let told = bob.told().await;
    assert_eq!(
        (&told["code"], &told["subject"]),
        (&json!(-8), &json!("banned"))
    );
    let ended = bob.socket.ended().await;
    assert_eq!(
        (ended.code, &*ended.reason),
        (Some(1000), "server-side session disconnect")
    );
    let refused = bob.http(&server, "GET", "account").await;
    assert_eq!(refused["code"], 16, "{refused}");
    assert!(server.try_connect_with(&bob.token).await.is_none());
    let refresh = json!({ "token": tokens["refresh_token"] });
    let refused = post(&server, "session/refresh", refresh.clone()).await;
    assert_eq!(refused.0, 401, "{refused:?}");
    let refused = log_in(&server, "bob").await;
    let text = json!("User account banned.");
    assert_eq!((refused.0, &refused.1["message"]), (403, &text));
    let show = json!({ "do": "show", "users": [bob.id] });
    assert_eq!(
        alice.call("accounts", show.clone()).await,
        "banned: true, {}"
    );

    let unban = json!({ "do": "unban", "users": [bob.id] });
    assert_eq!(alice.call("accounts", unban).await, "()");
    assert_eq!(alice.call("accounts", show).await, "banned: false, {}");
    assert_eq!(log_in(&server, "bob").await.0, 200);
    let refused = post(&server, "session/refresh", refresh).await;
    assert_eq!(refused.0, 401, "tokens from before stay dead");
}

#[tokio::test]
async fn a_deleted_account_has_no_token_and_no_connection() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let mut bob = User::new(&server, "bob").await;
    let delete = json!({ "do": "delete", "user": bob.id });
    assert_eq!(alice.call("accounts", delete).await, "()");
    assert_eq!(bob.socket.ended().await.code, Some(1000));
    let refused = bob.http(&server, "GET", "account").await;
    assert_eq!(refused["code"], 16, "{refused}");
    assert_eq!(log_in(&server, "bob").await.0, 404);
}

#[tokio::test]
async fn the_chat_of_a_group_that_goes_with_an_account_is_closed() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let bob = User::new(&server, "bob").await;
    let header = format!("Authorization: Bearer {}\r\n", bob.token);
    let group = r#"{ "name": "knights", "open": true }"#;
    let group = server.http("POST", "/v2/group", &header, group).await;
    let group = group["id"].as_str().unwrap();
    alice
        .http(&server, "POST", &format!("group/{group}/join"))
        .await;
    let channel = alice.enter(3, group).await["channel"]["id"].clone();
    assert!(alice.says(&channel).await);
    let delete = json!({ "do": "delete", "user": bob.id });
    assert_eq!(alice.call("accounts", delete).await, "()");
    assert!(!alice.says(&channel).await, "the group is no more");
}

#[tokio::test]
async fn game_code_notes_what_others_see_of_a_user() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let note = |metadata: Value| json!({ "do": "note", "user": alice.id, "metadata": metadata });
    let (plain, long) = (
        note(json!({ "rank": 3 })),
        note(json!({ "a": "x".repeat(17_000) })),
    );
    let stranger = json!({
        "do": "note",
        "user": uuid::Uuid::from_u128(404).to_string(),
        "metadata": {},
    });
    assert_eq!(alice.call("accounts", plain).await, "()");
    let account = alice.http(&server, "GET", "account").await;
    assert_eq!(account["user"]["metadata"], r#"{"rank":3}"#);
    assert_eq!(alice.call("accounts", stranger).await, "not found");
    let header = format!("Authorization: Bearer {}\r\n", alice.token);
    let body = Value::String(long.to_string()).to_string();
    let refused = server
        .http("POST", "/v2/rpc/accounts", &header, &body)
        .await;
    assert_eq!(refused["message"], "metadata does not fit", "{refused}");
}
