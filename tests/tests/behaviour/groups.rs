//! Groups over HTTP and their chat over sockets, against a whole server.

use serde_json::{Value, json};
use tiltyard_tests::server::{Server, Socket};

/// A user who may call and is connected.
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
        let account = user.http(server, "GET", "account", "").await;
        user.id = account["user"]["id"].as_str().expect("an id").to_owned();
        user
    }

    async fn http(&self, server: &Server, method: &str, path: &str, body: &str) -> Value {
        let header = format!("Authorization: Bearer {}\r\n", self.token);
        let path = format!("/v2/{path}");
        server.http(method, &path, &header, body).await
    }

    async fn enter(&mut self, group: &str) -> Value {
        let join = json!({ "target": group, "type": 3 });
        self.socket.ask("channel_join", join).await
    }
}

#[tokio::test]
async fn members_chat_until_they_are_thrown_out() {
    let server = Server::start(|_| {});
    let mut alice = User::new(&server, "alice").await;
    let mut bob = User::new(&server, "bob").await;
    let group = alice
        .http(&server, "POST", "group", r#"{"name":"g"}"#)
        .await;
    let group = group["id"].as_str().expect("an id").to_owned();
    let channel = format!("3.{group}..");
    assert_eq!(alice.enter(&group).await["channel"]["id"], channel);
    let refused = bob.enter(&group).await;
    let text = "Group not found: Invalid channel target";
    assert_eq!(refused["error"], json!({ "code": 3, "message": text }));

    let asks = format!("group/{group}/join");
    assert_eq!(bob.http(&server, "POST", &asks, "").await, json!({}));
    let told = alice.socket.next_event("notifications").await;
    assert_eq!(told["notifications"][0]["code"], -5);
    assert_eq!(bob.enter(&group).await["error"]["code"], 3, "not yet");

    let adds = format!("group/{group}/add?user_ids={}", bob.id);
    assert_eq!(alice.http(&server, "POST", &adds, "").await, json!({}));
    let told = bob.socket.next_event("notifications").await;
    assert_eq!(told["notifications"][0]["code"], -4);
    let kept = bob.http(&server, "GET", "notification", "").await;
    assert_eq!(kept["notifications"][0]["code"], -4);
    let message = alice.socket.next_event("channel_message").await;
    let seen = (&message["code"], &message["username"], &message["group_id"]);
    assert_eq!(seen, (&json!(4), &json!("bob"), &json!(group)));
    assert_eq!(bob.enter(&group).await["channel"]["id"], channel);
    let say = json!({ "channel_id": channel, "content": "{}" });
    let said = bob.socket.ask("channel_message_send", say.clone()).await;
    assert_eq!(said["channel_message_ack"]["code"], 0);

    let kicks = format!("group/{group}/kick?user_ids={}", bob.id);
    assert_eq!(alice.http(&server, "POST", &kicks, "").await, json!({}));
    let message = bob.socket.next_event("channel_message").await;
    assert_eq!(message["code"], 6, "whoever is thrown out sees it");
    let said = bob.socket.ask("channel_message_send", say.clone()).await;
    let text = "Must join channel before sending messages";
    assert_eq!(said["error"]["message"], text);
    assert_eq!(bob.enter(&group).await["error"]["code"], 3);
    let history = format!("channel/{channel}?limit=9");
    let refused = bob.http(&server, "GET", &history, "").await;
    assert_eq!(refused["message"], "Group not found.");
    let page = alice.http(&server, "GET", &history, "").await;
    let messages = page["messages"].as_array().expect("messages");
    let codes = messages.iter().map(|message| message["code"].as_i64());
    let mut codes: Vec<_> = codes.collect();
    // What happens within one millisecond is in no order.
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(4), Some(6)]);

    let ends = format!("group/{group}");
    assert_eq!(alice.http(&server, "DELETE", &ends, "").await, json!({}));
    let said = alice.socket.ask("channel_message_send", say).await;
    assert_eq!(said["error"]["message"], text);
}
