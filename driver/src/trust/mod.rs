//! Whom a TLS session trusts: the roots, and the two ways of checking a peer against them.
//!
//! Chains are built and signatures checked by rustls and webpki, or by the platform's own verifier
//! (`rustls-platform-verifier`); nothing of that is done here. There are two client configurations,
//! strict and lenient, and which one a handshake uses is decided by the core before it begins: a verifier
//! never learns the peer's address, and a session made without verification must not be resumed where
//! one is due.

mod failure;
mod lenient;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fedway_core::{Host, TlsError, Verdict};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

pub(crate) use self::failure::connect_error;
use self::lenient::Lenient;

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
        let pem = fs::read(path).map_err(|error| TrustError::Unreadable {
            path: path.into(),
            error: error.kind(),
        })?;
        self.add_pem(&pem).map_err(|error| TrustError::Pem {
            path: path.into(),
            error,
        })
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TrustError> {
        if self.system {
            // Its only other failure is a root that `add_pem` has parsed already
            let verifier = Verifier::new_with_extra_roots(self.added.clone(), provider.clone())
                .map_err(|_| TrustError::NoSystemRoots)?;
            return Ok(Arc::new(verifier));
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(self.added.iter().cloned());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(store.into(), provider.clone()).build();
        Ok(verifier.map_err(|_| TrustError::NoRoots)?)
    }
}

/// Why there is nobody to trust
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Neither the system's roots nor others were asked for
    #[error("no certificate authority to trust")]
    NoRoots,
    /// The operating system has no root that can be read
    #[error("the operating system has no usable certificate authority")]
    NoSystemRoots,
    /// A file has no certificate, or a broken one
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
}

/// The client configurations of both verdicts
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    strict: Arc<ClientConfig>,
    lenient: Arc<ClientConfig>,
}

impl Trust {
    pub(crate) fn new(roots: &Roots, provider: Arc<CryptoProvider>) -> Result<Self, TrustError> {
        let strict = client_config(&provider, roots.verifier(&provider)?)?;
        let mut lenient = client_config(&provider, Arc::new(Lenient::new(&provider)))?;
        lenient.resumption = Resumption::disabled();
        Ok(Self {
            strict: strict.into(),
            lenient: lenient.into(),
        })
    }

    /// The configuration that carries out a verdict
    pub(crate) fn config(&self, verdict: &Verdict) -> Arc<ClientConfig> {
        match verdict {
            Verdict::Skip(_) => self.lenient.clone(),
            Verdict::Verify => self.strict.clone(),
        }
    }
}

/// A host in rustls's terms: from this it takes both the name to verify and the SNI, none for an address
pub(crate) fn server_name(host: &Host) -> Result<ServerName<'static>, TlsError> {
    match host {
        Host::Dns(name) => {
            let name = ServerName::try_from(name.as_str()).map_err(|_| TlsError::InvalidName)?;
            Ok(name.to_owned())
        }
        Host::Ip(address) => Ok((*address).into()),
    }
}

/// TLS 1.2 and 1.3 (DESIGN §7), offering HTTP/1.1 by ALPN (RFC 7301)
fn client_config(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, TrustError> {
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|_| TrustError::Provider)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
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
        assert_eq!(error, Err(PemError::Malformed { certificate: 1 }));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Roots::none()
            .add_pem_file(Path::new("/nonexistent/ca.pem"))
            .unwrap_err();
        assert_eq!(error.to_string(), "/nonexistent/ca.pem: entity not found");
    }

    #[test]
    fn nobody_to_trust_is_an_error_at_once() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        assert_eq!(
            Trust::new(&Roots::none(), provider).unwrap_err(),
            TrustError::NoRoots
        );
    }
}
