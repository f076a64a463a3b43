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

/// Makes the tests of a module, which stand below as generic functions; a runtime more is a line more
macro_rules! on_every_runtime {
    ($($test:ident,)+) => {
        mod smol { $( #[test] fn $test() { super::$test::<crate::runtime::Smol>(); } )+ }
        mod tokio { $( #[test] fn $test() { super::$test::<crate::runtime::Tokio>(); } )+ }
    };
}

mod builder;
mod certificate;
mod connection;
mod delegation;
mod dns;
mod http;
mod lifecycle;
mod parity;
mod rig;
mod runtime;
mod tls;
mod well_known;
