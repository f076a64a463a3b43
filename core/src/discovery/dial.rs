//! Racing the addresses of one host (RFC 8305, "Happy Eyeballs").

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::addresses::{Reach, Which};
use super::context::Context;
use crate::action::{ActionId, Connect, Purpose};
use crate::address::Family;
use crate::answer::{Absence, Shown};
use crate::config::Limits;
use crate::edition::Place;
use crate::error::{AttemptError, ConnectError, Fault};
use crate::found::{CandidateAddress, Connection, Warning};
use crate::name::Host;
use crate::time::Instant;
use crate::trust::Verdict;

/// One host being connected to: its addresses as they become known, and the attempts under way
///
/// The name that its certificate must be valid for is known to whoever owns this.
///
/// AAAA and A are asked together. The first attempt starts when AAAA is answered, or the resolution delay
/// after A was. Families alternate, IPv6 first; the next attempt starts the attempt delay after the last,
/// or as soon as one fails.
#[derive(Clone, Debug)]
pub(super) struct Dial {
    reach: Reach,
    /// How many addresses of each family have been tried
    v6_tried: u8,
    v4_tried: u8,
    /// How many more may be tried
    left: u8,
    pace: Pace,
    in_flight: Vec<InFlight>,
    /// Why the last attempt failed, or that this machine itself has failed
    failed: Option<Box<AttemptError>>,
}

/// When the next attempt starts
#[derive(Clone, Debug)]
enum Pace {
    /// None has been made: then, once there is an address
    Begins { at: Option<Instant> },
    /// Then, at an address of the other family than the last, if there is one
    Continues { at: Instant, last: Family },
}

#[derive(Clone, Debug)]
struct InFlight {
    id: ActionId,
    to: Which,
    /// When it is given up, once a driver has been given it
    deadline: Option<Instant>,
}

impl Dial {
    pub(super) fn new(reach: Reach, context: &Context) -> Self {
        let of_host = context.config.limits.attempts_per_host;
        Self {
            reach,
            v6_tried: 0,
            v4_tried: 0,
            left: of_host.min(context.attempts_left),
            pace: Pace::Begins { at: None },
            in_flight: Vec::new(),
            failed: None,
        }
    }

    /// The next attempt that a driver has not been given yet
    pub(super) fn poll(&mut self, tls_name: &Host, context: &Context) -> Option<Connect> {
        let mut attempts = self.in_flight.iter_mut();
        let attempt = attempts.find(|attempt| attempt.deadline.is_none())?;
        let deadline = context.now + context.config.deadlines.connect;
        attempt.deadline = Some(deadline);
        let to = self.reach.at(attempt.to);
        Some(Connect {
            id: attempt.id,
            address: to.address,
            tls_name: tls_name.clone(),
            verdict: to.verdict.clone(),
            purpose: match self.reach.place {
                Place::Route(_) => Purpose::Federation,
                Place::WellKnown => Purpose::WellKnown,
            },
            deadline,
        })
    }

    /// Whether there is an attempt that a driver has not been given yet
    pub(super) fn has_due(&self) -> bool {
        let mut attempts = self.in_flight.iter();
        attempts.any(|attempt| attempt.deadline.is_none())
    }

    /// Whether a driver has this attempt
    pub(super) fn is_under_way_as(&self, id: ActionId) -> bool {
        let mut attempts = self.in_flight.iter();
        attempts.any(|attempt| attempt.id == id && attempt.deadline.is_some())
    }

    /// Whoever drives this stood still for so long: nobody could have kept a deadline
    pub(super) fn stood_still(&mut self, lost: Duration) {
        for attempt in &mut self.in_flight {
            attempt.deadline = attempt.deadline.map(|deadline| deadline + lost);
        }
        match &mut self.pace {
            Pace::Begins { at } => *at = at.map(|at| at + lost),
            Pace::Continues { at, .. } => *at = *at + lost,
        }
    }

    /// When something happens without an answer
    pub(super) fn deadline(&self) -> Option<Instant> {
        let next = match self.pace {
            _ if self.untried().is_none() => None,
            Pace::Begins { at } => at,
            Pace::Continues { at, .. } => Some(at),
        };
        let attempts = self.in_flight.iter().filter_map(|attempt| attempt.deadline);
        attempts.chain(next).min()
    }

    /// Takes in the result of an attempt; of one that is not under way, it changes nothing
    pub(super) fn handle_connected(
        &mut self,
        id: ActionId,
        result: Result<Option<Box<Shown>>, ConnectError>,
        tls_name: &Host,
        context: &mut Context,
    ) -> Option<Connection> {
        let mut attempts = self.in_flight.iter();
        let index = attempts.position(|attempt| attempt.id == id && attempt.deadline.is_some())?;
        let to = self.in_flight.remove(index).to;
        let CandidateAddress { address, verdict } = self.reach.at(to).clone();
        match result {
            Ok(shown) => {
                self.cancel(context);
                context.failures = 0;
                if let Verdict::Skip(rule) = &verdict {
                    context.notes.warnings.push(Warning::VerificationSkipped {
                        host: tls_name.clone(),
                        address,
                        rule: rule.clone(),
                    });
                }
                Some(Connection {
                    id,
                    address,
                    verdict,
                    shown,
                })
            }
            Err(error) => {
                self.fail(address, AttemptError::Connect(error), context);
                None
            }
        }
    }

    /// Goes on as far as what is known and the time allow; why it failed, once there is nothing left to try
    pub(super) fn advance(
        &mut self,
        tls_name: &Host,
        context: &mut Context,
    ) -> Option<AttemptError> {
        self.expire(context);
        self.take_addresses(tls_name, context);
        while let Some(to) = self.next(context.now) {
            self.start(to, context);
        }
        if self.is_under_way() {
            return None;
        }
        self.note_untried(context);
        let cause = self.cause();
        if let AttemptError::NoAddress(_) = cause {
            context
                .notes
                .attempt(self.reach.place, &self.reach.host, None, cause.clone());
        }
        Some(cause)
    }

    /// Gives up every attempt under way
    pub(super) fn cancel(&mut self, context: &mut Context) {
        let attempts = self.in_flight.drain(..);
        let sent = attempts.filter(|attempt| attempt.deadline.is_some());
        context.cancelled.extend(sent.map(|attempt| attempt.id));
    }

    /// The addresses it has come to know
    pub(super) fn into_reach(self) -> Reach {
        self.reach
    }

    fn is_under_way(&self) -> bool {
        !self.in_flight.is_empty() || !self.reach.is_known() || self.untried().is_some()
    }

    /// What to tell of a failure: that this machine failed, else the last attempt, else why there was no address
    fn cause(&self) -> AttemptError {
        let is_ours = |error: &&AttemptError| error.fault() == Fault::Ours;
        let (failed, without_address) = (self.failed.as_deref(), self.reach.cause());
        let ours = failed.filter(is_ours).or(without_address.filter(is_ours));
        let cause = ours.or(failed).or(without_address);
        // Without any, both families would be known, have addresses, and none be tried
        cause.map_or(AttemptError::NoAddress(Absence::NoData), Clone::clone)
    }

    fn expire(&mut self, context: &mut Context) {
        let now = context.now;
        let over = |attempt: &InFlight| attempt.deadline.is_some_and(|deadline| deadline <= now);
        while let Some(index) = self.in_flight.iter().position(over) {
            let attempt = self.in_flight.remove(index);
            context.cancelled.push(attempt.id);
            let error = AttemptError::Connect(ConnectError::TimedOut);
            self.fail(self.reach.at(attempt.to).address, error, context);
        }
    }

    fn take_addresses(&mut self, tls_name: &Host, context: &mut Context) {
        let news = self.reach.advance(tls_name, context);
        if news && let Pace::Begins { at } = &mut self.pace {
            // RFC 8305 §3: A alone waits the resolution delay for AAAA
            let awaits_v6 = self.reach.awaits(Family::V6);
            let racing = &context.config.racing;
            let mut begin = if awaits_v6 {
                context.now + racing.resolution_delay
            } else if self.reach.awaits(Family::V4) && self.reach.has_only_failed() {
                // IPv4 has as long a start as it would have taken IPv6 to fail
                context.now + racing.attempt_delay
            } else {
                context.now
            };
            if context.failures >= UNPACED_FAILURES {
                begin = begin.max(context.last_attempt + racing.attempt_delay);
            }
            *at = Some(begin);
        }
    }

    /// The address to try now, if it is time for one
    fn next(&self, now: Instant) -> Option<Which> {
        let at = match self.pace {
            Pace::Begins { at } => at?,
            Pace::Continues { at, .. } => at,
        };
        if at > now { None } else { self.untried() }
    }

    /// The address to try next
    fn untried(&self) -> Option<Which> {
        if self.left == 0 {
            return None;
        }
        let last = match self.pace {
            Pace::Begins { .. } => None,
            Pace::Continues { last, .. } => Some(last),
        };
        let (v6, v4) = (usize::from(self.v6_tried), usize::from(self.v4_tried));
        self.reach.after(v6, v4, last)
    }

    fn start(&mut self, to: Which, context: &mut Context) {
        self.left -= 1;
        context.attempts_left -= 1;
        context.last_attempt = context.now;
        match to.family {
            Family::V4 => self.v4_tried += 1,
            Family::V6 => self.v6_tried += 1,
        }
        self.pace = Pace::Continues {
            at: context.now + context.config.racing.attempt_delay,
            last: to.family,
        };
        // Most often there is one at a time: a growing list would hold four
        self.in_flight.reserve_exact(1);
        self.in_flight.push(InFlight {
            id: context.ids.next(),
            to,
            deadline: None,
        });
    }

    /// Says so where addresses are left that may not be tried
    fn note_untried(&mut self, context: &mut Context) {
        let known = self.reach.of(Family::V6).len() + self.reach.of(Family::V4).len();
        if known <= usize::from(self.v6_tried) + usize::from(self.v4_tried) {
            return;
        }
        let Limits {
            attempts,
            attempts_per_host,
            ..
        } = context.config.limits;
        let limit = if context.attempts_left == 0 {
            attempts
        } else {
            attempts_per_host
        };
        let error = AttemptError::TooManyAttempts { limit };
        if self.failed.is_none() {
            self.failed = Some(error.clone().into());
        }
        let (place, host) = (self.reach.place, &self.reach.host);
        context.notes.attempt(place, host, None, error);
    }

    /// Records a failed attempt; the next one need not wait (RFC 8305 §5), unless several have failed in a row
    fn fail(&mut self, address: SocketAddr, error: AttemptError, context: &mut Context) {
        context.failures = context.failures.saturating_add(1);
        if let Pace::Continues { at, .. } = &mut self.pace
            && context.failures < UNPACED_FAILURES
        {
            *at = context.now;
        }
        let failed = self.failed.as_deref();
        if failed.is_none_or(|failed| failed.fault() != Fault::Ours) {
            self.failed = Some(error.clone().into());
        }
        context
            .notes
            .attempt(self.reach.place, &self.reach.host, Some(address), error);
    }
}

/// After so many failures in a row, one more does not hasten the next attempt: most hosts have two addresses, most
/// services two hosts; our choice
const UNPACED_FAILURES: u8 = 4;
