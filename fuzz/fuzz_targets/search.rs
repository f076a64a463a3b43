//! Any sequence of operations on a search, answered in any way: late, twice, after a cancel, never, or by replies to
//! another search for the same name.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use fedway_core::{
    Action, ActionId, Chain, Config, Connect, Discovery, DiscoveryError, DnsName, Event, Found,
    Host, Instant, Machine, ServerName, Step, parse_well_known,
};
use fedway_fuzz::search::{MAX_REDIRECTS, REDIRECT_HOSTS, config, name, reply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // An input that has run out gives zeros, never an error
    let _ = run(&mut Unstructured::new(input));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let config = config(u)?;
    let Some(name) = name(u)? else { return Ok(()) };
    let mut run = Run::new(name, config, u)?;
    run.drain();
    while !u.is_empty() {
        run.operate(u)?;
        // Now and then the machine is left with something to say
        match u.arbitrary::<u8>()? {
            polls @ 0..=40 => {
                for _ in 0..polls % 8 {
                    run.poll();
                }
            }
            _ => run.drain(),
        }
    }
    run.finish();
    Ok(())
}

/// A search, and what has passed between it and its driver
struct Run {
    config: Arc<Config>,
    connects: bool,
    search: Discovery,
    /// Another by the same driver, with another seed
    other: Discovery,
    /// When the search must have ended: what the loop was late may be put off, and no more
    deadline: Instant,
    /// The driver's clock
    clock: Instant,
    /// The latest time that the search was told
    told: Instant,
    /// When the search wants to be called
    until: Option<Instant>,
    /// Every action given out
    given: BTreeMap<ActionId, Given>,
    /// Actions that wait for an answer, those that were cancelled too
    pending: Vec<Action>,
    /// Answers that were taken, to be given again
    taken: Vec<Event>,
    /// Hosts that a certificate may be verified for
    names: BTreeSet<Host>,
    /// Hosts that the search may end at
    subjects: BTreeSet<Host>,
    /// Addresses that somebody has named
    addresses: BTreeSet<IpAddr>,
    cancelled: BTreeSet<ActionId>,
    done: bool,
}

/// An action that was given out
#[derive(Clone, Copy, Debug, PartialEq)]
enum Given {
    Answered,
    /// An open session, as far as the search knows
    Connected,
    Open,
}

impl Run {
    fn new(name: ServerName, config: Arc<Config>, u: &mut Unstructured<'_>) -> Result<Self> {
        let connects = u.arbitrary()?;
        let seed = u.arbitrary()?;
        let now = Instant::from_origin(Duration::from_millis(u.arbitrary::<u16>()?.into()));
        let search = |seed| match connects {
            true => Discovery::connect(&name, &config, seed, now),
            false => Discovery::resolve(&name, &config, seed, now),
        };
        let mut run = Self {
            connects,
            search: search(seed),
            other: search(seed ^ 1),
            deadline: now + config.deadlines.search,
            clock: now,
            told: now,
            until: None,
            given: BTreeMap::new(),
            pending: Vec::new(),
            taken: Vec::new(),
            names: BTreeSet::new(),
            subjects: BTreeSet::new(),
            addresses: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            done: false,
            config,
        };
        run.allow_subject(&name);
        for host in REDIRECT_HOSTS {
            run.allow(ServerName::parse(host).expect("a host").host());
        }
        Ok(run)
    }

    fn allow(&mut self, host: &Host) {
        self.names.insert(host.clone());
        if let Host::Ip(address) = host {
            self.addresses.insert(*address);
        }
    }

    fn allow_subject(&mut self, name: &ServerName) {
        self.subjects.insert(name.host().clone());
        self.allow(name.host());
    }

    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.arbitrary::<u8>()? % 16 {
            0..=8 => self.answer(u)?,
            9 => {
                self.pass(u)?;
                self.time_out(self.clock);
            }
            // Noticed with the next operation
            10 => self.pass(u)?,
            11 => {
                if let Some(until) = self.until {
                    self.clock = self.clock.max(until);
                    self.time_out(self.clock);
                }
            }
            // Early, twice, or on a clock that runs backwards
            12 => {
                let back = Duration::from_millis(u.arbitrary::<u16>()?.into());
                let before = format!("{:?}", self.search);
                let earlier = self.told.since_origin().saturating_sub(back);
                self.search.handle_timeout(Instant::from_origin(earlier));
                assert_eq!(
                    format!("{:?}", self.search),
                    before,
                    "a timeout that is not due"
                );
            }
            13 => {
                if !self.taken.is_empty() {
                    let index = usize::from(u.arbitrary::<u8>()?) % self.taken.len();
                    self.handle_in_vain(self.taken[index].clone());
                }
            }
            // A driver that forgets
            14 => {
                if !self.pending.is_empty() {
                    let index = usize::from(u.arbitrary::<u8>()?) % self.pending.len();
                    self.pending.remove(index);
                }
            }
            _ => self.mix_up(u)?,
        }
        Ok(())
    }

    /// Tells both searches the reply to what the other one wants
    fn mix_up(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.other.handle_timeout(self.clock);
        if let Step::Act(action) = self.other.poll() {
            assert!(!self.given.contains_key(&action.id()));
            let event = reply(action, u)?;
            self.handle_in_vain(event.clone());
            // Their names and worlds are the same, so that it goes on as this one does
            self.other.handle(event, self.clock);
        }
        Ok(())
    }

    fn answer(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let index = usize::from(u.arbitrary::<u8>()?) % self.pending.len();
        let action = self.pending.remove(index);
        let (id, deadline) = (action.id(), deadline(&action));
        let (is_connect, is_fetch) = match &action {
            Action::Connect(_) => (true, false),
            Action::FetchWellKnown(_) => (false, true),
            Action::LookUpAddresses(_) | Action::QuerySrv(_) => (false, false),
        };
        let event = reply(action, u)?;
        if self.cancelled.contains(&id) || deadline <= self.clock || self.done {
            self.handle_in_vain(event);
            return Ok(());
        }
        let said = format!("{event:?}");
        self.learn(&said, is_fetch);
        let works = is_connect && said.contains("Connected(Ok");
        self.given.insert(
            id,
            if works {
                Given::Connected
            } else {
                Given::Answered
            },
        );
        self.taken.push(event.clone());
        self.tell(self.clock);
        self.search.handle(event, self.clock);
        Ok(())
    }

    /// What an answer says is no longer to be had from it; a driver knows it before
    fn learn(&mut self, said: &str, is_fetch: bool) {
        if is_fetch
            && let Some(body) = body(said)
            && let Ok(name) = parse_well_known(&body)
        {
            self.allow_subject(&name);
        }
        let words = said.split(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':'));
        self.addresses
            .extend(words.filter_map(|word| word.parse::<IpAddr>().ok()));
    }

    /// An answer that changes nothing: the time is all that is taken note of
    fn handle_in_vain(&mut self, event: Event) {
        let mut other = self.search.clone();
        other.handle_timeout(self.clock);
        self.tell(self.clock);
        self.search.handle(event, self.clock);
        assert_eq!(
            state(&self.search),
            state(&other),
            "an answer that is not awaited"
        );
    }

    fn pass(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        self.clock = self.clock + Duration::from_millis(u.arbitrary::<u16>()?.into());
        Ok(())
    }

    fn time_out(&mut self, now: Instant) {
        self.tell(now);
        self.search.handle_timeout(now);
    }

    /// Takes note of what the search is told; where it was not polled to its `Wait`, all of the time may be the loop's
    fn tell(&mut self, now: Instant) {
        let due = self.until.take().unwrap_or(self.told).max(self.told);
        self.deadline = self.deadline + now.saturating_since(due);
        self.told = self.told.max(now);
    }

    fn drain(&mut self) {
        loop {
            self.poll();
            if self.until.is_some() || self.done {
                break;
            }
        }
        assert!(
            self.done || self.told < self.deadline,
            "a search that does not end"
        );
    }

    fn poll(&mut self) {
        let step = self.search.poll();
        if self.done {
            assert!(
                matches!(step, Step::Wait { until: None }),
                "{step:?} after the end"
            );
            return;
        }
        match step {
            Step::Act(action) => self.take(action),
            Step::Cancel(id) => {
                assert!(self.cancelled.insert(id), "{id} cancelled twice");
            }
            Step::Done(result) => {
                self.done = true;
                self.judge(&result);
            }
            Step::Wait { until } => {
                let until = until.expect("a search that is not done has a deadline");
                assert!(until > self.told, "a deadline that has passed");
                assert!(until <= self.deadline);
                self.until = Some(until);
            }
        }
    }

    fn take(&mut self, action: Action) {
        let id = action.id();
        assert!(!self.given.contains_key(&id), "{id} used twice");
        assert!(
            !self.cancelled.contains(&id),
            "{id} given out after it was cancelled"
        );
        assert!(
            deadline(&action) > self.told,
            "{action:?} is too late at once"
        );
        match &action {
            Action::Connect(connect) => self.judge_connect(connect),
            Action::FetchWellKnown(fetch) => {
                assert_eq!(self.given.get(&fetch.connection()), Some(&Given::Connected));
                assert!(!self.cancelled.contains(&fetch.connection()));
                assert_eq!(fetch.max_body(), self.config.limits.body);
                assert_eq!(fetch.max_head(), self.config.limits.head);
            }
            Action::LookUpAddresses(look_up) => {
                assert!(look_up.host().is_encodable() && !look_up.host().is_within("onion"));
            }
            Action::QuerySrv(query) => {
                let service = query.name().as_str().split_inclusive("._tcp.").next();
                assert!(matches!(
                    service,
                    Some("_matrix._tcp." | "_matrix-fed._tcp.")
                ));
                assert!(query.name().is_encodable() && !query.name().is_within("onion"));
            }
        }
        self.given.insert(id, Given::Open);
        assert!(
            self.given.len() <= MAX_ACTIONS,
            "{} actions",
            self.given.len()
        );
        self.pending.push(action);
    }

    fn judge_connect(&self, connect: &Connect) {
        let address = connect.address().ip();
        assert_eq!(self.config.addresses.judge(address), Ok(()));
        assert!(self.addresses.contains(&address), "{address} from nowhere");
        assert!(connect.address().port() != 0);
        assert!(self.names.contains(connect.tls_name()), "{connect:?}");
        assert_eq!(connect.sni(), connect.tls_name().dns_name());
        let sni = connect.sni().map(DnsName::as_str);
        let is_address = sni.is_some_and(|sni| sni.parse::<IpAddr>().is_ok());
        assert!(!is_address, "{sni:?}");
        assert_eq!(
            *connect.verdict(),
            self.config.trust.verdict(connect.tls_name(), address)
        );
    }

    fn judge(&self, result: &std::result::Result<Box<Found>, DiscoveryError>) {
        for (id, given) in &self.given {
            assert!(
                *given != Given::Open || self.cancelled.contains(id),
                "{id} left open"
            );
        }
        let destination = match result {
            Ok(found) => {
                assert_eq!(found.connection.is_some(), self.connects);
                if let Some(connection) = &found.connection {
                    assert_eq!(self.given.get(&connection.id), Some(&Given::Connected));
                    assert!(!self.cancelled.contains(&connection.id));
                    assert!(
                        found
                            .destination
                            .addresses()
                            .any(|address| address == connection.address)
                    );
                }
                assert!(found.destination.addresses().next().is_some());
                Some(&found.destination)
            }
            Err(error) => {
                assert!(!Chain(error).to_string().is_empty());
                error.destination.as_deref()
            }
        };
        let Some(destination) = destination else {
            return;
        };
        assert!(self.subjects.contains(&destination.tls_name));
        assert_eq!(destination.sni(), destination.tls_name.dns_name());
        assert!(ServerName::parse(&destination.host_header).is_ok());
        for address in destination.addresses() {
            assert_eq!(self.config.addresses.judge(address.ip()), Ok(()));
        }
    }

    /// A driver that only keeps time: the search ends, on its deadline at the latest
    fn finish(&mut self) {
        self.drain();
        let mut timeouts = 0;
        while let (false, Some(until)) = (self.done, self.until) {
            self.clock = self.clock.max(until);
            self.time_out(self.clock);
            self.drain();
            timeouts += 1;
            assert!(timeouts <= MAX_ACTIONS);
        }
        for event in std::mem::take(&mut self.taken) {
            self.handle_in_vain(event);
        }
        self.poll();
    }
}

/// All that a search is, save whether an answer that is there is still wanted, which nothing asks
fn state(search: &Discovery) -> String {
    let all = format!("{search:?}");
    all.replace(", wanted: true", "")
        .replace(", wanted: false", "")
}

fn deadline(action: &Action) -> Instant {
    match action {
        Action::Connect(connect) => connect.deadline(),
        Action::FetchWellKnown(fetch) => fetch.deadline(),
        Action::LookUpAddresses(look_up) => look_up.deadline(),
        Action::QuerySrv(query) => query.deadline(),
    }
}

/// The body in a response's `Debug` text, which is all that an [`Event`] shows
fn body(said: &str) -> Option<Vec<u8>> {
    let (_, rest) = said.split_once("body: [")?;
    let (list, _) = rest.split_once(']')?;
    list.split(", ").map(|byte| byte.parse().ok()).collect()
}

/// Each hop asks two questions and dials up to 16 addresses of each family, and sends one GET; each of two
/// subjects (the server name, the delegated one) asks for two services and itself, and for 16 targets of each
/// service; 16 targets are dialled
const MAX_ACTIONS: usize =
    (MAX_REDIRECTS as usize + 1) * (2 + 32 + 1) + 2 * (2 + 2 + 2 * 2 * 16) + 16 * 32;
