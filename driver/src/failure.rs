//! What sockets say when they fail, in the core's terms.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kinds are open, and what is not told apart here is not told apart in the core"
)]

use std::io;

use fedway_core::{ConnectError, FetchError};
use rustls::Error;

use crate::io::is_out_of_resources;
use crate::meter::TooMuchData;
use crate::trust::tls_error;

/// Why there is no connection or session, in the core's terms
///
/// For those who connect by hand: what rustls refuses is looked for inside the [`io::Error`], where its
/// streams put it. An [`Io`](crate::Io) that knows the reason in these terms already puts it there itself.
///
/// ```
/// use std::io;
///
/// use fedway_core::ConnectError;
/// use fedway_driver::connect_error;
///
/// let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
/// assert_eq!(connect_error(&refused), ConnectError::Refused);
/// ```
#[must_use]
pub fn connect_error(error: &io::Error) -> ConnectError {
    if let Some(error) = inside::<ConnectError>(error) {
        return error.clone();
    }
    if let Some(error) = inside(error) {
        return ConnectError::Tls(tls_error(error));
    }
    if is_out_of_resources(error) {
        return ConnectError::OutOfResources;
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

/// Why an established session gave no response
///
/// A server that refuses a client only after the handshake, as TLS 1.3 has it, says so in place of a
/// response.
pub(crate) fn fetch_error(error: &io::Error) -> FetchError {
    if let Some(TooMuchData { limit }) = TooMuchData::of(error) {
        return FetchError::TooMuchData { limit };
    }
    if let Some(error) = inside::<FetchError>(error) {
        return *error;
    }
    match inside(error) {
        Some(Error::AlertReceived(alert)) => FetchError::Alert((*alert).into()),
        _ => FetchError::ConnectionLost,
    }
}

fn inside<E: std::error::Error + 'static>(error: &io::Error) -> Option<&E> {
    error.get_ref()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedway_core::{CertificateError, TlsError};
    use rustls::AlertDescription;

    #[test]
    fn a_handshake_failure_is_told_from_a_socket_failure() {
        let unknown = rustls::CertificateError::UnknownIssuer;
        let tls = io::Error::other(Error::InvalidCertificate(unknown));
        assert_eq!(
            connect_error(&tls),
            ConnectError::Tls(TlsError::Certificate(CertificateError::UnknownIssuer {
                issuer: None
            }))
        );
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(connect_error(&refused), ConnectError::Refused);
        let known = io::Error::other(ConnectError::Unreachable);
        assert_eq!(connect_error(&known), ConnectError::Unreachable);
        let code = if cfg!(windows) { 10024 } else { 24 };
        let ours = io::Error::from_raw_os_error(code);
        assert_eq!(connect_error(&ours), ConnectError::OutOfResources);
    }

    #[test]
    fn an_alert_after_the_handshake_is_told_from_a_lost_connection() {
        let alert = Error::AlertReceived(AlertDescription::CertificateRequired);
        for (error, expected) in [
            (io::Error::other(alert), FetchError::Alert(116)),
            (
                io::Error::other(Error::DecryptError),
                FetchError::ConnectionLost,
            ),
            (io::Error::other(FetchError::TimedOut), FetchError::TimedOut),
            (
                io::ErrorKind::ConnectionReset.into(),
                FetchError::ConnectionLost,
            ),
        ] {
            assert_eq!(fetch_error(&error), expected);
        }
    }
}
