//! A simulated year: a homeserver that sends to 5,000 peers, with outages and moves, in virtual time.
//!
//! `cargo bench -p fedway-proof --bench year -- [--days N] [--peers N] [--seed N]`. The same seed gives the same year, to
//! the last question. Fails where a name that is used at least once a lifetime waits for the network after its first
//! time, where a destination is older than its facts allow, or where anything grows.
//!
//! What happens to the peers: each has an edition's way to it, lifetimes of its own, and moves now and then. For an hour a
//! day the name server answers nothing but SERVFAIL; for an hour each, a tenth of the peers are down: their .well-known
//! answers 503. What may be old then is what stale serving allows ([`Config::stale`]).

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    Absence, Action, ActionId, Answer, Config, DnsError, DnsName, Event, FactKind, Family,
    FieldName, HttpAnswer, Instant, Machine as _, Pool, ServerName, SplitMix64, SrvRecord, Step,
    Ticket, Told,
};
use fedway_proof::arguments::{is_judged, value};

fn main() -> ExitCode {
    // `cargo test --benches` shows that it runs
    let (days, peers) = if is_judged() { (365, 5_000) } else { (1, 50) };
    let days = value("--days").unwrap_or(days);
    let peers = value("--peers").unwrap_or(peers);
    let seed = value("--seed").unwrap_or(2_026);
    println!("{days} days, {peers} peers, seed {seed}");
    let mut year = Year::new(days, peers, seed);
    year.run();
    year.report()
}

/// A peer, as it is for good
struct Peer {
    name: ServerName,
    way: Way,
    /// Time to live of its DNS records
    ttl: Duration,
    /// max-age of its .well-known
    max_age: Duration,
    /// How long it stays where it is
    stays: Duration,
    /// Within which every use follows the last: less than its shortest lifetime
    pace: Duration,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Direct,
    Srv,
    WellKnown,
    WellKnownSrv,
}

struct Year {
    peers: Vec<Peer>,
    end: Instant,
    random: SplitMix64,
    seed: u64,
    pool: Pool,
    now: Instant,
    /// Replies on their way
    replies: BTreeMap<(Instant, u64), (ActionId, Event)>,
    /// Uses to come
    uses: BinaryHeap<Reverse<(Instant, usize)>>,
    asked: BTreeMap<Ticket, (usize, Instant)>,
    /// How many uses of each are left until it has been used for the first time, in all that this takes
    first: Vec<u8>,
    sent: u64,
    used: u64,
    waited: u64,
    failed: u64,
    provisional: u64,
    too_old: Vec<String>,
    /// The most names, facts and searches there were, in the first tenth of the time and in the last
    sizes: [(usize, usize, usize); 2],
}

impl Year {
    fn new(days: u64, peers: u64, seed: u64) -> Self {
        let mut random = SplitMix64::new(seed);
        let peers: Vec<_> = (0..peers)
            .map(|number| Peer::new(number, &mut random))
            .collect();
        let mut uses = BinaryHeap::new();
        for (index, peer) in peers.iter().enumerate() {
            let at = Instant::ORIGIN + peer.pace.mul_f64(random.up_to(1_000) as f64 / 1_000.0);
            uses.push(Reverse((at, index)));
        }
        let mut config = Config::default();
        config.addresses.allow = vec!["198.18.0.0/15".parse().expect("a network")];
        Self {
            // A .well-known that is not there is left alone for an hour when it was looked for seven times
            first: peers
                .iter()
                .map(|peer| if peer.fails() { 12 } else { 1 })
                .collect(),
            peers,
            end: Instant::ORIGIN + days as u32 * DAY,
            random,
            seed,
            pool: Pool::new(Arc::new(config), seed),
            now: Instant::ORIGIN,
            replies: BTreeMap::new(),
            uses,
            asked: BTreeMap::new(),
            sent: 0,
            used: 0,
            waited: 0,
            failed: 0,
            provisional: 0,
            too_old: Vec::new(),
            sizes: [(0, 0, 0); 2],
        }
    }

    fn run(&mut self) {
        while self.now < self.end {
            let until = self.poll();
            let reply = self.replies.first_key_value().map(|((at, _), _)| *at);
            let usage = self.uses.peek().map(|Reverse((at, _))| *at);
            let next = [until, reply, usage].into_iter().flatten().min();
            self.now = next.expect("there is always a use to come").min(self.end);
            if until == Some(self.now) {
                self.pool.handle_timeout(self.now);
            } else if reply == Some(self.now) {
                if let Some((_, (_, event))) = self.replies.pop_first() {
                    self.pool.handle(event, self.now);
                }
            } else if let Some(Reverse((_, index))) = self.uses.pop() {
                self.go(index);
            }
        }
    }

    /// Uses a peer
    fn go(&mut self, index: usize) {
        let (name, pace) = (self.peers[index].name.clone(), self.peers[index].pace);
        self.used += 1;
        match self.pool.look(&name, self.now) {
            Some(found) => {
                let is_right = found.is_ok_and(|found| self.is_right(index, &found));
                self.judge(index, is_right);
            }
            None => {
                let ticket = self.pool.resolve(&name, self.now);
                self.asked.insert(ticket, (index, self.now));
            }
        }
        let share = self.random.up_to(480) as f64 / 1_000.0;
        self.uses
            .push(Reverse((self.now + pace.mul_f64(0.5 + share), index)));
        let stats = self.used.is_multiple_of(64).then(|| self.pool.stats());
        if let Some(stats) = stats {
            let tenth = self.now.since_origin().as_secs() * 10 / self.end.since_origin().as_secs();
            let size = match tenth {
                0 => &mut self.sizes[0],
                9 => &mut self.sizes[1],
                _ => return,
            };
            let (names, facts, searches) = *size;
            let most = (stats.names, stats.facts, stats.searches);
            *size = (names.max(most.0), facts.max(most.1), searches.max(most.2));
        }
    }

    /// Does what the pool says; until when it waits
    fn poll(&mut self) -> Option<Instant> {
        loop {
            match self.pool.poll() {
                Step::Act(action) => self.answer(action),
                Step::Cancel(id) => self.replies.retain(|_, (other, _)| *other != id),
                Step::Done(told) => self.told(told),
                Step::Wait { until } => return until,
            }
        }
    }

    fn told(&mut self, told: Told) {
        let Some((index, asked)) = self.asked.remove(&told.ticket()) else {
            return;
        };
        let Told::Resolved(_, result) = told else {
            return;
        };
        if self.first[index] > 0 {
            // What is not found during an outage is no first time
            let is_sure = |found: &Arc<fedway_core::Found>| !found.notes.provisional;
            self.first[index] -= u8::from(result.as_ref().is_ok_and(is_sure));
        } else if asked < self.now {
            self.waited += 1;
            if self.too_old.len() < 5 {
                let (name, at) = (&self.peers[index].name, day(asked));
                self.too_old.push(format!("{name} waited on day {at}"));
            }
        }
        let is_right = result.is_ok_and(|found| {
            self.provisional += u64::from(found.notes.provisional);
            self.is_right(index, &found)
        });
        self.judge(index, is_right);
    }

    fn judge(&mut self, index: usize, is_right: bool) {
        if !is_right {
            self.failed += u64::from(self.first[index] == 0);
        }
    }

    /// Whether that is where the peer is, or where it was as long ago as its facts allow
    fn is_right(&mut self, index: usize, found: &fedway_core::Found) -> bool {
        let peer = &self.peers[index];
        let oldest = peer.ttl + peer.max_age.max(LEAST) + STALE + HOUR;
        let mut then = self.now.saturating_since(Instant::ORIGIN + oldest);
        let address = found.destination.addresses().next().map(|it| it.ip());
        let now = self.now.since_origin();
        loop {
            if address == Some(peer.address(then)) {
                return true;
            }
            if then >= now {
                break;
            }
            then = (then + peer.stays.min(HOUR)).min(now);
        }
        // Without its .well-known, a peer is looked for where it is not: it has none there
        if !found.notes.provisional && self.too_old.len() < 5 {
            let at = day(self.now);
            self.too_old
                .push(format!("{} led to {address:?} on day {at}", peer.name));
        }
        found.notes.provisional
    }

    fn answer(&mut self, action: Action) {
        let id = action.id();
        let at = self.now.since_origin();
        let is_out = at.as_secs() % 86_400 / 3_600 == self.hour_of(at.as_secs() / 86_400, u64::MAX);
        let dns = is_out.then_some(DnsError::ServFail);
        let event = match action {
            Action::Connect(connect) => connect.reply(Ok(None)),
            Action::FetchWellKnown(fetch) => {
                let peer = self.peer_of(fetch.host_header());
                fetch.reply(Ok(self.well_known(peer, at)))
            }
            Action::LookUpAddresses(look_up) => {
                let answer = self.addresses(look_up.host(), look_up.family(), at);
                look_up.reply(dns.map_or(Ok(answer), Err))
            }
            Action::QuerySrv(query) => {
                let answer = self.srv(query.name());
                query.reply(dns.map_or(Ok(answer), Err))
            }
        };
        self.sent += 1;
        let delay = Duration::from_millis(5 + self.random.up_to(90));
        self.replies
            .insert((self.now + delay, self.sent), (id, event));
    }

    fn well_known(&self, peer: Option<&Peer>, at: Duration) -> HttpAnswer {
        let Some(peer) = peer else {
            return HttpAnswer::status(404);
        };
        let delegated = match peer.way {
            Way::Direct | Way::Srv => return HttpAnswer::status(404),
            Way::WellKnown => format!("m.{}:443", peer.name),
            Way::WellKnownSrv => format!("m.{}", peer.name),
        };
        // A tenth of the peers is down in each hour
        let hour = at.as_secs() / 3_600;
        let number: u64 = peer.number();
        if (number + hour).is_multiple_of(10) && self.hour_of(hour, number) < 12 {
            return HttpAnswer::status(503);
        }
        let answer = HttpAnswer::ok(format!("{{\"m.server\":\"{delegated}\"}}"));
        answer.with(
            FieldName::CacheControl,
            format!("max-age={}", peer.max_age.as_secs()),
        )
    }

    fn addresses(&self, host: &DnsName, family: Family, at: Duration) -> Answer<IpAddr> {
        let peer = self.peer_of(host.as_str());
        match (peer, family) {
            (Some(peer), Family::V4) => Answer::found(vec![peer.address(at)], peer.ttl),
            (Some(peer), Family::V6) => Answer::absent(Absence::NoData, Some(peer.ttl)),
            (None, _) => Answer::absent(Absence::NoSuchName, Some(DAY)),
        }
    }

    fn srv(&self, owner: &DnsName) -> Answer<SrvRecord> {
        let (service, host) = owner
            .as_str()
            .split_at(owner.as_str().find("p").unwrap_or(0));
        let peer = self.peer_of(host);
        let of_own = peer.is_some_and(|peer| {
            let is_delegated = owner.as_str().contains("._tcp.m.");
            peer.way == Way::Srv && !is_delegated || peer.way == Way::WellKnownSrv && is_delegated
        });
        match peer {
            Some(peer) if of_own && service.starts_with("_matrix-fed.") => {
                let target = DnsName::new(&format!("t.{}", peer.name)).expect("a name");
                let (priority, weight, port) = (0, 0, 8_449);
                Answer::found(
                    vec![SrvRecord {
                        priority,
                        weight,
                        port,
                        target,
                    }],
                    peer.ttl,
                )
            }
            Some(peer) => Answer::absent(Absence::NoData, Some(peer.ttl)),
            None => Answer::absent(Absence::NoSuchName, Some(DAY)),
        }
    }

    /// The peer whose name is in this
    fn peer_of(&self, text: &str) -> Option<&Peer> {
        let number = text
            .split('.')
            .find_map(|label| label.strip_prefix('p')?.parse::<usize>().ok());
        self.peers.get(number?)
    }

    /// An hour of chance
    fn hour_of(&self, day: u64, what: u64) -> u64 {
        SplitMix64::new(self.seed ^ day.wrapping_mul(0x9e37) ^ what.rotate_left(17)).up_to(23)
    }

    fn report(&self) -> ExitCode {
        let stats = self.pool.stats();
        println!("uses               {:>12}", self.used);
        println!("  remembered       {:>12}", stats.remembered);
        println!("  searched for     {:>12}", stats.begun);
        println!(
            "  that waited      {:>12}  after their first time",
            self.waited
        );
        println!("  provisional      {:>12}", self.provisional);
        println!("  elsewhere or not {:>12}", self.failed);
        for kind in FactKind::ALL {
            let (served, asked) = (stats.served(kind), stats.asked(kind));
            let asked = asked.answered + asked.failed;
            println!(
                "{:<10} hits {:>10}  misses {:>8}  stale {:>8}  asked {asked:>10}",
                kind.name(),
                served.hits,
                served.misses,
                served.stale
            );
        }
        let [first, last] = self.sizes;
        println!(
            "most names, facts, searches in the first tenth: {first:?}, in the last: {last:?}"
        );
        let grows = last.0 > first.0 || last.1 > first.1 + first.1 / 20;
        for fault in &self.too_old {
            println!("WRONG: {fault}");
        }
        if self.waited > 0 || self.failed > 0 || grows || !self.too_old.is_empty() {
            println!("WRONG");
            return ExitCode::FAILURE;
        }
        println!("no name waited, none led elsewhere, nothing grew");
        ExitCode::SUCCESS
    }
}

impl Peer {
    fn new(number: u64, random: &mut SplitMix64) -> Self {
        let ways = [Way::Direct, Way::Srv, Way::WellKnown, Way::WellKnownSrv];
        // A few are short
        let (ttls, ages): (&[u64], &[u64]) = if number.is_multiple_of(250) {
            (&[300], &[0, 600])
        } else {
            (&[21_600, 43_200, 86_400], &[21_600, 86_400, 172_800])
        };
        let ttl = Duration::from_secs(ttls[random.below(ttls.len())]);
        let max_age = Duration::from_secs(ages[random.below(ages.len())]);
        let way = ways[random.below(ways.len())];
        let fails = matches!(way, Way::Direct | Way::Srv);
        let shortest = ttl
            .min(max_age.max(LEAST))
            .min(if fails { FAILURE } else { DAY });
        Self {
            name: format!("p{number}.example").parse().expect("a server name"),
            way,
            ttl,
            max_age,
            stays: Duration::from_secs(5 * 86_400 + random.up_to(60 * 86_400)),
            pace: shortest,
        }
    }

    /// Whether it has no .well-known
    fn fails(&self) -> bool {
        matches!(self.way, Way::Direct | Way::Srv)
    }

    fn number(&self) -> u64 {
        let digits = self.name.as_str().trim_start_matches('p').split('.').next();
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    /// Where it is then
    fn address(&self, at: Duration) -> IpAddr {
        let epoch = at.as_secs() / self.stays.as_secs();
        let place = SplitMix64::new(self.number() ^ (epoch << 32)).draw();
        [
            198,
            18 | (place as u8 & 1),
            (place >> 8) as u8,
            (place >> 16) as u8,
        ]
        .into()
    }
}

fn day(at: Instant) -> String {
    format!("{:.3}", at.since_origin().as_secs_f64() / 86_400.0)
}

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);
/// As long as what could not be had anew may serve, and what is not renewed at its moment
const STALE: Duration = Duration::from_secs(7_200);
/// The least lifetime of .well-known
const LEAST: Duration = Duration::from_secs(300);
/// The longest for which a failure of .well-known is left alone, less what chance takes off
const FAILURE: Duration = Duration::from_secs(3_200);
