//! What sockets and rustls say, in the core's terms.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enums are open, and what is not told apart here is not told apart in the core"
)]

use std::io;

use fedway_core::{CertificateError, ConnectError, TlsError};
use rustls::pki_types::{ServerName, UnixTime};

/// A TCP connection or handshake that failed
pub(crate) fn connect_error(error: &io::Error) -> ConnectError {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(error) = inner {
        return ConnectError::Tls(tls_error(error));
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
            TlsError::Certificate(CertificateError::Other)
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
        Rustls::UnsupportedSignatureAlgorithmContext { .. }
        | Rustls::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => CertificateError::Bad,
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
            presented: presented.iter().map(|name| plain(name)).collect(),
        },
        Rustls::Revoked => CertificateError::Revoked,
        Rustls::UnknownIssuer => CertificateError::UnknownIssuer,
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
fn plain(presented: &str) -> String {
    let inner = presented
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    let plain = inner.unwrap_or(presented).trim_matches('"');
    // A stranger's certificate must not write control characters to a terminal
    plain
        .chars()
        .filter(|character| !character.is_control())
        .collect()
}

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
            ConnectError::Tls(TlsError::Certificate(CertificateError::UnknownIssuer))
        );
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(connect_error(&refused), ConnectError::Refused);
    }

    #[test]
    fn presented_names_are_plain_and_printable() {
        assert_eq!(plain("DnsName(\"a.example\")"), "a.example");
        assert_eq!(plain("IpAddress(192.0.2.1)"), "192.0.2.1");
        assert_eq!(plain("a\u{1b}[31m"), "a[31m");
    }
}
