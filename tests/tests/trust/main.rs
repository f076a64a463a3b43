//! Whom a driver trusts, and what it says of those it does not, on every runtime.
//!
//! Each test is written once, generic over its [`Runtime`](runtime::Runtime), and runs on all of them under its
//! own name: `chain::tokio::…`, `chain::smol::…`.

#![allow(
    clippy::print_stdout,
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

mod chain;
mod hostile;
mod no_off_switch;
mod revocation;
mod rig;
mod runtime;
mod skip;
mod transparency;
mod warning;
