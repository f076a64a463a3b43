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

use super::facts::{FactId, Facts};
use crate::discovery::Begin;
use crate::error::Fault;
use crate::found::{DiscoveryError, DiscoveryErrorKind, Found};
use crate::name::ServerName;
use crate::time::Instant;

/// What a search for a destination ends with, for all who asked
pub(super) type Conclusion = Result<Arc<Found>, Arc<DiscoveryError>>;

/// What is remembered of names, and of subjects: the least recently used goes first
#[derive(Clone)]
pub(super) struct Conclusions {
    /// By the exact text: the `Host` that is to be sent has it
    names: LruCache<Arc<str>, Record, FixedState>,
    subjects: LruCache<Arc<str>, Record, FixedState>,
    /// When names are to be looked after, those that may have been used since what they rest on was learnt
    index: BTreeSet<(Instant, Begin, Arc<str>)>,
    capacity: usize,
}

/// What is remembered of a name
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) conclusion: Option<Conclusion>,
    /// When the first fact that it rests on is due: from then on somebody must want the facts
    pub(super) due: Instant,
    /// The facts that its last way used, each held
    pub(super) rests_on: Box<[FactId]>,
    /// When somebody asked for it last
    pub(super) used: Option<Instant>,
    /// The entry in the index of what is to be looked after
    indexed: Option<Instant>,
    /// How many searches in a row have failed
    pub(super) failures: u32,
    /// When it was last reported from above that something is wrong with it
    pub(super) reported: Option<Instant>,
    /// When a sign of life last ended a back-off
    pub(super) revived: Option<Instant>,
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

    /// The same, begun if there is nothing yet; `forgotten` is told of what has to go for it
    pub(super) fn entry(
        &mut self,
        begin: Begin,
        name: &ServerName,
        mut forgotten: impl FnMut(Record),
    ) -> &mut Record {
        let capacity = self.capacity.max(1);
        let records = self.of(begin);
        if !records.contains(name.as_str())
            && records.len() >= capacity
            && let Some((oldest, record)) = records.pop_lru()
        {
            self.unindex(begin, &oldest, record.indexed);
            forgotten(record);
        }
        let records = self.of(begin);
        records.get_or_insert_mut(name.shared().clone(), Record::default)
    }

    /// Forgets a name, and gives out what was remembered
    pub(super) fn remove(&mut self, begin: Begin, name: &ServerName) -> Option<Record> {
        let record = self.of(begin).pop(name.as_str())?;
        self.unindex(begin, name.shared(), record.indexed);
        Some(record)
    }

    /// Has a name looked after then, and at no other time
    pub(super) fn look_after(&mut self, begin: Begin, name: &Arc<str>, at: Option<Instant>) {
        let Some(record) = self.of(begin).peek_mut(&**name) else {
            return;
        };
        if record.indexed == at {
            return;
        }
        let before = mem::replace(&mut record.indexed, at);
        self.unindex(begin, name, before);
        self.index.extend(at.map(|at| (at, begin, name.clone())));
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

    /// What is remembered of a name that is not in use by that
    pub(super) fn peek(&self, begin: Begin, name: &str) -> Option<&Record> {
        match begin {
            Begin::Name => self.names.peek(name),
            Begin::Subject => self.subjects.peek(name),
        }
    }

    fn unindex(&mut self, begin: Begin, name: &Arc<str>, at: Option<Instant>) {
        if let Some(at) = at {
            self.index.remove(&(at, begin, name.clone()));
        }
    }

    /// Forgets everything, and gives out what was remembered
    pub(super) fn clear(&mut self) -> Vec<Record> {
        self.index.clear();
        let mut all = Vec::new();
        for records in [&mut self.names, &mut self.subjects] {
            while let Some((_, record)) = records.pop_lru() {
                all.push(record);
            }
        }
        all
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
    /// A search has ended, which rests on these facts
    pub(super) fn conclude(
        &mut self,
        conclusion: Conclusion,
        facts: &Facts,
        stale: Duration,
        now: Instant,
    ) {
        let holds = self
            .rests_on
            .iter()
            .map(|id| facts.get(*id).holds(stale, now));
        self.due = match &conclusion {
            // It says nothing of the facts
            Err(error) if error.kind == DiscoveryErrorKind::TimedOut => now,
            Err(error) if error.fault() == Fault::Ours => now,
            Ok(_) | Err(_) => holds.min().unwrap_or(Instant::END),
        };
        self.failures = match &conclusion {
            Ok(_) => 0,
            Err(_) => self.failures.saturating_add(1),
        };
        self.conclusion = Some(conclusion);
    }
}
