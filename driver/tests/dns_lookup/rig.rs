//! A driver by hand, and the records of a small internet.

use std::fmt::Debug;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use fedway_core::{Absence, Answer, DnsError, DnsName, Family, Instant, SrvRecord};
use fedway_driver::dns::{DnsConfig, Lookup, Memory, Step, Terms, Transmit, TransmitId, Transport};
use hickory_proto::op::{Edns, Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{A, CNAME, NS, SOA};
use hickory_proto::rr::{Name, RData, Record};

pub(crate) type Edit = fn(&mut Message);
pub(crate) type Fault = fn(&Sent, &mut Lookup<IpAddr>);

/// A query as the server sees it
pub(crate) struct Sent {
    pub(crate) transmit: Transmit,
    /// The last number of its address
    pub(crate) server: u8,
    pub(crate) query: Message,
}

impl Sent {
    pub(crate) fn response(&self) -> Message {
        let mut message = Message::response(self.query.metadata.id, OpCode::Query);
        message.add_queries(self.query.queries.clone());
        message
    }

    pub(crate) fn reply<T: Clone>(&self, lookup: &mut Lookup<T>, edit: impl FnOnce(&mut Message)) {
        self.reply_at(lookup, edit, at(1));
    }

    pub(crate) fn reply_at<T: Clone>(
        &self,
        lookup: &mut Lookup<T>,
        edit: impl FnOnce(&mut Message),
        now: Instant,
    ) {
        let mut message = self.response();
        edit(&mut message);
        lookup.handle_message(self.transmit.id(), &message.to_vec().unwrap(), now);
    }

    pub(crate) fn answer<T: Clone>(&self, lookup: &mut Lookup<T>, records: &[Record]) {
        self.answer_at(lookup, records, at(1));
    }

    pub(crate) fn answer_at<T: Clone>(
        &self,
        lookup: &mut Lookup<T>,
        records: &[Record],
        now: Instant,
    ) {
        self.reply_at(lookup, |message| message.answers = records.to_vec(), now);
    }

    /// Answers with bytes, made from a response that this was done to
    pub(crate) fn bytes<T: Clone>(
        &self,
        lookup: &mut Lookup<T>,
        edit: impl FnOnce(&mut Message),
        edit_bytes: impl FnOnce(&mut Vec<u8>),
    ) {
        let mut message = self.response();
        edit(&mut message);
        let mut bytes = message.to_vec().unwrap();
        edit_bytes(&mut bytes);
        lookup.handle_message(self.transmit.id(), &bytes, at(1));
    }

    /// A reply that nobody can make sense of
    pub(crate) fn garbage<T: Clone>(&self, lookup: &mut Lookup<T>) {
        lookup.handle_message(self.transmit.id(), &self.transmit.message()[..2], at(1));
    }

    /// Whether the query had EDNS, and how it went
    pub(crate) fn way(&self) -> (bool, Transport) {
        (self.query.edns.is_some(), self.transmit.transport())
    }

    /// A failure, and the number of the reason for it
    pub(crate) fn explained<T: Clone>(
        &self,
        lookup: &mut Lookup<T>,
        code: ResponseCode,
        number: u16,
    ) {
        self.reply(lookup, |message| {
            message.metadata.response_code = code;
            message.set_edns(explanation(number));
        });
    }

    pub(crate) fn code<T: Clone>(&self, lookup: &mut Lookup<T>, code: ResponseCode) {
        self.reply(lookup, |message| message.metadata.response_code = code);
    }
}

impl From<Transmit> for Sent {
    fn from(transmit: Transmit) -> Self {
        let IpAddr::V4(server) = transmit.server().ip() else {
            panic!("not from this config")
        };
        let query = Message::from_vec(transmit.message()).unwrap();
        Self {
            server: server.octets()[3],
            query,
            transmit,
        }
    }
}

/// What the look-up wants, but for cancels and lessons
pub(crate) fn step<T: Clone>(lookup: &mut Lookup<T>) -> Step<T> {
    loop {
        match lookup.poll() {
            Step::Cancel(_) | Step::Learnt(_) => {}
            step @ (Step::Done(_) | Step::Send(_) | Step::Wait { .. }) => return step,
        }
    }
}

pub(crate) fn send<T: Clone + Debug>(lookup: &mut Lookup<T>) -> Sent {
    let step = step(lookup);
    if let Step::Send(transmit) = step {
        return transmit.into();
    }
    panic!("nothing is sent, but: {step:?}");
}

/// Lets this happen to every query, until the look-up is over
pub(crate) fn run(
    lookup: &mut Lookup<IpAddr>,
    mut meet: impl FnMut(&Sent, &mut Lookup<IpAddr>),
) -> Result<Answer<IpAddr>, DnsError> {
    loop {
        match step(lookup) {
            Step::Send(transmit) => meet(&transmit.into(), lookup),
            Step::Done(outcome) => return outcome,
            Step::Wait { until: Some(until) } => lookup.handle_timeout(until),
            Step::Cancel(_) | Step::Learnt(_) | Step::Wait { until: None } => panic!("it is stuck"),
        }
    }
}

/// Polls until it waits, and says until when
pub(crate) fn waits<T: Clone + Debug>(lookup: &mut Lookup<T>) -> Instant {
    let step = step(lookup);
    if let Step::Wait { until: Some(until) } = step {
        return until;
    }
    panic!("it does not wait, but: {step:?}");
}

/// What it cancels before it wants anything else
pub(crate) fn cancels<T: Clone>(lookup: &mut Lookup<T>) -> Vec<TransmitId> {
    let mut ids = Vec::new();
    let mut ahead = lookup.clone();
    while let step @ (Step::Cancel(_) | Step::Learnt(_)) = ahead.poll() {
        lookup.poll();
        if let Step::Cancel(id) = step {
            ids.push(id);
        }
    }
    ids
}

/// Lets the time of the exchange in hand run out
pub(crate) fn time_out<T: Clone>(lookup: &mut Lookup<T>) {
    lookup.handle_timeout(lookup.deadline().unwrap());
}

pub(crate) fn send_over(transport: Transport, lookup: &mut Lookup<IpAddr>) -> Sent {
    let mut sent = send(lookup);
    if transport == Transport::Tcp {
        sent.reply(lookup, |message| message.metadata.truncation = true);
        sent = send(lookup);
    }
    sent
}

pub(crate) fn done<T: Clone + Debug>(lookup: &mut Lookup<T>) -> Result<Answer<T>, DnsError> {
    let step = step(lookup);
    if let Step::Done(result) = step {
        return result;
    }
    panic!("it is not over, but: {step:?}");
}

pub(crate) fn config(servers: u8) -> DnsConfig {
    DnsConfig::new(
        (1..=servers)
            .map(|last| ([192, 0, 2, last], 53).into())
            .collect(),
    )
}

/// Begins at zero, with a deadline of five seconds
pub(crate) fn terms<'a>(config: &'a DnsConfig, memory: &'a Memory, seed: u64) -> Terms<'a> {
    Terms {
        config,
        memory,
        seed,
        deadline: at(5_000),
    }
}

pub(crate) fn seeded(config: &DnsConfig, seed: u64) -> Lookup<IpAddr> {
    let host = DnsName::new("example.org").unwrap();
    let memory = Memory::default();
    Lookup::addresses(&host, Family::V4, terms(config, &memory, seed), at(0))
}

pub(crate) fn v4(host: &str) -> Lookup<IpAddr> {
    of_family(host, Family::V4, &config(1))
}

pub(crate) fn v6(host: &str) -> Lookup<IpAddr> {
    of_family(host, Family::V6, &config(1))
}

pub(crate) fn of_family(host: &str, family: Family, config: &DnsConfig) -> Lookup<IpAddr> {
    let host = DnsName::new(host).unwrap();
    Lookup::addresses(&host, family, terms(config, &Memory::default(), 7), at(0))
}

pub(crate) fn srv(name: &str) -> Lookup<SrvRecord> {
    let (name, config) = (DnsName::new(name).unwrap(), config(1));
    Lookup::srv(&name, terms(&config, &Memory::default(), 7), at(0))
}

pub(crate) fn at(millis: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(millis))
}

pub(crate) fn tick_before(instant: Instant) -> Instant {
    Instant::from_origin(instant.since_origin() - Duration::from_nanos(1))
}

/// When the last try ends: a twentieth of the five seconds before the deadline
pub(crate) const END: u64 = 4_750;

pub(crate) fn name(text: &str) -> Name {
    Name::from_str(text).unwrap()
}

pub(crate) fn a(owner: &str, ttl: u32, last: u8) -> Record {
    Record::from_rdata(name(owner), ttl, RData::A(A::new(192, 0, 2, last)))
}

pub(crate) fn cname(owner: &str, ttl: u32, target: &str) -> Record {
    Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target))))
}

pub(crate) fn soa(zone: &str, ttl: u32, minimum: u32) -> Record {
    let data = SOA::new(name("ns."), name("admin."), 1, 2, 3, 4, minimum);
    Record::from_rdata(name(zone), ttl, RData::SOA(data))
}

/// EDNS with a cookie, and a reason with its text (RFC 8914 §2)
pub(crate) fn explanation(number: u16) -> Edns {
    let mut edns = Edns::new();
    let options = edns.options_mut();
    options.insert(EdnsOption::Unknown(10, vec![7; 8]));
    let reason = [&number.to_be_bytes()[..], b"in words"].concat();
    options.insert(EdnsOption::Unknown(15, reason));
    edns
}

pub(crate) fn ns(zone: &str, server: &str) -> Record {
    Record::from_rdata(name(zone), 60, RData::NS(NS(name(server))))
}

pub(crate) fn found(last: &[u8], ttl: u64, alias: bool) -> Result<Answer<IpAddr>, DnsError> {
    let records = last.iter().map(|last| [192, 0, 2, *last].into()).collect();
    let answer = Answer::found(records, Duration::from_secs(ttl));
    Ok(if alias { answer.by_alias() } else { answer })
}

pub(crate) fn absent<T>(absence: Absence, ttl: Option<u64>) -> Result<Answer<T>, DnsError> {
    Ok(Answer::absent(absence, ttl.map(Duration::from_secs)))
}
