//! A statement with its values, for either database.

use jiff::Timestamp;
use sqlx::{Arguments, Database, Encode, Type, query::Query};
use uuid::Uuid;

/// A statement and what is bound to its `$1`, `$2`, ….
#[derive(Clone, Debug)]
pub(in crate::store) struct Sql {
    text: &'static str,
    values: Vec<Value>,
}

/// Begins a statement.
pub(in crate::store) const fn sql(text: &'static str) -> Sql {
    Sql {
        text,
        values: Vec::new(),
    }
}

impl Sql {
    /// Gives the next parameter its value.
    #[must_use]
    pub(in crate::store) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Gives the next parameter a list, for `SELECT value FROM json_each($1)`.
    #[must_use]
    pub(in crate::store) fn bind_list<T: ToString>(self, values: &[T]) -> Self {
        let list = values
            .iter()
            .map(ToString::to_string)
            .collect::<serde_json::Value>();
        self.bind(list.to_string())
    }

    /// The same for a driver.
    pub(super) fn query<'q, D>(self) -> Query<'q, D, D::Arguments>
    where
        D: Database,
        D::Arguments: Arguments<Database = D>,
        Option<String>: Encode<'q, D> + Type<D>,
        Option<i64>: Encode<'q, D> + Type<D>,
    {
        let query = sqlx::query::<D>(self.text);
        self.values
            .into_iter()
            .fold(query, |query, value| match value {
                Value::Text(text) => query.bind(text),
                Value::Integer(integer) => query.bind(integer),
            })
    }
}

/// What can be bound. There are no other types in the schema.
#[derive(Clone, Debug)]
pub(in crate::store) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Text(Some(id.to_string()))
    }
}

impl From<Option<Uuid>> for Value {
    fn from(id: Option<Uuid>) -> Self {
        Self::Text(id.map(|id| id.to_string()))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Integer(Some(time.as_microsecond()))
    }
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl From<$type> for Value {
            fn from(integer: $type) -> Self {
                Self::Integer(Some(integer.into()))
            }
        }

        impl From<Option<$type>> for Value {
            fn from(integer: Option<$type>) -> Self {
                Self::Integer(integer.map(Into::into))
            }
        }
    )*};
}
integers!(i64 i32 u32 u8);
