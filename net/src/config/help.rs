//! The help text, and advice for names that do not exist.

use std::fmt::Write as _;

use super::layers::variable;
use super::options::{self, SECTIONS};
use super::value::Form;

const INTRODUCTION: &str = "\
Usage: tiltyard [OPTIONS]
       tiltyard healthcheck [PORT]
       tiltyard migrate up|status [OPTIONS]
       tiltyard bots [FLAGS]
       tiltyard --version

Every option can be a flag (--socket.port 7351 or --socket.port=7351), an environment variable
(TILTYARD_SOCKET_PORT) or a line of a YAML file. Flags override the environment, which overrides
files, which override the defaults. A secret, or a database's address, can also be in a file named by
a variable with _FILE at its end.

`migrate up` gives the database the schema of this version, as a start does; `migrate status`
says what that would do, and changes nothing. `bots` puts load on a server and reports how it
bears it; `bots --help` lists its flags.

  --config PATH
      YAML file to read; may be given several times, and later files override earlier ones.
";

/// What `--help` prints.
pub(super) fn text() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (title, options) in SECTIONS {
        // Writing to a String cannot fail.
        _ = write!(text, "\n{title}\n");
        for option in *options {
            let value = match option.form {
                Form::Switch => "",
                Form::Single | Form::Secret | Form::Address => " VALUE",
                Form::List => " NAME=VALUE",
            };
            let default = match (option.form, option.default) {
                (Form::Secret, None) => " [default: generated at the first start]".to_owned(),
                (Form::Secret, Some("")) => " [default: none]".to_owned(),
                (Form::Address, None) => " [default: the embedded database]".to_owned(),
                (_, Some(default)) => format!(" [default: {default}]"),
                (_, None) => " [may be repeated]".to_owned(),
            };
            _ = writeln!(text, "  --{}{value}{default}", option.key);
            for line in option.doc {
                _ = writeln!(text, "      {}", line.trim());
            }
        }
    }
    text
}

/// Sections of the reference server that this version has no use for.
const FOREIGN_SECTIONS: [&str; 11] = [
    "cluster",
    "console",
    "google_auth",
    "iap",
    "leaderboard",
    "metrics",
    "mfa",
    "satori",
    "social",
    "storage",
    "tracker",
];

/// What to do about a name that no option has.
pub(super) fn advice(name: &str) -> String {
    let as_variable = name.strip_prefix("TILTYARD_").map(|_| name);
    if let Some(option) =
        as_variable.and_then(|name| options::all().find(|option| variable(option) == name))
    {
        return format!("write {}", option.key);
    }
    let section = name.split('.').next().unwrap_or_default();
    if name.contains('.') && FOREIGN_SECTIONS.contains(&section) {
        return "the reference server has it but this version does not, so remove it".to_owned();
    }
    match nearest(name) {
        Some(nearest) => format!("the nearest is {nearest}"),
        None => "--help lists all options".to_owned(),
    }
}

/// The known name that was probably meant.
fn nearest(name: &str) -> Option<&'static str> {
    let tail = |key: &'static str| key.rsplit('.').next().unwrap_or(key);
    let by_tail = options::all().find(|option| tail(option.key) == name);
    let by_distance = || {
        options::all()
            .map(|option| (distance(name, option.key), option))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, option)| *distance <= option.key.len() / 3)
            .map(|(_, option)| option)
    };
    by_tail.or_else(by_distance).map(|option| option.key)
}

/// Letters to add, remove or replace to make one text of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
