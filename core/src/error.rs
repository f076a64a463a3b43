//! What goes wrong with single actions: what a driver reports, and what became of .well-known.
//!
//! The ring inside is what a name fails with ([`ServerNameError`]), the one outside what a user receives
//! ([`DiscoveryError`](crate::DiscoveryError)).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::address::{AddressRefusal, Family};
use crate::alert::AlertName;
use crate::answer::Absence;
use crate::edition::Place;
use crate::name::{Host, ServerNameError};
use crate::time::UtcTime;

/// Whose fault an error is
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Whoever asked: the name, or the configuration, forbids it
    Caller,
    /// This machine, which has run out of something: says nothing of any other
    Ours,
    /// The server that was looked for, or those that should have told where it is
    Peer,
}

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

/// A GET that brought no complete response
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum FetchError {
    /// The peer ended the session with this alert (RFC 8446 §6), by the registry's number
    ///
    /// In TLS 1.3 a server that asks for a client's certificate says so only after the handshake.
    #[error("peer sent alert {}", AlertName(*.0))]
    Alert(u8),
    /// The body is larger than allowed
    #[error("body larger than {limit} bytes")]
    BodyTooLarge {
        /// The limit, in bytes
        limit: usize,
    },
    /// The peer closed or reset the connection before the response was complete
    #[error("connection lost before the end of the response")]
    ConnectionLost,
    /// The head is larger than allowed
    #[error("headers larger than {limit} bytes")]
    HeadTooLarge {
        /// The limit, in bytes
        limit: usize,
    },
    /// The caller's host or path cannot stand in a request; nothing was sent
    #[error("request that cannot be sent")]
    InvalidRequest,
    /// The response is not HTTP/1.1 as RFC 9112 has it, or not what was asked for
    #[error("malformed response")]
    Malformed(#[source] MalformedResponse),
    /// The response was not complete in time
    #[error("no complete response in time")]
    TimedOut,
    /// The peer sent more, below TLS, than [`Limits::volume`](crate::Limits::volume) allows
    #[error("more than {limit} bytes in handshake and response")]
    TooMuchData {
        /// The limit, in bytes
        limit: usize,
    },
}

impl FetchError {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Alert(_) => "alert",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::ConnectionLost => "connection_lost",
            Self::HeadTooLarge { .. } => "head_too_large",
            Self::InvalidRequest => "invalid_request",
            Self::Malformed(_) => "malformed",
            Self::TimedOut => "timed_out",
            Self::TooMuchData { .. } => "too_much_data",
        }
    }

    /// Whose fault it is
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::InvalidRequest => Fault::Caller,
            Self::Alert(_)
            | Self::BodyTooLarge { .. }
            | Self::ConnectionLost
            | Self::HeadTooLarge { .. }
            | Self::Malformed(_)
            | Self::TimedOut
            | Self::TooMuchData { .. } => Fault::Peer,
        }
    }
}

/// The part of a response for which it was refused, and why
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    thiserror::Error,
    Serialize,
    Deserialize,
)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum MalformedResponse {
    /// A chunk size, an extension, a trailer or the line ends between them are not as RFC 9112 §7.1 has them
    #[error("chunk of the body without the size or line end due there")]
    Chunk,
    /// A content coding is applied to the body (RFC 9110 §8.4.1), although only `identity` was asked for
    #[error("content-encoding with a coding that was not asked for")]
    ContentCoding,
    /// Two values that differ (RFC 9110 §8.6)
    #[error("content-length given twice, with values that differ")]
    ContentLengthConflict,
    /// A line that some would read as `Content-Length` and others would not: folded, indented, with a blank before
    /// its colon, or with characters that no header may have
    #[error("content-length in a line that breaks the grammar of headers")]
    ContentLengthLine,
    /// A value that is no number
    #[error("content-length that is no number")]
    ContentLengthNumber,
    /// NUL, or a CR without its LF: "invalid and dangerous" (RFC 9110 §5.5)
    #[error("headers with NUL, or with CR without LF")]
    HeaderCharacter,
    /// The first bytes are not `HTTP/1.`
    #[error("first line of another protocol than HTTP/1")]
    NotHttp1,
    /// The rest of the first line is not as RFC 9112 §4 has it
    #[error("status line without the version or three digits due there")]
    StatusLine,
    /// 101, although no other protocol was asked for
    #[error("status 101, a switch of protocols that was not asked for")]
    SwitchedProtocols,
    /// Another transfer coding than `chunked`, or `chunked` twice
    #[error("transfer-encoding that is not chunked")]
    TransferCoding,
    /// `Transfer-Encoding` beside `Content-Length`: one of them lies (RFC 9112 §6.3)
    #[error("transfer-encoding beside content-length")]
    TransferEncodingBesideLength,
    /// `Transfer-Encoding` in HTTP/1.0, which has none (RFC 9112 §6.1)
    #[error("transfer-encoding in HTTP/1.0")]
    TransferEncodingInHttp10,
    /// A line that some would read as `Transfer-Encoding` and others would not, like
    /// [`ContentLengthLine`](Self::ContentLengthLine)
    #[error("transfer-encoding in a line that breaks the grammar of headers")]
    TransferEncodingLine,
}

impl MalformedResponse {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chunk => "chunk",
            Self::ContentCoding => "content_coding",
            Self::ContentLengthConflict => "content_length_conflict",
            Self::ContentLengthLine => "content_length_line",
            Self::ContentLengthNumber => "content_length_number",
            Self::HeaderCharacter => "header_character",
            Self::NotHttp1 => "not_http1",
            Self::StatusLine => "status_line",
            Self::SwitchedProtocols => "switched_protocols",
            Self::TransferCoding => "transfer_coding",
            Self::TransferEncodingBesideLength => "transfer_encoding_beside_length",
            Self::TransferEncodingInHttp10 => "transfer_encoding_in_http10",
            Self::TransferEncodingLine => "transfer_encoding_line",
        }
    }
}

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

/// Why the .well-known request gave no delegation
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum WellKnownError {
    /// The body is not what the schema asks for
    #[error("invalid body")]
    Body(#[source] BodyError),
    /// The response did not arrive
    #[error("no usable response")]
    Fetch(#[source] FetchError),
    /// A redirect could not be followed
    #[error("redirect{} not followed", To(.location))]
    Redirect {
        /// The `Location`, as sent but for what a terminal should not see, and at most 256 characters of it; `None`
        /// where there is none
        location: Option<String>,
        /// Why
        #[source]
        cause: RedirectError,
    },
    /// Another status than 200
    #[error("status {0}")]
    Status(u16),
    /// All hops together took too long
    #[error("no response in time")]
    TimedOut,
    /// No connection to the host, or to the host of a redirect
    #[error("{host} unreachable")]
    Unreachable {
        /// The host
        host: Host,
        /// Why its last address could not be used
        #[source]
        cause: AttemptError,
    },
}

impl WellKnownError {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Body(_) => "body",
            Self::Fetch(_) => "fetch",
            Self::Redirect { .. } => "redirect",
            Self::Status(_) => "status",
            Self::TimedOut => "timed_out",
            Self::Unreachable { .. } => "unreachable",
        }
    }

    /// Whether the same request may succeed later without anybody changing a configuration
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { cause, .. } => cause.is_temporary(),
            // RFC 9110 §15.5.9, RFC 6585 §4, RFC 9110 §15.6
            Self::Status(status) => matches!(status, 408 | 429 | 500..=599),
            Self::Fetch(error) => *error == FetchError::ConnectionLost,
            Self::TimedOut => true,
            Self::Body(_) | Self::Redirect { .. } => false,
        }
    }

    /// Whose fault it is
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unreachable { cause, .. } => cause.fault(),
            Self::Fetch(error) => error.fault(),
            Self::Body(_) | Self::Redirect { .. } | Self::Status(_) | Self::TimedOut => Fault::Peer,
        }
    }
}

/// Why a .well-known body is invalid
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum BodyError {
    /// Not a JSON object with one string `m.server`
    #[error("no JSON object with a string m.server, at line {line} column {column}")]
    Json {
        /// The line, from 1
        line: u32,
        /// The column in bytes, from 1; 0 where the line itself is missing
        column: u32,
    },
    /// `m.server` breaks the grammar of server names
    #[error("m.server is no server name")]
    ServerName(#[source] ServerNameError),
}

impl BodyError {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Json { .. } => "json",
            Self::ServerName(_) => "server_name",
        }
    }
}

/// Why a redirect was not followed
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum RedirectError {
    /// A host in letters outside ASCII, percent-encoded or not, which DNS and certificates do not have
    #[error("international host names must be written in ASCII, as xn--…")]
    InternationalHost,
    /// `Location` is no URI reference (RFC 3986 §4.1), or one without a host that DNS or IP knows
    #[error("not a URI with a host")]
    Location,
    /// The URL was visited before
    #[error("redirects form a loop")]
    Loop,
    /// `Location` is missing, or empty
    #[error("location missing")]
    NoLocation,
    /// The URL is not https
    #[error("not https")]
    NotHttps,
    /// One redirect more than allowed
    #[error("more than {limit} redirects")]
    TooMany {
        /// The limit
        limit: u8,
    },
    /// The URL has user info
    #[error("user info before the host")]
    UserInfo,
}

impl RedirectError {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::InternationalHost => "international_host",
            Self::Location => "location",
            Self::Loop => "loop",
            Self::NoLocation => "no_location",
            Self::NotHttps => "not_https",
            Self::TooMany { .. } => "too_many",
            Self::UserInfo => "user_info",
        }
    }
}

/// An error and its sources on one line, `: ` between them
///
/// A message says one thing, and its cause is in [`source`](core::error::Error::source), where those look who print
/// chains themselves. Everybody else prints any error with this; a [`DiscoveryError`](crate::DiscoveryError) says the
/// same of itself with `{:#}`. (The others do not: their messages are derived, and what derives them passes no flags on.)
///
/// ```
/// use fedway_core::{AttemptError, Chain, ConnectError};
///
/// let error = AttemptError::Connect(ConnectError::Refused);
/// assert_eq!(error.to_string(), "connection failed");
/// assert_eq!(Chain(&error).to_string(), "connection failed: connection refused");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(pub &'a dyn core::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_chain(self.0, f)
    }
}

/// Writes an error and its sources on one line, `: ` between them; see [`Chain`]
pub fn write_chain(error: &dyn core::error::Error, f: &mut dyn fmt::Write) -> fmt::Result {
    write!(f, "{error}")?;
    let mut source = error.source();
    while let Some(cause) = source {
        write!(f, ": {cause}")?;
        source = cause.source();
    }
    Ok(())
}

struct To<'a>(&'a Option<String>);

impl fmt::Display for To<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(location) => write!(f, " to {location}"),
            None => Ok(()),
        }
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

struct OsCode(Option<i32>);

impl fmt::Display for OsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, " with operating system error {code}"),
            None => Ok(()),
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
    use crate::edition::Route;
    use crate::name::DnsName;
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
    fn an_alert_is_told_by_the_name_that_the_registry_has_for_it() {
        for (alert, text) in [
            (40, "peer sent alert handshake_failure (40)"),
            (255, "peer sent alert 255"),
        ] {
            assert_eq!(TlsError::Alert(alert).to_string(), text);
            assert_eq!(FetchError::Alert(alert).to_string(), text);
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

    #[test]
    fn a_connection_that_failed_without_a_name_says_the_system_s_code() {
        for (code, text) in [
            (Some(105), "failed with operating system error 105"),
            (None, "failed"),
        ] {
            assert_eq!(ConnectError::Other(code).to_string(), text);
        }
    }

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
