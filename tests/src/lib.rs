//! Fedway's testkit: what its suites, its demo and the tests of embedders run against.
//!
//! [`script`] runs a search of `fedway-core` in virtual time, against answers written down beforehand.
//!
//! [`world`] is a small internet on the loopback interface: DNS and HTTPS servers with an authority
//! of their own, faults on demand and a log of everything that reached them.

pub mod script;
pub mod world;

/// Its example runs with the others
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
