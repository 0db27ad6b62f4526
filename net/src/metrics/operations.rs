//! Requests of the HTTP API.

use std::{collections::BTreeMap, sync::atomic::AtomicU64, time::Instant};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{counts::closed_label, seconds};

closed_label! {
    /// What became of a request.
    pub(super) enum Status {
        Success "2xx",
        Redirect "3xx",
        Refused "4xx",
        Failed "5xx",
        /// It took too long, its caller went away, or its handler panicked.
        GivenUp "given_up",
    }
}

impl Status {
    const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Success,
            300..=399 => Self::Redirect,
            400..=499 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

/// What requests without a route are counted as.
const NO_ROUTE: &str = "none";
/// What the names of operations by which players log in begin with.
const LOGIN: &str = "Authenticate";

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Requests of the HTTP API, by operation.
#[derive(Debug)]
pub(crate) struct Operations {
    by_name: BTreeMap<&'static str, Operation>,
}

#[derive(Debug)]
struct Operation {
    requests: [Counter<u64, AtomicU64>; Status::COUNT],
    duration: Histogram,
    /// Where it is a way to log in: who got in, and who did not.
    logins: Option<[Counter<u64, AtomicU64>; 2]>,
}

impl Operations {
    pub(super) fn register(registry: &mut Registry, names: &[&'static str]) -> Self {
        let requests = Family::<Labels<2>, Counter>::default();
        let duration =
            Family::<Labels<1>, Histogram>::new_with_constructor(|| seconds(0.000_5, 14));
        let logins = Family::<Labels<2>, Counter>::default();
        let operation = |name: &'static str| {
            let own = ("operation", name);
            let statuses = std::array::from_fn(|index| Status::ALL[index].name());
            let method = name.strip_prefix(LOGIN);
            Operation {
                requests: statuses
                    .map(|status| requests.get_or_create_owned(&[own, ("status", status)])),
                duration: duration.get_or_create_owned(&[own]),
                logins: method.map(|method| {
                    ["accepted", "refused"].map(|outcome| {
                        logins.get_or_create_owned(&[("method", method), ("outcome", outcome)])
                    })
                }),
            }
        };
        let names = names.iter().copied().chain([NO_ROUTE]);
        let by_name = names.map(|name| (name, operation(name))).collect();
        let help = "Requests of the HTTP API, by operation and status";
        registry.register("http_requests", help, requests);
        let help = "How long requests of the HTTP API took, their bodies included";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, duration);
        let help = "Attempts to log in, by how; what is refused includes what fails";
        registry.register("logins", help, logins);
        Self { by_name }
    }

    /// A request begins.
    pub(crate) fn begin(&self, name: &str) -> Timing<'_> {
        let found = self
            .by_name
            .get(name)
            .or_else(|| self.by_name.get(NO_ROUTE));
        Timing {
            operation: found,
            begun: Instant::now(),
            status: Status::GivenUp,
        }
    }

    /// A request has no route.
    pub(crate) fn count_unrouted(&self, status: u16) {
        self.begin(NO_ROUTE).finish(status);
    }

    /// Requests and those of them that failed, for each operation.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64, u64)> {
        let routed = self.by_name.iter().filter(|(name, _)| **name != NO_ROUTE);
        routed.map(|(name, operation)| {
            let counts = operation.requests.each_ref().map(Counter::get);
            let all = counts.iter().sum();
            (*name, all, all - counts[Status::Success as usize])
        })
    }
}

/// A request that is carried out. Dropped before its end, it counts as given up.
#[derive(Debug)]
pub(crate) struct Timing<'a> {
    operation: Option<&'a Operation>,
    begun: Instant,
    status: Status,
}

impl Timing<'_> {
    /// It is answered.
    pub(crate) fn finish(mut self, status: u16) {
        self.status = Status::of(status);
    }
}

impl Drop for Timing<'_> {
    fn drop(&mut self) {
        let Some(operation) = self.operation else {
            return;
        };
        operation.requests[self.status as usize].inc();
        let took = self.begun.elapsed();
        operation.duration.observe(took.as_secs_f64());
        if let Some([accepted, refused]) = &operation.logins {
            let counter = match self.status {
                Status::Success => accepted,
                _ => refused,
            };
            counter.inc();
        }
    }
}
