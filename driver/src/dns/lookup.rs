//! One question to DNS, as a machine without sockets and without a clock.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fedway_core::{Absence, Answer, DnsError, DnsName, Family, Instant, SrvRecord};
use hickory_proto::op::Query;

use super::chain::Chain;
use super::config::DnsConfig;
use super::failure::Failure;
use super::kind::Kind;
use super::message::{self, Reading, Response};
use super::random::Random;
use super::special::Special;
use super::step::{Step, Transmit, TransmitId, Transport};
use super::text;

/// One question, asked of one name server after the other until one answers
///
/// `poll` says what to do; the `handle_*` methods take what came of it, in any order and as often as
/// you like: what belongs to an earlier [`Transmit`] changes nothing. There is no clock and no
/// entropy here: `now` is a parameter, and query ids come from the seed, which must be unpredictable
/// and fresh for each look-up (RFC 5452 §9.2).
///
/// Each of servers × attempts is a try. A try lasts no longer than [`DnsConfig::timeout`] and its
/// fair share of what is left of the deadline, so that silent servers leave time for the others. An
/// error ends a try at once. When no try is left, or no time, the result is the most telling error
/// seen: SERVFAIL, REFUSED, another response code, malformed, timed out, unreachable, in this order.
///
/// A server that was given up for being slow is still listened to while others are asked: its answer counts
/// if it is the first to come.
///
/// A try is up to three exchanges with one server: with EDNS, without it if the server answers
/// FORMERR or NOTIMP (RFC 6891 §7), and over TCP if the answer did not fit (RFC 7766 §5).
///
/// An alias (CNAME) is followed within the response, and asked for anew where that ends. The new
/// question has all tries again, beginning with the server that gave the alias, under the same
/// deadline.
#[derive(Clone, Debug)]
pub struct Lookup<T> {
    kind: Kind<T>,
    servers: Vec<Server>,
    timeout: Duration,
    deadline: Instant,
    random: Random,
    chain: Chain,
    /// The server of the first try
    first: usize,
    /// Tries that each question has
    tries: usize,
    /// Tries of this question that are over
    tried: usize,
    /// The most telling error of those
    worst: Failure,
    next_id: TransmitId,
    /// Exchanges of this question that took too long, and may still bring an answer
    slow: Vec<Exchange>,
    state: State<T>,
}

impl Lookup<IpAddr> {
    /// Asks for the addresses of a host, of one family
    ///
    /// The hosts file is not consulted: see [`Hosts`](super::Hosts).
    #[must_use]
    pub fn addresses(
        host: &DnsName,
        family: Family,
        config: &DnsConfig,
        seed: u64,
        deadline: Instant,
        now: Instant,
    ) -> Self {
        Self::start(Kind::addresses(family), host, config, seed, deadline, now)
    }
}

impl Lookup<SrvRecord> {
    /// Asks for SRV records (RFC 2782)
    #[must_use]
    pub fn srv(
        name: &DnsName,
        config: &DnsConfig,
        seed: u64,
        deadline: Instant,
        now: Instant,
    ) -> Self {
        Self::start(Kind::srv(), name, config, seed, deadline, now)
    }
}

impl<T: Clone> Lookup<T> {
    /// What to do next; [`Step::Wait`] until something has been handled, [`Step::Done`] for good
    pub fn poll(&mut self) -> Step<T> {
        match &mut self.state {
            State::Asking(exchange) => match exchange.transmit.take() {
                Some(transmit) => Step::Send(transmit),
                None => Step::Wait {
                    until: exchange.until,
                },
            },
            State::Done(result) => Step::Done(result.clone()),
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; goes stale with each `handle_*`
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Asking(exchange) => Some(exchange.until),
            State::Done(_) => None,
        }
    }

    /// Whether a response to this transmit would still be heard; if not, its socket can be closed
    #[must_use]
    pub fn awaits(&self, id: TransmitId) -> bool {
        match &self.state {
            State::Asking(exchange) => exchange.id == id || self.slow_index(id).is_some(),
            State::Done(_) => false,
        }
    }

    /// Takes a datagram, or a message of a TCP stream without its length, from the server asked
    ///
    /// Any bytes will do: those that are no response to the query are passed over when they came by
    /// UDP, where anybody may have sent them, and end the try when they came by TCP. A response is
    /// taken even if it comes late, provided that [`handle_timeout`](Self::handle_timeout) has not;
    /// passing over counts as that, so a reader that never waits for its timer does not wait forever.
    pub fn handle_message(&mut self, id: TransmitId, bytes: &[u8], now: Instant) {
        let State::Asking(exchange) = &self.state else {
            return;
        };
        if exchange.id != id {
            self.handle_slow_message(id, bytes, now);
            return;
        }
        let (edns, transport) = (exchange.edns, exchange.transport);
        match (exchange.read(bytes), transport) {
            (Reading::Failed(code), _) if edns && message::is_edns_refusal(code) => {
                let server = self.server();
                self.servers[server].plain = true;
                self.transmit(transport, now);
            }
            (Reading::Failed(code), _) => self.fail(code.into(), now),
            (Reading::Malformed, _) => self.fail(Failure::Malformed, now),
            (Reading::Other, Transport::Udp) => self.handle_timeout(now),
            (Reading::Response(response), _) => self.conclude(&response, now),
            (Reading::Truncated, Transport::Udp) => self.transmit(Transport::Tcp, now),
            (Reading::Other | Reading::Truncated, Transport::Tcp) => {
                self.fail(Failure::Malformed, now);
            }
        }
    }

    /// An answer counts whenever it comes; anything else from a server given up changes nothing
    fn handle_slow_message(&mut self, id: TransmitId, bytes: &[u8], now: Instant) {
        let Some(index) = self.slow_index(id) else {
            return;
        };
        match self.slow[index].read(bytes) {
            Reading::Response(response) => self.conclude(&response, now),
            Reading::Other => self.handle_timeout(now),
            Reading::Failed(_) | Reading::Malformed | Reading::Truncated => {
                self.slow.remove(index);
            }
        }
    }

    fn slow_index(&self, id: TransmitId) -> Option<usize> {
        self.slow.iter().position(|exchange| exchange.id == id)
    }

    /// Takes note that the server could not be reached: the port is closed, there is no route, the
    /// stream ended early
    pub fn handle_failure(&mut self, id: TransmitId, now: Instant) {
        if let Some(index) = self.slow_index(id) {
            self.slow.remove(index);
        } else if self.awaits(id) {
            self.fail(Failure::Unreachable, now);
        }
    }

    /// Ends the try whose time is up, if it is; may be called early, late or twice
    pub fn handle_timeout(&mut self, now: Instant) {
        if let State::Asking(exchange) = &self.state
            && exchange.until <= now
        {
            self.slow.push(exchange.clone());
            self.fail(Failure::TimedOut, now);
        }
    }

    fn start(
        kind: Kind<T>,
        name: &DnsName,
        config: &DnsConfig,
        seed: u64,
        deadline: Instant,
        now: Instant,
    ) -> Self {
        let labels = text::to_labels(name);
        let server = |address: &SocketAddr| Server {
            address: *address,
            plain: false,
        };
        let servers: Vec<_> = config.servers.iter().map(server).collect();
        let mut random = Random::new(seed);
        let first = if config.rotate {
            random.below(servers.len())
        } else {
            0
        };
        let is_encodable = labels.is_some();
        let mut lookup = Self {
            kind,
            tries: servers.len() * usize::from(config.attempts.max(1)),
            servers,
            timeout: config.timeout,
            deadline,
            random,
            chain: Chain::new(labels.unwrap_or_default()),
            first,
            tried: 0,
            worst: Failure::Unreachable,
            next_id: TransmitId::FIRST,
            slow: Vec::new(),
            state: State::Done(Err(DnsError::NotEncodable)),
        };
        match Special::of(name) {
            Some(special) => lookup.answer(special),
            None if is_encodable => lookup.ask(now),
            None => (),
        }
        lookup
    }

    /// Gives an answer that no name server is asked for
    fn answer(&mut self, special: Special) {
        let ttl = Duration::ZERO;
        self.state = State::Done(match (special, &self.kind.loopback) {
            (Special::Invalid, _) => Ok(Answer::absent(Absence::NoSuchName, Some(ttl))),
            (Special::Localhost, Some(loopback)) => {
                Ok(self.chain.found(vec![loopback.clone()], ttl))
            }
            (Special::Localhost, None) => Ok(Answer::absent(Absence::NoData, Some(ttl))),
            (Special::Onion, _) => Err(DnsError::Onion),
        });
    }

    /// Begins the tries for the chain's end
    fn ask(&mut self, now: Instant) {
        self.tried = 0;
        self.worst = Failure::Unreachable;
        self.slow.clear();
        if self.tries > 0 {
            self.transmit(Transport::Udp, now);
        } else {
            self.state = State::Done(Err(Failure::Unreachable.into()));
        }
    }

    /// Begins an exchange with the server of this try
    fn transmit(&mut self, transport: Transport, now: Instant) {
        let left = self.deadline.saturating_since(now);
        if left.is_zero() {
            self.state = State::Done(Err(self.worst.max(Failure::TimedOut).into()));
            return;
        }
        let tries_left = u32::try_from(self.tries - self.tried).unwrap_or(u32::MAX);
        let Server { address, plain } = self.servers[self.server()];
        let (id, query_id) = (self.next_id, self.random.query_id());
        let question = Query::query(self.chain.end().clone(), self.kind.record_type);
        let Some(message) = message::write(query_id, &question, !plain) else {
            self.state = State::Done(Err(DnsError::NotEncodable));
            return;
        };
        self.next_id = id.next();
        self.state = State::Asking(Exchange {
            id,
            query_id,
            question,
            transport,
            edns: !plain,
            until: now + self.timeout.min(left / tries_left),
            transmit: Some(Transmit::new(id, address, transport, message)),
        });
    }

    /// Ends a try, and begins the next if there is one
    fn fail(&mut self, failure: Failure, now: Instant) {
        self.worst = self.worst.max(failure);
        self.tried += 1;
        if self.tried < self.tries {
            self.transmit(Transport::Udp, now);
        } else {
            self.state = State::Done(Err(self.worst.into()));
        }
    }

    /// Ends the look-up, or asks for the alias's target if the response does not go that far
    fn conclude(&mut self, response: &Response, now: Instant) {
        match self.chain.follow(response, self.kind.read) {
            Ok(Some(answer)) => self.state = State::Done(Ok(answer)),
            Ok(None) => {
                self.first = self.server();
                match text::from_labels(self.chain.end()).and_then(|end| Special::of(&end)) {
                    Some(special) => self.answer(special),
                    None => self.ask(now),
                }
            }
            Err(error) => self.state = State::Done(Err(error)),
        }
    }

    /// The index of the server of this try; only called while there is a try, hence a server
    fn server(&self) -> usize {
        (self.first + self.tried) % self.servers.len()
    }
}

/// Where a look-up stands
#[derive(Clone, Debug)]
enum State<T> {
    Asking(Exchange),
    Done(Result<Answer<T>, DnsError>),
}

/// A query that waits for its response
#[derive(Clone, Debug)]
struct Exchange {
    id: TransmitId,
    query_id: u16,
    question: Query,
    transport: Transport,
    edns: bool,
    until: Instant,
    /// Until it has been polled
    transmit: Option<Transmit>,
}

impl Exchange {
    fn read(&self, bytes: &[u8]) -> Reading {
        message::read(bytes, self.query_id, &self.question)
    }
}

#[derive(Clone, Copy, Debug)]
struct Server {
    address: SocketAddr,
    /// It does not understand EDNS
    plain: bool,
}
