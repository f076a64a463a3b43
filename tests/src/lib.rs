//! Fedway's testkit: what its suites, its demo and the tests of embedders run against.
//!
//! [`world`] is a small internet on the loopback interface: DNS and HTTPS servers with an authority
//! of their own, faults on demand and a log of everything that reached them.

pub mod world;
