//! What is said of a .well-known.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::Ipv6Addr;
use core::time::Duration;

use serde::Deserialize;

use super::case::Case;
use super::catalog::Code;
use super::finding::{Finding, Level};
use super::target::dns_remedy;
use crate::answer::{FieldName, HttpAnswer};
use crate::edition::Place;
use crate::error::{
    AttemptError, BodyError, CertificateError, Chain, ConnectError, FetchError, MalformedResponse,
    RedirectError, TlsError, WellKnownError,
};
use crate::found::WellKnown;
use crate::freshness::{self, Lifetimes};
use crate::name::{Host, ServerName, ServerNameError};
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
                match cause {
                    FetchError::Malformed(MalformedResponse::ContentCoding) => {
                        "have the web server send it without compression, such as gzip: nobody has asked for that".into()
                    }
                    FetchError::Alert(_)
                    | FetchError::BodyTooLarge { .. }
                    | FetchError::ConnectionLost
                    | FetchError::HeadTooLarge { .. }
                    | FetchError::InvalidRequest
                    | FetchError::Malformed(_)
                    | FetchError::TimedOut
                    | FetchError::TooMuchData { .. } => {
                        "look at what the web server answers to that address".into()
                    }
                },
            ),
            WellKnownError::Redirect { location, cause } => redirect(&url, location.as_deref(), *cause),
            WellKnownError::Status(status @ (404 | 410)) => (
                Code::WellKnownAbsent,
                format!("{url} answers {status}: there is no delegation"),
                "serve {\"m.server\": \"HOST:PORT\"} there, if the server listens elsewhere than at this name's port 8448".into(),
            ),
            WellKnownError::Status(status) => self.status(&url, *status),
            WellKnownError::TimedOut => (
                Code::WellKnownUnreachable,
                format!("{url} does not answer in time"),
                "see to it that the web server answers within some seconds".into(),
            ),
            WellKnownError::Unreachable { host, cause } => self.well_known_unreachable(&url, host, cause),
        };
        Finding::new(code, level, seen, remedy).at(Place::WellKnown)
    }

    fn status(&self, url: &str, status: u16) -> (Code, String, String) {
        let bare = HttpAnswer::status(status);
        let answer = self.response.unwrap_or(&bare);
        let remedy = if answer.is_challenge() {
            "turn that challenge for browsers off for everything below /.well-known/matrix (in Cloudflare, a rule that skips it): servers cannot solve it"
        } else if matches!(status, 401 | 403) {
            "let everybody read that address, without a log-in and from everywhere; or answer 404, if there is to be no delegation"
        } else if status >= 500 {
            "mend what answers there: look at the proxy, and at the server behind it"
        } else {
            "serve the document there with status 200, to everybody; or 404, if there is to be no delegation"
        };
        (
            Code::WellKnownStatus,
            format!(
                "{url} answers {}{}, so that its delegation does not count",
                answer.in_words(),
                answer.who()
            ),
            remedy.into(),
        )
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
                AttemptError::Dns(error) => dns_remedy(error, host),
                AttemptError::Connect(_)
                | AttemptError::FamilyOff(_)
                | AttemptError::NoAddress(_)
                | AttemptError::TooManyAttempts { .. } => {
                    format!(
                        "start a web server on port 443 of {host} if there is to be one; only https counts"
                    )
                }
            },
        )
    }

    fn body(&self, url: &str, error: &BodyError) -> (Code, String, String) {
        let body = self.response.map(|it| &*it.body).unwrap_or_default();
        match error {
            BodyError::ServerName(cause) => server_name(url, body, cause),
            BodyError::Json { .. } if self.is_html(body) => {
                let well_known = self.notes.well_known.as_ref();
                let to = well_known.and_then(|it| it.redirects.last());
                let serve = format!("serve {} there", document(&[]));
                let remedy = match to {
                    None => {
                        format!("{serve}, before the rule of the web server that serves the page")
                    }
                    Some(to) if to.ends_with("/.well-known/matrix/server/") => {
                        format!(
                            "{serve}, as a file: it is a folder, to which the web server redirects"
                        )
                    }
                    Some(to) => {
                        let host = to.split('/').nth(2).unwrap_or(to);
                        format!(
                            "{serve}, before the rule of the web server that redirects to {host}"
                        )
                    }
                };
                (
                    Code::WellKnownHtml,
                    format!(
                        "{url} answers with a web page in place of the delegation{}",
                        self.who()
                    ),
                    remedy,
                )
            }
            BodyError::Json { line, column } => {
                let (mistake, advice) = mistake(body);
                let code = if mistake.contains("m.homeserver") {
                    Code::WellKnownWrongKey
                } else {
                    Code::WellKnownNotJson
                };
                let at = match mistake {
                    "" => format!(
                        "answers with something else than a JSON object with one m.server, at line {line} column {column}{}",
                        self.who()
                    ),
                    mistake => format!("answers with {mistake}"),
                };
                let advice = if advice.is_empty() {
                    format!("serve {} there", document(body))
                } else {
                    format!("{advice}, so that it is {}", document(body))
                };
                (code, format!("{url} {at}"), advice)
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

/// What people get wrong in a document that is no JSON object with one m.server, and what to do about it
fn mistake(body: &[u8]) -> (&'static str, &'static str) {
    let text = body.trim_ascii();
    let has = |part: &str| text.windows(part.len()).any(|it| it == part.as_bytes());
    let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body);
    let keys = object.as_ref().map(|it| it.keys());
    let is_like = |key: &String| key.trim_start_matches("m.").ends_with("server");
    if text.is_empty() {
        ("an empty document", "")
    } else if text.starts_with(b"\xef\xbb\xbf") {
        (
            "a document that begins with a byte order mark, which is no JSON",
            "save it as UTF-8 without a byte order mark (BOM)",
        )
    } else if has("\u{201c}") || has("\u{201d}") {
        (
            "a document with typographic quotes (\u{201c} \u{201d}), which is no JSON",
            "write plain quotes (\") in their place",
        )
    } else if text.starts_with(b"{'") || has("'m.server'") {
        (
            "a document with single quotes ('), which is no JSON",
            "write double quotes (\") in their place",
        )
    } else if text
        .strip_suffix(b"}")
        .is_some_and(|it| it.trim_ascii_end().ends_with(b","))
    {
        (
            "a document with a comma before its last brace, which is no JSON",
            "remove that comma",
        )
    } else if object
        .as_ref()
        .is_ok_and(|it| it.contains_key("m.homeserver"))
    {
        (
            "a document that has the key m.homeserver, which is that of /.well-known/matrix/client, and no m.server",
            "serve one with the key m.server there",
        )
    } else if keys.is_ok_and(|mut keys| keys.any(is_like)) && !has("\"m.server\"") {
        (
            "a JSON object without the key m.server, and with one that looks like it",
            "write that key as m.server",
        )
    } else {
        ("", "")
    }
}

/// The document that should be there: with the name that is there, if one can be made out
fn document(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.replace(['\u{201c}', '\u{201d}', '\''], "\"");
    let key = text
        .split_once("base_url\"")
        .or_else(|| text.split_once("server\""));
    let salvaged = key.and_then(|(_, rest)| {
        let (_, value) = rest.split_once(':')?.1.split_once('"')?;
        let value = value.split('"').next()?;
        // Of /.well-known/matrix/client, it is a URL
        let name = match value.strip_prefix("https://") {
            Some(host) => format!("{}:443", host.trim_end_matches('/')),
            None => value.into(),
        };
        ServerName::parse(&name).ok()
    });
    match salvaged {
        Some(name) => format!("{{\"m.server\": \"{name}\"}}"),
        None => "{\"m.server\": \"HOST:PORT\"}".into(),
    }
}

/// An m.server that is no server name
fn server_name(url: &str, body: &[u8], cause: &ServerNameError) -> (Code, String, String) {
    let value = m_server(body).unwrap_or_default();
    let plain: String = value.split_whitespace().collect();
    let spaced = (plain != value).then_some(&*plain);
    // Whoever writes a URL means its port, which is 443
    let is_url = value.starts_with("https://") || !value.contains("://") && value.contains('/');
    // The last group of what looks like an address is the port, where it is one that servers have
    let of_ipv6 = value.rsplit_once(':').and_then(|(address, port)| {
        let address: Ipv6Addr = address.parse().ok()?;
        matches!(port, "443" | "8448").then(|| format!("[{address}]:{port}"))
    });
    let name = spaced
        .and_then(|it| ServerName::parse(it).ok())
        .or_else(|| of_ipv6.and_then(|it| ServerName::parse(&it).ok()))
        .or_else(|| cause.suggestion.as_deref().cloned());
    let remedy = match name {
        _ if value.starts_with("_matrix") => {
            "write the host and the port that the SRV record names in its place, and not the name of the record".into()
        }
        Some(name) if is_url && name.port().is_none() => format!(
            "write \"m.server\": \"{name}:443\", the port of that URL; without a port it means an SRV record, or port 8448"
        ),
        Some(name) => format!("write \"m.server\": \"{name}\""),
        None => "write host or host:port there, such as matrix.example.org:443".into(),
    };
    let why = if spaced.is_some() {
        "there is a space in it".to_string()
    } else {
        // A sentence may go on behind it
        cause.kind.to_string().trim_end_matches(',').to_string()
    };
    (
        Code::WellKnownBadServerName,
        format!("m.server at {url} is \"{value}\", which is no server name: {why}"),
        remedy,
    )
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
