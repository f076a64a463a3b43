//! What only Fedway's maintainers need: a second reading of the specification, to hold `fedway-core` against.
//!
//! [`oracle`] is that reading. The suites that compare the machine with it, in every order of events and over real
//! sockets, and those of the drivers stand in `tests/`: this package is above all others, so that it may use them all.
//! What the suites and the benches share is here as well: [`arguments`], [`leaks`], [`peer`], [`runtime`].

pub mod arguments;
pub mod leaks;
pub mod oracle;
pub mod peer;
pub mod runtime;
