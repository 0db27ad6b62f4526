//! The functions that C calls: pointers are checked, panics are caught, and the rest is in `state`.

#![expect(
    unsafe_code,
    reason = "pointers of C are only as good as its callers say"
)]

mod client;
mod options;
mod pointer;
mod request;

use std::ffi::c_char;

use crate::outcome::last_error;

/// Version of this interface. Functions and structures only grow within one.
pub const ABI_VERSION: u32 = 1;

/// The version of the library, to compare with TILTYARD_ABI_VERSION of the header.
#[unsafe(no_mangle)]
pub extern "C" fn tiltyard_abi_version() -> u32 {
    ABI_VERSION
}

/// What went wrong last on this thread, in words; empty if nothing did. Good until the next call that
/// fails.
#[unsafe(no_mangle)]
pub extern "C" fn tiltyard_last_error() -> *const c_char {
    last_error()
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::{
        client::{tiltyard_client_free, tiltyard_client_new, tiltyard_connect, tiltyard_poll},
        options::{tiltyard_options_free, tiltyard_options_new, tiltyard_options_set_server_key},
        request::{tiltyard_rpc, tiltyard_send_match_data},
    };
    use crate::{
        event::CEvent,
        outcome::Status,
        state::{ClientOptions, ClientState},
    };

    /// A client that has nothing to do, and its options.
    fn client() -> (*mut ClientState, *mut ClientOptions) {
        // SAFETY: a text with a zero at its end, and what comes of it.
        unsafe {
            let options = tiltyard_options_new(c"http://127.0.0.1:1".as_ptr());
            (tiltyard_client_new(options), options)
        }
    }

    fn free((client, options): (*mut ClientState, *mut ClientOptions)) {
        // SAFETY: both are from `client` and not used again.
        unsafe {
            tiltyard_client_free(client);
            tiltyard_options_free(options);
        }
    }

    #[test]
    fn null_is_an_error_and_no_crash() {
        let (client, options) = client();
        // SAFETY: null is allowed everywhere.
        unsafe {
            assert!(tiltyard_options_new(null()).is_null());
            assert!(tiltyard_client_new(null_mut()).is_null());
            let status = tiltyard_options_set_server_key(options, null());
            assert_eq!(status, Status::NullPointer);
            let status = tiltyard_rpc(null_mut(), c"f".as_ptr(), c"".as_ptr(), null_mut());
            assert_eq!(status, Status::NullPointer);
            assert_eq!(tiltyard_poll(client, null_mut()), Status::NullPointer);
            let id = c"m".as_ptr();
            let status = tiltyard_send_match_data(client, id, 1, null(), 3, 0);
            assert_eq!(status, Status::NullPointer);
            tiltyard_client_free(null_mut());
            tiltyard_options_free(null_mut());
        }
        free((client, options));
    }

    #[test]
    fn text_that_is_not_utf_8_and_numbers_without_meaning_are_refused() {
        let (client, options) = client();
        // SAFETY: texts end with a zero, and the client is one.
        unsafe {
            assert!(tiltyard_options_new(c"\xff".as_ptr()).is_null());
            let status = tiltyard_connect(client, c"\xff".as_ptr(), 0);
            assert_eq!(status, Status::NotUtf8);
            let status = tiltyard_connect(client, c"no session".as_ptr(), 0);
            assert_eq!(status, Status::BadArgument);
            let id = c"m".as_ptr();
            let status = tiltyard_send_match_data(client, id, 1, null(), 0, 7);
            assert_eq!(status, Status::BadArgument);
            let status = tiltyard_send_match_data(client, id, 1, null(), 0, 0);
            assert_eq!(status, Status::NotConnected);
        }
        free((client, options));
    }

    #[test]
    fn an_event_smaller_than_it_ever_was_is_not_written() {
        let (client, options) = client();
        let mut event = CEvent::NONE;
        // SAFETY: the client and the event are there.
        unsafe {
            assert_eq!(tiltyard_poll(client, &raw mut event), Status::Ok);
            event.size = 8;
            assert_eq!(tiltyard_poll(client, &raw mut event), Status::BadSize);
        }
        free((client, options));
    }
}
