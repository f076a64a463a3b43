//! An address that does not work where another does.

use alloc::format;
use core::fmt;
use core::net::SocketAddr;

use super::catalog::Code;
use super::finding::{Finding, Level};
use crate::error::{AttemptError, Chain, ConnectError};

impl Finding {
    /// What to say of an address of `host` that does not work, where `reached` does
    ///
    /// `is_family` says that this is all that is known of its family.
    #[must_use]
    pub fn of_dead_address(
        host: &dyn fmt::Display,
        address: SocketAddr,
        error: &AttemptError,
        reached: SocketAddr,
        is_family: bool,
    ) -> Self {
        let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
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
        let reason = Chain(error);
        if is_family && address.is_ipv6() != reached.is_ipv6() {
            return Self::new(
                Code::FamilyDead,
                Level::Warning,
                format!("{family} does not work: {address}: {reason}; {reached} does"),
                format!(
                    "have the server listen on {family}, too, and open the firewall for it; or take the {family} address out of DNS"
                ),
            );
        }
        Self::new(
            Code::AddressDead,
            Level::Warning,
            format!("{address}, an address of {host}, does not work: {reason}; {reached} does"),
            "start the server there, or take the address out of DNS",
        )
    }
}

/// Whether it is this machine's network that lacks the family: the other one works
pub(super) fn is_not_here(address: SocketAddr, error: &AttemptError, reached: SocketAddr) -> bool {
    *error == AttemptError::Connect(ConnectError::Unreachable)
        && address.is_ipv6() != reached.is_ipv6()
}
