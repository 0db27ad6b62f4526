//! Storage objects as the rest of the server sees them.

use jiff::Timestamp;
use md5::{Digest as _, Md5};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::account::check_text;
use super::error::StoreError;

/// On whose behalf something is read or changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Actor {
    /// The server's own code, which no permission holds back.
    Server,
    /// This user.
    Player(Uuid),
}

/// What an object is found by. Batches are carried out in this order.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ObjectId {
    /// 1 to 128 characters.
    pub collection: String,
    /// 1 to 128 characters.
    pub key: String,
    /// Whose it is; nil is the system.
    pub owner: Uuid,
}

impl ObjectId {
    /// Refuses what no backend stores, and what an empty name would hide.
    fn check(&self) -> Result<(), StoreError> {
        for (column, name) in [("collection", &self.collection), ("key", &self.key)] {
            check_text(column, name, 128)?;
            if name.is_empty() {
                return Err(StoreError::Unfit { column });
            }
        }
        Ok(())
    }
}

/// Which players may read an object.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum ReadPermission {
    /// None.
    Nobody = 0,
    /// Its owner.
    #[default]
    Owner = 1,
    /// All.
    Public = 2,
}

impl ReadPermission {
    /// By its number on the wire.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Nobody, Self::Owner, Self::Public]
            .into_iter()
            .find(|permission| *permission as i32 == number)
    }
}

/// Which players may write an object.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum WritePermission {
    /// None.
    Nobody = 0,
    /// Its owner.
    #[default]
    Owner = 1,
}

impl WritePermission {
    /// By its number on the wire.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Nobody, Self::Owner]
            .into_iter()
            .find(|permission| *permission as i32 == number)
    }
}

/// Text of a JSON object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectValue {
    text: String,
    /// One that a database could not keep as JSON.
    has_nul: bool,
}

impl ObjectValue {
    /// `None` if it is not one, or one that the server's own code could not read: nested deeper than 127,
    /// or with a number that is beyond all doubles.
    #[must_use]
    pub fn parse(text: String) -> Option<Self> {
        let members: Map<String, Value> = serde_json::from_str(&text).ok()?;
        let has_nul = any_text_of_object(&members, &|text| text.contains('\0'));
        Some(Self { text, has_nul })
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) const fn has_nul(&self) -> bool {
        self.has_nul
    }

    /// The version of an object with this value.
    #[must_use]
    pub fn version(&self) -> String {
        let digest = Md5::digest(&self.text);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether a name or a text in an object is like this.
pub(super) fn any_text_of_object(members: &Map<String, Value>, is: &impl Fn(&str) -> bool) -> bool {
    members
        .iter()
        .any(|(name, value)| is(name) || any_text(value, is))
}

fn any_text(value: &Value, is: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is(text),
        Value::Array(elements) => elements.iter().any(|element| any_text(element, is)),
        Value::Object(members) => any_text_of_object(members, is),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// An object that is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredObject {
    /// What it is found by.
    pub id: ObjectId,
    /// Text of a JSON object, as it was written.
    pub value: String,
    /// MD5 of the value in lower-case hexadecimal digits.
    pub version: String,
    /// Which players may read it.
    pub read: ReadPermission,
    /// Which players may write it.
    pub write: WritePermission,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

/// What must be there for an object to be written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum ObjectCondition {
    /// Anything, or nothing.
    #[default]
    Any,
    /// Nothing.
    Absent,
    /// An object of this version.
    Version(String),
}

/// An object to be written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectWrite {
    /// What it is found by.
    pub id: ObjectId,
    /// What it shall be.
    pub value: ObjectValue,
    /// What must be there now.
    pub condition: ObjectCondition,
    /// Which players may read it from now on.
    pub read: ReadPermission,
    /// Which players may write it from now on.
    pub write: WritePermission,
}

impl ObjectWrite {
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.id.check()?;
        if self.value.has_nul() {
            return Err(StoreError::Unfit { column: "value" });
        }
        Ok(())
    }
}

/// What became of an object that was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectAck {
    /// What it is found by.
    pub id: ObjectId,
    /// Its version now.
    pub version: String,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

/// An object to be deleted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectDelete {
    /// What it is found by.
    pub id: ObjectId,
    /// The version that it must have; `None` for any.
    pub version: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<ObjectValue> {
        ObjectValue::parse(text.to_owned())
    }

    #[test]
    fn only_objects_are_values() {
        for good in ["{}", " \t\r\n{\"a\":[1,{}]} ", "{\"a\":1,\"a\":2}"] {
            assert_eq!(parse(good).unwrap().as_str(), good, "{good}");
        }
        for bad in [
            "",
            "x",
            "null",
            "[]",
            "1",
            "\"{}\"",
            "{",
            "{} {}",
            "{a:1}",
            "{\"a\":1e999}",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        let nested = |depth: usize| r#"{"a":"#.repeat(depth) + "1" + &"}".repeat(depth);
        assert!(parse(&nested(127)).is_some());
        assert_eq!(parse(&nested(100_000)), None);
    }

    #[test]
    fn a_nul_is_found_wherever_it_is() {
        for text in [
            r#"{"a":"\u0000"}"#,
            r#"{"a\u0000":1}"#,
            r#"{"a":[{"b":["x\u0000"]}]}"#,
        ] {
            assert!(parse(text).unwrap().has_nul, "{text}");
        }
        assert!(!parse(r#"{"a":"\\u0000"}"#).unwrap().has_nul);
    }

    #[test]
    fn a_version_is_the_md5_of_the_text() {
        // By `printf '{}' | md5sum`.
        let version = parse("{}").unwrap().version();
        assert_eq!(version, "99914b932bd37a50b983c5e7c90ae93b");
        assert_ne!(parse("{ }").unwrap().version(), version);
    }
}
