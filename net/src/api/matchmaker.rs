//! How the matchmaker has been doing: `/v2/matchmaker/stats`.

use tiltyard_proto::api;

use super::error::ApiError;
use super::operation::{Context, Nothing, Operation};
use super::query::Query;
use crate::auth::SessionClaims;

/// Telling how many wait, and for how long the last ones waited.
pub(super) struct GetMatchmakerStats;

impl Operation for GetMatchmakerStats {
    const NAME: &'static str = "GetMatchmakerStats";
    type Caller = SessionClaims;
    type Request = Nothing;
    type Response = api::MatchmakerStats;

    fn decode(_: &Query, _: &[u8]) -> Result<Nothing, ApiError> {
        Ok(Nothing)
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        _: &SessionClaims,
        _: Nothing,
    ) -> Result<api::MatchmakerStats, ApiError> {
        let stats = state.world.matchmaker_stats().await?;
        let completions =
            stats
                .completions
                .into_iter()
                .map(|completion| api::matchmaker_stats::Completion {
                    create_time: Some(timestamp(completion.created_ns)),
                    complete_time: Some(timestamp(completion.completed_ns)),
                });
        Ok(api::MatchmakerStats {
            ticket_count: i32::try_from(stats.ticket_count).unwrap_or(i32::MAX),
            oldest_ticket_create_time: stats.oldest_created_ns.map(timestamp),
            completions: completions.collect(),
        })
    }
}

fn timestamp(unix_ns: i64) -> tiltyard_proto::Timestamp {
    const SECOND_NS: i64 = 1_000_000_000;
    // What is left of a second always fits.
    let nanos = u32::try_from(unix_ns.rem_euclid(SECOND_NS)).unwrap_or_default();
    tiltyard_proto::timestamp(unix_ns.div_euclid(SECOND_NS), nanos)
}
