//! The loop: replies at their time, timeouts at theirs, and an eye on the machine's contract.

mod carry;
mod pooled;

use std::collections::BTreeMap;
use std::mem;

use fedway_core::{ActionId, DiscoveryError, Event, Found, Instant, Machine as _, Step};

use self::pooled::Driven;
use super::Script;
use super::answers::Answers;
use super::run::{Command, Entry, Run};

impl Script {
    /// Runs the search to its end
    ///
    /// # Panics
    ///
    /// Where the machine breaks its contract: an id given out twice; something cancelled that is not
    /// under way; a GET over a session that is not open; a `Wait` that is over when it is said; anything
    /// left open, or anything said, after `Done`. Also if it waits for nothing, or takes 10,000 steps.
    ///
    /// And where the search does anything else in a [`Pool`](fedway_core::Pool) that knows nothing: everything asked for
    /// at the same time, and the same found; or on its second visit there finds another.
    #[must_use]
    pub fn run(&self) -> Run {
        let run = self.run_alone();
        if !self.noisy && !self.one_at_a_time {
            pooled::compare(self, &run);
        }
        run
    }

    /// The same without a pool, for those who run a great many
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    #[must_use]
    pub fn run_alone(&self) -> Run {
        Search::new(self, Driven::alone(self)).run()
    }
}

/// A search under way
struct Search<'a> {
    script: &'a Script,
    answers: Answers,
    machine: Driven,
    now: Instant,
    /// Replies to deliver: by time, and in the order they were scheduled
    queue: BTreeMap<(Instant, usize), Delivery>,
    scheduled: usize,
    given: BTreeMap<ActionId, Given>,
    log: Vec<Entry>,
    peak: usize,
}

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

type Outcome = Result<Box<Found>, DiscoveryError>;

impl<'a> Search<'a> {
    fn new(script: &'a Script, machine: Driven) -> Self {
        Self {
            script,
            answers: script.answers.clone().settle(),
            now: Instant::ORIGIN,
            machine,
            queue: BTreeMap::new(),
            scheduled: 0,
            given: BTreeMap::new(),
            log: Vec::new(),
            peak: 0,
        }
    }

    fn run(mut self) -> Run {
        self.go()
    }

    /// To the end of the search
    fn go(&mut self) -> Run {
        let begun = self.now;
        let mut ended: Option<(Outcome, Instant)> = None;
        for _ in 0..MAX_STEPS {
            let step = self.machine.poll();
            if ended.is_some()
                && !matches!(step, Step::Wait { until: None })
                && !self.machine.may_go_on()
            {
                self.complain("something was said after the end");
            }
            match step {
                Step::Act(action) => {
                    let id = action.id();
                    self.start(action);
                    if self.script.one_at_a_time {
                        self.carry_out(id);
                    }
                }
                Step::Cancel(id) => self.cancel(id),
                Step::Done(outcome) => {
                    self.check_end(&outcome);
                    ended = Some((outcome, self.now));
                }
                Step::Wait { until } => {
                    if ended.is_none() && until.is_none_or(|until| until <= self.now) {
                        self.complain("it does not say what it waits for");
                    }
                    let is_over = ended.is_some() && self.machine.may_go_on();
                    if is_over || !self.wait(until) {
                        let (outcome, at) = ended.expect("it waits for a time until it has ended");
                        return Run {
                            outcome: outcome.map(|found| *found),
                            elapsed: at.saturating_since(begun),
                            log: mem::take(&mut self.log),
                            peak: self.peak,
                        };
                    }
                }
            }
        }
        self.complain("it does not come to an end")
    }

    /// Goes to the next reply or timeout; `false` if there is none
    fn wait(&mut self, until: Option<Instant>) -> bool {
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

    fn note(&mut self, command: Command) {
        let at = self.now.since_origin();
        self.log.push(Entry { at, command });
    }

    /// What is not handed out with the outcome must be over
    fn check_end(&mut self, outcome: &Outcome) {
        let connection = match outcome {
            Ok(found) => found.connection.as_ref(),
            Err(_) => None,
        };
        if let Some(connection) = connection {
            match self.given.get_mut(&connection.id) {
                Some(Given {
                    state: state @ State::Session,
                    ..
                }) => *state = State::Over,
                Some(_) | None => self.complain("it hands out a session that is not open"),
            }
        }
        let mut given = self.given.values();
        if !self.machine.may_go_on() && given.any(|given| given.state.is_under_way()) {
            self.complain("something was left open at the end");
        }
    }

    fn complain(&self, complaint: &str) -> ! {
        let name = &self.script.name;
        let log: Vec<_> = self.log.iter().map(|entry| format!("{entry}\n")).collect();
        panic!("{name}: {complaint}, at {}:\n{}", self.now, log.concat())
    }
}

/// More than any search needs: a thousand actions, each given out, answered and polled around
const MAX_STEPS: usize = 10_000;
