//! The machine of `fedway-core`, by scripts in virtual time.

#![allow(
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

mod addresses;
mod attempts;
mod by_hand;
mod contract;
mod deadlines;
mod editions;
mod errors;
mod families;
mod findings;
mod lifetimes;
mod lookahead;
mod names;
mod promises;
mod racing;
mod redirects;
mod same_outcome;
mod search_deadline;
mod srv;
mod srv_flaws;
mod steps;
mod trust;
mod vocabulary;
mod well_known;

use std::time::Duration;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The smallest time there is: one before a boundary is not on it
const TICK: Duration = Duration::from_nanos(1);
