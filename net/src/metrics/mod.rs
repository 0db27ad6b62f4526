//! What is counted and measured, and how Prometheus gets it.
//!
//! ```text
//! network threads ─► Traffic, one each ─┐
//! tick thread ─────► Passes, Sent ──────┤
//! HTTP API ────────► Operations, Rpcs ──┼─► Registry ─► listener: /metrics
//! database ────────► Questions ─────────┤
//! world ───────────► census when asked ─┘
//! ```
//!
//! Labels come from closed sets that are known when the server starts: enums, the table of routes, what the
//! game registers. Every series exists from the beginning, so what clients send cannot make any. The page of
//! all of them is `net/METRICS.md`.

mod aliases;
mod counts;
mod listener;
mod operations;
mod passes;
mod questions;
mod rpcs;
mod sent;
#[cfg(test)]
pub(crate) mod tests;
mod traffic;
mod world;

use std::{borrow::Cow, fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text},
    metrics::histogram::Histogram,
    registry::{Registry, Unit},
};

use bevy_ecs::prelude::*;
use tiltyard::{FunctionNames, MatchFunctions, Node};

use crate::{api, config::Config};

use self::{
    aliases::Aliases, counts::Described, listener::Scrape, traffic::Threads, world::WorldGauges,
};
pub(crate) use self::{
    listener::{MetricsState, bind_metrics, drive_metrics},
    operations::Operations,
    passes::{Around, Passes, Sums},
    questions::{Access, Questions},
    rpcs::{RpcCarrier, Rpcs},
    sent::Sent,
    traffic::{End, Fates, Link, Traffic, Wait},
};

/// What the names of series depend on.
#[derive(Debug)]
pub(crate) struct Naming<'a> {
    /// The name of this node, a label of everything.
    pub(crate) node: &'a str,
    /// Another label of everything, unless it is empty.
    pub(crate) namespace: &'a str,
    /// What the names of the reference server begin with; empty for none of them.
    pub(crate) prefix: &'a str,
    /// The kinds of match that there are.
    pub(crate) kinds: &'a [&'static str],
    /// The functions that there are.
    pub(crate) rpcs: &'a [&'a str],
    /// The operations of the HTTP API.
    pub(crate) operations: &'a [&'static str],
}

/// Everything that is counted. Parts of it are handed to those who count.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) passes: Arc<Passes>,
    pub(crate) sent: Arc<Sent>,
    pub(crate) operations: Arc<Operations>,
    pub(crate) rpcs: Arc<Rpcs>,
    /// How long the matchmaker's searches take, in seconds.
    pub(crate) searches: Histogram,
    world: WorldGauges,
    threads: Arc<Threads>,
    scrape: Scrape,
    registry: Registry,
}

/// Bounds of histograms of what takes microseconds to seconds: each twice the one before.
fn seconds(first: f64, count: i32) -> Histogram {
    Histogram::new((0..count).map(|power| first * 2_f64.powi(power)))
}

impl Metrics {
    /// What is counted of a server with this configuration and world.
    pub(crate) fn of(
        config: &Config,
        world: &World,
        names: &FunctionNames,
        questions: Arc<Questions>,
    ) -> Self {
        let rpcs: Vec<&str> = names.rpcs.iter().map(String::as_str).collect();
        let naming = Naming {
            node: &world.resource::<Node>().0.to_string(),
            namespace: &config.metrics.namespace,
            prefix: &config.metrics.prefix,
            kinds: &world.match_kinds(),
            rpcs: &rpcs,
            operations: &api::operation_names(),
        };
        Self::new(&naming, questions)
    }

    pub(crate) fn new(naming: &Naming<'_>, questions: Arc<Questions>) -> Self {
        let mut registry = Registry::with_labels(labels(naming).into_iter());
        let own = registry.sub_registry_with_prefix("tiltyard");
        let threads = Arc::new(Threads::default());
        let searches = seconds(0.000_1, 16);
        own.register_with_unit(
            "matchmaker_search_duration",
            "Searches of the matchmaker, on its own thread",
            Unit::Seconds,
            searches.clone(),
        );
        let metrics = Self {
            passes: Arc::new(Passes::register(own)),
            sent: Arc::new(Sent::default()),
            operations: Arc::new(Operations::register(own, naming.operations)),
            rpcs: Arc::new(Rpcs::register(own, naming.rpcs)),
            world: WorldGauges::register(own, naming.kinds),
            searches,
            threads: threads.clone(),
            scrape: Scrape::default(),
            registry: Registry::default(),
        };
        own.register_collector(Box::new(threads.clone()));
        own.register_collector(Box::new(metrics.sent.clone()));
        own.register_collector(Box::new(questions));
        own.register_collector(Box::new(Build));
        if !naming.prefix.is_empty() {
            let aliases = Aliases {
                threads,
                sent: metrics.sent.clone(),
                operations: metrics.operations.clone(),
                world: metrics.world.clone(),
            };
            let reference = registry.sub_registry_with_prefix(naming.prefix);
            reference.register_collector(Box::new(aliases));
        }
        Self {
            registry,
            ..metrics
        }
    }

    /// What a new network thread counts with.
    pub(crate) fn thread(&self) -> Arc<Traffic> {
        self.threads.add()
    }

    /// The page that Prometheus reads.
    ///
    /// # Errors
    ///
    /// None that a `String` can have.
    pub(crate) fn page(&self) -> Result<String, fmt::Error> {
        let mut page = String::new();
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}

type OwnLabel = (Cow<'static, str>, Cow<'static, str>);

/// What every series carries.
fn labels(naming: &Naming<'_>) -> Vec<OwnLabel> {
    let mut labels: Vec<OwnLabel> = vec![("node_name".into(), naming.node.to_owned().into())];
    if !naming.namespace.is_empty() {
        labels.push(("namespace".into(), naming.namespace.to_owned().into()));
    }
    labels
}

/// Which build this is.
#[derive(Debug)]
struct Build;

impl Collector for Build {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let build = Described::new("build_info", "Always 1; the version is a label");
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        build.gauge(&mut encoder, [(version, 1)])
    }
}
