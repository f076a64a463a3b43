//! The loop: replies at their time, timeouts at theirs, and an eye on the machine's contract.

mod carry;

use std::collections::BTreeMap;
use std::time::Duration;

use fedway_core::{ActionId, Connection, DiscoveryError, Event, Found, Instant, Machine, Step};

use super::Script;
use super::answers::Answers;
use super::run::{Command, Entry, Run};

impl Script {
    /// Runs the search to its end, without a [`Pool`](fedway_core::Pool): for those who run a great many
    ///
    /// # Panics
    ///
    /// Where the machine breaks its contract: see [`run`](Self::run).
    #[must_use]
    pub fn run_alone(&self) -> Run {
        Driven::new(self, self.start()).run().0
    }
}

/// A machine under way
#[derive(Clone, Debug)]
pub(super) struct Driven<M> {
    pub(super) script: Script,
    pub(super) answers: Answers,
    pub(super) machine: M,
    pub(super) now: Instant,
    /// Replies to deliver: by time, and in the order they were scheduled
    queue: BTreeMap<(Instant, usize), Delivery>,
    scheduled: usize,
    given: BTreeMap<ActionId, Given>,
    pub(super) log: Vec<Entry>,
    pub(super) peak: usize,
}

#[derive(Clone, Debug)]
struct Delivery {
    id: ActionId,
    event: Event,
    /// What comes of the action; `None` where the delivery must not count
    brings: Option<Brings>,
}

/// What a reply leaves behind in the driver
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brings {
    Answer,
    Session,
}

/// An action that the machine gave out
#[derive(Clone, Debug)]
struct Given {
    command: Command,
    deadline: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Answered, then
    Answered(Instant),
    /// Being worked on
    Open,
    /// Cancelled, or its session used up
    Over,
    /// A session that is open and not used yet
    Session,
}

impl State {
    fn is_under_way(self) -> bool {
        match self {
            Self::Answered(_) | Self::Over => false,
            Self::Open | Self::Session => true,
        }
    }
}

pub(super) type Outcome = Result<Box<Found>, DiscoveryError>;

impl<M: Machine<Done = Outcome>> Driven<M> {
    /// To its end
    pub(super) fn run(mut self) -> (Run, M) {
        let Some(outcome) = self.next(Instant::from_origin(Duration::MAX)) else {
            self.complain("it does not say what it waits for");
        };
        self.check_end(&outcome);
        let at = self.now;
        // What comes now must change nothing
        while self.deliver_next(None) {
            if !matches!(self.machine.poll(), Step::Wait { until: None }) {
                self.complain("something was said after the end");
            }
        }
        let run = Run {
            outcome: outcome.map(|found| *found),
            elapsed: at.since_origin(),
            log: self.log,
            peak: self.peak,
        };
        (run, self.machine)
    }
}

impl<M: Machine> Driven<M> {
    pub(super) fn new(script: &Script, machine: M) -> Self {
        Self {
            answers: script.answers.clone().settle(),
            script: script.clone(),
            machine,
            now: Instant::ORIGIN,
            queue: BTreeMap::new(),
            scheduled: 0,
            given: BTreeMap::new(),
            log: Vec::new(),
            peak: 0,
        }
    }

    /// Goes on to the next end of something, or if there is none before it, to this time
    pub(super) fn next(&mut self, horizon: Instant) -> Option<M::Done> {
        for _ in 0..MAX_STEPS {
            match self.machine.poll() {
                Step::Act(action) => {
                    let id = action.id();
                    self.start(action);
                    if self.script.one_at_a_time {
                        self.carry_out(id);
                    }
                }
                Step::Cancel(id) => self.cancel(id),
                Step::Done(done) => return Some(done),
                Step::Wait { until } => {
                    if until.is_some_and(|until| until <= self.now) {
                        self.complain("it does not say what it waits for");
                    }
                    let next = self.queue.first_key_value().map(|((at, _), _)| *at);
                    let next = next.into_iter().chain(until).min();
                    if next.is_none_or(|next| next > horizon) {
                        self.now = self.now.max(horizon);
                        return None;
                    }
                    self.deliver_next(until);
                }
            }
        }
        self.complain("it does not come to an end")
    }

    /// Goes to the next reply or timeout; `false` if there is none
    fn deliver_next(&mut self, until: Option<Instant>) -> bool {
        let reply = self.queue.first_key_value().map(|((at, _), _)| *at);
        // A reply on the deadline comes first: the machine must know by itself that it is late
        if reply.is_some_and(|at| until.is_none_or(|until| at <= until))
            && let Some(((at, _), delivery)) = self.queue.pop_first()
        {
            self.now = at;
            self.deliver(delivery);
        } else if let Some(until) = until {
            self.now = until;
            self.machine.handle_timeout(until);
        } else {
            return false;
        }
        true
    }

    /// Does nothing else until the action is over: not even what is due meanwhile
    fn carry_out(&mut self, id: ActionId) {
        let deadline = self.given[&id].deadline;
        let mut replies = self.queue.iter();
        let reply = replies.find(|((at, _), delivery)| delivery.id == id && *at < deadline);
        match reply.map(|(key, _)| *key) {
            Some(key) => {
                self.now = key.0;
                let delivery = self.queue.remove(&key).expect("it was found there");
                self.deliver(delivery);
            }
            None => {
                self.now = deadline;
                self.machine.handle_timeout(deadline);
            }
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        if let (Some(brings), Some(given)) = (delivery.brings, self.given.get_mut(&delivery.id))
            && given.state == State::Open
        {
            given.state = match brings {
                Brings::Answer => State::Answered(self.now),
                Brings::Session => State::Session,
            };
        }
        if !self.script.noisy {
            self.machine.handle(delivery.event, self.now);
            return;
        }
        self.machine.handle_timeout(Instant::ORIGIN);
        // What must not count comes with a clock that has gone back
        let now = if delivery.brings.is_some() {
            self.now
        } else {
            Instant::ORIGIN
        };
        if now != self.now {
            self.machine.handle_timeout(self.now);
        }
        self.machine.handle(delivery.event, now);
        self.machine.handle_timeout(self.now);
        self.machine.handle_timeout(Instant::ORIGIN);
    }

    fn give(&mut self, id: ActionId, command: Command, deadline: Instant) {
        if deadline <= self.now {
            self.complain("an action that is over when it is given out");
        }
        self.note(command.clone());
        let given = Given {
            command,
            deadline,
            state: State::Open,
        };
        if self.given.insert(id, given).is_some() {
            self.complain("an id was given out twice");
        }
        let given = self.given.values();
        let under_way = given.filter(|given| given.state.is_under_way()).count();
        self.peak = self.peak.max(under_way);
    }

    fn cancel(&mut self, id: ActionId) {
        let now = self.now;
        let what = match self.given.get_mut(&id) {
            // The reply may have come in the same moment, too late
            Some(given) if given.state.is_under_way() || given.state == State::Answered(now) => {
                given.state = State::Over;
                given.command.clone()
            }
            Some(_) | None => self.complain("something cancelled that is not under way"),
        };
        self.note(Command::Cancel(Box::new(what)));
        if !self.script.noisy {
            self.queue.retain(|_, delivery| delivery.id != id);
        }
    }

    /// What was given out and is over is not looked at any more, but for its name
    pub(super) fn tidy(&mut self) {
        self.given.retain(|_, given| given.state.is_under_way());
    }

    /// Whether nothing is under way
    pub(super) fn is_idle(&self) -> bool {
        !self.given.values().any(|given| given.state.is_under_way())
    }

    fn note(&mut self, command: Command) {
        let at = self.now.since_origin();
        self.log.push(Entry { at, command });
    }

    /// What is not handed out with the outcome must be over
    pub(super) fn check_end(&mut self, outcome: &Outcome) {
        let found = outcome.as_ref().ok();
        if let Some(connection) = found.and_then(|found| found.connection.as_ref()) {
            self.hand_out(connection);
        }
        if !self.is_idle() {
            self.complain("something was left open at the end");
        }
    }

    /// A session goes with the outcome
    pub(super) fn hand_out(&mut self, connection: &Connection) {
        match self.given.get_mut(&connection.id) {
            Some(Given {
                state: state @ State::Session,
                ..
            }) => *state = State::Over,
            Some(_) | None => self.complain("it hands out a session that is not open"),
        }
    }

    fn complain(&self, complaint: &str) -> ! {
        let name = &self.script.name;
        let log: Vec<_> = self.log.iter().map(|entry| format!("{entry}\n")).collect();
        panic!("{name}: {complaint}, at {}:\n{}", self.now, log.concat())
    }
}

/// More than anything needs that somebody is waiting for: ten thousand searches, with all that each asks
const MAX_STEPS: usize = 1_000_000;
