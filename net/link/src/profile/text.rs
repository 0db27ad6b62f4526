//! The text form of profiles.

use std::{
    fmt,
    num::{NonZeroU32, NonZeroU64},
    str::FromStr,
    time::Duration,
};

use super::{
    Profile, Share,
    measure::{Measure, Refused},
};

/// Why a text is no [`Profile`]. All that helps is another text.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// There is a part without a key that is no preset.
    #[error("`{name}` is no preset; there are {}", preset_names())]
    UnknownPreset {
        /// The part.
        name: String,
    },
    /// A preset would undo the parts in front of it.
    #[error("the preset `{name}` must come first")]
    PresetNotFirst {
        /// The preset.
        name: String,
    },
    /// There is no such key.
    #[error("`{key}` is no key; there are {}", key_names())]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A key has two values.
    #[error("`{key}` is given twice")]
    Twice {
        /// The key.
        key: String,
    },
    /// A value is no number with a unit that fits its key.
    #[error("`{key}={value}` is no value, write it like `{key}={example}`")]
    NotAValue {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// A good value.
        example: &'static str,
    },
    /// A value is too small or too large.
    #[error("`{key}={value}` is out of range, which is {least} to {most}")]
    OutOfRange {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// The smallest good value.
        least: String,
        /// The largest good value.
        most: String,
    },
}

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let mut profile = Self::default();
        let mut given: Vec<&str> = Vec::new();
        for (index, part) in text.split(',').map(str::trim).enumerate() {
            let Some((key, value)) = part.split_once('=') else {
                profile = preset(part, index)?;
                continue;
            };
            let field = field(key)?;
            if given.contains(&key) {
                return Err(ProfileError::Twice { key: key.into() });
            }
            given.push(key);
            (field.set)(&mut profile, field.parse(value)?);
        }
        Ok(profile)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delay={}", TIME.show(nanos(self.delay)))?;
        let default = Self::default();
        for field in FIELDS.iter().skip(1) {
            let value = (field.get)(self);
            if value != (field.get)(&default) {
                write!(f, ",{}={}", field.key, field.measure.show(value))?;
            }
        }
        Ok(())
    }
}

/// A key of the text form.
struct Field {
    key: &'static str,
    measure: &'static Measure,
    get: fn(&Profile) -> u64,
    set: fn(&mut Profile, u64),
}

impl Field {
    fn parse(&self, value: &str) -> Result<u64, ProfileError> {
        let measure = self.measure;
        let key = self.key.to_owned();
        measure.parse(value).map_err(|refused| match refused {
            Refused::NotAValue => ProfileError::NotAValue {
                key,
                value: value.into(),
                example: measure.example,
            },
            Refused::OutOfRange => ProfileError::OutOfRange {
                key,
                value: value.into(),
                least: measure.show(measure.least).to_string(),
                most: measure.show(measure.most).to_string(),
            },
        })
    }
}

fn field(key: &str) -> Result<&'static Field, ProfileError> {
    FIELDS
        .iter()
        .find(|field| field.key == key)
        .ok_or_else(|| ProfileError::UnknownKey { key: key.into() })
}

fn preset(name: &str, index: usize) -> Result<Profile, ProfileError> {
    let (_, preset) = PRESETS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| ProfileError::UnknownPreset { name: name.into() })?;
    if index > 0 {
        return Err(ProfileError::PresetNotFirst { name: name.into() });
    }
    Ok(preset())
}

fn preset_names() -> String {
    PRESETS.map(|(name, _)| name).join(", ")
}

fn key_names() -> String {
    FIELDS.map(|field| field.key).join(", ")
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

const PRESETS: [(&str, fn() -> Profile); 4] = [
    ("lan", Profile::lan),
    ("broadband", Profile::broadband),
    ("mobile", Profile::mobile),
    ("bad_wifi", Profile::bad_wifi),
];

/// Every key, in the order of printing. The first is printed even if it has its default, so that
/// there is no empty text.
const FIELDS: [Field; 10] = [
    Field {
        key: "delay",
        measure: &TIME,
        get: |profile| nanos(profile.delay),
        set: |profile, value| profile.delay = Duration::from_nanos(value),
    },
    Field {
        key: "jitter",
        measure: &TIME,
        get: |profile| nanos(profile.jitter),
        set: |profile, value| profile.jitter = Duration::from_nanos(value),
    },
    Field {
        key: "loss",
        measure: &SHARE,
        get: |profile| profile.loss.parts_per_million().into(),
        set: |profile, value| profile.loss = share(value),
    },
    Field {
        key: "burst",
        measure: &PACKETS,
        get: |profile| profile.burst.get().into(),
        set: |profile, value| profile.burst = packets(value),
    },
    Field {
        key: "reorder",
        measure: &SHARE,
        get: |profile| profile.reorder.parts_per_million().into(),
        set: |profile, value| profile.reorder = share(value),
    },
    Field {
        key: "hold",
        measure: &TIME,
        get: |profile| nanos(profile.hold),
        set: |profile, value| profile.hold = Duration::from_nanos(value),
    },
    Field {
        key: "duplicate",
        measure: &SHARE,
        get: |profile| profile.duplicate.parts_per_million().into(),
        set: |profile, value| profile.duplicate = share(value),
    },
    Field {
        key: "rate",
        measure: &BIT_RATE,
        get: |profile| {
            profile
                .rate
                .map_or(0, |rate| rate.get().saturating_mul(BYTE_BITS))
        },
        set: |profile, value| profile.rate = NonZeroU64::new(value / BYTE_BITS),
    },
    Field {
        key: "queue",
        measure: &BYTES,
        get: |profile| profile.queue,
        set: |profile, value| profile.queue = value,
    },
    Field {
        key: "seed",
        measure: &NUMBER,
        get: |profile| profile.seed,
        set: |profile, value| profile.seed = value,
    },
];

fn share(parts_per_million: u64) -> Share {
    Share::per_million(u32::try_from(parts_per_million).unwrap_or(u32::MAX))
}

fn packets(count: u64) -> NonZeroU32 {
    u32::try_from(count)
        .ok()
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN)
}

const BYTE_BITS: u64 = 8;

// The largest values are beyond every network worth playing on.

/// Counts nanoseconds.
static TIME: Measure = Measure {
    units: &[
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
    ],
    least: 0,
    most: 10_000_000_000,
    example: "30ms",
};
/// Counts millionths.
static SHARE: Measure = Measure {
    units: &[("%", 10_000)],
    least: 0,
    most: 1_000_000,
    example: "5%",
};
static PACKETS: Measure = Measure {
    units: &[("", 1)],
    least: 1,
    most: 1_000,
    example: "3",
};
/// Counts bits per second.
static BIT_RATE: Measure = Measure {
    units: &[
        ("bit", 1),
        ("kbit", 1_000),
        ("mbit", 1_000_000),
        ("gbit", 1_000_000_000),
    ],
    least: 1_000,
    most: 100_000_000_000,
    example: "1mbit",
};
static BYTES: Measure = Measure {
    units: &[("b", 1), ("kb", 1_000), ("mb", 1_000_000)],
    least: 0,
    most: 100_000_000,
    example: "32kb",
};
static NUMBER: Measure = Measure {
    units: &[("", 1)],
    least: 0,
    most: u64::MAX,
    example: "7",
};

#[cfg(test)]
mod tests;
