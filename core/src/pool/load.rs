//! How many machines may wait for DNS at once.

use crate::time::Instant;

/// How many machines may wait for DNS at once: as many as name servers answer
///
/// As TCP does with segments (RFC 5681 §3.1): halved once a round in which a question is lost, and one more after a
/// round in which all are answered.
#[derive(Clone, Debug)]
pub(super) struct Load {
    /// How many machines wait now
    pub(super) asking: usize,
    limit: usize,
    most: usize,
    /// The answers since the limit was changed
    answered: usize,
    /// When it was halved: what was asked before then is lost to the same
    halved: Instant,
}

impl Load {
    pub(super) fn new(most: u16) -> Self {
        let most = usize::from(most.max(1));
        Self {
            asking: 0,
            limit: most,
            most,
            answered: 0,
            halved: Instant::ORIGIN,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.asking >= self.limit
    }

    /// How many may ask at once, as things stand
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether a silence may be the name server's way of saying that it is asked too much
    pub(super) fn is_crowded(&self) -> bool {
        self.asking >= CROWD
    }

    /// A question that was asked then has an answer
    pub(super) fn answered(&mut self) {
        self.answered += 1;
        if self.answered >= self.limit {
            self.answered = 0;
            self.limit = (self.limit + 1).min(self.most);
        }
    }

    /// A question that was asked then has none, or only after a long time
    pub(super) fn lost(&mut self, asked: Instant, now: Instant) {
        if asked < self.halved {
            return;
        }
        self.halved = now;
        self.answered = 0;
        self.limit = (self.limit.min(self.asking) / 2).max(1);
    }
}

/// So many machines that wait for DNS at once are a crowd: the questions of one search are no reason for a name server
/// to leave any of them unanswered; our choice
const CROWD: usize = 8;
