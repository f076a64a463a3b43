//! What is found of a certificate's transparency.

use std::collections::BTreeSet;
use std::fmt;

/// What transparency logs say of a certificate
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transparency {
    /// Each timestamp, in the order they were found in
    pub timestamps: Vec<LoggedAt>,
}

impl Transparency {
    /// How many distinct operators have a log with a valid timestamp for it
    ///
    /// None where all of them are of logs that have been retired since: whoever got hold of the key of such
    /// a log could date timestamps back.
    #[must_use]
    pub fn operators(&self) -> usize {
        let valid = self
            .timestamps
            .iter()
            .filter(|each| each.outcome == SctOutcome::Valid);
        if !valid.clone().any(|each| each.in_force) {
            return 0;
        }
        let operators: BTreeSet<_> = valid.filter_map(|each| each.operator.as_deref()).collect();
        operators.len()
    }
}

/// A timestamp, and what came of verifying it
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedAt {
    /// Where it was found
    pub source: SctSource,
    /// The name of the log, where the list has it
    pub log: Option<String>,
    /// Who operated the log at the time, where the list has it
    pub operator: Option<String>,
    /// The time it states, in milliseconds since 1970-01-01T00:00:00Z; zero where it is malformed
    pub milliseconds: u64,
    /// What came of it
    pub outcome: SctOutcome,
    /// Whether the log is trusted to this day
    pub in_force: bool,
}

/// Where a timestamp was found (RFC 6962 §3.3)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SctSource {
    /// In the certificate
    Certificate,
    /// In a stapled OCSP response
    Ocsp,
}

impl fmt::Display for SctSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::Ocsp => "ocsp",
        })
    }
}

/// What came of verifying a timestamp
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SctOutcome {
    /// Not the log's signature for this certificate
    BadSignature,
    /// From a time that has not come yet
    InFuture,
    /// Not as RFC 6962 §3.2 has it, or of another version
    Malformed,
    /// From a log, after it was retired
    RetiredLog,
    /// From a log that is not in the list
    UnknownLog,
    /// From a log that the list has as pending or rejected
    UntrustedLog,
    /// It counts
    Valid,
}

impl fmt::Display for SctOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadSignature => "bad signature",
            Self::InFuture => "in the future",
            Self::Malformed => "malformed",
            Self::RetiredLog => "from a retired log",
            Self::UnknownLog => "unknown log",
            Self::UntrustedLog => "from a log that is not trusted",
            Self::Valid => "valid",
        })
    }
}
