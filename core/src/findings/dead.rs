//! An address that does not work where another does.

use alloc::format;
use core::fmt;
use core::net::SocketAddr;

use super::catalog::Code;
use super::finding::{Finding, Level};
use crate::error::{AttemptError, CertificateError, Chain, ConnectError, TlsError};

impl Finding {
    /// What to say of an address of `host` that does not work, where `reached` does, or another that is not known
    ///
    /// `is_family` says that this is all that is known of its family.
    #[must_use]
    pub fn of_dead_address(
        host: &dyn fmt::Display,
        address: SocketAddr,
        error: &AttemptError,
        reached: Option<SocketAddr>,
        is_family: bool,
    ) -> Self {
        let (family, record) = if address.is_ipv6() {
            ("IPv6", "AAAA")
        } else {
            ("IPv4", "A")
        };
        if is_not_here(address, error, reached) {
            return Self::new(
                Code::FamilyNotHere,
                Level::Notice,
                format!("this machine has no way to {family}, so that {address} was not tested"),
                format!(
                    "nothing has to be changed at the server for that; try again from a machine with {family}"
                ),
            );
        }
        let (reason, ip) = (Chain(error), address.ip());
        let works = match reached {
            Some(reached) => format!("{reached} does"),
            None => "another of its addresses does".into(),
        };
        let is_all = is_family && reached.is_some_and(|it| it.is_ipv6() != address.is_ipv6());
        let delete = format!("delete the {record} record {ip} of {host}");
        let remedy = match error {
            AttemptError::AddressRefused(_) => {
                format!("{delete}: nobody on the internet can reach that address")
            }
            AttemptError::Connect(ConnectError::Tls(TlsError::Certificate(
                CertificateError::Expired { .. },
            ))) => format!("renew the certificate there; or, if it is an old server, {delete}"),
            AttemptError::Connect(ConnectError::Tls(_)) => {
                format!("{delete}, or correct it: it is another server that answers there")
            }
            AttemptError::Connect(_)
            | AttemptError::Dns(_)
            | AttemptError::FamilyOff(_)
            | AttemptError::NoAddress(_)
            | AttemptError::TooManyAttempts { .. } => {
                if is_all {
                    format!(
                        "have the server listen on {family}, too, and open the firewall for it; or {delete}"
                    )
                } else {
                    format!("start the server there, if it is still in use; or {delete}")
                }
            }
        };
        let (code, seen) = if is_all {
            (
                Code::FamilyDead,
                format!("{family} does not work: {address}: {reason}; {works}"),
            )
        } else {
            (
                Code::AddressDead,
                format!("{address}, an address of {host}, does not work: {reason}; {works}"),
            )
        };
        Self::new(code, Level::Warning, seen, remedy)
    }
}

/// Whether it is this machine's network that lacks the family: the other one works
pub(super) fn is_not_here(
    address: SocketAddr,
    error: &AttemptError,
    reached: Option<SocketAddr>,
) -> bool {
    *error == AttemptError::Connect(ConnectError::Unreachable)
        && reached.map_or(address.is_ipv6(), |it| it.is_ipv6() != address.is_ipv6())
}
