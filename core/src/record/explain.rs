//! Why a search ended where it did: a fold over its replay.
//!
//! After each entry of the recording the place of the search is looked at; the entry at which it has changed is the reason.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use super::explanation::{Exchange, Explanation, Fate, StepTaken, Use};
use super::recording::{Entry, Recording, Request, Said};
use super::replay::Diverged;
use super::words::{describe, title};
use crate::action::{ActionId, Event, Reply};
use crate::address::Family;
use crate::answer::{Answer, FactKind, HttpAnswer};
use crate::discovery::{Delegation, Question, Verb};
use crate::edition::{Edition, Order, Place, Route};
use crate::error::{Chain, WellKnownError};
use crate::findings::judge;
use crate::found::{Candidate, Destination, Notes};
use crate::name::{DnsName, Host, ServerName};
use crate::time::Instant;

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
    /// Step 3, if the search has left it to its pool
    of_pool: Option<OfPool<'a>>,
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
    /// Whether the pool that it was in knew the answer
    is_known: bool,
}

/// Step 3, where a pool does it
struct OfPool<'a> {
    /// When the search came to it
    from: Duration,
    /// Whether it has waited for it
    has_waited: bool,
    /// What it was told, and when
    told: Option<(Duration, &'a Delegation)>,
}

impl<'a> Fold<'a> {
    fn new(recording: &'a Recording) -> Self {
        Self {
            recording,
            visited: Vec::new(),
            open: Vec::new(),
            closed: Vec::new(),
            last: recording.begun,
            of_pool: None,
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
            if place == Place::WellKnown && self.recording.is_pooled() {
                self.of_pool = Some(OfPool {
                    from: since,
                    has_waited: false,
                    told: None,
                });
            }
        }
        match self.recording.entries.get(index) {
            Some(Entry::Polled(Said::Act { id, request })) => self.open.push(Open {
                id: *id,
                request,
                from: since,
                place,
                is_known: false,
            }),
            Some(Entry::Polled(Said::Cancel(id))) => {
                let end = if self.is_late || self.has_had_its_time(*id, since) {
                    End::TimedOut
                } else {
                    End::GivenUp
                };
                self.close(*id, since, end);
            }
            Some(Entry::TimedOut { .. } | Entry::Told(Verb::Expire { .. })) => self.is_late = true,
            Some(Entry::Handled { event, .. }) => self.hear(event, since),
            Some(Entry::Told(Verb::Hear { event, .. })) => {
                // Whoever knows it says so before anything else
                let before = index.checked_sub(1);
                let asked = before.and_then(|index| self.recording.entries.get(index));
                let is_at_once =
                    matches!(asked, Some(Entry::Polled(Said::Act { id, .. })) if *id == event.id);
                if let Some(open) = self.open.last_mut() {
                    open.is_known |= is_at_once && open.id == event.id;
                }
                self.hear(event, since);
            }
            Some(Entry::Told(Verb::GiveDelegation { delegation, .. })) => {
                self.is_late = false;
                if let Some(of_pool) = &mut self.of_pool {
                    of_pool.told = Some((since, delegation));
                }
            }
            Some(Entry::Polled(Said::Wait(_))) => {
                if let Some(of_pool) = &mut self.of_pool {
                    of_pool.has_waited |= of_pool.told.is_none();
                }
            }
            Some(Entry::Told(_) | Entry::Polled(Said::Done)) | None => {}
        }
    }

    /// Whether something was under way for as long as it may be, whatever has come at that moment
    fn has_had_its_time(&self, id: ActionId, since: Duration) -> bool {
        let deadlines = &self.recording.config.deadlines;
        let open = self.open.iter().find(|open| open.id == id);
        open.is_some_and(|open| {
            let most = match open.request {
                Request::Connect { .. } => deadlines.connect,
                Request::Fetch { .. } => deadlines.well_known,
                Request::LookUp { .. } | Request::QuerySrv { .. } => deadlines.dns,
            };
            since.saturating_sub(open.from) >= most
        })
    }

    fn hear(&mut self, event: &'a Event, since: Duration) {
        self.is_late = false;
        if let Reply::Fetched(Ok(response)) = &event.reply {
            self.response = Some(response);
        }
        self.close(event.id, since, End::Reply(&event.reply));
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
        let of_step_3 = steps.iter_mut().find(|it| it.place == Place::WellKnown);
        if let (Some(step), Some(of_pool)) = (of_step_3, &self.of_pool) {
            step.asked.push(self.step_3(of_pool, elapsed));
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
            (End::Reply(_), _) if open.is_known => Use::Known,
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

    /// Step 3, where a pool does it, for all its searches at once
    fn step_3(&self, of_pool: &OfPool<'_>, elapsed: Duration) -> Exchange {
        let (until, answer, is_failure) = match of_pool.told {
            None if self.is_late => (elapsed, "no answer in time".into(), true),
            None => (elapsed, "given up".into(), false),
            Some((until, delegation)) => match &delegation.said.result {
                Ok(name) => (until, format!("delegates to {name}"), false),
                Err(error) => {
                    let is_failure = !matches!(error, WellKnownError::Status(404));
                    (until, Chain(error).to_string(), is_failure)
                }
            },
        };
        let host = self.recording.name.host();
        Exchange {
            what: format!("https://{host}/.well-known/matrix/server"),
            answer,
            is_failure,
            from: of_pool.from,
            until,
            use_made: match of_pool.told {
                None => Use::GivenUp,
                Some(_) if of_pool.has_waited => Use::Needed,
                Some(_) => Use::Known,
            },
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
