//! What else is looked at where a server was reached: what others may stumble over, and for whom it would answer.

use std::net::SocketAddr;

use fedway_core::{
    AttemptError, Candidate, Code, Families, Finding, Found, Host, HttpAnswer, Level, Purpose,
    ServerName,
};
use fedway_driver::dns::Dns;
use fedway_driver::{Io, Resolver, before};
use futures_util::future::join_all;

use crate::probe::{PATIENCE, is_homeserver, to_delegated};
use crate::version::{UNRECOGNIZED, VERSION_PATH, VersionError};

/// What is found beside a success: whether the name that is delegated to is itself delegated, and whether the other
/// addresses work
pub(crate) async fn success<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    found: &Found,
    is_answered: bool,
    findings: &mut Vec<Finding>,
) {
    let well_known = found.notes.well_known.as_ref();
    if let Some(delegated) = well_known.and_then(|it| it.delegated.as_ref()) {
        let level = if is_answered {
            Level::Warning
        } else {
            Level::Error
        };
        to_delegated(resolver, delegated, level, findings).await;
    }
    if is_answered {
        let tried = other_addresses(resolver, found).await;
        dead_addresses(found, &tried, findings);
    }
    only_ipv6(resolver, name, found, findings).await;
}

/// Whether those who have IPv4 alone can reach it
async fn only_ipv6<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    found: &Found,
    findings: &mut Vec<Finding>,
) {
    let reached = found.connection.as_ref().map(|it| it.address);
    let Some(reached) = reached.filter(SocketAddr::is_ipv6) else {
        return;
    };
    // A search is content with the family that came first: this one looks up both
    let Ok(all) = resolver.resolve(name).await else {
        return;
    };
    let mut candidates = all.destination.candidates.iter();
    let target = candidates.find(|it| it.addresses.iter().any(|it| it.address == reached));
    let Some(target) = target else { return };
    let is_name = matches!(target.target, Host::Dns(_));
    // One that could not be looked up, or may not be dialled, is another finding
    let is_in_doubt = all.notes.attempts.iter().any(|it| it.host == target.target);
    let has_ipv4 = target.addresses.iter().any(|it| it.address.is_ipv4()) || is_in_doubt;
    if is_name && !has_ipv4 && resolver.config().families == Families::Both {
        let host = &target.target;
        findings.push(Finding::new(
            Code::NoIpv4,
            Level::Warning,
            format!("{host} has no IPv4 address, so that only servers that have IPv6 reach it"),
            format!("give {host} a public IPv4 address and an A record; where the line has none, by a tunnel or a proxy elsewhere"),
        ));
    }
}

/// The addresses that were not needed, of the target that was reached
async fn other_addresses<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
) -> Vec<Tried<I::Tls>> {
    let tls_name = &found.destination.tls_name;
    let tried: Vec<_> = found.notes.attempts.iter().map(|it| it.address).collect();
    let others = reached(found).into_iter().flat_map(|(target, reached)| {
        let all = target.addresses.iter().map(|it| it.address);
        all.filter(move |it| *it != reached)
    });
    let others = others.filter(|it| !tried.contains(&Some(*it)));
    let attempts = others.take(MOST_OTHERS).map(async |address| {
        let dialled = resolver.try_address(address, tls_name, Purpose::Federation);
        (address, dialled.await)
    });
    join_all(attempts).await
}

/// An address, and the session that it gave
type Tried<S> = (SocketAddr, Result<S, AttemptError>);

/// The target that was reached, and at which of its addresses
fn reached(found: &Found) -> Option<(&Candidate, SocketAddr)> {
    let reached = found.connection.as_ref()?.address;
    let mut candidates = found.destination.candidates.iter();
    let target = candidates.find(|it| it.addresses.iter().any(|it| it.address == reached))?;
    Some((target, reached))
}

/// What is to be said of those that do not work
fn dead_addresses<S>(found: &Found, tried: &[Tried<S>], findings: &mut Vec<Finding>) {
    let Some((target, reached)) = reached(found) else {
        return;
    };
    let works = |is_ipv6| {
        let mut works = tried.iter().filter(|(_, result)| result.is_ok());
        reached.is_ipv6() == is_ipv6 || works.any(|(address, _)| address.is_ipv6() == is_ipv6)
    };
    for (address, result) in tried {
        if let Err(error) = result {
            let is_family = !works(address.is_ipv6());
            let finding =
                Finding::of_dead_address(&target.target, *address, error, Some(reached), is_family);
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
}

/// Where something else answers in the homeserver's place: what keeps the homeserver from it, told in the finding
pub(crate) async fn in_its_place<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
    error: &VersionError,
    finding: &mut Finding,
    findings: &mut Vec<Finding>,
) {
    let mut tried = other_addresses(resolver, found).await;
    dead_addresses(found, &tried, findings);
    // Each tells enough
    let _ = for_another_host(resolver, found, finding).await
        || changed_path(resolver, found, error, finding).await
        || at_another_address(resolver, found, &mut tried, finding).await;
}

/// Whether it is only this name that it does not know
async fn for_another_host<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
    finding: &mut Finding,
) -> bool {
    let destination = &found.destination;
    let (Some(connection), Ok(subject)) = (
        &found.connection,
        ServerName::parse(&destination.host_header),
    ) else {
        return false;
    };
    let codes = [
        Code::VersionUnknownPath,
        Code::VersionNotJson,
        Code::VersionMisdirected,
        Code::VersionProxyDown,
    ];
    if !codes.contains(&finding.code) {
        return false;
    }
    let (address, name) = (connection.address, &destination.host_header);
    let bare = destination.tls_name.to_string();
    if *name != bare && knows(resolver, &subject, &bare).await {
        finding.seen += &format!("; asked for {bare} without the port, it answers as a homeserver");
        finding.remedy = format!(
            "have the proxy's rule for the homeserver match the Host header {name}, with the port, as other servers send it"
        );
        return true;
    }
    let of_srv = destination.candidates.iter().find(|it| it.srv.is_some());
    let target = of_srv.map(|it| it.target.to_string());
    let add = format!(
        "add {bare} to the names of the proxy's rule for the homeserver (nginx: server_name; Traefik: Host) at {address}"
    );
    if let Some(target) = target
        && knows(resolver, &subject, &target).await
    {
        finding.seen += &format!(
            "; asked for {target}, the target of the SRV record, it answers as a homeserver, but other servers ask for {bare} there"
        );
        finding.remedy = add;
    } else if knows(resolver, &subject, &address.to_string()).await {
        // As one who does not know the name
        finding.seen +=
            "; asked by its address alone, it answers as a homeserver: it does not know the name";
        finding.remedy = add;
    } else {
        return false;
    }
    true
}

/// Whether a homeserver answers at another address of the target
async fn at_another_address<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
    tried: &mut [Tried<I::Tls>],
    finding: &mut Finding,
) -> bool {
    let Some((target, here)) = reached(found) else {
        return false;
    };
    for (other, session) in tried {
        let Ok(session) = session else { continue };
        if !answers(resolver, session, &found.destination.host_header).await {
            continue;
        }
        let name = &found.destination.tls_name;
        let record = if here.is_ipv6() { "AAAA" } else { "A" };
        finding.seen += &format!("; at {other}, another of its addresses, a homeserver answers");
        finding.remedy = format!(
            "have what listens at {here} serve {name} as it does at {other} (nginx: a listen line for it in that server block, such as listen [::]:443 ssl), or delete the {record} record {} of {}",
            here.ip(),
            target.target
        );
        return true;
    }
    false
}

/// Where it is a homeserver that knows no path of federation: whether it is its paths that a proxy changes
async fn changed_path<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
    error: &VersionError,
    finding: &mut Finding,
) -> bool {
    let subject = ServerName::parse(&found.destination.host_header);
    let Some(subject) = subject.ok().filter(|_| error.is_unrecognized()) else {
        return false;
    };
    let Ok(mut connected) = resolver.connect_to(&subject).await else {
        return false;
    };
    let response = connected.get(CLIENT_VERSIONS).await.map(HttpAnswer::from);
    let is_unknown = response.is_ok_and(|it| it.status == 404 && it.says(UNRECOGNIZED));
    if is_unknown {
        finding.seen += &format!(
            "; and so to {CLIENT_VERSIONS}, which every homeserver knows: the proxy changes the path"
        );
        finding.remedy = "have the proxy pass /_matrix on as it is (nginx: no slash or path behind the port in proxy_pass; Apache: the same path on both sides of ProxyPass; Caddy: handle, not handle_path; Traefik: no StripPrefix)".into();
    }
    is_unknown
}

/// Whether a homeserver answers where `subject` leads, asked with another `Host` header
async fn knows<I: Io, D: Dns>(resolver: &Resolver<I, D>, subject: &ServerName, host: &str) -> bool {
    let Ok(connected) = resolver.connect_to(subject).await else {
        return false;
    };
    answers(resolver, &mut connected.into_stream(), host).await
}

/// Whether a homeserver answers over a session, asked with this `Host` header
async fn answers<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    session: &mut I::Tls,
    host: &str,
) -> bool {
    let deadline = resolver.io().now() + PATIENCE;
    let asking = fedway_driver::get(session, host, VERSION_PATH, resolver.config().limits);
    let response = before(resolver.io(), deadline, asking).await;
    let response = response.and_then(Result::ok);
    response.is_some_and(|it| is_homeserver(&it))
}

/// Client-server API, "API Versions"
const CLIENT_VERSIONS: &str = "/_matrix/client/versions";
/// A server has a few addresses: `--all` tries more
const MOST_OTHERS: usize = 8;
