//! How a session over QUIC or WebTransport begins and ends, and how datagrams name its matches.
//!
//! The messages are those of `proto/control.proto`, each the body of one [frame](crate::framing):
//!
//! ```text
//! client                              server
//!   HELLO ───────────────────────────→
//!   ENVELOPE … (may follow at once)    checks version and token
//!        ←─────────────────────────── WELCOME, or GOODBYE and the end
//!        ←── ENVELOPE, MATCH_HANDLE ─→
//!        ←───────── GOODBYE ─────────→ the last frame of whoever ends it
//! ```

use std::fmt;

#[allow(
    clippy::derive_partial_eq_without_eq,
    reason = "written by prost; whether it is there depends on its version"
)]
#[allow(clippy::use_self, reason = "written by prost")]
mod messages {
    include!(concat!(env!("OUT_DIR"), "/tiltyard.v1.rs"));
}

pub use messages::{Goodbye, Hello, MatchHandle, Welcome};

/// The version that this crate speaks, for [`Hello::version`] and [`Welcome::version`].
pub const VERSION: u32 = 1;

/// What clients and servers name in TLS to speak this over bare QUIC.
pub const ALPN: &[u8] = b"tiltyard/1";

/// Where browsers open their WebTransport session.
pub const WEBTRANSPORT_PATH: &str = "/wt";

/// The most that the length of a [`Hello`] frame may say.
///
/// HTTP servers allow a request line with a token of this size too.
pub const HELLO_BYTES_MAX: usize = 8192;

/// Why a session ended: [`Goodbye::code`], and the code with which the connection is closed.
///
/// The first three and 1009 are those of WebSockets (RFC 6455, section 7.4.1); the others begin
/// with 4 and end as the HTTP status that says the same.
pub mod code {
    /// Over; the reason says why.
    pub const OVER: u32 = 1000;
    /// The server stops.
    pub const STOPPING: u32 = 1001;
    /// The other broke the protocol.
    pub const BROKEN: u32 = 1002;
    /// A frame is too long.
    pub const TOO_LONG: u32 = 1009;
    /// The first frame is no `HELLO`.
    pub const NOT_HELLO: u32 = 4400;
    /// Missing or invalid token.
    pub const BAD_TOKEN: u32 = 4401;
    /// No `HELLO` in time.
    pub const HELLO_LATE: u32 = 4408;
    /// The version is not spoken here; the reason names those that are.
    pub const VERSION: u32 = 4426;
    /// The server is full or stops.
    pub const FULL: u32 = 4503;
}

/// Everything but the token, which opens the session to whoever reads it in a log.
impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hello")
            .field("version", &self.version)
            .field("token_bytes", &self.token.len())
            .field("online", &self.online)
            .field("lang", &self.lang)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    proptest! {
        #[test]
        fn decoding_undoes_encoding(version: u32, token: String, online: bool, lang: String) {
            let hello = Hello { version, token: token.clone(), online, lang };
            prop_assert_eq!(Hello::decode(&*hello.encode_to_vec()), Ok(hello));
            let welcome = Welcome { version, session_id: token.clone() };
            prop_assert_eq!(Welcome::decode(&*welcome.encode_to_vec()), Ok(welcome));
            let goodbye = Goodbye { code: version, reason: token.clone() };
            prop_assert_eq!(Goodbye::decode(&*goodbye.encode_to_vec()), Ok(goodbye));
            let handle = MatchHandle { handle: version, match_id: token };
            prop_assert_eq!(MatchHandle::decode(&*handle.encode_to_vec()), Ok(handle));
        }

        #[test]
        fn no_bytes_panic_the_decoders(bytes: Vec<u8>) {
            drop(Hello::decode(&*bytes));
            drop(Welcome::decode(&*bytes));
            drop(Goodbye::decode(&*bytes));
            drop(MatchHandle::decode(&*bytes));
        }
    }

    #[test]
    fn no_log_shows_a_token() {
        let token = "secret".to_owned();
        let hello = Hello {
            token,
            ..Hello::default()
        };
        assert!(!format!("{hello:?}").contains("secret"));
    }
}
