//! Why .well-known gave no delegation

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::attempt::AttemptError;
use super::fault::Fault;
use super::fetch::FetchError;
use crate::name::{Host, ServerNameError};

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

struct To<'a>(&'a Option<String>);

impl fmt::Display for To<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(location) => write!(f, " to {location}"),
            None => Ok(()),
        }
    }
}
