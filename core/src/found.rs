//! What a search ends with: what it found, or what it failed with.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::action::ActionId;
use crate::answer::Shown;
use crate::edition::{Edition, Place, Route};
use crate::error::{
    Attempt, AttemptError, BodyError, DnsError, Fault, WellKnownError, write_chain,
};
use crate::name::{DnsName, Host, ServerName};
use crate::srv::SkippedRecord;
use crate::time::Instant;
use crate::trust::{SkipRule, Verdict};

/// A search that found the server
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Found {
    /// Where requests go
    pub destination: Destination,
    /// The connection, if the search was asked for one
    pub connection: Option<Connection>,
    /// Whether the whole way was verified: the rule of the first check that was skipped on it, .well-known included
    ///
    /// Of a search that does not connect, the way is .well-known's; what will be done at each address
    /// is said by [`CandidateAddress::verdict`].
    pub verdict: Verdict,
    /// Until when this may be believed, on the clock of the search: the end of the first of the answers that it rests
    /// on; `None` where it rests on none, as an IP literal does
    ///
    /// What was only asked ahead does not count. A .well-known answer lasts as RFC 9111 says, within
    /// [`Config::lifetimes`](crate::Config::lifetimes), a DNS answer its time to live.
    pub expires: Option<Instant>,
    /// What was noticed and tried on the way
    pub notes: Notes,
}

/// Where requests for a server name go, and what they carry
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Destination {
    /// The edition that was followed
    pub edition: Edition,
    /// The way that led here
    pub route: Route,
    /// The `Host` header of every request
    pub host_header: String,
    /// What the server's certificate must be valid for
    pub tls_name: Host,
    /// The targets, in the order they are tried
    pub candidates: Vec<Candidate>,
}

impl Destination {
    /// The number that the edition gives the step that led here, such as `3.2`
    #[must_use]
    pub fn step(&self) -> &'static str {
        self.route.step(self.edition)
    }

    /// The server name indication to send: a DNS name, or none where the certificate is for an address
    #[must_use]
    pub fn sni(&self) -> Option<&DnsName> {
        self.tls_name.dns_name()
    }

    /// The addresses of all candidates, in the order they are tried
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let all = self
            .candidates
            .iter()
            .flat_map(|candidate| &candidate.addresses);
        all.map(|candidate| candidate.address)
    }
}

/// A host and port that may serve the server name
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Candidate {
    /// The host whose addresses these are; never what the certificate is verified for
    pub target: Host,
    /// The TCP port
    pub port: u16,
    /// Priority and weight, where an SRV record gave the target (RFC 2782)
    pub srv: Option<(u16, u16)>,
    /// The addresses in the order they are tried, without those that may not be dialled
    ///
    /// Empty where there are none, and where a search that connects did not get as far as this target. Where
    /// such a search connected before both families were answered, the later family is missing.
    pub addresses: Vec<CandidateAddress>,
}

/// An address to connect to, and what is done about its certificate
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CandidateAddress {
    /// The address and port
    pub address: SocketAddr,
    /// Whether the certificate is verified there
    pub verdict: Verdict,
}

/// The session that a search opened
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Connection {
    /// The [`Connect`](crate::Connect) that won; the driver has the session under this name
    pub id: ActionId,
    /// The address it leads to
    pub address: SocketAddr,
    /// Whether the certificate was verified, and those on the way here: who leads to another server without being
    /// verified has not verified that server
    pub verdict: Verdict,
    /// What the session showed, as far as the driver tells
    pub shown: Option<Box<Shown>>,
}

/// A search that found no server
///
/// [`source()`](core::error::Error::source) is the cause; [`Notes::attempts`] are all of them, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DiscoveryError {
    /// What ended the search
    pub kind: DiscoveryErrorKind,
    /// The edition that was followed
    pub edition: Edition,
    /// The step that the search had reached
    pub place: Place,
    /// The host that step was about
    pub host: Host,
    /// Where requests would go, if the search came that far
    pub destination: Option<Box<Destination>>,
    /// What was noticed and tried on the way; boxed, so that the error is small enough for a `Result`
    pub notes: Box<Notes>,
}

impl DiscoveryError {
    /// The number that the edition gives the step that the search had reached, such as `3.2`
    #[must_use]
    pub fn step(&self) -> &'static str {
        self.place.number(self.edition)
    }

    /// Whose fault it is
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.kind.fault()
    }

    /// Whether the same search may succeed later without anybody changing a configuration
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match &self.kind {
            DiscoveryErrorKind::TimedOut => true,
            DiscoveryErrorKind::Gone
            | DiscoveryErrorKind::InvalidWellKnown(_)
            | DiscoveryErrorKind::NotOffered { .. }
            | DiscoveryErrorKind::NoUsableRecord { .. }
            | DiscoveryErrorKind::Onion => self.notes.provisional,
            DiscoveryErrorKind::Unreachable(cause) => {
                self.notes.provisional
                    || cause.is_temporary()
                    || self
                        .notes
                        .attempts
                        .iter()
                        .any(|attempt| attempt.place == self.place && attempt.error.is_temporary())
            }
        }
    }
}

/// `{:#}` says the causes as well, as [`write_chain`] does
impl fmt::Display for DiscoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return write_chain(self, f);
        }
        write!(f, "step {} ({}): {}", self.step(), self.host, self.kind)
    }
}

impl core::error::Error for DiscoveryError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.kind.source()
    }
}

/// What ended a search
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum DiscoveryErrorKind {
    /// .well-known answered 410, and [`Config::gone_is_final`](crate::Config::gone_is_final) is on (MSC4188)
    #[error("server is gone")]
    Gone,
    /// .well-known answered 200 with an invalid body, in an edition that then gives up
    #[error("invalid .well-known")]
    InvalidWellKnown(#[source] BodyError),
    /// The SRV record says that the service is not offered (a target of `.`, RFC 2782)
    #[error("{service} is not offered")]
    NotOffered {
        /// The owner name of the record
        service: DnsName,
    },
    /// There are SRV records, and none of them can be used: a set that was found binds
    #[error("no usable record of {service}")]
    NoUsableRecord {
        /// The owner name of the records
        service: DnsName,
    },
    /// A `.onion` name, which needs a proxy (RFC 7686)
    #[error(".onion names need a proxy")]
    Onion,
    /// The whole search took too long
    #[error("search took too long")]
    TimedOut,
    /// No target of the destination could be used; this is why for the last one
    #[error("no usable server")]
    Unreachable(#[source] AttemptError),
}

impl DiscoveryErrorKind {
    /// The kind in one stable word, for machines; of what could not be reached, that of its last attempt
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::InvalidWellKnown(_) => "invalid_well_known",
            Self::NotOffered { .. } => "not_offered",
            Self::NoUsableRecord { .. } => "no_usable_record",
            Self::Onion => "onion",
            Self::TimedOut => "timed_out",
            Self::Unreachable(cause) => cause.name(),
        }
    }

    /// Whose fault it is
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Onion => Fault::Caller,
            Self::Gone
            | Self::InvalidWellKnown(_)
            | Self::NotOffered { .. }
            | Self::NoUsableRecord { .. }
            | Self::TimedOut => Fault::Peer,
            Self::Unreachable(cause) => cause.fault(),
        }
    }
}

/// What a search noticed and tried on its way
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notes {
    /// What failed, in order, .well-known included
    pub attempts: Vec<Attempt>,
    /// Whether an SRV question could not be answered, or .well-known failed for a reason that may pass, and the search
    /// went on as if there were none: a later one may find another destination
    pub provisional: bool,
    /// What an administrator should know
    pub warnings: Vec<Warning>,
    /// The .well-known request, if the search came to it
    pub well_known: Option<WellKnown>,
}

impl Notes {
    /// The rule of the first check of a certificate that was skipped
    pub(crate) fn skipped(&self) -> Option<&SkipRule> {
        self.warnings.iter().find_map(|warning| {
            let Warning::VerificationSkipped { rule, .. } = warning else {
                return None;
            };
            Some(rule)
        })
    }

    /// Takes in what was noticed on a part of the way
    pub(crate) fn take_in(&mut self, part: &Self) {
        self.attempts.extend_from_slice(&part.attempts);
        self.provisional |= part.provisional;
        self.warnings.extend_from_slice(&part.warnings);
        self.well_known.clone_from(&part.well_known);
    }

    pub(crate) fn attempt(
        &mut self,
        place: Place,
        host: &Host,
        address: Option<SocketAddr>,
        error: AttemptError,
    ) {
        self.attempts.push(Attempt {
            place,
            host: host.clone(),
            address,
            error,
        });
    }
}

/// The .well-known request of a search
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WellKnown {
    /// The status of the last response
    pub status: Option<u16>,
    /// The server name it delegates to
    pub delegated: Option<ServerName>,
    /// The URLs it was redirected to, in order
    pub redirects: Vec<String>,
    /// Why it gave no delegation
    pub error: Option<WellKnownError>,
    /// Until when that may be believed, on the clock of the search
    pub expires: Option<Instant>,
}

/// Something that works, but should be known to whoever runs either side
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// An SRV target is an IP literal, which RFC 2782 forbids; it was taken for the address it says
    AddressTarget {
        /// The owner name of the record
        owner: DnsName,
        /// The address
        address: IpAddr,
    },
    /// An SRV target is an alias (CNAME), which RFC 2782 forbids
    AliasTarget {
        /// The target
        target: DnsName,
    },
    /// The server was found by a service name that the edition deprecates
    DeprecatedService {
        /// The owner name of the SRV record
        owner: DnsName,
    },
    /// The name is longer than the specification recommends
    LongName {
        /// Its length in bytes
        len: usize,
    },
    /// An SRV record was not used
    SkippedRecord {
        /// The owner name of the record
        owner: DnsName,
        /// Its target
        target: DnsName,
        /// Why
        reason: SkippedRecord,
    },
    /// An SRV question could not be answered, and was taken for "no such record"
    SrvUnanswered {
        /// The owner name asked for
        owner: DnsName,
        /// Why there was no answer
        error: DnsError,
    },
    /// There are more SRV records of an owner than a search looks at; those of the lowest priority were left out
    RecordsCut {
        /// The owner name
        owner: DnsName,
        /// How many
        cut: usize,
    },
    /// A host has more addresses of a family than a search tries
    TooManyAddresses {
        /// The host
        host: DnsName,
    },
    /// A certificate was not verified
    VerificationSkipped {
        /// The host it should have been valid for
        host: Host,
        /// The address dialled
        address: SocketAddr,
        /// The rule that said so
        rule: SkipRule,
    },
}

impl Warning {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AddressTarget { .. } => "address_target",
            Self::AliasTarget { .. } => "alias_target",
            Self::DeprecatedService { .. } => "deprecated_service",
            Self::LongName { .. } => "long_name",
            Self::RecordsCut { .. } => "records_cut",
            Self::SkippedRecord { .. } => "skipped_record",
            Self::SrvUnanswered { .. } => "srv_unanswered",
            Self::TooManyAddresses { .. } => "too_many_addresses",
            Self::VerificationSkipped { .. } => "verification_skipped",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressTarget { owner, address } => {
                write!(
                    f,
                    "SRV record {owner} has the address {address} for a target, which RFC 2782 forbids"
                )
            }
            Self::AliasTarget { target } => {
                write!(f, "SRV target {target} is an alias, which RFC 2782 forbids")
            }
            Self::DeprecatedService { owner } => {
                write!(f, "found by the deprecated SRV service {owner}")
            }
            Self::LongName { len } => {
                write!(
                    f,
                    "server name of {len} bytes, more than the recommended 230"
                )
            }
            Self::RecordsCut { owner, cut } => {
                write!(f, "SRV {owner} has {cut} records more than are looked at")
            }
            Self::SkippedRecord {
                owner,
                target,
                reason,
            } => {
                let reason = match reason {
                    SkippedRecord::PortZero => "its port is 0",
                    SkippedRecord::RootTarget => "its target is the root, beside other records",
                    SkippedRecord::TooMany => "there are too many",
                };
                write!(
                    f,
                    "SRV record {owner} with target {target} skipped: {reason}"
                )
            }
            Self::SrvUnanswered { owner, error } => {
                write!(f, "SRV {owner} taken for absent: {error}")
            }
            Self::TooManyAddresses { host } => {
                write!(f, "{host} has more addresses than are tried")
            }
            Self::VerificationSkipped {
                host,
                address,
                rule,
            } => {
                write!(
                    f,
                    "certificate for {host} at {address} not verified, by rule {rule}"
                )
            }
        }
    }
}
