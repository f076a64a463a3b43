//! Asks, leaves, answers, reports and time, in any order, on a pool: checked against a naive model.
//!
//! What the model knows: who asked and was not told yet, which questions are open, which actions were given out. Everybody is
//! told once; what was recorded does the same again; no question is open twice; no action is named twice; what is cancelled was open; and when nobody waits any
//! more, nothing is.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use fedway_core::{
    Action, ActionId, Instant, Machine, Outcome, Pool, SearchGoal, ServerName, Snapshot, Step,
    Ticket, Told,
};
use fedway_fuzz::{one_of, search, up_to};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = run(&mut Unstructured::new(input));
});

const NAMES: [&str; 6] = [
    "example.org",
    "EXAMPLE.org",
    "example.org:8448",
    "one.example.net",
    "192.0.2.1",
    "two.example.net",
];

struct Model {
    pool: Pool,
    now: Instant,
    waiting: BTreeSet<Ticket>,
    open: BTreeMap<ActionId, Action>,
    given: BTreeSet<ActionId>,
    sessions: BTreeSet<ActionId>,
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let config = search::config(u)?;
    let mut model = Model {
        pool: Pool::new(config, u.arbitrary()?),
        now: Instant::ORIGIN,
        waiting: BTreeSet::new(),
        open: BTreeMap::new(),
        given: BTreeSet::new(),
        sessions: BTreeSet::new(),
    };
    for _ in 0..400 {
        if u.is_empty() {
            break;
        }
        model.act(u)?;
        model.drain();
    }
    model.end();
    Ok(())
}

impl Model {
    fn act(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let name: ServerName = one_of(u, &NAMES)?.parse().expect("they are names");
        let now = self.now;
        match up_to(u, 13)? {
            0 | 1 => drop(self.waiting.insert(self.pool.resolve(&name, now))),
            2 | 3 => drop(self.waiting.insert(self.pool.connect(&name, now))),
            4 => drop(self.waiting.insert(self.pool.delegation(&name, now))),
            5 => drop(self.waiting.insert(self.pool.connect_to(&name, now))),
            6 => drop(self.waiting.insert(self.pool.resolve_fresh(&name, now))),
            7 => {
                let index = usize::from(up_to(u, 7)?);
                if let Some(ticket) = self.waiting.iter().nth(index).copied() {
                    self.waiting.remove(&ticket);
                    self.pool.leave(ticket, now);
                }
            }
            8..=10 => {
                let index = usize::from(up_to(u, 15)?);
                if let Some(id) = self.open.keys().nth(index).copied()
                    && let Some(action) = self.open.remove(&id)
                {
                    let is_connect = matches!(action, Action::Connect(_));
                    let event = search::reply(action, u)?;
                    if is_connect {
                        self.sessions.insert(id);
                    }
                    self.pool.handle(event.clone(), now);
                    self.drain();
                    // Once more, it changes nothing
                    let before = self.pool.stats();
                    self.pool.handle(event, now);
                    self.drain();
                    assert_eq!(self.pool.stats(), before);
                }
            }
            11 => {
                let step =
                    [1, 50, 250, 5_000, 60_000, 3_600_000, 100_000_000][usize::from(up_to(u, 6)?)];
                self.now = self.now + Duration::from_millis(step);
                self.pool.handle_timeout(self.now);
            }
            12 => {
                let outcome = [Outcome::Alive, Outcome::Misdirected, Outcome::Unreachable];
                self.pool
                    .report(&name, outcome[usize::from(up_to(u, 2)?)], now);
            }
            _ => match up_to(u, 4)? {
                0 => drop(self.pool.forget(&name)),
                1 => self.pool.forget_all(),
                2 => self
                    .pool
                    .stood_still(Duration::from_secs(u.arbitrary::<u8>()?.into())),
                3 => {
                    let goal = [SearchGoal::Connect, SearchGoal::Resolve];
                    let goal = goal[usize::from(up_to(u, 1)?)];
                    self.waiting.insert(self.pool.record(goal, &name, now));
                }
                _ => {
                    let text = self.pool.snapshot(now).to_json();
                    let snapshot =
                        Snapshot::from_json(text.as_bytes()).expect("it was just written");
                    self.pool
                        .restore(snapshot, Duration::ZERO, now)
                        .expect("it is of this version");
                }
            },
        }
        Ok(())
    }

    fn drain(&mut self) {
        for _ in 0..100_000 {
            match self.pool.poll() {
                Step::Act(action) => {
                    assert!(self.given.insert(action.id()), "an id was given out twice");
                    if let Some(question) = question(&action) {
                        let mut open = self.open.values().filter_map(self::question);
                        assert!(
                            !open.any(|other| other == question),
                            "{question} is asked twice at once"
                        );
                    }
                    if let Action::FetchWellKnown(fetch) = &action {
                        self.sessions.remove(&fetch.connection());
                    }
                    self.open.insert(action.id(), action);
                }
                Step::Cancel(id) => {
                    let was_open = self.open.remove(&id).is_some() | self.sessions.remove(&id);
                    assert!(
                        was_open || self.given.contains(&id),
                        "what was never given out is cancelled"
                    );
                }
                Step::Done(told) => {
                    assert!(
                        self.waiting.remove(&told.ticket()),
                        "{told:?} to somebody who does not wait"
                    );
                    if let Some(connection) = told.connection() {
                        let is_open = self.sessions.remove(&connection.id);
                        assert!(is_open, "a session that is not open");
                    }
                    if let Told::Recorded(_, recording) = &told {
                        assert_eq!(recording.replay(), Ok(recording.outcome()));
                        recording.explain().expect("it does the same again");
                    }
                }
                Step::Wait { until } => {
                    assert!(
                        until.is_none_or(|until| until > self.now),
                        "a deadline that has passed"
                    );
                    return;
                }
            }
        }
        panic!("it does not come to an end");
    }

    /// Everybody leaves
    fn end(&mut self) {
        for ticket in std::mem::take(&mut self.waiting) {
            self.pool.leave(ticket, self.now);
        }
        self.pool.rest();
        self.drain();
        let stats = self.pool.stats();
        let left = (stats.searches, stats.questions, stats.queued);
        assert_eq!(left, (0, 0, 0));
        assert!(self.open.is_empty(), "{:?}", self.open);
        self.pool.forget_all();
        assert_eq!(self.pool.stats().facts, 0);
    }
}

fn question(action: &Action) -> Option<String> {
    match action {
        Action::LookUpAddresses(look_up) => {
            Some(format!("{} {}", look_up.family(), look_up.host()))
        }
        Action::QuerySrv(query) => Some(format!("SRV {}", query.name())),
        Action::Connect(_) | Action::FetchWellKnown(_) => None,
    }
}
