//! What a pool counts.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::facts::{Said, Service};
use crate::answer::FactKind;
use crate::edition::Place;

/// What a pool has under way, and what it has counted since it began
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// Names that are remembered
    pub names: usize,
    /// Facts that are remembered
    pub facts: usize,
    /// Searches under way, requests for .well-known among them
    pub searches: usize,
    /// Of these, those whose turn to ask DNS has not come
    pub queued: usize,
    /// Questions to DNS under way
    pub questions: usize,
    /// How many searches may ask DNS at once: [`Config::asking`](crate::Config::asking), or fewer while name servers
    /// leave questions unanswered
    pub limit: usize,
    /// How many asked for a destination that was remembered
    pub remembered: u64,
    /// How many searches were begun
    pub begun: u64,
    #[serde(skip)]
    ended: BTreeMap<(Place, &'static str), u64>,
    served: [Served; FactKind::ALL.len()],
    asked: [Asked; FactKind::ALL.len()],
}

/// How often facts of a kind were wanted by searches
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Served {
    /// Known
    pub hits: u64,
    /// Not known: asked for, or waited for as somebody else had asked
    pub misses: u64,
    /// Known, and served beyond its time
    pub stale: u64,
}

/// How often facts of a kind were asked of the network
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Asked {
    /// Answered, an absence included
    pub answered: u64,
    /// Not answered, or of .well-known: without a delegation
    pub failed: u64,
}

impl Stats {
    /// How many searches have ended where, and how: `found`, `delegated`, or the
    /// [kind](crate::DiscoveryErrorKind::name) of their failure
    pub fn ended(&self) -> impl Iterator<Item = (Place, &'static str, u64)> {
        self.ended
            .iter()
            .map(|((place, how), count)| (*place, *how, *count))
    }

    /// How often facts of a kind were wanted by searches
    #[must_use]
    pub fn served(&self, kind: FactKind) -> Served {
        self.served[kind as usize]
    }

    /// How often facts of a kind were asked of the network
    #[must_use]
    pub fn asked(&self, kind: FactKind) -> Asked {
        self.asked[kind as usize]
    }

    pub(super) fn end(&mut self, place: Place, how: &'static str) {
        *self.ended.entry((place, how)).or_default() += 1;
    }

    pub(super) fn wanted(&mut self, kind: FactKind, service: Service) {
        let served = &mut self.served[kind as usize];
        match service {
            Service::Ask => served.misses += 1,
            Service::Known { stale: true, .. } => served.stale += 1,
            Service::Known { .. } => served.hits += 1,
        }
    }

    pub(super) fn question(&mut self, kind: FactKind, said: &Said) {
        let asked = &mut self.asked[kind as usize];
        if said.fault().is_none() {
            asked.answered += 1;
        } else {
            asked.failed += 1;
        }
    }
}
