//! The JSON object of one name (DESIGN §11): the same keys always, in the same order.

use std::error::Error;
use std::iter;
use std::mem;

use fedway_core::{
    AddressRefusal, Attempt, Candidate, Code, Destination, DiscoveryError, Edition, Explanation,
    Fault, Finding, Found, Instant, Level, Notes, ServerNameError, Verdict, WellKnown,
};
use serde::{Serialize, Serializer};

use crate::everywhere::Tried;
use crate::inquiry::Inquiry;
use crate::json::Foreign;
use crate::keys::Keys;
use crate::tls::{Session, Tls};
use crate::version::VersionError;

/// What is said about one name
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    server_name: String,
    edition: &'static str,
    pub(crate) ok: bool,
    pub(crate) step: Option<&'static str>,
    pub(crate) host_header: Option<String>,
    pub(crate) tls_name: Option<String>,
    sni: Option<String>,
    pub(crate) tls: Option<Tls>,
    pub(crate) candidates: Vec<CandidateReport>,
    pub(crate) connected: Option<String>,
    pub(crate) well_known: Option<WellKnownReport>,
    pub(crate) provisional: bool,
    expires_in_s: Option<u64>,
    pub(crate) version: Option<Foreign>,
    pub(crate) keys: Option<Keys>,
    pub(crate) findings: Vec<FindingReport>,
    pub(crate) error: Option<ErrorReport>,
    elapsed_ms: u64,
    /// With `--all` alone
    #[serde(rename = "all", skip_serializing_if = "Option::is_none")]
    pub(crate) tried: Option<Vec<Tried>>,
    /// With `--explain` alone
    #[serde(
        rename = "path",
        skip_serializing_if = "Option::is_none",
        serialize_with = "steps_of"
    )]
    pub(crate) explanation: Option<Explanation>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FindingReport {
    pub(crate) code: Code,
    pub(crate) level: Level,
    /// The number of the step that it was seen at
    pub(crate) step: Option<&'static str>,
    pub(crate) seen: String,
    pub(crate) change: String,
    /// The sentence of the specification, or the RFC, that it rests on
    pub(crate) source: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct CandidateReport {
    pub(crate) target: String,
    pub(crate) priority: Option<u16>,
    pub(crate) weight: Option<u16>,
    pub(crate) addresses: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct WellKnownReport {
    pub(crate) status: Option<u16>,
    pub(crate) m_server: Option<String>,
    pub(crate) redirects: Vec<String>,
    expires_in_s: Option<u64>,
    pub(crate) error: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ErrorReport {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) temporary: bool,
    fault: Fault,
    pub(crate) attempts: Vec<AttemptReport>,
}

#[derive(Debug, Serialize)]
pub(crate) struct AttemptReport {
    pub(crate) step: &'static str,
    pub(crate) host: String,
    pub(crate) address: Option<String>,
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

impl Report {
    /// A text that is no server name
    pub(crate) fn invalid(text: &str, edition: Edition, error: ServerNameError) -> Self {
        let error = ErrorReport {
            kind: "invalid_server_name",
            message: error.to_string(),
            temporary: false,
            fault: Fault::Caller,
            attempts: Vec::new(),
        };
        Self {
            error: Some(error),
            ..Self::empty(text, edition)
        }
    }

    pub(crate) fn new(name: &str, edition: Edition, inquiry: Inquiry) -> Self {
        let mut report = Self::empty(name, edition);
        // Milliseconds of a search fit
        report.elapsed_ms = u64::try_from(inquiry.elapsed.as_millis()).unwrap_or(u64::MAX);
        let is_ok = inquiry.is_ok();
        report.keys = inquiry.keys;
        report.tried = inquiry.tried;
        let findings: Vec<_> = inquiry.findings.into_iter().map(finding_in_flags).collect();
        let reported = findings.iter().map(|it| FindingReport::new(it, edition));
        report.findings = reported.collect();
        report.explanation = inquiry.explanation.map(|mut explanation| {
            explanation.findings = findings;
            explained_in_flags(explanation)
        });
        match inquiry.result {
            Ok(found) => report.fill_found(&found, inquiry.session, inquiry.ended),
            Err(error) => report.fill_error(error, inquiry.ended),
        }
        match inquiry.version {
            None => {}
            Some(Ok(version)) => report.version = Some(version),
            Some(Err(error)) => {
                report.error = Some(ErrorReport {
                    kind: "version",
                    message: error.to_string(),
                    temporary: error.is_temporary(),
                    fault: Fault::Peer,
                    attempts: Vec::new(),
                });
                if let VersionError::NotAnObject(json) = error {
                    report.version = Some(json);
                }
            }
        }
        report.ok = is_ok;
        let mut errors = report.findings.iter().filter(|it| it.level == Level::Error);
        let is_ours = errors.next().is_some_and(|it| it.code == Code::OurFailure);
        let is_said = |it: &&mut ErrorReport| is_ours && it.fault == Fault::Peer;
        if let Some(error) = report.error.as_mut().filter(is_said) {
            error.fault = Fault::Ours;
        }
        if !is_ok && report.error.is_none() {
            let findings = &mut report.findings.iter();
            let error = findings.find(|finding| finding.level == Level::Error);
            report.error = error.map(ErrorReport::of_finding);
        }
        report
    }

    fn empty(name: &str, edition: Edition) -> Self {
        Self {
            server_name: name.into(),
            edition: edition.name(),
            ok: false,
            step: None,
            host_header: None,
            tls_name: None,
            sni: None,
            tls: None,
            candidates: Vec::new(),
            connected: None,
            well_known: None,
            provisional: false,
            expires_in_s: None,
            version: None,
            keys: None,
            findings: Vec::new(),
            error: None,
            elapsed_ms: 0,
            tried: None,
            explanation: None,
        }
    }

    fn fill_found(&mut self, found: &Found, session: Option<Session>, now: Instant) {
        self.fill_destination(&found.destination);
        self.fill_notes(&found.notes, now);
        self.expires_in_s = found.expires.map(|expires| seconds_to(expires, now));
        match &found.connection {
            Some(connection) => {
                self.connected = Some(connection.address.to_string());
                self.tls = Some(Tls::new(&connection.verdict, session.unwrap_or_default()));
            }
            // Nothing was verified; what was not on the way here, or will not be, is said
            None => {
                let candidates = found.destination.candidates.iter();
                let ahead = candidates.flat_map(|candidate| &candidate.addresses);
                let mut verdicts = iter::once(&found.verdict).chain(ahead.map(|to| &to.verdict));
                let skipped = verdicts.find(|verdict| **verdict != Verdict::Verify);
                self.tls = skipped.map(|verdict| Tls::new(verdict, Session::default()));
            }
        }
    }

    fn fill_error(&mut self, error: DiscoveryError, now: Instant) {
        if let Some(destination) = &error.destination {
            self.fill_destination(destination);
        }
        self.step = Some(error.step());
        self.fill_notes(&error.notes, now);
        self.error = Some(ErrorReport {
            kind: error.kind.name(),
            message: message(&error),
            temporary: error.is_temporary(),
            fault: error.fault(),
            attempts: error
                .notes
                .attempts
                .iter()
                .map(|attempt| AttemptReport::new(attempt, error.edition))
                .collect(),
        });
    }

    fn fill_destination(&mut self, destination: &Destination) {
        self.step = Some(destination.step());
        self.host_header = Some(destination.host_header.clone());
        self.tls_name = Some(destination.tls_name.to_string());
        self.sni = destination.sni().map(ToString::to_string);
        self.candidates = destination
            .candidates
            .iter()
            .map(CandidateReport::from)
            .collect();
    }

    fn fill_notes(&mut self, notes: &Notes, now: Instant) {
        self.provisional = notes.provisional;
        let well_known = notes.well_known.as_ref();
        self.well_known = well_known.map(|well_known| WellKnownReport::new(well_known, now));
    }
}

impl FindingReport {
    fn new(finding: &Finding, edition: Edition) -> Self {
        Self {
            code: finding.code,
            level: finding.level,
            step: finding.place.map(|place| place.number(edition)),
            seen: finding.seen.clone(),
            change: finding.remedy.clone(),
            source: finding.code.source(),
        }
    }
}

fn finding_in_flags(mut finding: Finding) -> Finding {
    finding.seen = in_flags(finding.seen);
    finding.remedy = in_flags(finding.remedy);
    finding
}

/// What the core says of its own settings, in the terms of the command line
fn in_flags(text: String) -> String {
    text.replace("Config::addresses.deny denies", "--deny-net denies")
        .replace(
            "Config::addresses.allow would admit it",
            "--allow-net would admit it",
        )
}

fn explained_in_flags(mut explanation: Explanation) -> Explanation {
    for step in &mut explanation.steps {
        step.reason = in_flags(mem::take(&mut step.reason));
        for exchange in &mut step.asked {
            exchange.answer = in_flags(mem::take(&mut exchange.answer));
        }
    }
    explanation
}

impl From<&Candidate> for CandidateReport {
    fn from(candidate: &Candidate) -> Self {
        let addresses = candidate
            .addresses
            .iter()
            .map(|each| each.address.to_string());
        Self {
            target: candidate.target.to_string(),
            priority: candidate.srv.map(|(priority, _)| priority),
            weight: candidate.srv.map(|(_, weight)| weight),
            addresses: addresses.collect(),
        }
    }
}

impl WellKnownReport {
    fn new(well_known: &WellKnown, now: Instant) -> Self {
        Self {
            status: well_known.status,
            m_server: well_known.delegated.as_ref().map(ToString::to_string),
            redirects: well_known.redirects.clone(),
            expires_in_s: well_known.expires.map(|expires| seconds_to(expires, now)),
            error: well_known.error.as_ref().map(|error| chain(error)),
        }
    }
}

impl ErrorReport {
    /// Of a server that was found and answers, and is wrong all the same
    fn of_finding(finding: &FindingReport) -> Self {
        Self {
            kind: finding.code.name(),
            message: finding.seen.clone(),
            temporary: false,
            fault: Fault::Peer,
            attempts: Vec::new(),
        }
    }
}

impl AttemptReport {
    fn new(attempt: &Attempt, edition: Edition) -> Self {
        Self {
            step: attempt.place.number(edition),
            host: attempt.host.to_string(),
            address: attempt.address.map(|address| address.to_string()),
            kind: attempt.error.name(),
            message: chain(&attempt.error),
        }
    }
}

/// Of an explanation, what else the object does not have
fn steps_of<S: Serializer>(
    explanation: &Option<Explanation>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let steps = explanation.as_ref().map(|explanation| &explanation.steps);
    steps.serialize(serializer)
}

/// Whole seconds, of which a begun one does not count
fn seconds_to(expires: Instant, now: Instant) -> u64 {
    expires.saturating_since(now).as_secs()
}

/// What went wrong on one line: the cause, and every attempt of the last step where there were several
fn message(error: &DiscoveryError) -> String {
    let mut message = chain(&error.kind);
    let last: Vec<_> = error
        .notes
        .attempts
        .iter()
        .filter(|attempt| attempt.place == error.place)
        .collect();
    let tried = last
        .iter()
        .map(|attempt| format!("{} ({})", attempt.tried(), chain(&attempt.error)));
    let mut tried: Vec<_> = tried.collect();
    // Both families of a host mostly fail alike
    tried.dedup();
    // Of one, the cause has said it all
    if tried.len() > 1 {
        message += "; tried ";
        message += &tried.join(", ");
    }
    message
}

/// An error and its sources on one line, in the terms of the command line
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        texts.push(match cause.downcast_ref() {
            Some(AddressRefusal::Denied(net)) => {
                format!("in the network {net}, which --deny-net denies")
            }
            Some(AddressRefusal::SpecialPurpose(net)) => {
                format!("in the special-purpose network {net}; --allow-net would admit it")
            }
            // Either no refusal, or one that this build does not know: the enum is open
            Some(_) | None => cause.to_string(),
        });
        next = cause.source();
    }
    texts.join(": ")
}
