//! How many questions it takes to find servers, through a name server that drops whatever is beyond a hundred a second.
//!
//! `cargo bench -p fedway-proof --bench thrift -- [--names N] [--jobs N]`, in virtual time. Fails where a name is not found,
//! is found elsewhere than with a name server that answers all, takes more than 1.1 times the questions that the
//! specification's steps need one after the other, or asks on a second visit what its last way did not use.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    Absence, Action, ActionId, Answer, Config, DnsName, Event, Family, FieldName, Found,
    HttpAnswer, Instant, Lookahead, Machine as _, Pool, ServerName, SrvRecord, Step, Ticket, Told,
};
use fedway_proof::arguments::{is_judged, value};

fn main() -> ExitCode {
    let names = value("--names").unwrap_or(if is_judged() { 10_000 } else { 100 });
    let jobs = value("--jobs").unwrap_or(64);
    println!("{names} names, {jobs} at once, a hundred questions a second\n");
    let mut faults = Vec::new();

    println!("questions a name: delegation          one by one  cold alone  second visit  refresh");
    let mut needed = BTreeMap::new();
    for way in WAYS {
        let mut town = Town::new(usize::MAX, Lookahead::None);
        let first = town.visit(way as usize);
        let one_by_one = town.take_questions();
        let mut town = Town::new(usize::MAX, Lookahead::Dns);
        let found = town.visit(way as usize);
        let cold = town.take_questions();
        if found.destination != first.destination {
            faults.push(format!("{way:?}: found elsewhere"));
        }
        let used: BTreeSet<_> = one_by_one.iter().cloned().collect();
        town.visit(way as usize);
        let second = town.take_questions();
        // In the last fifth of what lasts for an hour
        town.now = town.now + Duration::from_secs(3_000);
        town.visit(way as usize);
        town.rest();
        let refresh = town.take_questions();
        println!(
            "  {:<36}{:>11}{:>12}{:>14}{:>9}",
            format!("{way:?}"),
            one_by_one.len(),
            cold.len(),
            second.len(),
            refresh.len()
        );
        if !second.is_empty() {
            faults.push(format!("{way:?}: a second visit asks {second:?}"));
        }
        if let Some(vain) = refresh.iter().find(|question| !used.contains(*question)) {
            faults.push(format!(
                "{way:?}: a refresh asks {vain}, which its last way did not use"
            ));
        }
        needed.insert(way as usize, one_by_one.len());
    }

    let mut town = Town::new(100, Lookahead::Dns);
    let (mut begun, mut open, mut wrong) = (0, BTreeMap::new(), 0);
    let mut limit = (usize::MAX, 0);
    loop {
        while open.len() < jobs && begun < names {
            let ticket = town.ask(begun);
            open.insert(ticket, begun);
            begun += 1;
        }
        if open.is_empty() {
            break;
        }
        let told = town.next();
        let number = open.remove(&told.ticket()).expect("somebody asked");
        let Told::Resolved(_, result) = told else {
            panic!("a destination was asked for")
        };
        let stats = town.pool.stats();
        limit = (limit.0.min(stats.limit), limit.1.max(stats.limit));
        let is_right =
            result.is_ok_and(|found| is_there(&found, number) && !found.notes.provisional);
        wrong += usize::from(!is_right);
    }
    let asked = town.questions.len();
    let needs: usize = (0..names)
        .map(|number| needed[&(number % WAYS.len())])
        .sum();
    let ratio = asked as f64 / needs as f64;
    let seconds = town.now.since_origin().as_secs_f64();
    println!(
        "\nin a queue: {asked} questions, {} of them lost, for {needs} one by one: {ratio:.3} times",
        town.lost
    );
    println!(
        "            {seconds:.0} s, {wrong} names not found or not sure, {} to {} searches asking at once",
        limit.0, limit.1
    );
    if wrong > 0 {
        faults.push(format!("{wrong} names were not found"));
    }
    if ratio > 1.1 {
        faults.push(format!("{ratio:.3} times the questions"));
    }
    for fault in &faults {
        println!("WRONG: {fault}");
    }
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Port,
    Own,
    Srv,
    OldSrv,
    WellKnown,
    WellKnownPort,
    WellKnownSrv,
}

const WAYS: [Way; 7] = [
    Way::Port,
    Way::Own,
    Way::Srv,
    Way::OldSrv,
    Way::WellKnown,
    Way::WellKnownPort,
    Way::WellKnownSrv,
];

/// A pool, and a network in which each name is delegated in the way of its number
struct Town {
    pool: Pool,
    now: Instant,
    replies: BTreeMap<(Instant, usize), (ActionId, Event)>,
    sent: usize,
    /// How many questions are answered in a second
    limit: usize,
    /// How many there were in this one
    second: (u64, usize),
    lost: usize,
    questions: Vec<String>,
}

impl Town {
    fn new(limit: usize, lookahead: Lookahead) -> Self {
        let mut config = Config::default();
        config.lookahead = lookahead;
        config.lifetimes.well_known_failure = LIFE;
        Self {
            pool: Pool::new(Arc::new(config), 1),
            now: Instant::ORIGIN,
            replies: BTreeMap::new(),
            sent: 0,
            limit,
            second: (0, 0),
            lost: 0,
            questions: Vec::new(),
        }
    }

    fn take_questions(&mut self) -> Vec<String> {
        std::mem::take(&mut self.questions)
    }

    fn ask(&mut self, number: usize) -> Ticket {
        let host = host(number);
        let port = if matches!(way(number), Way::Port) {
            ":8448"
        } else {
            ""
        };
        let name: ServerName = format!("{host}{port}").parse().expect("a server name");
        self.pool.resolve(&name, self.now)
    }

    fn visit(&mut self, number: usize) -> Arc<Found> {
        self.ask(number);
        match self.next() {
            Told::Resolved(_, result) => result.expect("it is found"),
            told @ (Told::Connected(..) | Told::Delegated(..) | Told::Recorded(..)) => {
                panic!("{told:?}")
            }
        }
    }

    /// Until somebody is told
    fn next(&mut self) -> Told {
        loop {
            if let Some(told) = self.step(None) {
                return told;
            }
        }
    }

    /// Lets what is under way end
    fn rest(&mut self) {
        let until = self.now + Duration::from_secs(30);
        while self.now < until {
            self.step(Some(until));
        }
    }

    fn step(&mut self, horizon: Option<Instant>) -> Option<Told> {
        let until = match self.pool.poll() {
            Step::Act(action) => {
                self.answer(action);
                return None;
            }
            Step::Cancel(id) => {
                self.replies.retain(|_, (other, _)| *other != id);
                return None;
            }
            Step::Done(told) => return Some(told),
            Step::Wait { until } => until,
        };
        let reply = self.replies.first_key_value().map(|((at, _), _)| *at);
        let next = [until, reply, horizon].into_iter().flatten().min();
        let Some(next) = next else {
            panic!("nothing is under way");
        };
        self.now = next;
        if reply == Some(self.now)
            && let Some((_, (_, event))) = self.replies.pop_first()
        {
            self.pool.handle(event, self.now);
        } else {
            self.pool.handle_timeout(self.now);
        }
        None
    }

    fn answer(&mut self, action: Action) {
        let id = action.id();
        let (event, delay) = match action {
            Action::Connect(connect) => (connect.reply(Ok(None)), 40),
            Action::FetchWellKnown(fetch) => {
                let answer = well_known(fetch.host_header());
                (fetch.reply(Ok(answer)), 20)
            }
            Action::LookUpAddresses(look_up) => {
                if !self.hears(&format!("{} {}", look_up.family(), look_up.host())) {
                    return;
                }
                let answer = match (number(look_up.host().as_str()), look_up.family()) {
                    (Some(number), Family::V4) => Answer::found(vec![address(number)], LIFE),
                    (_, _) => Answer::absent(Absence::NoData, Some(LIFE)),
                };
                (look_up.reply(Ok(answer)), 20)
            }
            Action::QuerySrv(query) => {
                if !self.hears(&format!("SRV {}", query.name())) {
                    return;
                }
                let answer = srv(query.name());
                (query.reply(Ok(answer)), 20)
            }
        };
        self.sent += 1;
        let at = self.now + Duration::from_millis(delay);
        self.replies.insert((at, self.sent), (id, event));
    }

    /// Whether the name server answers one more
    fn hears(&mut self, question: &str) -> bool {
        self.questions.push(question.to_owned());
        let second = self.now.since_origin().as_secs();
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 += 1;
        let hears = self.second.1 <= self.limit;
        self.lost += usize::from(!hears);
        hears
    }
}

fn way(number: usize) -> Way {
    WAYS[number % WAYS.len()]
}

fn host(number: usize) -> String {
    format!("n{number}.example")
}

fn number(text: &str) -> Option<usize> {
    text.split('.')
        .find_map(|label| label.strip_prefix('n')?.parse().ok())
}

fn address(number: usize) -> IpAddr {
    [9, (number >> 16) as u8, (number >> 8) as u8, number as u8].into()
}

fn well_known(host: &str) -> HttpAnswer {
    let number = number(host).expect("a name of the town");
    let name = match way(number) {
        Way::Port | Way::Own | Way::Srv | Way::OldSrv => return HttpAnswer::status(404),
        Way::WellKnown | Way::WellKnownSrv => format!("m.{host}"),
        Way::WellKnownPort => format!("m.{host}:443"),
    };
    let answer = HttpAnswer::ok(format!("{{\"m.server\":\"{name}\"}}"));
    answer.with(
        FieldName::CacheControl,
        format!("max-age={}", LIFE.as_secs()),
    )
}

fn srv(owner: &DnsName) -> Answer<SrvRecord> {
    let number = number(owner.as_str()).expect("a name of the town");
    let (is_new, is_of_delegated) = (
        owner.as_str().starts_with("_matrix-fed."),
        owner.as_str().contains(".m."),
    );
    let has_one = match way(number) {
        Way::Srv => is_new && !is_of_delegated,
        Way::OldSrv => !is_new && !is_of_delegated,
        Way::WellKnownSrv => is_new && is_of_delegated,
        Way::Port | Way::Own | Way::WellKnown | Way::WellKnownPort => false,
    };
    if !has_one {
        return Answer::absent(Absence::NoData, Some(LIFE));
    }
    let target = DnsName::new(&format!("t.{}", host(number))).expect("a name");
    let (priority, weight, port) = (0, 0, 8_449);
    Answer::found(
        vec![SrvRecord {
            priority,
            weight,
            port,
            target,
        }],
        LIFE,
    )
}

/// Whether that is where a name's server is
fn is_there(found: &Found, number: usize) -> bool {
    let addresses: Vec<_> = found.destination.addresses().map(|it| it.ip()).collect();
    let host = host(number);
    let header = match way(number) {
        Way::Port => format!("{host}:8448"),
        Way::Own | Way::Srv | Way::OldSrv => host,
        Way::WellKnown | Way::WellKnownSrv => format!("m.{host}"),
        Way::WellKnownPort => format!("m.{host}:443"),
    };
    addresses == [address(number)] && found.destination.host_header == header
}

/// Of every answer
const LIFE: Duration = Duration::from_secs(3_600);
