//! Fedway's testkit: what its suites, its demo and the tests of embedders run against.
//!
//! [`script`] runs a search of `fedway-core` in virtual time, against answers written down beforehand.
//!
//! [`world`] is a small internet on the loopback interface: DNS and HTTPS servers with an authority
//! of their own, faults on demand and a log of everything that reached them.
//!
//! # An app's test
//!
//! With the feature `driver`, a world gives a `Builder` of `fedway-driver` that is at home in it; a resolver
//! made of that finds what is planned, and what is added later. The README of `fedway-tokio` has such a test whole, and
//! `World::builder` has more to say. Apps that connect by other means ask [`World::dns`](world::World::dns),
//! trust [`World::ca_pem`](world::World::ca_pem) and connect to where [`World::router`](world::World::router) says:
//!
//! ```
//! use std::net::TcpStream;
//!
//! use fedway_testkit::world::{Https, WorldPlan};
//!
//! let world = WorldPlan::new().start()?;
//! let router = world.router();
//! world.add(|plan| {
//!     plan.a("late.example.org", "192.0.2.8");
//!     plan.https("192.0.2.8:8448", Https::for_name("late.example.org"));
//! })?;
//! let real = router("192.0.2.8:8448".parse()?).expect("a server has been added there");
//! TcpStream::connect(real)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Servers read requests with their bodies, and keep connections open after them. What they say is planned by path and
//! method: always the same, several [`Replies`](world::Replies) in turn, or what a function makes of each request.
//! What they were asked is in the log:
//!
//! ```
//! use fedway_testkit::world::{Https, Replies, Reply, WorldPlan};
//!
//! let busy = Reply::status(429).header("Retry-After", "1");
//! let echo = Replies::by(|request| Reply::json(request.body.clone()));
//! let server = Https::for_name("example.org")
//!     .method("PUT", "/_matrix/federation/v1/send/1", Replies::in_turn([busy, Reply::json("{}")]))
//!     .otherwise(echo);
//! let mut plan = WorldPlan::new();
//! plan.web("example.org", "192.0.2.7", server);
//! let world = plan.start()?;
//! // … let the app send to it, and then
//! for request in world.requests() {
//!     assert_eq!(request.method, "PUT");
//!     assert_eq!(request.body, br#"{"pdus": []}"#);
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The world's own servers speak HTTP/1.1. For all else an app puts a [listener](world::WorldPlan::listener) of its own
//! behind a name of the world, with a [certificate](world::World::server_config) of the world's authority, and serves
//! HTTP/2 there, for instance.
//!
//! Where time matters more than sockets do, `Scripted` is both a runtime and a resolver for DNS over the answers of a
//! [`script`]: an app's `Resolver` runs in virtual time.
//!
//! # Features
//!
//! `driver`: `World::builder`, `World::roots` and `Scripted`, in terms of `fedway-driver`. The cryptography of a resolver
//! in a world is what the driver's own features make it.

pub mod script;
#[cfg(feature = "driver")]
mod scripted;
pub mod world;

pub use script::config;
pub use script::visits::Visits;
#[cfg(feature = "driver")]
pub use scripted::{NoDatagrams, Scripted, ScriptedStream};

/// Its example runs with the others
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
