//! What is asked and sent.

use std::ffi::c_char;

use tiltyard_client::{Account, RequestId};

use super::pointer::{bytes, exclusive, optional_text, tell, text};
use crate::{
    outcome::{Fault, Status, guard},
    state::ClientState,
};

/// Asks for a session of the account of a device: an id of 10 to 128 bytes that only this device has.
/// `username` may be null; `request` may be null, and otherwise gets the number of this call.
///
/// # Safety
///
/// `client` is null or from tiltyard_client_new(); texts are null or end with a zero; `request` is null
/// or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_authenticate_device(
    client: *mut ClientState,
    id: *const c_char,
    username: *const c_char,
    create: bool,
    request: *mut u64,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the text.
        let account = Account::device(unsafe { text(id, "id") }?);
        // SAFETY: the caller vouches for all of them.
        unsafe { authenticate(client, account, username, create, request) }
    })
}

/// The same for the account with an address and a password.
///
/// # Safety
///
/// As for tiltyard_authenticate_device().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_authenticate_email(
    client: *mut ClientState,
    email: *const c_char,
    password: *const c_char,
    username: *const c_char,
    create: bool,
    request: *mut u64,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the texts.
        let (email, password) = unsafe { (text(email, "email")?, text(password, "password")?) };
        let account = Account::email(email, password);
        // SAFETY: the caller vouches for all of them.
        unsafe { authenticate(client, account, username, create, request) }
    })
}

/// The same for an account with an id of some other service.
///
/// # Safety
///
/// As for tiltyard_authenticate_device().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_authenticate_custom(
    client: *mut ClientState,
    id: *const c_char,
    username: *const c_char,
    create: bool,
    request: *mut u64,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the text.
        let account = Account::custom(unsafe { text(id, "id") }?);
        // SAFETY: the caller vouches for all of them.
        unsafe { authenticate(client, account, username, create, request) }
    })
}

/// Goes into a match.
///
/// # Safety
///
/// `client` is null or from tiltyard_client_new(); `match_id` is null or a text that ends with a zero;
/// `request` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_join_match(
    client: *mut ClientState,
    match_id: *const c_char,
    request: *mut u64,
) -> Status {
    // SAFETY: the caller vouches for all of them.
    unsafe { ask(client, match_id, request, ClientState::join_match) }
}

/// Leaves a match.
///
/// # Safety
///
/// As for tiltyard_join_match().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_leave_match(
    client: *mut ClientState,
    match_id: *const c_char,
    request: *mut u64,
) -> Status {
    // SAFETY: the caller vouches for all of them.
    unsafe { ask(client, match_id, request, ClientState::leave_match) }
}

/// Asks whatever the protocol has: an envelope in JSON, such as {"match_create":{"name":"duel"}}.
///
/// # Safety
///
/// As for tiltyard_join_match().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_send_json(
    client: *mut ClientState,
    envelope: *const c_char,
    request: *mut u64,
) -> Status {
    // SAFETY: the caller vouches for all of them.
    unsafe { ask(client, envelope, request, ClientState::send_json) }
}

/// Calls a function of the server.
///
/// # Safety
///
/// `client` is null or from tiltyard_client_new(); texts are null or end with a zero; `request` is null
/// or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_rpc(
    client: *mut ClientState,
    id: *const c_char,
    payload: *const c_char,
    request: *mut u64,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the texts.
        let (id, payload) = unsafe { (text(id, "id")?, text(payload, "payload")?) };
        // SAFETY: the caller vouches for the pointer.
        let asked = unsafe { exclusive(client, "client") }?.rpc(id, payload)?;
        // SAFETY: the caller vouches for the pointer.
        unsafe { tell(request, asked.number()) };
        Ok(Status::Ok)
    })
}

/// Sends data to a match that this client has joined, by one of TILTYARD_DELIVERY_RELIABLE,
/// _UNRELIABLE and _NEWEST. There is no answer. The data is copied.
///
/// # Safety
///
/// `client` is null or from tiltyard_client_new(); `match_id` is null or a text that ends with a zero;
/// `data` has `data_len` bytes, or is null and `data_len` 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tiltyard_send_match_data(
    client: *mut ClientState,
    match_id: *const c_char,
    op_code: i64,
    data: *const u8,
    data_len: usize,
    delivery: i32,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the bytes.
        let data = unsafe { bytes(data, data_len, "data") }?;
        // SAFETY: the caller vouches for the text.
        let match_id = unsafe { text(match_id, "match_id") }?;
        // SAFETY: the caller vouches for the pointer.
        let client = unsafe { exclusive(client, "client") }?;
        client.send_match_data(match_id, op_code, data, delivery)?;
        Ok(Status::Ok)
    })
}

/// What all ways to authenticate share.
///
/// # Safety
///
/// As for `tiltyard_authenticate_device`.
unsafe fn authenticate(
    client: *mut ClientState,
    account: Account,
    username: *const c_char,
    create: bool,
    request: *mut u64,
) -> Result<Status, Fault> {
    // SAFETY: the caller vouches for the text.
    let username = unsafe { optional_text(username, "username") }?;
    // SAFETY: the caller vouches for the pointer.
    let client = unsafe { exclusive(client, "client") }?;
    let asked = client.authenticate(account, username, create)?;
    // SAFETY: the caller vouches for the pointer.
    unsafe { tell(request, asked.number()) };
    Ok(Status::Ok)
}

/// What all requests with one text share.
///
/// # Safety
///
/// As for `tiltyard_join_match`.
unsafe fn ask(
    client: *mut ClientState,
    about: *const c_char,
    request: *mut u64,
    call: impl FnOnce(&mut ClientState, &str) -> Result<RequestId, Fault>,
) -> Status {
    guard(|| {
        // SAFETY: the caller vouches for the text.
        let about = unsafe { text(about, "text") }?;
        // SAFETY: the caller vouches for the pointer.
        let asked = call(unsafe { exclusive(client, "client") }?, about)?;
        // SAFETY: the caller vouches for the pointer.
        unsafe { tell(request, asked.number()) };
        Ok(Status::Ok)
    })
}
