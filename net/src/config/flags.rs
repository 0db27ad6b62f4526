//! Reads the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::layers::Origin;
use super::options::{self, Opt};
use super::value::Form;
use super::{Migration, help};
use crate::store::Address;

/// What the words on the command line are.
pub(super) enum Given {
    Options(Vec<Flag>),
    Healthcheck { port: u16 },
    Migrate { step: Migration, flags: Vec<Flag> },
    Bots(Vec<String>),
    Version,
    Help,
}

/// One flag with its value.
pub(super) enum Flag {
    Option(&'static Opt, String),
    Config(PathBuf),
    /// An option of the reference server that changes nothing here.
    WithoutEffect(String),
}

impl Flag {
    pub(super) fn config(&self) -> Option<&Path> {
        match self {
            Self::Config(path) => Some(path),
            Self::Option(..) | Self::WithoutEffect(_) => None,
        }
    }
}

const PORT_DEFAULT: u16 = 7350;

pub(super) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Given, ConfigError> {
    let words: Vec<String> = args
        .into_iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    if words.first().is_some_and(|word| word == "healthcheck") {
        return healthcheck(&words[1..]);
    }
    if words.first().is_some_and(|word| word == "migrate") {
        return migrate(&words[1..]);
    }
    if words.first().is_some_and(|word| word == "bots") {
        return Ok(Given::Bots(words[1..].to_vec()));
    }
    options(words)
}

fn options(words: impl IntoIterator<Item = String>) -> Result<Given, ConfigError> {
    let mut words = words.into_iter().peekable();
    let mut flags = Vec::new();
    while let Some(word) = words.next() {
        // One dash will do, as it does for the reference server.
        let Some(name) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
            return Err(unexpected(word));
        };
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (name, None),
        };
        match name {
            "help" | "h" => return Ok(Given::Help),
            "version" | "V" => return Ok(Given::Version),
            "config" => {
                let path = value.or_else(|| words.next_if(|word| !word.starts_with('-')));
                let path = path.ok_or(ConfigError::MissingValue { key: "config" })?;
                flags.push(Flag::Config(path.into()));
                continue;
            }
            _ => {}
        }
        if options::without_effect(name).is_some() {
            if value.is_none() {
                words.next_if(|word| !word.starts_with("--"));
            }
            flags.push(Flag::WithoutEffect(name.to_owned()));
            continue;
        }
        let option = options::find(name).ok_or_else(|| ConfigError::UnknownOption {
            key: format!("--{name}"),
            origin: Origin::Flag,
            advice: help::advice(name),
        })?;
        let value = match (value, option.form) {
            (Some(value), _) => value,
            // There are no words but flags and values, so one behind a switch is its value.
            (None, Form::Switch) => words
                .next_if(|word| !word.starts_with('-'))
                .unwrap_or_else(|| "true".to_owned()),
            (None, _) => words
                .next_if(|word| !word.starts_with("--"))
                .ok_or(ConfigError::MissingValue { key: option.key })?,
        };
        flags.push(Flag::Option(option, value));
    }
    Ok(Given::Options(flags))
}

fn healthcheck(words: &[String]) -> Result<Given, ConfigError> {
    let port = match words {
        [] => Some(PORT_DEFAULT),
        [port] => port.parse().ok().filter(|port| *port > 0),
        _ => None,
    };
    let port = port.ok_or_else(|| ConfigError::UnexpectedArgument {
        argument: words.join(" "),
        advice: "write `healthcheck`, or `healthcheck PORT`".to_owned(),
    })?;
    Ok(Given::Healthcheck { port })
}

fn migrate(words: &[String]) -> Result<Given, ConfigError> {
    let step = match words.first().map(String::as_str) {
        Some("up") => Migration::Up,
        Some("status") => Migration::Status,
        Some("--help" | "-help" | "-h") => return Ok(Given::Help),
        word => {
            return Err(ConfigError::UnexpectedArgument {
                argument: format!("migrate {}", word.unwrap_or_default()),
                advice:
                    "write `migrate up` or `migrate status`; what was done is undone by a backup"
                        .to_owned(),
            });
        }
    };
    Ok(match options(words[1..].iter().cloned())? {
        Given::Options(flags) => Given::Migrate { step, flags },
        other => other,
    })
}

fn unexpected(argument: String) -> ConfigError {
    // An address without its option would be shown with its password.
    let address = Address::parse(&argument).filter(|_| argument.contains("://"));
    ConfigError::UnexpectedArgument {
        argument: address.map_or(argument, |address| address.to_string()),
        advice: "options begin with `--`, and --help lists them".to_owned(),
    }
}
