//! What game code does to groups is what clients do to them, with nobody to hold it back.

use serde_json::{Value, json};
use tiltyard::{
    DataResult, Group, GroupFilter, GroupId, GroupMembership, GroupUpdate, GroupUser, Groups,
    NewGroup, Page, Paging, RpcAnswer, parse_uuid, prelude::*,
};
use tiltyard_tests::server::Server;

use super::{User, read, tell, user_of, users_of};

fn groups(In(call): In<RpcCall>, mut groups: Groups) -> RpcAnswer {
    let asked = read(&call);
    let text = |key: &str| asked[key].as_str().map(str::to_owned);
    let group = || GroupId(parse_uuid(asked["group"].as_str().unwrap()).unwrap());
    let user = || user_of(&asked["user"]);
    let users = || users_of(&asked["users"]);
    match asked["do"].as_str().unwrap() {
        "create" => {
            let mut new = NewGroup::new(text("name").unwrap(), user());
            new.metadata = asked["metadata"].to_string();
            groups.create(new).then((), show_one)
        }
        "update" => {
            let users_max = asked["users_max"].as_u64();
            let update = GroupUpdate {
                name: text("name"),
                metadata: text("metadata"),
                users_max: users_max.map(|users_max| users_max.try_into().unwrap()),
                ..GroupUpdate::default()
            };
            groups.update(group(), update).then((), tell)
        }
        "delete" => groups.delete(group()).then((), tell),
        "get" => groups.get([group()]).then((), show),
        "list" => {
            let filter = GroupFilter {
                name: text("name"),
                ..GroupFilter::default()
            };
            let paging = match text("cursor") {
                Some(cursor) => Paging::after(1, cursor),
                None => Paging::first(1),
            };
            groups.list(filter, paging).then((), show)
        }
        "users" => {
            let users = groups.users(group(), None, Paging::default());
            users.then((), show_users)
        }
        "of_user" => {
            let groups = groups.of_user(user(), None, Paging::default());
            groups.then((), show_memberships)
        }
        "join" => groups.join(group(), user()).then((), tell),
        "leave" => groups.leave(group(), user()).then((), tell),
        "add" => groups.add(group(), users()).then((), tell),
        "kick" => groups.kick(group(), users()).then((), tell),
        "ban" => groups.ban(group(), users()).then((), tell),
        "promote" => groups.promote(group(), users()).then((), tell),
        "demote" => groups.demote(group(), users()).then((), tell),
        other => panic!("no such thing to do: {other}"),
    }
}

fn show_one(In((_, group)): In<((), DataResult<Group>)>) -> RpcResult {
    Ok(group?.id.0.to_string())
}

fn show(In((_, page)): In<((), DataResult<Page<Group>>)>) -> RpcResult {
    let Page { items, cursor } = page?;
    let items = items.iter().map(|group| {
        let Group {
            name,
            metadata,
            user_count,
            users_max,
            ..
        } = group;
        format!("{name} {user_count}/{users_max} {metadata}")
    });
    let shown: Vec<_> = items.collect();
    Ok(json!({ "groups": shown, "cursor": cursor }).to_string())
}

fn show_users(In((_, page)): In<((), DataResult<Page<GroupUser>>)>) -> RpcResult {
    let page = page?;
    let items = page.items.iter();
    let shown = items.map(|user| format!("{}={:?}", user.user.username, user.state));
    Ok(shown.collect::<Vec<_>>().join(" "))
}

fn show_memberships(In((_, page)): In<((), DataResult<Page<GroupMembership>>)>) -> RpcResult {
    let page = page?;
    let items = page.items.iter();
    let shown = items.map(|group| format!("{}={:?}", group.group.name, group.state));
    Ok(shown.collect::<Vec<_>>().join(" "))
}

fn server() -> Server {
    Server::start(|app| {
        app.add_later_rpc("groups", groups);
    })
}

/// A closed group of somebody's, by its id.
async fn found(user: &mut User, name: &str) -> String {
    let create = json!({ "do": "create", "name": name, "user": user.id, "metadata": {} });
    user.call("groups", create).await
}

fn on(what: &str, group: &str, users: &[&User]) -> Value {
    let users: Vec<_> = users.iter().map(|user| &user.id).collect();
    json!({ "do": what, "group": group, "user": users.first(), "users": users })
}

#[tokio::test]
async fn members_hear_what_game_code_does_to_their_group() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let mut bob = User::new(&server, "bob").await;
    let group = found(&mut alice, "knights").await;
    let channel = alice.enter(3, &group).await["channel"]["id"].clone();
    assert!(channel.is_string());

    assert_eq!(bob.call("groups", on("join", &group, &[&bob])).await, "()");
    let told = alice.told().await;
    assert_eq!(told["subject"], "User bob wants to join your group");
    assert_eq!(bob.call("groups", on("add", &group, &[&bob])).await, "()");
    let told = bob.told().await;
    assert_eq!(told["subject"], "You've been added to group knights");
    let message = alice.socket.next_event("channel_message").await;
    assert_eq!(
        (&message["code"], &message["username"]),
        (&json!(4), &json!("bob"))
    );
    assert_eq!(bob.enter(3, &group).await["channel"]["id"], channel);
    assert!(bob.says(&channel).await);

    assert_eq!(
        bob.call("groups", on("promote", &group, &[&bob])).await,
        "()"
    );
    let shown = bob.call("groups", on("users", &group, &[])).await;
    assert_eq!(shown, "alice=Superadmin bob=Admin");
    assert_eq!(
        bob.call("groups", on("demote", &group, &[&bob])).await,
        "()"
    );
    let shown = bob.call("groups", on("of_user", &group, &[&bob])).await;
    assert_eq!(shown, "knights=Member");

    assert_eq!(bob.call("groups", on("kick", &group, &[&bob])).await, "()");
    assert!(!bob.says(&channel).await, "off the channel");
    bob.call("groups", on("add", &group, &[&bob])).await;
    assert_eq!(bob.enter(3, &group).await["channel"]["id"], channel);
    assert_eq!(bob.call("groups", on("leave", &group, &[&bob])).await, "()");
    assert!(!bob.says(&channel).await);
    bob.call("groups", on("add", &group, &[&bob])).await;
    assert_eq!(bob.call("groups", on("ban", &group, &[&bob])).await, "()");
    bob.call("groups", on("join", &group, &[&bob])).await;
    assert_eq!(bob.enter(3, &group).await["error"]["code"], 3);

    let mut codes = Vec::new();
    while codes.last() != Some(&json!(8)) {
        let message = alice.socket.next_event("channel_message").await;
        codes.push(message["code"].clone());
    }
    codes.retain(Value::is_number);
    assert_eq!(json!(codes), json!([0, 7, 9, 6, 4, 5, 4, 8]));
    assert_eq!(bob.call("groups", on("delete", &group, &[])).await, "()");
    assert!(!alice.says(&channel).await);
    let gone = bob.call("groups", on("delete", &group, &[])).await;
    assert_eq!(gone, "not found");
}

#[tokio::test]
async fn game_code_changes_groups_as_far_as_they_can_be() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let bob = User::new(&server, "bob").await;
    let create =
        json!({ "do": "create", "name": "squires", "user": alice.id, "metadata": {"a": 1} });
    let group = alice.call("groups", create.clone()).await;
    let taken = alice.call("groups", create).await;
    assert_eq!(taken, "conflict", "the name is in use");
    alice.call("groups", on("add", &group, &[&bob])).await;
    let update = json!({ "do": "update", "group": group, "name": "knights", "metadata": r#"{"a":2}"#, "users_max": 2 });
    assert_eq!(alice.call("groups", update).await, "()");
    let shown = alice.call("groups", on("get", &group, &[])).await;
    let expected = json!({ "groups": [r#"knights 2/2 {"a":2}"#], "cursor": null });
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), expected);
    let update = json!({ "do": "update", "group": group, "users_max": 1 });
    assert_eq!(alice.call("groups", update).await, "conflict");
    let carol = User::new(&server, "carol").await;
    let full = alice.call("groups", on("join", &group, &[&carol])).await;
    assert_eq!(full, "conflict");
    let last = alice.call("groups", on("leave", &group, &[&alice])).await;
    assert_eq!(last, "permission denied", "somebody has to decide");
    alice.call("groups", on("kick", &group, &[&alice])).await;
    alice.call("groups", on("demote", &group, &[&alice])).await;
    let shown = alice.call("groups", on("users", &group, &[])).await;
    assert_eq!(shown, "alice=Superadmin bob=Member");
    let unknown = uuid::Uuid::from_u128(404).to_string();
    for what in ["delete", "join", "add"] {
        let gone = alice.call("groups", on(what, &unknown, &[&bob])).await;
        assert_eq!(gone, "not found", "{what}");
    }
}

#[tokio::test]
async fn the_server_has_groups_of_its_own() {
    let server = server();
    let mut alice = User::new(&server, "alice").await;
    let create = json!({
        "do": "create",
        "name": "heralds",
        "user": uuid::Uuid::nil().to_string(),
        "metadata": {},
    });
    let group = alice.call("groups", create).await;
    alice.call("groups", on("join", &group, &[&alice])).await;
    alice.call("groups", on("add", &group, &[&alice])).await;
    assert_eq!(alice.told().await["code"], -4);
    let shown = alice.call("groups", on("users", &group, &[])).await;
    assert_eq!(shown, "=Superadmin alice=Member");
    assert_eq!(
        alice.call("groups", on("leave", &group, &[&alice])).await,
        "()"
    );
    found(&mut alice, "knights").await;
    found(&mut alice, "squires").await;
    let list = json!({ "do": "list" });
    let mut page: Value = serde_json::from_str(&alice.call("groups", list).await).unwrap();
    let mut names = vec![page["groups"][0].clone()];
    while page["cursor"].is_string() {
        let list = json!({ "do": "list", "cursor": page["cursor"] });
        page = serde_json::from_str(&alice.call("groups", list).await).unwrap();
        names.push(page["groups"][0].clone());
    }
    let expected = ["heralds 1/100 {}", "knights 1/100 {}", "squires 1/100 {}"];
    assert_eq!(names, expected);
    let list = json!({ "do": "list", "name": "KN%" });
    let shown = alice.call("groups", list).await;
    assert_eq!(shown, r#"{"cursor":null,"groups":["knights 1/100 {}"]}"#);
}
