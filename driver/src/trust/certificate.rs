//! What a certificate says of itself, for people to read; nothing is decided by it.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Any, DateTime, Decode as _, Reader as _, SliceReader};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

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
        let certificate =
            CertificateInner::<Raw>::from_der(der).map_err(|_| UnreadableCertificate)?;
        let body = certificate.tbs_certificate();
        let alternatives = body.get_extension::<SubjectAltName>();
        let alternatives = alternatives.ok().flatten().map(|(_, names)| names.0);
        let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
        Ok(Self {
            names: alternatives
                .unwrap_or_default()
                .iter()
                .filter_map(host)
                .take(MAX_NAMES)
                .collect(),
            subject: printable(&body.subject().to_string(), MAX_TEXT),
            issuer: printable(&body.issuer().to_string(), MAX_TEXT),
            not_before: seconds(body.validity().not_before),
            not_after: seconds(body.validity().not_after),
            key: KeyType::of(body.subject_public_key_info()),
        })
    }

    /// The start of its validity, as RFC 3339 writes it
    #[must_use]
    pub fn valid_from(&self) -> String {
        rfc3339(self.not_before)
    }

    /// The end of its validity, as RFC 3339 writes it
    #[must_use]
    pub fn valid_until(&self) -> String {
        rfc3339(self.not_after)
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
    fn of(key: &SubjectPublicKeyInfoOwned) -> Self {
        let algorithm = key.algorithm.oid;
        let parameters = key.algorithm.parameters.as_ref();
        let rsa_bits = || {
            let bytes = key.subject_public_key.as_bytes()?;
            SliceReader::new(bytes)
                .and_then(|mut reader| reader.sequence(modulus_bits))
                .ok()
        };
        match algorithm {
            RSA => rsa_bits().map(|bits| Self::Rsa { bits }),
            ELLIPTIC => parameters.map(|curve| Self::Ecdsa {
                curve: curve_name(curve),
            }),
            ED25519 => Some(Self::Ed25519),
            _ => None,
        }
        .unwrap_or_else(|| Self::Other {
            algorithm: algorithm.to_string(),
        })
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

/// Writes seconds since 1970-01-01T00:00:00Z as RFC 3339 does
#[must_use]
pub fn rfc3339(seconds: u64) -> String {
    match DateTime::from_unix_duration(Duration::from_secs(seconds)) {
        Ok(time) => time.to_string(),
        // Later than the year 9999, which no certificate can say
        Err(_) => seconds.to_string(),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other kinds of names are not hosts"
)]
fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(printable(name.as_str(), MAX_TEXT)),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// `RSAPublicKey` (RFC 3279 §2.3.1)
fn modulus_bits(reader: &mut SliceReader<'_>) -> x509_cert::der::Result<usize> {
    let modulus = UintRef::decode(reader)?;
    let _exponent = UintRef::decode(reader)?;
    let leading = modulus
        .as_bytes()
        .first()
        .map_or(0, |first| first.leading_zeros());
    // At most 7
    Ok(modulus.as_bytes().len() * 8 - leading as usize)
}

fn curve_name(parameters: &Any) -> String {
    let Ok(curve) = parameters.decode_as::<ObjectIdentifier>() else {
        return String::from("of explicit parameters");
    };
    match curve {
        P256 => String::from("P-256"),
        P384 => String::from("P-384"),
        P521 => String::from("P-521"),
        other => other.to_string(),
    }
}

/// rsaEncryption (RFC 3279 §2.3.1)
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-ecPublicKey (RFC 5480 §2.1.1)
const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// id-Ed25519 (RFC 8410 §3)
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// secp256r1 (RFC 5480 §2.1.1.1)
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// secp384r1 (RFC 5480 §2.1.1.1)
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// secp521r1 (RFC 5480 §2.1.1.1)
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

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
