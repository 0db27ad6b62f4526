//! A provider on our own machine, with keys of its own.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A key pair that signs tokens.
pub(super) struct Signer {
    pub(super) kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

pub(super) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    /// With 2048 bits, made with openssl for these tests.
    pub(super) fn rsa(kid: &str) -> Self {
        let pair = RsaKeyPair::from_pkcs8(include_bytes!("../testdata/rsa.pk8")).unwrap();
        Self {
            kid: kid.to_owned(),
            pair: Pair::Rsa(pair),
        }
    }

    pub(super) fn p256(kid: &str) -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).unwrap();
        Self {
            kid: kid.to_owned(),
            pair: Pair::P256(pair),
        }
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
        }
    }

    /// The public key as providers publish it.
    pub(super) fn published(&self) -> Value {
        let mut key = json!({"kid": self.kid, "alg": self.algorithm(), "use": "sig"});
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                key["kty"] = "RSA".into();
                key["n"] = encoded(public.n).into();
                key["e"] = encoded(public.e).into();
            }
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                key["kty"] = "EC".into();
                key["crv"] = "P-256".into();
                key["x"] = encoded(&point[1..33]).into();
                key["y"] = encoded(&point[33..]).into();
            }
        }
        key
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": self.algorithm(), "kid": self.kid, "typ": "JWT"});
        self.sign_parts(&header.to_string(), &claims.to_string())
    }

    /// A token of any header and claims with a signature that is good.
    pub(super) fn sign_parts(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        format!("{signed}.{}", encoded(self.signature(signed.as_bytes())))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
            Pair::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
        }
    }
}

/// A server that answers every request alike.
pub(super) struct Provider {
    pub(super) url: String,
    answer: Arc<Mutex<(String, String)>>,
    requests: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Provider {
    pub(super) async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let answer = Arc::<Mutex<(String, String)>>::default();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let server = tokio::spawn(serve(listener, answer.clone(), requests.clone()));
        let provider = Self {
            url,
            answer,
            requests,
            server,
        };
        provider.publish(keys);
        provider
    }

    pub(super) fn publish(&self, keys: &[Value]) {
        self.answer_with("200 OK", &json!({"keys": keys}).to_string());
    }

    /// Gives the body that was the answer before.
    pub(super) fn answer_with(&self, status: &str, body: &str) -> String {
        let answer = (status.to_owned(), body.to_owned());
        std::mem::replace(&mut *self.answer.lock().unwrap(), answer).1
    }

    /// The first lines of what it was asked.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(
    listener: TcpListener,
    answer: Arc<Mutex<(String, String)>>,
    requests: Arc<Mutex<Vec<String>>>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            // Not text if somebody tries TLS.
            let read = stream.read_until(b'\n', &mut line).await.unwrap_or(0);
            lines.push(String::from_utf8_lossy(line.trim_ascii()).into_owned());
            if read <= 2 || line.first() == Some(&22) {
                break;
            }
        }
        requests.lock().unwrap().push(lines.swap_remove(0));
        let (status, body) = answer.lock().unwrap().clone();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nCache-Control: public, max-age=600, no-transform\r\n\
             Location: /elsewhere\r\nContent-Length: {length}\r\n\r\n"
        );
        // Whoever has read enough may have gone.
        drop(stream.write_all(format!("{head}{body}").as_bytes()).await);
    }
}
