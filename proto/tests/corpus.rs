//! What the fuzz targets found of interest, gone through by the same functions.

#[path = "../fuzz/src/lib.rs"]
pub mod fuzz;

use std::{fs, path::Path};

fn replay(name: &str, target: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let files = fs::read_dir(&folder).expect("the target has a corpus");
    let mut count = 0;
    for file in files {
        let path = file.expect("the folder can be read").path();
        target(&fs::read(&path).expect("so can its files"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn corpus_of_datagrams_breaks_nothing() {
    replay("datagram", fuzz::datagram);
}

#[test]
fn corpus_of_streams_breaks_nothing() {
    replay("framing", fuzz::framing);
}

#[test]
fn corpus_of_control_streams_breaks_nothing() {
    replay("hello", fuzz::hello);
}

#[test]
fn corpus_of_envelopes_breaks_nothing() {
    replay("envelope", fuzz::envelope);
}
