//! Puts the layers on top of one another and remembers where each value came from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::flags::Flag;
use super::options::{self, Opt};
use super::value::{Form, Setting};
use super::{help, yaml};
use crate::store::Address;

/// Prefix of the environment variables that are options.
pub(super) const ENVIRONMENT_PREFIX: &str = "TILTYARD_";

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Origin {
    /// The built-in default.
    Default,
    /// A default of the application around the server.
    Application,
    /// A configuration file.
    File {
        /// Its path as it was given.
        path: PathBuf,
        /// Line of the value, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("built-in default"),
            Self::Application => f.write_str("application default"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag => f.write_str("command line"),
        }
    }
}

/// An option's value as an operator may see it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shown {
    /// The value; `(secret)` or `(generated)` for secrets.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Defaults that an application puts in place of the built-in ones.
#[derive(Clone, Debug, Default)]
pub struct Defaults(Vec<(String, String)>);

impl Defaults {
    /// No other defaults than the built-in ones.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives an option another default. Files, environment and flags still override it.
    #[must_use]
    pub fn with_default(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push((key.into(), value.into()));
        self
    }
}

/// The texts given for one option that still count.
#[derive(Debug)]
struct Entry {
    texts: Vec<String>,
    origin: Origin,
}

/// The values of all options as text.
#[derive(Debug)]
pub(crate) struct Layers {
    entries: BTreeMap<&'static str, Entry>,
    warnings: Vec<String>,
}

fn idle_warning(key: &str, why: &str) -> String {
    format!("{key} has no effect: {why}; leave it out")
}

impl Layers {
    /// Reads the layers in the order of their strength, the weakest first.
    pub(super) fn stack(
        defaults: &Defaults,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        flags: Vec<Flag>,
    ) -> Result<Self, ConfigError> {
        let environment = Environment::read(env)?;
        let mut layers = Self::built_in();
        for (key, value) in &defaults.0 {
            let option = known(key, &Origin::Application)?;
            layers.give(option, [value.clone()], Origin::Application);
        }
        let files = environment.config.iter().map(PathBuf::as_path);
        for path in files.chain(flags.iter().filter_map(Flag::config)) {
            layers.add_file(path)?;
        }
        for (name, option, value) in environment.values {
            let texts = match option.form {
                Form::List => value.lines().map(str::to_owned).collect(),
                _ => vec![value],
            };
            layers.give(option, texts, Origin::Environment(name));
        }
        layers.warnings.extend(environment.warnings);
        for flag in flags {
            match flag {
                Flag::Option(option, value) => layers.give(option, [value], Origin::Flag),
                Flag::WithoutEffect(name) => {
                    let why = options::without_effect(&name).unwrap_or_default();
                    layers.warnings.push(idle_warning(&name, why));
                }
                Flag::Config(_) => {}
            }
        }
        Ok(layers)
    }

    fn built_in() -> Self {
        let entries = options::all().map(|option| {
            let texts = option.default.iter().map(|text| (*text).to_owned());
            let origin = Origin::Default;
            (
                option.key,
                Entry {
                    texts: texts.collect(),
                    origin,
                },
            )
        });
        Self {
            entries: entries.collect(),
            warnings: Vec::new(),
        }
    }

    fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        for item in yaml::read(path)? {
            let origin = Origin::File {
                path: path.to_owned(),
                line: item.line,
            };
            if let Some(why) = options::without_effect(&item.key) {
                self.warnings.push(idle_warning(&item.key, why));
                continue;
            }
            let option = known(&item.key, &origin)?;
            // The reference server takes several databases and uses the first.
            let listed = option.form == Form::Address && item.texts.len() == 1;
            if item.is_list && option.form != Form::List && !listed {
                return Err(ConfigError::Yaml {
                    path: path.to_owned(),
                    line: item.line,
                    problem: format!("{} takes one value; give it without a list", item.key),
                });
            }
            self.give(option, item.texts, origin);
        }
        Ok(())
    }

    /// A list grows, anything else is replaced.
    fn give(
        &mut self,
        option: &'static Opt,
        texts: impl IntoIterator<Item = String>,
        origin: Origin,
    ) {
        let entry = self.entries.entry(option.key).or_insert_with(|| Entry {
            texts: Vec::new(),
            origin: Origin::Default,
        });
        if option.form != Form::List {
            entry.texts.clear();
        }
        entry.texts.extend(texts);
        entry.origin = origin;
    }

    /// The value of an option, parsed and checked.
    pub(super) fn read<T: Setting>(
        &self,
        key: &'static str,
        rule: impl Fn(&T) -> Result<(), String>,
    ) -> Result<T, ConfigError> {
        let entry = &self.entries[key];
        let texts: Vec<&str> = entry.texts.iter().map(String::as_str).collect();
        let checked = T::read(&texts).and_then(|value| rule(&value).map(|()| value));
        checked.map_err(|expected| ConfigError::BadValue {
            key,
            origin: entry.origin.clone(),
            value: match T::FORM {
                Form::Secret | Form::Address => "what it is".to_owned(),
                _ => format!("`{}`", texts.join(", ")),
            },
            expected,
        })
    }

    /// Every value as an operator may see it.
    pub(super) fn shown(&self) -> BTreeMap<&'static str, Shown> {
        let shown = options::all().map(|option| {
            let entry = &self.entries[option.key];
            let value = match option.form {
                Form::Secret if entry.texts.is_empty() => "(generated)".to_owned(),
                Form::Secret if entry.texts.iter().all(String::is_empty) => String::new(),
                Form::Secret => "(secret)".to_owned(),
                Form::Address => without_password(&entry.texts),
                _ => entry.texts.join(", "),
            };
            let origin = entry.origin.clone();
            (option.key, Shown { value, origin })
        });
        shown.collect()
    }

    pub(super) fn into_warnings(self) -> Vec<String> {
        self.warnings
    }
}

fn without_password(texts: &[String]) -> String {
    let text = texts.last().filter(|text| !text.is_empty());
    text.map_or_else(String::new, |text| match Address::parse(text) {
        Some(address) => address.to_string(),
        None => "(secret)".to_owned(),
    })
}

fn known(key: &str, origin: &Origin) -> Result<&'static Opt, ConfigError> {
    options::find(key).ok_or_else(|| ConfigError::UnknownOption {
        key: key.to_owned(),
        origin: origin.clone(),
        advice: help::advice(key),
    })
}

/// What the environment says: options, a file, and names that mean nothing.
#[derive(Default)]
struct Environment {
    values: Vec<(String, &'static Opt, String)>,
    config: Option<PathBuf>,
    warnings: Vec<String>,
}

impl Environment {
    fn read(env: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, ConfigError> {
        let mut found = Self::default();
        let mut ours: Vec<(String, OsString)> = env
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
            .collect();
        // The environment has no order; with one, the same mistake gives the same message.
        ours.sort();
        for (name, value) in ours {
            found.add(name, value)?;
        }
        Ok(found)
    }

    fn add(&mut self, name: String, value: OsString) -> Result<(), ConfigError> {
        if name == "TILTYARD_CONFIG" {
            self.config = Some(value.into());
            return Ok(());
        }
        if let Some(option) = options::all().find(|option| variable(option) == name) {
            let value = value
                .into_string()
                .map_err(|value| ConfigError::UnexpectedArgument {
                    argument: value.to_string_lossy().into_owned(),
                    advice: format!("give {name} as UTF-8 text"),
                })?;
            return self.set(name, option, value);
        }
        let hidden = [Form::Secret, Form::Address];
        let secrets = options::all().filter(|option| hidden.contains(&option.form));
        let file_of = |option: &&Opt| format!("{}_FILE", variable(option)) == name;
        if let Some(option) = secrets.into_iter().find(file_of) {
            let path = PathBuf::from(value);
            let text = std::fs::read_to_string(&path)
                .map_err(|source| ConfigError::File { path, source })?;
            return self.set(name, option, text.trim_end_matches(['\r', '\n']).to_owned());
        }
        self.warnings.push(format!(
            "the environment variable {name} is no option of this server and was left alone"
        ));
        Ok(())
    }

    fn set(
        &mut self,
        name: String,
        option: &'static Opt,
        value: String,
    ) -> Result<(), ConfigError> {
        if let Some((other, ..)) = self.values.iter().find(|(_, o, _)| o.key == option.key) {
            return Err(ConfigError::Conflict {
                key: option.key,
                problem: format!("is also given by {other}; unset one of the two"),
                origin: Origin::Environment(name),
            });
        }
        self.values.push((name, option, value));
        Ok(())
    }
}

/// The environment variable of an option.
pub(super) fn variable(option: &Opt) -> String {
    let key = option.key.replace('.', "_").to_ascii_uppercase();
    format!("{ENVIRONMENT_PREFIX}{key}")
}
