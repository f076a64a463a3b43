//! Racing the addresses of one host (RFC 8305, "Happy Eyeballs").

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::context::Context;
use crate::action::{ActionId, Connect, Family};
use crate::answer::Absence;
use crate::error::{AttemptError, ConnectError};
use crate::found::{Connection, Warning};
use crate::name::Host;
use crate::time::Instant;
use crate::trust::Verdict;

/// One host being connected to: its addresses as they become known, and the attempts under way
///
/// AAAA and A are asked together. The first attempt starts when AAAA is answered, or the resolution delay
/// after A was. Families alternate, IPv6 first; the next attempt starts the attempt delay after the last,
/// or as soon as one fails.
#[derive(Clone, Debug)]
pub(super) struct Dial {
    /// The number of the specification's step, for the record of attempts
    step: &'static str,
    host: Host,
    port: u16,
    tls_name: Host,
    v6: Addresses,
    v4: Addresses,
    /// The family of the last attempt: the next takes the other one
    last: Family,
    in_flight: Vec<InFlight>,
    /// When the next attempt may start; before the first, the end of the resolution delay
    next: Option<Instant>,
    started: bool,
    /// Why the last thing that failed did, or that this machine itself has failed
    cause: AttemptError,
}

/// The addresses of one family
#[derive(Clone, Debug)]
enum Addresses {
    Awaited,
    Known(VecDeque<IpAddr>),
}

#[derive(Clone, Debug)]
struct InFlight {
    id: ActionId,
    address: SocketAddr,
    verdict: Verdict,
    deadline: Instant,
    /// Whether a driver has been given it
    sent: bool,
}

impl Dial {
    pub(super) fn new(step: &'static str, host: Host, port: u16, tls_name: Host) -> Self {
        Self {
            step,
            host,
            port,
            tls_name,
            v6: Addresses::Awaited,
            v4: Addresses::Awaited,
            last: Family::V4,
            in_flight: Vec::new(),
            next: None,
            started: false,
            cause: AttemptError::NoAddress(Absence::NoData),
        }
    }

    /// The next attempt that a driver has not been given yet
    pub(super) fn poll(&mut self) -> Option<Connect> {
        let attempt = self.in_flight.iter_mut().find(|attempt| !attempt.sent)?;
        attempt.sent = true;
        Some(Connect {
            id: attempt.id,
            address: attempt.address,
            tls_name: self.tls_name.clone(),
            verdict: attempt.verdict.clone(),
            deadline: attempt.deadline,
        })
    }

    /// When something happens without an answer
    pub(super) fn deadline(&self) -> Option<Instant> {
        let next = if self.has_untried() { self.next } else { None };
        self.in_flight
            .iter()
            .map(|attempt| attempt.deadline)
            .chain(next)
            .min()
    }

    /// Takes in the result of an attempt; of one that is not under way, it changes nothing
    pub(super) fn handle_connected(
        &mut self,
        id: ActionId,
        result: Result<(), ConnectError>,
        context: &mut Context,
    ) -> Option<Connection> {
        let index = self.in_flight.iter().position(|attempt| attempt.id == id)?;
        let attempt = self.in_flight.remove(index);
        match result {
            Ok(()) => {
                self.cancel(context);
                if let Verdict::Skip(rule) = &attempt.verdict {
                    context.notes.warnings.push(Warning::VerificationSkipped {
                        host: self.tls_name.clone(),
                        address: attempt.address,
                        rule: rule.clone(),
                    });
                }
                Some(Connection {
                    id,
                    address: attempt.address,
                    verdict: attempt.verdict,
                })
            }
            Err(error) => {
                self.fail(attempt.address, AttemptError::Connect(error), context);
                None
            }
        }
    }

    /// Goes on as far as what is known and the time allow; the last failure, once there is nothing left to try
    pub(super) fn advance(&mut self, context: &mut Context) -> Option<AttemptError> {
        if let Host::Dns(name) = &self.host {
            context.want_addresses(name);
        }
        self.expire(context);
        self.take_addresses(context);
        while let Some(address) = self.next_address(context.now) {
            self.start(address, context);
        }
        let awaits = |addresses: &Addresses| matches!(addresses, Addresses::Awaited);
        if self.in_flight.is_empty()
            && !self.has_untried()
            && !awaits(&self.v6)
            && !awaits(&self.v4)
        {
            if let AttemptError::NoAddress(_) = self.cause {
                context.note_attempt(self.step, &self.host, None, self.cause.clone());
            }
            return Some(self.cause.clone());
        }
        None
    }

    /// Gives up every attempt under way
    pub(super) fn cancel(&mut self, context: &mut Context) {
        let sent = self.in_flight.drain(..).filter(|attempt| attempt.sent);
        context.cancelled.extend(sent.map(|attempt| attempt.id));
    }

    fn expire(&mut self, context: &mut Context) {
        let now = context.now;
        let over = |attempt: &InFlight| attempt.deadline <= now;
        while let Some(index) = self.in_flight.iter().position(over) {
            let attempt = self.in_flight.remove(index);
            if attempt.sent {
                context.cancelled.push(attempt.id);
            }
            let error = AttemptError::Connect(ConnectError::TimedOut);
            self.fail(attempt.address, error, context);
        }
    }

    fn take_addresses(&mut self, context: &mut Context) {
        for family in [Family::V6, Family::V4] {
            if matches!(self.of(family), Addresses::Known(_)) {
                continue;
            }
            let Some(answer) = context.admitted(self.step, &self.host, self.port, family) else {
                continue;
            };
            let list = answer.unwrap_or_else(|error| {
                self.note(error);
                Vec::new()
            });
            *self.of(family) = Addresses::Known(list.into());
            // RFC 8305 §3: A alone waits the resolution delay for AAAA
            if !self.started && self.has_untried() {
                let awaits_v6 = matches!(self.v6, Addresses::Awaited);
                let delay = context.config.racing.resolution_delay;
                self.next = Some(if awaits_v6 {
                    context.now + delay
                } else {
                    context.now
                });
            }
        }
    }

    /// The address to try now, if it is time for one: IPv6 first, then the families in turn (RFC 8305 §4)
    fn next_address(&mut self, now: Instant) -> Option<IpAddr> {
        if self.next.is_none_or(|next| next > now) {
            return None;
        }
        let order = match self.last {
            Family::V4 => [Family::V6, Family::V4],
            Family::V6 => [Family::V4, Family::V6],
        };
        order.into_iter().find_map(|family| match self.of(family) {
            Addresses::Awaited => None,
            Addresses::Known(list) => list.pop_front(),
        })
    }

    fn start(&mut self, address: IpAddr, context: &mut Context) {
        self.last = Family::of(address);
        self.started = true;
        self.next = Some(context.now + context.config.racing.attempt_delay);
        self.in_flight.push(InFlight {
            id: context.ids.next(),
            address: SocketAddr::new(address, self.port),
            verdict: context.config.trust.verdict(&self.tls_name, address),
            deadline: context.now + context.config.deadlines.connect,
            sent: false,
        });
    }

    /// Records a failed attempt; the next one need not wait (RFC 8305 §5)
    fn fail(&mut self, address: SocketAddr, error: AttemptError, context: &mut Context) {
        self.next = Some(context.now);
        if !self.cause.is_ours() {
            self.cause = error.clone();
        }
        context.note_attempt(self.step, &self.host, Some(address), error);
    }

    /// Keeps the most telling reason for having no address: any failure over "no such record", our own over any
    fn note(&mut self, error: AttemptError) {
        let is_absence = |error: &AttemptError| matches!(error, AttemptError::NoAddress(_));
        let has_dialled = matches!(self.cause, AttemptError::Connect(_));
        let tells_more = !has_dialled && (is_absence(&self.cause) || !is_absence(&error));
        if !self.cause.is_ours() && (tells_more || error.is_ours()) {
            self.cause = error;
        }
    }

    fn of(&mut self, family: Family) -> &mut Addresses {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }

    fn has_untried(&self) -> bool {
        [&self.v6, &self.v4]
            .into_iter()
            .any(|addresses| match addresses {
                Addresses::Awaited => false,
                Addresses::Known(list) => !list.is_empty(),
            })
    }
}
