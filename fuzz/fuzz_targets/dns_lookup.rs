//! Any messages to the stub's machine, spoofed, truncated, looping or late, in any order with everything else.

#![no_main]

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use fedway_core::{DnsName, Family, Instant};
use fedway_driver::dns::{DnsConfig, Lookup, Step, Transmit, Transport};
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
    config.rotate = u.arbitrary()?;
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
    match kind {
        0 => {
            let lookup = Lookup::addresses(&name, Family::V4, &config, seed, deadline, now);
            Run::new(lookup, config, deadline, now).run(u)
        }
        1 => {
            let lookup = Lookup::addresses(&name, Family::V6, &config, seed, deadline, now);
            Run::new(lookup, config, deadline, now).run(u)
        }
        _ => {
            let lookup = Lookup::srv(&name, &config, seed, deadline, now);
            Run::new(lookup, config, deadline, now).run(u)
        }
    }
}

/// A look-up, and what has passed between it and its driver
struct Run<T> {
    lookup: Lookup<T>,
    config: DnsConfig,
    deadline: Instant,
    now: Instant,
    /// Every query, the one that is awaited last
    sent: Vec<Transmit>,
    /// What the look-up said last that it waits for, or came to
    waits: Step<T>,
}

impl<T: Clone + Debug + PartialEq> Run<T> {
    fn new(lookup: Lookup<T>, config: DnsConfig, deadline: Instant, now: Instant) -> Self {
        Self {
            lookup,
            config,
            deadline,
            now,
            sent: Vec::new(),
            waits: Step::Wait { until: now },
        }
    }

    fn run(mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.drain();
        while !u.is_empty() {
            self.operate(u)?;
            self.drain();
        }
        // A driver that only keeps time
        let mut timeouts = 0;
        while let Step::Wait { until } = self.waits {
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

    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.arbitrary::<u8>()? % 16 {
            0..=7 => {
                if let Some(transmit) = self.sent.last() {
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
                if let Some(transmit) = self.sent.last() {
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
                    let is_last = index + 1 == self.sent.len();
                    if !self.lookup.awaits(id) {
                        let before = format!("{:?}", self.lookup);
                        self.lookup.handle_message(id, &message, self.now);
                        self.lookup.handle_failure(id, self.now);
                        // Once it is over, what is slow may be let go of; the outcome stands, by `drain`
                        let is_over = matches!(self.waits, Step::Done(_));
                        let is_same = format!("{:?}", self.lookup) == before;
                        assert!(is_over || is_same, "not awaited");
                    } else if is_wrong && !is_last {
                        self.handle_in_vain(|lookup, now| lookup.handle_message(id, &message, now));
                    } else {
                        self.lookup.handle_message(id, &message, self.now);
                    }
                }
            }
            11 => {
                if let Some(transmit) = self.sent.last() {
                    self.lookup.handle_failure(transmit.id(), self.now);
                }
            }
            12 => {
                self.now = self.now + millis(u)?;
                self.lookup.handle_timeout(self.now);
            }
            // Noticed with the next operation
            13 => self.now = self.now + millis(u)?,
            14 => {
                if let Step::Wait { until } = self.waits {
                    self.now = self.now.max(until);
                    self.lookup.handle_timeout(self.now);
                }
            }
            _ => self.lookup.handle_timeout(self.now),
        }
        Ok(())
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
                Step::Send(transmit) => self.judge(transmit),
                step @ Step::Done(_) => {
                    if let Step::Done(_) = &self.waits {
                        assert_eq!(step, self.waits, "an outcome that changes");
                    }
                    assert_eq!(self.lookup.deadline(), None);
                    assert!(self.sent.iter().all(|sent| !self.lookup.awaits(sent.id())));
                    self.waits = step;
                    return;
                }
                Step::Wait { until } => {
                    assert!(
                        !matches!(self.waits, Step::Done(_)),
                        "goes on after its end"
                    );
                    assert_eq!(self.lookup.deadline(), Some(until));
                    assert!(until <= self.deadline, "waits longer than its deadline");
                    let (last, earlier) = self.sent.split_last().expect("it waits for one");
                    assert!(self.lookup.awaits(last.id()));
                    let slow = earlier.iter().filter(|sent| self.lookup.awaits(sent.id()));
                    let asked = |sent: &Transmit| dns::asked(sent.message());
                    assert!(slow.into_iter().all(|sent| asked(sent) == asked(last)));
                    self.waits = Step::Wait { until };
                    return;
                }
            }
        }
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
        self.sent.push(transmit);
        assert!(
            self.sent.len() <= self.most_sends(),
            "{} sends",
            self.sent.len()
        );
    }

    /// Three exchanges of each try, and all tries for the name and each of eleven aliases
    fn most_sends(&self) -> usize {
        let tries = self.config.servers.len() * usize::from(self.config.attempts.max(1));
        12 * tries * 3
    }
}

fn millis(u: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(Duration::from_millis(u.arbitrary::<u16>()?.into()))
}
