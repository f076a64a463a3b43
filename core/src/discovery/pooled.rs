//! A search in a pool, which answers its questions, and does step 3 for all that want it.
//!
//! What a loop does in one call is two here: a search is told, and moves on when everybody was told.

use alloc::sync::Arc;
use core::time::Duration;

use super::context::Context;
use super::delegator::Delegation;
use super::queries::Question;
use super::stage::{Begin, Stage};
use super::targets::Goal;
use super::verb::{Given, Verb};
use super::{Discovery, outcome};
use crate::action::{ActionId, Event};
use crate::config::Config;
use crate::found::Notes;
use crate::name::ServerName;
use crate::time::Instant;

impl Discovery {
    /// Does what it was told; whether that is news
    pub(crate) fn obey(&mut self, verb: Verb) -> bool {
        match verb {
            Verb::Arrive { now } => self.arrive(now),
            Verb::Expire { now, of_step_3 } => return self.expire(now, of_step_3.as_deref()),
            Verb::GiveDelegation {
                now,
                delegation,
                how,
            } => self.give_delegation(now, &delegation, how),
            Verb::GiveUp => self.give_up(),
            Verb::Hear { now, event } => return self.hear(event, now),
            Verb::MoveOn { now, news } => self.move_on(news, now),
            Verb::PutOff(lost) => self.put_off(lost),
            Verb::Skip { now, lost } => self.skip(lost, now),
            Verb::StoodStill(lost) => self.stood_still(lost),
        }
        false
    }

    /// A search whose actions are named after `machine`, and that leaves step 3 to others
    pub(crate) fn pooled(
        (goal, begin): (Goal, Begin),
        name: &ServerName,
        config: &Arc<Config>,
        seed: u64,
        machine: u32,
        now: Instant,
    ) -> Self {
        let mut context = Context::new(config.clone(), seed, machine, now);
        context.is_pooled = true;
        let mut search = Self::new(goal, name, begin == Begin::Subject, context);
        search.stage = match begin {
            Begin::Name => search.begin(),
            Begin::Subject => search.delegated(),
        };
        search.advance(true);
        search
    }

    /// The question that comes next, if one does
    pub(crate) fn next_question(&self) -> Option<Question<'_>> {
        self.context.next_question()
    }

    /// The name whose .well-known it awaits
    pub(crate) fn wants_delegation(&self) -> Option<&ServerName> {
        matches!(self.stage, Stage::Awaiting).then_some(&self.subject.name)
    }

    /// The name that all further steps are about, once that is settled
    pub(crate) fn settled(&self) -> Option<&ServerName> {
        self.is_settled().then_some(&self.subject.name)
    }

    /// What was noticed on the way, and how long it may be believed, so far
    pub(crate) fn so_far(&self) -> (&Notes, Instant) {
        (&self.context.notes, self.context.expires)
    }

    /// What step 3 came to
    pub(crate) fn give_delegation(&mut self, now: Instant, delegation: &Delegation, how: Given) {
        self.arrive(now);
        if !matches!(self.stage, Stage::Awaiting) {
            return;
        }
        let context = &mut self.context;
        if how.is_own {
            context.attempts_left = context.attempts_left.saturating_sub(delegation.attempts);
            context.failures = delegation.failures;
            context.last_attempt = delegation.last_attempt;
        }
        context.notes.take_in(&delegation.notes());
        context.notes.provisional |= how.is_stale;
        let mut said = delegation.said.clone();
        said.until = how.until;
        self.stage = self.after_well_known(said);
    }

    /// Takes in a reply, and moves on in [`move_on`](Self::move_on) only; whether that is news
    pub(crate) fn hear(&mut self, event: Event, now: Instant) -> bool {
        self.arrive(now);
        self.take(event)
    }

    /// Goes on as far as what is known and the time allow
    pub(crate) fn move_on(&mut self, news: bool, now: Instant) {
        self.arrive(now);
        self.advance(news);
    }

    /// Ends the search if its time is over, with what was noticed on the way so far, in step 3 as well
    pub(crate) fn expire(&mut self, now: Instant, of_step_3: Option<&Notes>) -> bool {
        self.arrive(now);
        let is_over = !matches!(self.stage, Stage::Ended(_)) && self.deadline <= self.context.now;
        if is_over {
            if let (Stage::Awaiting, Some(notes)) = (&self.stage, of_step_3) {
                self.context.notes.take_in(notes);
            }
            self.stage = self.time_out();
        }
        is_over
    }

    /// Whoever drives this stood still for so long: nobody could have kept a deadline
    pub(crate) fn stood_still(&mut self, lost: Duration) {
        self.deadline = self.deadline + lost;
        match &mut self.stage {
            Stage::Awaiting | Stage::Ended(_) | Stage::Srv { .. } => {}
            Stage::Targets(targets) => targets.stood_still(lost),
            Stage::WellKnown(fetch) => fetch.stood_still(lost),
        }
    }

    /// Nobody wants it any more
    pub(crate) fn give_up(&mut self) {
        let context = &mut self.context;
        match &mut self.stage {
            Stage::Awaiting | Stage::Srv { .. } => {}
            Stage::Ended(outcome) => context.cancelled.extend(outcome::session(outcome)),
            Stage::Targets(targets) => targets.cancel(context),
            Stage::WellKnown(fetch) => fetch.cancel(context),
        }
        self.stage = Stage::Ended(None);
        context.queries.want_nothing();
        context.queries.sweep(&mut context.cancelled);
    }

    /// Whether a driver has this action
    pub(crate) fn awaits(&self, id: ActionId) -> bool {
        match &self.stage {
            Stage::Awaiting | Stage::Ended(_) | Stage::Srv { .. } => false,
            Stage::Targets(targets) => targets.is_under_way(id),
            Stage::WellKnown(fetch) => fetch.is_under_way(id),
        }
    }

    /// Lets time pass
    pub(crate) fn arrive(&mut self, now: Instant) {
        if now > self.context.now
            && let Some(deadline) = self.deadline()
        {
            self.pass(deadline, now);
        }
    }
}
