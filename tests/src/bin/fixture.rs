//! The server with the conformance fixture: known functions, hooks and matches that a client can drive.

use tiltyard::prelude::*;
use tiltyard_net::ServerPlugins;

fn main() -> AppExit {
    let server = ServerPlugins
        .with_default("runtime.http_key", "defaulthttpkey")
        .with_default("session.encryption_key", "defaultencryptionkey")
        .with_default(
            "session.refresh_encryption_key",
            "defaultrefreshencryptionkey",
        );
    App::new()
        .add_plugins((server, tiltyard_tests::fixture::plugin))
        .run()
}
