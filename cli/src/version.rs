//! What a server that was reached says of itself, or what answers in its place.

use fedway_core::{
    Chain, Code, FetchError, FieldName, Finding, HttpAnswer, Instant, Level, ServerName,
};
use fedway_driver::dns::Dns;
use fedway_driver::http::Response;
use fedway_driver::{Connected, Io, Resolver, before, printable};

use crate::json::Foreign;

/// Asks a server for its version, over a connection to it
pub(crate) async fn ask<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    connected: &mut Connected<I, D>,
    deadline: Instant,
) -> Result<Foreign, VersionError> {
    let get = connected.get(VERSION_PATH);
    let response = match before(resolver.io(), deadline, get).await {
        None | Some(Err(FetchError::TimedOut)) => return Err(VersionError::TimedOut),
        Some(Err(error)) => return Err(VersionError::Fetch(error)),
        Some(Ok(response)) => response,
    };
    read_version(Answered::new(response))
}

/// What a server says of itself, which is to be an object
pub(crate) fn read_version(answered: Answered) -> Result<Foreign, VersionError> {
    if answered.answer.status != 200 {
        return Err(VersionError::Status(answered));
    }
    match Foreign::parse(&answered.answer.body) {
        Ok(body) if body.is_object() => Ok(body),
        Ok(body) => Err(VersionError::NotAnObject(body)),
        Err(error) => Err(VersionError::NotJson(error, answered)),
    }
}

/// Why a server that was reached did not tell its version
#[derive(Debug)]
pub(crate) enum VersionError {
    Fetch(FetchError),
    NotAnObject(Foreign),
    NotJson(serde_json::Error, Answered),
    Status(Answered),
    TimedOut,
}

/// What answered in the homeserver's place
#[derive(Debug)]
pub(crate) struct Answered {
    answer: HttpAnswer,
    /// Whether it is a page for people
    is_html: bool,
    /// Whether it is JSON, as of a homeserver
    is_json: bool,
    /// Whether it is one that asks a browser to prove that it is one
    is_challenge: bool,
}

impl VersionError {
    /// Whether the server may answer later without anybody changing a configuration
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Fetch(error) => matches!(error, FetchError::ConnectionLost),
            Self::NotAnObject(_) | Self::NotJson(..) => false,
            // Too many requests, and what a proxy says of a server that is down (RFC 6585 §4, RFC 9110 §15.6)
            Self::Status(answered) => matches!(answered.answer.status, 429 | 500..),
            Self::TimedOut => true,
        }
    }

    /// Whether it is a homeserver that answered, which knows no such path
    pub(crate) fn is_unrecognized(&self) -> bool {
        matches!(self, Self::Status(answered) if answered.answer.says(UNRECOGNIZED))
    }

    /// What an administrator should know of it
    ///
    /// `elsewhere` is what to change where the homeserver is not at `at`.
    pub(crate) fn finding(&self, at: &str, host: &str, elsewhere: &str) -> Finding {
        // With a port, nobody's server name in a configuration matches
        let name = ServerName::parse(host).map_or_else(|_| host.into(), |it| it.host().to_string());
        let pass_on = format!(
            "have the proxy pass everything below /_matrix to the homeserver, for the name {name}"
        );
        let (code, seen, remedy) = match self {
            Self::Fetch(FetchError::Alert(116)) => (
                Code::TlsAlert,
                format!("{at} wants a certificate of its clients, which no other server has"),
                "turn off client certificates there: in nginx \"ssl_verify_client off\"".into(),
            ),
            Self::Fetch(FetchError::ConnectionLost) => (
                Code::VersionFailed,
                format!(
                    "{at} takes GET {VERSION_PATH}, and closes the connection without a whole answer"
                ),
                format!(
                    "{pass_on} (nginx closes so by \"return 444\", for names and paths that it does not know); and check that the homeserver runs"
                ),
            ),
            Self::Fetch(error) => (
                Code::VersionFailed,
                format!(
                    "{at} was reached, and its answer to GET {VERSION_PATH} cannot be read: {}",
                    Chain(error)
                ),
                "check that the homeserver runs, and what stands before it".into(),
            ),
            Self::TimedOut => (
                Code::VersionFailed,
                format!("{at} was reached, and does not answer GET {VERSION_PATH} in time"),
                "check that the homeserver runs and is not overloaded".into(),
            ),
            Self::NotAnObject(_) => (
                Code::VersionNotJson,
                format!("{at} answers GET {VERSION_PATH} with something else than a JSON object"),
                pass_on,
            ),
            Self::NotJson(_, answered) if answered.is_html => (
                Code::VersionNotJson,
                format!(
                    "{at} answers GET {VERSION_PATH} with a web page in place of JSON{}",
                    answered.answer.who()
                ),
                format!("{pass_on}; or, {elsewhere}"),
            ),
            Self::NotJson(_, answered) => (
                Code::VersionNotJson,
                format!(
                    "{at} answers GET {VERSION_PATH} with {}{}",
                    if answered.answer.body.is_empty() {
                        "nothing, where JSON should be"
                    } else {
                        "no JSON"
                    },
                    answered.answer.who()
                ),
                pass_on,
            ),
            Self::Status(answered) => answered.refusal(at, (host, &name), pass_on, elsewhere),
        };
        Finding::new(code, Level::Error, seen, remedy)
    }
}

impl Answered {
    fn new(response: Response) -> Self {
        let kind = response
            .header("content-type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let body = response.body.trim_ascii_start();
        Self {
            is_html: kind.starts_with(b"text/html") || body.starts_with(b"<"),
            is_json: kind.starts_with(b"application/json"),
            is_challenge: response.header("cf-mitigated").is_some(),
            answer: response.into(),
        }
    }

    /// Somebody who answers with this
    #[cfg(fuzzing)]
    pub(crate) fn of(answer: HttpAnswer) -> Self {
        Self {
            answer,
            is_html: false,
            is_json: false,
            is_challenge: false,
        }
    }

    fn refusal(
        &self,
        at: &str,
        (host, name): (&str, &str),
        pass_on: String,
        elsewhere: &str,
    ) -> (Code, String, String) {
        let (status, who) = (self.answer.status, self.answer.who());
        let what = format!(
            "{at} answers GET {VERSION_PATH} for the name {host} with {}{who}",
            self.answer.in_words()
        );
        match status {
            _ if self.is_challenge || self.answer.is_challenge() => (
                Code::VersionChallenge,
                format!("{what}, a challenge for browsers"),
                "turn it off for everything below /_matrix (in Cloudflare, a rule that skips it): servers cannot solve it".into(),
            ),
            404 if self.is_json => (
                Code::VersionUnknownPath,
                format!("{what}, in JSON: a homeserver's listener without federation answers so"),
                format!("add federation to that listener (Synapse: resources, names: [client, federation]), or have the proxy pass /_matrix/federation and /_matrix/key for {name} to the one that has it"),
            ),
            // Of the standard library of Go
            404 if self.answer.body.trim_ascii() == b"404 page not found" => (
                Code::VersionUnknownPath,
                format!("{what}: Traefik, or another program in Go, says so where it has no route for this name and path"),
                format!("start the homeserver's container, without which Traefik has no router for it, or correct its rule: Host(`{name}`) && PathPrefix(`/_matrix`), on the entry point of that port; or, {elsewhere}"),
            ),
            404 => (
                Code::VersionUnknownPath,
                format!("{what}: what listens there does not pass federation on to a homeserver"),
                format!("{pass_on}; or, {elsewhere}"),
            ),
            400 if self.answer.says("HTTP request was sent to HTTPS") => (
                Code::VersionStatus,
                format!("{what}: a proxy speaks HTTP without TLS with a port behind it that wants TLS"),
                "have the proxy pass requests on by https, or to the port of the homeserver without TLS (nginx: proxy_pass)".into(),
            ),
            400 if self.answer.says("certificate was sent") => (
                Code::VersionStatus,
                format!("{what}: it wants a certificate of its clients, which no other server has"),
                "turn off client certificates there: in nginx \"ssl_verify_client off\"".into(),
            ),
            400 => (
                Code::VersionStatus,
                what,
                "look at what listens there: nginx says so where it wants a certificate of its clients (ssl_verify_client), or got no TLS".into(),
            ),
            421 => (
                Code::VersionMisdirected,
                what,
                format!("configure {name} as a name of that server or proxy (Apache: ServerName or ServerAlias; nginx: server_name)"),
            ),
            500..=599 => (
                Code::VersionProxyDown,
                what,
                match status {
                    502..=504 => "start the homeserver (of Synapse with workers, the one for /_matrix/federation), or correct the address at which the proxy looks for it",
                    _ => self.answer.remedy().unwrap_or("look at the logs of the homeserver and of the proxy before it"),
                }
                .into(),
            ),
            429 => (
                Code::VersionStatus,
                what,
                "raise the rate limit of the proxy for everything below /_matrix, or remove it (nginx: limit_req)".into(),
            ),
            403 if self.is_json => (
                Code::VersionStatus,
                format!("{what}: the homeserver itself refuses"),
                "have the homeserver federate, in its configuration: with everybody, or with those on its list (Synapse: federation_domain_whitelist; others: allow_federation)".into(),
            ),
            401 | 403 => (
                Code::VersionStatus,
                what,
                "have the proxy or firewall let everybody through to /_matrix, without a log-in: other servers have none".into(),
            ),
            300..=399 => {
                let location = self.answer.values(FieldName::Location).next();
                let to = location.map(String::from_utf8_lossy).unwrap_or_default();
                let shown = printable(&to, MAX_SHOWN);
                let there = to.strip_prefix("https://").unwrap_or_default();
                let (its_host, path) = there.split_once('/').unwrap_or((there, ""));
                let is_itself = is_same(its_host, host) && format!("/{path}") == VERSION_PATH;
                let mut words = there.split(|it: char| !it.is_ascii_alphanumeric());
                let of_log_in = ["access", "auth", "login", "outpost", "signin", "sso"];
                let is_log_in = words.any(|word| of_log_in.iter().any(|it| word.ends_with(it)));
                let (how, remedy) = if is_itself {
                    (
                        "a redirect to itself: a proxy asks the server behind it without TLS, which redirects to https for ever",
                        "have the proxy ask the server behind it by https (at Cloudflare, SSL/TLS mode Full (strict)), or that server not redirect what the proxy asks".into(),
                    )
                } else if !is_same(its_host, host) && is_log_in {
                    (
                        "a redirect to a log-in, which other servers do not have",
                        format!("exempt everything below /_matrix on {name} from that log-in (Cloudflare Access: a Bypass policy; Authelia, Authentik: a bypass rule)"),
                    )
                } else {
                    ("a redirect, which no server follows here", pass_on)
                };
                (Code::VersionStatus, format!("{what}, {how} ({shown})"), remedy)
            }
            _ => (Code::VersionStatus, what, pass_on),
        }
    }
}

/// Whether two hosts are the same, with the port of https or without
fn is_same(host: &str, other: &str) -> bool {
    let bare = |it: &str| it.strip_suffix(":443").unwrap_or(it).to_ascii_lowercase();
    bare(host) == bare(other)
}

impl std::fmt::Display for VersionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GET {VERSION_PATH}: ")?;
        match self {
            Self::Fetch(error) => Chain(error).fmt(f),
            Self::NotAnObject(_) => f.write_str("answer is no JSON object"),
            Self::NotJson(error, _) => write!(f, "answer is no JSON: {error}"),
            Self::Status(answered) => write!(f, "status {}", answered.answer.status),
            Self::TimedOut => f.write_str("no answer in time"),
        }
    }
}

/// Server-server API, "Retrieving server version"
pub(crate) const VERSION_PATH: &str = "/_matrix/federation/v1/version";
/// What a homeserver says to a path that it does not know
pub(crate) const UNRECOGNIZED: &str = "M_UNRECOGNIZED";
/// A URL in a sentence
const MAX_SHOWN: usize = 120;
