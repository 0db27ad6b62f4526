//! A row of either database.

use jiff::Timestamp;
use sqlx::{
    Row as _, TypeInfo as _, ValueRef as _, error::UnexpectedNullError, postgres::PgRow,
    sqlite::SqliteRow,
};
use uuid::Uuid;

use crate::store::error::StoreError;

/// A row that a statement gave. A column that is not there, or of another type, is an error.
#[derive(Debug)]
pub(in crate::store) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// A text that is never NULL.
    pub(in crate::store) fn text(&self, column: &str) -> Result<String, StoreError> {
        self.text_or_null(column)?.ok_or_else(|| null(column))
    }

    /// A text, or nothing for NULL.
    pub(in crate::store) fn text_or_null(
        &self,
        column: &str,
    ) -> Result<Option<String>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A text, empty for NULL.
    pub(in crate::store) fn text_or_empty(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.text_or_null(column)?.unwrap_or_default())
    }

    /// A whole number.
    pub(in crate::store) fn integer<T: TryFrom<i64>>(&self, column: &str) -> Result<T, StoreError>
    where
        T::Error: std::error::Error + Send + Sync + 'static,
    {
        // Of a NULL the SQLite driver would make 0.
        let wide: Option<i64> = match self {
            Self::Sqlite(row) => row.try_get(column)?,
            // A number that stands in a statement is narrower than a column.
            Self::Postgres(row) if row.try_get_raw(column)?.type_info().name() == "INT4" => {
                row.try_get::<Option<i32>, _>(column)?.map(i64::from)
            }
            Self::Postgres(row) => row.try_get(column)?,
        };
        let wide = wide.ok_or_else(|| null(column))?;
        T::try_from(wide).map_err(|error| decode(error.into()))
    }

    /// An id.
    pub(in crate::store) fn uuid(&self, column: &str) -> Result<Uuid, StoreError> {
        self.uuid_or_null(column)?.ok_or_else(|| null(column))
    }

    /// An id, or nothing for NULL.
    pub(in crate::store) fn uuid_or_null(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        let text = self.text_or_null(column)?;
        let id = text.map(|text| Uuid::parse_str(&text)).transpose();
        id.map_err(|error| decode(error.into()))
    }

    /// A time.
    pub(in crate::store) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        Timestamp::from_microsecond(self.integer(column)?).map_err(|error| decode(error.into()))
    }

    /// A time, where 1970 stands for never.
    pub(in crate::store) fn time_if_set(
        &self,
        column: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let time = self.time(column)?;
        Ok((time != Timestamp::UNIX_EPOCH).then_some(time))
    }
}

fn null(column: &str) -> StoreError {
    StoreError::Failed(sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(UnexpectedNullError),
    })
}

fn decode(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Failed(sqlx::Error::Decode(error))
}
