//! The rules of the JSON mapping, one table each.

use tiltyard_proto::{
    api, encode_protobuf,
    json::{self, JsonErrorKind},
    realtime::Envelope,
    timestamp,
};

fn read(json: &str) -> Result<Envelope, JsonErrorKind> {
    json::from_slice(json.as_bytes()).map_err(|error| error.kind().clone())
}

/// The envelope that `json` is, written again.
fn normal(json: &str) -> String {
    match read(json) {
        Ok(envelope) => json::to_string(&envelope),
        Err(error) => panic!("{json}: {error}"),
    }
}

fn all_are_refused(texts: &[&str]) {
    for json in texts {
        assert!(read(json).is_err(), "{json}");
    }
}

fn all_mean(texts: &[&str], meaning: &str) {
    for json in texts {
        assert_eq!(normal(json), meaning, "{json}");
    }
}

#[test]
fn names_are_read_in_both_spellings() {
    all_mean(
        &[
            r#"{"status_follow":{"user_ids":["a"]}}"#,
            r#"{"statusFollow":{"userIds":["a"]}}"#,
            r#"{"statusFollow":{"user_ids":["a"]}}"#,
            r#"{"status\u005ffollow":{"user_ids":["a"]}}"#,
        ],
        r#"{"status_follow":{"user_ids":["a"]}}"#,
    );
    all_are_refused(&[
        r#"{"StatusFollow":{"user_ids":["a"]}}"#,
        r#"{"status_Follow":{"user_ids":["a"]}}"#,
        r#"{"statusfollow":{"user_ids":["a"]}}"#,
    ]);
}

#[test]
fn an_unknown_field_is_refused_at_any_depth() {
    for (json, name) in [
        (r#"{"nonsense":1}"#, "nonsense"),
        (r#"{"nonsense":null}"#, "nonsense"),
        (r#"{"ping":{"":{}}}"#, ""),
        (
            r#"{"match_data_send":{"presences":[{"hidden":true}]}}"#,
            "hidden",
        ),
    ] {
        assert_eq!(
            read(json),
            Err(JsonErrorKind::UnknownField(name.to_owned()))
        );
    }
}

#[test]
fn a_field_given_twice_is_refused() {
    for (json, name) in [
        (r#"{"cid":"1","cid":"1"}"#, "cid"),
        (r#"{"cid":null,"cid":"1"}"#, "cid"),
        (r#"{"ping":{},"ping":{}}"#, "ping"),
        (
            r#"{"match_leave":{"match_id":"a","matchId":"a"}}"#,
            "matchId",
        ),
        (r#"{"match_join":{"metadata":{"k":"1","k":"2"}}}"#, "k"),
        (r#"{"match_join":{"metadata":{"k":"1","\u006b":"2"}}}"#, "k"),
    ] {
        assert_eq!(
            read(json),
            Err(JsonErrorKind::DuplicateField(name.to_owned())),
            "{json}"
        );
    }
}

#[test]
fn two_members_of_a_choice_are_refused() {
    for (json, name) in [
        (r#"{"ping":{},"pong":{}}"#, "pong"),
        (r#"{"match_join":{"match_id":"a","token":"b"}}"#, "token"),
        (r#"{"match_join":{"token":"","match_id":""}}"#, "match_id"),
    ] {
        assert_eq!(read(json), Err(JsonErrorKind::ChoiceTaken(name.to_owned())));
    }
}

#[test]
fn null_is_absent() {
    all_mean(
        &[
            r#"{}"#,
            r#"{"cid":null}"#,
            r#"{"ping":null}"#,
            r#"{"ping":null,"pong":null}"#,
        ],
        "{}",
    );
    all_mean(&[r#"{"ping":null,"pong":{}}"#], r#"{"pong":{}}"#);
    all_mean(
        &[
            r#"{"match_join":{"match_id":null,"token":"t","metadata":null}}"#,
            r#"{"match_join":{"token":"t"}}"#,
        ],
        r#"{"match_join":{"token":"t"}}"#,
    );
    all_mean(
        &[r#"{"channel_join":{"target":null,"type":null,"persistence":null,"hidden":null}}"#],
        r#"{"channel_join":{}}"#,
    );
    all_are_refused(&[
        r#"{"status_follow":{"user_ids":[null]}}"#,
        r#"{"match_join":{"metadata":{"k":null}}}"#,
        r#"{"match_data_send":{"presences":[null]}}"#,
        r#"{"cid":nul}"#,
        r#"{"cid":nulll}"#,
    ]);
}

#[test]
fn an_integer_is_a_whole_number_or_a_string_of_one() {
    for (value, op_code) in [
        ("7", "7"),
        ("\"7\"", "7"),
        ("7.0", "7"),
        ("\"7.0\"", "7"),
        ("1e3", "1000"),
        ("\"1E+3\"", "1000"),
        ("15e-1e", ""),
        ("150e-1", "15"),
        ("1.5", ""),
        ("\"1.5\"", ""),
        ("-5", "-5"),
        ("9007199254740993", "9007199254740993"),
        ("9007199254740993.0", "9007199254740993"),
        ("9223372036854775807", "9223372036854775807"),
        ("\"-9223372036854775808\"", "-9223372036854775808"),
        ("9223372036854775808", ""),
        ("\"9223372036854775808\"", ""),
        ("1e19", ""),
        ("1e999999999999", ""),
        ("01", ""),
        ("\"01\"", ""),
        ("+1", ""),
        ("\"+1\"", ""),
        ("\" 1\"", ""),
        ("\"1 \"", ""),
        ("\"\"", ""),
        ("\"0x10\"", ""),
        ("true", ""),
        ("[1]", ""),
        ("{\"value\":1}", ""),
    ] {
        let json = format!(r#"{{"party_data_send":{{"op_code":{value}}}}}"#);
        if op_code.is_empty() {
            assert!(read(&json).is_err(), "{json}");
        } else {
            let meaning = format!(r#"{{"party_data_send":{{"op_code":"{op_code}"}}}}"#);
            all_mean(&[&json], &meaning);
        }
    }
}

#[test]
fn a_32_bit_integer_has_its_range() {
    all_mean(
        &[
            r#"{"channel_join":{"type":2}}"#,
            r#"{"channel_join":{"type":"2"}}"#,
            r#"{"channel_join":{"type":0.2e1}}"#,
        ],
        r#"{"channel_join":{"type":2}}"#,
    );
    all_mean(
        &[r#"{"channel_join":{"type":-2147483648}}"#],
        r#"{"channel_join":{"type":-2147483648}}"#,
    );
    all_are_refused(&[
        r#"{"channel_join":{"type":2147483648}}"#,
        r#"{"channel_join":{"type":"-2147483649"}}"#,
        r#"{"channel_join":{"type":"ROOM"}}"#,
    ]);
}

#[test]
fn a_double_is_a_number_or_a_string_of_one() {
    for (value, written) in [
        ("1", "1"),
        ("1.50", "1.5"),
        ("\"1.5\"", "1.5"),
        ("1e-7", "1e-7"),
        ("0", "0"),
        ("0.1", "0.1"),
        ("123456789012345678", "123456789012345680"),
        ("\"NaN\"", "\"NaN\""),
        ("\"Infinity\"", "\"Infinity\""),
        ("\"-Infinity\"", "\"-Infinity\""),
        ("NaN", ""),
        ("\"nan\"", ""),
        ("\"inf\"", ""),
        ("\"\"", ""),
        ("\" 1\"", ""),
        ("1e400", ""),
        ("null", ""),
        ("true", ""),
    ] {
        let json = format!(r#"{{"matchmaker_add":{{"numericProperties":{{"a":{value}}}}}}}"#);
        if written.is_empty() {
            assert!(read(&json).is_err(), "{json}");
        } else {
            let meaning =
                format!(r#"{{"matchmaker_add":{{"numeric_properties":{{"a":{written}}}}}}}"#);
            all_mean(&[&json], &meaning);
        }
    }
}

#[test]
fn a_bool_is_true_or_false() {
    all_mean(
        &[r#"{"party_create":{"open":false}}"#],
        r#"{"party_create":{}}"#,
    );
    all_are_refused(&[
        r#"{"party_create":{"open":"true"}}"#,
        r#"{"party_create":{"open":1}}"#,
        r#"{"party_create":{"open":TRUE}}"#,
        r#"{"party_create":{"open":truefalse}}"#,
    ]);
}

#[test]
fn a_string_is_a_string() {
    all_are_refused(&[
        r#"{"cid":7}"#,
        r#"{"cid":true}"#,
        r#"{"cid":["7"]}"#,
        r#"{"cid":'7'}"#,
        r#"{"cid":"7}"#,
        "{\"cid\":\"\n\"}",
        "{\"cid\":\"\0\"}",
        r#"{"cid":"\x41"}"#,
        r#"{"cid":"\u12"}"#,
        r#"{"cid":"\u+123"}"#,
    ]);
    all_mean(
        &[r#"{"cid":"\"\\\/\b\f\n\r\t\u0001\u00e9\ud83d\ude00<>&"}"#],
        "{\"cid\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001é😀<>&\"}",
    );
}

#[test]
fn a_lone_surrogate_is_refused() {
    all_are_refused(&[
        r#"{"cid":"\ud83d"}"#,
        r#"{"cid":"\ude00"}"#,
        r#"{"cid":"\ud83dx"}"#,
        r#"{"cid":"\ud83d\n"}"#,
        r#"{"cid":"\ud83d\ud83d"}"#,
        r#"{"cid":"\ude00\ud83d"}"#,
        r#"{"cid":"\ud83d\u0041"}"#,
    ]);
}

#[test]
fn bytes_are_base64_in_either_alphabet() {
    for (value, written) in [
        ("//4A", "//4A"),
        ("__4A", "//4A"),
        ("+/8=", "+/8="),
        ("-_8=", "+/8="),
        ("-_8", "+/8="),
        ("aGk", "aGk="),
        ("aA", "aA=="),
        ("aB", "aA=="),
        ("", ""),
    ] {
        let json = format!(r#"{{"party_data_send":{{"party_id":"p","data":"{value}"}}}}"#);
        let meaning = match written {
            "" => r#"{"party_data_send":{"party_id":"p"}}"#.to_owned(),
            _ => format!(r#"{{"party_data_send":{{"party_id":"p","data":"{written}"}}}}"#),
        };
        all_mean(&[&json], &meaning);
    }
    for value in [
        "\"+_8=\"",
        "\"a\"",
        "\"aA=\"",
        "\"aA===\"",
        "\"=\"",
        "\"aG k\"",
        "\"aGk=\\n\"",
        "\"a!==\"",
        "\"é\"",
        "7",
        "[1,2]",
        "{}",
    ] {
        all_are_refused(&[&format!(r#"{{"party_data_send":{{"data":{value}}}}}"#)]);
    }
}

#[test]
fn a_wrapper_is_its_bare_value() {
    all_mean(
        &[r#"{"channel_join":{"persistence":false,"hidden":true}}"#],
        r#"{"channel_join":{"persistence":false,"hidden":true}}"#,
    );
    all_mean(
        &[
            r#"{"matchmaker_add":{"countMultiple":0}}"#,
            r#"{"matchmaker_add":{"countMultiple":"0"}}"#,
        ],
        r#"{"matchmaker_add":{"count_multiple":0}}"#,
    );
    all_are_refused(&[
        r#"{"status_update":{"status":{"value":"x"}}}"#,
        r#"{"status_update":{"status":{}}}"#,
        r#"{"channel_join":{"hidden":"true"}}"#,
    ]);
}

#[test]
fn a_list_is_an_array_and_a_map_an_object() {
    all_mean(
        &[r#"{"status_follow":{"user_ids":[]}}"#],
        r#"{"status_follow":{}}"#,
    );
    all_mean(
        &[r#"{"match_join":{"metadata":{}}}"#],
        r#"{"match_join":{}}"#,
    );
    all_mean(
        &[r#"{"match_join":{"metadata":{"b":"","a":"1"}}}"#],
        r#"{"match_join":{"metadata":{"a":"1","b":""}}}"#,
    );
    all_are_refused(&[
        r#"{"status_follow":{"user_ids":{}}}"#,
        r#"{"status_follow":{"user_ids":"a"}}"#,
        r#"{"status_follow":{"user_ids":["a",]}}"#,
        r#"{"status_follow":{"user_ids":["a" "b"]}}"#,
        r#"{"status_follow":{"user_ids":["a"}}"#,
        r#"{"match_join":{"metadata":[]}}"#,
        r#"{"match_join":{"metadata":{"a":1}}}"#,
        r#"{"match_join":{"metadata":{1:"a"}}}"#,
        r#"{"match_join":[]}"#,
        r#"{"match_join":"x"}"#,
    ]);
}

#[test]
fn a_time_is_text_of_rfc_3339() {
    all_mean(
        &[r#"{"channel_message":{"create_time":"2024-06-01T13:30:00.5000+01:30"}}"#],
        r#"{"channel_message":{"create_time":"2024-06-01T12:00:00.500Z"}}"#,
    );
    all_are_refused(&[
        r#"{"channel_message":{"create_time":1700000000}}"#,
        r#"{"channel_message":{"create_time":"yesterday"}}"#,
        r#"{"channel_message":{"create_time":{"seconds":1}}}"#,
    ]);
}

#[test]
fn the_top_level_is_one_object() {
    all_mean(&[" \t\r\n{ } \n"], "{}");
    all_are_refused(&[
        "",
        " ",
        "[]",
        "null",
        "7",
        "\"\"",
        "{",
        "}",
        "{}{}",
        "{} x",
        "{}\0",
        "{,}",
        "{\"cid\"}",
        "{\"cid\":}",
        "{\"cid\":\"\",}",
        "{cid:\"\"}",
        "\u{feff}{}",
        "{}\u{a0}",
        "{/**/}",
    ]);
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    for json in [b"{\"cid\":\"\xff\"}".as_slice(), b"{}\xff", b"\xff{}"] {
        let error = json::from_slice::<Envelope>(json).unwrap_err();
        assert_eq!(*error.kind(), JsonErrorKind::InvalidUtf8);
    }
}

#[test]
fn depth_is_limited_and_not_by_the_stack() {
    let nested = |depth: usize| {
        let text = format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        json::from_slice_lenient::<api::User>(text.as_bytes())
    };
    assert!(nested(127).is_ok());
    assert_eq!(*nested(100_000).unwrap_err().kind(), JsonErrorKind::TooDeep);
    let brackets = "[".repeat(100_000);
    let objects = r#"{"a":"#.repeat(100_000);
    all_are_refused(&[&brackets, &objects]);
    assert!(json::from_slice_lenient::<api::User>(brackets.as_bytes()).is_err());
    assert!(json::from_slice_lenient::<api::User>(objects.as_bytes()).is_err());
}

#[test]
fn cid_comes_first_and_fields_in_their_order() {
    all_mean(
        &[r#"{"rpc":{"payload":"{}","id":"f"},"cid":"1"}"#],
        r#"{"cid":"1","rpc":{"id":"f","payload":"{}"}}"#,
    );
}

#[test]
fn the_empty_envelope_is_an_empty_object_and_no_bytes() {
    assert_eq!(json::to_string(&Envelope::default()), "{}");
    assert_eq!(encode_protobuf(&read("{}").unwrap()), b"");
}

#[test]
fn api_bodies_may_have_unknown_fields_and_more_after_them() {
    let group = api::CreateGroupRequest {
        name: "a".to_owned(),
        open: true,
        ..api::CreateGroupRequest::default()
    };
    for json in [
        r#"{"name":"a","open":true}"#,
        r#"{"name":"a","x":{"y":[1,-2.5e3,"\u0041",null,true,false,{}]},"open":true}"#,
        r#"{"name":"a","open":true} trailing"#,
        r#"{"name":"a","open":true}{"name":"b"}"#,
    ] {
        assert_eq!(
            json::from_slice_lenient(json.as_bytes()),
            Ok(group.clone()),
            "{json}"
        );
    }
    let value = serde_json::json!({ "name": "a", "open": true, "x": [1.5, {}] });
    assert_eq!(json::from_value_lenient(&value), Ok(group));
}

#[test]
fn an_empty_api_body_is_the_empty_message() {
    for json in ["", " \n", "{}"] {
        assert_eq!(
            json::from_slice_lenient(json.as_bytes()),
            Ok(api::AccountDevice::default())
        );
    }
}

#[test]
fn errors_of_api_bodies_say_where_and_what() {
    for (json, message) in [
        ("", None),
        ("{", Some("unexpected EOF")),
        (
            "[]",
            Some("proto: syntax error (line 1:1): unexpected token ["),
        ),
        (
            "null",
            Some("proto: syntax error (line 1:1): unexpected token null"),
        ),
        (
            r#"{"id":12345678901}"#,
            Some("proto: (line 1:7): invalid value for string field id: 12345678901"),
        ),
        (
            "{\n \"id\": [1]}",
            Some("proto: (line 2:8): invalid value for string field id: [1"),
        ),
        (
            r#"{"vars":[]}"#,
            Some("proto: (line 1:9): invalid value for map field vars: ["),
        ),
        (
            r#"{"id":"x","id":"y"}"#,
            Some("proto: (line 1:16): duplicate field \"id\""),
        ),
        (
            r#"{"x":tru}"#,
            Some("proto: syntax error (line 1:6): unexpected token tru"),
        ),
    ] {
        let read = json::from_slice_lenient::<api::AccountDevice>(json.as_bytes());
        let said = read.err().map(|error| error.to_string());
        assert_eq!(said.as_deref(), message, "{json}");
    }
}

#[test]
fn api_objects_leave_defaults_out_and_keep_set_wrappers() {
    let friend = api::Friend {
        user: Some(api::User {
            id: "u1".to_owned(),
            metadata: r#"{"a":1}"#.to_owned(),
            create_time: Some(timestamp(1_700_000_000, 0)),
            ..api::User::default()
        }),
        state: Some(0),
        ..api::Friend::default()
    };
    assert_eq!(
        json::to_string(&friend),
        r#"{"user":{"id":"u1","metadata":"{\"a\":1}","create_time":"2023-11-14T22:13:20Z"},"state":0}"#
    );
    let strangers = api::FriendsOfFriendsList {
        friends_of_friends: vec![api::friends_of_friends_list::FriendOfFriend {
            referrer: "u2".to_owned(),
            user: friend.user,
        }],
        cursor: "c".to_owned(),
    };
    assert_eq!(
        json::to_string(&strangers),
        concat!(
            r#"{"friends_of_friends":[{"referrer":"u2","user":"#,
            r#"{"id":"u1","metadata":"{\"a\":1}","create_time":"2023-11-14T22:13:20Z"}}],"cursor":"c"}"#
        )
    );
}

#[test]
fn an_absent_wrapper_differs_from_an_empty_one() {
    let read = |json: &str| json::from_slice_lenient::<api::UpdateAccountRequest>(json.as_bytes());
    let name = |json: &str| read(json).unwrap().display_name;
    assert_eq!(name(r#"{"displayName":""}"#), Some(String::new()));
    assert_eq!(name(r#"{"displayName":null}"#), None);
    assert_eq!(name("{}"), None);
}
