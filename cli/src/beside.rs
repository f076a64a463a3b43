//! What else is looked at where a server was reached: what others may stumble over, and for whom it would answer.

use std::net::SocketAddr;

use fedway_core::{Candidate, Code, Families, Finding, Found, Host, Level, Purpose, ServerName};
use fedway_driver::dns::Dns;
use fedway_driver::{Io, Resolver, before};
use futures_util::future::join_all;

use crate::probe::{PATIENCE, is_homeserver, to_delegated};
use crate::version::VERSION_PATH;

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
    other_addresses(resolver, found, findings).await;
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

/// Whether the addresses work that were not needed, of the target that was reached
async fn other_addresses<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
    findings: &mut Vec<Finding>,
) {
    let Some(connection) = &found.connection else {
        return;
    };
    let (destination, reached) = (&found.destination, connection.address);
    let has_reached = |it: &&Candidate| it.addresses.iter().any(|it| it.address == reached);
    let Some(target) = destination.candidates.iter().find(has_reached) else {
        return;
    };
    let tried: Vec<_> = found.notes.attempts.iter().map(|it| it.address).collect();
    let others = target.addresses.iter().map(|it| it.address);
    let others = others.filter(|it| *it != reached && !tried.contains(&Some(*it)));
    let attempts = others.take(MOST_OTHERS).map(async |address| {
        let tried = resolver.try_address(address, &destination.tls_name, Purpose::Federation);
        (address, tried.await)
    });
    let tried = join_all(attempts).await;
    let works = |is_ipv6| {
        let mut works = tried.iter().filter(|(_, result)| result.is_ok());
        reached.is_ipv6() == is_ipv6 || works.any(|(address, _)| address.is_ipv6() == is_ipv6)
    };
    for (address, result) in &tried {
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

/// Where a server was reached and its answer is not a homeserver's: whether it is only this name that it does not know
pub(crate) async fn for_another_host<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
    findings: &mut [Finding],
) {
    let destination = &found.destination;
    let (Some(connection), Ok(subject)) = (
        &found.connection,
        ServerName::parse(&destination.host_header),
    ) else {
        return;
    };
    let codes = [
        Code::VersionUnknownPath,
        Code::VersionNotJson,
        Code::VersionMisdirected,
        Code::VersionProxyDown,
    ];
    let Some(finding) = findings.iter_mut().find(|it| codes.contains(&it.code)) else {
        return;
    };
    let (address, name) = (connection.address, &destination.host_header);
    let bare = destination.tls_name.to_string();
    if *name != bare && knows(resolver, &subject, &bare).await {
        finding.seen += &format!("; asked for {bare} without the port, it answers as a homeserver");
        finding.remedy = format!(
            "have the proxy's rule for the homeserver match the Host header {name}, with the port, as other servers send it"
        );
        return;
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
    }
}

/// Where something else answers at one address: whether a homeserver does at another
pub(crate) async fn at_another_address<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
    findings: &mut [Finding],
) {
    let (Some(connection), Some(finding)) = (&found.connection, findings.first_mut()) else {
        return;
    };
    let (destination, reached) = (&found.destination, connection.address);
    let has_reached = |it: &&Candidate| it.addresses.iter().any(|it| it.address == reached);
    let Some(target) = destination.candidates.iter().find(has_reached) else {
        return;
    };
    let others = target.addresses.iter().map(|it| it.address);
    for other in others.filter(|it| *it != reached).take(MOST_OTHERS) {
        let dialled = resolver.try_address(other, &destination.tls_name, Purpose::Federation);
        let Ok(mut session) = dialled.await else {
            continue;
        };
        let (host, limits) = (&destination.host_header, resolver.config().limits);
        let asking = fedway_driver::get(&mut session, host, VERSION_PATH, limits);
        let deadline = resolver.io().now() + PATIENCE;
        let response = before(resolver.io(), deadline, asking).await;
        if response
            .and_then(Result::ok)
            .is_some_and(|it| is_homeserver(&it))
        {
            let name = &destination.tls_name;
            let record = if reached.is_ipv6() { "AAAA" } else { "A" };
            finding.seen +=
                &format!("; at {other}, another of its addresses, a homeserver answers");
            finding.remedy = format!(
                "have what listens at {reached} serve {name} as it does at {other} (nginx: a listen line for it in that server block, such as listen [::]:443 ssl), or delete the {record} record {} of {}",
                reached.ip(),
                target.target
            );
            return;
        }
    }
}

/// Where a homeserver knows no path of federation: whether it is its paths that a proxy changes
pub(crate) async fn changed_path<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
    findings: &mut [Finding],
) {
    let mut findings = findings.iter_mut();
    let finding =
        findings.find(|it| it.code == Code::VersionUnknownPath && it.seen.contains(UNRECOGNIZED));
    let subject = ServerName::parse(&found.destination.host_header);
    let (Some(finding), Ok(subject)) = (finding, subject) else {
        return;
    };
    let Ok(mut connected) = resolver.connect_to(&subject).await else {
        return;
    };
    let Ok(response) = connected.get(CLIENT_VERSIONS).await else {
        return;
    };
    let body = String::from_utf8_lossy(&response.body);
    if response.status == 404 && body.contains(UNRECOGNIZED) {
        finding.seen += &format!(
            "; and so to {CLIENT_VERSIONS}, which every homeserver knows: the proxy changes the path"
        );
        finding.remedy = "have the proxy pass /_matrix on as it is (nginx: no slash or path behind the port in proxy_pass; Apache: the same path on both sides of ProxyPass; Caddy: handle, not handle_path; Traefik: no StripPrefix)".into();
    }
}

/// Whether a homeserver answers where `subject` leads, asked with another `Host` header
async fn knows<I: Io, D: Dns>(resolver: &Resolver<I, D>, subject: &ServerName, host: &str) -> bool {
    let Ok(connected) = resolver.connect_to(subject).await else {
        return false;
    };
    let (mut stream, limits) = (connected.into_stream(), resolver.config().limits);
    let deadline = resolver.io().now() + PATIENCE;
    let asking = fedway_driver::get(&mut stream, host, VERSION_PATH, limits);
    let response = before(resolver.io(), deadline, asking).await;
    let response = response.and_then(Result::ok);
    response.is_some_and(|it| is_homeserver(&it))
}

/// Client-server API, "API Versions"
const CLIENT_VERSIONS: &str = "/_matrix/client/versions";
/// What a homeserver says to a path that it does not know
const UNRECOGNIZED: &str = "M_UNRECOGNIZED";
/// A server has a few addresses: `--all` tries more
const MOST_OTHERS: usize = 8;
