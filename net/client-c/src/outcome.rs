//! What a call came to.

use std::{
    any::Any,
    cell::RefCell,
    ffi::{CString, c_char},
    panic::{AssertUnwindSafe, catch_unwind},
};

use thiserror::Error;
use tiltyard_client::{OptionsError, SendError, SessionError};

/// What a call came to. Negative ones are errors, of which tiltyard_last_error() says more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(i32)]
pub enum Status {
    /// It is done; of a poll: nothing has happened.
    Ok = 0,
    /// Of a poll: something has happened.
    Event = 1,
    /// A pointer is null that must not be.
    NullPointer = -1,
    /// Text is not UTF-8.
    NotUtf8 = -2,
    /// An argument is none of those that there are.
    BadArgument = -3,
    /// The size of a structure is none that this library knows.
    BadSize = -4,
    /// Too much waits already: try again later, or send less.
    Full = -5,
    /// There is no connection.
    NotConnected = -6,
    /// The message is longer than the server takes.
    TooLong = -7,
    /// The client has stopped.
    Stopped = -8,
    /// A mistake in this library. The client is of no use any more but may be freed.
    Panic = -9,
}

/// Why a call failed.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("`{0}` is null")]
    Null(&'static str),
    #[error("`{0}` is not UTF-8")]
    NotUtf8(&'static str),
    #[error("{0}")]
    BadArgument(String),
    #[error("a structure of {0} bytes is of no version that there is")]
    BadSize(usize),
    #[error(transparent)]
    Send(#[from] SendError),
}

impl Fault {
    const fn status(&self) -> Status {
        match self {
            Self::Null(_) => Status::NullPointer,
            Self::NotUtf8(_) => Status::NotUtf8,
            Self::BadArgument(_) => Status::BadArgument,
            Self::BadSize(_) => Status::BadSize,
            Self::Send(SendError::Full) => Status::Full,
            Self::Send(SendError::NotConnected) => Status::NotConnected,
            Self::Send(SendError::TooLong) => Status::TooLong,
            Self::Send(SendError::NotRequest) => Status::BadArgument,
            Self::Send(_) => Status::Stopped,
        }
    }
}

impl From<OptionsError> for Fault {
    fn from(error: OptionsError) -> Self {
        Self::BadArgument(error.to_string())
    }
}

impl From<SessionError> for Fault {
    fn from(error: SessionError) -> Self {
        Self::BadArgument(error.to_string())
    }
}

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// What went wrong last on this thread. The pointer is good until the next call that fails.
pub(crate) fn last_error() -> *const c_char {
    LAST_ERROR.with_borrow(|error| error.as_ptr())
}

fn remember(text: &str) {
    // Zeros would end it early.
    let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
    LAST_ERROR.set(text);
}

/// Runs a call; no panic gets out of it.
pub(crate) fn guard(call: impl FnOnce() -> Result<Status, Fault>) -> Status {
    // What a panic leaves half done belongs to one client, which is of no use then.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(status)) => status,
        Ok(Err(fault)) => {
            remember(&fault.to_string());
            fault.status()
        }
        Err(panic) => {
            remember(&panic_text(&*panic));
            Status::Panic
        }
    }
}

/// Runs a call that makes something; null if it fails.
pub(crate) fn guard_new<T>(call: impl FnOnce() -> Result<T, Fault>) -> *mut T {
    let mut made = std::ptr::null_mut();
    guard(|| {
        made = Box::into_raw(Box::new(call()?));
        Ok(Status::Ok)
    });
    made
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("without a word"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_error_text() -> String {
        LAST_ERROR.with_borrow(|error| error.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_panic_is_a_status() {
        assert_eq!(guard(|| panic!("on {}", "purpose")), Status::Panic);
        assert_eq!(last_error_text(), "panic: on purpose");
        assert!(guard_new::<u8>(|| panic!("again")).is_null());
        assert_eq!(last_error_text(), "panic: again");
    }

    #[test]
    fn a_fault_says_what_is_wrong() {
        assert_eq!(guard(|| Err(Fault::Null("server"))), Status::NullPointer);
        assert_eq!(last_error_text(), "`server` is null");
        assert_eq!(guard(|| Err(SendError::Full.into())), Status::Full);
    }
}
