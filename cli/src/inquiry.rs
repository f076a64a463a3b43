//! One name: search, and for `check` ask the server for its version and its keys.

use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    Code, DiscoveryError, Explanation, Families, Finding, Found, Host, Instant, Level, Place,
    Recording, SearchGoal, ServerName, UtcTime,
};
use fedway_driver::dns::Dns;
use fedway_driver::{Connected, Explained, Io, Resolver, TlsStream};

use crate::beside;
use crate::everywhere::{self, Tried};
use crate::json::Foreign;
use crate::keys::{self, Keys};
use crate::probe;
use crate::tls::Session;
use crate::version::{self, VersionError};

/// What came of one name
pub(crate) struct Inquiry {
    pub(crate) result: Result<Arc<Found>, DiscoveryError>,
    /// What a connection was made with, once there was one
    pub(crate) session: Option<Session>,
    /// The server's answer; `None` where it was not asked
    pub(crate) version: Option<Result<Foreign, VersionError>>,
    pub(crate) keys: Option<Keys>,
    /// What should be known and changed, the cause of a failure first
    pub(crate) findings: Vec<Finding>,
    /// All that happened, where that was recorded
    pub(crate) recording: Option<Recording>,
    pub(crate) explanation: Option<Explanation>,
    /// Every address, where that was asked for
    pub(crate) tried: Option<Vec<Tried>>,
    pub(crate) elapsed: Duration,
    /// When that was, on the clock of what expires
    pub(crate) ended: Instant,
}

/// How a name is looked at: each more closely than the one before
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum How {
    /// With what is known, for many
    Shared,
    /// The same, recorded
    Recorded,
    /// Afresh, and recorded; where it fails, at what is there instead
    Afresh,
    /// Where it succeeds, too: what others may stumble over
    Closely,
    /// Every address to its end
    Everywhere,
}

/// Where requests for a name go
pub(crate) async fn resolve<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    how: How,
) -> Inquiry {
    let start = resolver.io().now();
    let mut inquiry = match how {
        How::Afresh | How::Closely | How::Everywhere | How::Recorded => {
            let explained = explain(resolver, name, SearchGoal::Resolve, how).await;
            Inquiry::new(explained.outcome.map(Arc::from), Some(explained.recording))
        }
        How::Shared => Inquiry::new(resolver.resolve(name).await, None),
    };
    inquiry.explain(name);
    inquiry.of_families(resolver.config().families);
    inquiry.end(resolver, start)
}

/// The same, connected to and asked for its version and its keys
pub(crate) async fn check<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    how: How,
) -> Inquiry {
    let start = resolver.io().now();
    let (outcome, recording, connected) = match how {
        How::Afresh | How::Closely | How::Everywhere | How::Recorded => {
            let explained = explain(resolver, name, SearchGoal::Connect, how).await;
            let outcome = explained.outcome.map(Arc::from);
            (outcome, Some(explained.recording), explained.connected)
        }
        How::Shared => match resolver.connect(name).await {
            Err(error) => (Err(error), None, None),
            Ok(connected) => (Ok(connected.found.clone().into()), None, Some(connected)),
        },
    };
    let mut inquiry = Inquiry::new(outcome, recording);
    inquiry.explain(name);
    inquiry.of_families(resolver.config().families);
    if let Some(mut connected) = connected {
        // A server that has accepted the connection gets as long for its answer as .well-known
        let deadline = resolver.io().now() + resolver.config().deadlines.well_known;
        let version = version::ask(resolver, &mut connected, deadline).await;
        inquiry
            .judge(resolver, name, &connected, &version, how)
            .await;
        inquiry.version = Some(version);
        let session = connected.stream.session().map(Session::new);
        #[cfg(feature = "transparency")]
        let session = session.map(|it| it.logged(connected.transparency.as_ref()));
        inquiry.session = session;
    }
    if how >= How::Afresh {
        inquiry.look_further(resolver, name, how).await;
    }
    if how == How::Everywhere {
        inquiry.look_everywhere(resolver, name).await;
    }
    inquiry.end(resolver, start)
}

/// A search that is recorded, afresh or with what is known
async fn explain<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    goal: SearchGoal,
    how: How,
) -> Explained<I, D> {
    if how >= How::Afresh {
        resolver.explain(name, goal).await
    } else {
        resolver.explain_shared(name, goal).await
    }
}

impl Inquiry {
    fn new(result: Result<Arc<Found>, DiscoveryError>, recording: Option<Recording>) -> Self {
        Self {
            result,
            session: None,
            version: None,
            keys: None,
            findings: Vec::new(),
            recording,
            explanation: None,
            tried: None,
            elapsed: Duration::ZERO,
            ended: Instant::ORIGIN,
        }
    }

    /// What came of a search that was recorded once
    pub(crate) fn recorded(
        result: Result<Arc<Found>, DiscoveryError>,
        recording: Recording,
        name: &ServerName,
    ) -> Self {
        let mut inquiry = Self::new(result, Some(recording));
        inquiry.explain(name);
        inquiry.elapsed = inquiry
            .explanation
            .as_ref()
            .map_or(Duration::ZERO, |it| it.elapsed);
        inquiry
    }

    /// Whether a connection was made
    pub(crate) fn has_connected(&self) -> bool {
        let found = self.result.as_ref();
        found.is_ok_and(|found| found.connection.is_some())
    }

    /// Whether nothing has to be changed before others can talk to the server
    pub(crate) fn is_ok(&self) -> bool {
        let is_told = !matches!(self.version, Some(Err(_)));
        self.result.is_ok() && is_told && self.findings.iter().all(|it| it.level != Level::Error)
    }

    /// Finds out why, from the recording if there is one
    fn explain(&mut self, name: &ServerName) {
        // It was recorded by this very build, which does the same again
        let explained = self.recording.as_ref().and_then(|it| it.explain().ok());
        self.findings = match (&explained, &self.result) {
            (Some(explanation), _) => explanation.findings.clone(),
            (None, Ok(found)) => found.findings(name),
            (None, Err(error)) => error.findings(name),
        };
        self.explanation = explained;
    }

    /// Where one family of addresses was not asked for, a name without an address may have one of the other
    fn of_families(&mut self, families: Families) {
        let codes = [Code::NoAddress, Code::DelegatedNameHasNoAddress];
        let has_no_address = |it: &&mut Finding| codes.contains(&it.code);
        if families != Families::Both {
            for finding in self.findings.iter_mut().filter(has_no_address) {
                finding.code = Code::FamilyOff;
                finding.seen += "; one family of addresses was not asked for";
                finding.remedy = "leave out --ipv4 or --ipv6".into();
            }
        }
    }

    /// What the connection shows, and how the server answered over it
    async fn judge<I: Io, D: Dns>(
        &mut self,
        resolver: &Resolver<I, D>,
        name: &ServerName,
        connected: &Connected<I, D>,
        version: &Result<Foreign, VersionError>,
        how: How,
    ) {
        let found = &connected.found;
        let at = found.connection.as_ref();
        let at = at.map_or_else(String::new, |it| it.address.to_string());
        if let Err(error) = version {
            let elsewhere = elsewhere(name, found, &at);
            let mut finding = error.finding(&at, connected.host_header(), &elsewhere);
            if how >= How::Afresh {
                let findings = &mut self.findings;
                beside::in_its_place(resolver, found, error, &mut finding, findings).await;
            }
            self.findings.insert(0, finding);
        }
        let shown = found.connection.as_ref().and_then(|it| it.shown.as_ref());
        if let Some((_, not_after)) = shown.and_then(|shown| shown.validity) {
            self.findings.extend(expiry(&at, not_after));
        }
    }

    /// Asks for the keys, and looks at what is beside a failure
    async fn look_further<I: Io, D: Dns>(
        &mut self,
        resolver: &Resolver<I, D>,
        name: &ServerName,
        how: How,
    ) {
        let is_answered = matches!(self.version, Some(Ok(_)));
        match &self.result {
            Err(error) => probe::failure(resolver, name, error, &mut self.findings).await,
            Ok(found) => {
                if how >= How::Closely || !is_answered {
                    beside::success(resolver, name, found, is_answered, &mut self.findings).await;
                }
                if is_answered {
                    let well_known = found.notes.well_known.as_ref();
                    let subject = well_known.and_then(|it| it.delegated.as_ref());
                    let subject = subject.unwrap_or(name);
                    let (keys, findings) = keys::fetch(resolver, name, subject).await;
                    self.keys = keys;
                    self.findings.extend(findings);
                }
            }
        }
        self.name_the_cause();
    }

    /// Where something else answers in the server's place, what made the search go past .well-known, or past SRV, is the
    /// cause: the rest comes of it
    fn name_the_cause(&mut self) {
        let is_another = |it: &Finding| it.code == Code::KeysOfAnotherName;
        let is_wrong = matches!(self.version, Some(Err(_))) || self.findings.iter().any(is_another);
        let is_past =
            |it: &Finding| it.place == Some(Place::WellKnown) || it.code == Code::SrvUnanswered;
        for finding in &mut self.findings {
            if is_wrong && is_past(finding) && finding.level == Level::Warning {
                finding.level = Level::Error;
            }
        }
        let rank = |it: &Finding| (it.level, is_wrong && !is_past(it));
        self.findings.sort_by_key(rank);
    }

    /// Tries every address
    async fn look_everywhere<I: Io, D: Dns>(
        &mut self,
        resolver: &Resolver<I, D>,
        name: &ServerName,
    ) {
        let (notes, destination) = match &self.result {
            Ok(found) => (&found.notes, Some(&found.destination)),
            Err(error) => (&*error.notes, error.destination.as_deref()),
        };
        let (tried, findings) = everywhere::try_all(resolver, name, notes, destination).await;
        // What the search has seen of addresses is among it
        let is_more = |it: &Finding| !matches!(it.code, Code::AddressDead | Code::FamilyDead);
        self.findings.retain(is_more);
        self.findings.extend(findings);
        self.findings.sort_by_key(|finding| finding.level);
        self.tried = Some(tried);
    }

    fn end<I: Io, D: Dns>(mut self, resolver: &Resolver<I, D>, start: Instant) -> Self {
        self.ended = resolver.io().now();
        self.elapsed = self.ended.saturating_since(start);
        self
    }
}

/// What to change where the homeserver is not where it was looked for
fn elsewhere(name: &ServerName, found: &Found, at: &str) -> String {
    let well_known = found.notes.well_known.as_ref();
    match well_known.and_then(|it| it.delegated.as_ref()) {
        Some(delegated) if delegated.host() == name.host() => {
            "if the homeserver has a name of its own, write that into m.server in .well-known"
                .into()
        }
        Some(delegated) => format!(
            "if the homeserver is not at {at}, correct m.server in .well-known, which says {delegated}, or the address of {} in DNS",
            delegated.host()
        ),
        None => match &found.destination.tls_name {
            Host::Dns(host) => {
                format!("if the homeserver is not at {at}, correct the address of {host} in DNS")
            }
            Host::Ip(_) => {
                format!("if the homeserver is not at {at}, ask for its own name or address")
            }
        },
    }
}

/// A certificate that has few days left
fn expiry(at: &str, not_after: u64) -> Option<Finding> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // Before 1970 nothing expires
    let left = not_after.checked_sub(now.ok()?.as_secs())?;
    let days = left / (24 * 60 * 60);
    let level = match days {
        0..7 => Level::Warning,
        7..21 => Level::Notice,
        _ => return None,
    };
    let until = UtcTime::from_unix(not_after);
    Some(Finding::new(
        Code::CertificateExpiresSoon,
        level,
        format!("the certificate at {at} has {days} days left, until {until}"),
        "renew it, and see to it that the renewal runs by itself",
    ))
}
