//! Where a search is, and what it is about.

use alloc::boxed::Box;
use core::ops::Range;

use super::fetch::Fetch;
use super::queries::Queries;
use super::targets::Targets;
use crate::edition::Rules;
use crate::found::{DiscoveryError, Found};
use crate::name::{Host, ServerName};

/// How a search in a pool begins
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Begin {
    /// With the server name
    Name,
    /// After step 3, with the name that it has given
    Subject,
}

/// Where a search is
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// Step 3, which somebody else does: a pool, for all who want it
    Awaiting,
    /// Over; the outcome, until it was told
    Ended(Option<Result<Box<Found>, DiscoveryError>>),
    /// Waiting for the SRV records of a service, by its index
    Srv { service: usize },
    /// The targets are known
    Targets(Targets),
    /// Step 3
    WellKnown(Fetch),
}

/// The server name that the steps are about
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: ServerName,
    /// Whether .well-known gave the name
    pub(super) delegated: bool,
    /// Where its SRV questions are, in the order of the edition's services
    pub(super) services: Range<usize>,
}

impl Subject {
    pub(super) fn new(
        name: ServerName,
        delegated: bool,
        rules: &Rules,
        queries: &mut Queries,
    ) -> Self {
        let services = match name.host() {
            Host::Dns(host) => {
                let labels = rules.services.iter().map(|service| service.label);
                queries.services(labels.map(|label| host.below(label)))
            }
            Host::Ip(_) => 0..0,
        };
        Self {
            name,
            delegated,
            services,
        }
    }

    /// What this one delegates to, which may be itself: then its questions are asked already
    pub(super) fn delegates_to(
        &self,
        name: ServerName,
        rules: &Rules,
        queries: &mut Queries,
    ) -> Self {
        if name.host() != self.name.host() {
            return Self::new(name, true, rules, queries);
        }
        Self {
            name,
            delegated: true,
            services: self.services.clone(),
        }
    }
}
