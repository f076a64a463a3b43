//! What goes wrong with a question to DNS

use core::fmt;

use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// A DNS question that could not be answered
///
/// That there is no such record is an answer, not an error: see [`Answer::Absent`](crate::Answer::Absent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum DnsError {
    /// The chain of CNAMEs comes back to itself, or is too long
    #[error("aliases form a loop")]
    AliasLoop,
    /// The name server failed to answer, and said why; without a reason it is one of the other kinds
    #[error("name server answered {}: {reason}", ResponseCode(*.code))]
    Explained {
        /// The response code, as IANA numbers them: 2 is SERVFAIL, 5 is REFUSED
        code: u16,
        /// The reason
        reason: ExtendedError,
    },
    /// The answer could not be parsed
    #[error("malformed answer")]
    Malformed,
    /// The name does not fit a DNS message (RFC 1035 §2.3.4); nothing was sent
    #[error("name does not fit a DNS message")]
    NotEncodable,
    /// A `.onion` name, never sent to DNS (RFC 7686)
    #[error(".onion names are never sent to DNS")]
    Onion,
    /// This machine has no file, port or memory left for a socket to ask with; says nothing of the name, and is never
    /// taken for absence
    #[error("this machine has run out of files, ports or memory for sockets")]
    OutOfResources,
    /// The name server pointed to others and said that it asks none itself (RFC 2308 §2.2, RFC 1035 §4.1.1: RA)
    #[error("name server answered with a referral: it does no recursion")]
    Referral,
    /// The name server refused to answer
    #[error("name server answered REFUSED")]
    Refused,
    /// Another response code than the ones named here
    #[error("name server answered {}", ResponseCode(*.0))]
    ResponseCode(u16),
    /// The name server failed to answer
    #[error("name server answered SERVFAIL")]
    ServFail,
    /// No answer came in time
    #[error("no answer in time")]
    TimedOut,
    /// No name server could be reached
    #[error("no name server could be reached")]
    Unreachable,
}

impl DnsError {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AliasLoop => "alias_loop",
            Self::Explained { .. } => "explained",
            Self::Malformed => "malformed",
            Self::NotEncodable => "not_encodable",
            Self::Onion => "onion",
            Self::OutOfResources => "out_of_resources",
            Self::Referral => "referral",
            Self::Refused => "refused",
            Self::ResponseCode(_) => "response_code",
            Self::ServFail => "serv_fail",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
        }
    }

    /// Whose fault it is
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotEncodable | Self::Onion => Fault::Caller,
            Self::OutOfResources => Fault::Ours,
            Self::AliasLoop
            | Self::Explained { .. }
            | Self::Malformed
            | Self::Referral
            | Self::Refused
            | Self::ResponseCode(_)
            | Self::ServFail
            | Self::TimedOut
            | Self::Unreachable => Fault::Peer,
        }
    }
}

/// Why a name server failed, by the number that IANA gave the reason (RFC 8914)
///
/// The text that may go with it is left out: it is free-form, of any length, and from a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExtendedError(pub u16);

impl ExtendedError {
    /// What the registry calls it; `None` for a number that it did not have when this was written
    #[must_use]
    pub fn purpose(self) -> Option<&'static str> {
        EXTENDED_ERRORS.get(usize::from(self.0)).copied()
    }
}

impl fmt::Display for ExtendedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.purpose() {
            Some(purpose) => write!(f, "{purpose} (extended error {})", self.0),
            None => write!(f, "extended error {}", self.0),
        }
    }
}

/// A response code of DNS (RFC 6895 §2.3), as people know it
struct ResponseCode(u16);

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            2 => f.write_str("SERVFAIL"),
            5 => f.write_str("REFUSED"),
            code => write!(f, "with response code {code}"),
        }
    }
}

/// IANA, "Extended DNS Error Codes" in "Domain Name System (DNS) Parameters": those of RFC 8914, and 25 to 30 as of 2024
const EXTENDED_ERRORS: [&str; 31] = [
    "Other Error",
    "Unsupported DNSKEY Algorithm",
    "Unsupported DS Digest Type",
    "Stale Answer",
    "Forged Answer",
    "DNSSEC Indeterminate",
    "DNSSEC Bogus",
    "Signature Expired",
    "Signature Not Yet Valid",
    "DNSKEY Missing",
    "RRSIGs Missing",
    "No Zone Key Bit Set",
    "NSEC Missing",
    "Cached Error",
    "Not Ready",
    "Blocked",
    "Censored",
    "Filtered",
    "Prohibited",
    "Stale NXDOMAIN Answer",
    "Not Authoritative",
    "Not Supported",
    "No Reachable Authority",
    "Network Error",
    "Invalid Data",
    "Signature Expired before Valid",
    "Too Early",
    "Unsupported NSEC3 Iterations Value",
    "Unable to conform to policy",
    "Synthesized",
    "Invalid Query Type",
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_failed_answer_says_its_code_and_the_reason_by_the_registry_s_name() {
        for (error, text) in [
            (
                DnsError::Explained {
                    code: 2,
                    reason: ExtendedError(6),
                },
                "name server answered SERVFAIL: DNSSEC Bogus (extended error 6)",
            ),
            (
                DnsError::Explained {
                    code: 5,
                    reason: ExtendedError(30),
                },
                "name server answered REFUSED: Invalid Query Type (extended error 30)",
            ),
            (
                DnsError::Explained {
                    code: 9,
                    reason: ExtendedError(49_152),
                },
                "name server answered with response code 9: extended error 49152",
            ),
            (
                DnsError::ResponseCode(4),
                "name server answered with response code 4",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }
}
