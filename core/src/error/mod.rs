//! What goes wrong with single actions: what a driver reports, and what became of .well-known.
//!
//! The ring inside is what a name fails with ([`ServerNameError`](crate::ServerNameError)), the one outside what a user
//! receives ([`DiscoveryError`](crate::DiscoveryError)).

mod attempt;
mod certificate;
mod chain;
mod connect;
mod dns;
mod fault;
mod fetch;
mod well_known;

pub use attempt::{Attempt, AttemptError};
pub use certificate::CertificateError;
pub use chain::{Chain, write_chain};
pub use connect::{ConnectError, TlsError};
pub use dns::{DnsError, ExtendedError};
pub use fault::Fault;
pub use fetch::{FetchError, MalformedResponse};
pub use well_known::{BodyError, RedirectError, WellKnownError};
