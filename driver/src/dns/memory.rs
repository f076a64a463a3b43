//! What name servers were found not to understand.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use fedway_core::Instant;

use super::way::{Lesson, Way};

/// What name servers were found not to understand, for ten minutes
///
/// A server that drops queries with EDNS, or all that come by UDP, costs a time-out before it is asked
/// in a way that it answers. The look-ups that share a memory pay that once: what one of them says
/// by [`Step::Learnt`](super::Step::Learnt) goes in, and those that begin later begin with that.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    servers: BTreeMap<SocketAddr, (Way, Instant)>,
}

impl Memory {
    /// Takes in what a look-up has learnt; what was known of that server before is forgotten
    pub fn learn(&mut self, lesson: Lesson, now: Instant) {
        match lesson.way {
            Some(way) => self.servers.insert(lesson.server, (way, now + MEMORY)),
            None => self.servers.remove(&lesson.server),
        };
    }

    pub(super) fn way(&self, server: SocketAddr, now: Instant) -> Option<Way> {
        let (way, until) = self.servers.get(&server)?;
        (now < *until).then_some(*way)
    }
}

/// How long a server is asked in the way that it was found to answer: long enough that the time-outs
/// do not count, and no longer than one that was mended may wait for what it can do again
const MEMORY: Duration = Duration::from_secs(600);
