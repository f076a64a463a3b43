//! The machine: every transition of a search, in the order of the specification.

mod context;
mod dial;
mod fetch;
mod lookahead;
mod outcome;
mod queries;
mod stage;

use alloc::sync::Arc;
use core::mem;

use self::context::Context;
use self::dial::Dial;
use self::fetch::Fetch;
use self::stage::{Goal, Stage, Subject, Targets, Transition};
use crate::action::{Action, ActionId, Event, Reply};
use crate::answer::Absence;
use crate::config::Config;
use crate::edition::{Order, Route, Rules};
use crate::error::{AttemptError, ConnectError, DnsError, WellKnownError};
use crate::found::{DiscoveryError, DiscoveryErrorKind, Found, Warning};
use crate::name::{DnsName, Host, ServerName};
use crate::srv::{Selection, Target};
use crate::time::Instant;

/// The search for the server behind one server name
///
/// What comes out is `poll`, what goes in `handle_*`; both may be called in any order and any number of
/// times. See the [crate page](crate) for the loop.
///
/// A polled [`Step::Wait`] is stale after any `handle`. The time never runs backwards: a `now` before an
/// earlier one counts as the earlier one.
#[derive(Clone, Debug)]
pub struct Discovery {
    goal: Goal,
    /// The server name, or once .well-known has delegated, the delegated one
    subject: Subject,
    stage: Stage,
    deadline: Instant,
    seed: u64,
    context: Context,
}

/// What [`Discovery::poll`] says
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "told once a search, and taken apart at once"
)]
pub enum Step {
    /// Start this, and answer it
    Act(Action),
    /// Drop this action and whatever it opened; its reply no longer counts
    Cancel(ActionId),
    /// The search has ended; told once, after everything open was cancelled
    Done(Result<Found, DiscoveryError>),
    /// There is nothing to do before a reply, or before this time
    Wait {
        /// When to call [`Discovery::handle_timeout`]; `None` once the search has ended
        until: Option<Instant>,
    },
}

impl Discovery {
    /// Searches for where requests for `name` go, without connecting there
    ///
    /// `seed` decides the order of SRV targets of the same priority, by their weights.
    #[must_use]
    pub fn resolve(name: &ServerName, config: &Arc<Config>, seed: u64, now: Instant) -> Self {
        Self::start(Goal::Resolve, name, config, seed, now)
    }

    /// Searches for the server of `name`, and connects to it
    ///
    /// `seed` decides the order of SRV targets of the same priority, by their weights.
    #[must_use]
    pub fn connect(name: &ServerName, config: &Arc<Config>, seed: u64, now: Instant) -> Self {
        Self::start(Goal::Connect, name, config, seed, now)
    }

    /// What to do next
    pub fn poll(&mut self) -> Step {
        if let Some(id) = self.context.cancelled.pop() {
            return Step::Cancel(id);
        }
        if let Some(action) = self.context.queries.poll() {
            return Step::Act(action);
        }
        let action = match &mut self.stage {
            Stage::Ended(outcome) => {
                return match outcome.take() {
                    Some(result) => Step::Done(*result),
                    None => Step::Wait { until: None },
                };
            }
            Stage::Srv { .. } => None,
            Stage::Targets(targets) => targets
                .dial
                .as_mut()
                .and_then(Dial::poll)
                .map(Action::Connect),
            Stage::WellKnown(fetch) => fetch.poll(&self.context),
        };
        match action {
            Some(action) => Step::Act(action),
            None => Step::Wait {
                until: self.deadline(),
            },
        }
    }

    /// Takes in the reply to an action
    ///
    /// A reply that is late, or repeated, or to a cancelled action, changes nothing.
    pub fn handle(&mut self, event: Event, now: Instant) {
        self.handle_timeout(now);
        match event.reply {
            Reply::Addresses(result) => self.context.queries.answer_addresses(event.id, result),
            Reply::Connected(result) => self.handle_connected(event.id, result),
            Reply::Fetched(result) => {
                if let Stage::WellKnown(fetch) = &mut self.stage
                    && let Some(result) = fetch.handle_fetched(event.id, result, &mut self.context)
                {
                    self.stage = self.after_well_known(result);
                }
            }
            Reply::Srv(result) => self.context.queries.answer_srv(event.id, result, self.seed),
        }
        self.advance();
    }

    /// Notices that time has passed
    ///
    /// May be called early, late or twice: what is due is done, once.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.context.now.max(now);
        self.context.now = now;
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        if self.deadline <= now {
            self.stage = self.time_out();
        }
        self.context
            .queries
            .expire(now, &mut self.context.cancelled);
        self.advance();
    }

    fn start(goal: Goal, name: &ServerName, config: &Arc<Config>, seed: u64, now: Instant) -> Self {
        let mut search = Self {
            goal,
            subject: Subject::new(name.clone(), false, config.edition.rules()),
            stage: Stage::default(),
            deadline: now + config.deadlines.search,
            seed,
            context: Context::new(config.clone(), now),
        };
        if name.is_longer_than_recommended() {
            search.warn(Warning::LongName {
                len: name.as_str().len(),
            });
        }
        search.stage = search.begin();
        search.advance();
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
                Order::SrvFirst => self.srv_step(0),
                Order::WellKnownFirst => rules.steps.well_known,
            }),
            (Host::Dns(_), _) => match rules.order {
                Order::SrvFirst => Stage::Srv { service: 0 },
                Order::WellKnownFirst => self.well_known(),
            },
        }
    }

    /// Step 3: "a regular HTTPS request is made to `https://<hostname>/.well-known/matrix/server`"
    fn well_known(&mut self) -> Stage {
        let step = self.rules().steps.well_known;
        Stage::WellKnown(Fetch::new(step, &self.subject.name, &mut self.context))
    }

    /// The end of step 3
    fn after_well_known(&mut self, result: Result<ServerName, WellKnownError>) -> Stage {
        match result {
            Ok(delegated) => {
                self.context.well_known().delegated = Some(delegated.clone());
                self.subject = Subject::new(delegated, true, self.rules());
                self.delegated()
            }
            Err(error) => {
                self.context.well_known().error = Some(error.clone());
                self.without_well_known(error)
            }
        }
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
            (Host::Dns(host), None) if is_onion(host) => self.onion(self.srv_step(0)),
            (Host::Dns(_), None) => Stage::Srv { service: 0 },
        }
    }

    /// "If the /.well-known request resulted in an error response": step 4, or the end
    fn without_well_known(&mut self, error: WellKnownError) -> Stage {
        let rules = self.rules();
        match error {
            // draft-2019: "must result in server discovery failure"
            WellKnownError::Body(error) if rules.invalid_body_is_final => self.fail(
                DiscoveryErrorKind::InvalidWellKnown(error),
                rules.steps.well_known,
            ),
            // MSC4188, where it is turned on
            WellKnownError::Status(410) if self.context.config.gone => {
                self.fail(DiscoveryErrorKind::Gone, rules.steps.well_known)
            }
            // Our own failure says nothing of the delegation: going on could find another server
            WellKnownError::Unreachable { cause, .. } if cause.is_ours() => self.fail(
                DiscoveryErrorKind::Unreachable(cause),
                rules.steps.well_known,
            ),
            WellKnownError::Body(_)
            | WellKnownError::Fetch(_)
            | WellKnownError::Redirect(_)
            | WellKnownError::Status(_)
            | WellKnownError::TimedOut
            | WellKnownError::Unreachable { .. } => match rules.order {
                Order::SrvFirst => self.host_on_port(Route::Fallback, MATRIX_PORT),
                Order::WellKnownFirst => Stage::Srv { service: 0 },
            },
        }
    }

    /// Steps 3.3 and 3.4, 4 and 5: "an SRV record is looked up"
    fn srv(&mut self, service: usize) -> Transition {
        let Some(owner) = self.subject.owners.get(service).cloned() else {
            return Transition::Next(self.without_srv());
        };
        let outcome = match self.context.want_srv(&owner) {
            None => return Transition::Stay(Stage::Srv { service }),
            Some(Ok(outcome)) => outcome.clone(),
            // Our own failure says nothing of the record: going on could find another server
            Some(Err(error @ DnsError::OutOfSockets)) => {
                let cause = AttemptError::Dns(*error);
                let kind = DiscoveryErrorKind::Unreachable(cause);
                return Transition::Next(self.fail(kind, self.srv_step(service)));
            }
            Some(Err(error)) => {
                let error = *error;
                self.context.notes.provisional = true;
                self.warn(Warning::SrvUnanswered { owner, error });
                return Transition::Next(Stage::Srv {
                    service: service + 1,
                });
            }
        };
        for (target, reason) in outcome.skipped {
            self.warn(Warning::SkippedRecord {
                owner: owner.clone(),
                target,
                reason,
            });
        }
        Transition::Next(match outcome.selection {
            Some(Selection::NotOffered) => {
                let kind = DiscoveryErrorKind::NotOffered { service: owner };
                self.fail(kind, self.srv_step(service))
            }
            Some(Selection::Targets(list)) if !list.is_empty() => {
                if self.rules().services[service].deprecated {
                    self.warn(Warning::DeprecatedService { owner });
                }
                Stage::Targets(Targets::new(self.srv_route(service), list))
            }
            Some(Selection::Targets(_)) | None => Stage::Srv {
                service: service + 1,
            },
        })
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
            return self.onion(route.step(self.context.config.edition));
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
    fn onion(&mut self, step: &'static str) -> Stage {
        self.fail(DiscoveryErrorKind::Onion, step)
    }

    /// Goes from stage to stage as far as what is known and the time allow
    ///
    /// Ends, since no stage is entered twice for the same subject and service, and the subject changes once.
    fn advance(&mut self) {
        loop {
            self.context.queries.want_nothing();
            let transition = match mem::take(&mut self.stage) {
                ended @ Stage::Ended(_) => Transition::Stay(ended),
                Stage::Srv { service } => self.srv(service),
                Stage::Targets(targets) => self.targets(targets),
                Stage::WellKnown(mut fetch) => match fetch.advance(&mut self.context) {
                    Some(error) => Transition::Next(self.after_well_known(Err(error))),
                    None => Transition::Stay(Stage::WellKnown(fetch)),
                },
            };
            match transition {
                Transition::Next(stage) => self.stage = stage,
                Transition::Stay(stage) => {
                    self.stage = stage;
                    break;
                }
            }
        }
        self.look_ahead();
        self.context.queries.sweep(&mut self.context.cancelled);
    }

    /// The last stage: look up the targets' addresses, and connect if that is the goal
    fn targets(&mut self, mut targets: Targets) -> Transition {
        let outcome = match self.goal {
            Goal::Connect => self.dial_targets(&mut targets).map(Err),
            Goal::Resolve => self.look_up_targets(&targets),
        };
        Transition::Next(match outcome {
            None => return Transition::Stay(Stage::Targets(targets)),
            Some(Ok(())) => self.found(&targets, None),
            Some(Err(cause)) => self.fail_at(&targets, DiscoveryErrorKind::Unreachable(cause)),
        })
    }

    /// One target after the other, in their order: the next when all addresses of one have failed
    fn dial_targets(&mut self, targets: &mut Targets) -> Option<AttemptError> {
        let step = targets.route.step(self.context.config.edition);
        let mut cause = AttemptError::NoAddress(Absence::NoData);
        while let Some(target) = targets.list.get(targets.current) {
            let tls_name = self.subject.name.host();
            let dial = targets.dial.get_or_insert_with(|| {
                Dial::new(step, target.host.clone(), target.port, tls_name.clone())
            });
            cause = dial.advance(&mut self.context)?;
            targets.dial = None;
            targets.current += 1;
        }
        Some(cause)
    }

    /// Every target's addresses at once; failed when all are known and there are none
    fn look_up_targets(&mut self, targets: &Targets) -> Option<Result<(), AttemptError>> {
        for name in targets
            .list
            .iter()
            .filter_map(|target| target.host.dns_name())
        {
            self.context.want_addresses(name);
        }
        if !targets
            .list
            .iter()
            .all(|target| self.context.knows_addresses(&target.host))
        {
            return None;
        }
        let step = targets.route.step(self.context.config.edition);
        let mut outcome = Err(AttemptError::NoAddress(Absence::NoData));
        for Target { host, port, .. } in &*targets.list {
            match (self.context.admit_host(step, host, *port), &outcome) {
                (Ok(()), _) => outcome = Ok(()),
                (Err(cause), Err(_)) => outcome = Err(cause),
                (Err(_), Ok(())) => {}
            }
        }
        Some(outcome)
    }

    fn handle_connected(&mut self, id: ActionId, result: Result<(), ConnectError>) {
        let context = &mut self.context;
        match &mut self.stage {
            Stage::Targets(targets) => {
                let dial = targets.dial.as_mut();
                let connection = dial.and_then(|dial| dial.handle_connected(id, result, context));
                if let Some(connection) = connection
                    && let Stage::Targets(targets) = mem::take(&mut self.stage)
                {
                    self.stage = self.found(&targets, Some(connection));
                }
            }
            Stage::WellKnown(fetch) => {
                let dial = fetch.dial();
                let connection = dial.and_then(|dial| dial.handle_connected(id, result, context));
                if let Some(connection) = connection {
                    fetch.handle_connection(&connection, context);
                }
            }
            Stage::Ended(_) | Stage::Srv { .. } => {}
        }
    }

    /// The whole search took too long: give up what is under way
    fn time_out(&mut self) -> Stage {
        let kind = DiscoveryErrorKind::TimedOut;
        match mem::take(&mut self.stage) {
            ended @ Stage::Ended(_) => ended,
            Stage::Srv { service } => self.fail(kind, self.srv_step(service)),
            Stage::Targets(mut targets) => {
                if let Some(dial) = &mut targets.dial {
                    dial.cancel(&mut self.context);
                }
                self.fail_at(&targets, kind)
            }
            Stage::WellKnown(mut fetch) => {
                fetch.cancel(&mut self.context);
                self.fail(kind, self.rules().steps.well_known)
            }
        }
    }

    fn warn(&mut self, warning: Warning) {
        self.context.notes.warnings.push(warning);
    }

    /// When something happens without a reply; derived anew from what is under way
    fn deadline(&self) -> Option<Instant> {
        let stage = match &self.stage {
            Stage::Ended(_) => return None,
            Stage::Srv { .. } => None,
            Stage::Targets(targets) => targets.dial.as_ref().and_then(Dial::deadline),
            Stage::WellKnown(fetch) => Some(fetch.deadline()),
        };
        let others = stage.into_iter().chain(self.context.queries.deadline());
        others.chain([self.deadline]).min()
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

    fn srv_step(&self, service: usize) -> &'static str {
        self.srv_route(service).step(self.context.config.edition)
    }

    fn rules(&self) -> &'static Rules {
        self.context.config.edition.rules()
    }
}

fn is_onion(host: &DnsName) -> bool {
    host.is_within("onion")
}

/// "or 8448 if no port is given", in every edition; IANA's registration for `matrix-fed`
const MATRIX_PORT: u16 = 8448;
