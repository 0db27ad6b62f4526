//! What a client can be told before it starts.

use std::time::Duration;

use hyper::http::Uri;
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use thiserror::Error;
use tiltyard_link::Profile;

/// How a client behaves. Fields that any value suits are public.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    pub(crate) server: ServerAddress,
    pub(crate) trust: Trust,
    pub(crate) network: Option<Profile>,
    /// What server and game agree on; it is no secret. Default `defaultkey`.
    pub server_key: String,
    /// Whether the player appears online to those who follow them. Default yes.
    pub online: bool,
    /// Language of the player, such as `en`.
    pub language: String,
    /// How long QUIC is tried alone before a WebSocket is tried too. Default 500 ms: two lost packets
    /// of a handshake on a path of 100 ms.
    pub quic_head_start: Duration,
    /// How long one attempt to connect may take in all. Default 15 s.
    pub connect_timeout: Duration,
    /// Whether and how a lost connection is opened again.
    pub reconnect: Reconnect,
    /// Events that may wait for the game, those that may be lost aside. With more, the connection is
    /// closed as [`NotPolled`](crate::Ended::NotPolled). Default 4096.
    pub events_max: usize,
    /// Match data that may wait for the game and may be lost; with more, the oldest are dropped and
    /// counted. Default 1024.
    pub lossy_events_max: usize,
    /// Messages that may wait to be sent, of those that may be lost and of the others each. With
    /// more, sending gives [`Full`](crate::SendError::Full). Default 256.
    pub sends_max: usize,
    /// Requests that may wait for an answer; with more, sending gives
    /// [`Full`](crate::SendError::Full). Default 256.
    pub requests_max: usize,
    /// The longest message that the server takes: its `socket.max_message_size_bytes`. Default 4096.
    pub message_bytes_max: usize,
}

impl Options {
    /// The usual, for a server at `http://host:port` or `https://host:port`.
    ///
    /// Ports that are not given are those of the web, 80 and 443. Over `http` nothing is secret, and
    /// QUIC is only as safe as the answer that says which certificates to trust.
    ///
    /// # Errors
    ///
    /// If `server` is no such address.
    pub fn new(server: &str) -> Result<Self, OptionsError> {
        Ok(Self {
            server: ServerAddress::parse(server)?,
            trust: Trust::default(),
            network: None,
            server_key: "defaultkey".into(),
            online: true,
            language: "en".into(),
            quic_head_start: Duration::from_millis(500),
            connect_timeout: Duration::from_secs(15),
            reconnect: Reconnect::default(),
            events_max: 4096,
            lossy_events_max: 1024,
            sends_max: 256,
            requests_max: 256,
            message_bytes_max: 4096,
        })
    }

    /// Trusts the certificate authorities in this PEM text, and no others.
    ///
    /// # Errors
    ///
    /// If there is none in it.
    pub fn trust_pem(mut self, pem: &[u8]) -> Result<Self, OptionsError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| OptionsError::NotPem)?;
            roots
                .add(certificate)
                .map_err(|_| OptionsError::NotAuthority)?;
        }
        if roots.is_empty() {
            return Err(OptionsError::NotPem);
        }
        self.trust = Trust::Roots(roots);
        Ok(self)
    }

    /// Puts connections on a bad network: QUIC, and WebSockets, but not what is asked over HTTP.
    #[must_use]
    pub fn network(mut self, profile: Profile) -> Self {
        self.network = Some(profile);
        self
    }

    /// Trusts these certificate authorities, and no others.
    #[must_use]
    pub fn trust_roots(mut self, roots: RootCertStore) -> Self {
        self.trust = Trust::Roots(roots);
        self
    }
}

/// Why something is no option.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum OptionsError {
    /// Neither `http://` nor `https://` and a host.
    #[error("{0} is no address such as http://127.0.0.1:7350")]
    BadServer(String),
    /// No certificate in PEM form.
    #[error("there is no certificate in this PEM text")]
    NotPem,
    /// A certificate that cannot vouch for others.
    #[error("a certificate is none of an authority")]
    NotAuthority,
}

/// What a client connects over.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Transport {
    /// QUIC, and a WebSocket where QUIC does not get through.
    #[default]
    Auto,
    /// QUIC or nothing.
    Quic,
    /// A WebSocket.
    WebSocket,
}

/// Whether and how a lost connection is opened again. The first one of
/// [`connect`](crate::Client::connect) is tried once: there the game should know at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reconnect {
    /// Attempts after each loss; 0 for never. Default without end.
    pub attempts_max: u32,
    /// Longest wait before the first attempt; doubles with each. Default 500 ms.
    pub delay: Duration,
    /// Longest wait before any attempt. Default 20 s.
    pub delay_max: Duration,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            attempts_max: u32::MAX,
            delay: Duration::from_millis(500),
            delay_max: Duration::from_secs(20),
        }
    }
}

impl Reconnect {
    /// A lost connection stays lost.
    #[must_use]
    pub fn never() -> Self {
        Self {
            attempts_max: 0,
            ..Self::default()
        }
    }

    /// How long to wait before an attempt, the first being 1, or `None` for no more of them.
    ///
    /// `chance` from 0 to 1 spreads the clients of a server that was restarted: each waits between
    /// half of the delay and all of it.
    pub(crate) fn wait(&self, attempt: u32, chance: f64) -> Option<Duration> {
        if attempt > self.attempts_max {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let delay = self.delay.saturating_mul(doubled).min(self.delay_max);
        Some(delay.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0))
    }
}

/// Which certificates are believed.
#[derive(Clone, Debug, Default)]
pub(crate) enum Trust {
    /// Those of the authorities that browsers know.
    #[default]
    Web,
    /// Those of these authorities.
    Roots(RootCertStore),
}

/// Where a server is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ServerAddress {
    pub(crate) is_secure: bool,
    /// A name, or an IP address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl ServerAddress {
    fn parse(text: &str) -> Result<Self, OptionsError> {
        let bad = || OptionsError::BadServer(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| bad())?;
        let is_secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(bad()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            is_secure,
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
        })
    }

    /// For the `Host` header.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(bool, String, u16)> {
        let address = ServerAddress::parse(text).ok()?;
        Some((address.is_secure, address.host, address.port))
    }

    #[test]
    fn addresses_are_those_of_the_web() {
        let expect = |secure, host: &str, port| Some((secure, host.to_owned(), port));
        assert_eq!(
            parse("http://127.0.0.1:7350"),
            expect(false, "127.0.0.1", 7350)
        );
        assert_eq!(
            parse("https://game.example/"),
            expect(true, "game.example", 443)
        );
        assert_eq!(parse("http://[::1]:80"), expect(false, "::1", 80));
        for bad in ["", "game.example", "ftp://game.example", "http://", "/v2"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_ipv6_address_has_brackets_in_the_host_header() {
        let address = ServerAddress::parse("http://[::1]:7350").unwrap();
        assert_eq!(address.authority(), "[::1]:7350");
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let reconnect = Reconnect::default();
        let waits = [1, 2, 3, 6, 7, 60].map(|attempt| reconnect.wait(attempt, 1.0).unwrap());
        assert_eq!(
            waits.map(|wait| wait.as_millis()),
            [500, 1000, 2000, 16_000, 20_000, 20_000]
        );
        assert_eq!(reconnect.wait(1, 0.0), Some(Duration::from_millis(250)));
    }

    #[test]
    fn after_the_last_attempt_there_is_none() {
        let reconnect = Reconnect {
            attempts_max: 2,
            ..Reconnect::default()
        };
        assert!(reconnect.wait(2, 0.5).is_some());
        assert_eq!(reconnect.wait(3, 0.5), None);
        assert_eq!(Reconnect::never().wait(1, 0.5), None);
    }

    #[test]
    fn text_without_a_certificate_is_no_trust() {
        let options = Options::new("https://game.example").unwrap();
        assert_eq!(
            options.trust_pem(b"hello").err(),
            Some(OptionsError::NotPem)
        );
    }
}
