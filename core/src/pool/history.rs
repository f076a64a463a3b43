//! What became of the addresses that were dialled, and of the families.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use crate::action::{ActionId, Connect};
use crate::address::Family;
use crate::answer::{Answer, History};
use crate::error::{ConnectError, Fault};
use crate::name::Host;
use crate::time::Instant;

/// What became of the addresses that were dialled, and of the families
#[derive(Clone, Debug)]
pub(super) struct Dialled {
    /// Attempts under way
    open: BTreeMap<ActionId, Attempt>,
    known: BTreeMap<IpAddr, Fate>,
    /// The same, the oldest first
    oldest: BTreeSet<(Instant, IpAddr)>,
    capacity: usize,
    /// IPv6 and IPv4
    families: [Health; 2],
}

#[derive(Clone, Debug)]
struct Attempt {
    host: Host,
    address: IpAddr,
    at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Fate {
    worked: bool,
    at: Instant,
}

/// How a family does
#[derive(Clone, Debug, Default)]
struct Health {
    /// The hosts in a row at which it did not answer, while the other family did
    dead: Vec<Host>,
    /// When the last of them did
    at: Instant,
    /// The last host at which it did not answer
    silent_at: Option<Host>,
    /// The last host at which it did
    worked_at: Option<Host>,
}

impl Dialled {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            open: BTreeMap::new(),
            known: BTreeMap::new(),
            oldest: BTreeSet::new(),
            capacity: usize::try_from(capacity).unwrap_or(usize::MAX),
            families: [Health::default(), Health::default()],
        }
    }

    /// Forgets what became of addresses and families
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.oldest.clear();
        self.families = [Health::default(), Health::default()];
    }

    /// An attempt begins
    pub(super) fn begins(&mut self, connect: &Connect, now: Instant) {
        let attempt = Attempt {
            host: connect.tls_name().clone(),
            address: connect.address().ip(),
            at: now,
        };
        self.open.insert(connect.id(), attempt);
    }

    /// An attempt is given up, for no reason of its own
    pub(super) fn drop(&mut self, id: ActionId) {
        self.open.remove(&id);
    }

    /// An attempt has ended; `None` if it is given up, which tells something if another has had its head start in vain
    pub(super) fn ends(
        &mut self,
        id: ActionId,
        error: Option<Option<&ConnectError>>,
        head_start: Duration,
        now: Instant,
    ) {
        let Some(Attempt { host, address, at }) = self.open.remove(&id) else {
            return;
        };
        let is_silent = match error {
            Some(None) => {
                self.note(address, true, now);
                self.lives(Family::of(address), host, now);
                return;
            }
            // It says nothing of the address
            Some(Some(error)) if error.fault() == Fault::Ours => return,
            Some(Some(error)) => {
                matches!(error, ConnectError::TimedOut | ConnectError::Unreachable)
            }
            None if now.saturating_since(at) < head_start => return,
            None => true,
        };
        self.note(address, false, now);
        if is_silent {
            self.is_silent(Family::of(address), host, now);
        }
    }

    /// Puts an answer in the order in which it is to be dialled, by what was known when whoever wants it began: its own
    /// attempts it knows itself
    pub(super) fn order(
        &self,
        answer: Answer<IpAddr>,
        since: Instant,
        now: Instant,
    ) -> Answer<IpAddr> {
        let Answer::Found {
            mut records,
            ttl,
            alias,
            stale,
            ..
        } = answer
        else {
            return answer;
        };
        let mut history = History::default();
        let known = |address: &IpAddr| self.known.get(address).filter(|fate| fate.at <= since);
        let standing = |address: &IpAddr| match known(address) {
            Some(Fate { worked: true, .. }) => 0,
            Some(Fate { at, .. }) if now.saturating_since(*at) < MEMORY => 2,
            Some(_) | None if self.is_dead(Family::of(*address), since, now) => 2,
            Some(_) | None => 1,
        };
        if !self.known.is_empty() || self.families.iter().any(|health| !health.dead.is_empty()) {
            // Stable: among equals the name server's order stays
            records.sort_by_key(standing);
            let count = |which| records.iter().filter(|it| standing(it) == which).count();
            let small = |count| u8::try_from(count).unwrap_or(u8::MAX);
            history.worked = small(count(0));
            history.failed = small(count(2));
        }
        Answer::Found {
            records,
            ttl,
            alias,
            stale,
            history,
        }
    }

    fn note(&mut self, address: IpAddr, worked: bool, now: Instant) {
        if let Some(before) = self.known.insert(address, Fate { worked, at: now }) {
            self.oldest.remove(&(before.at, address));
        }
        self.oldest.insert((now, address));
        if self.known.len() > self.capacity
            && let Some((_, oldest)) = self.oldest.pop_first()
        {
            self.known.remove(&oldest);
        }
    }

    fn lives(&mut self, family: Family, host: Host, now: Instant) {
        let [health, other] = self.pair(family);
        health.dead.clear();
        if other.silent_at.as_ref() == Some(&host) {
            other.dies(host.clone(), now);
        }
        health.worked_at = Some(host);
    }

    fn is_silent(&mut self, family: Family, host: Host, now: Instant) {
        let [health, other] = self.pair(family);
        if other.worked_at.as_ref() == Some(&host) {
            health.dies(host.clone(), now);
        }
        health.silent_at = Some(host);
    }

    /// A family, and the other
    fn pair(&mut self, family: Family) -> [&mut Health; 2] {
        let [v6, v4] = &mut self.families;
        match family {
            Family::V6 => [v6, v4],
            Family::V4 => [v4, v6],
        }
    }

    /// Whether a family is to wait its turn
    fn is_dead(&self, family: Family, since: Instant, now: Instant) -> bool {
        let [v6, v4] = &self.families;
        let health = match family {
            Family::V6 => v6,
            Family::V4 => v4,
        };
        health.dead.len() >= DEAD && health.at <= since && now.saturating_since(health.at) < MEMORY
    }
}

impl Health {
    /// It did not answer at a host, while the other did
    fn dies(&mut self, host: Host, now: Instant) {
        self.at = now;
        if self.dead.len() < DEAD && !self.dead.contains(&host) {
            self.dead.push(host);
        }
    }
}

/// RFC 6555 §4.2: "on the order of 10 minutes"
const MEMORY: Duration = Duration::from_secs(600);
/// So many hosts in a row make a family dead; our choice
const DEAD: usize = 3;
