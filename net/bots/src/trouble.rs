//! What can go wrong with a bot.

use thiserror::Error;

/// Why a bot got no further. Its text is what errors are counted by.
#[derive(Clone, Debug, Error)]
pub(crate) enum Trouble {
    #[error("login refused with {status}: {message}")]
    LoginRefused { status: u16, message: String },
    #[error("login: {0}")]
    Login(String),
    #[error("connect: {0}")]
    Connect(String),
    #[error("join: {0}")]
    Join(String),
    #[error("lost: {code} {reason}")]
    Closed { code: u32, reason: String },
    #[error("lost: {0}")]
    Lost(String),
}

pub(crate) fn connect(error: impl ToString) -> Trouble {
    Trouble::Connect(error.to_string())
}

pub(crate) fn join(error: impl ToString) -> Trouble {
    Trouble::Join(error.to_string())
}

pub(crate) fn lost(error: impl ToString) -> Trouble {
    Trouble::Lost(error.to_string())
}
