//! Clients: from making one to freeing it.

use std::{ffi::c_char, time::Duration};

use super::pointer::{exclusive, free, shared, sized, text};
use crate::{
    event::CEvent,
    outcome::{Status, guard, guard_new},
    state::{CStats, ClientOptions, ClientState},
};

/// A client; null if the system gives no thread. To be freed. The options are only read: they may be used
/// for other clients, by several threads at once, and may be freed when this returns.
///
/// A client may move between threads, and only one at a time may use it.
///
/// # Safety
///
/// `options` is null or from tiltyard_options_new(), and nobody sets them meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_client_new(options: *const ClientOptions) -> *mut ClientState {
    guard_new(|| {
        // SAFETY: the caller vouches for the pointer.
        let options = unsafe { shared(options, "options") }?;
        ClientState::new(options)
    })
}

/// Says goodbye to the server, which takes a second at most, and frees a client. Null is ignored.
///
/// # Safety
///
/// `client` is null or from tiltyard_client_new(), and neither it nor what its events point to is used
/// again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_client_free(client: *mut ClientState) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(client) }
}

/// Connects with a session, the text of an event, over one of TILTYARD_TRANSPORT_AUTO, _QUIC and
/// _WEBSOCKET.
///
/// # Safety
///
/// `client` is null or from tiltyard_client_new(); `session` is null or a text that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_connect(
    client: *mut ClientState,
    session: *const c_char,
    transport: i32,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the text.
        let session = unsafe { text(session, "session") }?.to_owned();
        // SAFETY: the caller vouches for the pointer.
        unsafe { exclusive(client, "client") }?.connect(&session, transport)?;
        Ok(Status::Ok)
    })
}

/// Closes the connection, or gives up trying.
///
/// # Safety
///
/// `client` is null or from tiltyard_client_new().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_disconnect(client: *mut ClientState) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the pointer.
        unsafe { exclusive(client, "client") }?.disconnect()?;
        Ok(Status::Ok)
    })
}

/// TILTYARD_STATUS_EVENT and the next thing that happened, or TILTYARD_STATUS_OK if there is none. When
/// the client has stopped and all is told, TILTYARD_STATUS_STOPPED.
///
/// # Safety
///
/// `client` is null or from tiltyard_client_new(); `event` is null or has as many bytes as its size
/// says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_poll(client: *mut ClientState, event: *mut CEvent) -> Status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { tiltyard_wait(client, event, 0) }
}

/// The same, and waits for it up to so many milliseconds. For tools; games poll.
///
/// # Safety
///
/// As for tiltyard_poll().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_wait(
    client: *mut ClientState,
    event: *mut CEvent,
    timeout_ms: u32,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the pointers.
        let (client, event) = unsafe { (exclusive(client, "client")?, sized(event, "event")?) };
        let Some(happened) = client.poll(Duration::from_millis(timeout_ms.into()))? else {
            return Ok(Status::Ok);
        };
        // SAFETY: it has room for one.
        unsafe { event.write(happened) };
        Ok(Status::Event)
    })
}

/// How the connection does.
///
/// # Safety
///
/// `client` is null or from tiltyard_client_new(); `stats` is null or has as many bytes as its size
/// says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_read_stats(
    client: *mut ClientState,
    stats: *mut CStats,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the pointers.
        let (client, stats) = unsafe { (exclusive(client, "client")?, sized(stats, "stats")?) };
        // SAFETY: it has room for them.
        unsafe { stats.write(client.stats()) };
        Ok(Status::Ok)
    })
}
