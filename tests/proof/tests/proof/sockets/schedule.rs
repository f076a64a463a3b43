//! Faults that a driver has to cope with, at random times.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use fedway_core::{Answer, Family};
use fedway_proof::oracle::{Asked, World as Rolled};
use fedway_testkit::script::{Answers, Dice, DnsResult, Question, RecordKind, Reply};
use fedway_testkit::world::{ConnectionFault, DnsFault, RecordType, World, WorldPlan};

/// What begins and ends while a search is made; none of it changes where the search ends
#[derive(Debug)]
pub(super) struct Schedule {
    /// What is there from the start
    first: Vec<Change>,
    /// Later changes, by the time since the start
    later: Vec<(Duration, Change)>,
}

#[derive(Clone, Debug)]
enum Change {
    Connection(SocketAddr, Option<ConnectionFault>),
    Dns(Question, Option<DnsFault>),
}

impl Schedule {
    /// Some faults from the start, and a change every few milliseconds, where the text leads
    pub(super) fn roll(dice: &mut Dice, world: &Rolled, asked: &Asked, races: bool) -> Self {
        let answers = world.answers.clone().settle();
        let questions = asked.questions.iter();
        let truths = questions.filter(|question| has_records(&answers, question));
        let truths = truths.map(|question| Change::Dns(question.clone(), None));
        let works = |address| {
            answers
                .peers
                .get(address)
                .is_some_and(|it| it.reply.says == Some(Ok(())))
        };
        let peers = asked.connects.iter().map(|(address, ..)| address);
        let peers = peers.filter(|address| works(address));
        let peers = peers.map(|address| Change::Connection(*address, None));
        let calm: Vec<_> = truths.chain(peers).collect();
        // Long enough for the next attempt of a race
        let pause = if races { 600 } else { 50 };
        let mut first = Vec::new();
        for change in &calm {
            if dice.percent(40) {
                first.push(change.disturb(dice, pause, DROPPED));
            }
        }
        let mut later = Vec::new();
        let mut at = Duration::ZERO;
        while at < LAST_CHANGE && !calm.is_empty() {
            at += ms(1 + dice.below(15));
            let change = &calm[dice.below(calm.len())];
            let change = match dice.percent(40) {
                true => change.clone(),
                false => change.disturb(dice, pause, 0),
            };
            later.push((at, change));
        }
        Self { first, later }
    }

    /// Makes what is there from the start
    pub(super) fn begin(&self, world: &World) {
        self.first.iter().for_each(|change| change.apply(world));
    }

    /// Makes each later change at its time, until the search has ended; whether it has, in time
    pub(super) fn play(&self, world: &World, ended: &Receiver<()>, longest: Duration) -> bool {
        let started = Instant::now();
        for (at, change) in &self.later {
            let rest = at.saturating_sub(started.elapsed());
            if ended.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
                return true;
            }
            change.apply(world);
        }
        ended.recv_timeout(longest) != Err(RecvTimeoutError::Timeout)
    }
}

impl Change {
    /// The same place with a fault; handshakes pause at most so long, and queries are lost as often as said
    fn disturb(&self, dice: &mut Dice, pause: usize, lost: u32) -> Self {
        let pause = ms(1 + dice.below(pause));
        match self {
            Self::Connection(address, _) => {
                let fault = ConnectionFault::SlowHandshake(pause);
                Self::Connection(*address, Some(fault))
            }
            Self::Dns(question, _) => {
                let fault = match dice.below(8) {
                    0 if lost > 0 => DnsFault::DropFirst(lost),
                    0 | 1 => DnsFault::Slow(pause.min(ms(50))),
                    2 => DnsFault::CnameWithoutTarget,
                    3 => DnsFault::FormErr,
                    4 => DnsFault::NotImplementedToEdns,
                    5 => DnsFault::SpoofThenRight([192, 0, 2, 66].into()),
                    _ => DnsFault::Truncate,
                };
                Self::Dns(question.clone(), Some(fault))
            }
        }
    }

    fn apply(&self, world: &World) {
        match self {
            Self::Connection(address, None) => world.end_connection_fault(&address.to_string()),
            Self::Connection(address, Some(fault)) => world
                .add(|plan| plan.connection_fault(&address.to_string(), *fault))
                .unwrap(),
            Self::Dns(question, None) => {
                world.end_dns_fault(question.name.as_str(), record_type(question.kind));
            }
            Self::Dns(question, Some(fault)) => {
                let (name, record_type) = (question.name.as_str(), record_type(question.kind));
                let begin = |plan: &mut WorldPlan| plan.dns_fault(name, record_type, fault.clone());
                world.add(begin).unwrap();
            }
        }
    }
}

/// Whether a question is answered with records
fn has_records(answers: &Answers, question: &Question) -> bool {
    let addresses = |family| {
        let reply = answers.addresses.get(&(question.name.clone(), family));
        reply.is_some_and(gives)
    };
    match question.kind {
        RecordKind::A => addresses(Family::V4),
        RecordKind::Aaaa => addresses(Family::V6),
        RecordKind::Srv => answers.services.get(&question.name).is_some_and(gives),
    }
}

fn gives<T>(reply: &Reply<DnsResult<T>>) -> bool {
    matches!(&reply.says, Some(Ok(Answer::Found { records, .. })) if !records.is_empty())
}

fn record_type(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
        RecordKind::Srv => RecordType::SRV,
    }
}

fn ms(milliseconds: usize) -> Duration {
    Duration::from_millis(milliseconds as u64)
}

/// How many queries of a question may be lost: fewer than the stub asks
const DROPPED: u32 = 1;

/// When the world comes to rest: most searches have ended by then
const LAST_CHANGE: Duration = Duration::from_secs(1);
