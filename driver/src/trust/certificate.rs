//! What a certificate says of itself, for people to read; nothing is decided by it.

use std::fmt;
use std::net::IpAddr;

use fedway_core::UtcTime;

use super::der::{Element, SEQUENCE, dotted, elements};
use super::distinguished;
use super::x509::{Certificate, Key, SUBJECT_ALTERNATIVES, curve, identifier};
use crate::text::printable;

/// The parts of a certificate (RFC 5280 §4.1) that an administrator asks for
///
/// It comes from a stranger: texts are [printable] and bounded in length and number.
///
/// ```
/// use fedway_driver::CertificateSummary;
///
/// assert!(CertificateSummary::read(b"no certificate").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateSummary {
    /// The DNS names and IP addresses of its subjectAltName (§4.2.1.6); a hundred at most
    pub names: Vec<String>,
    /// The distinguished name of its subject, as RFC 4514 writes it; often empty
    pub subject: String,
    /// The distinguished name of its issuer, as RFC 4514 writes it
    pub issuer: String,
    /// The start of its validity, in seconds since 1970-01-01T00:00:00Z
    pub not_before: u64,
    /// The end of its validity, in seconds since 1970-01-01T00:00:00Z
    pub not_after: u64,
    /// What kind of public key it has
    pub key: KeyType,
}

impl CertificateSummary {
    /// Reads a certificate in DER
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn read(der: &[u8]) -> Result<Self, UnreadableCertificate> {
        Self::of(&Certificate::read(der).ok_or(UnreadableCertificate)?).ok_or(UnreadableCertificate)
    }

    fn of(certificate: &Certificate<'_>) -> Option<Self> {
        let alternatives = certificate.extension(SUBJECT_ALTERNATIVES);
        let alternatives = alternatives.and_then(|value| Element::only(value, SEQUENCE));
        Some(Self {
            names: elements(alternatives.unwrap_or_default())
                .unwrap_or_default()
                .into_iter()
                .filter_map(host)
                .take(MAX_NAMES)
                .collect(),
            subject: printable(&distinguished::write(certificate.subject)?, MAX_TEXT),
            issuer: printable(&distinguished::write(certificate.issuer)?, MAX_TEXT),
            not_before: certificate.not_before.unix(),
            not_after: certificate.not_after.unix(),
            key: KeyType::of(certificate.key)?,
        })
    }

    /// The start of its validity, as RFC 3339 writes it
    #[must_use]
    pub fn valid_from(&self) -> String {
        UtcTime::from_unix(self.not_before).to_string()
    }

    /// The end of its validity, as RFC 3339 writes it
    #[must_use]
    pub fn valid_until(&self) -> String {
        UtcTime::from_unix(self.not_after).to_string()
    }

    /// How many whole days it is still valid at a time, in seconds since 1970-01-01T00:00:00Z; negative once
    /// it has expired
    #[must_use]
    pub fn days_left(&self, now: u64) -> i64 {
        let left = i128::from(self.not_after) - i128::from(now);
        // Seconds of 64 bits, by 86,400, fit
        i64::try_from(left.div_euclid(86_400)).unwrap_or(i64::MAX)
    }
}

/// The kind of a public key
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyType {
    /// Elliptic curve (RFC 5480)
    Ecdsa {
        /// Such as `P-256`, or the curve's object identifier
        curve: String,
    },
    /// Ed25519 (RFC 8410)
    Ed25519,
    /// Something else
    Other {
        /// The object identifier of the algorithm
        algorithm: String,
    },
    /// RSA (RFC 3279)
    Rsa {
        /// The length of the modulus in bits
        bits: usize,
    },
}

impl KeyType {
    fn of(key: Key<'_>) -> Option<Self> {
        let id = identifier(key.algorithm)?;
        if let Some(bits) = key.rsa_bits() {
            return Some(Self::Rsa { bits });
        }
        if let Some(curve) = curve(key.algorithm) {
            return Some(Self::Ecdsa { curve });
        }
        if id == ED25519 {
            return Some(Self::Ed25519);
        }
        let algorithm = dotted(id)?;
        Some(Self::Other { algorithm })
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ecdsa { curve } => write!(f, "ECDSA {curve}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other { algorithm } => f.write_str(algorithm),
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
        }
    }
}

/// The bytes are no certificate in DER
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no readable certificate")]
pub struct UnreadableCertificate;

/// A `GeneralName` (RFC 5280 §4.2.1.6) that is a host
fn host(name: Element<'_>) -> Option<String> {
    match name.tag {
        DNS_NAME => Some(printable(str::from_utf8(name.content).ok()?, MAX_TEXT)),
        IP_ADDRESS => {
            let v4 = <[u8; 4]>::try_from(name.content).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(name.content).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// `dNSName`, §4.2.1.6
const DNS_NAME: u8 = 0x82;
/// `iPAddress`, §4.2.1.6
const IP_ADDRESS: u8 = 0x87;
/// id-Ed25519 (RFC 8410 §3)
const ED25519: &[u8] = b"\x2b\x65\x70";

/// What most public authorities allow in one certificate
pub(super) const MAX_NAMES: usize = 100;
/// The longest DNS name has 253 characters (RFC 1035 §2.3.4)
pub(super) const MAX_TEXT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_left_are_whole_and_negative_once_expired() {
        let certificate = CertificateSummary {
            names: Vec::new(),
            subject: String::new(),
            issuer: String::new(),
            not_before: 0,
            not_after: 86_400 * 10,
            key: KeyType::Ed25519,
        };
        for (now, days) in [
            (0, 10),
            (1, 9),
            (864_000, 0),
            (864_001, -1),
            (u64::MAX, -213_503_982_334_592),
        ] {
            assert_eq!(certificate.days_left(now), days);
        }
        assert_eq!(certificate.valid_until(), "1970-01-11T00:00:00Z");
    }
}
