//! `--all`: every address of every candidate, and of .well-known, each to its end.

use std::net::SocketAddr;

use fedway_core::{AttemptError, Chain, Destination, Finding, Host, Notes, Purpose, ServerName};
use fedway_driver::dns::Dns;
use fedway_driver::{Io, Resolver};
use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;

use crate::probe::web_server;

/// An address that was tried
#[derive(Debug, Serialize)]
pub(crate) struct Tried {
    /// Of federation, or of .well-known
    purpose: Purpose,
    host: String,
    address: SocketAddr,
    /// Why it does not work, if it does not
    error: Option<String>,
    #[serde(skip)]
    cause: Option<AttemptError>,
}

/// Tries every address that a name leads to, and .well-known where it was asked for, and says what is to be said of them
pub(crate) async fn try_all<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    notes: &Notes,
    destination: Option<&Destination>,
) -> (Vec<Tried>, Vec<Finding>) {
    let mut targets = Vec::new();
    if let (Some(web), true) = (web_server(name.host()), notes.well_known.is_some())
        && let Ok(found) = resolver.resolve(&web).await
    {
        targets.extend(addresses(&found.destination, Purpose::WellKnown));
    }
    // A search that connects does not look up what it does not need
    match (resolver.resolve(name).await, destination) {
        (Ok(found), _) => targets.extend(addresses(&found.destination, Purpose::Federation)),
        (Err(_), Some(destination)) => targets.extend(addresses(destination, Purpose::Federation)),
        (Err(_), None) => {}
    }
    let tried = stream::iter(targets).map(async |(purpose, tls_name, host, address)| {
        let tried = resolver.try_address(address, &tls_name, purpose).await;
        let cause = tried.err();
        let error = cause.as_ref().map(|error| Chain(error).to_string());
        Tried {
            purpose,
            host,
            address,
            error,
            cause,
        }
    });
    let tried: Vec<_> = tried.buffered(AT_ONCE).collect().await;
    let findings = findings(&tried);
    (tried, findings)
}

/// What each address is for, whom to find there, and whose it is
fn addresses(
    destination: &Destination,
    purpose: Purpose,
) -> Vec<(Purpose, Host, String, SocketAddr)> {
    let candidates = destination.candidates.iter();
    let each = candidates.flat_map(|candidate| {
        let host = candidate.target.to_string();
        let addresses = candidate.addresses.iter();
        addresses.map(move |it| {
            (
                purpose,
                destination.tls_name.clone(),
                host.clone(),
                it.address,
            )
        })
    });
    each.collect()
}

/// Where one works and another does not, the other is to be mended
fn findings(tried: &[Tried]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for purpose in [Purpose::Federation, Purpose::WellKnown] {
        let of = || tried.iter().filter(|it| it.purpose == purpose);
        let Some(good) = of().find(|it| it.error.is_none()) else {
            continue;
        };
        findings.extend(of().filter_map(|bad| {
            let error = bad.cause.as_ref()?;
            let (host, address) = (&bad.host, bad.address);
            let dead = Finding::of_dead_address(host, address, error, Some(good.address), false);
            Some(dead)
        }));
    }
    findings
}

impl Tried {
    /// For a person to read
    pub(crate) fn line(&self) -> String {
        let what = match self.purpose {
            Purpose::WellKnown => ".well-known at ",
            Purpose::Federation => "",
        };
        match &self.error {
            None => format!("{what}{} works", self.address),
            Some(error) => format!("{what}{}: {error}", self.address),
        }
    }
}

/// How many of each family work
pub(crate) fn sums(tried: &[Tried]) -> String {
    let of = |is_v6: bool, name: &str| {
        let all = tried.iter().filter(|it| it.address.is_ipv6() == is_v6);
        let (all, good) = (
            all.clone().count(),
            all.filter(|it| it.error.is_none()).count(),
        );
        format!("{name}: {good} of {all} work")
    };
    format!("{}, {}", of(false, "IPv4"), of(true, "IPv6"))
}

/// Nobody gets a port scanner by being looked up; our choice
const AT_ONCE: usize = 2;
