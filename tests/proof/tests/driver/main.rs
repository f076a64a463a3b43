//! Every promise of a driver, tested with real sockets against the loopback world, on every runtime.
//!
//! Each test is written once, generic over its [`Runtime`](fedway_proof::runtime::Runtime), and runs on all of them under its
//! own name: `dns::tokio::…`, `dns::smol::…`.

#![allow(
    clippy::result_large_err,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

mod at_home;
mod builder;
mod certificate;
mod connection;
mod dns;
mod dns_field;
mod flood;
mod http;
mod leniency;
mod lifecycle;
mod memory;
mod rig;
mod scenarios;
mod scripted;
mod session;
mod tls;
mod tls_over;
mod well_known;
