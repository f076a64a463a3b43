//! # The half of a Fedway driver that no async runtime owns
//!
//! `fedway-core` decides; this crate carries out what it asks for, over whatever sockets and timers a
//! runtime has. A runtime's own crate (`fedway-tokio`, `fedway-smol`) implements one trait, [`Io`], in about
//! a hundred lines (under seventy where [`TlsOver`] stands for streams of its own, as in the example `threads`), and
//! gets everything else from here:
//!
//! 1. [`Resolver`], the public face: `resolve(name)` and `connect(name)`.
//! 2. The one loop that starts, cancels and answers the actions of the core's pool, for all who wait.
//! 3. [`dns`]: a stub resolver, and the [`Dns`](dns::Dns) trait for those who have their own.
//! 4. [`http`]: one GET and its response, without I/O.
//! 5. [`TlsOver`], TLS over any stream of bytes, for runtimes that have no rustls streams.
//! 6. [`Roots`], [`Revocation`] and [`LogList`]: whom to trust.
//!
//! No task is spawned and nothing decided. What is under way belongs to the resolver, and whoever waits for something and is
//! polled carries it on; the handshakes of a connection belong to the future that asked for it. What nobody wants any more
//! is closed: with the last who waits at once, else when the next of the others is polled.
//!
//! # Example
//!
//! With an [`Io`] of a runtime at hand, a search is three lines:
//!
//! ```
//! use fedway_driver::{Builder, BuildError, Io};
//!
//! async fn host_header<I: Io>(io: I) -> Result<String, Box<dyn std::error::Error>> {
//!     let resolver = Builder::default().build(io)?;
//!     let found = resolver.resolve(&"example.org".parse()?).await?;
//!     Ok(found.destination.host_header.clone())
//! }
//! ```
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `ring` (default) | where no [`CryptoProvider`](rustls::crypto::CryptoProvider) is given, that of *ring* |
//! | `aws-lc-rs` | the same with aws-lc-rs, which verifies more: P-521, and ECDSA P-384 with SHA-512. With both features, this one |
//! | `metrics` | counters, through the facade of that name: see [below](#metrics) |
//! | `transparency` | certificate transparency: `LogList`, and what logs say of a certificate |
//!
//! rustls's default of the process is neither asked for nor installed. With neither provider,
//! [`Builder::crypto_provider`] must be given one.
//!
//! # Cache
//!
//! A [`Resolver`] remembers what the network said, as long as it may be believed: [`Pool`](fedway_core::Pool) has the
//! table. What is known is there at once, whatever is due is asked anew in the background, and what cannot be had
//! anew serves for two hours more. A program that lives for long spawns [`Resolver::run`], so that this goes on while
//! nobody waits for anything. [`forget`](Resolver::forget) and [`report`](Resolver::report) correct what is known,
//! [`entries`](Resolver::entries) and [`stats`](Resolver::stats) show it, and a [`snapshot`](Resolver::snapshot) survives the
//! process.
//!
//! A resolver belongs to one runtime at a time: what is under way for one caller is polled by another, who must
//! share the reactor.
//!
//! # Seen from outside
//!
//! Spans of `tracing`, at the level of debug: `search` (`goal`, `name`, and at the end `place`, the step of the
//! specification) around each asker's wait, `question` (`kind`, `name`), `connect` (`address`, `tls_name`, `purpose`) and
//! `fetch` (`host`, `target`) around what goes out.
//!
//! # Metrics
//!
//! With the feature `metrics`, through the recorder that the program has installed:
//!
//! | name | | labels |
//! |---|---|---|
//! | `fedway_searches_total` | searches that have ended; what was remembered is none | `place`: the step; `result`: `found`, `delegated` or the kind of error |
//! | `fedway_search_seconds` | histogram of how long an asker waited, where nothing was remembered | |
//! | `fedway_facts_hits_total` | facts that searches wanted and that were known | `kind`: `a`, `aaaa`, `srv`, `well_known` |
//! | `fedway_facts_misses_total` | facts that were not known, and asked for or awaited | `kind` |
//! | `fedway_facts_stale_total` | facts that served beyond their time | `kind` |
//! | `fedway_dns_questions_total` | questions to DNS that have ended | `type`: `a`, `aaaa`, `srv`; `result`: `answered` or the kind of error |
//! | `fedway_in_flight` | gauge of searches and requests for .well-known under way | |
//!
//! # What each dependency is for
//!
//! | crate | for |
//! |---|---|
//! | `hickory-proto` | reading and writing DNS messages |
//! | `resolv-conf` | reading `/etc/resolv.conf` |
//! | `httparse` | reading the head of an HTTP response |
//! | `rustls` | TLS, and building and verifying certificate chains |
//! | `rustls-platform-verifier` | the operating system's judgement of certificates |
//! | `rustls-native-certs` | the operating system's roots, where revocation lists or transparency need them |
//! | `rustls-webpki` | reading revocation lists, and what rustls says of a chain that it refuses |
//! | `serde`, `serde_json` | whether a body without an end is whole, and the list of transparency logs |
//! | `data-encoding` | the keys in that list, with the feature `transparency` |
//! | `futures-util` | keeping account of which of many futures woke |
//! | `metrics` | counters, with the feature of that name |
//! | `tracing` | spans, and a warning for each verification that a rule skips |
//! | `getrandom` | query ids, and seeds for the core |
//! | `rlimit` | how many files this process may have open |
//! | `thiserror` | error types |

mod alarm;
mod carry;
pub mod dns;
mod engine;
mod entropy;
mod failure;
mod get;
pub mod http;
mod io;
mod lone;
mod meter;
mod resolver;
mod room;
mod source;
mod tasks;
mod telemetry;
mod text;
mod tls;
mod trust;
mod under_way;

pub use alarm::before;
pub use failure::connect_error;
pub use get::get;
pub use io::{ByteStream, Datagrams, Io, TlsStream};
pub use meter::{Meter, TooMuchData};
pub use resolver::{BuildError, Builder, Connected, Explained, Resolver};
pub use source::SourceAddresses;
pub use text::{is_hidden, printable};
pub use tls::TlsOver;
#[cfg(all(feature = "transparency", fuzzing))]
pub use trust::read_hostile;
pub use trust::{
    CertificateSummary, KeyType, LogListError, PemError, Revocation, Roots, Trust, TrustError,
    UnreadableCertificate, server_name, without_mark,
};
#[cfg(feature = "transparency")]
pub use trust::{LogList, LoggedAt, SctOutcome, SctSource, Transparency};

/// Its example runs with the others
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
