//! What else is looked at where a server was not reached: what is there instead.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use fedway_core::{
    Attempt, AttemptError, CertificateError, Code, ConnectError, DiscoveryError, Finding, Host,
    HttpAnswer, IpNet, Level, Place, Purpose, Route, SearchGoal, ServerName, SkipRule, TlsError,
};
use fedway_driver::dns::Dns;
use fedway_driver::http::Response;
use fedway_driver::{ByteStream as _, CertificateSummary, Io, Resolver, TlsStream as _, before};
use futures_util::future::join_all;
use serde_json::Value;

use crate::keys;
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
    if !attempts.is_empty() && attempts.iter().all(|it| is_no_tls_there(it)) {
        if error.place == Place::Route(Route::Fallback) {
            // Each tells enough
            let _ = by_web_servers(resolver, name, findings).await
                || on_443(resolver, name, None, findings).await
                || by_clients(resolver, name, findings).await;
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

fn is_no_tls_there(attempt: &Attempt) -> bool {
    matches!(
        attempt.error,
        AttemptError::Connect(
            ConnectError::Refused
                | ConnectError::TimedOut
                | ConnectError::Tls(TlsError::Protocol)
                | ConnectError::Unreachable
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

/// Whether a name that is delegated to is itself delegated, which nobody follows: the cause, where the server was not found
pub(crate) async fn to_delegated<I: Io, D: Dns>(
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

/// The web server of a host, by name: where its .well-known is
pub(crate) fn web_server(host: &Host) -> Option<ServerName> {
    ServerName::parse(&format!("{host}:443")).ok()
}

/// Whose homeserver answers there, if one does
enum Whose {
    /// Another's, and what is to be said of that
    Another(Finding),
    /// That of the name
    Its,
    /// Its keys do not say
    Unknown,
}

async fn homeserver<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    there: &ServerName,
) -> Option<Whose> {
    let mut connected = resolver.connect_to(there).await.ok()?;
    let response = connected.get(VERSION_PATH).await.ok()?;
    if !is_homeserver(&response) {
        return None;
    }
    let (keys, findings) = keys::fetch(resolver, name, there).await;
    let mut findings = findings.into_iter();
    let another = findings.find(|it| it.code == Code::KeysOfAnotherName);
    Some(match (another, keys) {
        (Some(another), _) => Whose::Another(another),
        (None, Some(_)) => Whose::Its,
        (None, None) => Whose::Unknown,
    })
}

/// A homeserver on port 443, where nobody looks for it: of the name, or of the one that it delegates to; whether there is one
async fn on_443<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    subject: Option<&ServerName>,
    findings: &mut Vec<Finding>,
) -> bool {
    let host = subject.unwrap_or(name).host();
    let Some(there) = web_server(host).filter(|there| subject != Some(there)) else {
        return false;
    };
    match homeserver(resolver, name, &there).await {
        None => return false,
        Some(Whose::Another(another)) => {
            instead(findings, LESS, another.code, another.seen, another.remedy);
            return true;
        }
        Some(Whose::Its | Whose::Unknown) => {}
    }
    let is_plain = findings.iter().any(|it| it.code == Code::NotTls);
    let nothing = if is_plain {
        "no TLS is spoken"
    } else {
        "nothing answers"
    };
    let (seen, remedy) = match subject {
        Some(subject) => {
            let port = match subject.port() {
                Some(port) => format!("port {port} of {host}, which m.server names"),
                None => format!("port 8448 of {host}, which m.server means where it names no port"),
            };
            (
                format!("{nothing} on {port}, and the homeserver answers on port 443"),
                format!("write \"m.server\": \"{there}\" in place of \"{subject}\""),
            )
        }
        None => (
            format!(
                "{nothing} on port 8448 of {host}, and the homeserver answers on port 443, where nobody looks for it without a delegation"
            ),
            format!(
                "serve {{\"m.server\": \"{there}\"}} at https://{host}/.well-known/matrix/server; or open port 8448"
            ),
        ),
    };
    instead(findings, LESS, Code::FederationOn443, seen, remedy);
    true
}

/// A homeserver that clients find, and servers do not: where the document of the former says; whether there is one
async fn by_clients<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    findings: &mut Vec<Finding>,
) -> bool {
    let Some(there) = client_document(resolver, name).await else {
        return false;
    };
    // The document may name anybody's server: only its keys say that it is this one's
    let Some(Whose::Its) = homeserver(resolver, name, &there).await else {
        return false;
    };
    let host = name.host();
    let seen = format!(
        "nothing answers on port 8448 of {host}, and there is no delegation; the homeserver answers at {there}, which https://{host}/.well-known/matrix/client names to clients alone"
    );
    let remedy =
        format!("serve {{\"m.server\": \"{there}\"}} at https://{host}{WELL_KNOWN_PATH}, too");
    instead(findings, LESS, Code::FederationElsewhere, seen, remedy);
    true
}

/// Where clients of a name are sent (client-server API, "Well-known URI")
async fn client_document<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
) -> Option<ServerName> {
    let web = web_server(name.host())?;
    let mut connected = resolver.connect_to(&web).await.ok()?;
    let response = connected.get("/.well-known/matrix/client").await.ok()?;
    let document: Value = serde_json::from_slice(&response.body).ok()?;
    of_url(document["m.homeserver"]["base_url"].as_str()?)
}

/// Whether it depends on the address of the web server if there is a delegation
async fn by_web_servers<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    findings: &mut Vec<Finding>,
) -> bool {
    let host = name.host();
    let Some(web) = web_server(host) else {
        return false;
    };
    let Ok(found) = resolver.resolve(&web).await else {
        return false;
    };
    let addresses = found.destination.addresses().take(MOST_WEB_SERVERS);
    let asked = addresses.map(async |address| (address, document(resolver, host, address).await));
    let asked = join_all(asked).await;
    // One that does not answer at all says nothing of what there is
    let answers = || asked.iter().filter_map(|(at, it)| Some((at, it.as_ref()?)));
    let yes = answers().find_map(|(at, response)| Some((at, delegated(response)?)));
    let no = answers().find(|(_, response)| delegated(response).is_none());
    let (Some((there, delegated)), Some((here, response))) = (yes, no) else {
        return false;
    };
    let record = if here.is_ipv6() { "AAAA" } else { "A" };
    let finding = Finding::new(
        Code::WellKnownDiffers,
        Level::Error,
        format!(
            "https://{host}{WELL_KNOWN_PATH} delegates to {delegated} at {there}, and not at {here}, which answers {}",
            response.in_words()
        ),
        format!(
            "serve the same document at {here}, or delete the {record} record {} of {host}",
            here.ip()
        ),
    );
    findings.insert(0, finding.at(Place::WellKnown));
    true
}

/// What .well-known answers at one address, if it does
async fn document<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    host: &Host,
    address: SocketAddr,
) -> Option<HttpAnswer> {
    let dialled = resolver.try_address(address, host, Purpose::WellKnown);
    let mut session = dialled.await.ok()?;
    let (text, limits) = (host.to_string(), resolver.config().limits);
    let asking = fedway_driver::get(&mut session, &text, WELL_KNOWN_PATH, limits);
    let deadline = resolver.io().now() + PATIENCE;
    let response = before(resolver.io(), deadline, asking).await?.ok()?;
    Some(response.into())
}

/// Whom a document delegates to
fn delegated(response: &HttpAnswer) -> Option<ServerName> {
    let document: Value = serde_json::from_slice(&response.body).ok()?;
    let name = document["m.server"].as_str()?;
    ServerName::parse(name)
        .ok()
        .filter(|_| response.status == 200)
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
pub(crate) fn is_homeserver(response: &Response) -> bool {
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
/// What is said of a port where no homeserver is
const LESS: &[Code] = &[
    Code::NoAnswer,
    Code::NotTls,
    Code::PortClosed,
    Code::Unreachable,
];
/// A look beside should not take longer than the search; our choice
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// Of a web site with many addresses, some tell; our choice
const MOST_WEB_SERVERS: usize = 4;
/// Server-server API, "Server discovery", step 3
const WELL_KNOWN_PATH: &str = "/.well-known/matrix/server";
/// The first bytes tell
const MAX_ANSWER: usize = 16_384;
