//! What is said of a .well-known.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;

use super::case::Case;
use super::catalog::Code;
use super::finding::{Finding, Level};
use crate::answer::{FieldName, HttpAnswer};
use crate::edition::Place;
use crate::error::{
    AttemptError, BodyError, CertificateError, Chain, ConnectError, RedirectError, TlsError,
    WellKnownError,
};
use crate::found::WellKnown;
use crate::freshness::{self, Lifetimes};
use crate::name::{Host, ServerName};
use crate::well_known::printable;

impl Case<'_> {
    /// A delegation that can be read
    pub(super) fn delegated(
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
    pub(super) fn well_known(&self, error: &WellKnownError, level: Level) -> Finding {
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
                format!("{url} answers {}{}, so that its delegation does not count", status_in_words(*status), self.who()),
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
        let quoted = self.who();
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

    /// Who has answered last
    fn who(&self) -> String {
        self.response.map(HttpAnswer::who).unwrap_or_default()
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

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
