//! DNS: what a search asks for, and a stub resolver that answers it.
//!
//! [`Dns`] is what the loop of this crate needs. [`Stub`] implements it with the sockets of an
//! [`Io`](crate::Io) and the name servers of a [`DnsConfig`]; whoever runs another resolver
//! already implements it with that. [`Lookup`] is the stub's machine, for those who do their own I/O.
//!
//! # What the stub does
//!
//! 1. A special name is answered without asking anybody: `localhost` and below with the loopback
//!    addresses (RFC 6761 §6.3; it has no SRV records), `invalid` and below with "no such name"
//!    (RFC 6761 §6.4), `onion` and below with an error (RFC 7686 §2). The target of an alias is
//!    judged in the same way before it is asked for.
//! 2. A look-up of addresses reads the [`Hosts`] file, if the configuration names one.
//! 3. The name servers are asked: see [`Lookup`]. Names are absolute, always.
//!
//! # Decisions
//!
//! * NXDOMAIN and "no data" are answers and end a look-up, whichever server gives them; "no data" is
//!   any NOERROR that has no record of the type and leads nowhere, even if it looks like a referral.
//! * With NXDOMAIN, the last alias is what does not exist (RFC 6604 §2); records beside it are not
//!   believed.
//! * How long an absence lasts is said by the SOA of a zone that the name could be in (RFC 2308 §5).
//!   An alias's target that is missing from the response is asked for, unless such a SOA says that
//!   it is missing from DNS.
//! * Up to 11 aliases are followed and up to 64 records taken.
//! * A server that did not understand EDNS is not sent it again within the look-up.
//! * Nothing is cached: that is for the core, which is told each time to live.

mod chain;
mod config;
mod failure;
mod hosts;
mod kind;
mod lookup;
mod message;
mod random;
mod special;
mod step;
mod stub;
mod text;

use std::future::Future;
use std::net::IpAddr;

use fedway_core::{Answer, DnsError, DnsName, Family, Instant, SrvRecord};

pub use config::{ConfigError, DnsConfig};
pub use hosts::Hosts;
pub use lookup::Lookup;
pub use step::{Step, Transmit, TransmitId, Transport};
pub use stub::Stub;

/// A resolver, as much of one as a search needs
///
/// Names are absolute: no search list applies. Aliases are followed, those of an SRV record's owner
/// too. Dropping a future that a method returned ends what it had begun.
///
/// A deadline is on the clock of the [`Io`](crate::Io) in use. A resolver that has another clock can
/// leave it to the search, which stops waiting then and drops the future.
pub trait Dns: Send + Sync + 'static {
    /// Asks for the addresses of a host, of one family
    ///
    /// # Errors
    ///
    /// If there is no firm answer by the deadline. That there is no such record is an answer:
    /// [`Answer::Absent`].
    fn look_up(
        &self,
        host: &DnsName,
        family: Family,
        deadline: Instant,
    ) -> impl Future<Output = Result<Answer<IpAddr>, DnsError>> + Send;

    /// Asks for SRV records (RFC 2782)
    ///
    /// # Errors
    ///
    /// As [`look_up`](Self::look_up).
    fn query_srv(
        &self,
        name: &DnsName,
        deadline: Instant,
    ) -> impl Future<Output = Result<Answer<SrvRecord>, DnsError>> + Send;
}
