//! Options.

use std::ffi::c_char;

use tiltyard_client::{Options, Reconnect};

use super::pointer::{exclusive, free, text};
use crate::{
    outcome::{Status, guard, guard_new},
    state::ClientOptions,
};

/// Options for a server such as "http://127.0.0.1:7350"; null if that is no address. To be freed.
///
/// # Safety
///
/// `server` is null or a text that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_options_new(server: *const c_char) -> *mut ClientOptions {
    guard_new(|| {
        // SAFETY: the caller vouches for the text.
        let server = unsafe { text(server, "server") }?;
        Ok(ClientOptions(Options::new(server)?))
    })
}

/// Frees options; null is ignored.
///
/// # Safety
///
/// `options` is null or came from tiltyard_options_new(), and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_options_free(options: *mut ClientOptions) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(options) }
}

/// Sets the key that server and game agree on. It is "defaultkey" otherwise.
///
/// # Safety
///
/// `options` is null or from tiltyard_options_new(); `key` is null or a text that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_options_set_server_key(
    options: *mut ClientOptions,
    key: *const c_char,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the pointer.
        let options = unsafe { exclusive(options, "options") }?;
        // SAFETY: the caller vouches for the text.
        options.0.server_key = unsafe { text(key, "key") }?.to_owned();
        Ok(Status::Ok)
    })
}

/// Trusts the certificate authorities in this PEM text, and no others.
///
/// # Safety
///
/// `options` is null or from tiltyard_options_new(); `pem` is null or a text that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_options_trust_pem(
    options: *mut ClientOptions,
    pem: *const c_char,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the pointer.
        let options = unsafe { exclusive(options, "options") }?;
        // SAFETY: the caller vouches for the text.
        let pem = unsafe { text(pem, "pem") }?;
        options.0 = options.0.clone().trust_pem(pem.as_bytes())?;
        Ok(Status::Ok)
    })
}

/// Sets how often a lost connection is tried again; 0 for never. It is without end otherwise.
///
/// # Safety
///
/// `options` is null or from tiltyard_options_new().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_options_set_reconnect(
    options: *mut ClientOptions,
    attempts_max: u32,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the pointer.
        let options = unsafe { exclusive(options, "options") }?;
        let mut reconnect = Reconnect::default();
        reconnect.attempts_max = attempts_max;
        options.0.reconnect = reconnect;
        Ok(Status::Ok)
    })
}
