//! What else is looked at where a server was not reached as it should be: what is there instead.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use fedway_core::{
    Attempt, AttemptError, CertificateError, Code, ConnectError, DiscoveryError, Finding, Found,
    IpNet, Level, Place, Purpose, Route, SearchGoal, ServerName, SkipRule, TlsError,
};
use fedway_driver::dns::Dns;
use fedway_driver::http::Response;
use fedway_driver::{ByteStream as _, CertificateSummary, Io, Resolver, TlsStream as _, before};
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
        } else if error.place == Place::Route(Route::DelegatedFallback) {
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

/// What is found beside a success: whether the name that is delegated to is itself delegated, and whether the other family
/// of addresses works
pub(crate) async fn success<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
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
    other_family(resolver, found, findings).await;
}

/// Whether the first address of the family that was not needed works
async fn other_family<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
    findings: &mut Vec<Finding>,
) {
    let known = [Code::FamilyDead, Code::FamilyNotHere, Code::AddressDead];
    let Some(connection) = &found.connection else {
        return;
    };
    let (destination, reached) = (&found.destination, connection.address);
    let mut others = destination.addresses();
    let other = others.find(|it| it.is_ipv6() != reached.is_ipv6());
    let is_known = findings.iter().any(|it| known.contains(&it.code));
    let Some(other) = other.filter(|_| !is_known) else {
        return;
    };
    let tried = resolver.try_address(other, &destination.tls_name, Purpose::Federation);
    let Err(error) = tried.await else {
        return;
    };
    // It is the first of its family, and none was needed
    let host = &destination.tls_name;
    findings.push(Finding::of_dead_address(host, other, &error, reached, true));
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
    ];
    let Some(finding) = findings.iter_mut().find(|it| codes.contains(&it.code)) else {
        return;
    };
    let Ok(connected) = resolver.connect_to(&subject).await else {
        return;
    };
    let (mut stream, limits) = (connected.into_stream(), resolver.config().limits);
    // As one who does not know the name
    let (address, name) = (connection.address, &destination.host_header);
    let deadline = resolver.io().now() + PATIENCE;
    let host = address.to_string();
    let asking = fedway_driver::get(&mut stream, &host, VERSION_PATH, limits);
    let response = before(resolver.io(), deadline, asking).await;
    if response
        .and_then(Result::ok)
        .is_some_and(|it| is_homeserver(&it))
    {
        finding.seen +=
            "; asked by its address alone, it answers as a homeserver: it does not know the name";
        finding.remedy = format!(
            "add {name} to the names of the proxy's rule for the homeserver (nginx: server_name) at {address}"
        );
    }
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
    let Ok(mut connected) = resolver.connect_to(&there).await else {
        return;
    };
    let response = connected.get(VERSION_PATH).await;
    if !response.is_ok_and(|response| is_homeserver(&response)) {
        return;
    }
    let (seen, remedy) = match subject {
        Some(subject) => (
            format!(
                "nothing answers on port 8448 of {host}, which m.server means where it names no port, and the homeserver answers on port 443"
            ),
            format!("write \"m.server\": \"{there}\" in place of \"{subject}\""),
        ),
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
            let remedy = format!(
                "turn on TLS for port {port}: in nginx \"listen {port} ssl\" with a certificate for {name}"
            );
            instead(findings, &less, Code::PlainHttp, seen, remedy);
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
        Some(&start[..len] == b"HTTP/")
    };
    match before(io, deadline, asking).await {
        None => Speaks::Nothing,
        Some(Some(true)) => Speaks::Http,
        Some(Some(false) | None) => Speaks::SomethingElse,
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
    let (code, seen, remedy) = if leaf.subject == leaf.issuer {
        (
            Code::CertificateSelfSigned,
            format!(
                "the certificate at {address} is signed by itself ({}), so that nobody vouches for it",
                leaf.subject
            ),
            "get a certificate from a public authority, such as Let's Encrypt".into(),
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
/// A look beside should not take longer than the search; our choice
const PATIENCE: Duration = Duration::from_secs(3);
/// The first bytes tell
const MAX_ANSWER: usize = 16_384;
