//! Counts that many series of one metric are made of, and how they are written down.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

/// A count that one thread adds to and others read.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// As many counts as there are values of a label.
pub(super) fn counts<const N: usize>() -> [Count; N] {
    std::array::from_fn(|_| Count::default())
}

/// What a metric is called and means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    pub(super) help: &'a str,
    pub(super) unit: Option<&'static Unit>,
}

impl<'a> Described<'a> {
    pub(super) const fn new(name: &'a str, help: &'a str) -> Self {
        Self {
            name,
            help,
            unit: None,
        }
    }

    /// The same in bytes.
    pub(super) const fn in_bytes(self) -> Self {
        Self {
            unit: Some(&Unit::Bytes),
            ..self
        }
    }

    /// Writes a counter with labels down.
    pub(super) fn counter<L: EncodeLabelSet>(
        self,
        encoder: &mut DescriptorEncoder<'_>,
        series: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let Self { name, help, unit } = self;
        let help = format!("{help}.");
        let mut family = encoder.encode_descriptor(name, &help, unit, MetricType::Counter)?;
        for (labels, value) in series {
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// Writes a gauge with labels down.
    pub(super) fn gauge<L: EncodeLabelSet>(
        self,
        encoder: &mut DescriptorEncoder<'_>,
        series: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let Self { name, help, unit } = self;
        let help = format!("{help}.");
        let mut family = encoder.encode_descriptor(name, &help, unit, MetricType::Gauge)?;
        for (labels, value) in series {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// A closed set of values of a label: an enum whose variants are numbered from 0.
macro_rules! closed_label {
    (
        $(#[$doc:meta])*
        $visibility:vis enum $Label:ident {
            $($(#[$variant_doc:meta])* $Variant:ident $name:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        $visibility enum $Label {
            $($(#[$variant_doc])* $Variant,)*
        }

        impl $Label {
            pub(super) const ALL: &[Self] = &[$(Self::$Variant),*];
            pub(super) const COUNT: usize = Self::ALL.len();

            /// The value of the label.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$Variant => $name,)*
                }
            }
        }
    };
}

pub(super) use closed_label;
