//! Every promise of a driver, tested with real sockets against the loopback world, on every runtime.
//!
//! Each test is written once, generic over its [`Runtime`](runtime::Runtime), and runs on all of them under its
//! own name: `delegation::tokio::…`, `delegation::smol::…`.

#![allow(
    clippy::result_large_err,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

#[path = "../shared/leaks.rs"]
mod leaks;
#[macro_use]
#[path = "../shared/runtime.rs"]
mod runtime;

mod builder;
mod certificate;
mod connection;
mod delegation;
mod dns;
mod flood;
mod http;
mod lifecycle;
mod parity;
mod rig;
mod tls;
mod well_known;
