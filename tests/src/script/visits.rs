//! Many searches in one pool, in virtual time.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    Delegated, DiscoveryError, Found, Instant, Pool, Recording, ServerName, Ticket, Told,
};

use super::run::{Entry, Run};
use super::search::Driven;
use super::{Answers, Goal, Script};

/// A [`Pool`] in virtual time, and who asks it
///
/// ```
/// use std::time::Duration;
///
/// use fedway_testkit::Visits;
/// use fedway_testkit::script::Script;
///
/// let mut s = Script::connect("example.org:8448");
/// s.a("example.org").gives(["192.0.2.7"]).lasts(Duration::from_secs(60));
/// s.connect("192.0.2.7:8448").works();
///
/// let mut visits = Visits::new(&s);
/// assert_eq!(visits.visit().questions(), ["AAAA example.org", "A example.org"]);
/// // What is known is not asked again
/// assert_eq!(visits.visit().questions(), [""; 0]);
/// visits.wait(Duration::from_secs(60));
/// assert_eq!(visits.visit().questions(), ["A example.org"]);
/// ```
#[derive(Clone, Debug)]
pub struct Visits {
    driven: Driven<Pool>,
    told: BTreeMap<Ticket, (Instant, Told)>,
}

impl Visits {
    /// A pool that knows nothing, with the policies and the seed of the script, among its answers
    #[must_use]
    pub fn new(script: &Script) -> Self {
        let pool = Pool::new(Arc::new(script.config.clone()), script.seed);
        Self {
            driven: Driven::new(script, pool),
            told: BTreeMap::new(),
        }
    }

    /// The answers from now on
    pub fn answers(&mut self) -> &mut Answers {
        &mut self.driven.answers
    }

    /// The pool
    pub fn pool(&mut self) -> &mut Pool {
        &mut self.driven.machine
    }

    /// The virtual time
    #[must_use]
    pub fn now(&self) -> Instant {
        self.driven.now
    }

    /// Whether nothing is under way
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.driven.is_idle()
    }

    /// Asks for what the script is about, and waits for it
    pub fn visit(&mut self) -> Run {
        let Script { goal, name, .. } = &self.driven.script;
        let (goal, name) = (*goal, name.clone());
        self.visit_to(goal, name.as_str())
    }

    /// Asks for this, and waits for it
    ///
    /// # Panics
    ///
    /// If the pool breaks its contract, or `name` is none.
    pub fn visit_to(&mut self, goal: Goal, name: &str) -> Run {
        let ticket = self.ask(goal, name);
        self.finish(ticket)
    }

    /// Asks for this
    ///
    /// # Panics
    ///
    /// If `name` is no server name.
    pub fn ask(&mut self, goal: Goal, name: &str) -> Ticket {
        let (name, now) = (server_name(name), self.now());
        match goal {
            Goal::Connect => self.pool().connect(&name, now),
            Goal::Resolve => self.pool().resolve(&name, now),
        }
    }

    /// Asks for what the script is about by a search that is recorded, and waits for it
    ///
    /// # Panics
    ///
    /// If the pool breaks its contract.
    pub fn visit_recorded(&mut self) -> (Run, Recording) {
        let Script { goal, name, .. } = &self.driven.script;
        let (goal, name, now) = ((*goal).into(), name.clone(), self.now());
        let ticket = self.pool().record(goal, &name, now);
        let (at, told) = self.told(ticket);
        let Told::Recorded(_, recording) = told else {
            panic!("{told:?} where a recording was asked for");
        };
        let outcome = recording.outcome().expect("it has ended").clone();
        let run = self.run(outcome.map(|found| *found), at.saturating_since(now));
        (run, *recording)
    }

    /// Asks whom requests for a name are for, and waits for it
    ///
    /// # Errors
    ///
    /// If that is not to be found.
    ///
    /// # Panics
    ///
    /// If the pool breaks its contract, or `name` is none.
    pub fn delegation(&mut self, name: &str) -> Result<Arc<Delegated>, DiscoveryError> {
        let now = self.now();
        let ticket = self.pool().delegation(&server_name(name), now);
        match self.told(ticket).1 {
            Told::Delegated(_, result) => result,
            other @ (Told::Connected(..) | Told::Recorded(..) | Told::Resolved(..)) => {
                panic!("{other:?} where a delegation was asked for")
            }
        }
    }

    /// Waits until somebody who asked is told; what was asked for since the last look is the log
    ///
    /// # Panics
    ///
    /// If the pool breaks its contract, or the ticket is for a delegation.
    pub fn finish(&mut self, ticket: Ticket) -> Run {
        let begun = self.now();
        let (at, told) = self.told(ticket);
        let outcome = match &told {
            Told::Connected(_, result) => result.clone().map(|found| *found),
            Told::Resolved(_, Ok(found)) => Ok(Found::clone(found)),
            Told::Resolved(_, Err(error)) => Err(DiscoveryError::clone(error)),
            Told::Delegated(..) | Told::Recorded(..) => {
                panic!("{told:?} where a server was asked for")
            }
        };
        self.run(outcome, at.saturating_since(begun))
    }

    fn run(&mut self, outcome: Result<Found, DiscoveryError>, elapsed: Duration) -> Run {
        Run {
            outcome,
            elapsed,
            log: self.take_log(),
            peak: mem::take(&mut self.driven.peak),
        }
    }

    /// Lets so much time pass
    pub fn wait(&mut self, time: Duration) {
        let until = self.now() + time;
        while self.advance(until) {}
    }

    /// Lets time pass until nothing is under way
    ///
    /// # Panics
    ///
    /// If that is not so within an hour.
    pub fn rest(&mut self) {
        let begun = self.now();
        loop {
            self.wait(Duration::from_millis(1));
            if self.is_idle() {
                return;
            }
            let waited = self.now().saturating_since(begun);
            assert!(waited < Duration::from_secs(3_600), "it does not rest");
        }
    }

    /// What was asked for and cancelled since the last look, such as `ask A example.org`
    pub fn commands(&mut self) -> Vec<String> {
        let log = self.take_log();
        log.iter().map(|entry| entry.command.to_string()).collect()
    }

    /// What somebody who asked was told by now
    #[must_use]
    pub fn is_told(&self, ticket: Ticket) -> Option<&Told> {
        self.told.get(&ticket).map(|(_, told)| told)
    }

    fn take_log(&mut self) -> Vec<Entry> {
        self.driven.tidy();
        mem::take(&mut self.driven.log)
    }

    fn told(&mut self, ticket: Ticket) -> (Instant, Told) {
        loop {
            if let Some(told) = self.told.remove(&ticket) {
                return told;
            }
            assert!(
                self.advance(Instant::from_origin(Duration::MAX)),
                "nobody is told of {ticket:?}"
            );
        }
    }

    /// Goes on to when somebody is told, or to this time; whether somebody was
    fn advance(&mut self, until: Instant) -> bool {
        let Some(told) = self.driven.next(until) else {
            return false;
        };
        if let Some(connection) = told.connection() {
            self.driven.hand_out(connection);
        }
        let (ticket, now) = (told.ticket(), self.now());
        let before = self.told.insert(ticket, (now, told));
        assert!(before.is_none(), "somebody was told twice");
        true
    }
}

fn server_name(text: &str) -> ServerName {
    text.parse().expect("a script has a server name")
}
