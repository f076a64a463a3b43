//! What is said of a .well-known.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::case::Case;
use super::catalog::Code;
use super::finding::{Finding, Level};
use super::target::dns_remedy;
use crate::answer::{FieldName, HttpAnswer};
use crate::edition::Place;
use crate::error::{
    AttemptError, CertificateError, Chain, ConnectError, FetchError, MalformedResponse,
    RedirectError, TlsError, WellKnownError,
};
use crate::found::WellKnown;
use crate::freshness::{self, Lifetimes};
use crate::name::{Host, ServerName};

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
                        "have the web server send it without compression, which nobody has asked for (nginx: gzip_static on, in place of always)".into()
                    }
                    FetchError::ConnectionLost => {
                        "serve the document as a plain file: it breaks off, as where a proxy or a module rewrites it and leaves its Content-Length, or where what is behind the proxy dies".into()
                    }
                    FetchError::Alert(_)
                    | FetchError::BodyTooLarge { .. }
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
                "serve the document from the web server itself, and not from something behind it that is down or slow (nginx: a location of its own, with return 200)".into(),
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
        } else {
            answer.remedy().unwrap_or("serve the document there with status 200, to everybody; or 404, if there is to be no delegation")
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

    /// A redirect that leads nowhere
    fn dead_redirect(&self, last: &str, cause: &AttemptError) -> (Code, String, String) {
        let host = self.name.host();
        let folder = if last.ends_with("/.well-known/matrix/server/") {
            " as a file, not a folder"
        } else {
            ""
        };
        (
            Code::WellKnownRedirect,
            format!(
                "https://{host}/.well-known/matrix/server redirects to {last}, where there is no answer ({})",
                Chain(cause)
            ),
            format!(
                "take that redirect away at the web server of {host}, and serve {{\"m.server\": \"HOST:PORT\"}} there{folder}"
            ),
        )
    }

    fn well_known_unreachable(
        &self,
        url: &str,
        host: &Host,
        cause: &AttemptError,
    ) -> (Code, String, String) {
        let is_of_certificate = matches!(
            cause,
            AttemptError::Connect(ConnectError::Tls(TlsError::Certificate(_)))
        );
        if let Some(last) = self.redirects().last()
            && !is_of_certificate
        {
            return self.dead_redirect(last, cause);
        }
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
}

fn redirect(url: &str, location: Option<&str>, cause: RedirectError) -> (Code, String, String) {
    let to = location.map(|it| format!(" to {it}")).unwrap_or_default();
    match cause {
        RedirectError::NotHttps => (
            Code::WellKnownRedirectToHttp,
            format!("{url} redirects{to}, which is not https, and so is never followed"),
            "redirect to an https:// address, or answer the request itself".into(),
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

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
