//! A certificate that the server makes for itself, so that QUIC works without asking anybody.
//!
//! Browsers take it if the page names its SHA-256, and if it is of a P-256 key and good for at most two
//! weeks (W3C WebTransport, "Using a certificate hash").

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::{CertificateError, Mark, Pair};

/// Its name in the data folder.
const FILE: &str = "quic-development.pem";
/// Before the first block of the file stands when it has to be renewed, in seconds since 1970.
const RENEW_LINE: &str = "renew-at: ";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Good since yesterday, for clocks that are behind.
const SLACK: Duration = DAY;
/// Thirteen days in all; browsers take fourteen.
const LIFE: Duration = Duration::from_secs(12 * 24 * 60 * 60);
/// How long before its end it is replaced.
const RENEW_BEFORE: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// Where it is kept.
#[derive(Debug)]
pub(super) struct Development {
    path: PathBuf,
}

/// Whether a certificate that is renewed then can be shown now. After a clock was turned back it may not
/// be good yet.
pub(super) fn is_good(renew_at: SystemTime, now: SystemTime) -> bool {
    let made_at = renew_at.checked_sub(LIFE - RENEW_BEFORE);
    now < renew_at && made_at.is_some_and(|made_at| now + SLACK >= made_at)
}

impl Development {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join(FILE),
        }
    }

    /// The one that was kept, or a new one if that is old or broken.
    pub(super) fn read(&self, now: SystemTime) -> Result<Pair, CertificateError> {
        match self.kept(now) {
            Some(pair) => Ok(pair),
            None => self.make(now),
        }
    }

    fn kept(&self, now: SystemTime) -> Option<Pair> {
        let text = fs::read_to_string(&self.path).ok()?;
        let seconds = text
            .lines()
            .next()?
            .strip_prefix(RENEW_LINE)?
            .parse()
            .ok()?;
        let renew_at = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
        if !is_good(renew_at, now) {
            return None;
        }
        let chain = CertificateDer::pem_slice_iter(text.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .ok()?;
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).ok()?;
        (!chain.is_empty()).then_some(Pair {
            chain,
            key,
            mark: Mark::RenewAt(renew_at),
        })
    }

    fn make(&self, now: SystemTime) -> Result<Pair, CertificateError> {
        let failed = |error: rcgen::Error| CertificateError::Make(error.to_string());
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.not_before = (now - SLACK).into();
        params.not_after = (now + LIFE).into();
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        let renew_at = now + LIFE - RENEW_BEFORE;
        let seconds = renew_at
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let text = format!(
            "{RENEW_LINE}{seconds}\n{}{}",
            certificate.pem(),
            key.serialize_pem()
        );
        self.keep(&text).map_err(|problem| CertificateError::File {
            path: self.path.clone(),
            problem,
        })?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| CertificateError::Make(error.to_owned()))?;
        Ok(Pair {
            chain: vec![certificate.der().clone()],
            key,
            mark: Mark::RenewAt(renew_at),
        })
    }

    /// Writes the file in one piece, for nobody else to read.
    fn keep(&self, text: &str) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let unfinished = self.path.with_extension("pem.new");
        let mut options = fs::File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)
    }
}
