//! What rustls and webpki say, in the core's terms.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enums are open, and what is not told apart here is not told apart in the core"
)]

use std::error::Error;

use fedway_core::{CertificateError, TlsError};
use rustls::OtherError;
use rustls::pki_types::{ServerName, UnixTime};

use super::certificate::{MAX_NAMES, MAX_TEXT};
use super::x509::unsupported;
use crate::text::printable;

/// A handshake that failed
pub(crate) fn tls_error(error: &rustls::Error) -> TlsError {
    match error {
        rustls::Error::AlertReceived(alert) => TlsError::Alert((*alert).into()),
        rustls::Error::InvalidCertificate(error) => TlsError::Certificate(certificate_error(error)),
        rustls::Error::NoCertificatesPresented => TlsError::Certificate(CertificateError::Other),
        rustls::Error::InvalidCertRevocationList(_) => {
            TlsError::Certificate(CertificateError::RevocationList)
        }
        rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol => {
            TlsError::Unsupported
        }
        _ => TlsError::Protocol,
    }
}

fn certificate_error(error: &rustls::CertificateError) -> CertificateError {
    use rustls::CertificateError as Rustls;
    match error {
        Rustls::BadEncoding | Rustls::BadSignature => CertificateError::Bad,
        Rustls::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id,
            ..
        } => unsupported(signature_algorithm_id, None),
        Rustls::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id,
            public_key_algorithm_id,
        } => unsupported(signature_algorithm_id, Some(public_key_algorithm_id)),
        Rustls::Expired => CertificateError::Expired { not_after: None },
        Rustls::ExpiredContext { not_after, .. } => CertificateError::Expired {
            not_after: Some(seconds(*not_after)),
        },
        Rustls::NotValidYet => CertificateError::NotYetValid { not_before: None },
        Rustls::NotValidYetContext { not_before, .. } => CertificateError::NotYetValid {
            not_before: Some(seconds(*not_before)),
        },
        Rustls::NotValidForName => CertificateError::NotValidForName {
            expected: String::from("this host"),
            presented: Vec::new(),
        },
        Rustls::NotValidForNameContext {
            expected,
            presented,
        } => CertificateError::NotValidForName {
            expected: text(expected),
            presented: presented
                .iter()
                .take(MAX_NAMES)
                .map(|name| presented_name(name))
                .collect(),
        },
        Rustls::InvalidPurpose | Rustls::InvalidPurposeContext { .. } => {
            CertificateError::WrongPurpose
        }
        Rustls::Revoked => CertificateError::Revoked,
        Rustls::UnhandledCriticalExtension => CertificateError::CriticalExtension,
        Rustls::UnknownIssuer => CertificateError::UnknownIssuer { issuer: None },
        Rustls::UnknownRevocationStatus
        | Rustls::ExpiredRevocationList
        | Rustls::ExpiredRevocationListContext { .. } => CertificateError::RevocationUnknown,
        Rustls::Other(OtherError(inner)) => other_error(&**inner),
        _ => CertificateError::Other,
    }
}

/// Our own reason, or one of webpki's that rustls has no name for
fn other_error(error: &(dyn Error + 'static)) -> CertificateError {
    use webpki::Error as Webpki;
    if let Some(reason) = error.downcast_ref::<CertificateError>() {
        return reason.clone();
    }
    match error.downcast_ref::<Webpki>() {
        Some(Webpki::CaUsedAsEndEntity) => CertificateError::Authority,
        Some(Webpki::EndEntityUsedAsCa) => CertificateError::IssuerNotAuthority,
        Some(Webpki::NameConstraintViolation | Webpki::PathLenConstraintViolated) => {
            CertificateError::ConstraintViolated
        }
        Some(Webpki::UnsupportedCriticalExtension) => CertificateError::CriticalExtension,
        Some(
            Webpki::MaximumNameConstraintComparisonsExceeded
            | Webpki::MaximumPathBuildCallsExceeded
            | Webpki::MaximumPathDepthExceeded
            | Webpki::MaximumSignatureChecksExceeded,
        ) => CertificateError::TooComplex,
        Some(
            Webpki::EmptyEkuExtension
            | Webpki::ExtensionValueInvalid
            | Webpki::InvalidNetworkMaskConstraint
            | Webpki::InvalidSerialNumber
            | Webpki::MalformedDnsIdentifier
            | Webpki::MalformedExtensions
            | Webpki::MalformedNameConstraint
            | Webpki::SignatureAlgorithmMismatch
            | Webpki::UnsupportedCertVersion,
        ) => CertificateError::Bad,
        _ => CertificateError::Other,
    }
}

fn seconds(time: UnixTime) -> u64 {
    time.as_secs()
}

fn text(name: &ServerName<'_>) -> String {
    name.to_str().into_owned()
}

/// webpki writes a presented name as `DnsName("a.example")`; a person reads `a.example`
fn presented_name(presented: &str) -> String {
    let inner = presented
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    printable(inner.unwrap_or(presented).trim_matches('"'), MAX_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presented_names_are_plain_and_printable() {
        assert_eq!(presented_name("DnsName(\"a.example\")"), "a.example");
        assert_eq!(presented_name("IpAddress(192.0.2.1)"), "192.0.2.1");
        assert_eq!(presented_name("a\u{1b}[31m"), "a\u{fffd}[31m");
    }
}
