//! The machines that a pool drives, and what each is for.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::facts::{FactId, Wanted};
use super::told::Ticket;
use crate::action::{ActionId, Event};
use crate::discovery::{Begin, Delegation, Delegator, Discovery, Given, Goal, Question, Verb};
use crate::found::{DiscoveryError, Found, Notes};
use crate::machine::{Machine as _, Step};
use crate::name::ServerName;
use crate::record::Recorder;
use crate::time::Instant;

/// By the numbers of machines and questions; to be looked into, and gone through only where the order means nothing
pub(super) type ByNumber<T> = HashMap<u32, Box<T>, FixedState>;

/// A machine that a pool drives
#[derive(Clone, Debug)]
pub(super) struct Worker {
    pub(super) machine: Machine,
    pub(super) job: Job,
    /// When it began: what was learnt since is never too old for it
    pub(super) since: Instant,
    /// Whether what was learnt before will not do
    pub(super) fresh: bool,
    /// The facts that it was told of, or waits for
    pub(super) holds: Vec<FactId>,
    /// What it was told of, and when: what was learnt of the same since then it does not know
    pub(super) told: Vec<(FactId, Instant)>,
    /// Whether nobody wants it any more
    pub(super) given_up: bool,
    /// The questions that it waits for
    pub(super) open: Vec<(ActionId, FactId)>,
    /// The entry in the pool's index of deadlines
    pub(super) timer: Option<Instant>,
    /// What it was told and has not moved on from is news
    pub(super) news: bool,
    /// Since when it has stood in line for DNS, if it does
    pub(super) queued: Option<Instant>,
    /// Where it stands in line
    pub(super) turn: Turn,
}

/// Where a worker stands
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It waits for a reply, or for its deadline
    Idle,
    /// It was told something, and moves on when everybody was
    Moving,
    /// It may have something to say
    Ready,
    /// It has a question for which it is not its turn
    Queued,
}

#[derive(Clone, Debug)]
pub(super) enum Machine {
    Delegator(Box<Delegator>),
    /// A search of which is kept what it is told and says
    Recorded(Box<Recorder>),
    Search(Box<Discovery>),
}

/// What a worker is for
#[derive(Clone, Debug)]
pub(super) enum Job {
    Delegation(DelegationJob),
    Search(SearchJob),
}

#[derive(Clone, Debug)]
pub(super) struct DelegationJob {
    /// What it asks for, until it has come to its end, or nobody wants it
    pub(super) fact: Option<FactId>,
    /// The searches that await it
    pub(super) waiters: Vec<u32>,
    /// Whether it is to go on without any
    pub(super) is_renewal: bool,
}

#[derive(Clone, Debug)]
pub(super) struct SearchJob {
    pub(super) name: ServerName,
    pub(super) begin: Begin,
    pub(super) goal: Goal,
    /// Who asked, and when
    pub(super) askers: Vec<(Ticket, Instant)>,
    /// What .well-known came to is this fact
    pub(super) delegation: Option<FactId>,
    /// Who does step 3
    pub(super) awaits: Option<u32>,
    /// Whether what its last way used is still to be asked for
    pub(super) prefetch: bool,
}

impl Worker {
    pub(super) fn new(machine: Machine, job: Job, since: Instant, fresh: bool) -> Self {
        Self {
            machine,
            job,
            since,
            fresh,
            // Two services, two hosts, and .well-known
            holds: Vec::with_capacity(8),
            told: Vec::with_capacity(8),
            given_up: false,
            queued: None,
            open: Vec::with_capacity(4),
            timer: None,
            news: false,
            turn: Turn::Idle,
        }
    }

    pub(super) fn search(&mut self) -> Option<(&Discovery, &mut SearchJob)> {
        match (self.machine.search(), &mut self.job) {
            (Some(search), Job::Search(job)) => Some((search, job)),
            _ => None,
        }
    }

    pub(super) fn delegator(&mut self) -> Option<(&mut Delegator, &mut DelegationJob)> {
        match (&mut self.machine, &mut self.job) {
            (Machine::Delegator(delegator), Job::Delegation(job)) => Some((delegator, job)),
            _ => None,
        }
    }

    pub(super) fn wanted(&self, now: Instant) -> Wanted {
        Wanted {
            now,
            since: self.since,
            fresh: self.fresh,
        }
    }

    /// It does not wait for this question any more, if it did; whether it waits for none now
    pub(super) fn close(&mut self, id: ActionId) -> Option<(FactId, bool)> {
        let index = self.open.iter().position(|(open, _)| *open == id)?;
        let (_, fact) = self.open.swap_remove(index);
        Some((fact, self.open.is_empty()))
    }
}

impl Machine {
    /// The search, if it is one
    pub(super) fn search(&self) -> Option<&Discovery> {
        match self {
            Self::Delegator(_) => None,
            Self::Recorded(search) => Some(search.search()),
            Self::Search(search) => Some(search),
        }
    }

    pub(super) fn next_question(&self) -> Option<Question<'_>> {
        match self {
            Self::Delegator(delegator) => delegator.next_question(),
            Self::Recorded(search) => search.search().next_question(),
            Self::Search(search) => search.next_question(),
        }
    }

    pub(super) fn poll(&mut self) -> Step<Result<Box<Found>, DiscoveryError>> {
        match self {
            Self::Delegator(delegator) => match delegator.poll() {
                Step::Act(action) => Step::Act(action),
                Step::Cancel(id) => Step::Cancel(id),
                Step::Done(never) => absurd(never),
                Step::Wait { until } => Step::Wait { until },
            },
            Self::Recorded(search) => search.poll(),
            Self::Search(search) => search.poll(),
        }
    }

    /// Whether a driver has this action of it
    pub(super) fn awaits(&self, id: ActionId) -> bool {
        match self {
            Self::Delegator(delegator) => delegator.awaits(id),
            Self::Recorded(search) => search.search().awaits(id),
            Self::Search(search) => search.awaits(id),
        }
    }

    pub(super) fn hear(&mut self, event: Event, now: Instant) -> bool {
        match self {
            Self::Delegator(delegator) => delegator.hear(event, now),
            Self::Recorded(search) => search.obey(Verb::Hear { now, event }),
            Self::Search(search) => search.hear(event, now),
        }
    }

    pub(super) fn move_on(&mut self, news: bool, now: Instant) {
        match self {
            Self::Delegator(delegator) => delegator.move_on(news, now),
            Self::Recorded(search) => _ = search.obey(Verb::MoveOn { now, news }),
            Self::Search(search) => search.move_on(news, now),
        }
    }

    pub(super) fn arrive(&mut self, now: Instant) {
        match self {
            Self::Delegator(delegator) => delegator.arrive(now),
            Self::Recorded(search) => _ = search.obey(Verb::Arrive { now }),
            Self::Search(search) => search.arrive(now),
        }
    }

    pub(super) fn skip(&mut self, lost: Duration, now: Instant) {
        match self {
            Self::Delegator(delegator) => delegator.skip(lost, now),
            Self::Recorded(search) => _ = search.obey(Verb::Skip { now, lost }),
            Self::Search(search) => search.skip(lost, now),
        }
    }

    pub(super) fn put_off(&mut self, lost: Duration) {
        match self {
            Self::Delegator(delegator) => delegator.put_off(lost),
            Self::Recorded(search) => _ = search.obey(Verb::PutOff(lost)),
            Self::Search(search) => search.put_off(lost),
        }
    }

    pub(super) fn stood_still(&mut self, lost: Duration) {
        match self {
            Self::Delegator(delegator) => delegator.stood_still(lost),
            Self::Recorded(search) => _ = search.obey(Verb::StoodStill(lost)),
            Self::Search(search) => search.stood_still(lost),
        }
    }

    /// Ends a search whose time is over; whether it was
    pub(super) fn expire(&mut self, now: Instant, of_step_3: Option<Notes>) -> bool {
        match self {
            // A search's deadline is over all that it does; this one has those of its requests alone
            Self::Delegator(_) => false,
            Self::Recorded(search) => {
                let of_step_3 = of_step_3.map(Box::new);
                search.obey(Verb::Expire { now, of_step_3 })
            }
            Self::Search(search) => search.expire(now, of_step_3.as_ref()),
        }
    }

    /// Tells a search what step 3 came to
    pub(super) fn give_delegation(&mut self, now: Instant, delegation: &Delegation, how: Given) {
        match self {
            // It is who would ask
            Self::Delegator(_) => {}
            Self::Recorded(search) => {
                search.obey(Verb::GiveDelegation {
                    now,
                    delegation: delegation.clone().into(),
                    how,
                });
            }
            Self::Search(search) => search.give_delegation(now, delegation, how),
        }
    }

    pub(super) fn give_up(&mut self) {
        match self {
            Self::Delegator(delegator) => delegator.give_up(),
            Self::Recorded(search) => _ = search.obey(Verb::GiveUp),
            Self::Search(search) => search.give_up(),
        }
    }
}

fn absurd<T>(never: Infallible) -> T {
    match never {}
}
