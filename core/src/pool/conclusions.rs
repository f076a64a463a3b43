//! What searches made of the facts, by the name that was asked for.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::time::Duration;

use foldhash::fast::FixedState;
use lru::LruCache;

use super::desk::Desk;
use super::facts::{FactId, Facts};
use super::told::{Delegated, Outcome};
use super::worker::{SearchJob, Worker};
use crate::discovery::{Begin, Goal};
use crate::error::Fault;
use crate::found::{DiscoveryError, DiscoveryErrorKind, Found};
use crate::name::ServerName;
use crate::time::Instant;

/// What a search for a destination ends with, for all who asked
pub(super) type Conclusion = Result<Arc<Found>, Arc<DiscoveryError>>;

/// What a search has made of the facts that it used
#[derive(Clone, Copy, Debug)]
pub(super) enum Made<'a> {
    Nothing,
    Place(&'a Conclusion),
    Subject(&'a Arc<Delegated>),
}

/// What is remembered of names, and of subjects: the least recently used goes first
#[derive(Clone)]
pub(super) struct Conclusions {
    /// By the exact text: the `Host` that is to be sent has it
    names: LruCache<Arc<str>, Record, FixedState>,
    subjects: LruCache<Arc<str>, Record, FixedState>,
    /// When names are to be looked after, if they are
    index: BTreeSet<(Instant, Begin, Arc<str>)>,
    capacity: usize,
}

/// What is remembered of a name
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) conclusion: Option<Conclusion>,
    /// When the first fact that it rests on is due: from then on somebody must want the facts
    pub(super) due: Instant,
    /// Whom requests for it are for, and when the first fact that this rests on is due
    delegated: Option<(Arc<Delegated>, Instant)>,
    /// The facts that its last way used, each held
    pub(super) rests_on: Box<[FactId]>,
    /// When somebody asked for it last
    pub(super) used: Option<Instant>,
    /// The entry in the index of what is to be looked after
    indexed: Option<Instant>,
    /// How many searches in a row have failed
    pub(super) failures: u32,
    /// When it was last reported from above that something is wrong with it
    reported: Option<Instant>,
    /// When a sign of life last ended a back-off
    revived: Option<Instant>,
}

impl fmt::Debug for Conclusions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Conclusions {
    pub(super) fn new(capacity: u32, seed: u64) -> Self {
        let cache = || LruCache::unbounded_with_hasher(FixedState::with_seed(seed));
        Self {
            names: cache(),
            subjects: cache(),
            index: BTreeSet::new(),
            capacity: usize::try_from(capacity).unwrap_or(usize::MAX),
        }
    }

    /// How many names there are
    pub(super) fn len(&self) -> usize {
        self.names.len() + self.subjects.len()
    }

    /// What is remembered of a name, which is in use
    pub(super) fn get(&mut self, begin: Begin, name: &ServerName) -> Option<&mut Record> {
        self.of(begin).get_mut(name.as_str())
    }

    /// The same, begun if there is nothing yet, for which another may have to go
    pub(super) fn entry(
        &mut self,
        begin: Begin,
        name: &ServerName,
        facts: &mut Facts,
    ) -> &mut Record {
        let capacity = self.capacity.max(1);
        let records = self.of(begin);
        if !records.contains(name.as_str())
            && records.len() >= capacity
            && let Some((oldest, record)) = records.pop_lru()
        {
            self.unindex(begin, &oldest, record.indexed);
            facts.release_all(&record.rests_on);
        }
        let records = self.of(begin);
        records.get_or_insert_mut(name.shared().clone(), Record::default)
    }

    /// Takes in what a search has made of the facts that it used, if it has made something of them
    pub(super) fn remember(
        &mut self,
        (worker, job): (&Worker, &SearchJob),
        mut used: Vec<FactId>,
        made: Made<'_>,
        desk: &mut Desk,
        now: Instant,
    ) {
        // What was learnt of a fact after it was told of it is not what it rests on
        let mut told = worker.told.iter();
        let is_overtaken =
            told.any(|(fact, at)| used.contains(fact) && desk.facts.get(*fact).is_newer(*at));
        let holds = used.iter().map(|id| desk.facts.get(*id));
        let holds = holds.map(|fact| fact.holds(desk.config.stale, now)).min();
        let holds = if is_overtaken { Some(now) } else { holds };
        let record = self.entry(job.begin, &job.name, &mut desk.facts);
        // What a destination rests on stays with it, for as long as it is remembered
        let is_partial = match made {
            Made::Nothing => {
                record.conclusion.is_some() && now < record.due || job.goal == Goal::Delegate
            }
            Made::Subject(_) => true,
            Made::Place(conclusion) => says_nothing(conclusion),
        };
        if is_partial {
            let more = record.rests_on.iter().filter(|id| !used.contains(id));
            used.extend(more.copied().collect::<Vec<_>>());
        }
        used.iter().for_each(|id| desk.facts.hold(*id));
        let before = mem::replace(&mut record.rests_on, used.into());
        desk.facts.release_all(&before);
        record.used = record.used.max(Some(worker.since));
        let due = holds.unwrap_or(Instant::END);
        match made {
            Made::Nothing => {}
            Made::Subject(delegated) => record.delegated = Some((delegated.clone(), due)),
            Made::Place(conclusion) => record.conclude(conclusion.clone(), due, now),
        }
        self.look_after(job.begin, job.name.shared(), desk, now);
    }

    /// Forgets a name, and what its last way used; whether it was remembered
    pub(super) fn forget(&mut self, begin: Begin, name: &ServerName, facts: &mut Facts) -> bool {
        let Some(record) = self.of(begin).pop(name.as_str()) else {
            return false;
        };
        self.unindex(begin, name.shared(), record.indexed);
        for id in &record.rests_on {
            facts.get_mut(*id).forget();
        }
        facts.release_all(&record.rests_on);
        true
    }

    /// Has the facts of a name asked anew that are due and were used, and the others when they are
    ///
    /// What was used once since it was learnt is renewed once: whoever asks at least once a lifetime never waits.
    pub(super) fn look_after(
        &mut self,
        begin: Begin,
        name: &Arc<str>,
        desk: &mut Desk,
        now: Instant,
    ) {
        let Some(record) = self.of(begin).peek_mut(&**name) else {
            return;
        };
        let Some(used) = record.used else {
            return;
        };
        let mut next: Option<Instant> = None;
        for id in &record.rests_on {
            let fact = desk.facts.get(*id);
            let again = fact.look_after(used, desk.config.stale, now);
            let again = again.filter(|at| *at < Instant::END);
            next = next.into_iter().chain(again).min();
            if fact.is_due(used, now) {
                desk.renew(*id);
            }
        }
        if record.indexed != next {
            let before = mem::replace(&mut record.indexed, next);
            self.unindex(begin, name, before);
            self.index.extend(next.map(|at| (at, begin, name.clone())));
        }
    }

    /// When the next name is to be looked after
    pub(super) fn next(&self) -> Option<Instant> {
        self.index.first().map(|(at, ..)| *at)
    }

    /// The next name that is to be looked after by now
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(Begin, Arc<str>)> {
        let first = self.index.first()?;
        if first.0 > now {
            return None;
        }
        let (_, begin, name) = self.index.pop_first()?;
        if let Some(record) = self.of(begin).peek_mut(&*name) {
            record.indexed = None;
        }
        Some((begin, name))
    }

    fn unindex(&mut self, begin: Begin, name: &Arc<str>, at: Option<Instant>) {
        if let Some(at) = at {
            self.index.remove(&(at, begin, name.clone()));
        }
    }

    /// Forgets every name
    pub(super) fn clear(&mut self, facts: &mut Facts) {
        self.index.clear();
        for records in [&mut self.names, &mut self.subjects] {
            while let Some((_, record)) = records.pop_lru() {
                facts.release_all(&record.rests_on);
            }
        }
    }

    /// All of them, the most recently used first
    pub(super) fn iter(&self) -> impl Iterator<Item = (Begin, &Arc<str>, &Record)> {
        let of = |begin, records| {
            let records: &LruCache<_, _, _> = records;
            records
                .iter()
                .map(move |(name, record)| (begin, name, record))
        };
        of(Begin::Name, &self.names).chain(of(Begin::Subject, &self.subjects))
    }

    fn of(&mut self, begin: Begin) -> &mut LruCache<Arc<str>, Record, FixedState> {
        match begin {
            Begin::Name => &mut self.names,
            Begin::Subject => &mut self.subjects,
        }
    }
}

impl Record {
    /// Takes in what was seen of the server from above; whether that counts
    pub(super) fn report(&mut self, outcome: Outcome, facts: &mut Facts, now: Instant) -> bool {
        let last = match outcome {
            Outcome::Alive => &mut self.revived,
            Outcome::Misdirected | Outcome::Unreachable => &mut self.reported,
        };
        if last.is_some_and(|last| now < last + REPORT_INTERVAL) {
            return false;
        }
        *last = Some(now);
        let mut is_due = outcome != Outcome::Alive;
        for id in &self.rests_on {
            let fact = facts.get_mut(*id);
            match outcome {
                Outcome::Alive => is_due |= fact.forgive(),
                Outcome::Misdirected => fact.forget(),
                Outcome::Unreachable => fact.doubt(now),
            }
        }
        if is_due {
            self.due = now;
            self.delegated = None;
        }
        true
    }

    /// Whom requests for it are for, if that is remembered and no fact that it rests on is due
    pub(super) fn delegated(&self, now: Instant) -> Option<&Arc<Delegated>> {
        let (delegated, due) = self.delegated.as_ref()?;
        (now < *due).then_some(delegated)
    }

    /// A search has ended, and the first fact that it rests on is due then
    fn conclude(&mut self, conclusion: Conclusion, due: Instant, now: Instant) {
        self.due = if says_nothing(&conclusion) { now } else { due };
        self.failures = match &conclusion {
            Ok(_) => 0,
            Err(_) => self.failures.saturating_add(1),
        };
        self.conclusion = Some(conclusion);
    }
}

/// Whether it says nothing of the facts: the search ended for want of time, or of what this machine lacks
fn says_nothing(conclusion: &Conclusion) -> bool {
    conclusion.as_ref().is_err_and(|error| {
        error.kind == DiscoveryErrorKind::TimedOut || error.fault() == Fault::Ours
    })
}

/// So often a report counts, for one name; our choice
const REPORT_INTERVAL: Duration = Duration::from_secs(60);
