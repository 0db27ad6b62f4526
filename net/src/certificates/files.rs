//! Certificates that an authority has signed, in files that somebody else renews.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::{CertificateError, Mark, Pair};

/// Where they are.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Files {
    pub(super) fn read(&self) -> Result<Pair, CertificateError> {
        // Taken first: files that change meanwhile are read once more later.
        let mark = self.mark()?;
        let certificate = read(&self.certificate)?;
        let key = read(&self.key)?;
        let chain = CertificateDer::pem_slice_iter(&certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| self.broken(&error.to_string()))?;
        if chain.is_empty() {
            return Err(self.broken("the first holds no certificate"));
        }
        let key =
            PrivateKeyDer::from_pem_slice(&key).map_err(|error| self.broken(&error.to_string()))?;
        Ok(Pair { chain, key, mark })
    }

    pub(super) fn mark(&self) -> Result<Mark, CertificateError> {
        Ok(Mark::Changed(
            changed(&self.certificate)?,
            changed(&self.key)?,
        ))
    }

    fn broken(&self, problem: &str) -> CertificateError {
        CertificateError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            problem: problem.to_owned(),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|problem| file_error(path, problem))
}

fn changed(path: &Path) -> Result<SystemTime, CertificateError> {
    fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .map_err(|problem| file_error(path, problem))
}

fn file_error(path: &Path, problem: io::Error) -> CertificateError {
    CertificateError::File {
        path: path.to_path_buf(),
        problem,
    }
}
