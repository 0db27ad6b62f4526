//! Signed tokens of others (RFC 7515, 7517, 7518): RS256 and ES256, by keys that are published.
//!
//! What a token says about itself is compared, never trusted: the algorithm is the one of the key, and
//! the key is one of the provider's whatever else the header names.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::auth::TOKEN_BYTES_MAX;

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum JwtError {
    /// It is no such token, or its signature is wrong.
    #[error("the token is not valid")]
    Invalid,
    /// It names a key that is not known; there may be a new one.
    #[error("the key of the token is not known")]
    UnknownKey,
}

/// Keys that are looked at in one set.
const KEYS_MAX: usize = 32;

/// The keys that a provider has published.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<(String, Key)>);

/// A key, which has one algorithm.
#[derive(Debug)]
enum Key {
    /// RS256.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// ES256, by an uncompressed point.
    P256(Vec<u8>),
}

#[derive(Deserialize)]
struct PublishedSet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct PublishedKey {
    kid: String,
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: Option<String>,
    /// Extensions that must be understood; we understand none.
    crit: Option<Value>,
}

impl KeySet {
    /// Reads a set of keys and leaves out those that are for something else. `None` if it is no set.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let set: PublishedSet = serde_json::from_slice(json).ok()?;
        let keys = set.keys.into_iter().take(KEYS_MAX);
        let keys = keys.filter_map(|key| parse_key(serde_json::from_value(key).ok()?));
        Some(Self(keys.collect()))
    }

    /// The claims of a token that one of these keys has signed.
    ///
    /// Nothing in the claims is looked at before that.
    pub(super) fn verify<T: DeserializeOwned>(&self, token: &str) -> Result<T, JwtError> {
        let (signed, header, claims, signature) = parts(token).ok_or(JwtError::Invalid)?;
        let mut named = self
            .0
            .iter()
            .filter(|(kid, _)| *kid == header.kid)
            .peekable();
        if named.peek().is_none() {
            return Err(JwtError::UnknownKey);
        }
        let signer = named.find(|(_, key)| {
            key.algorithm() == header.alg && key.has_signed(signed.as_bytes(), &signature)
        });
        signer.ok_or(JwtError::Invalid)?;
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).ok();
        let claims = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
        claims.ok_or(JwtError::Invalid)
    }
}

/// What is signed, the header, the claims and the signature.
fn parts(token: &str) -> Option<(&str, Header, &str, Vec<u8>)> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).ok()?;
    let header: Header = serde_json::from_slice(&header).ok()?;
    if header.crit.is_some() || header.typ.as_deref().is_some_and(|typ| typ != "JWT") {
        return None;
    }
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    Some((signed, header, claims, signature))
}

fn parse_key(key: PublishedKey) -> Option<(String, Key)> {
    if key.purpose.is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let parsed = match (key.kty.as_str(), key.crv.as_deref()) {
        ("RSA", _) => {
            let (n, e) = (bytes(key.n)?, bytes(key.e)?);
            let zeros = n.iter().take_while(|byte| **byte == 0).count();
            let n = n[zeros..].to_vec();
            Key::Rsa { n, e }
        }
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes(key.x)?, bytes(key.y)?);
            if (x.len(), y.len()) != (32, 32) {
                return None;
            }
            Key::P256([&[4], x.as_slice(), y.as_slice()].concat())
        }
        _ => return None,
    };
    let fits = key.alg.is_none_or(|alg| alg == parsed.algorithm());
    fits.then_some((key.kid, parsed))
}

fn bytes(text: Option<String>) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text?).ok()
}

impl Key {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RS256",
            Self::P256(_) => "ES256",
        }
    }

    fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}
