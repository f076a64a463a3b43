//! What comes back from the network: the answers of DNS, of an HTTP server and of a TLS handshake.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::name::DnsName;

/// What DNS says to a question
///
/// Made by [`Answer::found`] or [`Answer::absent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    /// There is no such record, firmly
    #[non_exhaustive]
    Absent {
        /// In which way
        absence: Absence,
        /// How long this may be believed (RFC 2308 §5); `None` where the answer had no SOA
        ttl: Option<Duration>,
        /// Whether it is served beyond its time, since it could not be asked anew (RFC 8767)
        #[serde(default)]
        stale: bool,
    },
    /// These records
    #[non_exhaustive]
    Found {
        /// One or more, in any order
        records: Vec<T>,
        /// The least time to live among the records and the aliases that led to them
        ttl: Duration,
        /// Whether the name asked for is an alias (CNAME) of the records' owner
        alias: bool,
        /// Whether they are served beyond their time, since they could not be asked anew (RFC 8767)
        #[serde(default)]
        stale: bool,
        /// What became of the records when they were used last; of no use with SRV
        #[serde(default)]
        history: History,
    },
}

impl<T> Answer<T> {
    /// There is no such record; `ttl` is `None` where the answer had no SOA (RFC 2308 §5)
    #[must_use]
    pub fn absent(absence: Absence, ttl: Option<Duration>) -> Self {
        Self::Absent {
            absence,
            ttl,
            stale: false,
        }
    }

    /// One record or more, with the least time to live among them and the aliases that led to them
    #[must_use]
    pub fn found(records: Vec<T>, ttl: Duration) -> Self {
        Self::Found {
            records,
            ttl,
            alias: false,
            stale: false,
            history: History::default(),
        }
    }

    /// The same records, whose owner the name asked for is an alias (CNAME) of
    #[must_use]
    pub fn by_alias(mut self) -> Self {
        if let Self::Found { alias, .. } = &mut self {
            *alias = true;
        }
        self
    }

    /// The same answer, to be believed for so long from now on, beyond its time if `is_stale`: what a memory gives of it
    #[must_use]
    pub fn remembered(mut self, left: Duration, is_stale: bool) -> Self {
        match &mut self {
            Self::Absent { ttl, stale, .. } => (*ttl, *stale) = (Some(left), is_stale),
            Self::Found { ttl, stale, .. } => (*ttl, *stale) = (left, is_stale),
        }
        self
    }

    /// The same records, which are in this order for what became of them before
    #[must_use]
    pub fn with_history(mut self, before: History) -> Self {
        if let Self::Found { history, .. } = &mut self {
            *history = before;
        }
        self
    }
}

/// What became of the addresses of an answer when they were dialled last
///
/// Such an answer has those that worked first and those that failed last (RFC 8305 §8): the search keeps to that order,
/// over both families.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct History {
    /// How many of the first worked
    pub worked: u8,
    /// How many of the last failed lately, or are of a family that does lately
    pub failed: u8,
}

/// What is asked of the network, and remembered
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// The IPv4 addresses of a host
    A,
    /// The IPv6 addresses of a host
    Aaaa,
    /// The SRV records of an owner
    Srv,
    /// What .well-known of a host comes to
    WellKnown,
}

impl FactKind {
    /// All of them
    pub const ALL: [Self; 4] = [Self::A, Self::Aaaa, Self::Srv, Self::WellKnown];

    /// The kind in one stable word, for machines
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::Aaaa => "aaaa",
            Self::Srv => "srv",
            Self::WellKnown => "well_known",
        }
    }
}

/// The two ways of not being there
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The name exists, a record of this type does not
    NoData,
    /// The name does not exist (NXDOMAIN)
    NoSuchName,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoData => "no such record",
            Self::NoSuchName => "no such name",
        })
    }
}

/// An SRV record's data: the four fields of RFC 2782, and no more to come
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SrvRecord {
    /// Lower is tried first
    pub priority: u16,
    /// The share of the choices among records of one priority
    pub weight: u16,
    /// The TCP port
    pub port: u16,
    /// The host; the root means that the service is not offered
    pub target: DnsName,
}

/// An HTTP response, as much of it as discovery reads
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HttpAnswer {
    /// The status code
    pub status: u16,
    /// The header fields that have a [`FieldName`], in the order they came in, repeated as sent
    pub fields: Vec<Field>,
    /// The body, at most [`FetchWellKnown::max_body`](crate::FetchWellKnown::max_body) bytes; of another status than 200 its
    /// beginning, as far as the driver has it, which says [who](Self::who) answers and decides nothing
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// A 200 with this body
    #[must_use]
    pub fn ok(body: impl Into<String>) -> Self {
        Self {
            body: body.into().into_bytes(),
            ..Self::status(200)
        }
    }

    /// A response that redirects there
    #[must_use]
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::status(status).with(FieldName::Location, location.into())
    }

    /// A response without a body
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// The same response with one more header field
    #[must_use]
    pub fn with(mut self, name: FieldName, value: impl Into<Vec<u8>>) -> Self {
        self.fields.push(Field {
            name,
            value: value.into(),
        });
        self
    }

    /// The values of a header field, one for each time it was sent
    pub fn values(&self, name: FieldName) -> impl Iterator<Item = &[u8]> {
        let fields = self.fields.iter();
        fields
            .filter(move |field| field.name == name)
            .map(|field| &*field.value)
    }
}

/// A header field of an HTTP response
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Field {
    /// Which
    pub name: FieldName,
    /// Its value as sent, without the blanks around it
    pub value: Vec<u8>,
}

/// The header fields that discovery reads: where to go on, how long to believe a response, and what to tell of it
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FieldName {
    /// `Age` (RFC 9111 §5.1)
    Age,
    /// `Cache-Control` (RFC 9111 §5.2)
    #[serde(rename = "Cache-Control")]
    CacheControl,
    /// `Content-Type` (RFC 9110 §8.3)
    #[serde(rename = "Content-Type")]
    ContentType,
    /// `Date` (RFC 9110 §6.6.1)
    Date,
    /// `Expires` (RFC 9111 §5.3)
    Expires,
    /// `Location` (RFC 9110 §10.2.2)
    Location,
    /// `Server` (RFC 9110 §10.2.4)
    Server,
}

impl FieldName {
    /// All of them
    pub const ALL: [Self; 7] = [
        Self::Age,
        Self::CacheControl,
        Self::ContentType,
        Self::Date,
        Self::Expires,
        Self::Location,
        Self::Server,
    ];

    /// The field of this name, in whatever case (RFC 9110 §5.1), if discovery reads it
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|known| name.eq_ignore_ascii_case(known.as_str()))
    }

    /// The name as its RFC spells it; compare without regard to case (RFC 9110 §5.1)
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Age => "Age",
            Self::CacheControl => "Cache-Control",
            Self::ContentType => "Content-Type",
            Self::Date => "Date",
            Self::Expires => "Expires",
            Self::Location => "Location",
            Self::Server => "Server",
        }
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a TLS session showed of itself, as far as the driver tells
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Shown {
    /// The protocol version, such as `TLSv1.3`
    pub protocol: Option<String>,
    /// The protocol agreed on by ALPN (RFC 7301), such as `http/1.1`
    pub alpn: Option<String>,
    /// The names that the peer's certificate is valid for (RFC 5280 §4.2.1.6)
    pub names: Vec<String>,
    /// `notBefore` and `notAfter` of the certificate (RFC 5280 §4.1.2.5), in seconds since 1970-01-01T00:00:00Z
    pub validity: Option<(u64, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_field_is_serialised_under_the_name_that_its_rfc_gives_it() {
        for name in FieldName::ALL {
            let json = serde_json::to_string(&name).unwrap();
            assert_eq!(json.trim_matches('"'), name.to_string());
        }
    }

    #[test]
    fn a_repeated_field_has_all_its_values_in_order() {
        let answer = HttpAnswer::status(200)
            .with(FieldName::CacheControl, "max-age=1")
            .with(FieldName::Age, "7")
            .with(FieldName::CacheControl, "no-store");
        let values: Vec<_> = answer.values(FieldName::CacheControl).collect();
        assert_eq!(values, [&b"max-age=1"[..], b"no-store"]);
    }
}
