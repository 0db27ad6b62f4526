//! Why the database did not do what it was asked.

use thiserror::Error;

use crate::{
    functions::RpcError, notification::NotificationError, store::STORE_QUESTIONS_MAX,
    store::StoreFailure,
};

/// Why an ask came to nothing. Nothing of what it asked for was done, save where a variant says so.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DataError {
    /// What was named does not exist.
    #[error("not found")]
    NotFound,
    /// Somebody else was first: the version is another one, the name is in use, or the group is full. Reading
    /// again and deciding anew may help.
    #[error("conflict")]
    Conflict,
    /// Those it was asked for may not do it.
    #[error("permission denied")]
    PermissionDenied,
    /// What was asked makes no sense or does not fit, for this reason.
    #[error("{0}")]
    Invalid(String),
    /// Too many asks wait already: 64 of one match, or 16,384 of the whole server. Asking later helps.
    #[error("too many asks wait for the database")]
    Busy,
    /// The database does not answer for now. A change may have been made all the same; asking later helps.
    #[error("the database does not answer")]
    Unavailable,
    /// The database failed. A change may have been made all the same.
    #[error("the database failed")]
    Failed,
}

const _: () = assert!(
    STORE_QUESTIONS_MAX == 16_384,
    "the text of `Busy` says the number"
);

impl DataError {
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    /// Whether the database did not even say no.
    pub(crate) const fn is_outage(&self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable | Self::Failed)
    }
}

impl From<StoreFailure> for DataError {
    fn from(failure: StoreFailure) -> Self {
        match failure {
            StoreFailure::Busy => Self::Busy,
            StoreFailure::Unavailable => Self::Unavailable,
            StoreFailure::Failed => Self::Failed,
        }
    }
}

impl From<NotificationError> for DataError {
    fn from(error: NotificationError) -> Self {
        Self::invalid(error.to_string())
    }
}

/// A function may pass on why the database did not do it.
impl From<DataError> for RpcError {
    fn from(error: DataError) -> Self {
        let code = match error {
            DataError::NotFound => Self::NOT_FOUND,
            DataError::Conflict => Self::ABORTED,
            DataError::PermissionDenied => Self::PERMISSION_DENIED,
            DataError::Invalid(_) => Self::INVALID_ARGUMENT,
            DataError::Busy | DataError::Unavailable => Self::UNAVAILABLE,
            DataError::Failed => Self::INTERNAL,
        };
        Self::new(code, error.to_string())
    }
}
