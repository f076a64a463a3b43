//! Why a target, or one address of it, could not be used

use core::fmt;
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::chain::write_chain;
use super::connect::{ConnectError, TlsError};
use super::dns::DnsError;
use super::fault::Fault;
use crate::address::{AddressRefusal, Family};
use crate::answer::Absence;
use crate::edition::Place;
use crate::name::Host;

/// Why one target or address of it could not be used
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum AttemptError {
    /// The address may not be dialled
    #[error("address refused")]
    AddressRefused(#[source] AddressRefusal),
    /// The connection failed
    #[error("connection failed")]
    Connect(#[source] ConnectError),
    /// The addresses could not be looked up
    #[error("address look-up failed")]
    Dns(#[source] DnsError),
    /// There is no address
    #[error("no address: {0}")]
    NoAddress(Absence),
    /// The address is of a family that is switched off
    #[error("{0} is switched off")]
    FamilyOff(Family),
    /// There are more addresses, of this host or of those before it, than a search dials
    #[error("not dialled: {limit} attempts were made before")]
    TooManyAttempts {
        /// The limit that was reached: [`Limits::attempts`](crate::Limits::attempts), or that of a host
        limit: u8,
    },
}

impl AttemptError {
    /// The kind in one stable word, for machines; a connection's tells where it failed
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AddressRefused(_) => "address_refused",
            Self::Connect(ConnectError::Tls(TlsError::Certificate(_))) => "certificate",
            Self::Connect(ConnectError::Tls(_)) => "tls",
            Self::Connect(_) => "connect",
            Self::Dns(_) => "dns",
            Self::FamilyOff(_) => "family_off",
            Self::NoAddress(_) => "no_address",
            Self::TooManyAttempts { .. } => "too_many_attempts",
        }
    }

    /// Whose fault it is
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::AddressRefused(_) | Self::FamilyOff(_) => Fault::Caller,
            Self::Connect(error) => error.fault(),
            Self::Dns(error) => error.fault(),
            Self::NoAddress(_) | Self::TooManyAttempts { .. } => Fault::Peer,
        }
    }

    /// Whether the same attempt may succeed later without anybody changing a configuration
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::AddressRefused(_)
            | Self::FamilyOff(_)
            | Self::NoAddress(_)
            | Self::TooManyAttempts { .. } => false,
            Self::Connect(error) => !matches!(error, ConnectError::Tls(_)),
            Self::Dns(error) => !matches!(
                error,
                DnsError::AliasLoop | DnsError::NotEncodable | DnsError::Onion
            ),
        }
    }
}

/// Something tried that failed, in the order it failed in
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The step of the specification
    pub place: Place,
    /// The host whose address was looked up or dialled
    pub host: Host,
    /// The address, once there was one
    pub address: Option<SocketAddr>,
    /// Why it failed
    pub error: AttemptError,
}

impl Attempt {
    /// What was tried: the host, and the address once there was one
    #[must_use]
    pub fn tried(&self) -> impl fmt::Display + '_ {
        Tried(self)
    }
}

impl fmt::Display for Attempt {
    /// On one line, causes included; the step's number is for whoever knows the edition
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.tried())?;
        write_chain(&self.error, f)
    }
}

struct Tried<'a>(&'a Attempt);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.host)?;
        match self.0.address {
            Some(address) => write!(f, " at {address}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edition::Route;
    use crate::error::certificate::CertificateError;
    use crate::name::DnsName;
    use alloc::string::ToString;

    #[test]
    fn an_attempt_is_written_with_its_causes_on_one_line() {
        let attempt = Attempt {
            place: Place::Route(Route::ExplicitPort),
            host: Host::Dns(DnsName::new("a.example").unwrap()),
            address: Some("192.0.2.1:8448".parse().unwrap()),
            error: AttemptError::Connect(ConnectError::Tls(TlsError::Certificate(
                CertificateError::UnknownIssuer {
                    issuer: Some("CN=An authority".into()),
                },
            ))),
        };
        assert_eq!(
            attempt.to_string(),
            "a.example at 192.0.2.1:8448: connection failed: TLS handshake failed: \
             certificate refused: unknown issuer: CN=An authority"
        );
    }
}
