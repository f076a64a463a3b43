//! Faults that a driver has to cope with, at random times.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use fedway_core::DnsName;
use fedway_testkit::script::Dice;
use fedway_testkit::world::{ConnectionFault, DnsFault, RecordType, World};

use super::build::Build;

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
    Dns(DnsName, RecordType, Option<DnsFault>),
}

impl Schedule {
    /// Some faults from the start, and a change every few milliseconds
    pub(super) fn roll(dice: &mut Dice, build: &Build) -> Self {
        let truths = build.truths.iter();
        let truths = truths.map(|(name, kind)| Change::Dns(name.clone(), *kind, None));
        let peers = build.peers.iter().filter(|(_, fault)| fault.is_none());
        let peers = peers.map(|(address, _)| Change::Connection(*address, None));
        let calm: Vec<_> = truths.chain(peers).collect();
        let mut first = Vec::new();
        for change in &calm {
            if dice.percent(30) {
                first.push(change.disturb(dice, DROPPED));
            }
        }
        let mut later = Vec::new();
        let mut at = Duration::ZERO;
        while at < LAST_CHANGE && !calm.is_empty() {
            at += ms(1 + dice.below(30));
            let change = &calm[dice.below(calm.len())];
            let change = match dice.percent(40) {
                true => change.clone(),
                false => change.disturb(dice, 0),
            };
            later.push((at, change));
        }
        Self { first, later }
    }

    /// Makes what is there from the start
    pub(super) fn begin(&self, world: &World) {
        self.first.iter().for_each(|change| change.make(world));
    }

    /// Makes each later change at its time, until the search has ended
    pub(super) fn play(&self, world: &World, ended: &Receiver<()>) {
        let started = Instant::now();
        for (at, change) in &self.later {
            let rest = at.saturating_sub(started.elapsed());
            if ended.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            change.make(world);
        }
    }
}

impl Change {
    /// The same place with a fault; queries are lost as often as said
    fn disturb(&self, dice: &mut Dice, lost: u32) -> Self {
        let pause = ms(1 + dice.below(50));
        match self {
            Self::Connection(address, _) => {
                let fault = ConnectionFault::SlowHandshake(pause);
                Self::Connection(*address, Some(fault))
            }
            Self::Dns(name, record_type, _) => {
                let fault = match dice.below(8) {
                    0 if lost > 0 => DnsFault::DropFirst(lost),
                    0 | 1 => DnsFault::Slow(pause),
                    2 => DnsFault::CnameWithoutTarget,
                    3 => DnsFault::FormErr,
                    4 => DnsFault::NotImplementedToEdns,
                    5 => DnsFault::SpoofThenRight([192, 0, 2, 66].into()),
                    _ => DnsFault::Truncate,
                };
                Self::Dns(name.clone(), *record_type, Some(fault))
            }
        }
    }

    fn make(&self, world: &World) {
        match self {
            Self::Connection(address, None) => world.end_connection_fault(&address.to_string()),
            Self::Connection(address, Some(fault)) => world
                .add(|plan| plan.connection_fault(&address.to_string(), *fault))
                .unwrap(),
            Self::Dns(name, record_type, None) => world.end_dns_fault(name.as_str(), *record_type),
            Self::Dns(name, record_type, Some(fault)) => world
                .add(|plan| plan.dns_fault(name.as_str(), *record_type, fault.clone()))
                .unwrap(),
        }
    }
}

fn ms(milliseconds: usize) -> Duration {
    Duration::from_millis(milliseconds as u64)
}

/// How many queries of a question may be lost: the stub asks twice
const DROPPED: u32 = 1;

/// When the world comes to rest: most searches have ended by then
const LAST_CHANGE: Duration = Duration::from_secs(1);
