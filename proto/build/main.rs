//! Turns the `.proto` files into Rust without a system protoc.

use std::error::Error;

#[expect(clippy::print_stdout, reason = "this is how to speak to cargo")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["api.proto", "realtime.proto"], ["proto"])?;
    // Sorted maps make the same message the same bytes. `bytes` fields stay `Vec<u8>`: a payload
    // that waits in a queue must own its bytes and not pin the read buffer that it came in.
    prost_build::Config::new()
        .btree_map(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
