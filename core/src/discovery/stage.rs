//! Where a search is.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::dial::Dial;
use super::fetch::Fetch;
use crate::edition::{Route, Rules};
use crate::found::{DiscoveryError, Found};
use crate::name::{DnsName, Host, ServerName};
use crate::srv::Target;

/// What a search is for
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Connect,
    Resolve,
}

/// Where a search is
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// Over; the outcome, until it was told
    Ended(Option<Box<Result<Found, DiscoveryError>>>),
    /// Waiting for the SRV records of a service, by its index
    Srv { service: usize },
    /// The targets are known
    Targets(Targets),
    /// Step 3
    WellKnown(Fetch),
}

impl Default for Stage {
    /// What stands in for a stage while its transition is made
    fn default() -> Self {
        Self::Ended(None)
    }
}

/// What becomes of a stage
pub(super) enum Transition {
    /// Another stage, to be looked at in turn
    Next(Stage),
    /// The same stage, which waits
    Stay(Stage),
}

/// The server name that the steps are about
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: ServerName,
    /// Whether .well-known gave the name
    pub(super) delegated: bool,
    /// The owner names of its SRV records, in the order of the edition's services
    pub(super) owners: Vec<DnsName>,
}

impl Subject {
    pub(super) fn new(name: ServerName, delegated: bool, rules: &Rules) -> Self {
        let owners = match name.host() {
            Host::Dns(host) => rules
                .services
                .iter()
                .map(|service| host.below(service.label))
                .collect(),
            Host::Ip(_) => Vec::new(),
        };
        Self {
            name,
            delegated,
            owners,
        }
    }
}

/// The last stage of a search
#[derive(Clone, Debug)]
pub(super) struct Targets {
    pub(super) route: Route,
    pub(super) list: Arc<[Target]>,
    /// The index of the target being dialled
    pub(super) current: usize,
    pub(super) dial: Option<Dial>,
}

impl Targets {
    pub(super) fn new(route: Route, list: Arc<[Target]>) -> Self {
        Self {
            route,
            list,
            current: 0,
            dial: None,
        }
    }
}
