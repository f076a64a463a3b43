//! The verifier behind a verdict of `Verify`: the library's judgement, with its reason made precise.

use std::sync::Arc;

use fedway_core::CertificateError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::certificate::{CertificateSummary, KeyType};
use super::transparency::Judge;

/// Verifies what the inner verifier does, and then what that leaves to us
///
/// It only ever refuses more: a certificate that the inner verifier refuses stays refused.
#[derive(Debug)]
pub(super) struct Strict {
    inner: Arc<dyn ServerCertVerifier>,
    /// Certificate transparency, where there is a list of logs to judge it by
    transparency: Option<Arc<Judge>>,
}

impl Strict {
    pub(super) fn new(
        inner: Arc<dyn ServerCertVerifier>,
        transparency: Option<Arc<Judge>>,
    ) -> Self {
        Self {
            inner,
            transparency,
        }
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
            .map_err(|error| explain(error, end_entity, intermediates))?;
        // A short key would fail its handshake signature anyway: this says why
        if let Some(bits) = weak_key(end_entity) {
            return Err(refuse(CertificateError::WeakKey { bits }));
        }
        if let Some(judge) = &self.transparency {
            judge
                .judge(end_entity, intermediates, ocsp_response, now)
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

/// Adds what the inner verifier does not tell
fn explain(
    error: Error,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> Error {
    if error == Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) {
        let issuer = missing_issuer(end_entity, intermediates);
        return refuse(CertificateError::UnknownIssuer { issuer });
    }
    // A signature "does not verify", too, if its issuer's key is too short to be considered
    if error == Error::InvalidCertificate(rustls::CertificateError::BadSignature)
        && let Some(bits) = intermediates.iter().find_map(|issuer| weak_key(issuer))
    {
        return refuse(CertificateError::WeakKey { bits });
    }
    error
}

/// The first issuer on the way up that was not shown: what is missing is it, or the trust in it
fn missing_issuer(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> Option<String> {
    let read = |der: &CertificateDer<'_>| CertificateSummary::read(der).ok();
    let mut shown: Vec<_> = intermediates.iter().filter_map(read).collect();
    let mut issuer = read(end_entity)?.issuer;
    // Each certificate is one step at most, so that a circle ends
    while let Some(index) = shown.iter().position(|each| each.subject == issuer) {
        issuer = shown.swap_remove(index).issuer;
    }
    Some(issuer)
}

fn weak_key(certificate: &CertificateDer<'_>) -> Option<usize> {
    match CertificateSummary::read(certificate).ok()?.key {
        KeyType::Rsa { bits } if bits < MIN_RSA_BITS => Some(bits),
        KeyType::Ecdsa { .. } | KeyType::Ed25519 | KeyType::Other { .. } | KeyType::Rsa { .. } => {
            None
        }
    }
}

/// CA/Browser Forum, Baseline Requirements §6.1.5; NIST SP 800-131A
const MIN_RSA_BITS: usize = 2048;
