//! Game code and the database, with all that is between them.

mod accounts;
mod friends;
mod groups;
mod objects;

use std::fmt::Debug;

use serde_json::{Value, json};
use tiltyard::{DataResult, parse_uuid, prelude::*};
use tiltyard_tests::server::{Server, Socket};

/// A user who is connected and may call.
struct User {
    token: String,
    id: String,
    socket: Socket,
}

impl User {
    async fn new(server: &Server, name: &str) -> Self {
        let token = server.login(name).await;
        let socket = server.connect_with(&token).await;
        let mut user = Self {
            token,
            id: String::new(),
            socket,
        };
        let account = user.http(server, "GET", "account").await;
        user.id = account["user"]["id"].as_str().unwrap().to_owned();
        user
    }

    async fn http(&self, server: &Server, method: &str, path: &str) -> Value {
        let header = format!("Authorization: Bearer {}\r\n", self.token);
        let path = format!("/v2/{path}");
        server.http(method, &path, &header, "").await
    }

    /// Has game code do something; what it is told, or why it was not done.
    async fn call(&mut self, function: &str, payload: Value) -> String {
        let call = json!({ "id": function, "payload": payload.to_string() });
        let answer = self.socket.ask("rpc", call).await;
        let told = &answer["rpc"]["payload"];
        let text = told
            .as_str()
            .or_else(|| answer["error"]["message"].as_str());
        text.unwrap_or_else(|| panic!("no answer: {answer}"))
            .to_owned()
    }

    async fn told(&mut self) -> Value {
        let mut told = self.socket.next_event("notifications").await;
        told["notifications"][0].take()
    }

    /// Enters a channel; the answer.
    async fn enter(&mut self, kind: i32, target: &str) -> Value {
        let join = json!({ "type": kind, "target": target });
        self.socket.ask("channel_join", join).await
    }

    /// Says something on a channel; whether it was heard.
    async fn says(&mut self, channel: &Value) -> bool {
        let say = json!({ "channel_id": channel, "content": "{}" });
        let said = self.socket.ask("channel_message_send", say).await;
        said["error"].is_null()
    }
}

/// What a function was called with.
fn read(call: &RpcCall) -> Value {
    serde_json::from_str(&call.payload).unwrap()
}

fn user_of(id: &Value) -> UserId {
    UserId(parse_uuid(id.as_str().unwrap()).unwrap())
}

fn users_of(ids: &Value) -> Vec<UserId> {
    ids.as_array().unwrap().iter().map(user_of).collect()
}

/// Passes on what game code is told.
fn tell<T: Debug>(In((_, outcome)): In<((), DataResult<T>)>) -> RpcResult {
    Ok(format!("{:?}", outcome?))
}
