//! Who is asked next, in which way, and what has come of it.

use std::net::SocketAddr;
use std::time::Duration;

use fedway_core::{Instant, SplitMix64};

use super::config::DnsConfig;
use super::failure::Failure;
use super::memory::Memory;
use super::way::{Lesson, Transport, Way};

/// The tries of one question: each server in its turn, and again
#[derive(Clone, Debug)]
pub(super) struct Tries {
    servers: Vec<Server>,
    /// The way of a server of which nothing is known
    way: Way,
    /// The longest wait for one server
    timeout: Duration,
    /// Tries that a question has
    all: usize,
    /// Those that are over
    over: usize,
    /// The server of the first one
    first: usize,
    /// The most telling failure of those that are over
    worst: Failure,
}

impl Tries {
    pub(super) fn new(
        config: &DnsConfig,
        memory: &Memory,
        random: &mut SplitMix64,
        now: Instant,
    ) -> Self {
        let way = Way::first(if config.tcp {
            Transport::Tcp
        } else {
            Transport::Udp
        });
        let server = |address: &SocketAddr| {
            let known = memory.way(*address, now).unwrap_or(way);
            Server {
                address: *address,
                way: known,
                known,
            }
        };
        let servers: Vec<_> = config.servers.iter().map(server).collect();
        Self {
            way,
            timeout: config.timeout,
            all: servers.len() * usize::from(config.attempts.max(1)),
            over: 0,
            first: if config.rotate {
                random.below(servers.len())
            } else {
                0
            },
            worst: Failure::Unreachable,
            servers,
        }
    }

    /// Begins anew for another question, with this server
    pub(super) fn restart(&mut self, first: usize) {
        (self.first, self.over, self.worst) = (first, 0, Failure::Unreachable);
    }

    /// The index of the server whose turn it is; `None` if all tries are over
    pub(super) fn turn(&self) -> Option<usize> {
        (self.over < self.all).then(|| self.server_of(self.over))
    }

    /// How long the exchange in hand may last, of what is left
    ///
    /// A fair share, so that silent servers leave time for the others. In the last round a silent server
    /// is asked in each way that is left, so that each of these needs a share.
    pub(super) fn share(&self, left: Duration) -> Duration {
        let exchanges: usize = (self.over..self.all)
            .map(|over| self.ways_of_try(over))
            .sum();
        let exchanges = u32::try_from(exchanges.max(1)).unwrap_or(u32::MAX);
        self.timeout.min(left / exchanges)
    }

    /// Notes a failure that ends a try
    pub(super) fn fail(&mut self, failure: Failure) {
        self.note(failure);
        self.over += 1;
    }

    /// Notes a failure that ends none
    pub(super) fn note(&mut self, failure: Failure) {
        self.worst = self.worst.max(failure);
    }

    pub(super) fn worst(&self) -> Failure {
        self.worst
    }

    pub(super) fn address(&self, server: usize) -> SocketAddr {
        self.servers[server].address
    }

    pub(super) fn way(&self, server: usize) -> Way {
        self.servers[server].way
    }

    /// It answered when it was asked in this way; what is to be remembered, if that is news
    pub(super) fn answered(&mut self, server: usize, way: Way) -> Option<Lesson> {
        let server = &mut self.servers[server];
        server.way = way;
        if server.known == way {
            return None;
        }
        server.known = way;
        Some(Lesson::new(
            server.address,
            (way != self.way).then_some(way),
        ))
    }

    /// It did not answer when it was asked in this way: the next query goes in another, or in the first
    /// again after the last
    pub(super) fn doubt(&mut self, server: usize, way: Way) {
        if self.servers[server].way == way {
            self.servers[server].way = way.next().unwrap_or(self.way);
        }
    }

    /// Whether the try in hand goes on in the next way when nothing comes of this one: there is no later
    /// try to use it
    pub(super) fn goes_on(&self, way: Way) -> bool {
        self.over < self.all && self.is_last_round() && way.next().is_some()
    }

    /// How many exchanges a silent server is worth in a try to come
    fn ways_of_try(&self, over: usize) -> usize {
        if !self.is_last_round() {
            return 1;
        }
        let way = self.servers[self.server_of(over)].way;
        std::iter::successors(Some(way), |way| way.next()).count()
    }

    fn is_last_round(&self) -> bool {
        self.over + self.servers.len() >= self.all
    }

    fn server_of(&self, over: usize) -> usize {
        (self.first + over) % self.servers.len()
    }
}

#[derive(Clone, Copy, Debug)]
struct Server {
    address: SocketAddr,
    /// How it is asked next
    way: Way,
    /// How it is known to answer, as far as anything is
    known: Way,
}
