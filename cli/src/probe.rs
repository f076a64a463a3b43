//! What else is looked at where a server was not reached as it should be: what is there instead.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use fedway_core::{
    Attempt, AttemptError, Candidate, CertificateError, Code, ConnectError, DiscoveryError,
    Families, Finding, Found, Host, IpNet, Level, Place, Purpose, Route, SearchGoal, ServerName,
    SkipRule, TlsError,
};
use fedway_driver::dns::Dns;
use fedway_driver::http::Response;
use fedway_driver::{ByteStream as _, CertificateSummary, Io, Resolver, TlsStream as _, before};
use futures_util::future::join_all;
use serde_json::Value;

use crate::version::VERSION_PATH;

/// What is found beside a failure; of the findings so far, those are taken out that it stands for
pub(crate) async fn failure<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    error: &DiscoveryError,
    findings: &mut Vec<Finding>,
) {
    let well_known = error.notes.well_known.as_ref();
    let delegated = well_known.and_then(|it| it.delegated.as_ref());
    let attempts = error.notes.attempts.iter();
    let attempts: Vec<_> = attempts.filter(|it| it.place == error.place).collect();
    if !attempts.is_empty() && attempts.iter().all(|it| is_silent(it)) {
        if error.place == Place::Route(Route::Fallback) {
            on_443(resolver, name, None, findings).await;
            by_clients(resolver, name, findings).await;
        } else if let Place::Route(Route::DelegatedFallback | Route::DelegatedPort) = error.place {
            on_443(resolver, name, delegated, findings).await;
        }
    }
    for attempt in attempts {
        let (Some(address), AttemptError::Connect(cause)) = (attempt.address, &attempt.error)
        else {
            continue;
        };
        if speaks_no_tls(cause) {
            without_tls(resolver, name, address, findings).await;
        } else if has_unknown_issuer(cause) {
            unknown_issuer(resolver, name, address, findings).await;
        } else {
            continue;
        }
        // One tells enough
        break;
    }
    if let Some(delegated) = delegated {
        to_delegated(resolver, delegated, Level::Error, findings).await;
    }
}

fn is_silent(attempt: &Attempt) -> bool {
    matches!(
        attempt.error,
        AttemptError::Connect(
            ConnectError::Refused | ConnectError::TimedOut | ConnectError::Unreachable
        )
    )
}

fn speaks_no_tls(error: &ConnectError) -> bool {
    matches!(
        error,
        ConnectError::TimedOut
            | ConnectError::Closed
            | ConnectError::Reset
            | ConnectError::Tls(TlsError::Protocol)
    )
}

fn has_unknown_issuer(error: &ConnectError) -> bool {
    matches!(
        error,
        ConnectError::Tls(TlsError::Certificate(
            CertificateError::UnknownIssuer { .. } | CertificateError::Authority
        ))
    )
}

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

/// Whether a name that is delegated to is itself delegated, which nobody follows: the cause, where the server was not found
async fn to_delegated<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    delegated: &ServerName,
    level: Level,
    findings: &mut Vec<Finding>,
) {
    let Ok(onward) = resolver.delegation(delegated).await else {
        return;
    };
    let last = &onward.subject;
    // Another port of the same host is no other server, where the one that is there answers
    let is_same = last == delegated || level == Level::Warning && last.host() == delegated.host();
    if is_same {
        return;
    }
    let finding = Finding::new(
        Code::WellKnownToDelegated,
        level,
        format!(
            ".well-known delegates to {delegated}, which is itself delegated to {last}: nobody follows that"
        ),
        format!("write \"m.server\": \"{last}\", if that is where the server is"),
    );
    findings.insert(0, finding.at(Place::WellKnown));
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

/// A homeserver on port 443, where nobody looks for it: of the name, or of the one that it delegates to
async fn on_443<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    subject: Option<&ServerName>,
    findings: &mut Vec<Finding>,
) {
    let host = subject.unwrap_or(name).host();
    let Ok(there) = ServerName::parse(&format!("{host}:443")) else {
        return;
    };
    if subject == Some(&there) {
        return;
    }
    let Ok(mut connected) = resolver.connect_to(&there).await else {
        return;
    };
    let response = connected.get(VERSION_PATH).await;
    if !response.is_ok_and(|response| is_homeserver(&response)) {
        return;
    }
    let (seen, remedy) = match subject {
        Some(subject) => {
            let port = match subject.port() {
                Some(port) => format!("port {port} of {host}, which m.server names"),
                None => format!("port 8448 of {host}, which m.server means where it names no port"),
            };
            (
                format!("nothing answers on {port}, and the homeserver answers on port 443"),
                format!("write \"m.server\": \"{there}\" in place of \"{subject}\""),
            )
        }
        None => (
            format!(
                "nothing answers on port 8448 of {host}, and the homeserver answers on port 443, where nobody looks for it without a delegation"
            ),
            format!(
                "serve {{\"m.server\": \"{there}\"}} at https://{host}/.well-known/matrix/server; or open port 8448"
            ),
        ),
    };
    let less = [Code::PortClosed, Code::NoAnswer, Code::Unreachable];
    instead(findings, &less, Code::FederationOn443, seen, remedy);
}

/// A homeserver that clients find, and servers do not: where the document of the former says
async fn by_clients<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    findings: &mut Vec<Finding>,
) {
    let host = name.host();
    let Ok(web) = ServerName::parse(&format!("{host}:443")) else {
        return;
    };
    let Ok(mut connected) = resolver.connect_to(&web).await else {
        return;
    };
    let Ok(response) = connected.get("/.well-known/matrix/client").await else {
        return;
    };
    let document = serde_json::from_slice::<Value>(&response.body).unwrap_or_default();
    let url = document["m.homeserver"]["base_url"].as_str();
    let Some(there) = url.and_then(of_url) else {
        return;
    };
    let Ok(mut connected) = resolver.connect(&there).await else {
        return;
    };
    let response = connected.get(VERSION_PATH).await;
    if !response.is_ok_and(|response| is_homeserver(&response)) {
        return;
    }
    let seen = format!(
        "nothing answers on port 8448 of {host}, and there is no delegation; the homeserver answers at {there}, which https://{host}/.well-known/matrix/client names to clients alone"
    );
    let remedy = format!(
        "serve {{\"m.server\": \"{there}\"}} at https://{host}/.well-known/matrix/server, too"
    );
    let less = [Code::PortClosed, Code::NoAnswer, Code::Unreachable];
    instead(findings, &less, Code::FederationElsewhere, seen, remedy);
}

/// The host and port of a URL
fn of_url(url: &str) -> Option<ServerName> {
    let authority = url.strip_prefix("https://")?.split('/').next()?;
    let name = ServerName::parse(authority).ok()?;
    match name.port() {
        Some(_) => Some(name),
        None => ServerName::parse(&format!("{name}:443")).ok(),
    }
}

/// What a port does that speaks no TLS
async fn without_tls<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    address: SocketAddr,
    findings: &mut Vec<Finding>,
) {
    let less = [Code::NotTls, Code::NoAnswer, Code::ConnectionCut];
    let port = address.port();
    match speaks(resolver, address).await {
        Speaks::Http => {
            let seen = format!("{address} speaks HTTP without TLS");
            let remedy = if port == 80 {
                "name port 443 in its place, or another on which TLS is spoken: port 80 is that of HTTP without it".into()
            } else {
                format!(
                    "turn on TLS for port {port}: in nginx \"listen {port} ssl\" with a certificate for {name}"
                )
            };
            instead(findings, &less, Code::PlainHttp, seen, remedy);
        }
        Speaks::Other(service) => {
            let seen = format!("{address} is a port of {service}, and no homeserver's");
            let remedy = format!(
                "correct the forwarding of port {port} in the router or the container, or what names that port"
            );
            instead(findings, &less, Code::NotTls, seen, remedy);
        }
        Speaks::Nothing => {
            let seen =
                format!("{address} accepts connections and does not answer the TLS handshake");
            let remedy = format!(
                "the port is open: look at what listens on port {port}, which is something that speaks no TLS, or hangs, or is behind a tunnel that loses large packets"
            );
            instead(
                findings,
                &[Code::NoAnswer],
                Code::ConnectionCut,
                seen,
                remedy,
            );
        }
        Speaks::SomethingElse => {}
    }
}

enum Speaks {
    Http,
    /// It accepts a connection, and that is all
    Nothing,
    /// A service that says what it is
    Other(&'static str),
    /// Or it cannot be told
    SomethingElse,
}

/// What a port says to HTTP without TLS
async fn speaks<I: Io, D: Dns>(resolver: &Resolver<I, D>, address: SocketAddr) -> Speaks {
    let io = resolver.io();
    let deadline = io.now() + PATIENCE;
    let Some(Ok(mut tcp)) = before(io, deadline, resolver.open_tcp(address)).await else {
        return Speaks::SomethingElse;
    };
    tcp.meter().limit(MAX_ANSWER);
    let asking = async {
        tcp.write_all(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
        let mut start = [0; 5];
        let len = tcp.read(&mut start).await.ok()?;
        Some(match &start[..len] {
            b"HTTP/" => Speaks::Http,
            [b'S', b'S', b'H', b'-', ..] => Speaks::Other("SSH"),
            [b'2', b'2', b'0', b' ' | b'-', ..] => Speaks::Other("mail or FTP"),
            _ => Speaks::SomethingElse,
        })
    };
    match before(io, deadline, asking).await {
        None => Speaks::Nothing,
        Some(said) => said.unwrap_or(Speaks::SomethingElse),
    }
}

/// Whether a homeserver has answered (server-server API, "Retrieving server version")
fn is_homeserver(response: &Response) -> bool {
    let object = serde_json::from_slice::<Value>(&response.body);
    response.status == 200 && object.is_ok_and(|object| object["server"].is_object())
}

/// By what the server shows: whether its certificate is signed by itself, or comes without the one between
async fn unknown_issuer<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    address: SocketAddr,
    findings: &mut Vec<Finding>,
) {
    let mut config = resolver.config().clone();
    // Only to look at it: nothing is sent over the connection
    config.trust.skip = vec![SkipRule::Net(ANY_V4), SkipRule::Net(ANY_V6)];
    let unverified = resolver.explain_by(name, SearchGoal::Connect, config, None);
    let Some(connected) = unverified.await.connected else {
        return;
    };
    // Unverified, .well-known may lead to another
    let connection = connected.found.connection.as_ref();
    if connection.is_none_or(|connection| connection.address != address) {
        return;
    }
    let session = connected.stream.session();
    let Some([leaf, rest @ ..]) = session.and_then(|session| session.peer_certificates()) else {
        return;
    };
    let Ok(leaf) = CertificateSummary::read(leaf) else {
        return;
    };
    let tls_name = &connected.found.destination.tls_name;
    let (code, seen, remedy) = if leaf.subject == leaf.issuer {
        (
            Code::CertificateSelfSigned,
            format!(
                "the certificate at {address} is signed by itself ({}), so that nobody vouches for it",
                leaf.subject
            ),
            if is_made_up(&leaf.subject) {
                format!(
                    "it is one that a proxy makes up where it has none for a name: give it one for {tls_name} (Traefik: a router with this host and a certresolver, on this entry point; nginx and Kubernetes: the server block or the ingress of this host)"
                )
            } else {
                let port = address.port();
                format!(
                    "get a certificate for {tls_name} from a public authority, such as Let's Encrypt, and have the server show it; or, if that is the certificate of a router or another device, forward port {port} to the machine of the homeserver"
                )
            },
        )
    } else if rest.is_empty() {
        (
            Code::CertificateMissingIntermediate,
            format!(
                "the server at {address} sends its certificate alone; it was issued by {}, whose certificate is neither sent nor trusted here",
                leaf.issuer
            ),
            "serve the full chain: fullchain.pem in place of cert.pem; or, if the authority is not a public one, get a certificate from one that is".into(),
        )
    } else {
        return;
    };
    let less = [
        Code::CertificateUnknownAuthority,
        Code::CertificateNotForServers,
    ];
    instead(findings, &less, code, seen, remedy);
}

/// Whether a certificate is the one that a proxy or a system has from the start
fn is_made_up(subject: &str) -> bool {
    let subject = subject.to_ascii_lowercase();
    let known = [
        "traefik",
        "fake certificate",
        "localhost",
        "snakeoil",
        "plesk",
    ];
    known.iter().any(|it| subject.contains(it))
}

/// Puts a finding that says more in the place of those that say less
fn instead(findings: &mut Vec<Finding>, less: &[Code], code: Code, seen: String, remedy: String) {
    let Some(index) = findings.iter().position(|it| less.contains(&it.code)) else {
        return;
    };
    let mut finding = Finding::new(code, Level::Error, seen, remedy);
    finding.place = findings[index].place;
    findings[index] = finding;
    findings.retain(|it| !less.contains(&it.code) || it.code == code);
}

/// Every address of IPv4
const ANY_V4: IpNet = IpNet::new_assert(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// Every address of IPv6
const ANY_V6: IpNet = IpNet::new_assert(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);
/// Client-server API, "API Versions"
const CLIENT_VERSIONS: &str = "/_matrix/client/versions";
/// What a homeserver says to a path that it does not know
const UNRECOGNIZED: &str = "M_UNRECOGNIZED";
/// A look beside should not take longer than the search; our choice
const PATIENCE: Duration = Duration::from_secs(3);
/// A server has a few addresses: `--all` tries more
const MOST_OTHERS: usize = 8;
/// The first bytes tell
const MAX_ANSWER: usize = 16_384;
