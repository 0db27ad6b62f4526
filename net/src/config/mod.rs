//! Configuration: one table of options, filled from files, the environment and flags.
//!
//! The table is in `options`; each option has a default, a parser and a rule. A value is taken
//! from the strongest layer that gives one: built-in default, then the application's
//! [`Defaults`], then files in the order given, then the environment, then flags. Where each
//! value came from is remembered, see [`Config::settings`].

mod error;
mod flags;
mod help;
mod layers;
mod options;
mod value;
mod yaml;

use std::ffi::OsString;

pub use error::ConfigError;
pub use layers::{Defaults, Origin, Shown};
pub use options::{
    Apple, Auth, Config, Database, Dev, Engine, Google, Health, Limits, Logger, Matches,
    Matchmaker, Metrics, Net, Party, Quic, Runtime, Session, Socket, Steam,
};
pub use value::{KeyValue, LogFormat, LogLevel, Retry, Secret};

pub(crate) use value::parse_bool;
pub(crate) use yaml::read_pairs;

use flags::Given;
use layers::Layers;

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Run the server.
    Run(Box<Config>),
    /// Ask a running server on this machine whether it is well.
    Healthcheck {
        /// Port of the server's HTTP listener.
        port: u16,
    },
    /// Look after the schema of the database.
    Migrate {
        /// What to do with it.
        step: Migration,
        /// Where the database is, and the rest.
        config: Box<Config>,
    },
    /// Put load on a server, with these flags.
    Bots(Vec<String>),
    /// Print the version.
    Version,
    /// Print this text, which lists every option.
    Help(String),
}

/// What to do with the schema of the database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Migration {
    /// Give it that of this version.
    Up,
    /// Say what that would do.
    Status,
}

/// Reads the command line, the environment and the files they name.
///
/// `args` are the arguments without the program's own name. Of `env` only names that start with
/// `TILTYARD_` count. A `TILTYARD_` name that is no option is left alone, since orchestrators
/// invent such names for a service called `tiltyard`; [`Config::warnings`] mentions it.
///
/// # Errors
///
/// A [`ConfigError`] whose text is one sentence for the operator. Nothing was started or written.
pub fn load(
    args: impl IntoIterator<Item = OsString>,
    env: impl IntoIterator<Item = (OsString, OsString)>,
    defaults: &Defaults,
) -> Result<Command, ConfigError> {
    let (step, flags) = match flags::parse(args)? {
        Given::Options(flags) => (None, flags),
        Given::Migrate { step, flags } => (Some(step), flags),
        Given::Healthcheck { port } => return Ok(Command::Healthcheck { port }),
        Given::Bots(words) => return Ok(Command::Bots(words)),
        Given::Version => return Ok(Command::Version),
        Given::Help => return Ok(Command::Help(help::text())),
    };
    let layers = Layers::stack(defaults, env, flags)?;
    let config = Box::new(Config::from_layers(layers)?);
    Ok(match step {
        Some(step) => Command::Migrate { step, config },
        None => Command::Run(config),
    })
}

#[cfg(test)]
mod tests;
