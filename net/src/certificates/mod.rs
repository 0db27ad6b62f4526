//! The certificate that QUIC shows: one from files, or one made here for development.
//!
//! A new one takes the place of the old without a connection noticing: it is looked up at every
//! handshake.

mod development;
mod files;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tracing::{info, warn};

use self::{development::Development, files::Files};
use crate::config::Quic;

/// How often it is looked whether there is a newer certificate.
const LOOK_PERIOD: Duration = Duration::from_secs(5);

/// Why there is no certificate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("the certificate file {} cannot be used: {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: io::Error,
    },
    /// Files hold something else, or two things that do not belong together.
    #[error("{} and {} are no certificate and its key: {problem}", certificate.display(), key.display())]
    Pair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// None could be made.
    #[error("a development certificate cannot be made: {0}")]
    Make(String),
}

/// The certificate in use, and where the next comes from.
#[derive(Debug)]
pub(crate) struct Certificates {
    source: Source,
    current: RwLock<Current>,
}

#[derive(Debug)]
enum Source {
    Files(Files),
    Development(Development),
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    /// SHA-256 of the certificate, if nobody has signed it.
    hash: Option<String>,
    /// Whether the source has something newer.
    mark: Mark,
}

/// A certificate and its key, as they come from a source.
struct Pair {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    mark: Mark,
}

/// What changes when a certificate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// When the files were changed last.
    Changed(SystemTime, SystemTime),
    /// When it has to be renewed.
    RenewAt(SystemTime),
}

impl Certificates {
    /// The certificate that the options name, or one for development in the data folder.
    ///
    /// # Errors
    ///
    /// [`CertificateError`]; the server should not start.
    pub(crate) fn open(options: &Quic, data_dir: &Path) -> Result<Arc<Self>, CertificateError> {
        let source = match (&options.certificate, &options.private_key) {
            (Some(certificate), Some(key)) => Source::Files(Files {
                certificate: certificate.clone(),
                key: key.clone(),
            }),
            _ => Source::Development(Development::new(data_dir)),
        };
        let current = source.read(SystemTime::now())?;
        Ok(Arc::new(Self {
            source,
            current: RwLock::new(current),
        }))
    }

    /// The SHA-256 of the certificate, if a client can know it by nothing else.
    pub(crate) fn hash(&self) -> Option<String> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.hash.clone()
    }

    /// Takes the newest certificate. Returns whether it is another.
    ///
    /// # Errors
    ///
    /// [`CertificateError`]; the one in use stays.
    pub(crate) fn refresh(&self, now: SystemTime) -> Result<bool, CertificateError> {
        let mark = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            current.mark
        };
        if !self.source.has_newer(mark, now)? {
            return Ok(false);
        }
        let newer = self.source.read(now)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = newer;
        Ok(true)
    }

    /// Looks for newer certificates, for ever.
    pub(crate) async fn drive_refresh(self: Arc<Self>) {
        let mut period = tokio::time::interval(LOOK_PERIOD);
        let mut complained = false;
        loop {
            period.tick().await;
            let certificates = self.clone();
            // Files may be on a disk that takes its time.
            let refresh =
                tokio::task::spawn_blocking(move || certificates.refresh(SystemTime::now()));
            match refresh.await {
                Ok(Ok(true)) => {
                    complained = false;
                    info!("QUIC shows a new certificate");
                }
                Ok(Err(error)) if !complained => {
                    complained = true;
                    warn!(%error, "the certificate in use stays");
                }
                _ => {}
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(current.key.clone())
    }
}

impl Source {
    fn read(&self, now: SystemTime) -> Result<Current, CertificateError> {
        let (pair, is_self_signed) = match self {
            Self::Files(files) => (files.read()?, false),
            Self::Development(development) => (development.read(now)?, true),
        };
        let Pair { chain, key, mark } = pair;
        let hash = chain
            .first()
            .filter(|_| is_self_signed)
            .map(|first| BASE64_STANDARD.encode(Sha256::digest(first)));
        let key = rustls::crypto::ring::sign::any_supported_type(&key)
            .map(|key| CertifiedKey::new(chain, key))
            .map_err(|error| self.mismatch(&error))?;
        key.keys_match().map_err(|error| self.mismatch(&error))?;
        Ok(Current {
            key: Arc::new(key),
            hash,
            mark,
        })
    }

    fn has_newer(&self, mark: Mark, now: SystemTime) -> Result<bool, CertificateError> {
        match (self, mark) {
            (Self::Files(files), _) => Ok(files.mark()? != mark),
            (Self::Development(_), Mark::RenewAt(at)) => Ok(!development::is_good(at, now)),
            (Self::Development(_), Mark::Changed(..)) => Ok(true),
        }
    }

    fn mismatch(&self, error: &rustls::Error) -> CertificateError {
        match self {
            Self::Files(Files { certificate, key }) => CertificateError::Pair {
                certificate: certificate.clone(),
                key: key.clone(),
                problem: error.to_string(),
            },
            Self::Development(_) => CertificateError::Make(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn options(files: Option<&Path>) -> Quic {
        Quic {
            enabled: true,
            certificate: files.map(|folder| folder.join("certificate.pem")),
            private_key: files.map(|folder| folder.join("key.pem")),
            retry: crate::config::Retry::Auto,
        }
    }

    /// A pair of files, as an authority would hand out.
    fn write_pair(folder: &Path, name: &str) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    }

    fn shown(certificates: &Certificates) -> Vec<u8> {
        let current = certificates.current.read().unwrap();
        current.key.cert[0].to_vec()
    }

    #[test]
    fn a_development_certificate_is_kept_and_renewed_in_time() {
        let data = TempDir::new().unwrap();
        let first = Certificates::open(&options(None), data.path()).unwrap();
        let again = Certificates::open(&options(None), data.path()).unwrap();
        assert_eq!(shown(&first), shown(&again), "a restart keeps it");
        assert!(first.hash().is_some());

        let now = SystemTime::now();
        assert!(!first.refresh(now + 7 * DAY).unwrap(), "it is good for now");
        let before = (shown(&first), first.hash());
        assert!(first.refresh(now + 11 * DAY).unwrap());
        assert_ne!((shown(&first), first.hash()), before);
        assert!(
            first.refresh(now).unwrap(),
            "after the clock was turned back it is not good yet"
        );
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_key() {
        use std::os::unix::fs::PermissionsExt;

        let data = TempDir::new().unwrap();
        Certificates::open(&options(None), data.path()).unwrap();
        for entry in std::fs::read_dir(data.path()).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    }

    #[test]
    fn changed_files_are_taken_and_broken_ones_are_not() {
        let folder = TempDir::new().unwrap();
        write_pair(folder.path(), "one.example");
        let certificates =
            Certificates::open(&options(Some(folder.path())), folder.path()).unwrap();
        assert_eq!(certificates.hash(), None, "an authority vouches for it");
        let one = shown(&certificates);
        assert!(!certificates.refresh(SystemTime::now()).unwrap());

        write_pair(folder.path(), "two.example");
        touch(&folder.path().join("key.pem"), 1);
        assert!(certificates.refresh(SystemTime::now()).unwrap());
        let two = shown(&certificates);
        assert_ne!(one, two);

        std::fs::write(folder.path().join("certificate.pem"), "nonsense").unwrap();
        touch(&folder.path().join("certificate.pem"), 2);
        certificates.refresh(SystemTime::now()).unwrap_err();
        assert_eq!(shown(&certificates), two, "the old one stays");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        write_pair(one.path(), "one.example");
        write_pair(two.path(), "two.example");
        std::fs::copy(two.path().join("key.pem"), one.path().join("key.pem")).unwrap();
        let error = Certificates::open(&options(Some(one.path())), one.path()).unwrap_err();
        assert!(matches!(error, CertificateError::Pair { .. }), "{error}");
    }

    /// Makes a file look changed, whatever the resolution of the file system's clock.
    fn touch(path: &Path, hours: u64) {
        let at = SystemTime::now() + Duration::from_secs(hours * 3600);
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(at).unwrap();
    }
}
