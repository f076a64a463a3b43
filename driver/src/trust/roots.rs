//! Whom to trust: the roots, and the files they come from.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::error::{PemError, TrustError, read};
use super::pem::{self, Kind};

/// The certificate authorities that are trusted
///
/// The operating system's by default. On Linux these are the files that OpenSSL would read: `SSL_CERT_FILE`
/// and `SSL_CERT_DIR` are honoured.
#[derive(Clone, Debug)]
pub struct Roots {
    pub(super) system: bool,
    pub(super) added: Vec<CertificateDer<'static>>,
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
    /// A server that shows one of these certificates as its own is trusted, too, if its dates, names and
    /// purpose hold: self-signed ones need no authority above them.
    ///
    /// # Errors
    ///
    /// If the text has no certificate, or a part that cannot be read; nothing is added then.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<(), PemError> {
        let mut store = RootCertStore::empty();
        let mut added = Vec::new();
        for (part, der) in pem::read(pem, Kind::CERTIFICATE)? {
            let certificate = CertificateDer::from(der);
            store
                .add(certificate.clone())
                .map_err(|_| PemError::Malformed { part })?;
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

    /// The roots themselves
    pub(super) fn store(&self) -> Result<RootCertStore, TrustError> {
        let mut store = RootCertStore::empty();
        if self.system {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        store.add_parsable_certificates(self.added.iter().cloned());
        match (store.is_empty(), self.system) {
            (false, _) => Ok(store),
            (true, true) => Err(TrustError::NoSystemRoots),
            (true, false) => Err(TrustError::NoRoots),
        }
    }
}

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
        assert_eq!(error, Err(PemError::Malformed { part: 1 }));
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
