//! From pointers to what Rust can vouch for. Their callers vouch that what is not null is as it should be.

use std::{
    ffi::{CStr, c_char},
    slice,
};

use crate::outcome::Fault;

/// What a pointer leads to.
///
/// # Safety
///
/// It is null, or made by this library and not freed, and nobody else uses it meanwhile.
pub(super) unsafe fn exclusive<'a, T>(
    pointer: *mut T,
    name: &'static str,
) -> Result<&'a mut T, Fault> {
    // SAFETY: not null, and the caller vouches for the rest.
    unsafe { pointer.as_mut() }.ok_or(Fault::Null(name))
}

/// A structure to write to, which begins with its own size. It need not be initialised otherwise.
///
/// # Safety
///
/// It is null, or aligned, begins with a size, and has so many bytes.
pub(super) unsafe fn sized<T>(pointer: *mut T, name: &'static str) -> Result<*mut T, Fault> {
    if pointer.is_null() {
        return Err(Fault::Null(name));
    }
    // SAFETY: the caller vouches for a size at the beginning.
    let size = unsafe { pointer.cast::<usize>().read() };
    // Larger ones are of a program that is newer than this library.
    if size < size_of::<T>() {
        return Err(Fault::BadSize(size));
    }
    Ok(pointer)
}

/// A text.
///
/// # Safety
///
/// It is null, or ends with a zero, and nobody writes to it meanwhile.
pub(super) unsafe fn text<'a>(
    pointer: *const c_char,
    name: &'static str,
) -> Result<&'a str, Fault> {
    // SAFETY: the caller vouches for all of it.
    unsafe { optional_text(pointer, name) }?.ok_or(Fault::Null(name))
}

/// A text that may be missing.
///
/// # Safety
///
/// As for [`text`].
pub(super) unsafe fn optional_text<'a>(
    pointer: *const c_char,
    name: &'static str,
) -> Result<Option<&'a str>, Fault> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not null, and the caller vouches for the zero at its end.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map(Some).map_err(|_| Fault::NotUtf8(name))
}

/// Some bytes; null will do for none.
///
/// # Safety
///
/// It is null or has `len` bytes, and nobody writes to them meanwhile.
pub(super) unsafe fn bytes<'a>(
    pointer: *const u8,
    len: usize,
    name: &'static str,
) -> Result<&'a [u8], Fault> {
    if isize::try_from(len).is_err() {
        return Err(Fault::BadSize(len));
    }
    match (pointer.is_null(), len) {
        (true, 0) => Ok(&[]),
        (true, _) => Err(Fault::Null(name)),
        // SAFETY: not null, not longer than memory, and the caller vouches for the rest.
        (false, _) => Ok(unsafe { slice::from_raw_parts(pointer, len) }),
    }
}

/// Writes a number, if it is wanted.
///
/// # Safety
///
/// The pointer is null or writable.
pub(super) unsafe fn tell(pointer: *mut u64, number: u64) {
    if !pointer.is_null() {
        // SAFETY: not null, and the caller vouches for the rest.
        unsafe { pointer.write(number) };
    }
}

/// Frees what this library made; null is ignored.
///
/// # Safety
///
/// It is null, or made by this library, and not used again.
pub(super) unsafe fn free<T>(pointer: *mut T) {
    if pointer.is_null() {
        return;
    }
    crate::outcome::guard(|| {
        // SAFETY: the caller vouches that it came from a box of this library.
        drop(unsafe { Box::from_raw(pointer) });
        Ok(crate::outcome::Status::Ok)
    });
}
