//! Friends over HTTP, and what sockets see of them.

use serde_json::{Value, json};
use tiltyard_tests::server::{Server, Socket};

struct Player<'a> {
    server: &'a Server,
    token: String,
    socket: Socket,
}

impl<'a> Player<'a> {
    async fn new(server: &'a Server, name: &str) -> Self {
        let token = server.login(name).await;
        let socket = server.connect_with(&token).await;
        Self {
            server,
            token,
            socket,
        }
    }

    async fn http(&self, method: &str, path: &str) -> Value {
        let header = format!("Authorization: Bearer {}\r\n", self.token);
        self.server.http(method, path, &header, "").await
    }

    async fn id(&self) -> String {
        let account = self.http("GET", "/v2/account").await;
        account["user"]["id"].as_str().unwrap().to_owned()
    }

    /// Opens a direct channel.
    async fn open(&mut self, other: &str) -> Value {
        let join = json!({"type": 2, "target": other, "persistence": true, "hidden": false});
        self.socket.ask("channel_join", join).await
    }

    async fn told(&mut self) -> Value {
        let mut told = self.socket.next_event("notifications").await;
        told["notifications"][0].take()
    }
}

#[tokio::test]
async fn invitations_reach_the_socket_and_are_kept() {
    let server = Server::start(|_| {});
    let mut alice = Player::new(&server, "alice").await;
    let mut bob = Player::new(&server, "bob").await;
    assert_eq!(
        alice.http("POST", "/v2/friend?usernames=bob").await,
        json!({})
    );
    let live = bob.told().await;
    assert_eq!(live["code"], -2);
    assert_eq!(live["subject"], "alice wants to add you as a friend");
    assert_eq!(live["sender_id"], json!(alice.id().await));
    let kept = bob.http("GET", "/v2/notification?limit=10").await;
    let kept = kept["notifications"].as_array().unwrap();
    assert_eq!((kept.len(), &kept[0]["id"]), (1, &live["id"]));
    assert_eq!(
        bob.http("POST", "/v2/friend?usernames=alice").await,
        json!({})
    );
    assert_eq!(alice.told().await["code"], -3);
    assert_eq!(
        alice.http("DELETE", "/v2/friend?usernames=bob").await,
        json!({})
    );
    assert_eq!(bob.told().await["code"], -9);
}

#[tokio::test]
async fn a_block_ends_the_direct_chat_and_keeps_the_blocked_out() {
    let server = Server::start(|_| {});
    let mut alice = Player::new(&server, "alice").await;
    let mut bob = Player::new(&server, "bob").await;
    let (alice_id, bob_id) = (alice.id().await, bob.id().await);
    let opened = alice.open(&bob_id).await;
    let channel = opened["channel"]["id"].clone();
    assert_eq!(bob.open(&alice_id).await["channel"]["id"], channel);
    let say = json!({"channel_id": channel, "content": "{}"});
    let block = alice.http("POST", "/v2/friend/block?usernames=bob").await;
    assert_eq!(block, json!({}));
    for player in [&mut alice, &mut bob] {
        let refused = player.socket.ask("channel_message_send", say.clone()).await;
        let text = "Must join channel before sending messages";
        assert_eq!(refused["error"]["message"], text);
    }
    let refused = bob.open(&alice_id).await;
    let text = "User ID not found: Invalid channel target";
    assert_eq!(refused["error"]["message"], text);
    assert_eq!(
        alice.open(&bob_id).await["channel"]["id"],
        channel,
        "one way"
    );
    assert_eq!(
        alice.http("DELETE", "/v2/friend?usernames=bob").await,
        json!({})
    );
    assert_eq!(bob.open(&alice_id).await["channel"]["id"], channel);
}
