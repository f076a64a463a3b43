//! Every policy of a search, with its default.

use core::time::Duration;

use crate::address::AddressPolicy;
use crate::edition::Edition;
use crate::trust::TrustPolicy;

/// The policies of a search
///
/// ```
/// use fedway_core::{Config, Edition};
///
/// let mut config = Config::default();
/// config.edition = Edition::R0_1;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// Which addresses may be dialled; by default all but special-purpose ones
    pub addresses: AddressPolicy,
    /// How long to wait
    pub deadlines: Deadlines,
    /// Which text of the specification to follow; v1.8 by default
    pub edition: Edition,
    /// Whether a .well-known answer of 410 ends the search (MSC4188, proposed); off by default, then it counts as any other error
    pub gone: bool,
    /// How much to read
    pub limits: Limits,
    /// Whether DNS is asked ahead of the specification's steps
    pub lookahead: Lookahead,
    /// How the addresses of a host are raced
    pub racing: Racing,
    /// Where certificates are not verified, nowhere by default; and what transparency is asked of the others
    pub trust: TrustPolicy,
}

/// How long a search waits
///
/// An answer that arrives on its deadline is too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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

/// How much a search reads and follows
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest .well-known body, in bytes; 50 KiB
    pub body: usize,
    /// The largest status line and headers, in bytes; 16 KiB
    pub head: usize,
    /// How many redirects are followed; 5
    pub redirects: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: MAX_BODY,
            head: MAX_HEAD,
            redirects: MAX_REDIRECTS,
        }
    }
}

/// Whether DNS is asked ahead of the specification's steps
///
/// The outcome is the same either way, save that a search which asks ahead is less likely to meet the
/// deadline of the whole search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookahead {
    /// Ask early what a later step may need; open no connection early
    #[default]
    Dns,
    /// Ask only what the step in progress needs
    None,
}

/// How the addresses of a host are raced (RFC 8305)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Racing {
    /// How long A waits for AAAA once it is there: the Resolution Delay of RFC 8305 §3; 50 ms
    pub resolution_delay: Duration,
    /// The time between two attempts: the Connection Attempt Delay of RFC 8305 §5; 250 ms
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

/// The `timeout` default of resolv.conf(5)
const DNS_DEADLINE: Duration = Duration::from_secs(5);
/// Twice a handshake over a link with a second of latency; our choice
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Two connects' worth, so that one dead address does not cost the delegation; our choice
const WELL_KNOWN_DEADLINE: Duration = Duration::from_secs(10);
/// What a person or a federation queue still waits for; our choice
const SEARCH_DEADLINE: Duration = Duration::from_secs(30);
/// As Synapse's `WELL_KNOWN_MAX_SIZE`
const MAX_BODY: usize = 50 * 1024;
/// Twice what common servers send at most (8 KiB); our choice
const MAX_HEAD: usize = 16 * 1024;
/// As Synapse's redirect limit
const MAX_REDIRECTS: u8 = 5;
/// RFC 8305 §8
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// RFC 8305 §8
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
