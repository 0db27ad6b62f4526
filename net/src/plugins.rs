//! What a game adds to its app to become a server.

use std::{
    env,
    io::{self, Write as _},
};

use bevy_app::{App, AppExit, Plugin};
use tiltyard::{EnginePlugin, Limits};

use crate::{
    cli,
    config::{self, Command, Defaults},
    server::{engine_plugin, fallback_node, run},
};

/// Everything that makes an app a server.
///
/// It reads the command line, the environment and the files they name; [`App::run`] then starts the
/// server and returns when it has stopped.
///
/// ```no_run
/// use tiltyard::prelude::*;
/// use tiltyard_net::ServerPlugins;
///
/// fn main() -> AppExit {
///     App::new().add_plugins(ServerPlugins).run()
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerPlugins;

impl ServerPlugins {
    /// The same, with another default for an option. Files, environment and flags still override it.
    pub fn with_default(self, key: &str, value: &str) -> ServerPluginsWith {
        ServerPluginsWith {
            defaults: Defaults::new().with_default(key, value),
        }
    }
}

/// [`ServerPlugins`] with other defaults.
#[derive(Clone, Debug)]
pub struct ServerPluginsWith {
    defaults: Defaults,
}

impl ServerPluginsWith {
    /// The same, with another default for one more option.
    #[must_use]
    pub fn with_default(self, key: &str, value: &str) -> Self {
        Self {
            defaults: self.defaults.with_default(key, value),
        }
    }
}

impl Plugin for ServerPlugins {
    fn build(&self, app: &mut App) {
        build(app, &Defaults::new());
    }
}

impl Plugin for ServerPluginsWith {
    fn build(&self, app: &mut App) {
        build(app, &self.defaults);
    }
}

fn build(app: &mut App, defaults: &Defaults) {
    let command = config::load(env::args_os().skip(1), env::vars_os(), defaults);
    let engine = match &command {
        Ok(Command::Run(config)) => engine_plugin(config),
        _ => EnginePlugin {
            node: fallback_node(),
            limits: Limits::default(),
        },
    };
    app.add_plugins(engine)
        .set_runner(move |app| match command {
            Ok(Command::Run(config)) => finish(run(app, *config)),
            Ok(Command::Healthcheck { port }) => finish(cli::healthcheck(port)),
            Ok(Command::Migrate { step, config }) => match cli::migrate(step, &config) {
                Ok(text) => say(&text),
                Err(error) => finish(Err::<(), _>(error)),
            },
            Ok(Command::Bots(words)) => match cli::bots(words) {
                Ok(text) => say(text.trim_end()),
                Err(error) => finish(Err::<(), _>(error)),
            },
            Ok(Command::Version) => say(&format!("tiltyard {}", env!("CARGO_PKG_VERSION"))),
            Ok(Command::Help(text)) => say(&text),
            Err(error) => finish(Err::<(), _>(error)),
        });
}

fn say(text: &str) -> AppExit {
    // Whoever reads it may have read enough, such as `--help | head`.
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => AppExit::error(),
        _ => AppExit::Success,
    }
}

/// Prints why it ended, if it was not as it should.
#[expect(
    clippy::print_stderr,
    reason = "the last word of a program, after its logs"
)]
fn finish<E: std::fmt::Display>(outcome: Result<(), E>) -> AppExit {
    match outcome {
        Ok(()) => AppExit::Success,
        Err(error) => {
            eprintln!("tiltyard: {error}");
            AppExit::error()
        }
    }
}
