//! Whom to trust: the roots, and the files they come from.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use super::revocation::Revocation;
use super::transparency::LogListError;

/// The certificate authorities that are trusted
///
/// The operating system's by default. On Linux these are the files that OpenSSL would read: `SSL_CERT_FILE`
/// and `SSL_CERT_DIR` are honoured.
#[derive(Clone, Debug)]
pub struct Roots {
    system: bool,
    added: Vec<CertificateDer<'static>>,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            system: true,
            added: Vec::new(),
        }
    }
}

impl Roots {
    /// No authority at all: only those [added](Self::add_pem) will count
    #[must_use]
    pub fn none() -> Self {
        Self {
            system: false,
            added: Vec::new(),
        }
    }

    /// Trusts every certificate of a PEM text (RFC 7468), besides those trusted already
    ///
    /// # Errors
    ///
    /// If the text has no certificate, or one that cannot be read; nothing is added then.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<(), PemError> {
        let mut store = RootCertStore::empty();
        let mut added = Vec::new();
        for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let malformed = PemError::Malformed {
                certificate: index + 1,
            };
            let certificate = certificate.map_err(|_| malformed)?;
            store.add(certificate.clone()).map_err(|_| malformed)?;
            added.push(certificate);
        }
        if added.is_empty() {
            return Err(PemError::Empty);
        }
        self.added.append(&mut added);
        Ok(())
    }

    /// Trusts every certificate of a PEM file, besides those trusted already
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or as [`add_pem`](Self::add_pem).
    pub fn add_pem_file(&mut self, path: &Path) -> Result<(), TrustError> {
        self.add_pem(&read(path)?).map_err(|error| TrustError::Pem {
            path: path.into(),
            error,
        })
    }

    /// What builds and verifies chains to these roots
    ///
    /// The platform's own verifier where it can; it takes no revocation lists, and cannot leave its roots
    /// out: then webpki, with the roots that the platform tells.
    pub(super) fn verifier(
        &self,
        revocation: &Revocation,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TrustError> {
        if self.system && revocation.is_empty() {
            // Its only other failure is a root that `add_pem` has parsed already
            let verifier = Verifier::new_with_extra_roots(self.added.clone(), provider.clone())
                .map_err(|_| TrustError::NoSystemRoots)?;
            return Ok(Arc::new(verifier));
        }
        let builder =
            WebPkiServerVerifier::builder_with_provider(self.store()?.into(), provider.clone());
        // Its only failure is a list that `Revocation` has parsed already: the store is not empty
        let verifier = revocation.apply(builder).build();
        Ok(verifier.map_err(|_| TrustError::NoRoots)?)
    }

    /// The roots themselves
    pub(super) fn store(&self) -> Result<RootCertStore, TrustError> {
        let mut store = RootCertStore::empty();
        if self.system {
            let (usable, _) =
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if usable == 0 {
                return Err(TrustError::NoSystemRoots);
            }
        }
        store.add_parsable_certificates(self.added.iter().cloned());
        if store.is_empty() {
            return Err(TrustError::NoRoots);
        }
        Ok(store)
    }
}

/// Why there is nobody to trust
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A log list is no list of certificate transparency logs
    #[error("{}: {error}", path.display())]
    LogList {
        /// The file
        path: PathBuf,
        /// What is wrong with it
        error: LogListError,
    },
    /// Certificate transparency is required, and there is no list of logs to judge it by
    #[error("certificate transparency is required, but no log list is given")]
    NoLogList,
    /// Neither the system's roots nor others were asked for
    #[error("no certificate authority to trust")]
    NoRoots,
    /// The operating system has no root that can be read
    #[error("the operating system has no usable certificate authority")]
    NoSystemRoots,
    /// A file has no certificate or revocation list, or a broken one
    #[error("{}: {error}", path.display())]
    Pem {
        /// The file
        path: PathBuf,
        /// What is wrong with it
        error: PemError,
    },
    /// The cryptographic provider supports neither TLS 1.2 nor 1.3
    #[error("the cryptographic provider supports no usable TLS version")]
    Provider,
    /// A file is larger than any that has its place here: 64 MiB
    #[error("{}: larger than 64 MiB", path.display())]
    TooLarge {
        /// The file
        path: PathBuf,
    },
    /// A file could not be read
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file
        path: PathBuf,
        /// Why not
        error: io::ErrorKind,
    },
}

/// What is wrong with a PEM text
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// It has no certificate
    #[error("no certificate in PEM format")]
    Empty,
    /// A certificate in it is broken
    #[error("certificate {certificate} is malformed")]
    Malformed {
        /// Which one, from 1
        certificate: usize,
    },
    /// A revocation list in it is broken, or of a kind that is not supported, such as a delta
    #[error("revocation list {list} is malformed or unsupported")]
    MalformedRevocationList {
        /// Which one, from 1
        list: usize,
    },
    /// It has no revocation list
    #[error("no revocation list in PEM or DER format")]
    NoRevocationList,
}

/// A file, or the error that names it
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TrustError> {
    let unreadable = |error: io::Error| TrustError::Unreadable {
        path: path.into(),
        error: error.kind(),
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more tells a file that is too large; a device may have no end
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(TrustError::TooLarge { path: path.into() });
    }
    Ok(bytes)
}

/// The largest file that is read, in bytes. Revocation lists of public authorities have up to 10 MiB; our choice
const MAX_FILE: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pem_without_a_certificate_is_refused() {
        for pem in [
            "",
            "hello",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            assert_eq!(
                Roots::none().add_pem(pem.as_bytes()),
                Err(PemError::Empty),
                "{pem}"
            );
        }
    }

    #[test]
    fn a_broken_certificate_is_refused_with_its_position() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let error = Roots::none().add_pem(pem.as_bytes());
        assert_eq!(error, Err(PemError::Malformed { certificate: 1 }));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_an_end_is_refused() {
        let error = Roots::none()
            .add_pem_file(Path::new("/dev/zero"))
            .unwrap_err();
        assert_eq!(error.to_string(), "/dev/zero: larger than 64 MiB");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Roots::none()
            .add_pem_file(Path::new("/nonexistent/ca.pem"))
            .unwrap_err();
        assert_eq!(error.to_string(), "/nonexistent/ca.pem: entity not found");
    }
}
