//! One question to DNS, as a machine without sockets and without a clock.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use fedway_core::{Absence, Answer, DnsError, DnsName, Family, Instant, SplitMix64, SrvRecord};
use hickory_proto::op::Query;
use hickory_proto::rr::Name;

use super::chain::{Chain, Followed};
use super::config::DnsConfig;
use super::failure::Failure;
use super::kind::Kind;
use super::memory::Memory;
use super::message::{self, Reading, Response};
use super::special::Special;
use super::step::{Step, Transmit, TransmitId};
use super::text;
use super::tries::Tries;
use super::way::{Transport, Way};

/// One question, asked of one name server after the other until one answers
///
/// `poll` says what to do; the `handle_*` methods take what came of it, in any order and as often as
/// you like: what belongs to an earlier [`Transmit`] changes nothing. There is no clock and no
/// entropy here: `now` is a parameter, and query ids come from the seed.
///
/// Each of servers × attempts is a try. A try lasts no longer than [`DnsConfig::timeout`] and its
/// fair share of what is left of the time, so that silent servers leave some for the others. An
/// error ends a try at once, and so does a [referral](DnsError::Referral), which is no answer. When no try is
/// left, or no time, the result is the most telling error seen: SERVFAIL, REFUSED, another response
/// code, a referral, malformed, out of resources, timed out, unreachable, in this order. The last try ends
/// a twentieth of the time before the deadline, so that this is told while somebody listens.
///
/// The last server that was given up for being slow is still listened to while others are asked: its answer
/// counts if it is the first to come, over TCP if it does not fit. An alias that comes late is passed over
/// if its target is not with it.
///
/// A try is several exchanges with one server where that helps:
///
/// * over TCP, if the answer did not fit (RFC 7766 §5), or was cut without saying so;
/// * without EDNS, if the server answers FORMERR or NOTIMP (RFC 6891 §7), or something malformed.
///
/// A server that is silent is asked without EDNS in its next try, and over TCP in the one after that (RFC 6891
/// §6.2.5: some drop what they do not know); in its last try, one after the other. What is learnt
/// from that, later look-ups can know: see [`Memory`].
///
/// An alias (CNAME) is followed within the response, and asked for anew where that ends. The new
/// question has all tries again, beginning with the server that gave the alias, under the same
/// deadline.
#[derive(Clone, Debug)]
pub struct Lookup<T> {
    kind: Kind<T>,
    /// When the last try ends
    end: Instant,
    random: SplitMix64,
    chain: Chain,
    tries: Tries,
    next_id: TransmitId,
    /// What to say before all else: cancels and lessons
    news: VecDeque<Step<T>>,
    /// The exchange of the try in hand; `None` when the look-up is over
    current: Option<Exchange>,
    /// The last exchange that took too long, and may still bring an answer
    slow: Option<Exchange>,
    /// Until it has been polled
    outcome: Option<Result<Answer<T>, DnsError>>,
}

/// What a look-up needs beside its question
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Whom to ask, and how patiently
    pub config: &'a DnsConfig,
    /// What is known of those servers
    pub memory: &'a Memory,
    /// Where query ids come from: unpredictable, and another for each look-up (RFC 5452 §9.2)
    pub seed: u64,
    /// When nobody waits for the answer any more
    pub deadline: Instant,
}

impl Lookup<IpAddr> {
    /// Asks for the addresses of a host, of one family
    ///
    /// The hosts file is not consulted: see [`Hosts`](super::Hosts).
    #[must_use]
    pub fn addresses(host: &DnsName, family: Family, terms: Terms<'_>, now: Instant) -> Self {
        let mut lookup = Self::new(Kind::addresses(family), host, terms, now);
        if family == Family::V6 && terms.config.no_aaaa {
            lookup.forgo(host);
        } else {
            lookup.start(host, now);
        }
        lookup
    }
}

impl Lookup<SrvRecord> {
    /// Asks for SRV records (RFC 2782)
    #[must_use]
    pub fn srv(name: &DnsName, terms: Terms<'_>, now: Instant) -> Self {
        let mut lookup = Self::new(Kind::srv(), name, terms, now);
        lookup.start(name, now);
        lookup
    }
}

impl<T: Clone> Lookup<T> {
    /// What to do next, until it says [`Step::Wait`]: then something has to be handled first
    ///
    /// Before [`Step::Done`] every query is cancelled that has not failed.
    pub fn poll(&mut self) -> Step<T> {
        if let Some(step) = self.news.pop_front() {
            return step;
        }
        let exchanges = [self.current.as_mut(), self.slow.as_mut()];
        if let Some(transmit) = exchanges
            .into_iter()
            .flatten()
            .find_map(|exchange| exchange.transmit.take())
        {
            return Step::Send(transmit);
        }
        match self.outcome.take() {
            Some(outcome) => Step::Done(outcome),
            None => Step::Wait {
                until: self.deadline(),
            },
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due; goes stale with each `handle_*`
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.current.as_ref().map(|exchange| exchange.until)
    }

    /// Takes a datagram, or a message of a TCP stream without its length, from the server asked
    ///
    /// Any bytes will do: those that are no response to the query are passed over when they came by
    /// UDP, where anybody may have sent them, and end the exchange when they came by TCP. A response is
    /// taken even if it comes late, provided that [`handle_timeout`](Self::handle_timeout) has not;
    /// passing over counts as that, so a reader that never waits for its timer does not wait forever.
    pub fn handle_message(&mut self, id: TransmitId, bytes: &[u8], now: Instant) {
        let is_this = |exchange: &mut Exchange| exchange.id == id;
        if let Some(exchange) = self.current.take_if(is_this) {
            let reading = exchange.read(bytes);
            if reading == Reading::Other && exchange.transport == Transport::Udp {
                self.current = Some(exchange);
                self.handle_timeout(now);
            } else {
                self.close(&exchange);
                self.take(&exchange, reading, now);
            }
        } else if let Some(exchange) = self.slow.take_if(is_this) {
            let reading = exchange.read(bytes);
            if reading == Reading::Other && exchange.transport == Transport::Udp {
                self.slow = Some(exchange);
                self.handle_timeout(now);
            } else {
                self.close(&exchange);
                self.take_late(&exchange, reading, now);
            }
        }
    }

    /// Takes note that the server could not be reached: the port is closed, there is no route, the
    /// stream ended early
    pub fn handle_failure(&mut self, id: TransmitId, now: Instant) {
        if let Some(exchange) = self.fail_exchange(id) {
            if exchange.way.transport == Transport::Tcp {
                self.tries.doubt(exchange.server, exchange.way);
            }
            self.fail(Failure::Unreachable, now);
        }
    }

    /// Takes note that this machine has no socket, port or memory for this query
    ///
    /// It is the result only if no server has answered anything, and none still may.
    pub fn handle_out_of_resources(&mut self, id: TransmitId, now: Instant) {
        if self.fail_exchange(id).is_some() {
            self.fail(Failure::OutOfResources, now);
        }
    }

    /// Ends the exchange whose time is up, if it is; may be called early, late or twice
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(exchange) = self.current.take_if(|exchange| exchange.until <= now) else {
            return;
        };
        let (server, way) = (exchange.server, exchange.way);
        let goes_on = self.tries.goes_on(way);
        // One that was never sent tells nothing of the server
        if exchange.transmit.is_none() {
            self.tries.doubt(server, way);
            if let Some(slower) = self.slow.replace(exchange) {
                self.close(&slower);
            }
        }
        if goes_on {
            self.tries.note(Failure::TimedOut);
            self.ask(server, now);
        } else {
            self.fail(Failure::TimedOut, now);
        }
    }

    fn new(kind: Kind<T>, name: &DnsName, terms: Terms<'_>, now: Instant) -> Self {
        let mut random = SplitMix64::new(terms.seed);
        let time = terms.deadline.saturating_since(now);
        Self {
            kind,
            end: now + (time - time / MARGIN),
            // Nobody is asked for the root: it stands for a name that no message can hold
            chain: Chain::new(text::to_labels(name).unwrap_or_else(Name::root)),
            tries: Tries::new(terms.config, terms.memory, &mut random, now),
            random,
            next_id: TransmitId::FIRST,
            news: VecDeque::new(),
            current: None,
            slow: None,
            outcome: None,
        }
    }

    fn start(&mut self, name: &DnsName, now: Instant) {
        match Special::of(name) {
            Some(special) => self.answer(special),
            None if self.chain.end().is_root() => self.finish(Err(DnsError::NotEncodable)),
            None => self.ask_next(now),
        }
    }

    /// Asks nobody, since no server is to be asked for such records
    fn forgo(&mut self, name: &DnsName) {
        match Special::of(name) {
            Some(special) => self.answer(special),
            None => self.finish(Ok(absent(Absence::NoData))),
        }
    }

    /// Gives an answer that no name server is asked for
    fn answer(&mut self, special: Special) {
        let outcome = match (special, &self.kind.loopback) {
            (Special::Invalid, _) => Ok(absent(Absence::NoSuchName)),
            (Special::Localhost, Some(loopback)) => {
                Ok(self.chain.found(vec![loopback.clone()], Duration::ZERO))
            }
            (Special::Localhost, None) => Ok(absent(Absence::NoData)),
            (Special::Onion, _) => Err(DnsError::Onion),
        };
        self.finish(outcome);
    }

    /// Begins the next try, or ends the look-up if there is none
    fn ask_next(&mut self, now: Instant) {
        match self.tries.turn() {
            Some(server) => self.ask(server, now),
            None => self.finish(Err(self.tries.worst().into())),
        }
    }

    /// Asks a server in the way that it may understand
    fn ask(&mut self, server: usize, now: Instant) {
        self.transmit(server, self.tries.way(server).transport, now);
    }

    /// Begins an exchange
    fn transmit(&mut self, server: usize, transport: Transport, now: Instant) {
        let left = self.end.saturating_since(now);
        if left.is_zero() {
            self.finish(Err(self.tries.worst().max(Failure::TimedOut).into()));
            return;
        }
        let until = now + self.tries.share(left);
        self.current = self.exchange(server, transport, until);
        if self.current.is_none() {
            self.finish(Err(DnsError::NotEncodable));
        }
    }

    /// A query for the chain's end; `None` if no message can hold it
    fn exchange(
        &mut self,
        server: usize,
        transport: Transport,
        until: Instant,
    ) -> Option<Exchange> {
        let way = self.tries.way(server);
        let question = Query::query(self.chain.end().clone(), self.kind.record_type);
        let query_id = (self.random.draw() >> 48) as u16;
        let message = message::write(query_id, &question, way.edns)?;
        let id = self.next_id;
        self.next_id = id.next();
        let address = self.tries.address(server);
        Some(Exchange {
            id,
            query_id,
            question,
            server,
            way,
            transport,
            until,
            transmit: Some(Transmit::new(id, address, transport, message)),
        })
    }

    /// Takes what came to the exchange in hand
    fn take(&mut self, exchange: &Exchange, reading: Reading, now: Instant) {
        let Exchange { server, way, .. } = *exchange;
        match (reading, exchange.transport) {
            (Reading::Failed(code, _), _) if way.edns && message::is_edns_refusal(code) => {
                self.learn(server, way.without_edns());
                self.transmit(server, exchange.transport, now);
            }
            (Reading::Failed(code, reason), _) => {
                self.learn(server, way);
                self.fail(Failure::of_code(code, reason), now);
            }
            (Reading::Response(response), _) => {
                self.learn(server, way);
                self.conclude(&response, server, now);
            }
            (Reading::Truncated, Transport::Udp) => {
                self.learn(server, way);
                self.transmit(server, Transport::Tcp, now);
            }
            (Reading::Malformed | Reading::Other, _) | (Reading::Truncated, Transport::Tcp) => {
                let goes_on = way.edns || self.tries.goes_on(way);
                self.tries.doubt(server, way);
                if goes_on {
                    self.tries.note(Failure::Malformed);
                    self.ask(server, now);
                } else {
                    self.fail(Failure::Malformed, now);
                }
            }
        }
    }

    /// Takes what came to an exchange that was given up: it ends no try, and begins none
    fn take_late(&mut self, exchange: &Exchange, reading: Reading, now: Instant) {
        let Exchange { server, way, .. } = *exchange;
        match (reading, exchange.transport) {
            (Reading::Failed(code, _), _) if way.edns && message::is_edns_refusal(code) => {
                self.learn(server, way.without_edns());
            }
            (Reading::Failed(code, reason), _) => {
                self.learn(server, way);
                self.tries.note(Failure::of_code(code, reason));
            }
            (Reading::Response(response), _) => {
                self.learn(server, way);
                self.conclude_late(&response);
            }
            (Reading::Truncated, Transport::Udp) => {
                self.learn(server, way);
                self.slow = self.exchange(server, Transport::Tcp, now);
            }
            (Reading::Malformed | Reading::Other, _) | (Reading::Truncated, Transport::Tcp) => {
                self.tries.note(Failure::Malformed);
            }
        }
    }

    /// Ends the look-up, or asks for the alias's target if the response does not go that far
    fn conclude(&mut self, response: &Response, server: usize, now: Instant) {
        match self.chain.follow(response, &self.kind) {
            Followed::Answer(answer) => self.finish(Ok(answer)),
            Followed::Loop => self.finish(Err(DnsError::AliasLoop)),
            Followed::Referral => self.fail(Failure::Referral, now),
            Followed::Further => {
                if let Some(slow) = self.slow.take() {
                    self.close(&slow);
                }
                self.tries.restart(server);
                match text::from_labels(self.chain.end()).and_then(|end| Special::of(&end)) {
                    Some(special) => self.answer(special),
                    None => self.ask_next(now),
                }
            }
        }
    }

    /// Ends the look-up, if the response is a whole answer
    fn conclude_late(&mut self, response: &Response) {
        // The try in hand goes on from where the chain was when it began
        match self.chain.clone().follow(response, &self.kind) {
            Followed::Answer(answer) => self.finish(Ok(answer)),
            Followed::Loop => self.finish(Err(DnsError::AliasLoop)),
            Followed::Referral => self.tries.note(Failure::Referral),
            Followed::Further => {}
        }
    }

    fn learn(&mut self, server: usize, way: Way) {
        let lesson = self.tries.answered(server, way);
        self.news.extend(lesson.map(Step::Learnt));
    }

    /// Ends a try, and begins the next if there is one
    fn fail(&mut self, failure: Failure, now: Instant) {
        self.tries.fail(failure);
        let left = self.end.saturating_since(now);
        let is_last = self.tries.turn().is_none() && failure != Failure::TimedOut;
        match self.slow.take_if(|_| is_last && !left.is_zero()) {
            // Whom we cannot ask again may be about to answer
            Some(slow) => {
                let until = now + self.tries.share(left);
                self.current = Some(Exchange { until, ..slow });
            }
            None => self.ask_next(now),
        }
    }

    /// The exchange in hand, which has failed; one that was given up before is let go of
    fn fail_exchange(&mut self, id: TransmitId) -> Option<Exchange> {
        self.slow.take_if(|exchange| exchange.id == id);
        self.current.take_if(|exchange| exchange.id == id)
    }

    fn finish(&mut self, outcome: Result<Answer<T>, DnsError>) {
        for exchange in [self.current.take(), self.slow.take()].iter().flatten() {
            self.close(exchange);
        }
        self.outcome = Some(outcome);
    }

    /// Lets go of an exchange's socket, if it has one
    fn close(&mut self, exchange: &Exchange) {
        if exchange.transmit.is_none() {
            self.news.push_back(Step::Cancel(exchange.id));
        }
    }
}

/// A query that waits for its response
#[derive(Clone, Debug)]
struct Exchange {
    id: TransmitId,
    query_id: u16,
    question: Query,
    /// The index of the server
    server: usize,
    way: Way,
    /// TCP if the way is UDP and the answer did not fit
    transport: Transport,
    until: Instant,
    /// Until it has been polled
    transmit: Option<Transmit>,
}

impl Exchange {
    fn read(&self, bytes: &[u8]) -> Reading {
        message::read(bytes, self.query_id, &self.question)
    }
}

/// An absence that nobody has said how long to believe
fn absent<T>(absence: Absence) -> Answer<T> {
    Answer::absent(absence, Some(Duration::ZERO))
}

/// The part of the time that is left over at the end: enough for the outcome to be told on a busy machine,
/// and little enough not to be missed
const MARGIN: u32 = 20;
