//! What a search asks of DNS.

use std::future::Future;
use std::net::IpAddr;

use fedway_core::{Answer, DnsError, DnsName, Family, Instant, SrvRecord};

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
