//! What the network said, each thing with a lifetime of its own.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::hash::{BuildHasher as _, Hash as _, Hasher as _};
use core::net::IpAddr;
use core::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use slab::Slab;

use crate::answer::{Answer, FactKind, SrvRecord};
use crate::config::Config;
use crate::discovery::{Delegation, lifetime};
use crate::error::{DnsError, Fault, WellKnownError};
use crate::freshness::back_off;
use crate::name::DnsName;
use crate::random;
use crate::time::Instant;

/// All facts, each in a place that is its own for as long as somebody holds it
#[derive(Clone, Debug)]
pub(super) struct Facts {
    places: Slab<Fact>,
    by_name: HashTable<FactId>,
    hasher: FixedState,
    seed: u64,
}

/// Names a fact while it is held
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FactId(u32);

/// One thing that can be asked of the network, and what is known of it
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) kind: FactKind,
    pub(super) name: DnsName,
    /// Who is asking for it
    pub(super) asked_by: Option<u32>,
    /// How many hold it
    holders: u32,
    good: Option<Known>,
    /// The failures since then, which leave its end where it was
    bad: Option<Box<Failure>>,
}

#[derive(Clone, Debug)]
struct Known {
    said: Said,
    /// `None` if that was before there was this pool
    learnt: Option<Instant>,
    /// From when on it is to be asked anew: a fifth of its life before its end
    due: Instant,
    until: Instant,
}

#[derive(Clone, Debug)]
struct Failure {
    known: Known,
    /// How many in a row
    count: u8,
}

/// What the network said
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    Addresses(Result<Answer<IpAddr>, DnsError>),
    Srv(Result<Answer<SrvRecord>, DnsError>),
    WellKnown(Arc<Delegation>),
}

/// What whoever wants a fact is told
#[derive(Clone, Copy, Debug)]
pub(super) enum Service {
    /// This, to be believed so long
    Known {
        /// Whether it is a failure
        failed: bool,
        until: Instant,
        /// Whether that is beyond its time
        stale: bool,
        /// Whether it is to be asked anew meanwhile
        due: bool,
        /// Whether it was learnt since whoever wants it began
        own: bool,
    },
    /// It has to be asked
    Ask,
}

/// A fact with the time that it has left
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    pub(super) said: Said,
    pub(super) failures: u8,
    pub(super) life: Duration,
    pub(super) left: Duration,
}

/// Who wants a fact
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) now: Instant,
    /// When whoever wants it began: what was learnt since is never too old
    pub(super) since: Instant,
    /// Whether nothing else will do
    pub(super) fresh: bool,
}

impl Facts {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            places: Slab::new(),
            by_name: HashTable::new(),
            hasher: FixedState::with_seed(seed),
            seed,
        }
    }

    /// How many there are
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The place of a fact, which it has from now on
    pub(super) fn place(&mut self, kind: FactKind, name: &DnsName) -> FactId {
        let hash = self.hash(kind, name);
        if let Some(id) = self.find_hashed(hash, kind, name) {
            return id;
        }
        // A slab of four milliards of facts would fill the memory
        let id = FactId(self.places.insert(Fact::new(kind, name)) as u32);
        let (places, hasher) = (&self.places, &self.hasher);
        self.by_name.insert_unique(hash, id, |id| {
            let fact = &places[id.0 as usize];
            hash_of(hasher, fact.kind, &fact.name)
        });
        id
    }

    /// The place of a fact that has one
    pub(super) fn find(&self, kind: FactKind, name: &DnsName) -> Option<FactId> {
        self.find_hashed(self.hash(kind, name), kind, name)
    }

    pub(super) fn get(&self, id: FactId) -> &Fact {
        &self.places[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: FactId) -> &mut Fact {
        &mut self.places[id.0 as usize]
    }

    /// Keeps a fact until it is released as often
    pub(super) fn hold(&mut self, id: FactId) {
        self.get_mut(id).holders += 1;
    }

    /// What nobody holds and nobody asks for is forgotten
    pub(super) fn release(&mut self, id: FactId) {
        self.get_mut(id).holders -= 1;
        self.sweep(id);
    }

    /// The same of several
    pub(super) fn release_all(&mut self, ids: &[FactId]) {
        ids.iter().for_each(|id| self.release(*id));
    }

    /// Forgets a fact that nobody holds and nobody asks for
    pub(super) fn sweep(&mut self, id: FactId) {
        let fact = self.get(id);
        if fact.holders > 0 || fact.asked_by.is_some() {
            return;
        }
        let hash = self.hash(fact.kind, &fact.name);
        if let Ok(entry) = self.by_name.find_entry(hash, |other| *other == id) {
            entry.remove();
        }
        self.places.remove(id.0 as usize);
    }

    /// Forgets what all facts say; whoever holds them holds them still
    pub(super) fn forget_all(&mut self) {
        for (_, fact) in &mut self.places {
            fact.forget();
        }
    }

    /// Takes in what came of asking; gives it back, if it says nothing of anybody
    pub(super) fn learn(
        &mut self,
        id: FactId,
        said: Said,
        config: &Config,
        now: Instant,
    ) -> Option<Said> {
        let seed = self.seed;
        self.get_mut(id).learn(said, config, seed, now)
    }

    fn find_hashed(&self, hash: u64, kind: FactKind, name: &DnsName) -> Option<FactId> {
        let is_it = |id: &FactId| {
            let fact = self.get(*id);
            fact.kind == kind && fact.name == *name
        };
        self.by_name.find(hash, is_it).copied()
    }

    fn hash(&self, kind: FactKind, name: &DnsName) -> u64 {
        hash_of(&self.hasher, kind, name)
    }
}

fn hash_of(hasher: &FixedState, kind: FactKind, name: &DnsName) -> u64 {
    let mut hash = hasher.build_hasher();
    name.as_str().hash(&mut hash);
    hash.write_u8(kind as u8);
    hash.finish()
}

fn is_own(known: &Known, since: Instant) -> bool {
    known.learnt.is_some_and(|learnt| learnt >= since)
}

impl Fact {
    fn new(kind: FactKind, name: &DnsName) -> Self {
        Self {
            kind,
            name: name.clone(),
            asked_by: None,
            holders: 0,
            good: None,
            bad: None,
        }
    }

    /// What whoever wants it is told
    pub(super) fn serve(&self, wanted: Wanted, stale: Duration) -> Service {
        let Wanted { now, since, .. } = wanted;
        let own = |known: &Known| is_own(known, since);
        let usable = |known: &Known| own(known) || !wanted.fresh && now < known.until;
        let failed = self.bad.as_deref().map(|failure| &failure.known);
        // A failure leaves what was good, and later than the failure only until that may be asked for again
        let retry = failed.map_or(Instant::ORIGIN, |known| known.until);
        if let Some(good) = &self.good {
            if usable(good) {
                return Service::Known {
                    failed: false,
                    until: good.until,
                    stale: false,
                    due: !own(good) && good.due.max(retry) <= now,
                    own: own(good),
                };
            }
            let has_failed = failed.is_some_and(|known| !wanted.fresh || own(known));
            if has_failed && now < good.until + stale {
                return Service::Known {
                    failed: false,
                    until: retry.max(now),
                    stale: true,
                    due: retry <= now,
                    own: own(good),
                };
            }
        }
        match failed {
            Some(known) if usable(known) => Service::Known {
                failed: true,
                until: known.until,
                stale: false,
                due: !own(known) && known.due <= now,
                own: own(known),
            },
            Some(_) | None => Service::Ask,
        }
    }

    /// What it says, as it [serves](Self::serve)
    pub(super) fn said(&self, failed: bool) -> Option<&Said> {
        if failed {
            self.bad.as_deref().map(|failure| &failure.known.said)
        } else {
            self.good.as_ref().map(|known| &known.said)
        }
    }

    /// Whether something was learnt of it since
    pub(super) fn is_newer(&self, than: Instant) -> bool {
        let bad = self.bad.as_deref().map(|failure| &failure.known);
        let all = self.good.iter().chain(bad);
        all.into_iter()
            .any(|known| known.learnt.is_some_and(|learnt| learnt > than))
    }

    /// Whether what it says was known before this time
    fn is_older(&self, time: Instant) -> bool {
        let bad = self.bad.as_deref().map(|failure| &failure.known);
        let known = self.good.as_ref().or(bad);
        known.is_some_and(|known| known.learnt.is_none_or(|learnt| learnt < time))
    }

    /// Whether it is to be asked anew for whoever has used it at this time
    pub(super) fn is_due(&self, used: Instant, now: Instant) -> bool {
        self.due() <= now && self.is_older(used)
    }

    /// When it is to be looked after next, if it was used last at this time; never, if it was not since it was learnt and
    /// is due
    ///
    /// Where DNS could not answer, once half of what is left has passed: an outage is no reason to hurry. A .well-known
    /// that failed backs off by itself.
    pub(super) fn look_after(
        &self,
        used: Instant,
        stale: Duration,
        now: Instant,
    ) -> Option<Instant> {
        let due = self.due();
        let is_out = self.good.is_some() && self.bad.is_some() && self.kind != FactKind::WellKnown;
        if now < due && !is_out {
            return Some(due);
        }
        let left = self.next_end(stale, now).saturating_since(now);
        let is_enough = self.is_older(used) && left >= SHORT;
        is_enough.then(|| (now + left / 2).max(due))
    }

    /// The next end of what it says: of its life, and beyond that of what it may serve for want of a newer
    fn next_end(&self, stale: Duration, now: Instant) -> Instant {
        match (&self.good, &self.bad) {
            (Some(good), _) if now + SHORT < good.until => good.until,
            (Some(good), Some(_)) if now < good.until + stale => good.until + stale,
            (_, Some(bad)) => bad.known.until,
            (_, None) => now,
        }
    }

    /// From when on it is to be asked anew
    fn due(&self) -> Instant {
        match (&self.good, &self.bad) {
            (Some(good), None) => good.due,
            (Some(good), Some(bad)) => good.due.max(bad.known.until),
            (None, Some(bad)) => bad.known.due,
            (None, None) => Instant::ORIGIN,
        }
    }

    /// Until when it may be believed, as it serves now
    pub(super) fn until(&self, now: Instant) -> Instant {
        match (&self.good, &self.bad) {
            (Some(good), Some(bad)) if good.until <= now => bad.known.until,
            (Some(good), _) => good.until,
            (None, Some(bad)) => bad.known.until,
            (None, None) => now,
        }
    }

    /// What it says within its time, with the time that is left
    pub(super) fn remembered(&self, now: Instant) -> Option<Remembered> {
        let failed = self
            .bad
            .as_deref()
            .map(|failure| (&failure.known, failure.count));
        let good = self.good.as_ref().map(|good| (good, 0));
        let mut all = good.into_iter().chain(failed);
        let (known, failures) = all.find(|(known, _)| now < known.until)?;
        Some(Remembered {
            said: known.said.clone(),
            failures,
            // A fifth of it is from when it is due
            life: known.until.saturating_since(known.due) * 5,
            left: known.until.saturating_since(now),
        })
    }

    /// Takes in what was remembered, unless more is known by now
    pub(super) fn restore(&mut self, remembered: Remembered, config: &Config, now: Instant) {
        let Remembered {
            said,
            failures,
            life,
            left,
        } = remembered;
        if self.good.is_some() || self.bad.is_some() {
            return;
        }
        let lifetimes = &config.lifetimes;
        let has_failed = said.fault().is_some();
        let most = match (&said, has_failed) {
            (Said::Addresses(_) | Said::Srv(_), true) => lifetimes.dns_failure,
            (Said::Addresses(_) | Said::Srv(_), false) => lifetimes.dns_most,
            (Said::WellKnown(_), true) => lifetimes.well_known_failure_most,
            (Said::WellKnown(_), false) => lifetimes.well_known_most,
        };
        let life = life.min(most);
        let known = Known::new(said, None, life, left.min(life), now);
        if has_failed {
            let count = failures.max(1);
            self.bad = Some(Box::new(Failure { known, count }));
        } else {
            self.good = Some(known);
        }
    }

    /// Until when nothing changes of how it serves, and nobody has to want it: what was made of it holds as long
    pub(super) fn holds(&self, stale: Duration, now: Instant) -> Instant {
        match &self.good {
            Some(good) if now < good.until => self.due().min(good.until),
            Some(good) if now < good.until + stale => self.due().min(good.until + stale),
            Some(_) | None => self.due(),
        }
    }

    /// How many times in a row it could not be had
    pub(super) fn failures(&self) -> u8 {
        self.bad.as_ref().map_or(0, |failure| failure.count)
    }

    /// What it says is due, and serves while it is asked anew
    pub(super) fn doubt(&mut self, now: Instant) {
        if let Some(good) = &mut self.good {
            good.due = good.due.min(now);
        }
        if let Some(bad) = &mut self.bad {
            bad.known.due = bad.known.due.min(now);
            // Where nothing else serves, it serves meanwhile
            if self.good.is_some() {
                bad.known.until = bad.known.until.min(now);
            }
        }
    }

    /// What it says serves no longer
    pub(super) fn forget(&mut self) {
        (self.good, self.bad) = (None, None);
    }

    /// Ends the back-off; whether there was one
    pub(super) fn forgive(&mut self) -> bool {
        self.bad.take().is_some()
    }

    fn learn(&mut self, said: Said, config: &Config, seed: u64, now: Instant) -> Option<Said> {
        let known = |said, until: Instant| {
            let life = until.saturating_since(now);
            Known::new(said, Some(now), life, life, now)
        };
        let lifetimes = &config.lifetimes;
        match said.fault() {
            Some(Fault::Ours) => return Some(said),
            Some(Fault::Caller | Fault::Peer) => {
                let count = self.failures().saturating_add(1);
                let lifetime = match said {
                    Said::Addresses(_) | Said::Srv(_) => lifetimes.dns_failure,
                    Said::WellKnown(_) => {
                        let draw = random::draw(seed, self.name.as_str());
                        self.in_time(back_off(count, lifetimes, draw), config.stale, now)
                    }
                };
                let known = known(said, now + lifetime);
                self.bad = Some(Box::new(Failure { known, count }));
            }
            None => {
                let until = match &said {
                    Said::Addresses(result) => now + lifetime(result, config),
                    Said::Srv(result) => now + lifetime(result, config),
                    Said::WellKnown(delegation) => delegation.said.until,
                };
                self.good = Some(known(said, until));
                self.bad = None;
            }
        }
        None
    }

    /// A back-off that ends in time for what was good to be renewed once more before it serves no longer
    fn in_time(&self, back_off: Duration, stale: Duration, now: Instant) -> Duration {
        let end = self.good.as_ref().map(|good| good.until + stale);
        let left = end.map(|end| end.saturating_since(now + SHORT));
        match left.filter(|left| *left >= SHORT) {
            Some(left) => back_off.min(left),
            None => back_off,
        }
    }
}

impl Known {
    fn new(
        said: Said,
        learnt: Option<Instant>,
        life: Duration,
        left: Duration,
        now: Instant,
    ) -> Self {
        Self {
            said,
            learnt,
            due: now + left.saturating_sub(life / 5),
            until: now + left,
        }
    }
}

impl Said {
    /// Whose fault it is that it is not known; `None` if it is
    pub(super) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Addresses(result) => result.as_ref().err().map(DnsError::fault),
            Self::Srv(result) => result.as_ref().err().map(DnsError::fault),
            Self::WellKnown(delegation) => {
                let result = &delegation.said.result;
                result.as_ref().err().map(WellKnownError::fault)
            }
        }
    }
}

/// What is left of a life, if it is less, is too little to ask anew in time once more; our choice
const SHORT: Duration = Duration::from_secs(10);
