//! What goes wrong with a connection, and with the TLS session over it

use core::fmt;

use serde::{Deserialize, Serialize};

use super::certificate::CertificateError;
use super::fault::Fault;
use crate::alert::AlertName;

/// A TCP connection or TLS session that did not come about
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum ConnectError {
    /// The peer closed the connection during the handshake
    #[error("closed by the peer during the handshake")]
    Closed,
    /// The connection failed in a way that has no name here; the operating system's error code, where it has one
    #[error("failed{}", OsCode(*.0))]
    Other(Option<i32>),
    /// This machine has no file, port or memory left for a socket to connect with; says nothing of the peer
    #[error("this machine has run out of files, ports or memory for sockets")]
    OutOfResources,
    /// The port is closed
    #[error("connection refused")]
    Refused,
    /// The peer reset the connection
    #[error("connection reset")]
    Reset,
    /// No session in time
    #[error("no TLS session in time")]
    TimedOut,
    /// The TLS handshake failed
    #[error("TLS handshake failed")]
    Tls(#[source] TlsError),
    /// The peer sent more for the handshake than [`Limits::volume`](crate::Limits::volume) allows
    #[error("more than {limit} bytes in the handshake")]
    TooMuchData {
        /// The limit, in bytes
        limit: usize,
    },
    /// No route to the address
    #[error("address unreachable")]
    Unreachable,
}

impl ConnectError {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Other(_) => "other",
            Self::OutOfResources => "out_of_resources",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::TimedOut => "timed_out",
            Self::Tls(_) => "tls",
            Self::TooMuchData { .. } => "too_much_data",
            Self::Unreachable => "unreachable",
        }
    }

    /// Whose fault it is
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::OutOfResources => Fault::Ours,
            Self::Closed
            | Self::Other(_)
            | Self::Refused
            | Self::Reset
            | Self::TimedOut
            | Self::Tls(_)
            | Self::TooMuchData { .. }
            | Self::Unreachable => Fault::Peer,
        }
    }
}

/// A TLS handshake that failed
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum TlsError {
    /// The peer ended the handshake with this alert (RFC 8446 §6), by the registry's number
    #[error("peer sent alert {}", AlertName(*.0))]
    Alert(u8),
    /// The peer's certificate was not accepted
    #[error("certificate refused")]
    Certificate(#[source] CertificateError),
    /// The host to verify is no name that a certificate can have (RFC 5280 §4.2.1.6)
    #[error("host cannot be the name of a certificate")]
    InvalidName,
    /// The peer does not speak TLS, or not as the RFCs have it
    #[error("peer does not follow the TLS protocol")]
    Protocol,
    /// No protocol version, cipher suite or key exchange in common
    #[error("no TLS version or cipher suite in common")]
    Unsupported,
}

impl TlsError {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Alert(_) => "alert",
            Self::Certificate(_) => "certificate",
            Self::InvalidName => "invalid_name",
            Self::Protocol => "protocol",
            Self::Unsupported => "unsupported",
        }
    }
}

struct OsCode(Option<i32>);

impl fmt::Display for OsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, " with operating system error {code}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_connection_that_failed_without_a_name_says_the_system_s_code() {
        for (code, text) in [
            (Some(105), "failed with operating system error 105"),
            (None, "failed"),
        ] {
            assert_eq!(ConnectError::Other(code).to_string(), text);
        }
    }
}
