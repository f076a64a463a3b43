//! # Matrix server discovery as a state machine
//!
//! A Matrix server name says nothing of where that server listens. This crate decides what to ask, in
//! which order, what to make of each answer and whom to trust, by three editions of the specification's
//! section "Resolving server names" (<https://spec.matrix.org/latest/server-server-api/#resolving-server-names>).
//! It asks nothing itself: no sockets, no clock, no entropy, no `std`.
//!
//! # The loop
//!
//! A [`Discovery`] is driven from outside, by the verbs of [`Machine`]:
//!
//! 1. [`poll()`](Machine::poll) it until it says [`Step::Wait`].
//! 2. Start each [`Step::Act`]; drop whatever a [`Step::Cancel`] names.
//! 3. When an action is done, [`handle()`](Machine::handle) its reply; when the time that `Wait` named
//!    has come, [`handle_timeout()`](Machine::handle_timeout). Poll again.
//! 4. [`Step::Done`] has the result: a [`Found`] or a [`DiscoveryError`].
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use fedway_core::{Action, Answer, Config, Discovery, Family, Instant, Machine, Step};
//!
//! let config = Arc::new(Config::default());
//! let name = "example.org:8449".parse()?;
//! let mut now = Instant::ORIGIN;
//! let mut search = Discovery::resolve(&name, &config, 0, now);
//! let found = loop {
//!     match search.poll() {
//!         // A real driver asks DNS here
//!         Step::Act(Action::LookUpAddresses(look_up)) => {
//!             let address = match look_up.family() {
//!                 Family::V4 => "9.9.9.9".parse()?,
//!                 Family::V6 => "2620:fe::9".parse()?,
//!             };
//!             let ttl = Duration::from_secs(300);
//!             let answer = Answer::found(vec![address], ttl);
//!             search.handle(look_up.reply(Ok(answer)), now);
//!         }
//!         Step::Act(other) => unreachable!("step 2 needs addresses only: {other:?}"),
//!         Step::Cancel(_) => {}
//!         Step::Wait { until } => now = until.expect("a search that is not done has a deadline"),
//!         Step::Done(result) => break result?,
//!     }
//! };
//! let destination = found.destination;
//! assert_eq!((destination.step(), &*destination.host_header), ("2", "example.org:8449"));
//! assert_eq!(destination.addresses().next().unwrap().to_string(), "[2620:fe::9]:8449");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ## What a loop may do
//!
//! - **Call the verbs in any order**, any number of times, early, late or twice. A stale reply changes nothing, one to
//!   another search neither; a clock that goes back stands still.
//! - **Do one thing at a time**: poll an action, carry it out, hand its reply in, poll the next. The deadline of an action
//!   runs from the moment it was polled, and what is polled later is not late: a blocking loop finds the same server as
//!   one that does all at once. Poll an action when you are about to begin it, not before.
//! - **Be late**: time in which an action lay there to be polled, and time beyond what `Wait` named, is the loop's and not
//!   the search's. It counts neither against the deadline of the whole search nor against that of .well-known. A
//!   process that was stopped for an hour goes on where it was; hand it the replies that lie ready before the time.
//! - **Drop an action**: its deadline covers it. Or drop the search, whatever is under way.
//!
//! What a loop must do is to tell the truth about time, and to open what an action says and nothing else.
//!
//! # What is external
//!
//! Asking DNS, opening TCP and TLS, verifying certificates, speaking HTTP: each is an [`Action`], an owned
//! request that carries the only way to answer it. `fedway-tokio` and `fedway-driver` do all of it.
//!
//! # Decisions
//!
//! - **Editions are data.** One machine reads an [`Edition`]'s table.
//! - **DNS is asked ahead** ([`Lookahead`]), connections are not opened ahead; the outcome is the same without.
//! - **Every policy is in [`Config`]**: order, redirects, limits, deadlines, racing, addresses, trust.
//! - **"No such record" is an answer, "could not be answered" an error** ([`Answer::Absent`], [`DnsError`]).
//! - **The same name, configuration, seed and events give the same steps.**
//! - **Facts are shared, searches are not**: a [`Pool`] drives many searches, and remembers what the network said.
//! - **Why**: a [`Recorder`] around a search makes a [`Recording`], which replays to the letter and [explains](Recording::explain)
//!   itself; what an administrator should change is a [`Finding`].
//! - **Bounded**: of an SRV set at most 16 targets are tried, of a host and family at most 16 addresses looked at, and
//!   at most 32 connections tried in a search, 8 of them to one host and port ([`Limits`]).
//!
//! There are no features: the crate is `no_std` + `alloc` as it is.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod action;
mod address;
mod alert;
mod answer;
mod config;
mod date;
mod discovery;
mod document;
mod edition;
mod error;
mod findings;
mod found;
mod freshness;
mod machine;
mod name;
mod pool;
mod random;
mod record;
mod srv;
mod time;
mod trust;
mod well_known;

pub use action::{
    Action, ActionId, Connect, Event, FetchWellKnown, LookUpAddresses, Purpose, QuerySrv,
};
pub use address::{AddressPolicy, AddressRefusal, Family};
pub use answer::{
    Absence, Answer, FactKind, Field, FieldName, History, HttpAnswer, Shown, SrvRecord,
};
pub use config::{Config, Deadlines, Families, Limits, Lookahead, Racing};
pub use discovery::Discovery;
pub use document::WellKnownServer;
pub use edition::{Edition, Order, Place, Route, Rules, Service, Steps, UnknownEdition};
pub use error::{
    Attempt, AttemptError, BodyError, CertificateError, Chain, ConnectError, DnsError,
    ExtendedError, Fault, FetchError, MalformedResponse, RedirectError, TlsError, WellKnownError,
    write_chain,
};
pub use findings::{Code, Finding, Level, UnknownCode};
pub use found::{
    Candidate, CandidateAddress, Connection, Destination, DiscoveryError, DiscoveryErrorKind,
    Found, Notes, Warning, WellKnown,
};
pub use freshness::Lifetimes;
pub use ipnet::IpNet;
pub use machine::{Machine, Step};
pub use name::{DnsName, DnsNameError, Host, ServerName, ServerNameError, ServerNameErrorKind};
pub use pool::{
    Asked, Delegated, Entry, Outcome, Pool, Served, Snapshot, SnapshotError, Stats, Ticket, Told,
};
#[doc(hidden)]
pub use random::SplitMix64;
pub use record::{
    Diverged, Exchange, Explanation, Fate, Memory, Recorder, Recording, RecordingError, SearchGoal,
    SearchOutcome, StepTaken, Use,
};
pub use srv::SkippedRecord;
pub use time::{Instant, UtcTime, UtcTimeError};
pub use trust::{CtPolicy, InvalidSkipRule, SkipRule, TrustPolicy, Verdict};
pub use well_known::parse_well_known;

/// Its example runs with the others
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
