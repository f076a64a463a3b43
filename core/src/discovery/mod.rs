//! The machine: every transition of a search, in the order of the specification.

mod addresses;
mod context;
mod delegator;
mod dial;
mod fetch;
mod lookahead;
mod outcome;
mod pooled;
mod queries;
mod stage;
mod targets;
mod verb;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

use self::context::Context;
pub(crate) use self::delegator::{Delegation, Delegator};
use self::fetch::{Fetch, Said};
use self::lookahead::look_ahead;
use self::queries::{Known, Want};
pub(crate) use self::queries::{Question, lifetime};
pub(crate) use self::stage::Begin;
use self::stage::{Stage, Subject};
pub(crate) use self::targets::Goal;
use self::targets::Targets;
pub(crate) use self::verb::{Given, Verb};
use crate::action::{Action, ActionId, Event, Reply};
use crate::answer::{HttpAnswer, Shown};
use crate::config::Config;
use crate::edition::{Order, Place, Route, Rules};
use crate::error::{AttemptError, ConnectError, Fault, FetchError, WellKnownError};
use crate::found::{DiscoveryError, DiscoveryErrorKind, Found, Warning};
use crate::machine::{Machine, Step};
use crate::name::{DnsName, Host, ServerName};
use crate::srv::{Flaws, Selection, Target};
use crate::time::Instant;

/// The search for the server behind one server name
///
/// Driven by the verbs of [`Machine`]; the [crate page](crate#the-loop) has the loop, and what a loop may do.
///
/// # Steps
///
/// A step that finds what it looks for is the last: where the server that it names cannot be reached, the search
/// fails. A DNS question that nobody could answer counts as one whose answer is that there is no such record.
///
#[doc = include_str!("steps.svg")]
#[doc = include_str!("steps.md")]
#[derive(Clone, Debug)]
pub struct Discovery {
    goal: Goal,
    /// The server name, or once .well-known has delegated, the delegated one
    subject: Subject,
    stage: Stage,
    /// Put off by the time that the loop loses
    deadline: Instant,
    context: Context,
}

impl Discovery {
    /// Searches for where requests for `name` go, without connecting there
    ///
    /// `seed` decides the order of SRV targets of the same priority, by their weights, and names the actions:
    /// two searches that are driven together should not have the same.
    #[must_use]
    pub fn resolve(name: &ServerName, config: &Arc<Config>, seed: u64, now: Instant) -> Self {
        Self::start(Goal::Resolve, name, config, seed, now)
    }

    /// Searches for the server of `name`, and connects to it
    ///
    /// `seed` is as for [`resolve`](Self::resolve).
    #[must_use]
    pub fn connect(name: &ServerName, config: &Arc<Config>, seed: u64, now: Instant) -> Self {
        Self::start(Goal::Connect, name, config, seed, now)
    }

    fn start(goal: Goal, name: &ServerName, config: &Arc<Config>, seed: u64, now: Instant) -> Self {
        // Both halves of the seed: an embedder may fill only one
        let machine = (seed ^ (seed >> 32)) as u32;
        let context = Context::new(config.clone(), seed, machine, now);
        let mut search = Self::new(goal, name, false, context);
        search.stage = search.begin();
        search.advance(true);
        search
    }

    /// A search that has not begun
    fn new(goal: Goal, name: &ServerName, delegated: bool, mut context: Context) -> Self {
        let rules = context.config.edition.rules();
        let mut search = Self {
            goal,
            subject: Subject::new(name.clone(), delegated, rules, &mut context.queries),
            stage: Stage::Ended(None),
            deadline: context.now + context.config.deadlines.search,
            context,
        };
        if name.is_longer_than_recommended() {
            search.warn(Warning::LongName {
                len: name.as_str().len(),
            });
        }
        search
    }

    /// Steps 1 and 2, and the choice between SRV and .well-known
    fn begin(&mut self) -> Stage {
        let rules = self.rules();
        let name = &self.subject.name;
        match (name.host(), name.port()) {
            // Step 1: "If the hostname is an IP literal"
            (Host::Ip(_), port) => self.host_on_port(Route::Literal, port.unwrap_or(MATRIX_PORT)),
            // Step 2: "not an IP literal, and the server name includes an explicit port"
            (Host::Dns(_), Some(port)) if rules.explicit_port => {
                self.host_on_port(Route::ExplicitPort, port)
            }
            (Host::Dns(host), _) if is_onion(host) => self.onion(match rules.order {
                Order::SrvFirst => self.srv_place(0),
                Order::WellKnownFirst => Place::WellKnown,
            }),
            (Host::Dns(_), _) => match rules.order {
                Order::SrvFirst => Stage::Srv { service: 0 },
                Order::WellKnownFirst => self.well_known(),
            },
        }
    }

    /// Step 3: "a regular HTTPS request is made to `https://<hostname>/.well-known/matrix/server`"
    fn well_known(&mut self) -> Stage {
        if self.context.is_pooled {
            return Stage::Awaiting;
        }
        Stage::WellKnown(Fetch::new(&self.subject.name, &mut self.context))
    }

    /// The end of step 3
    fn after_well_known(&mut self, Said { result, until }: Said) -> Stage {
        self.context.rest_on(until);
        self.context.well_known().expires = Some(until);
        match result {
            Ok(name) => {
                self.context.well_known().delegated = Some(name.clone());
                let rules = self.rules();
                self.subject = self
                    .subject
                    .delegates_to(name, rules, &mut self.context.queries);
                self.delegated()
            }
            Err(error) => {
                self.context.notes.provisional |= self.may_pass(&error);
                self.context.well_known().error = Some(error.clone());
                self.without_well_known(error)
            }
        }
    }

    /// Whether .well-known may say something else later: where no address of a host could be used, any of them counts,
    /// in whatever order they failed
    fn may_pass(&self, error: &WellKnownError) -> bool {
        let WellKnownError::Unreachable { host, .. } = error else {
            return error.is_temporary();
        };
        let mut attempts = self.context.notes.attempts.iter();
        attempts.any(|attempt| {
            attempt.place == Place::WellKnown
                && attempt.host == *host
                && attempt.error.is_temporary()
                // A closed port is an answer: most servers without a delegation have no web server
                && attempt.error != AttemptError::Connect(ConnectError::Refused)
        })
    }

    /// Steps 3.1, 3.2, and the way to 3.3
    fn delegated(&mut self) -> Stage {
        let name = &self.subject.name;
        match (name.host(), name.port()) {
            // Step 3.1: "If <delegated_hostname> is an IP literal"
            (Host::Ip(_), port) => {
                self.host_on_port(Route::DelegatedLiteral, port.unwrap_or(MATRIX_PORT))
            }
            // Step 3.2: "not an IP literal, and <delegated_port> is present"
            (Host::Dns(_), Some(port)) => self.host_on_port(Route::DelegatedPort, port),
            (Host::Dns(host), None) if is_onion(host) => self.onion(self.srv_place(0)),
            (Host::Dns(_), None) => Stage::Srv { service: 0 },
        }
    }

    /// "If the /.well-known request resulted in an error response": step 4, or the end
    fn without_well_known(&mut self, error: WellKnownError) -> Stage {
        match error {
            // draft-2019: "must result in server discovery failure"
            WellKnownError::Body(error) if self.rules().invalid_body_is_final => self.fail(
                DiscoveryErrorKind::InvalidWellKnown(error),
                Place::WellKnown,
            ),
            // MSC4188, where it is turned on
            WellKnownError::Status(410) if self.context.config.gone_is_final => {
                self.fail(DiscoveryErrorKind::Gone, Place::WellKnown)
            }
            // Our own failure says nothing of the delegation: going on could find another server
            WellKnownError::Unreachable { cause, .. } if cause.fault() == Fault::Ours => {
                self.fail(DiscoveryErrorKind::Unreachable(cause), Place::WellKnown)
            }
            WellKnownError::Body(_)
            | WellKnownError::Fetch(_)
            | WellKnownError::Redirect { .. }
            | WellKnownError::Status(_)
            | WellKnownError::TimedOut
            | WellKnownError::Unreachable { .. } => match self.rules().order {
                Order::SrvFirst => self.host_on_port(Route::Fallback, MATRIX_PORT),
                Order::WellKnownFirst => Stage::Srv { service: 0 },
            },
        }
    }

    /// Steps 3.3 and 3.4, 4 and 5: "an SRV record is looked up"; what follows, once it was
    fn srv(&mut self, service: usize) -> Option<Stage> {
        let Some(question) = self.subject.services.clone().nth(service) else {
            return Some(self.without_srv());
        };
        let Context { queries, ids, .. } = &mut self.context;
        let Known { result, until } = queries.want_srv(question, Want::Now, ids)?.clone();
        self.context.rest_on(until);
        let owner = self.context.queries.owner(question).clone();
        let outcome = match result {
            Ok(outcome) => outcome,
            // Our own failure says nothing of the record: going on could find another server
            Err(error) if error.fault() == Fault::Ours => {
                let kind = DiscoveryErrorKind::Unreachable(AttemptError::Dns(error));
                return Some(self.fail(kind, self.srv_place(service)));
            }
            Err(error) => {
                self.context.notes.provisional = true;
                self.warn(Warning::SrvUnanswered { owner, error });
                return Some(Stage::Srv {
                    service: service + 1,
                });
            }
        };
        self.context.notes.provisional |= outcome.stale;
        if let Some(flaws) = outcome.flaws {
            self.warn_of_records(&owner, *flaws);
        }
        Some(match outcome.selection {
            Some(Selection::NotOffered) => {
                let kind = DiscoveryErrorKind::NotOffered { service: owner };
                self.fail(kind, self.srv_place(service))
            }
            // "If an SRV record is found": a set that was found binds, even if none of it can be used
            Some(Selection::Targets(list)) if list.is_empty() => {
                let kind = DiscoveryErrorKind::NoUsableRecord { service: owner };
                self.fail(kind, self.srv_place(service))
            }
            Some(Selection::Targets(list)) => {
                self.warn_of_addresses(&owner, &list);
                if self.rules().services[service].deprecated {
                    self.warn(Warning::DeprecatedService { owner });
                }
                Stage::Targets(Targets::new(self.srv_route(service), list))
            }
            None => Stage::Srv {
                service: service + 1,
            },
        })
    }

    fn warn_of_records(&mut self, owner: &DnsName, flaws: Flaws) {
        for (target, reason) in flaws.skipped {
            let owner = owner.clone();
            self.warn(Warning::SkippedRecord {
                owner,
                target,
                reason,
            });
        }
        if flaws.cut > 0 {
            let owner = owner.clone();
            self.warn(Warning::RecordsCut {
                owner,
                cut: flaws.cut,
            });
        }
    }

    fn warn_of_addresses(&mut self, owner: &DnsName, list: &[Target]) {
        for target in list {
            if let Host::Ip(address) = target.host {
                let owner = owner.clone();
                self.warn(Warning::AddressTarget { owner, address });
            }
        }
    }

    /// Steps 3.5 and 6: "If no SRV record is found"; in draft-2019, the way to step 3
    fn without_srv(&mut self) -> Stage {
        match (self.subject.delegated, self.rules().order) {
            (true, _) => self.host_on_port(Route::DelegatedFallback, MATRIX_PORT),
            (false, Order::SrvFirst) => self.well_known(),
            (false, Order::WellKnownFirst) => self.host_on_port(Route::Fallback, MATRIX_PORT),
        }
    }

    /// The subject's own host is the only target
    fn host_on_port(&mut self, route: Route, port: u16) -> Stage {
        let host = self.subject.name.host().clone();
        if host.dns_name().is_some_and(is_onion) {
            return self.onion(Place::Route(route));
        }
        Stage::Targets(Targets::new(
            route,
            [Target {
                host,
                port,
                srv: None,
            }]
            .into(),
        ))
    }

    /// RFC 7686: without a proxy, there is no way to such a host
    fn onion(&mut self, place: Place) -> Stage {
        self.fail(DiscoveryErrorKind::Onion, place)
    }

    /// The search ends before its targets are known
    fn fail(&mut self, kind: DiscoveryErrorKind, place: Place) -> Stage {
        outcome::failed(kind, place, &self.subject, &mut self.context)
    }

    /// Goes from stage to stage as far as what is known and the time allow
    ///
    /// A stage says what it wants when it begins, and again on news: another stage within the stage, or what SRV
    /// records there are. Ends, since no stage is entered twice for the same subject and service, and the subject
    /// changes once.
    fn advance(&mut self, mut news: bool) {
        if news {
            self.context.queries.want_nothing();
        }
        while let Some(next) = self.next_stage() {
            self.stage = next;
            self.context.queries.want_nothing();
            news = true;
        }
        if news {
            look_ahead(&self.stage, &self.subject, &mut self.context);
            self.context.queries.sweep(&mut self.context.cancelled);
        }
    }

    /// The questions whose answers it has come to
    pub(crate) fn used(&self) -> impl Iterator<Item = Question<'_>> {
        self.context.queries.used()
    }

    /// The step that the search is at; `None` once it has ended
    pub(crate) fn place(&self) -> Option<Place> {
        match &self.stage {
            Stage::Awaiting | Stage::WellKnown(_) => Some(Place::WellKnown),
            Stage::Ended(_) => None,
            Stage::Srv { service } => Some(self.srv_place(*service)),
            Stage::Targets(targets) => Some(Place::Route(targets.route)),
        }
    }

    /// Whether the subject will not change any more
    fn is_settled(&self) -> bool {
        match &self.stage {
            Stage::Targets(_) => true,
            Stage::Srv { .. } => {
                self.subject.delegated || self.rules().order == Order::WellKnownFirst
            }
            Stage::Awaiting | Stage::Ended(_) | Stage::WellKnown(_) => false,
        }
    }

    /// The stage that follows, once this one is over
    fn next_stage(&mut self) -> Option<Stage> {
        if self.goal == Goal::Delegate && self.is_settled() {
            return None;
        }
        match &mut self.stage {
            Stage::Awaiting | Stage::Ended(_) => None,
            Stage::Srv { service } => {
                let service = *service;
                self.srv(service)
            }
            Stage::Targets(targets) => {
                let (subject, context) = (&self.subject, &mut self.context);
                Some(
                    match targets.advance(self.goal, subject.name.host(), context)? {
                        Ok(()) => outcome::found(targets, None, subject, context),
                        Err(cause) => {
                            let kind = DiscoveryErrorKind::Unreachable(cause);
                            outcome::failed_at(targets, kind, subject, context)
                        }
                    },
                )
            }
            Stage::WellKnown(fetch) => {
                let said = fetch.advance(&mut self.context)?;
                Some(self.after_well_known(said))
            }
        }
    }

    /// Takes in the reply to an action; whether that is news
    #[inline]
    fn take(&mut self, event: Event) -> bool {
        let context = &mut self.context;
        let (config, now) = (&context.config, context.now);
        match event.reply {
            Reply::Addresses(result) => {
                let queries = &mut context.queries;
                queries.answer_addresses(event.id, result, config, now);
                false
            }
            Reply::Connected(result) => self.handle_connected(event.id, result),
            Reply::Fetched(result) => self.handle_fetched(event.id, result),
            Reply::Srv(result) => {
                let queries = &mut context.queries;
                queries.answer_srv(event.id, result, config, context.seed, now)
            }
        }
    }

    /// Takes in how an attempt went; whether that is news
    fn handle_connected(
        &mut self,
        id: ActionId,
        result: Result<Option<Box<Shown>>, ConnectError>,
    ) -> bool {
        let context = &mut self.context;
        match &mut self.stage {
            Stage::Targets(targets) => {
                let tls_name = self.subject.name.host();
                let connection = targets.handle_connected(id, result, tls_name, context);
                let Some(connection) = connection else {
                    return false;
                };
                self.stage = outcome::found(targets, Some(connection), &self.subject, context);
                true
            }
            Stage::WellKnown(fetch) => fetch.handle_connected(id, result, context),
            Stage::Awaiting | Stage::Ended(_) | Stage::Srv { .. } => false,
        }
    }

    /// Takes in a response; whether that is news
    fn handle_fetched(&mut self, id: ActionId, result: Result<HttpAnswer, FetchError>) -> bool {
        match &mut self.stage {
            Stage::WellKnown(fetch) if fetch.awaits(id) => {
                if let Some(said) = fetch.handle_fetched(result, &mut self.context) {
                    self.stage = self.after_well_known(said);
                }
                true
            }
            Stage::Awaiting
            | Stage::Ended(_)
            | Stage::Srv { .. }
            | Stage::Targets(_)
            | Stage::WellKnown(_) => false,
        }
    }

    /// The whole search took too long: give up what is under way
    fn time_out(&mut self) -> Stage {
        let kind = DiscoveryErrorKind::TimedOut;
        match &mut self.stage {
            Stage::Awaiting => self.fail(kind, Place::WellKnown),
            Stage::Ended(outcome) => Stage::Ended(outcome.take()),
            Stage::Srv { service } => {
                let service = *service;
                self.fail(kind, self.srv_place(service))
            }
            Stage::Targets(targets) => {
                targets.cancel(&mut self.context);
                outcome::failed_at(targets, kind, &self.subject, &mut self.context)
            }
            Stage::WellKnown(fetch) => {
                fetch.cancel(&mut self.context);
                self.fail(kind, Place::WellKnown)
            }
        }
    }

    /// Lets time pass, and puts the deadlines over many actions off by what of it the loop has lost: all of it while an
    /// action lay there to be polled, else what is beyond the time that it was told to wait for
    fn pass(&mut self, deadline: Instant, now: Instant) {
        self.skip(now.saturating_since(deadline), now);
    }

    /// Lets time pass, so much of which is lost to whoever drives this
    #[inline]
    pub(crate) fn skip(&mut self, lost: Duration, now: Instant) {
        let before = self.context.now;
        if now > before {
            let all = now.saturating_since(before);
            self.put_off(if self.has_due() { all } else { lost.min(all) });
            self.context.now = now;
        }
    }

    /// So long it has waited in vain, for no fault of anybody's
    pub(crate) fn put_off(&mut self, lost: Duration) {
        self.deadline = self.deadline + lost;
        if let Stage::WellKnown(fetch) = &mut self.stage {
            fetch.put_off(lost);
        }
    }

    /// Whether there is an action that was not polled yet
    fn has_due(&self) -> bool {
        let of_stage = match &self.stage {
            Stage::Awaiting | Stage::Ended(_) | Stage::Srv { .. } => false,
            Stage::Targets(targets) => targets.has_due(),
            Stage::WellKnown(fetch) => fetch.has_due(),
        };
        of_stage || self.context.queries.has_due()
    }

    /// When something happens without a reply; derived anew from what is under way
    fn deadline(&self) -> Option<Instant> {
        let own = self.deadline;
        let of_stage = match &self.stage {
            Stage::Ended(_) => return None,
            Stage::Awaiting | Stage::Srv { .. } => own,
            Stage::Targets(targets) => targets.deadline().unwrap_or(own),
            Stage::WellKnown(fetch) => fetch.deadline(),
        };
        Some(self.context.queries.deadline(own.min(of_stage)))
    }

    fn warn(&mut self, warning: Warning) {
        self.context.notes.warnings.push(warning);
    }

    fn srv_route(&self, service: usize) -> Route {
        // An edition has one or two services
        let index = service as u8;
        if self.subject.delegated {
            Route::DelegatedSrv(index)
        } else {
            Route::Srv(index)
        }
    }

    fn srv_place(&self, service: usize) -> Place {
        Place::Route(self.srv_route(service))
    }

    fn rules(&self) -> &'static Rules {
        self.context.config.edition.rules()
    }
}

impl Machine for Discovery {
    type Done = Result<Box<Found>, DiscoveryError>;

    fn poll(&mut self) -> Step<Self::Done> {
        let context = &mut self.context;
        if let Some(id) = context.cancelled.pop() {
            return Step::Cancel(id);
        }
        if let Some(action) = context.queries.poll(context.now, &context.config) {
            return Step::Act(action);
        }
        let action = match &mut self.stage {
            Stage::Ended(outcome) => {
                return match outcome.take() {
                    Some(result) => Step::Done(result),
                    None => Step::Wait { until: None },
                };
            }
            Stage::Awaiting | Stage::Srv { .. } => None,
            Stage::Targets(targets) => {
                let tls_name = self.subject.name.host();
                targets.poll(tls_name, context).map(Action::Connect)
            }
            Stage::WellKnown(fetch) => fetch.poll(context),
        };
        match action {
            Some(action) => Step::Act(action),
            None => Step::Wait {
                until: self.deadline(),
            },
        }
    }

    fn handle(&mut self, event: Event, now: Instant) {
        self.handle_timeout(now);
        let news = self.take(event);
        self.advance(news);
    }

    fn handle_timeout(&mut self, now: Instant) {
        // Without one, the search has ended
        let Some(deadline) = self.deadline() else {
            return;
        };
        self.pass(deadline, now);
        let now = self.context.now;
        if deadline > now {
            return;
        }
        let mut news = false;
        if self.deadline <= now {
            self.stage = self.time_out();
            news = true;
        }
        let Context {
            queries,
            config,
            cancelled,
            ..
        } = &mut self.context;
        news |= queries.expire(now, config, cancelled);
        self.advance(news);
    }
}

fn is_onion(host: &DnsName) -> bool {
    host.is_within("onion")
}

/// "or 8448 if no port is given", in every edition; IANA's registration for `matrix-fed`
const MATRIX_PORT: u16 = 8448;
