//! What a pool tells a search in it, as it is recorded.

use alloc::boxed::Box;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::delegator::Delegation;
use crate::action::Event;
use crate::found::Notes;
use crate::time::Instant;

/// What a pool tells a search, and a loop does not: a method of [`Discovery`](super::Discovery) each, as what is kept of a
/// call of it
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verb {
    Arrive {
        now: Instant,
    },
    Expire {
        now: Instant,
        of_step_3: Option<Box<Notes>>,
    },
    GiveDelegation {
        now: Instant,
        delegation: Box<Delegation>,
        how: Given,
    },
    GiveUp,
    Hear {
        now: Instant,
        event: Event,
    },
    MoveOn {
        now: Instant,
        news: bool,
    },
    PutOff(Duration),
    Skip {
        now: Instant,
        lost: Duration,
    },
    StoodStill(Duration),
}

/// How what step 3 came to is told
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Given {
    /// How long it may be believed
    pub(crate) until: Instant,
    pub(crate) is_stale: bool,
    /// Whether it was asked for since the search began: then what was tried for it counts as tried by the search
    pub(crate) is_own: bool,
}

impl Verb {
    /// When it was told, where that makes a difference
    pub(crate) fn now(&self) -> Option<Instant> {
        match self {
            Self::Arrive { now }
            | Self::Expire { now, .. }
            | Self::GiveDelegation { now, .. }
            | Self::Hear { now, .. }
            | Self::MoveOn { now, .. }
            | Self::Skip { now, .. } => Some(*now),
            Self::GiveUp | Self::PutOff(_) | Self::StoodStill(_) => None,
        }
    }
}
