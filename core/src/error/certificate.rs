//! What is wrong with a certificate

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::time::UtcTime;

/// A certificate that was not accepted, in the terms of RFC 5280 and RFC 6125
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum CertificateError {
    /// An authority's certificate in place of a server's (RFC 5280 §4.2.1.9, `cA`)
    #[error("certificate of an authority, not of a server")]
    Authority,
    /// Not well-formed, or with a signature that does not verify
    #[error("bad signature or encoding")]
    Bad,
    /// Outside what its issuers may issue: names (RFC 5280 §4.2.1.10) or length of the chain (§4.2.1.9)
    #[error("violates a constraint of its issuer")]
    ConstraintViolated,
    /// A critical extension that the verifier does not know, and so must refuse (RFC 5280 §4.2)
    #[error("unknown critical extension")]
    CriticalExtension,
    /// `notAfter` has passed
    #[error("expired since {}", Date(*.not_after))]
    Expired {
        /// The end of validity, in seconds since 1970-01-01T00:00:00Z, where the verifier tells it
        not_after: Option<u64>,
    },
    /// Signed by a certificate that is no authority's (RFC 5280 §4.2.1.9, `cA`)
    #[error("issuer is no certificate authority")]
    IssuerNotAuthority,
    /// Too few certificate transparency logs vouch for it (RFC 6962)
    #[error("logged by {operators} operators of certificate transparency logs, {minimum} required")]
    NotTransparent {
        /// How many distinct operators have a log with a valid timestamp for it
        operators: usize,
        /// How many the policy asks for
        minimum: usize,
    },
    /// No subjectAltName fits the host
    #[error("not valid for {expected}, only for {}", Names(.presented))]
    NotValidForName {
        /// The host it was verified for
        expected: String,
        /// The names it is valid for
        presented: Vec<String>,
    },
    /// `notBefore` has not come yet
    #[error("not yet valid, only from {}", Date(*.not_before))]
    NotYetValid {
        /// The start of validity, in seconds since 1970-01-01T00:00:00Z, where the verifier tells it
        not_before: Option<u64>,
    },
    /// Refused for another reason
    #[error("not acceptable for a server")]
    Other,
    /// Its issuer's revocation list cannot be relied on: a bad signature, or an issuer that may not sign lists
    #[error("revocation list of its issuer cannot be verified")]
    RevocationList,
    /// No revocation list that is still current says that it is good, and the policy asks for one
    #[error("revocation status unknown")]
    RevocationUnknown,
    /// On a revocation list, or an issuer of it is
    #[error("revoked")]
    Revoked,
    /// More paths or signatures than a verifier is ready to try
    #[error("chain too complex to verify")]
    TooComplex,
    /// No chain to a trusted root
    #[error("unknown issuer{}", Named(.issuer))]
    UnknownIssuer {
        /// The distinguished name of the first that is missing, as RFC 4514 writes it, where it can be told
        issuer: Option<String>,
    },
    /// Signed by an algorithm that the cryptographic provider does not support, nor known to be weak
    #[error("unsupported signature algorithm: {algorithm}")]
    UnsupportedSignature {
        /// The algorithm with its curve or hash, as far as they are known; otherwise its object identifier
        algorithm: String,
    },
    /// A key that is too short
    #[error("weak key: RSA with {bits} bits")]
    WeakKey {
        /// The length of the RSA modulus in bits
        bits: usize,
    },
    /// Signed over a hash that is broken
    #[error("weak signature: {algorithm}")]
    WeakSignature {
        /// The signature algorithm (RFC 3279)
        algorithm: Cow<'static, str>,
    },
    /// Not issued for servers (RFC 5280 §4.2.1.12, `id-kp-serverAuth`)
    #[error("not issued for TLS servers")]
    WrongPurpose,
}

impl CertificateError {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Bad => "bad",
            Self::ConstraintViolated => "constraint_violated",
            Self::CriticalExtension => "critical_extension",
            Self::Expired { .. } => "expired",
            Self::IssuerNotAuthority => "issuer_not_authority",
            Self::NotTransparent { .. } => "not_transparent",
            Self::NotValidForName { .. } => "not_valid_for_name",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Other => "other",
            Self::RevocationList => "revocation_list",
            Self::RevocationUnknown => "revocation_unknown",
            Self::Revoked => "revoked",
            Self::TooComplex => "too_complex",
            Self::UnknownIssuer { .. } => "unknown_issuer",
            Self::UnsupportedSignature { .. } => "unsupported_signature",
            Self::WeakKey { .. } => "weak_key",
            Self::WeakSignature { .. } => "weak_signature",
            Self::WrongPurpose => "wrong_purpose",
        }
    }
}

struct Named<'a>(&'a Option<String>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, ": {name}"),
            None => Ok(()),
        }
    }
}

struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no name at all");
        }
        for (index, name) in self.0.iter().take(MAX_NAMES_SHOWN).enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            f.write_str(name)?;
        }
        match self.0.len().saturating_sub(MAX_NAMES_SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Writes seconds since 1970 as a date
struct Date(Option<u64>);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(seconds) => UtcTime::from_unix(seconds).fmt(f),
            None => f.write_str("a date that the verifier does not tell"),
        }
    }
}

/// How many names of a certificate a message has: certificates with a hundred are common; our choice
const MAX_NAMES_SHOWN: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn an_expired_certificate_says_since_when() {
        for (not_after, text) in [
            (Some(1_795_435_200), "expired since 2026-11-23T12:00:00Z"),
            (None, "expired since a date that the verifier does not tell"),
        ] {
            assert_eq!(CertificateError::Expired { not_after }.to_string(), text);
        }
    }

    #[test]
    fn a_wrong_name_says_the_right_ones() {
        let error = CertificateError::NotValidForName {
            expected: "a.example".into(),
            presented: vec!["b.example".into(), "c.example".into()],
        };
        assert_eq!(
            error.to_string(),
            "not valid for a.example, only for b.example, c.example"
        );
    }
}
