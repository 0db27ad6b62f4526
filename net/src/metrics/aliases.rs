//! The same figures under the names of the reference server, for dashboards that know those.
//!
//! They are gauges, because in this format the names of counters end in `_total`; `rate` does not mind.

use std::{fmt, sync::Arc};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::{
    counts::Described,
    operations::Operations,
    sent::Sent,
    traffic::Threads,
    world::{WorldGauges, read},
};

#[derive(Debug)]
pub(super) struct Aliases {
    pub(super) threads: Arc<Threads>,
    pub(super) sent: Arc<Sent>,
    pub(super) operations: Arc<Operations>,
    pub(super) world: WorldGauges,
}

impl Aliases {
    fn values(&self) -> [(&'static str, &'static str, u64); 13] {
        let opened = self.threads.opened_in_all();
        let ended = self.threads.ended_in_all();
        let (received, sent) = self.threads.bytes_in_all();
        let (requests, errors) = self
            .operations
            .counts()
            .fold((0, 0), |(all, failed), (_, count, errors)| {
                (all + count, failed + errors)
            });
        [
            (
                "sessions",
                "tiltyard_sessions",
                opened.saturating_sub(ended),
            ),
            (
                "presences",
                "tiltyard_presences",
                read(&self.world.presences),
            ),
            (
                "authoritative_matches",
                "tiltyard_matches",
                self.world.matches(),
            ),
            ("parties", "tiltyard_parties", read(&self.world.parties)),
            (
                "matchmaker_tickets",
                "tiltyard_matchmaker_tickets",
                read(&self.world.tickets),
            ),
            ("socket_ws_opened", "tiltyard_sessions_opened_total", opened),
            ("socket_ws_closed", "tiltyard_sessions_ended_total", ended),
            (
                "overall_message_count",
                "tiltyard_messages_received_total",
                self.threads.received_in_all(),
            ),
            (
                "overall_message_recv_bytes",
                "tiltyard_received_bytes_total",
                received,
            ),
            (
                "overall_message_sent_bytes",
                "tiltyard_sent_bytes_total",
                sent,
            ),
            (
                "overall_message_errors",
                "tiltyard_messages_sent_total of the kind error",
                self.sent.errors(),
            ),
            (
                "overall_request_count",
                "tiltyard_http_requests_total of known operations",
                requests,
            ),
            (
                "overall_request_errors",
                "tiltyard_http_requests_total of known operations but for status 2xx",
                errors,
            ),
        ]
    }
}

impl Collector for Aliases {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let none: [(&str, &str); 0] = [];
        let own = self
            .values()
            .map(|(name, source, value)| (name.to_owned(), format!("The sum of {source}"), value));
        let operations = self.operations.counts().flat_map(|(name, count, errors)| {
            let all = format!("Requests of the operation {name}");
            let failed =
                format!("Requests of the operation {name} that were not answered with 2xx");
            [
                (format!("{name}_count"), all, count),
                (format!("{name}_errors"), failed, errors),
            ]
        });
        for (name, help, value) in own.into_iter().chain(operations) {
            Described {
                name: &name,
                help: &help,
                unit: None,
            }
            .gauge(&mut encoder, [(none, value)])?;
        }
        Ok(())
    }
}
