//! [`tiltyard_proto_fuzz::framing`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tiltyard_proto_fuzz::framing(bytes));
