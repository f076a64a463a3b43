//! What else is looked at where a server was not reached as it should be: what is there instead.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use fedway_core::{
    AttemptError, CertificateError, Code, ConnectError, DiscoveryError, Finding, Found, IpNet,
    Level, Place, Route, SearchGoal, ServerName, SkipRule, TlsError,
};
use fedway_driver::dns::Dns;
use fedway_driver::{ByteStream as _, CertificateSummary, Io, Resolver, TlsStream as _, before};

use crate::version::VERSION_PATH;

/// What is found beside a failure; of the findings so far, those are taken out that it stands for
pub(crate) async fn failure<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    error: &DiscoveryError,
    findings: &mut Vec<Finding>,
) {
    let mut attempts = error.notes.attempts.iter();
    let Some(last) = attempts.rfind(|it| it.place == error.place) else {
        return;
    };
    let AttemptError::Connect(cause) = &last.error else {
        return;
    };
    let is_silent = matches!(cause, ConnectError::Refused | ConnectError::TimedOut);
    if is_silent && error.place == Place::Route(Route::Fallback) {
        on_443(resolver, name, findings).await;
    }
    if *cause == ConnectError::Tls(TlsError::Protocol)
        && let Some(address) = last.address
        && speaks_http(resolver, address).await
    {
        let (seen, port) = (format!("{address} speaks HTTP without TLS"), address.port());
        let remedy = format!(
            "turn on TLS for port {port}: in nginx \"listen {port} ssl\" with a certificate for {name}"
        );
        instead(findings, Code::NotTls, Code::PlainHttp, seen, remedy);
    }
    if let ConnectError::Tls(TlsError::Certificate(CertificateError::UnknownIssuer { .. })) = cause
    {
        unknown_issuer(resolver, name, findings).await;
    }
}

/// What is found beside a success: whether the name that is delegated to is itself delegated
pub(crate) async fn success<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    found: &Found,
    findings: &mut Vec<Finding>,
) {
    let well_known = found.notes.well_known.as_ref();
    if let Some(delegated) = well_known.and_then(|it| it.delegated.as_ref()) {
        to_delegated(resolver, delegated, findings).await;
    }
}

/// Whether a name that is delegated to is itself delegated, which nobody follows
pub(crate) async fn to_delegated<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    delegated: &ServerName,
    findings: &mut Vec<Finding>,
) {
    if let Ok(onward) = resolver.delegation(delegated).await
        && onward.subject != *delegated
        && onward.subject.host() != delegated.host()
    {
        let last = &onward.subject;
        let finding = Finding::new(
            Code::WellKnownToDelegated,
            Level::Warning,
            format!(
                ".well-known delegates to {delegated}, which is itself delegated to {last}: nobody follows that"
            ),
            format!("write \"m.server\": \"{last}\", if that is where the server is"),
        );
        findings.push(finding.at(Place::WellKnown));
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
    let is_homeserver = response.and_then(Result::ok).is_some_and(|response| {
        response.status == 200 && response.body.trim_ascii_start().starts_with(b"{")
    });
    if is_homeserver {
        finding.seen +=
            "; asked by its address alone, it answers as a homeserver: it does not know the name";
        finding.remedy = format!(
            "add {name} to the names of the proxy's rule for the homeserver (nginx: server_name) at {address}"
        );
    }
}

/// A homeserver on port 443, where nobody looks for it
async fn on_443<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    findings: &mut Vec<Finding>,
) {
    let host = name.host();
    let Ok(there) = ServerName::parse(&format!("{host}:443")) else {
        return;
    };
    let Ok(mut connected) = resolver.connect(&there).await else {
        return;
    };
    let response = connected.get(VERSION_PATH).await;
    let is_homeserver = response.is_ok_and(|response| {
        response.status == 200 && response.body.trim_ascii_start().starts_with(b"{")
    });
    if is_homeserver {
        let seen = format!(
            "nothing answers on port 8448 of {host}, and the homeserver answers on port 443, where nobody looks for it without a delegation"
        );
        let remedy = format!(
            "serve {{\"m.server\": \"{there}\"}} at https://{host}/.well-known/matrix/server; or open port 8448"
        );
        let code = if findings.iter().any(|it| it.code == Code::NoAnswer) {
            Code::NoAnswer
        } else {
            Code::PortClosed
        };
        instead(findings, code, Code::FederationOn443, seen, remedy);
    }
}

/// Whether a port speaks HTTP without TLS
async fn speaks_http<I: Io, D: Dns>(resolver: &Resolver<I, D>, address: SocketAddr) -> bool {
    let io = resolver.io();
    let deadline = io.now() + PATIENCE;
    let asking = async {
        let mut tcp = io.connect_tcp(address).await.ok()?;
        tcp.meter().limit(MAX_ANSWER);
        tcp.write_all(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
        let mut start = [0; 5];
        let len = tcp.read(&mut start).await.ok()?;
        Some(&start[..len] == b"HTTP/")
    };
    before(io, deadline, asking)
        .await
        .flatten()
        .unwrap_or(false)
}

/// By what the server shows: whether its certificate is signed by itself, or comes without the one between
async fn unknown_issuer<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    findings: &mut Vec<Finding>,
) {
    let mut config = resolver.config().clone();
    // Only to look at it: nothing is sent over the connection
    config.trust.skip = vec![SkipRule::Net(ANY_V4), SkipRule::Net(ANY_V6)];
    let unverified = resolver.explain_by(name, SearchGoal::Connect, config, None);
    let unverified = unverified.await;
    let connected = unverified.connected;
    let chain = connected
        .as_ref()
        .and_then(|connected| connected.stream.session()?.peer_certificates());
    let Some([leaf, rest @ ..]) = chain else {
        return;
    };
    let Ok(leaf) = CertificateSummary::read(leaf) else {
        return;
    };
    let at = connected
        .as_ref()
        .and_then(|it| it.found.connection.as_ref());
    let at = at.map_or_else(|| name.to_string(), |it| it.address.to_string());
    let (code, seen, remedy) = if leaf.subject == leaf.issuer {
        (
            Code::CertificateSelfSigned,
            format!(
                "the certificate at {at} is signed by itself ({}), so that nobody vouches for it",
                leaf.subject
            ),
            "get a certificate from a public authority, such as Let's Encrypt".into(),
        )
    } else if rest.is_empty() {
        (
            Code::CertificateMissingIntermediate,
            format!(
                "the server at {at} sends its certificate alone; it was issued by {}, whose certificate is neither sent nor trusted here",
                leaf.issuer
            ),
            "serve the full chain: fullchain.pem in place of cert.pem; or, if the authority is not a public one, get a certificate from one that is".into(),
        )
    } else {
        return;
    };
    instead(
        findings,
        Code::CertificateUnknownAuthority,
        code,
        seen,
        remedy,
    );
}

/// Puts a finding that says more in the place of one that says less
fn instead(findings: &mut Vec<Finding>, less: Code, code: Code, seen: String, remedy: String) {
    let index = findings.iter().position(|finding| finding.code == less);
    let mut finding = Finding::new(code, Level::Error, seen, remedy);
    match index {
        Some(index) => {
            finding.place = findings[index].place;
            findings[index] = finding;
            findings.retain(|finding| finding.code != less);
        }
        None => findings.insert(0, finding),
    }
}

/// Every address of IPv4
const ANY_V4: IpNet = IpNet::new_assert(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// Every address of IPv6
const ANY_V6: IpNet = IpNet::new_assert(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);
/// A look beside should not take longer than the search; our choice
const PATIENCE: Duration = Duration::from_secs(3);
/// The first bytes tell
const MAX_ANSWER: usize = 16_384;
