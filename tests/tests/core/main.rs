//! The machine of `fedway-core`, by scripts in virtual time.

#![allow(
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

mod same_outcome;
