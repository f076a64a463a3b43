//! Step 3 by itself, for all searches of a pool that want it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::convert::Infallible;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::fetch::{Fetch, Said};
use super::queries::Question;
use crate::action::{ActionId, Event, Reply};
use crate::config::Config;
use crate::error::WellKnownError;
use crate::found::Notes;
use crate::machine::Step;
use crate::name::ServerName;
use crate::time::Instant;

/// The request for .well-known of a host, over all its redirects
///
/// As a search does it, with notes and questions of its own.
#[derive(Clone, Debug)]
pub(crate) struct Delegator {
    stage: Stage,
    context: Context,
}

#[derive(Clone, Debug)]
enum Stage {
    Fetching(Box<Fetch>),
    /// Over; what came of it, until it was told
    Ended(Option<Box<Delegation>>),
}

/// What step 3 came to, with all that a search that does it by itself would know
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delegation {
    pub(crate) said: Said,
    /// The status of the last response
    status: Option<u16>,
    /// What else was noticed: most often nothing was, and there are many of these
    notes: Option<Box<Notes>>,
    /// How many connections were tried
    pub(super) attempts: u8,
    /// How many of the last of them failed in a row
    pub(super) failures: u8,
    /// When the last was
    pub(super) last_attempt: Instant,
}

impl Delegation {
    /// One of another time, for which nothing was tried in this
    pub(crate) fn remembered(result: Result<ServerName, WellKnownError>, notes: Notes) -> Self {
        let until = Instant::ORIGIN;
        let (status, notes) = Self::pack(notes);
        Self {
            said: Said { result, until },
            status,
            notes,
            attempts: 0,
            failures: 0,
            last_attempt: Instant::ORIGIN,
        }
    }

    /// What was noticed on the way
    pub(crate) fn notes(&self) -> Notes {
        if let Some(notes) = &self.notes {
            return Notes::clone(notes);
        }
        let mut notes = Notes::default();
        notes.well_known.get_or_insert_default().status = self.status;
        notes
    }

    fn pack(notes: Notes) -> (Option<u16>, Option<Box<Notes>>) {
        let well_known = notes.well_known.as_ref();
        let status = well_known.and_then(|well_known| well_known.status);
        let is_plain = notes.attempts.is_empty()
            && notes.warnings.is_empty()
            && well_known.is_none_or(|well_known| well_known.redirects.is_empty());
        (status, (!is_plain).then(|| notes.into()))
    }
}

impl Delegator {
    pub(crate) fn new(
        name: &ServerName,
        config: &Arc<Config>,
        seed: u64,
        machine: u32,
        now: Instant,
    ) -> Self {
        let mut context = Context::new(config.clone(), seed, machine, now);
        let mut delegator = Self {
            stage: Stage::Fetching(Fetch::new(name, &mut context).into()),
            context,
        };
        delegator.advance(true);
        delegator
    }

    /// The question that comes next, if one does
    pub(crate) fn next_question(&self) -> Option<Question<'_>> {
        self.context.next_question()
    }

    /// What to do next; what came of it is told by [`take_end`](Self::take_end)
    pub(crate) fn poll(&mut self) -> Step<Infallible> {
        let context = &mut self.context;
        if let Some(id) = context.cancelled.pop() {
            return Step::Cancel(id);
        }
        if let Some(action) = context.queries.poll(context.now, &context.config) {
            return Step::Act(action);
        }
        match &mut self.stage {
            Stage::Ended(_) => Step::Wait { until: None },
            Stage::Fetching(fetch) => match fetch.poll(context) {
                Some(action) => Step::Act(action),
                None => Step::Wait {
                    until: self.deadline(),
                },
            },
        }
    }

    /// Takes in a reply, and moves on in [`move_on`](Self::move_on) only; whether that is news
    pub(crate) fn hear(&mut self, event: Event, now: Instant) -> bool {
        self.arrive(now);
        let Stage::Fetching(fetch) = &mut self.stage else {
            return false;
        };
        let context = &mut self.context;
        match event.reply {
            Reply::Addresses(result) => {
                let (queries, config) = (&mut context.queries, &context.config);
                queries.answer_addresses(event.id, result, config, context.now);
                false
            }
            Reply::Connected(result) => fetch.handle_connected(event.id, result, context),
            Reply::Fetched(result) if fetch.awaits(event.id) => {
                if let Some(said) = fetch.handle_fetched(result, context) {
                    self.end(said);
                }
                true
            }
            // It asks for none
            Reply::Fetched(_) | Reply::Srv(_) => false,
        }
    }

    /// Goes on as far as what is known and the time allow
    pub(crate) fn move_on(&mut self, news: bool, now: Instant) {
        self.arrive(now);
        self.advance(news);
    }

    /// What came of it, once it has ended; told once
    pub(crate) fn take_end(&mut self) -> Option<Box<Delegation>> {
        match &mut self.stage {
            Stage::Ended(ended) => ended.take(),
            Stage::Fetching(_) => None,
        }
    }

    /// Lets time pass, so much of which is lost to whoever drives this
    pub(crate) fn skip(&mut self, lost: Duration, now: Instant) {
        let before = self.context.now;
        if now > before {
            let all = now.saturating_since(before);
            self.put_off(if self.has_due() { all } else { lost.min(all) });
            self.context.now = now;
        }
    }

    /// So long it has waited in vain, for no fault of the server's
    pub(crate) fn put_off(&mut self, lost: Duration) {
        if let Stage::Fetching(fetch) = &mut self.stage {
            fetch.put_off(lost);
        }
    }

    /// Whoever drives this stood still for so long: nobody could have kept a deadline
    pub(crate) fn stood_still(&mut self, lost: Duration) {
        if let Stage::Fetching(fetch) = &mut self.stage {
            fetch.stood_still(lost);
        }
    }

    /// Nobody wants it any more
    pub(crate) fn give_up(&mut self) {
        if let Stage::Fetching(fetch) = &mut self.stage {
            fetch.cancel(&mut self.context);
        }
        self.stage = Stage::Ended(None);
        self.context.queries.want_nothing();
        self.context.queries.sweep(&mut self.context.cancelled);
    }

    /// Whether a driver has this action
    pub(crate) fn awaits(&self, id: ActionId) -> bool {
        match &self.stage {
            Stage::Ended(_) => false,
            Stage::Fetching(fetch) => fetch.is_under_way(id),
        }
    }

    /// Lets time pass; what is beyond the time that it waits for is lost
    pub(crate) fn arrive(&mut self, now: Instant) {
        let until = self.deadline().unwrap_or(now);
        self.skip(now.saturating_since(until), now);
    }

    /// What was noticed so far
    pub(crate) fn notes(&self) -> &Notes {
        &self.context.notes
    }

    /// Whether there is an action that was not polled yet
    fn has_due(&self) -> bool {
        match &self.stage {
            Stage::Ended(_) => false,
            Stage::Fetching(fetch) => fetch.has_due() || self.context.queries.has_due(),
        }
    }

    fn advance(&mut self, mut news: bool) {
        let context = &mut self.context;
        if news {
            context.queries.want_nothing();
        }
        if let Stage::Fetching(fetch) = &mut self.stage
            && let Some(said) = fetch.advance(context)
        {
            self.end(said);
            news = true;
        }
        if news {
            let context = &mut self.context;
            context.queries.sweep(&mut context.cancelled);
        }
    }

    fn end(&mut self, said: Said) {
        let context = &mut self.context;
        context.queries.want_nothing();
        let (status, notes) = Delegation::pack(core::mem::take(&mut context.notes));
        self.stage = Stage::Ended(Some(Box::new(Delegation {
            said,
            status,
            notes,
            attempts: context.config.limits.attempts - context.attempts_left,
            failures: context.failures,
            last_attempt: context.last_attempt,
        })));
    }

    /// When something happens without a reply
    fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Ended(_) => None,
            Stage::Fetching(fetch) => Some(fetch.deadline()),
        }
    }
}
