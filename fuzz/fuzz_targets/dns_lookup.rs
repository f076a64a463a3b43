//! Any messages to the stub's machine, spoofed, truncated, looping or late, in any order with everything else.

#![no_main]

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use fedway_core::{DnsName, Family, Instant};
use fedway_driver::dns::{DnsConfig, Lookup, Memory, Step, Terms, Transmit, TransmitId, Transport};
use fedway_fuzz::{bytes, dns, up_to};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // An input that has run out gives zeros, never an error
    let _ = start(&mut Unstructured::new(input));
});

fn start(u: &mut Unstructured<'_>) -> Result<()> {
    let servers = up_to(u, 3)?;
    let servers = (1..=servers).map(|host| SocketAddr::from(([192, 0, 2, host], 53)));
    let mut config = DnsConfig::new(servers.collect());
    config.attempts = up_to(u, 3)?;
    config.timeout = millis(u)?;
    let options: u8 = u.arbitrary()?;
    config.rotate = options & 1 != 0;
    config.tcp = options & 6 == 6;
    config.no_aaaa = options & 24 == 24;
    let text = match up_to(u, 3)? {
        0 => str::from_utf8(bytes(u)?).unwrap_or_default(),
        _ => dns::text(u)?,
    };
    let Ok(name) = DnsName::new(text) else {
        return Ok(());
    };
    let (kind, seed) = (up_to(u, 2)?, u.arbitrary()?);
    let now = Instant::from_origin(millis(u)?);
    let deadline = now + millis(u)?;
    let mut start = Start {
        config,
        memory: Memory::default(),
        seed,
        deadline,
        now,
    };
    match kind {
        0 => run(&mut start, u, |terms, now| {
            Lookup::addresses(&name, Family::V4, terms, now)
        }),
        1 => run(&mut start, u, |terms, now| {
            Lookup::addresses(&name, Family::V6, terms, now)
        }),
        _ => run(&mut start, u, |terms, now| Lookup::srv(&name, terms, now)),
    }
}

/// What a look-up begins with
struct Start {
    config: DnsConfig,
    memory: Memory,
    seed: u64,
    deadline: Instant,
    now: Instant,
}

/// A look-up, and another that knows what the first one learnt
fn run<T: Clone + Debug + PartialEq>(
    start: &mut Start,
    u: &mut Unstructured<'_>,
    begin: impl Fn(Terms<'_>, Instant) -> Lookup<T>,
) -> Result<()> {
    for _ in 0..2 {
        let terms = Terms {
            config: &start.config,
            memory: &start.memory,
            seed: start.seed,
            deadline: start.deadline,
        };
        Run::new(begin(terms, start.now), start).run(u)?;
        let time = start.deadline.saturating_since(start.now);
        start.now = start.deadline;
        start.deadline = start.now + time;
    }
    Ok(())
}

/// A look-up, and what has passed between it and its driver
struct Run<'a, T> {
    lookup: Lookup<T>,
    config: &'a DnsConfig,
    memory: &'a mut Memory,
    deadline: Instant,
    now: Instant,
    /// Every query, in its order
    sent: Vec<Transmit>,
    /// Those that have been neither cancelled nor failed
    open: Vec<TransmitId>,
    /// What the look-up said last that it waits for, or came to
    waits: Step<T>,
}

impl<'a, T: Clone + Debug + PartialEq> Run<'a, T> {
    fn new(lookup: Lookup<T>, start: &'a mut Start) -> Self {
        Self {
            lookup,
            config: &start.config,
            memory: &mut start.memory,
            deadline: start.deadline,
            now: start.now,
            sent: Vec::new(),
            open: Vec::new(),
            waits: Step::Wait {
                until: Some(start.now),
            },
        }
    }

    fn run(mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.drain();
        while !u.is_empty() {
            let operation: u8 = u.arbitrary()?;
            if operation == u8::MAX {
                // The second look-up has its share of the input
                break;
            }
            self.operate(operation, u)?;
            self.drain();
        }
        // A driver that only keeps time
        let mut timeouts = 0;
        while let Step::Wait { until: Some(until) } = self.waits {
            self.now = self.now.max(until);
            self.lookup.handle_timeout(self.now);
            self.drain();
            timeouts += 1;
            assert!(timeouts <= self.most_sends(), "too many tries");
            let is_over = matches!(self.waits, Step::Done(_));
            assert!(
                is_over || self.now < self.deadline,
                "goes on after its deadline"
            );
        }
        Ok(())
    }

    fn operate(&mut self, operation: u8, u: &mut Unstructured<'_>) -> Result<()> {
        match operation % 16 {
            0..=7 => {
                if let Some(transmit) = self.awaited() {
                    let message = dns::message(u, transmit.message())?;
                    let is_wrong = !message.starts_with(&transmit.message()[..2]);
                    let (id, transport) = (transmit.id(), transmit.transport());
                    if is_wrong && transport == Transport::Udp {
                        self.handle_in_vain(|lookup, now| lookup.handle_message(id, &message, now));
                    } else {
                        self.lookup.handle_message(id, &message, self.now);
                    }
                }
            }
            // A good answer, but for its id
            8 | 9 => {
                if let Some(transmit) = self.awaited() {
                    let mut message = dns::message(u, transmit.message())?;
                    let (id, transport) = (transmit.id(), transmit.transport());
                    let bits = u.arbitrary::<u16>()?.max(1).to_be_bytes();
                    for (at, bits) in bits.into_iter().enumerate() {
                        let right = transmit.message()[at];
                        if let Some(byte) = message.get_mut(at) {
                            *byte = right ^ bits;
                        }
                    }
                    if transport == Transport::Udp {
                        self.handle_in_vain(|lookup, now| lookup.handle_message(id, &message, now));
                    }
                }
            }
            // To an earlier query: slow, given up, or of another question
            10 => {
                let index = usize::from(u.arbitrary::<u8>()?);
                if let Some(transmit) = self.sent.get(index) {
                    let (message, id) = (dns::message(u, transmit.message())?, transmit.id());
                    let is_wrong = !message.starts_with(&transmit.message()[..2]);
                    let is_udp = transmit.transport() == Transport::Udp;
                    if !self.open.contains(&id) {
                        let before = format!("{:?}", self.lookup);
                        self.lookup.handle_message(id, &message, self.now);
                        self.lookup.handle_failure(id, self.now);
                        self.lookup.handle_out_of_resources(id, self.now);
                        assert_eq!(format!("{:?}", self.lookup), before, "not awaited");
                    } else if is_wrong && is_udp {
                        self.handle_in_vain(|lookup, now| lookup.handle_message(id, &message, now));
                    } else {
                        self.lookup.handle_message(id, &message, self.now);
                    }
                }
            }
            11 => {
                let index = usize::from(operation >> 5);
                if let Some(id) = self.sent.iter().rev().nth(index).map(Transmit::id) {
                    self.open.retain(|open| *open != id);
                    if operation & 16 == 0 {
                        self.lookup.handle_failure(id, self.now);
                    } else {
                        self.lookup.handle_out_of_resources(id, self.now);
                    }
                }
            }
            12 => {
                self.now = self.now + millis(u)?;
                self.lookup.handle_timeout(self.now);
            }
            // Noticed with the next operation
            13 => self.now = self.now + millis(u)?,
            14 => {
                if let Step::Wait { until: Some(until) } = self.waits {
                    self.now = self.now.max(until);
                    self.lookup.handle_timeout(self.now);
                }
            }
            _ => self.lookup.handle_timeout(self.now),
        }
        Ok(())
    }

    /// The last query whose response would be heard
    fn awaited(&self) -> Option<Transmit> {
        let is_open = |sent: &&Transmit| self.open.contains(&sent.id());
        self.sent.iter().rev().find(is_open).cloned()
    }

    /// What changes nothing: the time is all that is taken note of
    fn handle_in_vain(&mut self, handle: impl FnOnce(&mut Lookup<T>, Instant)) {
        let mut other = self.lookup.clone();
        other.handle_timeout(self.now);
        handle(&mut self.lookup, self.now);
        assert_eq!(
            format!("{:?}", self.lookup),
            format!("{other:?}"),
            "a wrong id"
        );
    }

    fn drain(&mut self) {
        loop {
            match self.lookup.poll() {
                Step::Cancel(id) => {
                    assert!(self.open.contains(&id), "cancels what is not open");
                    self.open.retain(|open| *open != id);
                }
                Step::Learnt(lesson) => self.memory.learn(lesson, self.now),
                Step::Send(transmit) => self.judge(transmit),
                step @ Step::Done(_) => {
                    assert!(!matches!(self.waits, Step::Done(_)), "a second outcome");
                    assert_eq!(self.lookup.deadline(), None);
                    assert_eq!(self.open, [], "not cancelled");
                    self.waits = step;
                    return;
                }
                Step::Wait { until } => {
                    assert_eq!(self.lookup.deadline(), until);
                    let is_over = matches!(self.waits, Step::Done(_));
                    assert_eq!(is_over, until.is_none(), "goes on after its end");
                    if let Some(until) = until {
                        assert!(until <= self.deadline, "waits longer than its deadline");
                        assert!((1..=2).contains(&self.open.len()), "{:?}", self.open);
                        let of_open = |sent: &&Transmit| self.open.contains(&sent.id());
                        let asked = |sent: &Transmit| dns::asked(sent.message());
                        let mut open = self.sent.iter().filter(of_open).map(asked);
                        assert!(open.next() == open.next().or(self.asked_last()));
                        self.waits = Step::Wait { until: Some(until) };
                    }
                    return;
                }
            }
        }
    }

    fn asked_last(&self) -> Option<dns::Labels> {
        self.sent.last().map(|sent| dns::asked(sent.message()))
    }

    fn judge(&mut self, transmit: Transmit) {
        assert!(
            self.sent
                .last()
                .is_none_or(|last| last.id() < transmit.id())
        );
        assert!(self.config.servers.contains(&transmit.server()));
        assert!(self.now < self.deadline, "asks when its time is over");
        let query = transmit.message();
        assert!(query.len() >= 17 && query[2..6] == [1, 0, 0, 1]);
        let name = dns::folded(&dns::asked(query));
        let top = name.last().map(Vec::as_slice);
        assert!(
            !matches!(top, Some(b"localhost" | b"invalid" | b"onion")),
            "{name:?} asked for"
        );
        self.open.push(transmit.id());
        self.sent.push(transmit);
        assert!(
            self.sent.len() <= self.most_sends(),
            "{} sends",
            self.sent.len()
        );
    }

    /// All tries for the name and each of eleven aliases: each in up to three ways, each way over TCP, too, if the
    /// answer does not fit, and once more if that comes late
    fn most_sends(&self) -> usize {
        let tries = self.config.servers.len() * usize::from(self.config.attempts.max(1));
        12 * tries * 3 * 3
    }
}

fn millis(u: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(Duration::from_millis(u.arbitrary::<u16>()?.into()))
}
