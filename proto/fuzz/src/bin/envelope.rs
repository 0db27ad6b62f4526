//! [`tiltyard_proto_fuzz::envelope`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tiltyard_proto_fuzz::envelope(bytes));
