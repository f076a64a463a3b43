//! What is revoked: the lists that an administrator gives.

use std::path::Path;

use rustls::client::ServerCertVerifierBuilder;
use rustls::pki_types::CertificateRevocationListDer;
use webpki::OwnedCertRevocationList;

use super::der::SEQUENCE;
use super::error::{PemError, TrustError, read};
use super::pem::{self, Kind};

/// Certificate revocation lists (RFC 5280 §5), against which every certificate of a chain is checked
///
/// Nothing is downloaded: lists are those given here. A certificate on one of them is refused, and so is all
/// that it issued.
///
/// - **A certificate whose issuer has no list here is accepted**: lists speak for their issuers, and a
///   server federates with servers of all authorities. [`require_status`](Self::require_status) refuses it,
///   for those who trust only authorities whose lists they have.
/// - **A list past its `nextUpdate` still counts**: what it revokes stays revoked, and of the rest it says
///   as much as no list would. Refusing them would end federation when a cron job fails. Under
///   [`require_status`](Self::require_status) such a list says nothing good of anybody any more.
///
/// ```
/// use fedway_driver::{Builder, Revocation};
///
/// fn with_lists(path: &std::path::Path) -> Result<Builder, fedway_driver::TrustError> {
///     let mut revocation = Revocation::default();
///     revocation.add_file(path)?;
///     Ok(Builder::default().revocation(revocation))
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Revocation {
    lists: Vec<CertificateRevocationListDer<'static>>,
    require_status: bool,
}

impl Revocation {
    /// Adds every list of a PEM text (RFC 7468, label `X509 CRL`), or one in DER
    ///
    /// # Errors
    ///
    /// If there is no list, or one that cannot be read; nothing is added then.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), PemError> {
        // Authorities publish lists in DER: a SEQUENCE, whose tag would be a `0` in text
        let parts = if bytes.first() == Some(&SEQUENCE) {
            vec![(1, bytes.to_vec())]
        } else {
            pem::read(bytes, Kind::REVOCATION_LIST)?
        };
        if parts.is_empty() {
            return Err(PemError::NoRevocationList);
        }
        let mut lists = Vec::new();
        for (part, list) in parts {
            OwnedCertRevocationList::from_der(&list)
                .map_err(|_| PemError::MalformedRevocationList { part })?;
            lists.push(CertificateRevocationListDer::from(list));
        }
        self.lists.append(&mut lists);
        Ok(())
    }

    /// Adds every list of a file, as [`add`](Self::add)
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or as [`add`](Self::add).
    pub fn add_file(&mut self, path: &Path) -> Result<(), TrustError> {
        self.add(&read(path)?).map_err(|error| TrustError::Pem {
            path: path.into(),
            error,
        })
    }

    /// Refuses certificates of whose status no list that is still current says anything
    ///
    /// Without any list it changes nothing.
    #[must_use]
    pub fn require_status(mut self) -> Self {
        self.require_status = true;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    pub(super) fn apply(&self, builder: ServerCertVerifierBuilder) -> ServerCertVerifierBuilder {
        let builder = builder.with_crls(self.lists.iter().cloned());
        if self.require_status {
            builder.enforce_revocation_expiration()
        } else {
            builder.allow_unknown_revocation_status()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_list_is_refused_with_its_position() {
        let pem = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
        for (bytes, error) in [
            ("", PemError::NoRevocationList),
            ("hello", PemError::NoRevocationList),
            (pem, PemError::MalformedRevocationList { part: 1 }),
            ("0", PemError::MalformedRevocationList { part: 1 }),
        ] {
            assert_eq!(Revocation::default().add(bytes.as_bytes()), Err(error));
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Revocation::default()
            .add_file(Path::new("/nonexistent/crl.pem"))
            .unwrap_err();
        assert_eq!(error.to_string(), "/nonexistent/crl.pem: entity not found");
    }
}
