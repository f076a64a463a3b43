//! What sockets and rustls say, in the core's terms.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enums are open, and what is not told apart here is not told apart in the core"
)]

use std::error::Error;
use std::io;

use fedway_core::{CertificateError, ConnectError, TlsError};
use rustls::OtherError;
use rustls::pki_types::{ServerName, UnixTime};

use super::certificate::{MAX_NAMES, MAX_TEXT};
use crate::io::is_out_of_sockets;
use crate::meter::TooMuchData;
use crate::text::printable;

/// A TCP connection or handshake that failed
pub(crate) fn connect_error(error: &io::Error) -> ConnectError {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(error) = inner {
        return ConnectError::Tls(tls_error(error));
    }
    if is_out_of_sockets(error) {
        return ConnectError::OutOfSockets;
    }
    if let Some(TooMuchData { limit }) = TooMuchData::of(error) {
        return ConnectError::TooMuchData { limit };
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::Refused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => ConnectError::Reset,
        io::ErrorKind::UnexpectedEof => ConnectError::Closed,
        io::ErrorKind::TimedOut => ConnectError::TimedOut,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => ConnectError::Unreachable,
        _ => ConnectError::Other(error.raw_os_error()),
    }
}

fn tls_error(error: &rustls::Error) -> TlsError {
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
        }
        | Rustls::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id,
            ..
        } => unsupported(signature_algorithm_id),
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

/// An algorithm that the provider does not offer: broken ones are known by name
fn unsupported(algorithm: &[u8]) -> CertificateError {
    let known = WEAK_SIGNATURES.iter();
    match { known }.find(|(identifier, _)| algorithm.starts_with(identifier)) {
        Some((_, algorithm)) => CertificateError::WeakSignature {
            algorithm: (*algorithm).into(),
        },
        None => CertificateError::UnsupportedSignature,
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

/// The DER of signature algorithms over broken hashes (RFC 3279 §2.2)
const WEAK_SIGNATURES: [(&[u8], &str); 5] = [
    (
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02",
        "MD2 with RSA",
    ),
    (
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04",
        "MD5 with RSA",
    ),
    (
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05",
        "SHA-1 with RSA",
    ),
    (b"\x06\x07\x2a\x86\x48\xce\x38\x04\x03", "SHA-1 with DSA"),
    (b"\x06\x07\x2a\x86\x48\xce\x3d\x04\x01", "SHA-1 with ECDSA"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_failure_is_told_from_a_socket_failure() {
        let tls = io::Error::other(rustls::Error::InvalidCertificate(
            rustls::CertificateError::UnknownIssuer,
        ));
        assert_eq!(
            connect_error(&tls),
            ConnectError::Tls(TlsError::Certificate(CertificateError::UnknownIssuer {
                issuer: None
            }))
        );
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(connect_error(&refused), ConnectError::Refused);
        let code = if cfg!(windows) { 10024 } else { 24 };
        let ours = io::Error::from_raw_os_error(code);
        assert_eq!(connect_error(&ours), ConnectError::OutOfSockets);
    }

    #[test]
    fn presented_names_are_plain_and_printable() {
        assert_eq!(presented_name("DnsName(\"a.example\")"), "a.example");
        assert_eq!(presented_name("IpAddress(192.0.2.1)"), "192.0.2.1");
        assert_eq!(presented_name("a\u{1b}[31m"), "a\u{fffd}[31m");
    }
}
