//! The client of Tiltyard servers for C and everything that can call C.
//!
//! ```text
//! C ── pointers ──► ffi ── checked ──► state ──► tiltyard_client::Client
//! C ◄── tiltyard_event, whose pointers lead into ── event ◄──┘
//! ```
//!
//! `ffi` has all that is unsafe: it turns pointers into references and text, and lets no panic across.
//! `include/tiltyard.h` is made from it; a test compares the two.

#![expect(
    unreachable_pub,
    reason = "what is public is so for C, and for cbindgen, which reads the files"
)]

mod event;
mod ffi;
mod outcome;
mod state;
