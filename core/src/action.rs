//! What a driver is asked to do: owned requests that carry the only way to answer them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::address::Family;
use crate::answer::{Answer, HttpAnswer, Shown, SrvRecord};
use crate::error::{ConnectError, DnsError, FetchError};
use crate::name::{DnsName, Host};
use crate::time::Instant;
use crate::trust::Verdict;

/// Something to do, and to answer with its `reply`
///
/// Dropping an action instead of answering is harmless: [a deadline](QuerySrv::deadline) covers each.
/// The enum is exhaustive, so that a driver that forgets one does not build.
#[derive(Debug)]
pub enum Action {
    /// Open a TCP connection and a TLS session over it
    Connect(Connect),
    /// Send one GET over an open session, without following redirects
    FetchWellKnown(FetchWellKnown),
    /// Ask DNS for the addresses of a host, of one family
    LookUpAddresses(LookUpAddresses),
    /// Ask DNS for SRV records
    QuerySrv(QuerySrv),
}

impl Action {
    /// The name by which the action may be cancelled
    #[must_use]
    pub fn id(&self) -> ActionId {
        match self {
            Self::Connect(connect) => connect.id,
            Self::FetchWellKnown(fetch) => fetch.id,
            Self::LookUpAddresses(look_up) => look_up.id,
            Self::QuerySrv(query) => query.id,
        }
    }
}

/// Names an action: the machine that wants it, and which of its actions it is; never reused
///
/// Two searches of different seeds name their actions differently, so that a reply that goes astray changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ActionId {
    machine: u32,
    number: u32,
}

impl ActionId {
    /// Whose action it is
    pub(crate) fn machine(self) -> u32 {
        self.machine
    }
}

impl fmt::Display for ActionId {
    /// Within its machine
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.number)
    }
}

/// Gives out names for the actions of one machine, each once
#[derive(Clone, Debug)]
pub(crate) struct Ids(ActionId);

impl Ids {
    pub(crate) fn new(machine: u32) -> Self {
        Self(ActionId { machine, number: 0 })
    }

    /// A search is bounded to some thousand actions: the number cannot run over
    pub(crate) fn next(&mut self) -> ActionId {
        self.0.number += 1;
        self.0
    }
}

/// What a connection is for
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Requests of federation, once the search has handed it out: HTTP/2 may be offered on it
    Federation,
    /// The one GET of .well-known, in HTTP/1.1
    WellKnown,
}

/// Open a TCP connection to an address, and a TLS session over it
///
/// The session is to be kept under [`Connect::id`] until it is fetched over, handed out with
/// [`Found`](crate::Found), or cancelled.
#[derive(Debug)]
pub struct Connect {
    pub(crate) id: ActionId,
    pub(crate) address: SocketAddr,
    pub(crate) tls_name: Host,
    pub(crate) verdict: Verdict,
    pub(crate) purpose: Purpose,
    pub(crate) deadline: Instant,
}

impl Connect {
    /// The name by which the action may be cancelled, and the session be known
    #[must_use]
    pub fn id(&self) -> ActionId {
        self.id
    }

    /// Where to connect to
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the peer's certificate must be valid for
    #[must_use]
    pub fn tls_name(&self) -> &Host {
        &self.tls_name
    }

    /// The server name indication to send: a DNS name, or none where the certificate is for an address (RFC 6066 §3)
    #[must_use]
    pub fn sni(&self) -> Option<&DnsName> {
        self.tls_name.dns_name()
    }

    /// Whether the certificate is to be verified
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// When the search stops waiting for the reply at the latest; a [`Cancel`](crate::Step::Cancel) may come before
    ///
    /// Runs from the moment the action was polled.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What the session is for
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Says how it went; `Ok` means that the session is up and the verdict was carried out
    ///
    /// What the session showed is for whoever reads the result: no decision rests on it.
    #[must_use = "the reply is for `Machine::handle`"]
    pub fn reply(self, result: Result<Option<Box<Shown>>, ConnectError>) -> Event {
        Event {
            id: self.id,
            reply: Reply::Connected(result),
        }
    }
}

/// Send one GET over the session of an earlier [`Connect`], which is closed afterwards
#[derive(Debug)]
pub struct FetchWellKnown {
    pub(crate) id: ActionId,
    pub(crate) connection: ActionId,
    pub(crate) authority: Arc<str>,
    pub(crate) target: Arc<str>,
    pub(crate) max_head: usize,
    pub(crate) max_body: usize,
    pub(crate) deadline: Instant,
}

impl FetchWellKnown {
    /// The name by which the action may be cancelled
    #[must_use]
    pub fn id(&self) -> ActionId {
        self.id
    }

    /// The session to send it over
    #[must_use]
    pub fn connection(&self) -> ActionId {
        self.connection
    }

    /// The `Host` header
    #[must_use]
    pub fn host_header(&self) -> &str {
        &self.authority
    }

    /// The request target: path and query (RFC 9112 §3.2.1)
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The largest status line and headers to read, in bytes
    #[must_use]
    pub fn max_head(&self) -> usize {
        self.max_head
    }

    /// The largest body to read, in bytes
    #[must_use]
    pub fn max_body(&self) -> usize {
        self.max_body
    }

    /// When the search stops waiting for the reply at the latest; a [`Cancel`](crate::Step::Cancel) may come before
    ///
    /// Runs from the moment the action was polled.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Says what came back
    #[must_use = "the reply is for `Machine::handle`"]
    pub fn reply(self, result: Result<HttpAnswer, FetchError>) -> Event {
        Event {
            id: self.id,
            reply: Reply::Fetched(result),
        }
    }
}

/// Ask DNS for the addresses of a host, of one family; aliases (CNAME) are followed
#[derive(Debug)]
pub struct LookUpAddresses {
    pub(crate) id: ActionId,
    pub(crate) host: DnsName,
    pub(crate) family: Family,
    pub(crate) deadline: Instant,
}

impl LookUpAddresses {
    /// The name by which the action may be cancelled
    #[must_use]
    pub fn id(&self) -> ActionId {
        self.id
    }

    /// The host: an absolute name, to which no search list applies
    #[must_use]
    pub fn host(&self) -> &DnsName {
        &self.host
    }

    /// AAAA or A
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// When the search stops waiting for the reply at the latest; a [`Cancel`](crate::Step::Cancel) may come before
    ///
    /// Runs from the moment the action was polled.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Says what DNS answered
    #[must_use = "the reply is for `Machine::handle`"]
    pub fn reply(self, result: Result<Answer<IpAddr>, DnsError>) -> Event {
        Event {
            id: self.id,
            reply: Reply::Addresses(result),
        }
    }
}

/// Ask DNS for SRV records; an owner that is an alias (CNAME) is followed
#[derive(Debug)]
pub struct QuerySrv {
    pub(crate) id: ActionId,
    pub(crate) name: DnsName,
    pub(crate) deadline: Instant,
}

impl QuerySrv {
    /// The name by which the action may be cancelled
    #[must_use]
    pub fn id(&self) -> ActionId {
        self.id
    }

    /// The owner name: absolute, no search list applies
    #[must_use]
    pub fn name(&self) -> &DnsName {
        &self.name
    }

    /// When the search stops waiting for the reply at the latest; a [`Cancel`](crate::Step::Cancel) may come before
    ///
    /// Runs from the moment the action was polled.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Says what DNS answered
    #[must_use = "the reply is for `Machine::handle`"]
    pub fn reply(self, result: Result<Answer<SrvRecord>, DnsError>) -> Event {
        Event {
            id: self.id,
            reply: Reply::Srv(result),
        }
    }
}

/// An answer to one action, for [`Machine::handle`](crate::Machine::handle)
///
/// Made by the `reply` method of the action. Opaque: what it answers, and with what, was fixed there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub(crate) id: ActionId,
    pub(crate) reply: Reply,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    Addresses(Result<Answer<IpAddr>, DnsError>),
    Connected(Result<Option<Box<Shown>>, ConnectError>),
    Fetched(Result<HttpAnswer, FetchError>),
    Srv(Result<Answer<SrvRecord>, DnsError>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_id_is_written_as_a_number() {
        let mut ids = Ids::new(1_234);
        ids.next();
        assert_eq!(ids.next().to_string(), "#2");
    }
}
