use std::ffi::OsString;
use std::path::PathBuf;

use super::*;

fn os(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn load_all(
    args: &[&str],
    env: &[(&str, &str)],
    defaults: &Defaults,
) -> Result<Config, ConfigError> {
    let env = env.iter().map(|(name, value)| (name.into(), value.into()));
    match load(os(args), env, defaults)? {
        Command::Run(config) => Ok(*config),
        other => panic!("expected to run, got {other:?}"),
    }
}

fn run(args: &[&str]) -> Config {
    load_all(args, &[], &Defaults::new()).unwrap()
}

/// The one sentence that the operator reads.
fn refused(args: &[&str]) -> String {
    let text = load_all(args, &[], &Defaults::new())
        .unwrap_err()
        .to_string();
    assert!(!text.contains('\n'), "one line: {text}");
    text
}

fn file(dir: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn defaults_are_those_of_the_table() {
    let config = run(&[]);
    assert_eq!(config.name, "tiltyard");
    assert_eq!(config.socket.port, 7350);
    assert!(config.socket.address.is_loopback());
    assert_eq!(config.socket.max_message_size_bytes, 4096);
    assert_eq!(config.session.token_expiry_sec, 60);
    assert_eq!(config.matches.input_queue_size, 128);
    assert_eq!(config.engine.pass_rate_hz, 240);
    assert_eq!(config.net.threads, 0);
    assert!(config.runtime.http_key.is_none());
    assert_eq!(config.settings()["socket.port"].origin, Origin::Default);
    assert_eq!(config.settings()["runtime.http_key"].value, "(generated)");
}

#[test]
fn a_stronger_layer_wins_and_the_origin_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let first = file(
        &dir,
        "a.yml",
        "socket:\n  port: 1001\n  proxy_count: 2\nname: a\n",
    );
    let second = file(&dir, "b.yml", "name: b\nsocket: {ping_period_ms: 9}\n");
    let env = [
        ("TILTYARD_SOCKET_PROXY_COUNT", "3"),
        ("TILTYARD_DATA_DIR", "env"),
    ];
    let args = [
        "--config",
        first.to_str().unwrap(),
        "--config",
        second.to_str().unwrap(),
        "--data_dir=flag",
    ];
    let defaults = Defaults::new()
        .with_default("name", "application")
        .with_default("session.token_expiry_sec", "61");
    let config = load_all(&args, &env, &defaults).unwrap();

    assert_eq!(config.session.token_expiry_sec, 61);
    assert_eq!(config.socket.port, 1001);
    assert_eq!(config.name, "b", "the later file wins");
    assert_eq!(
        config.socket.proxy_count, 3,
        "the environment overrides files"
    );
    assert_eq!(
        config.data_dir,
        PathBuf::from("flag"),
        "a flag overrides all"
    );
    let origin = |key: &str| config.settings()[key].origin.clone();
    assert_eq!(origin("session.token_expiry_sec"), Origin::Application);
    assert_eq!(
        origin("socket.port"),
        Origin::File {
            path: first,
            line: 2
        }
    );
    assert_eq!(
        origin("socket.proxy_count"),
        Origin::Environment("TILTYARD_SOCKET_PROXY_COUNT".to_owned())
    );
    assert_eq!(origin("data_dir"), Origin::Flag);
}

#[test]
fn flags_take_every_usual_form() {
    assert_eq!(run(&["--socket.port", "1"]).socket.port, 1);
    assert_eq!(run(&["--socket.port=2"]).socket.port, 2);
    assert_eq!(run(&["--socket.port", "0"]).socket.port, 0, "any free one");
    assert_eq!(run(&["-socket.port", "3"]).socket.port, 3);
    assert_eq!(
        run(&["--socket.port=2", "--socket.port=4"]).socket.port,
        4,
        "the last one counts"
    );
}

#[test]
fn a_switch_is_bare_or_has_its_value_in_either_form() {
    let on = |args: &[&str]| run(args).session.single_socket;
    assert!(on(&["--session.single_socket"]));
    assert!(on(&["--session.single_socket=true"]));
    assert!(on(&["--session.single_socket", "true"]));
    assert!(!on(&["--session.single_socket", "false"]));
    let config = run(&["--session.single_socket", "true", "--socket.port", "9"]);
    assert!(config.session.single_socket);
    assert_eq!(config.socket.port, 9, "later flags are not lost");
    let text = refused(&["--session.single_socket", "maybe"]);
    let expected = "session.single_socket (command line) cannot be `maybe`; give true or false";
    assert_eq!(text, expected);
}

#[test]
fn lists_add_up_over_all_layers() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "a.yml", "runtime:\n  env:\n    - A=1\n    - B=2\n");
    let args = [
        "--config",
        path.to_str().unwrap(),
        "--runtime.env",
        "B=4",
        "--runtime.env=D=5=6",
    ];
    let env = [("TILTYARD_RUNTIME_ENV", "B=3\nC=3")];
    let config = load_all(&args, &env, &Defaults::new()).unwrap();
    let flat: Vec<_> = config
        .runtime
        .env
        .iter()
        .map(|entry| format!("{}:{}", entry.key, entry.value))
        .collect();
    assert_eq!(flat, ["A:1", "C:3", "B:4", "D:5=6"]);
}

#[test]
fn mistakes_are_refused_with_one_sentence_that_says_what_to_do() {
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["--socket.prot", "1"],
            &["--socket.prot", "nearest is socket.port"],
        ),
        (&["--port", "1"], &["nearest is socket.port"]),
        (&["--nonsense"], &["--help lists"]),
        (
            &["--console.port", "1"],
            &["this version does not", "remove it"],
        ),
        (
            &["--socket.port", "high"],
            &["socket.port", "`high`", "whole number"],
        ),
        (&["--socket.max_sessions=0"], &["`0`", "1 or more"]),
        (&["--socket.port", "65536"], &["65535"]),
        (
            &["--socket.port"],
            &["needs a value", "--socket.port=VALUE"],
        ),
        (
            &["--socket.server_key", "--name", "x"],
            &["--socket.server_key=VALUE"],
        ),
        (&["--engine.pass_rate_hz=59"], &["from 60 to 1000"]),
        (&["--engine.pass_rate_hz=1001"], &["from 60 to 1000"]),
        (
            &["--session.token_expiry_sec=0"],
            &["session.token_expiry_sec"],
        ),
        (
            &["--socket.address", "example.com"],
            &["IP address", "0.0.0.0"],
        ),
        (&["--logger.level", "loud"], &["debug, info, warn, error"]),
        (&["--name", ""], &["1 to 16"]),
        (&["--name", "much-too-long-a-name"], &["1 to 16"]),
        (&["--runtime.env", "A"], &["NAME=VALUE"]),
        (&["--socket.response_headers", "a b=c"], &["header"]),
        (
            &["--socket.ping_period_ms", "25000"],
            &["less than socket.pong_wait_ms"],
        ),
        (
            &["--session.single_match"],
            &["session.single_match", "needs session.single_socket"],
        ),
        (
            &["--session.single_party"],
            &["needs session.single_socket"],
        ),
        (&["serve"], &["`serve`", "--help"]),
        (&["healthcheck", "x"], &["healthcheck PORT"]),
        (&["--config", "no/such/file.yml"], &["no/such/file.yml"]),
        (&["--config"], &["--config=VALUE"]),
    ];
    for (args, parts) in cases {
        let text = refused(args);
        for part in *parts {
            assert!(text.contains(part), "{args:?} said: {text}");
        }
    }
}

#[test]
fn a_mistake_in_a_file_names_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    for (text, part) in [
        ("socket:\n  prot: 1\n", "nearest is socket.port"),
        ("socket:\n  port: x\n", "`x`"),
        ("socket:\n  port: [1]\n", "one value"),
        ("socket:\n  port: *a\n", ""),
    ] {
        let path = file(&dir, "c.yml", text);
        let message = refused(&["--config", path.to_str().unwrap()]);
        assert!(message.contains("c.yml, line 2"), "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_name_in_the_environment_that_is_no_option_is_only_mentioned() {
    let env = [("TILTYARD_PORT", "tcp://10.0.0.1:7350"), ("PATH", "/bin")];
    let config = load_all(&[], &env, &Defaults::new()).unwrap();
    assert_eq!(config.warnings().len(), 1);
    assert!(config.warnings()[0].contains("TILTYARD_PORT"));
}

#[test]
fn a_secret_may_come_from_a_file_but_not_from_two_places() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "key", "sesame\n");
    let name = "TILTYARD_RUNTIME_HTTP_KEY_FILE";
    let env = [(name, path.to_str().unwrap())];
    let config = load_all(&[], &env, &Defaults::new()).unwrap();
    assert_eq!(config.runtime.http_key.unwrap().expose(), "sesame");

    let env = [env[0], ("TILTYARD_RUNTIME_HTTP_KEY", "other")];
    let text = load_all(&[], &env, &Defaults::new())
        .unwrap_err()
        .to_string();
    assert!(text.contains("unset one of the two"), "{text}");
}

#[test]
fn the_environment_may_name_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "a.yml", "name: from-file\n");
    let env = [("TILTYARD_CONFIG", path.to_str().unwrap())];
    let config = load_all(&[], &env, &Defaults::new()).unwrap();
    assert_eq!(config.name, "from-file");
}

#[test]
fn nothing_shows_a_secret() {
    let config = run(&["--runtime.http_key=sesame"]);
    assert!(!format!("{config:?}").contains("sesame"));
    assert_eq!(config.settings()["runtime.http_key"].value, "(secret)");
}

#[test]
fn nothing_shows_the_password_of_a_database() {
    let good = "postgres://ann:sesame@db.example/game";
    let config = run(&["--database.address", good]);
    assert!(!format!("{config:?}").contains("sesame"));
    let shown = &config.settings()["database.address"].value;
    assert_eq!(shown, "postgres://ann@db.example:5432/game");
    assert!(config.database.address.is_some());
    for args in [
        &["--database.address=postgres://ann:sesame@db.example:x/game"] as &[_],
        &["--database.address=mysql://ann:sesame@db.example/game"],
        &[good],
        &["migrate", "up", good],
    ] {
        let text = refused(args);
        assert!(!text.contains("sesame"), "{text}");
    }
}

#[test]
fn a_database_address_may_come_from_a_file_and_from_a_list_of_one() {
    assert!(run(&[]).database.address.is_none());
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "address", "ann:sesame@db.example:5432/game\n");
    let env = [("TILTYARD_DATABASE_ADDRESS_FILE", path.to_str().unwrap())];
    let config = load_all(&[], &env, &Defaults::new()).unwrap();
    let listed = file(
        &dir,
        "c.yml",
        "database:\n  address:\n    - \"ann:sesame@db.example:5432/game\"\n",
    );
    let from_list = run(&["--config", listed.to_str().unwrap()]);
    for config in [config, from_list] {
        let address = config.database.address.unwrap().to_string();
        assert_eq!(address, "postgres://ann@db.example:5432/game");
    }
}

#[test]
fn commands_are_told_apart() {
    let command = |args: &[&str]| load(os(args), [], &Defaults::new()).unwrap();
    assert!(matches!(
        command(&["healthcheck"]),
        Command::Healthcheck { port: 7350 }
    ));
    assert!(matches!(
        command(&["healthcheck", "80"]),
        Command::Healthcheck { port: 80 }
    ));
    for (word, expected) in [("up", Migration::Up), ("status", Migration::Status)] {
        let Command::Migrate { step, config } = command(&["migrate", word, "--data_dir=d"]) else {
            panic!("expected to migrate");
        };
        assert_eq!((step, config.data_dir), (expected, PathBuf::from("d")));
    }
    assert!(refused(&["migrate", "down"]).contains("migrate up"));
    assert!(refused(&["migrate"]).contains("migrate up"));
    assert!(matches!(command(&["--version"]), Command::Version));
    assert!(matches!(
        command(&["--socket.port", "1", "-h"]),
        Command::Help(_)
    ));
}

#[test]
fn help_has_every_option() {
    let Command::Help(text) = load(os(&["--help"]), [], &Defaults::new()).unwrap() else {
        panic!("--help gives help");
    };
    for option in options::all() {
        assert!(
            text.contains(&format!("--{}", option.key)),
            "{}",
            option.key
        );
        assert!(!option.doc.is_empty(), "{} is not explained", option.key);
    }
}

#[test]
fn a_key_of_others_is_hidden_and_nothing_is_shown_where_there_is_none() {
    let config = run(&[]);
    assert!(config.steam.publisher_key.is_empty());
    assert_eq!(config.settings()["social.steam.publisher_key"].value, "");
    let given = [
        "--social.steam.publisher_key=abc",
        "--social.steam.app_id=480",
    ];
    let config = run(&given);
    assert_eq!(config.steam.publisher_key.expose(), "abc");
    assert_eq!(
        config.settings()["social.steam.publisher_key"].value,
        "(secret)"
    );
    for half in given {
        let text = refused(&[half]);
        assert!(text.contains("give both or neither"), "{text}");
    }
}
