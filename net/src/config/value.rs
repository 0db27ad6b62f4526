//! The types that options can have, and how each is read from text.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use subtle::ConstantTimeEq;
use tiltyard_link::{Profile, ProfileError};

use crate::store::Address;

/// How an option is given and shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// True or false; a bare flag is true.
    Switch,
    /// One value; the last one given counts.
    Single,
    /// One value that is never shown and may be read from a file.
    Secret,
    /// One value that is shown without its password and may be read from a file.
    Address,
    /// Any number of values; all layers add up.
    List,
}

/// A type that an option can have.
pub(crate) trait Setting: Sized {
    /// How it is given.
    const FORM: Form;

    /// Reads the texts given for it, in order; at least one unless it is a list.
    /// The error says what would have been good.
    fn read(texts: &[&str]) -> Result<Self, String>;
}

/// Reads a single value from the text that counts.
fn last<'a>(texts: &[&'a str]) -> &'a str {
    texts.last().copied().unwrap_or_default()
}

impl Setting for bool {
    const FORM: Form = Form::Switch;

    fn read(texts: &[&str]) -> Result<Self, String> {
        parse_bool(last(texts)).ok_or_else(|| "true or false".to_owned())
    }
}

/// The spellings of a yes or no that Nakama's clients and configuration files use.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

macro_rules! whole_numbers {
    ($($type:ty)*) => {$(
        impl Setting for $type {
            const FORM: Form = Form::Single;

            fn read(texts: &[&str]) -> Result<Self, String> {
                let limit = Self::MAX;
                last(texts).parse().map_err(|_| format!("a whole number from 0 to {limit}"))
            }
        }
    )*};
}
whole_numbers!(u16 u32 u64 usize);

impl Setting for String {
    const FORM: Form = Form::Single;

    fn read(texts: &[&str]) -> Result<Self, String> {
        Ok(last(texts).to_owned())
    }
}

impl Setting for PathBuf {
    const FORM: Form = Form::Single;

    fn read(texts: &[&str]) -> Result<Self, String> {
        Some(last(texts))
            .filter(|text| !text.is_empty())
            .map(Self::from)
            .ok_or_else(|| "a path".to_owned())
    }
}

impl Setting for Option<PathBuf> {
    const FORM: Form = Form::Single;

    fn read(texts: &[&str]) -> Result<Self, String> {
        let given = texts.iter().any(|text| !text.is_empty());
        given.then(|| PathBuf::read(texts)).transpose()
    }
}

/// A bad network, as a text such as `mobile,loss=5%`.
impl Setting for Option<Profile> {
    const FORM: Form = Form::Single;

    fn read(texts: &[&str]) -> Result<Self, String> {
        let text = last(texts);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|error: ProfileError| {
            format!("a network such as mobile,loss=5%; of this one, {error}")
        })
    }
}

impl Setting for IpAddr {
    const FORM: Form = Form::Single;

    fn read(texts: &[&str]) -> Result<Self, String> {
        match last(texts) {
            "" => Ok(Self::V4(Ipv4Addr::UNSPECIFIED)),
            "localhost" => Ok(Self::V4(Ipv4Addr::LOCALHOST)),
            text => text.parse().map_err(|_| {
                "an IP address such as 127.0.0.1, or 0.0.0.0 for all interfaces".to_owned()
            }),
        }
    }
}

/// A text that is never shown: its `Debug` form says only that it is there.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `guess` is this text, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn matches(&self, guess: &str) -> bool {
        self.0.as_bytes().ct_eq(guess.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Not given means: what the table says, which is empty.
impl Setting for Secret {
    const FORM: Form = Form::Secret;

    fn read(texts: &[&str]) -> Result<Self, String> {
        Ok(Self::new(last(texts)))
    }
}

/// Not given means: generated at the first start, and kept in the data folder.
impl Setting for Option<Secret> {
    const FORM: Form = Form::Secret;

    fn read(texts: &[&str]) -> Result<Self, String> {
        Ok(texts.last().map(|text| Secret::new(*text)))
    }
}

/// Not given means: the embedded database.
impl Setting for Option<Address> {
    const FORM: Form = Form::Address;

    fn read(texts: &[&str]) -> Result<Self, String> {
        let text = last(texts);
        if text.is_empty() {
            return Ok(None);
        }
        let address = Address::parse(text).ok_or_else(|| {
            "an address such as postgres://user:password@host:5432/database".to_owned()
        })?;
        Ok(Some(address))
    }
}

/// A `name=value` entry of a list; the value may contain more `=`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyValue {
    /// What stands before the first `=`.
    pub key: String,
    /// What stands after it.
    pub value: String,
}

/// Of entries with the same name the last one counts.
impl Setting for Vec<KeyValue> {
    const FORM: Form = Form::List;

    fn read(texts: &[&str]) -> Result<Self, String> {
        let mut entries = Self::new();
        for text in texts {
            let (key, value) = text
                .split_once('=')
                .filter(|(key, _)| !key.trim().is_empty())
                .ok_or_else(|| "entries of the form NAME=VALUE".to_owned())?;
            entries.retain(|entry| entry.key != key.trim());
            entries.push(KeyValue {
                key: key.trim().to_owned(),
                value: value.to_owned(),
            });
        }
        Ok(entries)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $Type:ident { $($(#[$variant_doc:meta])* $word:literal => $Variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $Type {
            $($(#[$variant_doc])* $Variant,)*
        }

        impl Setting for $Type {
            const FORM: Form = Form::Single;

            fn read(texts: &[&str]) -> Result<Self, String> {
                match last(texts).to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$Variant),)*
                    _ => Err(format!("one of {}", [$($word),*].join(", "))),
                }
            }
        }
    };
}

words! {
    /// How much is logged.
    LogLevel {
        /// Everything, a client's mistakes included.
        "debug" => Debug,
        /// What an operator wants to see of a healthy server.
        "info" => Info,
        /// What may need attention.
        "warn" => Warn,
        /// What is broken.
        "error" => Error,
    }
}

words! {
    /// When addresses have to prove themselves before a QUIC handshake.
    Retry {
        /// When there are many handshakes.
        "auto" => Auto,
        /// Always.
        "always" => Always,
    }
}

words! {
    /// How log lines look.
    LogFormat {
        /// Text if standard output is a terminal, else JSON.
        "auto" => Auto,
        /// For reading.
        "text" => Text,
        /// One JSON object a line.
        "json" => Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(
            format!("{:?}", Some(Secret::new("sesame"))),
            "Some((secret))"
        );
    }

    #[test]
    fn secrets_compare_by_content() {
        let secret = Secret::new("sesame");
        assert!(secret.matches("sesame"));
        assert!(!secret.matches("sesamE") && !secret.matches("sesam") && !secret.matches(""));
    }

    #[test]
    fn the_last_entry_of_a_name_counts() {
        let entries = Vec::<KeyValue>::read(&["A=1", "B=x=y", "A=2"]).unwrap();
        let flat: Vec<_> = entries
            .iter()
            .map(|e| (e.key.as_str(), e.value.as_str()))
            .collect();
        assert_eq!(flat, [("B", "x=y"), ("A", "2")]);
    }
}
