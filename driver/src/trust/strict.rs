//! The verifier behind a verdict of `Verify`: the library's judgement, with its reason made precise.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "rustls's errors are open, and only these can be said more precisely"
)]

use std::iter;
use std::sync::Arc;

use fedway_core::CertificateError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::certificate::MAX_TEXT;
use super::distinguished;
#[cfg(feature = "transparency")]
use super::transparency::Judge;
use super::x509::{Certificate, identifier, unsupported};
use crate::text::printable;

/// Verifies what the inner verifier does, and then what that leaves to us
///
/// It accepts nothing that the inner verifier refuses, but for a server's certificate that was itself added
/// as a root.
#[derive(Debug)]
pub(super) struct Strict {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    /// The roots that an administrator gave
    pub(super) added: Vec<CertificateDer<'static>>,
    /// Certificate transparency, where there is a list of logs to judge it by
    #[cfg(feature = "transparency")]
    pub(super) transparency: Option<Arc<Judge>>,
}

impl Strict {
    /// Verifies a certificate that was itself added as a root: it vouches for itself, but for nothing else
    ///
    /// Its dates, purpose and names are to be looked at here: the inner verifier has ended before all of
    /// them, having found a certificate of an authority, or nobody who issued it.
    fn verify_added(
        end_entity: &CertificateDer<'_>,
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let name = ParsedCertificate::try_from(end_entity)
            .and_then(|parsed| verify_server_name(&parsed, server_name));
        let certificate = Certificate::read(end_entity);
        let certificate = certificate.ok_or_else(|| refuse(CertificateError::Bad))?;
        let (from, until) = (certificate.not_before.unix(), certificate.not_after.unix());
        if now.as_secs() < from {
            let not_before = Some(from);
            return Err(refuse(CertificateError::NotYetValid { not_before }));
        }
        if now.as_secs() > until {
            let not_after = Some(until);
            return Err(refuse(CertificateError::Expired { not_after }));
        }
        if !certificate.is_for_servers() {
            return Err(refuse(CertificateError::WrongPurpose));
        }
        name.map(|()| ServerCertVerified::assertion())
    }

    /// Whether a certificate was added as a root, and refused for want of an issuer above it alone
    fn is_added(&self, end_entity: &CertificateDer<'_>, error: &Error) -> bool {
        (is_unknown_issuer(error) || is_authority(error))
            && self.added.iter().any(|root| root == end_entity)
    }

    /// Adds what the inner verifier does not tell
    fn explain(
        &self,
        error: Error,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Error {
        let Error::InvalidCertificate(cause) = &error else {
            return error;
        };
        let chain = || iter::once(end_entity).chain(intermediates);
        let reason = match cause {
            rustls::CertificateError::UnknownIssuer => Some(CertificateError::UnknownIssuer {
                issuer: missing_issuer(end_entity, intermediates),
            }),
            // A signature "does not verify", too, if its issuer's key is too short to be considered
            rustls::CertificateError::BadSignature => intermediates
                .iter()
                .find_map(|issuer| weak_key(issuer))
                .map(|bits| CertificateError::WeakKey { bits }),
            // The curve is the issuer's, which is not told
            rustls::CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id,
                ..
            } => Some(unsupported_by(
                signature_algorithm_id,
                chain(),
                intermediates.iter().chain(self.added.iter()),
            )),
            // The platform's verifier has its own error for a wrong purpose, and keeps it to itself
            rustls::CertificateError::Other(OtherError(inner))
                if !inner.is::<webpki::Error>() && !is_for_servers(end_entity) =>
            {
                Some(CertificateError::WrongPurpose)
            }
            _ => None,
        };
        reason.map_or(error, refuse)
    }
}

impl ServerCertVerifier for Strict {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self
            .inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .or_else(|error| {
                if self.is_added(end_entity, &error) {
                    Self::verify_added(end_entity, server_name, now)
                } else {
                    Err(self.explain(error, end_entity, intermediates))
                }
            })?;
        // A short key would fail its handshake signature anyway: this says why
        if let Some(bits) = weak_key(end_entity) {
            return Err(refuse(CertificateError::WeakKey { bits }));
        }
        #[cfg(feature = "transparency")]
        if let Some(judge) = &self.transparency {
            judge
                .verify(end_entity, intermediates, ocsp_response, now)
                .map_err(refuse)?;
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// A reason of the core's, on its way through rustls
fn refuse(reason: CertificateError) -> Error {
    rustls::CertificateError::Other(OtherError(Arc::new(reason))).into()
}

fn is_unknown_issuer(error: &Error) -> bool {
    *error == Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)
}

/// Whether a certificate of an authority was shown as a server's
fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(rustls::CertificateError::Other(OtherError(inner))) = error
    else {
        return false;
    };
    inner.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}

/// The first issuer on the way up that was not shown: what is missing is it, or the trust in it
fn missing_issuer(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> Option<String> {
    let read = |der| Certificate::read(der);
    let mut shown: Vec<_> = intermediates.iter().filter_map(|der| read(der)).collect();
    let mut issuer = read(end_entity)?.issuer;
    // Each certificate is one step at most, so that a circle ends
    while let Some(index) = shown.iter().position(|each| each.subject == issuer) {
        issuer = shown.swap_remove(index).issuer;
    }
    distinguished::write(issuer).map(|name| printable(&name, MAX_TEXT))
}

/// The algorithm of the first signature in a chain that is by it, with the curve of whoever made it
fn unsupported_by<'a>(
    algorithm: &[u8],
    chain: impl Iterator<Item = &'a CertificateDer<'a>>,
    issuers: impl Iterator<Item = &'a CertificateDer<'a>>,
) -> CertificateError {
    let signed = chain
        .filter_map(|der| Certificate::read(der))
        .find(|each| identifier(each.signed_by) == identifier(algorithm));
    let issuer = signed.and_then(|signed| {
        issuers
            .filter_map(|der| Certificate::read(der))
            .find(|issuer| issuer.subject == signed.issuer)
    });
    unsupported(algorithm, issuer.map(|issuer| issuer.key.algorithm))
}

fn is_for_servers(certificate: &[u8]) -> bool {
    Certificate::read(certificate).is_none_or(|certificate| certificate.is_for_servers())
}

fn weak_key(certificate: &[u8]) -> Option<usize> {
    let bits = Certificate::read(certificate)?.key.rsa_bits()?;
    (bits < MIN_RSA_BITS).then_some(bits)
}

/// CA/Browser Forum, Baseline Requirements §6.1.5; NIST SP 800-131A
const MIN_RSA_BITS: usize = 2048;
