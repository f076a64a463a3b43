//! How much name servers are asked at once, and how fast.
//!
//! Name servers leave questions unanswered when they are asked too much: what they answer of what was asked in one second
//! is what they can. A question that was lost in such a second is asked again; one that is lost alone is its zone's.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::time::Instant;

/// How many machines may wait for DNS at once, and how fast questions may follow each other
#[derive(Clone, Debug)]
pub(super) struct Load {
    /// How many machines wait now
    pub(super) asking: usize,
    limit: usize,
    most: usize,
    /// The answers since the limit was changed
    answered: usize,
    /// When it was halved: what was asked before then was lost to the same
    halved: Instant,
    /// What became of the questions of the last seconds, the oldest first
    seconds: VecDeque<Second>,
    /// If questions are not to follow each other as fast as they come
    pace: Option<Pace>,
}

/// What became of the questions that were asked in one second
#[derive(Clone, Copy, Debug)]
struct Second {
    number: u64,
    answered: u32,
    lost: u32,
}

#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Questions a second
    rate: u32,
    /// When the next may be asked
    next: Instant,
    /// When the rate was changed
    changed: Instant,
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
            seconds: VecDeque::new(),
            pace: None,
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

    /// When the next question may be asked, if that is not now
    pub(super) fn paced_until(&self, now: Instant) -> Option<Instant> {
        self.pace.map(|pace| pace.next).filter(|next| *next > now)
    }

    /// A question is asked
    pub(super) fn asks(&mut self, now: Instant) {
        let Some(pace) = &mut self.pace else {
            return;
        };
        // A little faster each second, until that is as good as any speed
        if now >= pace.changed + SECOND {
            pace.rate += (pace.rate / 32).max(1);
            pace.changed = now;
        }
        pace.next = now.max(pace.next) + SECOND / pace.rate;
        if pace.rate > UNPACED {
            self.pace = None;
        }
    }

    /// A question that was asked then has an answer
    pub(super) fn answered(&mut self, asked: Instant) {
        self.second(asked).answered += 1;
        self.answered += 1;
        if self.answered >= self.limit {
            self.answered = 0;
            self.limit = (self.limit + 1).min(self.most);
        }
    }

    /// A question that was asked then has no answer, or only after a long time; whether too much was asked in that second
    pub(super) fn lost(&mut self, asked: Instant, now: Instant) -> bool {
        let second = self.second(asked);
        second.lost += 1;
        let Second { answered, lost, .. } = *second;
        if lost < FEW || lost * SHARE < answered {
            return false;
        }
        if asked < self.halved {
            return true;
        }
        self.halved = now;
        self.answered = 0;
        self.limit = (self.limit.min(self.asking) / 2).max(1);
        // A little less than it has answered
        let rate = (answered - answered / 8).max(1);
        self.pace = Some(Pace {
            rate,
            next: now,
            changed: now,
        });
        true
    }

    /// What is known of a second
    fn second(&mut self, at: Instant) -> &mut Second {
        let number = at.since_origin().as_secs();
        let place = self
            .seconds
            .iter()
            .rposition(|second| second.number <= number);
        let index = match place {
            Some(index) if self.seconds[index].number == number => index,
            place => {
                let index = place.map_or(0, |index| index + 1);
                let (answered, lost) = (0, 0);
                self.seconds.insert(
                    index,
                    Second {
                        number,
                        answered,
                        lost,
                    },
                );
                if self.seconds.len() > SECONDS && index > 0 {
                    self.seconds.pop_front();
                    index - 1
                } else {
                    index
                }
            }
        };
        &mut self.seconds[index]
    }
}

const SECOND: Duration = Duration::from_secs(1);
/// Longer than a question is waited for
const SECONDS: usize = 16;
/// So many machines that wait for DNS at once are a crowd: the questions of one search are no reason for a name server
/// to leave any of them unanswered; our choice
const CROWD: usize = 8;
/// So few lost in a second say nothing of the name server; our choice
const FEW: u32 = 3;
/// Fewer lost for each answered say nothing of it either; our choice
const SHARE: u32 = 16;
/// Questions a second that no name server has to be spared; our choice
const UNPACED: u32 = 2_000;
