//! Why a search ended where it did: a fold over its replay.
//!
//! After each entry of the recording the place of the search is looked at; the entry at which it has changed is the reason.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Serialize, Serializer};

use super::recording::{Entry, Recording, Request, Said, SearchGoal};
use super::replay::Diverged;
use super::words::{describe, how, title};
use crate::action::{ActionId, Reply};
use crate::address::Family;
use crate::answer::{Answer, FactKind, HttpAnswer};
use crate::discovery::Question;
use crate::edition::{Edition, Order, Place, Route};
use crate::error::Chain;
use crate::findings::{Finding, Level, judge};
use crate::found::{Candidate, Destination, Notes};
use crate::name::{DnsName, Host, ServerName};
use crate::time::Instant;

/// Why a search ended where it did: every step of the specification, what was asked for it, and what should be changed
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The name that was searched for
    pub server_name: ServerName,
    /// The edition that was followed
    pub edition: Edition,
    /// What the search was for
    pub goal: SearchGoal,
    /// Whether the server was found
    pub is_found: bool,
    /// Where requests go, as `host:port`, as far as the search came
    pub reaches: Option<String>,
    /// Every step of the edition, in its order
    pub steps: Vec<StepTaken>,
    /// What should be known and changed: the cause of a failure first
    pub findings: Vec<Finding>,
    /// How long the search took
    #[serde(rename = "elapsed_ms", serialize_with = "in_ms")]
    pub elapsed: Duration,
}

/// A step of the specification, in a search
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StepTaken {
    /// The step
    pub place: Place,
    /// Its number in the edition
    pub number: &'static str,
    /// What the step is about
    pub title: String,
    /// What became of it
    pub fate: Fate,
    /// Why, in words
    pub reason: String,
    /// What was asked for it, in order
    pub asked: Vec<Exchange>,
}

/// What became of a step
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It led on, or to the end, and there it failed
    Failed,
    /// It does not apply, and the search went on to the next
    Left,
    /// The search did not come to it
    NotReached,
    /// It led on, or to the server
    Taken,
}

/// Something that was asked of the network
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Exchange {
    /// What, such as `A example.org`
    pub what: String,
    /// What came back, in words
    pub answer: String,
    /// Whether that is a failure; that there is no such record is none
    pub is_failure: bool,
    /// When it was asked, from the beginning of the search
    #[serde(rename = "from_ms", serialize_with = "in_ms")]
    pub from: Duration,
    /// When the answer came, or it was given up
    #[serde(rename = "until_ms", serialize_with = "in_ms")]
    pub until: Duration,
    /// What the answer was good for
    pub use_made: Use,
}

/// What an answer was good for
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// It was asked ahead of its step, and used there
    Ahead,
    /// It was given up, since another was faster or time was over
    GivenUp,
    /// It was asked ahead, and not needed
    InVain,
    /// It was asked at its step
    Needed,
}

impl Explanation {
    /// One sentence that says it all, and whether something should be changed
    #[must_use]
    pub fn headline(&self) -> String {
        let name = &self.server_name;
        let mut errors = self.findings.iter();
        let cause = errors.find(|it| it.level == Level::Error);
        // What keeps this machine from seeing the server says nothing of it
        let mut of_ours = self.findings.iter().filter(|_| !self.is_found);
        let of_ours = of_ours.find(|it| it.code.is_of_this_machine());
        if let Some(cause) = cause.or(of_ours) {
            let Finding { seen, remedy, .. } = cause;
            return if cause.code.is_of_this_machine() {
                format!("Nothing can be said of {name} from here: {seen}; {remedy}.")
            } else {
                format!(
                    "Other servers cannot talk to {name}, because {seen}; change this: {remedy}."
                )
            };
        }
        let mut taken = self.steps.iter().rev();
        let step = taken.find(|step| step.fate == Fate::Taken);
        let (true, Some(step), Some(reaches)) = (self.is_found, step, &self.reaches) else {
            return format!("{name} was not found, and the search did not come to an end.");
        };
        let is_good = self.findings.iter().all(|it| it.level == Level::Notice);
        let rest = if is_good {
            "Nothing has to be changed."
        } else {
            "What should be changed is below."
        };
        let mut warnings = self.findings.iter().filter(|it| it.level == Level::Warning);
        let is_broken = warnings.any(|it| it.place == Some(Place::WellKnown));
        let how = if is_broken && step.place == Place::Route(Route::Fallback) {
            "since its .well-known cannot be used"
        } else {
            how(step.place)
        };
        let number = step.number;
        let what = match self.goal {
            SearchGoal::Connect => format!("Other servers reach {name} at {reaches}"),
            SearchGoal::Resolve => format!("Requests for {name} go to {reaches}"),
        };
        format!("{what}, {how} (step {number}). {rest}")
    }
}

/// Milliseconds, to the microsecond
fn in_ms<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // A search takes no weeks
    serializer.serialize_f64(time.as_micros() as f64 / 1_000.0)
}

impl Recording {
    /// Why the search ended where it did
    ///
    /// # Errors
    ///
    /// If this version decides otherwise than the one that recorded, and at which entry.
    pub fn explain(&self) -> Result<Explanation, Diverged> {
        let mut fold = Fold::new(self);
        let mut used = Vec::new();
        self.rerun(|index, now, search| {
            fold.look(index, now, search.place());
            if let Some(Entry::Polled(Said::Done)) = self.entries.get(index) {
                used = search.used().map(|it| (it.kind, it.name.clone())).collect();
            }
        })?;
        let is_used = |question: &Question<'_>| {
            used.iter()
                .any(|(kind, name)| (*kind, name) == (question.kind, question.name))
        };
        Ok(fold.end(is_used))
    }

    /// What was noticed, as far as the search came to an end
    fn notes(&self) -> Option<&Notes> {
        match self.outcome.as_ref()? {
            Ok(found) => Some(&found.notes),
            Err(error) => Some(&error.notes),
        }
    }

    /// The target that was connected to, or the first
    fn reaches(&self) -> Option<String> {
        let connected = match self.outcome.as_ref()? {
            Ok(found) => found.connection.as_ref().map(|it| it.address),
            Err(_) => None,
        };
        let mut candidates = self.destination()?.candidates.iter();
        let is_it = |candidate: &&Candidate| {
            let mut addresses = candidate.addresses.iter();
            connected.is_none_or(|address| addresses.any(|it| it.address == address))
        };
        candidates.find(is_it).map(target)
    }

    fn destination(&self) -> Option<&Destination> {
        match self.outcome.as_ref()? {
            Ok(found) => Some(&found.destination),
            Err(error) => error.destination.as_deref(),
        }
    }
}

/// What is gathered entry by entry
struct Fold<'a> {
    recording: &'a Recording,
    /// The places that the search was at, in order
    visited: Vec<Place>,
    open: Vec<Open<'a>>,
    closed: Vec<(Open<'a>, Duration, End<'a>)>,
    last: Instant,
    /// The last response of .well-known
    response: Option<&'a HttpAnswer>,
    /// Whether time has passed last, and nothing came
    is_late: bool,
}

/// How a question ended
#[derive(Clone, Copy)]
enum End<'a> {
    GivenUp,
    Reply(&'a Reply),
    TimedOut,
}

/// Something that was asked and is not answered yet
#[derive(Clone, Copy)]
struct Open<'a> {
    id: ActionId,
    request: &'a Request,
    from: Duration,
    /// Where the search was
    place: Option<Place>,
}

impl<'a> Fold<'a> {
    fn new(recording: &'a Recording) -> Self {
        Self {
            recording,
            visited: Vec::new(),
            open: Vec::new(),
            closed: Vec::new(),
            last: recording.begun,
            response: None,
            is_late: false,
        }
    }

    fn look(&mut self, index: usize, now: Instant, place: Option<Place>) {
        let since = now.saturating_since(self.recording.begun);
        self.last = now;
        if let Some(place) = place
            && !self.visited.contains(&place)
        {
            self.visited.push(place);
        }
        match self.recording.entries.get(index) {
            Some(Entry::Polled(Said::Act { id, request })) => self.open.push(Open {
                id: *id,
                request,
                from: since,
                place,
            }),
            Some(Entry::Polled(Said::Cancel(id))) => {
                let end = if self.is_late {
                    End::TimedOut
                } else {
                    End::GivenUp
                };
                self.close(*id, since, end);
            }
            Some(Entry::TimedOut { .. }) => self.is_late = true,
            Some(Entry::Handled { event, .. }) => {
                self.is_late = false;
                if let Reply::Fetched(Ok(response)) = &event.reply {
                    self.response = Some(response);
                }
                self.close(event.id, since, End::Reply(&event.reply));
            }
            Some(Entry::Polled(Said::Done | Said::Wait(_))) | None => {}
        }
    }

    fn close(&mut self, id: ActionId, until: Duration, end: End<'a>) {
        if let Some(index) = self.open.iter().position(|open| open.id == id) {
            self.closed.push((self.open.remove(index), until, end));
        }
    }

    fn end(mut self, is_used: impl Fn(&Question<'_>) -> bool) -> Explanation {
        let elapsed = self.last.saturating_since(self.recording.begun);
        for open in core::mem::take(&mut self.open) {
            self.closed.push((open, elapsed, End::GivenUp));
        }
        self.closed.sort_by_key(|(open, ..)| open.from);
        let edition = self.recording.edition();
        let mut steps: Vec<_> = places(edition)
            .into_iter()
            .map(|place| self.step(place))
            .collect();
        for (open, until, end) in &self.closed {
            let place = self.belongs(open);
            let asked = self.asked(open, *until, *end, place, &is_used);
            let of = steps.iter_mut().find(|step| step.place == place);
            if let Some(step) = of {
                step.asked.push(asked);
            }
        }
        let outcome = self.recording.outcome.as_ref();
        let name = &self.recording.name;
        Explanation {
            server_name: name.clone(),
            edition,
            goal: self.recording.goal,
            is_found: matches!(outcome, Some(Ok(_))),
            reaches: self.recording.reaches(),
            steps,
            findings: outcome.map_or_else(Vec::new, |outcome| {
                judge(name, outcome.as_ref().map(|found| &**found), self.response)
            }),
            elapsed,
        }
    }

    /// The step that something was asked for
    fn belongs(&self, open: &Open<'_>) -> Place {
        let at = open.place.unwrap_or(Place::WellKnown);
        match open.request {
            Request::Connect { .. } | Request::Fetch { .. } => at,
            Request::QuerySrv { name } => self.service(name).unwrap_or(at),
            Request::LookUp { host, .. } => {
                let own = self.recording.name.host().dns_name();
                let is_web = at == Place::WellKnown
                    && (own == Some(host) || self.is_redirect_to(host.as_str()));
                let destination = self.recording.destination();
                let is_target = destination.is_some_and(|destination| {
                    let mut targets = destination.candidates.iter().map(|it| &it.target);
                    targets.any(|target| target.dns_name() == Some(host))
                });
                match destination {
                    Some(destination) if !is_web && is_target => Place::Route(destination.route),
                    Some(_) | None => at,
                }
            }
        }
    }

    fn is_redirect_to(&self, host: &str) -> bool {
        let well_known = self
            .recording
            .notes()
            .and_then(|notes| notes.well_known.as_ref());
        well_known.is_some_and(|it| it.redirects.iter().any(|url| url.contains(host)))
    }

    /// The step that asks for the records of an owner
    fn service(&self, owner: &DnsName) -> Option<Place> {
        let (delegated, rules) = (self.delegated(), self.recording.edition().rules());
        let of = |name: &ServerName, route: fn(u8) -> Route| {
            let host = name.host().dns_name()?;
            let mut labels = rules.services.iter().map(|service| service.label);
            let index = labels.position(|label| host.below(label) == *owner)?;
            Some(Place::Route(route(index as u8)))
        };
        let visited = |place: &Place| self.visited.contains(place);
        let own = of(&self.recording.name, Route::Srv);
        let theirs = delegated.and_then(|name| of(name, Route::DelegatedSrv));
        theirs
            .filter(visited)
            .or(own.filter(visited))
            .or(theirs)
            .or(own)
    }

    fn delegated(&self) -> Option<&ServerName> {
        let well_known = self.recording.notes()?.well_known.as_ref()?;
        well_known.delegated.as_ref()
    }

    fn asked(
        &self,
        open: &Open<'_>,
        until: Duration,
        end: End<'_>,
        place: Place,
        is_used: impl Fn(&Question<'_>) -> bool,
    ) -> Exchange {
        let question = match open.request {
            Request::LookUp { host, family } => Some(Question {
                kind: match family {
                    Family::V4 => FactKind::A,
                    Family::V6 => FactKind::Aaaa,
                },
                name: host,
            }),
            Request::QuerySrv { name } => Some(Question {
                kind: FactKind::Srv,
                name,
            }),
            Request::Connect { .. } | Request::Fetch { .. } => None,
        };
        let is_ahead = open.place != Some(place);
        let use_made = match (end, question) {
            (End::GivenUp | End::TimedOut, _) => Use::GivenUp,
            (End::Reply(_), Some(question)) if !is_used(&question) => Use::InVain,
            (End::Reply(_), _) if is_ahead => Use::Ahead,
            (End::Reply(_), _) => Use::Needed,
        };
        let (answer, is_failure) = match end {
            End::GivenUp => ("given up".into(), false),
            End::Reply(reply) => describe(reply, open.request),
            End::TimedOut => ("no answer in time".into(), true),
        };
        Exchange {
            what: open.request.to_string(),
            answer,
            is_failure,
            from: open.from,
            until,
            use_made,
        }
    }

    /// What became of a step
    fn step(&self, place: Place) -> StepTaken {
        let recording = self.recording;
        let edition = recording.edition();
        let (fate, reason) = self.fate(place);
        StepTaken {
            place,
            number: place.number(edition),
            title: title(place, edition),
            fate,
            reason,
            asked: Vec::new(),
        }
    }

    fn fate(&self, place: Place) -> (Fate, String) {
        let recording = self.recording;
        let outcome = recording.outcome.as_ref();
        let last = match outcome {
            Some(Ok(found)) => Some((Place::Route(found.destination.route), None)),
            Some(Err(error)) => Some((error.place, Some(error))),
            None => None,
        };
        if let Some((at, error)) = last
            && at == place
        {
            let leads = self.leads(place);
            return match error {
                None => (Fate::Taken, leads),
                Some(error) => (Fate::Failed, format!("{leads}: {}", Chain(&error.kind))),
            };
        }
        let Place::Route(route) = place else {
            return self.well_known_fate();
        };
        let places = places(recording.edition());
        let index = |it| places.iter().position(|place| *place == it);
        let is_over = last.is_some_and(|(at, _)| index(at) < index(place));
        let not_reached = |why: &str| (Fate::NotReached, why.into());
        let left = |why: &str| (Fate::Left, why.into());
        match route {
            Route::Literal => left("it is a name, not an address"),
            _ if is_of_delegation(place) && self.delegated().is_none() => {
                not_reached("nobody is delegated to")
            }
            _ if is_over => not_reached("not needed"),
            _ if last.is_none() && !self.visited.contains(&place) => {
                not_reached("the search was given up before")
            }
            Route::ExplicitPort => left("the name has no port"),
            Route::DelegatedLiteral => left("m.server is a name, not an address"),
            Route::DelegatedPort => left(
                "m.server names no port, so SRV records are asked for, and then port 8448 is used",
            ),
            Route::Srv(_) | Route::DelegatedSrv(_) => (Fate::Left, self.without_srv(place)),
            Route::DelegatedFallback | Route::Fallback => not_reached("not needed"),
        }
    }

    fn well_known_fate(&self) -> (Fate, String) {
        let well_known = self
            .recording
            .notes()
            .and_then(|notes| notes.well_known.as_ref());
        let Some(well_known) = well_known else {
            let has_begun = self.visited.contains(&Place::WellKnown);
            return (
                Fate::NotReached,
                if has_begun {
                    "not finished"
                } else {
                    "not needed"
                }
                .into(),
            );
        };
        match (&well_known.delegated, &well_known.error) {
            (Some(name), _) => (Fate::Taken, format!("delegates to {name}")),
            (None, Some(error)) => (Fate::Left, format!("no delegation: {}", Chain(error))),
            (None, None) => (Fate::Left, "not finished".into()),
        }
    }

    /// Why the records of a service did not lead on
    fn without_srv(&self, place: Place) -> String {
        let answers = self.closed.iter().filter(|(open, ..)| {
            matches!(open.request, Request::QuerySrv { .. }) && self.belongs(open) == place
        });
        let mut words = answers.map(|(.., end)| match end {
            End::GivenUp => "not used".into(),
            End::TimedOut => "taken for absent, since nobody answered in time".into(),
            End::Reply(reply) => match reply {
                Reply::Srv(Ok(Answer::Absent { .. })) => "no such record, which is no error".into(),
                Reply::Srv(Err(error)) => {
                    format!("taken for absent, since nobody could say: {error}")
                }
                Reply::Srv(Ok(Answer::Found { .. }))
                | Reply::Addresses(_)
                | Reply::Connected(_)
                | Reply::Fetched(_) => "not used".into(),
            },
        });
        words
            .next_back()
            .unwrap_or_else(|| "no such record, which is no error".into())
    }

    /// Where the last step leads
    fn leads(&self, place: Place) -> String {
        if place == Place::WellKnown {
            return "asked".into();
        }
        let reaches = self.recording.reaches();
        let is_default = matches!(
            place,
            Place::Route(Route::Fallback | Route::DelegatedFallback)
        );
        match reaches {
            Some(reaches) if is_default => {
                format!("leads to {reaches}, the port where nobody has named another")
            }
            Some(reaches) => format!("leads to {reaches}"),
            None => "leads nowhere".into(),
        }
    }
}

/// A target, as `host:port`
fn target(candidate: &Candidate) -> String {
    match &candidate.target {
        Host::Ip(ip) if ip.is_ipv6() => format!("[{ip}]:{}", candidate.port),
        Host::Ip(_) | Host::Dns(_) => format!("{}:{}", candidate.target, candidate.port),
    }
}

/// Every step of an edition, in its order
fn places(edition: Edition) -> Vec<Place> {
    let rules = edition.rules();
    let srv = |route: fn(u8) -> Route| (0..rules.services.len() as u8).map(route);
    let mut routes = alloc::vec![Route::Literal];
    if rules.explicit_port {
        routes.push(Route::ExplicitPort);
    }
    if rules.order == Order::SrvFirst {
        routes.extend(srv(Route::Srv));
    }
    let mut places: Vec<_> = routes.into_iter().map(Place::Route).collect();
    places.push(Place::WellKnown);
    let mut routes = alloc::vec![Route::DelegatedLiteral, Route::DelegatedPort];
    routes.extend(srv(Route::DelegatedSrv));
    routes.push(Route::DelegatedFallback);
    if rules.order == Order::WellKnownFirst {
        routes.extend(srv(Route::Srv));
    }
    routes.push(Route::Fallback);
    places.extend(routes.into_iter().map(Place::Route));
    places
}

fn is_of_delegation(place: Place) -> bool {
    matches!(
        place,
        Place::Route(
            Route::DelegatedFallback
                | Route::DelegatedLiteral
                | Route::DelegatedPort
                | Route::DelegatedSrv(_)
        )
    )
}
