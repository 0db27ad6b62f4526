//! Turns the `.proto` files into Rust without a system protoc.
//!
//! prost writes the structs and their protobuf coding; [`json`] writes their JSON coding, and
//! [`sample`] a way to make arbitrary values for tests, and [`openapi`] the schemas that describe
//! them, all from the same descriptors.

mod json;
mod openapi;
mod sample;
mod schema;

use std::{env, error::Error, fs, path::Path};

use crate::schema::Schema;

#[expect(clippy::print_stdout, reason = "this is how to speak to cargo")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["api.proto", "control.proto", "realtime.proto"], ["proto"])?;
    let schema = Schema::read(&descriptors);
    let schemas = openapi::generate(&descriptors);
    // Sorted maps make the same message the same bytes. `bytes` fields stay `Vec<u8>`: a payload
    // that waits in a queue must own its bytes and not pin the read buffer that it came in.
    // `Hello` has a token, which no log may show, so its `Debug` is written by hand.
    prost_build::Config::new()
        .btree_map(["."])
        .skip_debug(["tiltyard.v1.Hello"])
        .compile_fds(descriptors)?;
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("json.rs"), json::generate(&schema))?;
    fs::write(Path::new(&out).join("sample.rs"), sample::generate(&schema))?;
    fs::write(Path::new(&out).join("schemas.json"), schemas)?;
    Ok(())
}
