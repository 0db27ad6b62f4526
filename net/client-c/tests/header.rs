//! The header says what the library has.

use std::{fs, path::Path};

/// Writes the header anew if this is set; then commit it.
const WRITE: &str = "TILTYARD_WRITE_HEADER";

#[test]
fn the_header_is_the_one_that_the_source_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).expect("a config");
    let bindings = cbindgen::Builder::new()
        .with_crate(folder)
        .with_config(config)
        .generate()
        .expect("cbindgen reads the source");
    let mut expected = Vec::new();
    bindings.write(&mut expected);
    // The heading is for Rust; what is below it holds for C too.
    let expected = String::from_utf8(expected).expect("text");
    let expected = expected.replace("// # Safety\n//\n", "");
    let path = folder.join("include/tiltyard.h");
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, &expected).expect("the header can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "include/tiltyard.h is old; run the tests once with {WRITE}=1"
    );
}
