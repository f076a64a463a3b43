//! Every policy of a search, with its default.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::{AddressPolicy, Family};
use crate::edition::Edition;
use crate::freshness::Lifetimes;
use crate::trust::TrustPolicy;

/// The policies of a search
///
/// ```
/// use fedway_core::{Config, Edition};
///
/// let mut config = Config::default();
/// config.edition = Edition::R0_1;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Config {
    /// Which addresses may be dialled; by default all but special-purpose ones
    pub addresses: AddressPolicy,
    /// How many searches of a [`Pool`](crate::Pool) wait for DNS at once, at most; 100
    ///
    /// Fewer do while name servers leave questions unanswered.
    pub asking: u16,
    /// How many names a [`Pool`](crate::Pool) remembers; 100,000
    pub capacity: u32,
    /// How long to wait
    pub deadlines: Deadlines,
    /// Which text of the specification to follow; v1.8 by default
    pub edition: Edition,
    /// Which families of addresses are asked for and dialled; both by default
    pub families: Families,
    /// Whether a .well-known answer of 410 ends the search (MSC4188, proposed); off by default, then it counts as any other error
    pub gone_is_final: bool,
    /// How long answers are believed that do not say so themselves
    pub lifetimes: Lifetimes,
    /// How much to read
    pub limits: Limits,
    /// Whether DNS is asked ahead of the specification's steps
    pub lookahead: Lookahead,
    /// How the addresses of a host are raced
    pub racing: Racing,
    /// How long a [`Pool`](crate::Pool) serves an answer beyond its time, where it could not be had anew; 2 h (RFC 8767,
    /// RFC 5861)
    pub stale: Duration,
    /// Where certificates are not verified, nowhere by default; and what transparency is asked of the others
    pub trust: TrustPolicy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            addresses: AddressPolicy::default(),
            asking: ASKING,
            capacity: CAPACITY,
            deadlines: Deadlines::default(),
            edition: Edition::default(),
            families: Families::default(),
            gone_is_final: false,
            lifetimes: Lifetimes::default(),
            limits: Limits::default(),
            lookahead: Lookahead::default(),
            racing: Racing::default(),
            stale: STALE,
            trust: TrustPolicy::default(),
        }
    }
}

/// How long a search waits
///
/// An answer that arrives on its deadline is too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Deadlines {
    /// For one DNS question, all name servers and retries together; 5 s
    pub dns: Duration,
    /// For one TCP connection and the TLS handshake over it; 5 s
    pub connect: Duration,
    /// For .well-known over all redirects, look-ups and slow bodies included; 10 s
    pub well_known: Duration,
    /// For the whole search; 30 s
    pub search: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            dns: DNS_DEADLINE,
            connect: CONNECT_DEADLINE,
            well_known: WELL_KNOWN_DEADLINE,
            search: SEARCH_DEADLINE,
        }
    }
}

/// Which families of addresses a search asks for and dials
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Families {
    /// Both, IPv6 first (RFC 8305)
    #[default]
    Both,
    /// IPv4 alone: AAAA is never asked for
    V4,
    /// IPv6 alone: A is never asked for
    V6,
}

impl Families {
    /// Whether a family is among them
    #[must_use]
    pub fn has(self, family: Family) -> bool {
        match self {
            Self::Both => true,
            Self::V4 => family == Family::V4,
            Self::V6 => family == Family::V6,
        }
    }
}

/// How much a search reads and follows
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Limits {
    /// How many connections a search tries to open, .well-known and redirects included; 32
    pub attempts: u8,
    /// How many of them to one host and port; 8
    pub attempts_per_host: u8,
    /// The largest .well-known body, in bytes; 50 KiB
    pub body: usize,
    /// The largest status line and headers, in bytes; 16 KiB
    pub head: usize,
    /// How many redirects are followed; 5
    pub redirects: u8,
    /// How much a peer may send for a TLS handshake and the exchange over it together, in bytes off the wire; 256 KiB
    ///
    /// What the other limits count is what comes out of TLS, and a peer can send any amount of which nothing
    /// does: session tickets, padding.
    pub volume: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempts: MAX_ATTEMPTS,
            attempts_per_host: MAX_ATTEMPTS_PER_HOST,
            body: MAX_BODY,
            head: MAX_HEAD,
            redirects: MAX_REDIRECTS,
            volume: MAX_VOLUME,
        }
    }
}

/// Whether DNS is asked ahead of the specification's steps
///
/// The outcome is the same either way, save that a search which asks ahead is less likely to meet the
/// deadline of the whole search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Lookahead {
    /// Ask early what a later step may need; open no connection early
    #[default]
    Dns,
    /// Ask only what the step in progress needs
    None,
}

/// How the addresses of a host are raced (RFC 8305)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Racing {
    /// How long A waits for AAAA once it is there: the Resolution Delay of RFC 8305 §3; 50 ms
    pub resolution_delay: Duration,
    /// The time between two attempts: the Connection Attempt Delay of RFC 8305 §5; 250 ms
    ///
    /// An attempt that fails makes the next one start at once, until four in a row have failed.
    pub attempt_delay: Duration,
}

impl Default for Racing {
    fn default() -> Self {
        Self {
            resolution_delay: RESOLUTION_DELAY,
            attempt_delay: ATTEMPT_DELAY,
        }
    }
}

/// Some four hundred questions in flight: what public resolvers take from one address; our choice
const ASKING: u16 = 100;
/// More servers than federate, in a hundred megabytes; our choice
const CAPACITY: u32 = 100_000;
/// RFC 8767 §5 has one to three days for DNS; a server that has moved is not to be missed for so long. Our choice
const STALE: Duration = Duration::from_secs(2 * 3_600);
/// The `timeout` default of resolv.conf(5)
const DNS_DEADLINE: Duration = Duration::from_secs(5);
/// Twice a handshake over a link with a second of latency; our choice
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Two connects' worth, so that one dead address does not cost the delegation; our choice
const WELL_KNOWN_DEADLINE: Duration = Duration::from_secs(10);
/// What a person or a federation queue still waits for; our choice
const SEARCH_DEADLINE: Duration = Duration::from_secs(30);
/// .well-known and its redirects, and two hosts tried to their end; whoever is looked up must get no port scanner. Our choice
const MAX_ATTEMPTS: u8 = 32;
/// Four addresses of each family; our choice
const MAX_ATTEMPTS_PER_HOST: u8 = 8;
/// As Synapse's `WELL_KNOWN_MAX_SIZE`
const MAX_BODY: usize = 50 * 1024;
/// Twice what common servers send at most (8 KiB); our choice
const MAX_HEAD: usize = 16 * 1024;
/// RFC 2068 §10.3, the last to name a number: "more than 5 times, since such redirections usually indicate an infinite
/// loop"; Synapse follows 20
const MAX_REDIRECTS: u8 = 5;
/// RFC 8305 §8
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// RFC 8305 §8
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Three times the largest body and head, and a chain of certificates as long as rustls takes (64 KiB); our choice
const MAX_VOLUME: usize = 256 * 1024;
