//! Questions to the database.

use std::{fmt, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, histogram::Histogram},
    registry::Unit,
};

use super::{
    counts::{Count, Described, closed_label, counts},
    seconds,
};

closed_label! {
    /// What a question does to the database.
    pub(crate) enum Access {
        Read "read",
        Write "write",
    }
}

/// Questions to the database, whoever asked them.
#[derive(Debug)]
pub(crate) struct Questions {
    durations: [Histogram; Access::COUNT],
    unanswered: [Count; Access::COUNT],
}

impl Default for Questions {
    fn default() -> Self {
        Self {
            durations: std::array::from_fn(|_| seconds(0.000_1, 16)),
            unanswered: counts(),
        }
    }
}

impl Questions {
    /// A question took so long, and was answered or not.
    pub(crate) fn note(&self, access: Access, took: Duration, is_answered: bool) {
        self.durations[access as usize].observe(took.as_secs_f64());
        if !is_answered {
            self.unanswered[access as usize].add(1);
        }
    }
}

impl Collector for Questions {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let unanswered = Described::new(
            "database_failures",
            "Questions to the database that failed, or were not answered in time",
        );
        let series = Access::ALL.iter().map(|access| {
            let count = self.unanswered[*access as usize].get();
            ([("access", access.name())], count)
        });
        unanswered.counter(&mut encoder, series)?;
        let mut family = encoder.encode_descriptor(
            "database_question_duration",
            "How long questions to the database took, waiting for a connection and retries included.",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for access in Access::ALL {
            let labels = [("access", access.name())];
            let histogram = &self.durations[*access as usize];
            histogram.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
