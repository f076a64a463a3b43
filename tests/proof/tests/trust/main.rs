//! Whom a driver trusts, and what it says of those it does not, on every runtime.
//!
//! Each test is written once, generic over its [`Runtime`](fedway_proof::runtime::Runtime), and runs on all of them under its
//! own name: `chain::tokio::…`, `chain::smol::…`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

mod alerts;
mod chain;
mod hostile;
mod no_off_switch;
mod revocation;
mod rig;
mod skip;
mod transparency;
mod warning;
