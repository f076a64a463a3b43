//! What an administrator should know of a search that has ended.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::case::Case;
use super::catalog::Code;
use super::dead::is_not_here;
use super::finding::{Finding, Level};
use super::target::{dns_in_words, dns_remedy};
use crate::answer::HttpAnswer;
use crate::edition::{Place, Route};
use crate::error::{Attempt, AttemptError, BodyError, ConnectError, Fault, WellKnownError};
use crate::found::{DiscoveryError, DiscoveryErrorKind, Found, Warning, WellKnown};
use crate::name::ServerName;

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
    let case = Case {
        name,
        notes,
        destination,
        response,
    };
    let mut findings = Vec::new();
    match outcome {
        Ok(found) => case.found(found, &mut findings),
        Err(error) => case.failed(error, &mut findings),
    }
    findings.extend(notes.warnings.iter().map(|warning| case.warning(warning)));
    // Where not even addresses can be looked up, that SRV records cannot says no more
    let is_of_dns = |error: &DiscoveryError| {
        matches!(
            &error.kind,
            DiscoveryErrorKind::Unreachable(AttemptError::Dns(_))
        )
    };
    if outcome.is_err_and(is_of_dns) {
        findings.retain(|it| it.code != Code::SrvUnanswered);
    }
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

impl Case<'_> {
    fn found(&self, found: &Found, findings: &mut Vec<Finding>) {
        let place = Place::Route(found.destination.route);
        let reached = found.connection.as_ref().map(|it| it.address);
        findings.extend(reached.and_then(|reached| self.dead(place, Some(reached))));
        if self.notes.well_known.as_ref().is_some_and(is_answered) {
            findings.extend(self.dead(Place::WellKnown, None));
        }
        if let Some(well_known) = &self.notes.well_known {
            match (&well_known.delegated, &well_known.error) {
                (Some(delegated), _) => self.delegated(delegated, well_known, findings),
                (None, Some(error)) if self.is_meant(error) => {
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

    /// Whether somebody wanted a delegation there: no web server, or none that knows of it, is no sign of that
    fn is_meant(&self, error: &WellKnownError) -> bool {
        match error {
            WellKnownError::Body(_)
            | WellKnownError::Fetch(_)
            | WellKnownError::Redirect { .. } => true,
            WellKnownError::Status(status) => !matches!(status, 404 | 410),
            // Within its time, every address of nobody's web server is tried: somebody has answered
            WellKnownError::TimedOut => true,
            WellKnownError::Unreachable { cause, .. } => {
                let is_answered = matches!(
                    cause,
                    AttemptError::Connect(ConnectError::Tls(_)) | AttemptError::AddressRefused(_)
                );
                // Nobody redirects elsewhere without a purpose
                cause.fault() != Fault::Ours && (is_answered || !self.redirects().is_empty())
            }
        }
    }

    /// How bad a .well-known is that gave no delegation, where the search has failed
    ///
    /// A delegation that was meant and cannot be read is the cause, whatever failed after it; but a server that was found
    /// all the same by SRV, or that speaks TLS on port 8448, has a fault of its own.
    fn level_of_broken(&self, broken: &WellKnownError, error: &DiscoveryError) -> Level {
        if !self.is_meant(broken) {
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
            let (why, host) = (dns_in_words(error), self.name.host());
            Some(Finding::new(
                Code::SrvUnanswered,
                Level::Error,
                format!("nobody could say whether there is an SRV record {owner} ({why}), so that port 8448 was tried, in vain"),
                format!("{}; if there is to be no SRV record, start the server on port 8448", dns_remedy(error, host)),
            ))
        })
    }

    fn attempt(&self, attempt: &Attempt) -> Finding {
        self.unreachable(&attempt.host, attempt.address, &attempt.error)
    }

    /// What did not work, though another address did
    fn dead(&self, place: Place, reached: Option<SocketAddr>) -> Option<Finding> {
        let dead = self.attempts(place);
        let dead = dead.filter_map(|attempt| Some((attempt, attempt.address?)));
        let dead: Vec<_> = dead.collect();
        let is_here = |(attempt, address): &&(&Attempt, SocketAddr)| {
            !is_not_here(*address, &attempt.error, reached)
        };
        // What this machine could not try tells less
        let (first, address) = dead.iter().find(is_here).or(dead.first())?;
        let candidates = self
            .destination
            .map(|it| &*it.candidates)
            .unwrap_or_default();
        let of_host = candidates.iter().find(|it| it.target == first.host);
        let is_same_host = reached.is_some_and(|reached| {
            of_host.is_some_and(|it| it.addresses.iter().any(|it| it.address == reached))
        });
        let mut others = dead.iter();
        let is_other = |address: &SocketAddr| {
            reached.is_some_and(|reached| address.is_ipv6() != reached.is_ipv6())
        };
        let is_family = is_same_host && others.all(|(_, other)| is_other(other));
        let mut finding =
            Finding::of_dead_address(&first.host, *address, &first.error, reached, is_family);
        let is_of_another = finding.code == Code::AddressDead && reached.is_some() && !is_same_host;
        if let Some(owner) = self.srv_owner().filter(|_| is_of_another) {
            finding.remedy = format!(
                "start the server there, if it is still in use; or delete the SRV record {owner} that names {}",
                first.host
            );
        }
        Some(finding.at(place))
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
            Warning::SrvUnanswered { error, .. } => (
                Code::SrvUnanswered,
                Level::Warning,
                format!(
                    "{}: some servers give up where that fails, and what it would say might lead elsewhere",
                    dns_remedy(error, self.name.host())
                ),
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

/// Whether the web server has answered, at one address or another
fn is_answered(well_known: &WellKnown) -> bool {
    well_known.redirects.is_empty() && well_known.status.is_some()
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

/// [`rank`] of a look-up that failed
const RANK_OF_DNS: u8 = 6;
