//! What an administrator should know of a search that has ended.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use serde::Deserialize;

use super::catalog::Code;
use super::finding::{Finding, Level};
use crate::address::AddressRefusal;
use crate::answer::{FieldName, HttpAnswer};
use crate::edition::{Place, Route};
use crate::error::{
    Attempt, AttemptError, BodyError, CertificateError, Chain, ConnectError, DnsError, Fault,
    RedirectError, TlsError, WellKnownError,
};
use crate::found::{
    Destination, DiscoveryError, DiscoveryErrorKind, Found, Notes, Warning, WellKnown,
};
use crate::freshness::{self, Lifetimes};
use crate::name::{Host, ServerName};
use crate::well_known::printable;

/// What should be known of a search: the cause of a failure first
///
/// `response` is the last that .well-known gave, where somebody still has it: more can be said then.
pub(crate) fn judge(
    name: &ServerName,
    outcome: Result<&Found, &DiscoveryError>,
    response: Option<&HttpAnswer>,
) -> Vec<Finding> {
    let (notes, destination) = match outcome {
        Ok(found) => (&found.notes, Some(&found.destination)),
        Err(error) => (&*error.notes, error.destination.as_deref()),
    };
    let judge = Judge {
        name,
        notes,
        destination,
        response,
    };
    let mut findings = Vec::new();
    match outcome {
        Ok(found) => judge.found(found, &mut findings),
        Err(error) => judge.failed(error, &mut findings),
    }
    findings.extend(notes.warnings.iter().map(|warning| judge.warning(warning)));
    let mut seen: Vec<Finding> = Vec::new();
    for finding in findings {
        if !seen.contains(&finding) {
            seen.push(finding);
        }
    }
    // Within a level, what comes first is the cause
    seen.sort_by_key(|finding| finding.level);
    seen
}

struct Judge<'a> {
    name: &'a ServerName,
    notes: &'a Notes,
    destination: Option<&'a Destination>,
    response: Option<&'a HttpAnswer>,
}

impl Judge<'_> {
    fn found(&self, found: &Found, findings: &mut Vec<Finding>) {
        let place = Place::Route(found.destination.route);
        let dead: Vec<_> = self.attempts(place).collect();
        let reached = found.connection.as_ref().map(|it| it.address);
        findings.extend(self.dead(&dead, reached, place));
        if let Some(well_known) = &self.notes.well_known {
            match (&well_known.delegated, &well_known.error) {
                (Some(delegated), _) => self.delegated(delegated, well_known, findings),
                (None, Some(error)) if is_meant(error, self.name) => {
                    findings.push(self.well_known(error, Level::Warning));
                }
                (None, _) => {}
            }
        }
    }

    fn failed(&self, error: &DiscoveryError, findings: &mut Vec<Finding>) {
        let well_known = self.notes.well_known.as_ref();
        let broken = well_known.and_then(|it| it.error.as_ref());
        if let Some(broken) = broken {
            let level = self.level_of_broken(broken, error);
            findings.push(self.well_known(broken, level));
        }
        if let Some(well_known) = well_known
            && let Some(delegated) = &well_known.delegated
        {
            self.delegated(delegated, well_known, findings);
        }
        findings.extend(self.unasked_srv(error));
        let at = |finding: Finding| finding.at(error.place);
        let error_at =
            |code, seen: String, remedy: String| at(Finding::new(code, Level::Error, seen, remedy));
        match &error.kind {
            DiscoveryErrorKind::Gone => findings.push(error_at(
                Code::Gone,
                format!("https://{}/.well-known/matrix/server says with status 410 that the server is gone for good", self.name.host()),
                "answer otherwise there, if it is not".into(),
            )),
            DiscoveryErrorKind::InvalidWellKnown(_) => {}
            DiscoveryErrorKind::NotOffered { service } => findings.push(error_at(
                Code::SrvNotOffered,
                format!("the SRV record {service} has the target \".\", which says that there is no such service"),
                format!("remove that record, or let it name the host and port of the server of {}", self.name),
            )),
            DiscoveryErrorKind::NoUsableRecord { service } => {
                let skipped = self.notes.warnings.iter();
                let skipped = skipped.filter(|it| matches!(it, Warning::SkippedRecord { owner, .. } if owner == service));
                let why: Vec<_> = skipped.map(ToString::to_string).collect();
                findings.push(error_at(
                    Code::SrvUnusable,
                    format!("the SRV record {service} is there, and cannot be used ({})", why.join("; ")),
                    "correct its port and target, or remove it".into(),
                ));
            }
            DiscoveryErrorKind::Onion => findings.push(error_at(
                Code::Onion,
                format!("{} is a .onion name, which only a proxy reaches", self.name),
                "use another name".into(),
            )),
            DiscoveryErrorKind::TimedOut => {
                let attempts = self.attempts(error.place);
                findings.extend(attempts.map(|attempt| at(self.attempt(attempt))));
                findings.push(error_at(
                    Code::TimedOut,
                    format!("the search took too long; it had come to step {}", error.step()),
                    "look at what did not answer, and give it more time with --timeout".into(),
                ));
            }
            DiscoveryErrorKind::Unreachable(cause) => {
                let before = findings.len();
                let attempts = self.attempts(error.place);
                findings.extend(attempts.map(|attempt| at(self.attempt(attempt))));
                if findings.len() == before {
                    findings.push(at(self.unreachable(&error.host, None, cause)));
                }
            }
        }
    }

    /// What failed at a step, that which tells most first
    fn attempts(&self, place: Place) -> impl Iterator<Item = &Attempt> {
        let attempts = self.notes.attempts.iter();
        let mut attempts: Vec<_> = attempts.filter(|attempt| attempt.place == place).collect();
        attempts.sort_by_key(|attempt| rank(attempt));
        // Where an address was dialled, the family that could not be looked up is not the cause
        if attempts
            .first()
            .is_some_and(|first| rank(first) < RANK_OF_DNS)
        {
            attempts.retain(|attempt| rank(attempt) != RANK_OF_DNS);
        }
        attempts.into_iter()
    }

    /// How bad a .well-known is that gave no delegation, where the search has failed
    ///
    /// A delegation that was meant and cannot be read is the cause, whatever failed after it; but a server that was found
    /// all the same by SRV, or that speaks TLS on port 8448, has a fault of its own.
    fn level_of_broken(&self, broken: &WellKnownError, error: &DiscoveryError) -> Level {
        if !is_meant(broken, self.name) {
            return Level::Notice;
        }
        let is_document = match broken {
            WellKnownError::Body(BodyError::ServerName(_)) => true,
            WellKnownError::Body(BodyError::Json { .. }) => self
                .response
                .is_some_and(|it| it.body.trim_ascii_start().starts_with(b"{")),
            WellKnownError::Fetch(_)
            | WellKnownError::Redirect { .. }
            | WellKnownError::Status(_)
            | WellKnownError::TimedOut
            | WellKnownError::Unreachable { .. } => false,
        };
        let speaks = self.attempts(error.place).any(|attempt| {
            matches!(
                attempt.error,
                AttemptError::Connect(
                    ConnectError::Tls(_) | ConnectError::Closed | ConnectError::Reset
                )
            )
        });
        let is_last_resort = error.place == Place::Route(Route::Fallback) && !speaks;
        let is_final = error.place == Place::WellKnown;
        if error.kind.fault() == Fault::Ours {
            Level::Notice
        } else if is_document || is_last_resort || is_final {
            Level::Error
        } else {
            Level::Warning
        }
    }

    /// Records that nobody could say of, where the search then came to port 8448 in vain
    fn unasked_srv(&self, error: &DiscoveryError) -> Option<Finding> {
        let is_fallback = matches!(
            error.place,
            Place::Route(Route::Fallback | Route::DelegatedFallback)
        );
        let mut warnings = self.notes.warnings.iter().filter(|_| is_fallback);
        warnings.find_map(|warning| {
            let Warning::SrvUnanswered { owner, error } = warning else {
                return None;
            };
            let (error, host) = (dns_in_words(error), self.name.host());
            Some(Finding::new(
                Code::SrvUnanswered,
                Level::Error,
                format!("nobody could say whether there is an SRV record {owner} ({error}), so that port 8448 was tried, in vain"),
                format!("look at the name servers of {host}, and at DNSSEC below it; if there is to be no SRV record, see the next point"),
            ))
        })
    }

    fn attempt(&self, attempt: &Attempt) -> Finding {
        self.unreachable(&attempt.host, attempt.address, &attempt.error)
    }

    /// What did not work, though another address did
    fn dead(
        &self,
        dead: &[&Attempt],
        reached: Option<SocketAddr>,
        place: Place,
    ) -> Option<Finding> {
        let reached = reached?;
        let first = dead.iter().find(|attempt| attempt.address.is_some())?;
        let address = first.address?;
        let reason = Chain(&first.error);
        let candidates = self
            .destination
            .map(|it| &*it.candidates)
            .unwrap_or_default();
        let of_host = candidates.iter().find(|it| it.target == first.host);
        let is_same_host =
            of_host.is_some_and(|it| it.addresses.iter().any(|it| it.address == reached));
        let of_one_family = is_same_host
            && dead
                .iter()
                .filter_map(|attempt| attempt.address)
                .all(|other| other.is_ipv6() != reached.is_ipv6());
        let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
        let is_our_network = dead
            .iter()
            .all(|attempt| attempt.error == AttemptError::Connect(ConnectError::Unreachable));
        let finding = if of_one_family && is_our_network {
            Finding::new(
                Code::FamilyNotHere,
                Level::Notice,
                format!("this machine has no way to {family}, so that {address} was not tested"),
                format!(
                    "nothing has to be changed at the server for that; try again from a machine with {family}"
                ),
            )
        } else if of_one_family {
            Finding::new(
                Code::FamilyDead,
                Level::Warning,
                format!("{family} does not work: {address}: {reason}; {reached} does"),
                format!(
                    "have the server listen on {family}, too, and open the firewall for it; or take the {family} address out of DNS"
                ),
            )
        } else {
            Finding::new(
                Code::AddressDead,
                Level::Warning,
                format!(
                    "{address}, an address of {}, does not work: {reason}; {reached} does",
                    first.host
                ),
                "start the server there, or take the address out of DNS",
            )
        };
        Some(finding.at(place))
    }

    /// A delegation that can be read
    fn delegated(
        &self,
        delegated: &ServerName,
        well_known: &WellKnown,
        findings: &mut Vec<Finding>,
    ) {
        let notice = |code, seen: String, remedy: String| {
            Finding::new(code, Level::Notice, seen, remedy).at(Place::WellKnown)
        };
        if delegated.host() == self.name.host() && delegated.port().is_none() {
            findings.push(notice(
                Code::WellKnownToItself,
                format!(
                    ".well-known delegates {} to itself, which changes nothing",
                    self.name
                ),
                format!(
                    "remove it, or write {delegated}:PORT with the port that the server listens on"
                ),
            ));
        }
        if let Some(last) = well_known.redirects.last() {
            findings.push(notice(
                Code::WellKnownRedirected,
                format!(".well-known was answered by way of a redirect, to {last}"),
                "nothing has to be changed".into(),
            ));
        }
        if let Some(response) = self.response {
            let lifetime = freshness::lifetime(response, &Lifetimes::default(), u64::MAX / 2);
            let says_nothing = response.values(FieldName::CacheControl).next().is_none()
                && response.values(FieldName::Expires).next().is_none();
            if says_nothing || lifetime > DAY {
                let hours = lifetime.as_secs().div_ceil(3_600);
                let because = if says_nothing {
                    "says nothing of its lifetime"
                } else {
                    "may be believed for long"
                };
                findings.push(notice(
                    Code::WellKnownLongLived,
                    format!(".well-known {because}: a change takes up to {hours} hours to reach others"),
                    "nothing has to be changed; before a move, serve it with Cache-Control: max-age=3600".into(),
                ));
            }
        }
    }

    /// A .well-known that gave no delegation
    fn well_known(&self, error: &WellKnownError, level: Level) -> Finding {
        let mut url = format!("https://{}/.well-known/matrix/server", self.name.host());
        let well_known = self.notes.well_known.as_ref();
        if let Some(last) = well_known.and_then(|it| it.redirects.last()) {
            url = format!("{url} (by way of {last})");
        }
        let (code, seen, remedy) = match error {
            WellKnownError::Body(body) => self.body(&url, body),
            WellKnownError::Fetch(cause) => (
                Code::WellKnownBrokenResponse,
                format!("the response of {url} cannot be read: {}", Chain(cause)),
                "look at the web server's response to that address".into(),
            ),
            WellKnownError::Redirect { location, cause } => redirect(&url, location.as_deref(), *cause),
            WellKnownError::Status(status @ (404 | 410)) => (
                Code::WellKnownAbsent,
                format!("{url} answers {status}: there is no delegation"),
                "serve {\"m.server\": \"HOST:PORT\"} there, if the server listens elsewhere than at this name's port 8448".into(),
            ),
            WellKnownError::Status(status) => (
                Code::WellKnownStatus,
                format!("{url} answers {}, so that its delegation does not count", status_in_words(*status)),
                "serve the document there with status 200, to everybody; or 404, if there is to be no delegation".into(),
            ),
            WellKnownError::TimedOut => (
                Code::WellKnownUnreachable,
                format!("{url} does not answer in time"),
                "see to it that the web server answers within some seconds".into(),
            ),
            WellKnownError::Unreachable { host, cause } => self.well_known_unreachable(&url, host, cause),
        };
        Finding::new(code, level, seen, remedy).at(Place::WellKnown)
    }

    fn well_known_unreachable(
        &self,
        url: &str,
        host: &Host,
        cause: &AttemptError,
    ) -> (Code, String, String) {
        let reason = Chain(cause);
        if let AttemptError::Connect(ConnectError::Tls(TlsError::Certificate(certificate))) = cause
        {
            let remedy = if matches!(certificate, CertificateError::NotValidForName { .. }) {
                format!("get a certificate for {host}, and serve it on port 443 there")
            } else if matches!(certificate, CertificateError::UnknownIssuer { .. }) {
                format!(
                    "serve the full chain (fullchain.pem) on port 443 of {host}, with a certificate of a public authority"
                )
            } else {
                format!("renew or replace the certificate of {host} on port 443")
            };
            return (
                Code::WellKnownCertificate,
                format!(
                    "the certificate of the web server at {url} cannot be accepted ({certificate}), so that its delegation does not count"
                ),
                remedy,
            );
        }
        (
            Code::WellKnownUnreachable,
            format!(
                "the web server at {url} cannot be reached ({reason}), so that there is no delegation"
            ),
            match cause {
                AttemptError::AddressRefused(_) => {
                    format!("publish a public address for {host}, or do not redirect there")
                }
                AttemptError::Connect(ConnectError::Tls(_)) => {
                    format!("have the web server on port 443 of {host} speak TLS for that name")
                }
                AttemptError::Connect(_)
                | AttemptError::Dns(_)
                | AttemptError::FamilyOff(_)
                | AttemptError::NoAddress(_)
                | AttemptError::TooManyAttempts { .. } => {
                    format!("start a web server on port 443 of {host} if there is to be one")
                }
            },
        )
    }

    fn body(&self, url: &str, error: &BodyError) -> (Code, String, String) {
        let write = "serve {\"m.server\": \"HOST:PORT\"} there";
        let body = self.response.map(|response| &*response.body);
        let text = body.map(|body| printable(&body[..body.len().min(80)]));
        let quoted = text.map(|text| format!(" ({text})")).unwrap_or_default();
        match error {
            BodyError::Json { .. } if body.is_some_and(|body| self.is_html(body)) => (
                Code::WellKnownHtml,
                format!("{url} answers with a web page in place of the delegation{quoted}"),
                format!(
                    "{write}, before the rule of the web server that serves the page to every address"
                ),
            ),
            BodyError::Json { .. } if body.is_some_and(|body| has_key(body, "m.homeserver")) => (
                Code::WellKnownWrongKey,
                format!(
                    "the document at {url} has the key m.homeserver, which is that of /.well-known/matrix/client, and no m.server"
                ),
                write.into(),
            ),
            BodyError::Json { line, column } => (
                Code::WellKnownNotJson,
                format!(
                    "{url} answers with something else than a JSON object with one m.server, at line {line} column {column}{quoted}"
                ),
                write.into(),
            ),
            BodyError::ServerName(cause) => {
                let value = body.and_then(m_server);
                let is = value
                    .as_ref()
                    .map(|value| format!("\"{value}\", which is "));
                let is_url = value.is_some_and(|value| value.starts_with("https://"));
                (
                    Code::WellKnownBadServerName,
                    format!(
                        "m.server at {url} is {}no server name: {cause}",
                        is.unwrap_or_default()
                    ),
                    match &cause.suggestion {
                        Some(name) if is_url && name.port().is_none() => format!(
                            "write \"m.server\": \"{name}:443\", the port of that URL; without a port it means an SRV record, or port 8448"
                        ),
                        Some(name) => format!("write \"m.server\": \"{name}\""),
                        None => {
                            "write host or host:port there, such as matrix.example.org:443".into()
                        }
                    },
                )
            }
        }
    }

    fn is_html(&self, body: &[u8]) -> bool {
        let kind = self
            .response
            .and_then(|it| it.values(FieldName::ContentType).next());
        let is_said = kind.is_some_and(|kind| {
            kind.get(..9)
                .is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html"))
        });
        is_said || body.trim_ascii_start().starts_with(b"<")
    }

    /// Why a target, or an address of it, could not be used
    fn unreachable(
        &self,
        host: &Host,
        address: Option<SocketAddr>,
        error: &AttemptError,
    ) -> Finding {
        let at = address.map_or_else(|| host.to_string(), |it| it.to_string());
        let (code, seen, remedy) = match error {
            AttemptError::AddressRefused(AddressRefusal::Denied(net)) => (
                Code::OurFailure,
                format!("{at} is in the network {net}, which --deny-net denies here"),
                "leave that flag out".into(),
            ),
            AttemptError::AddressRefused(refusal) => (
                Code::AddressRefused,
                match host {
                    Host::Ip(_) => format!(
                        "{at} is an address where nobody on the internet can reach it ({refusal})"
                    ),
                    Host::Dns(_) => format!(
                        "{host} leads to {at}, where nobody on the internet can reach it ({refusal})"
                    ),
                },
                match host {
                    Host::Ip(_) if host != self.name.host() => {
                        "write a public address, or a name, in m.server".into()
                    }
                    Host::Ip(_) => {
                        "use a public address; within a network of your own, --allow-net allows it"
                            .into()
                    }
                    Host::Dns(_) => format!(
                        "publish a public address for {host}; if DNS elsewhere has one, this machine's /etc/hosts or name server says otherwise: try --dns 9.9.9.9, or another machine"
                    ),
                },
            ),
            AttemptError::NoAddress(absence) => self.no_address(host, &absence.to_string()),
            AttemptError::Dns(DnsError::OutOfResources) => out_of_resources(),
            AttemptError::Dns(error) if is_of_our_name_server(error) => (
                Code::OurFailure,
                format!(
                    "the name server that this machine asks does not answer for {host} ({error})"
                ),
                "look at /etc/resolv.conf, or ask another with --dns".into(),
            ),
            AttemptError::Dns(DnsError::Unreachable) => (
                Code::OurFailure,
                format!(
                    "this machine reaches none of its name servers, so that {host} could not be looked up"
                ),
                "look at its network, and at /etc/resolv.conf or --dns".into(),
            ),
            AttemptError::Dns(error) => (
                Code::DnsFailure,
                format!(
                    "the addresses of {host} could not be looked up: {}",
                    dns_in_words(error)
                ),
                match error {
                    DnsError::AliasLoop => {
                        format!("correct the CNAME records of {host}: they lead back to themselves")
                    }
                    DnsError::Explained { .. }
                    | DnsError::Malformed
                    | DnsError::NotEncodable
                    | DnsError::Onion
                    | DnsError::OutOfResources
                    | DnsError::Referral
                    | DnsError::Refused
                    | DnsError::ResponseCode(_)
                    | DnsError::ServFail
                    | DnsError::TimedOut
                    | DnsError::Unreachable => format!(
                        "look at the name servers of {host}, and at its DNSSEC; then try again"
                    ),
                },
            ),
            AttemptError::FamilyOff(family) => (
                Code::FamilyOff,
                format!("{at} is an address of {family}, which is switched off here"),
                "leave out --ipv4 or --ipv6".into(),
            ),
            AttemptError::TooManyAttempts { limit } => (
                Code::SrvTooMany,
                format!("{at} was not tried, after {limit} others that failed"),
                "publish fewer addresses and records, and such as work".into(),
            ),
            AttemptError::Connect(error) => self.connection(host, address, &at, error),
        };
        let is_ours_alone = code == Code::FamilyNotHere;
        let level = if is_ours_alone {
            Level::Notice
        } else {
            Level::Error
        };
        Finding::new(code, level, seen, remedy)
    }

    /// What is to be changed if the server listens at another port than this
    fn elsewhere(&self, port: u16) -> String {
        let well_known = self.notes.well_known.as_ref();
        let delegated = well_known.and_then(|it| it.delegated.as_ref());
        match (self.destination.map(|it| it.route), delegated) {
            (Some(Route::Srv(_) | Route::DelegatedSrv(_)), _) => {
                format!("; or, if it listens at another port than {port}, correct the SRV record")
            }
            (Some(Route::Fallback), _) => {
                "; or, if it listens elsewhere, say so by .well-known".into()
            }
            (_, Some(delegated)) => format!(
                "; or, if it listens elsewhere, correct m.server in .well-known, which says {delegated}"
            ),
            (Some(_) | None, None) => ", or ask for the port that it listens on".into(),
        }
    }

    fn no_address(&self, host: &Host, absence: &str) -> (Code, String, String) {
        if host == self.name.host() {
            let record = format!("give {host} an A or AAAA record");
            let (seen, remedy) = match self.name.port() {
                Some(_) => (format!("{host} has no address in DNS ({absence})"), record),
                None => (
                    format!(
                        "{host} has no address in DNS ({absence}), and no delegation leads elsewhere"
                    ),
                    format!(
                        "{record}; or delegate, with .well-known on a web server there or an SRV record _matrix-fed._tcp.{host}"
                    ),
                ),
            };
            return (Code::NoAddress, seen, remedy);
        }
        (
            Code::DelegatedNameHasNoAddress,
            format!(
                "{} is delegated to {host}, which has no address in DNS ({absence})",
                self.name
            ),
            format!("correct the host in the delegation, or give {host} an A or AAAA record"),
        )
    }

    fn connection(
        &self,
        host: &Host,
        address: Option<SocketAddr>,
        at: &str,
        error: &ConnectError,
    ) -> (Code, String, String) {
        let port = address.map_or(8_448, |address| address.port());
        match error {
            ConnectError::Refused => (
                Code::PortClosed,
                format!("nothing listens at {at} (connection refused)"),
                format!("start the homeserver or its proxy on port {port} of {host}{}", self.elsewhere(port)),
            ),
            ConnectError::TimedOut => (
                Code::NoAnswer,
                format!("there is no TLS with {at} in time: a firewall drops everything, or what listens there does not answer"),
                format!("open port {port} in the firewall and the router of {host}, and look at what listens there{}", self.elsewhere(port)),
            ),
            ConnectError::Closed | ConnectError::Reset | ConnectError::TooMuchData { .. } => (
                Code::ConnectionCut,
                format!("{at} accepts connections and closes them before TLS is up ({error})"),
                format!("look at what listens on port {port} of {host}: a proxy that does not know the name, a firewall, or something that speaks no TLS"),
            ),
            ConnectError::Unreachable if address.is_some_and(|it| it.is_ipv6()) => (
                Code::FamilyNotHere,
                format!("this machine has no way to {at}, and IPv6 perhaps not at all"),
                "nothing has to be changed at the server for that; try again from a machine with IPv6".into(),
            ),
            ConnectError::Unreachable | ConnectError::Other(_) => (
                Code::Unreachable,
                format!("there is no way to {at} from here ({error})"),
                format!("check that {at} is the address of {host}, and the routes to it; a firewall that rejects looks the same: open port {port}"),
            ),
            ConnectError::OutOfResources => out_of_resources(),
            ConnectError::Tls(error) => self.tls(host, at, port, error),
        }
    }

    fn tls(&self, host: &Host, at: &str, port: u16, error: &TlsError) -> (Code, String, String) {
        let verified = self
            .destination
            .map_or(host, |destination| &destination.tls_name);
        match error {
            TlsError::Certificate(error) => self.certificate(verified, at, error),
            TlsError::Alert(70) | TlsError::Unsupported => (
                Code::TlsTooOld,
                format!(
                    "{at} and this machine have no version or cipher of TLS in common ({error})"
                ),
                format!("turn on TLS 1.2 and 1.3 on port {port} of {host}"),
            ),
            TlsError::Alert(116) => (
                Code::TlsAlert,
                format!(
                    "{at} wants a certificate of its clients ({error}), which no other server has"
                ),
                format!(
                    "turn off client certificates on port {port} of {host}: in nginx \"ssl_verify_client off\""
                ),
            ),
            TlsError::Alert(number) => (
                Code::TlsAlert,
                format!(
                    "{at} refuses the TLS handshake for {verified}: {error}{}",
                    alert_in_words(*number)
                ),
                format!(
                    "have the server or proxy on port {port} of {host} know the name {verified}, with a certificate for it"
                ),
            ),
            TlsError::Protocol => (
                Code::NotTls,
                format!("what answers at {at} does not speak TLS"),
                format!(
                    "turn on TLS for port {port} of {host}: in nginx \"listen {port} ssl\", in Synapse \"tls: true\" or a proxy before it"
                ),
            ),
            TlsError::InvalidName => (
                Code::CertificateRefused,
                format!("no certificate can have the name {verified}"),
                "delegate to another name".into(),
            ),
        }
    }

    fn certificate(
        &self,
        verified: &Host,
        at: &str,
        error: &CertificateError,
    ) -> (Code, String, String) {
        let renew = || {
            format!(
                "get a certificate for {verified} from a public authority, and serve it with its chain"
            )
        };
        match error {
            CertificateError::NotValidForName { presented, .. } => {
                self.wrong_name(verified, at, presented)
            }
            CertificateError::Expired { .. } => (
                Code::CertificateExpired,
                format!("the certificate at {at} has {error}"),
                "renew it, and have the server load the new one".into(),
            ),
            CertificateError::NotYetValid { .. } => (
                Code::CertificateNotYetValid,
                format!("the certificate at {at} is {error}"),
                "check the clocks of both machines, or wait".into(),
            ),
            CertificateError::UnknownIssuer { issuer } => {
                let by = issuer
                    .as_ref()
                    .map(|it| format!(" ({it})"))
                    .unwrap_or_default();
                (
                    Code::CertificateUnknownAuthority,
                    format!(
                        "nobody trusted here vouches for the certificate at {at}: whoever issued it{by} is unknown"
                    ),
                    format!(
                        "serve the full chain (fullchain.pem), with a certificate for {verified} of a public authority; if the authority is your own, give it with --ca-file"
                    ),
                )
            }
            CertificateError::Revoked => (
                Code::CertificateRevoked,
                format!("the certificate at {at} was revoked by its authority"),
                renew(),
            ),
            CertificateError::WeakKey { .. }
            | CertificateError::WeakSignature { .. }
            | CertificateError::UnsupportedSignature { .. } => (
                Code::CertificateWeak,
                format!("the certificate at {at} is too weak: {error}"),
                renew(),
            ),
            CertificateError::WrongPurpose | CertificateError::Authority => (
                Code::CertificateNotForServers,
                format!("the certificate at {at} is not one of a server: {error}"),
                renew(),
            ),
            CertificateError::NotTransparent { .. } => (
                Code::CertificateNotTransparent,
                format!("the certificate at {at} is {error}"),
                "get one that more logs vouch for, or ask for fewer with --ct-require".into(),
            ),
            CertificateError::Bad
            | CertificateError::ConstraintViolated
            | CertificateError::CriticalExtension
            | CertificateError::IssuerNotAuthority
            | CertificateError::Other
            | CertificateError::RevocationList
            | CertificateError::RevocationUnknown
            | CertificateError::TooComplex => (
                Code::CertificateRefused,
                format!("the certificate at {at} cannot be accepted: {error}"),
                renew(),
            ),
        }
    }

    fn wrong_name(
        &self,
        verified: &Host,
        at: &str,
        presented: &[String],
    ) -> (Code, String, String) {
        let name = verified.to_string();
        let names = match presented {
            [] => "no name at all".into(),
            some => some.iter().take(5).cloned().collect::<Vec<_>>().join(", "),
        };
        let candidates = self
            .destination
            .map(|it| &*it.candidates)
            .unwrap_or_default();
        let target = candidates
            .iter()
            .filter(|it| it.srv.is_some())
            .map(|it| it.target.to_string());
        let mut targets = target.filter(|target| *target != name);
        let of_target = targets.find(|target| presented.iter().any(|it| is_covered(target, it)));
        let below = presented.iter().find(|it| {
            it.len() > name.len() && it.to_ascii_lowercase().ends_with(&format!(".{name}"))
        });
        if let Some(target) = of_target {
            return (
                Code::CertificateForSrvTarget,
                format!(
                    "the certificate at {at} is for {target}, the target of the SRV record, and not for {name}, which is what other servers check: they never check the target of an SRV record"
                ),
                format!(
                    "get a certificate for {name}, and serve it at {at}; or delegate by .well-known in place of SRV, to {target}:PORT, whose certificate is the one that is there"
                ),
            );
        }
        if let Some(below) = below {
            return (
                Code::CertificateForSubdomainOnly,
                format!("the certificate at {at} is for {names}, and not for {name} itself"),
                format!("add {name} to the certificate: {below} does not cover it"),
            );
        }
        let certificate = format!("get a certificate for {name}, and serve it at {at}");
        let remedy = match self.destination.map(|it| it.route) {
            Some(Route::Fallback) => format!(
                "{certificate}; or delegate by .well-known to a name that the certificate has"
            ),
            Some(
                Route::DelegatedFallback
                | Route::DelegatedLiteral
                | Route::DelegatedPort
                | Route::DelegatedSrv(_),
            ) => {
                format!(
                    "write the name that the certificate has into m.server, with its port; or {certificate}"
                )
            }
            Some(Route::ExplicitPort | Route::Literal | Route::Srv(_)) | None => certificate,
        };
        let seen = format!("the certificate at {at} is for {names}, and not for {name}");
        (Code::CertificateForOtherName, seen, remedy)
    }

    fn warning(&self, warning: &Warning) -> Finding {
        let (code, level, remedy) = match warning {
            Warning::AddressTarget { .. } => (
                Code::SrvTargetIsAddress,
                Level::Warning,
                "give the address a name, and let the SRV record name that".into(),
            ),
            Warning::AliasTarget { target } => (
                Code::SrvTargetIsAlias,
                Level::Warning,
                format!("let the SRV record name the host that {target} leads to"),
            ),
            Warning::DeprecatedService { .. } => (
                Code::SrvOldService,
                Level::Notice,
                "add the same record for _matrix-fed._tcp, and keep this one for old servers"
                    .into(),
            ),
            Warning::LongName { .. } => (
                Code::NameTooLong,
                Level::Notice,
                "nothing has to be changed, as long as names of users stay short".into(),
            ),
            Warning::SkippedRecord { .. } => (
                Code::SrvRecordSkipped,
                Level::Warning,
                "correct or remove that record".into(),
            ),
            Warning::SrvUnanswered { .. } => (
                Code::SrvUnanswered,
                Level::Warning,
                "look at the name servers of the zone: what they would say might lead elsewhere"
                    .into(),
            ),
            Warning::RecordsCut { .. } | Warning::TooManyAddresses { .. } => {
                (Code::SrvTooMany, Level::Warning, "keep fewer".into())
            }
            Warning::VerificationSkipped { .. } => (
                Code::NotVerified,
                Level::Notice,
                "nothing has to be changed at the server".into(),
            ),
        };
        Finding::new(code, level, warning.to_string(), remedy)
    }
}

/// Whether somebody wanted a delegation there: no web server, or none that knows of it, is no sign of that
fn is_meant(error: &WellKnownError, name: &ServerName) -> bool {
    match error {
        WellKnownError::Body(_) | WellKnownError::Fetch(_) | WellKnownError::Redirect { .. } => {
            true
        }
        WellKnownError::Status(status) => !matches!(status, 404 | 410),
        // Within its time, every address of nobody's web server is tried: somebody has answered
        WellKnownError::TimedOut => true,
        WellKnownError::Unreachable { host, cause } => {
            let is_answered = matches!(
                cause,
                AttemptError::Connect(ConnectError::Tls(_)) | AttemptError::AddressRefused(_)
            );
            // Nobody redirects to another host without a purpose
            cause.fault() != Fault::Ours && (is_answered || host != name.host())
        }
    }
}

/// Which of several failures tells most: what a server said before what a network did, and that before DNS
fn rank(attempt: &Attempt) -> u8 {
    if attempt.error.fault() == Fault::Ours {
        return 0;
    }
    match &attempt.error {
        AttemptError::Connect(ConnectError::Tls(_)) => 1,
        AttemptError::Connect(
            ConnectError::Closed | ConnectError::Reset | ConnectError::TooMuchData { .. },
        ) => 2,
        AttemptError::Connect(
            ConnectError::Refused
            | ConnectError::TimedOut
            | ConnectError::Other(_)
            | ConnectError::OutOfResources,
        ) => 3,
        AttemptError::Connect(ConnectError::Unreachable) => 4,
        AttemptError::AddressRefused(_) => 5,
        AttemptError::Dns(_) => RANK_OF_DNS,
        AttemptError::FamilyOff(_)
        | AttemptError::NoAddress(_)
        | AttemptError::TooManyAttempts { .. } => 7,
    }
}

/// Whether it is the name server asked that does not answer for anybody like us, or is told not to
fn is_of_our_name_server(error: &DnsError) -> bool {
    match error {
        DnsError::Refused | DnsError::Referral => true,
        // Blocked, Censored, Filtered and Prohibited (RFC 8914 §4.16 to §4.19)
        DnsError::Explained { reason, .. } => (15..=18).contains(&reason.0),
        DnsError::AliasLoop
        | DnsError::Malformed
        | DnsError::NotEncodable
        | DnsError::Onion
        | DnsError::OutOfResources
        | DnsError::ResponseCode(_)
        | DnsError::ServFail
        | DnsError::TimedOut
        | DnsError::Unreachable => false,
    }
}

fn redirect(url: &str, location: Option<&str>, cause: RedirectError) -> (Code, String, String) {
    let to = location.map(|it| format!(" to {it}")).unwrap_or_default();
    match cause {
        RedirectError::NotHttps => (
            Code::WellKnownRedirectToHttp,
            format!("{url} redirects{to}, which is not https and never followed"),
            "redirect to https there, or answer the request itself".into(),
        ),
        RedirectError::InternationalHost
        | RedirectError::Location
        | RedirectError::Loop
        | RedirectError::NoLocation
        | RedirectError::TooMany { .. }
        | RedirectError::UserInfo => (
            Code::WellKnownRedirect,
            format!("{url} redirects{to}, which cannot be followed: {cause}"),
            "answer the request itself, with status 200 and the document".into(),
        ),
    }
}

fn out_of_resources() -> (Code, String, String) {
    (
        Code::OurFailure,
        "this machine has run out of files, ports or memory for sockets, which says nothing of the server".into(),
        "try again with fewer --jobs".into(),
    )
}

/// A status of HTTP that means something here
fn status_in_words(status: u16) -> String {
    let words = match status {
        401 => "unauthorized: it wants a log-in",
        403 => "forbidden: it refuses everybody, or this address",
        421 => "misdirected: it does not know this name",
        429 => "too many requests",
        500 => "an error of its own",
        502 => "bad gateway: a proxy, and nothing behind it answers",
        503 => "unavailable: it is down, or a proxy without a server behind it",
        504 => "gateway time-out: a proxy, and nothing behind it answers in time",
        _ => return format!("{status}"),
    };
    format!("{status} ({words})")
}

/// What an alert means to whoever runs the server
fn alert_in_words(alert: u8) -> &'static str {
    match alert {
        40 => {
            ", which is to say: it found nothing in common, or has no certificate to show for this name"
        }
        80 => ", an error of its own",
        112 => ", which is to say: it does not know this name",
        _ => "",
    }
}

/// A failure of DNS, with what it means
fn dns_in_words(error: &DnsError) -> String {
    let meaning = match error {
        DnsError::ServFail => " (it could not get an answer itself, or not verify one)",
        DnsError::Refused => " (it does not answer for this name, or not to this machine)",
        DnsError::TimedOut => " (no name server answers; or this machine's network is at fault)",
        DnsError::AliasLoop
        | DnsError::Explained { .. }
        | DnsError::Malformed
        | DnsError::NotEncodable
        | DnsError::Onion
        | DnsError::OutOfResources
        | DnsError::Referral
        | DnsError::ResponseCode(_)
        | DnsError::Unreachable => "",
    };
    format!("{error}{meaning}")
}

/// Whether a name of a certificate covers a host (RFC 6125 §6.4.3)
fn is_covered(host: &str, name: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => host
            .split_once('.')
            .is_some_and(|(_, above)| above.eq_ignore_ascii_case(parent)),
        None => host.eq_ignore_ascii_case(name),
    }
}

fn has_key(body: &[u8], key: &str) -> bool {
    let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body);
    object.is_ok_and(|object| object.contains_key(key))
}

/// The value that was refused
fn m_server(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "m.server")]
        server: String,
    }
    let body = serde_json::from_slice::<Body>(body).ok()?;
    Some(printable(body.server.as_bytes()))
}

/// [`rank`] of a look-up that failed
const RANK_OF_DNS: u8 = 6;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
