//! From pointers to what Rust can vouch for. Their callers vouch that what is not null is as it should be.

use std::{
    ffi::{CStr, c_char},
    marker::PhantomData,
    slice,
};

use crate::{event::CEvent, outcome::Fault, state::CStats};

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

/// What a pointer leads to, to read.
///
/// # Safety
///
/// It is null, or made by this library and not freed, and nobody changes it meanwhile.
pub(super) unsafe fn shared<'a, T>(pointer: *const T, name: &'static str) -> Result<&'a T, Fault> {
    // SAFETY: not null, and the caller vouches for the rest.
    unsafe { pointer.as_ref() }.ok_or(Fault::Null(name))
}

/// A structure that a program makes room for, and to which later versions add fields at the end.
///
/// # Safety
///
/// It is `repr(C)`, begins with its size as `usize`, may be copied byte by byte, and has had at least
/// `FIRST_SIZE` bytes in every version.
pub(super) unsafe trait Growing: Copy {
    /// Its size in version 1 of the interface, which is for ever. No new field goes into it.
    const FIRST_SIZE: usize;
}

// SAFETY: it is `repr(C)`, begins with its size, and has numbers and pointers.
unsafe impl Growing for CEvent {
    const FIRST_SIZE: usize = Self::FIRST_SIZE;
}

// SAFETY: it is `repr(C)`, begins with its size, and has numbers.
unsafe impl Growing for CStats {
    const FIRST_SIZE: usize = Self::FIRST_SIZE;
}

/// Room for a structure in the program's own version of it, older or newer than the library's.
pub(super) struct Room<T> {
    start: *mut u8,
    size: usize,
    of: PhantomData<T>,
}

/// A structure to write to, which begins with its own size. It need not be initialised otherwise.
///
/// # Safety
///
/// It is null, or aligned, begins with a size, and has so many bytes.
pub(super) unsafe fn sized<T: Growing>(
    pointer: *mut T,
    name: &'static str,
) -> Result<Room<T>, Fault> {
    if pointer.is_null() {
        return Err(Fault::Null(name));
    }
    // SAFETY: the caller vouches for a size at the beginning.
    let size = unsafe { pointer.cast::<usize>().read() };
    if size < T::FIRST_SIZE {
        return Err(Fault::BadSize(size));
    }
    Ok(Room {
        start: pointer.cast(),
        size,
        of: PhantomData,
    })
}

impl<T: Growing> Room<T> {
    /// Writes what both versions know, but for the size, which is the program's own.
    ///
    /// # Safety
    ///
    /// What the caller of [`sized`] vouched for still holds.
    pub(super) unsafe fn write(self, value: T) {
        let end = self.size.min(size_of::<T>());
        let from = (&raw const value).cast::<u8>();
        let head = size_of::<usize>();
        // SAFETY: both have `end` bytes, which are no less than the head, and they do not overlap, as one
        // of them is our own.
        unsafe { from.add(head).copy_to(self.start.add(head), end - head) };
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A structure as it began, as this library has it, and as a program of later has it.
    #[repr(C)]
    struct Old {
        size: usize,
        first: u64,
    }

    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Now {
        size: usize,
        first: u64,
        second: u64,
    }

    #[repr(C)]
    struct Later {
        size: usize,
        first: u64,
        second: u64,
        third: u64,
    }

    // SAFETY: it is `repr(C)`, begins with its size, and `Old` is how it began.
    unsafe impl Growing for Now {
        const FIRST_SIZE: usize = size_of::<Old>();
    }

    const NOW: Now = Now {
        size: size_of::<Now>(),
        first: 1,
        second: 2,
    };

    fn write<T>(to: &mut T) -> Result<(), Fault> {
        // SAFETY: it begins with its size.
        unsafe {
            sized::<Now>((&raw mut *to).cast(), "test")?.write(NOW);
        }
        Ok(())
    }

    #[test]
    fn an_older_program_gets_what_it_has_room_for() {
        let mut room = [
            Old {
                size: size_of::<Old>(),
                first: 7,
            },
            Old { size: 7, first: 7 },
        ];
        write(&mut room).unwrap();
        assert_eq!((room[0].size, room[0].first), (size_of::<Old>(), 1));
        assert_eq!((room[1].size, room[1].first), (7, 7), "that is not its");
    }

    #[test]
    fn a_newer_program_gets_what_the_library_knows() {
        let mut later = Later {
            size: size_of::<Later>(),
            first: 7,
            second: 7,
            third: 7,
        };
        write(&mut later).unwrap();
        let Later {
            size,
            first,
            second,
            third,
        } = later;
        assert_eq!((size, first, second, third), (size_of::<Later>(), 1, 2, 7));
    }

    #[test]
    fn what_is_smaller_than_it_ever_was_is_refused() {
        let mut old = Old { size: 8, first: 7 };
        assert!(matches!(write(&mut old), Err(Fault::BadSize(8))));
        assert_eq!(old.first, 7);
    }
}
