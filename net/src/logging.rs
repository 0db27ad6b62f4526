//! What an operator reads: text on a terminal, JSON elsewhere.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, LogLevel, Logger};

/// Libraries that warn of what clients do wrong, once for every packet if a client likes.
const TALKATIVE: [&str; 4] = [
    "web_transport_quinn",
    "web_transport_proto",
    "quinn",
    "quinn_proto",
];

/// Starts logging. Does nothing if somebody else, such as a test, has started it already.
pub(crate) fn start(options: &Logger) {
    let level = match options.level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    let quiet = TALKATIVE.map(|target| (target, LevelFilter::ERROR));
    let filter = Targets::new().with_default(level).with_targets(quiet);
    let as_text = match options.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let subscriber = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(io::stderr);
    let started = if as_text {
        subscriber.with(layer).try_init()
    } else {
        let layer = layer.json().flatten_event(true);
        subscriber.with(layer).try_init()
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}
