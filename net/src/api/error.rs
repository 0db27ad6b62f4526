//! Errors as the API tells them: a status code of gRPC's numbering and a text.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::store::{GroupError, StoreError};

/// What kind of failure it was, in gRPC's numbering.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Code {
    /// The caller went away.
    Canceled = 1,
    /// Nobody knows.
    Unknown = 2,
    /// The request makes no sense, whatever the state of the server.
    InvalidArgument = 3,
    /// It took too long.
    DeadlineExceeded = 4,
    /// What was asked for is not there.
    NotFound = 5,
    /// What was to be made is there already.
    AlreadyExists = 6,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// Too much at once.
    ResourceExhausted = 8,
    /// Not now.
    FailedPrecondition = 9,
    /// Somebody else was faster.
    Aborted = 10,
    /// Past the end.
    OutOfRange = 11,
    /// There is no such operation.
    Unimplemented = 12,
    /// The server is at fault.
    Internal = 13,
    /// Try again.
    Unavailable = 14,
    /// Data is gone.
    DataLoss = 15,
    /// The caller is nobody we know.
    Unauthenticated = 16,
}

impl Code {
    /// The code that game code chose by its number; what is no code is [`Code::Internal`].
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Canceled,
            2 => Self::Unknown,
            3 => Self::InvalidArgument,
            4 => Self::DeadlineExceeded,
            5 => Self::NotFound,
            6 => Self::AlreadyExists,
            7 => Self::PermissionDenied,
            8 => Self::ResourceExhausted,
            9 => Self::FailedPrecondition,
            10 => Self::Aborted,
            11 => Self::OutOfRange,
            12 => Self::Unimplemented,
            14 => Self::Unavailable,
            15 => Self::DataLoss,
            16 => Self::Unauthenticated,
            _ => Self::Internal,
        }
    }

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u32 {
        self as u32
    }

    pub(super) fn status(self) -> StatusCode {
        let status = match self {
            Self::Canceled => 499,
            Self::InvalidArgument | Self::FailedPrecondition | Self::OutOfRange => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::AlreadyExists | Self::Aborted => 409,
            Self::ResourceExhausted => 429,
            Self::Unknown | Self::Internal | Self::DataLoss => 500,
            Self::Unimplemented => 501,
            Self::Unavailable => 503,
            Self::DeadlineExceeded => 504,
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A refusal, as its caller will read it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ApiError {
    pub(super) code: Code,
    pub(super) message: String,
    /// Whether the connection must end, because part of the request is still in it.
    pub(super) closes: bool,
}

impl ApiError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            closes: false,
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// Our fault: the cause goes to the log, the caller reads `message`.
    pub(super) fn internal(message: &str, cause: &impl std::error::Error) -> Self {
        tracing::error!(%cause, "{message}");
        Self::new(Code::Internal, message)
    }

    /// The database did not do it, and the caller reads `message`: a 503 if it may do it later. What it does not
    /// take, or whom it does not know, is the caller's mistake, told as the reference server tells it: like a
    /// fault of its own. All else is our fault.
    pub(super) fn store(message: &str, cause: &StoreError) -> Self {
        match cause {
            // The store has told the operator already, once.
            StoreError::Unavailable(_) => Self::new(Code::Unavailable, message),
            StoreError::Unfit { .. } | StoreError::NotFound => Self::new(Code::Internal, message),
            cause => Self::internal(message, cause),
        }
    }

    /// The same of groups, where the operation has no words for the cause.
    pub(super) fn group(message: &str, cause: &GroupError) -> Self {
        match cause {
            GroupError::Store(cause) => Self::store(message, cause),
            _ => Self::new(Code::Internal, message),
        }
    }

    pub(super) fn too_large() -> Self {
        Self {
            closes: true,
            ..Self::invalid("http: request body too large")
        }
    }

    pub(super) fn too_slow() -> Self {
        Self {
            closes: true,
            ..Self::new(Code::DeadlineExceeded, "context deadline exceeded")
        }
    }

    /// Has the connection end after its response, if it must.
    pub(super) fn end(&self, response: &mut Response) {
        if self.closes {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
    }

    /// The body that gateway routes answer with.
    pub(super) fn body(&self) -> String {
        json!({"code": self.code.number(), "message": self.message}).to_string()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = super::gateway::json(self.code.status(), self.body());
        if self.code == Code::Unauthenticated
            && let Ok(message) = HeaderValue::from_str(&self.message)
        {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, message);
        }
        self.end(&mut response);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_database_that_may_come_back_is_unavailable() {
        let gone = StoreError::Unavailable(sqlx::Error::PoolTimedOut);
        let error = ApiError::store("Error finding user account.", &gone);
        let body = r#"{"code":14,"message":"Error finding user account."}"#;
        assert_eq!(
            (error.body().as_str(), error.code.status()),
            (body, StatusCode::SERVICE_UNAVAILABLE)
        );
        let broken = StoreError::Failed(sqlx::Error::RowNotFound);
        let error = ApiError::store("Error finding user account.", &broken);
        assert_eq!(error.code, Code::Internal);
        let unfit = StoreError::Unfit { column: "name" };
        for cause in [unfit, broken, gone] {
            let code = ApiError::store("", &cause).code;
            assert_eq!(ApiError::group("", &cause.into()).code, code);
        }
    }
}
