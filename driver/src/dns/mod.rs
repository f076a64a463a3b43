//! DNS: what a search asks for, and a stub resolver that answers it.
//!
//! [`Dns`] is what the loop of this crate needs. [`Stub`] implements it with the sockets of an
//! [`Io`](crate::Io) and the name servers of a [`DnsConfig`]; whoever runs another resolver
//! already implements it with that. [`Lookup`] is the stub's machine, for those who do their own I/O.
//!
//! # What the stub does
//!
//! 1. A special name is answered without asking anybody: `localhost` and below with the loopback
//!    addresses (RFC 6761 §6.3; it has no SRV records), `invalid` and below with "no such name"
//!    (RFC 6761 §6.4), `onion` and below with an error (RFC 7686 §2). The target of an alias is
//!    judged in the same way before it is asked for.
//! 2. A look-up of addresses reads the [`Hosts`] file, if the configuration names one.
//! 3. The name servers are asked: see [`Lookup`]. Names are absolute, always.
//!
//! # Decisions
//!
//! * NXDOMAIN and "no data" are answers and end a look-up, whichever server gives them; "no data" is
//!   any NOERROR that has no record of the type and leads nowhere. A referral (NS records without an SOA
//!   record, from a server that says it does no recursion) is none: it is a failed try.
//! * With NXDOMAIN, the last alias is what does not exist (RFC 6604 §2); records beside it are not
//!   believed.
//! * How long an absence lasts is said by the SOA of a zone that the name could be in (RFC 2308 §5).
//!   An alias's target that is missing from the response is asked for, unless such a SOA says that
//!   it is missing from DNS.
//! * Up to 11 aliases are followed and up to 64 records taken; of more SRV records, those that come first by
//!   their priority.
//! * What a server was found not to understand (EDNS, UDP) it is not asked again for ten minutes:
//!   see [`Memory`].
//! * Of a response, header, question, answers and authorities have to be there, and of the records
//!   those that a look-up is about. The additional section is read as far as it goes, for the reason of
//!   a failure (RFC 8914).
//! * No answer is cached: that is for the core, which is told each time to live.

mod chain;
mod config;
mod failure;
mod hosts;
mod kind;
mod lookup;
mod memory;
mod message;
mod records;
mod resolve;
mod special;
mod step;
mod stub;
mod text;
mod tries;
mod way;

pub use config::{ConfigError, DnsConfig};
pub use hosts::Hosts;
pub use lookup::{Lookup, Terms};
pub use memory::Memory;
pub use resolve::Dns;
pub use step::{Step, Transmit, TransmitId};
pub use stub::Stub;
pub use way::{Lesson, Transport};
