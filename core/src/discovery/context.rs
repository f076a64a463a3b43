//! What the parts of a search share.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::queries::{Queries, Question};
use crate::action::{ActionId, Ids};
use crate::config::Config;
use crate::found::{Notes, WellKnown};
use crate::time::Instant;

/// What the parts of a search share
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) queries: Queries,
    pub(super) ids: Ids,
    pub(super) notes: Notes,
    /// Actions given up that a driver has not been told about
    pub(super) cancelled: Vec<ActionId>,
    /// The latest time seen
    pub(super) now: Instant,
    /// When the last attempt at a connection was made
    pub(super) last_attempt: Instant,
    /// The end of the first of the answers that the search rests on
    pub(super) expires: Instant,
    pub(super) seed: u64,
    /// How many more connections the search may try to open
    pub(super) attempts_left: u8,
    /// How many of the last attempts have failed in a row
    pub(super) failures: u8,
    /// Whether a pool does step 3
    pub(super) is_pooled: bool,
}

impl Context {
    pub(super) fn new(config: Arc<Config>, seed: u64, machine: u32, now: Instant) -> Self {
        let attempts_left = config.limits.attempts;
        Self {
            config,
            queries: Queries::default(),
            ids: Ids::new(machine),
            notes: Notes::default(),
            cancelled: Vec::new(),
            now,
            last_attempt: Instant::ORIGIN,
            expires: Instant::END,
            seed,
            attempts_left,
            failures: 0,
            is_pooled: false,
        }
    }

    /// The search rests on an answer that may be believed until then
    pub(super) fn rest_on(&mut self, until: Instant) {
        self.expires = self.expires.min(until);
    }

    /// The question that comes next, if one does: what is to be cancelled is told before
    pub(super) fn next_question(&self) -> Option<Question<'_>> {
        if self.cancelled.is_empty() {
            self.queries.due()
        } else {
            None
        }
    }

    /// The record of the .well-known request, from its start
    pub(super) fn well_known(&mut self) -> &mut WellKnown {
        self.notes.well_known.get_or_insert_default()
    }
}
