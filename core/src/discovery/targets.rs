//! The last stage of a search: the targets, one after the other.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::addresses::Reach;
use super::context::Context;
use super::dial::Dial;
use crate::action::{ActionId, Connect};
use crate::answer::{Absence, Shown};
use crate::edition::{Place, Route};
use crate::error::{AttemptError, ConnectError};
use crate::found::{Candidate, Connection, Warning};
use crate::name::Host;
use crate::srv::Target;
use crate::time::Instant;

/// What a search is for
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    Connect,
    /// The subject, and no further
    Delegate,
    Resolve,
}

/// The last stage of a search: its targets, in the order to try them
#[derive(Clone, Debug)]
pub(super) struct Targets {
    pub(super) route: Route,
    list: Arc<[Target]>,
    /// What is known of the targets that the search is done with: the first of the list
    reached: Vec<Reach>,
    /// The one after those, if the search is for a connection
    dial: Option<Dial>,
}

impl Targets {
    pub(super) fn new(route: Route, list: Arc<[Target]>) -> Self {
        Self {
            route,
            list,
            reached: Vec::new(),
            dial: None,
        }
    }

    pub(super) fn poll(&mut self, tls_name: &Host, context: &Context) -> Option<Connect> {
        self.dial.as_mut()?.poll(tls_name, context)
    }

    pub(super) fn has_due(&self) -> bool {
        self.dial.as_ref().is_some_and(Dial::has_due)
    }

    /// Whether a driver has this attempt
    pub(super) fn is_under_way(&self, id: ActionId) -> bool {
        self.dial
            .as_ref()
            .is_some_and(|dial| dial.is_under_way_as(id))
    }

    /// Whoever drives this stood still for so long
    pub(super) fn stood_still(&mut self, lost: Duration) {
        if let Some(dial) = &mut self.dial {
            dial.stood_still(lost);
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.dial.as_ref()?.deadline()
    }

    /// Takes in the result of an attempt; of one that is not under way, it changes nothing
    pub(super) fn handle_connected(
        &mut self,
        id: ActionId,
        result: Result<Option<Box<Shown>>, ConnectError>,
        tls_name: &Host,
        context: &mut Context,
    ) -> Option<Connection> {
        let dial = self.dial.as_mut()?;
        dial.handle_connected(id, result, tls_name, context)
    }

    /// Goes on as far as what is known and the time allow; how it ended, once it has without a connection
    pub(super) fn advance(
        &mut self,
        goal: Goal,
        tls_name: &Host,
        context: &mut Context,
    ) -> Option<Result<(), AttemptError>> {
        match goal {
            Goal::Connect => self.dial(tls_name, context).map(Err),
            // It ends before
            Goal::Delegate => None,
            Goal::Resolve => self.look_up(tls_name, context),
        }
    }

    /// The hosts whose addresses may still be needed
    pub(super) fn ahead(&self) -> impl Iterator<Item = &Host> {
        let ahead = self.list.iter().skip(self.reached.len());
        ahead.map(|target| &target.host)
    }

    /// Gives up what is under way
    pub(super) fn cancel(&mut self, context: &mut Context) {
        if let Some(dial) = &mut self.dial {
            dial.cancel(context);
        }
    }

    /// The targets with their addresses, in the order they are tried; what should be known of them is noted
    ///
    /// Called once, at the end. The outcome rests on what is known of the targets that were reached, and of no others.
    pub(super) fn take_candidates(
        &mut self,
        tls_name: &Host,
        context: &mut Context,
    ) -> Vec<Candidate> {
        let last = self.dial.take().map(Dial::into_reach);
        let mut reached = mem::take(&mut self.reached).into_iter().chain(last);
        let mut candidates = Vec::with_capacity(self.list.len());
        for (index, target) in self.list.iter().enumerate() {
            let mut addresses = Vec::new();
            if let Some(mut reach) = reached.next() {
                reach.take(tls_name, context);
                self.warn(index, &reach, context);
                context.rest_on(reach.until);
                context.notes.provisional |= reach.stale;
                addresses = reach.into_candidates();
            }
            candidates.push(Candidate {
                target: target.host.clone(),
                port: target.port,
                srv: target.srv,
                addresses,
            });
        }
        candidates
    }

    /// One target after the other: the next when all addresses of one have failed
    fn dial(&mut self, tls_name: &Host, context: &mut Context) -> Option<AttemptError> {
        let place = Place::Route(self.route);
        let limit = context.config.limits.attempts;
        // What there is to tell where nothing is left to try the first target with
        let mut cause = AttemptError::TooManyAttempts { limit };
        while let Some(target) = self.list.get(self.reached.len()) {
            if self.dial.is_none() && context.attempts_left == 0 {
                let error = AttemptError::TooManyAttempts { limit };
                context.notes.attempt(place, &target.host, None, error);
                break;
            }
            let dial = self.dial.get_or_insert_with(|| {
                let reach = Reach::new(place, &target.host, target.port, context);
                Dial::new(reach, context)
            });
            cause = dial.advance(tls_name, context)?;
            self.reached.extend(self.dial.take().map(Dial::into_reach));
        }
        Some(cause)
    }

    /// Every target's addresses at once; failed when all are known and there are none
    fn look_up(
        &mut self,
        tls_name: &Host,
        context: &mut Context,
    ) -> Option<Result<(), AttemptError>> {
        let place = Place::Route(self.route);
        if self.reached.is_empty() {
            let list = self.list.iter();
            self.reached = list
                .map(|target| Reach::new(place, &target.host, target.port, context))
                .collect();
        }
        for reach in &self.reached {
            reach.want(context);
        }
        if !self.reached.iter().all(|reach| reach.is_answered(context)) {
            return None;
        }
        let mut outcome = Err(AttemptError::NoAddress(Absence::NoData));
        for reach in &mut self.reached {
            reach.advance(tls_name, context);
            if reach.has_any() {
                outcome = Ok(());
                continue;
            }
            let cause = reach.cause().cloned();
            let cause = cause.unwrap_or(AttemptError::NoAddress(Absence::NoData));
            if let AttemptError::NoAddress(_) = cause {
                context
                    .notes
                    .attempt(place, &reach.host, None, cause.clone());
            }
            if outcome.is_err() {
                outcome = Err(cause);
            }
        }
        Some(outcome)
    }

    /// What an administrator should know of a host that the outcome rests on, once
    fn warn(&self, index: usize, reach: &Reach, context: &mut Context) {
        let target = &self.list[index];
        let Some(name) = target.host.dns_name() else {
            return;
        };
        let mut earlier = self.list[..index].iter();
        if earlier.any(|earlier| earlier.host == target.host) {
            return;
        }
        let warnings = &mut context.notes.warnings;
        // RFC 2782, "Target": "the name MUST NOT be an alias"
        if target.srv.is_some() && reach.alias {
            let target = name.clone();
            warnings.push(Warning::AliasTarget { target });
        }
        if reach.cut {
            let host = name.clone();
            warnings.push(Warning::TooManyAddresses { host });
        }
    }
}
