//! Whom a [`Trust`](fedway_driver::Trust) trusts: handshakes without sockets, against certificates made here.

#![allow(
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

mod added;
mod chains;
mod curves;
mod process;
mod rig;
