//! The server with the conformance fixture: known functions, hooks and matches that a client can drive.

use tiltyard::prelude::*;
use tiltyard_net::ServerPlugins;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> AppExit {
    let server = ServerPlugins
        .with_default("runtime.http_key", "defaulthttpkey")
        .with_default("session.encryption_key", "defaultencryptionkey")
        .with_default(
            "session.refresh_encryption_key",
            "defaultrefreshencryptionkey",
        )
        // What is compared with was recorded from a server that matches after intervals only.
        .with_default("matchmaker.eager", "false");
    App::new()
        .add_plugins((server, tiltyard_tests::fixture::plugin))
        .run()
}
