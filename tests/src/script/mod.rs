//! Scripts: a search of `fedway-core` in virtual time, against answers written down beforehand.
//!
//! 1. Say what is searched for, and how: [`Script::connect`] or [`Script::resolve`].
//! 2. Write down who answers what. A script derefs to its [`Answers`], which have the verbs.
//! 3. [`run`](Script::run) it, and compare the [`Run`]: its outcome, and the list of what was asked for.
//!
//! ```
//! use fedway_testkit::script::{Script, srv};
//!
//! let mut s = Script::connect("example.org");
//! s.well_known("example.org").fails(404);
//! s.srv("_matrix-fed._tcp.example.org").gives([srv(10, 0, 8449, "host.example.net")]);
//! s.a("host.example.net").gives(["192.0.2.7"]);
//! s.connect("192.0.2.7:8449").works();
//!
//! let run = s.run();
//! assert_eq!(run.found().destination.step(), "4");
//! assert_eq!(run.found().destination.host_header, "example.org");
//! assert_eq!(run.connects(), [
//!     "198.51.100.1:443 as example.org",
//!     "192.0.2.7:8449 as example.org",
//! ]);
//! ```
//!
//! What no line speaks of is not there: a DNS question is answered "no such record", a connection is
//! refused, a GET gets a 404. A host that a URL was scripted for has a web server, and an address
//! ([198.51.100.1](Answers::web_addresses), then .2, …) unless it was given others.
//!
//! Every exchange takes its [`Latency`], unless it was told to take [another time](Dns::after). With the
//! latency there is by default, [`Run::elapsed`] in milliseconds is the longest chain of dependent round
//! trips: one for DNS, two for TCP with TLS, one for a GET.
//!
//! The harness holds the machine to its contract on the way, and panics with the log where it breaks it:
//! see [`Script::run`]. Scripts panic, too, where a name, an address or a URL in them is none: they are
//! written by hand, or by a program that knows better.

mod answers;
mod dice;
mod pooled;
mod recorded;
mod reply;
mod run;
mod search;
mod verbs;
pub(crate) mod visits;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use fedway_core::{Config, Discovery, Edition, Instant, Lookahead, SearchGoal, ServerName};

pub use self::answers::{Answers, Unscripted, split_url, srv};
pub use self::dice::Dice;
pub use self::reply::{DnsResult, HttpResult, Peer, Reply};
pub use self::run::{Command, Dialled, Entry, Question, RecordKind, Request, Run};
pub use self::verbs::{Connection, Dns, Failure, Page};

/// A search, and the answers it will get
#[derive(Clone, Debug)]
pub struct Script {
    answers: Answers,
    config: Config,
    goal: Goal,
    latency: Latency,
    name: ServerName,
    noisy: bool,
    one_at_a_time: bool,
    seed: u64,
}

impl Script {
    /// A search that ends with a connection
    #[must_use]
    pub fn connect(name: &str) -> Self {
        Self::new(Goal::Connect, name)
    }

    /// A search that ends with a destination
    #[must_use]
    pub fn resolve(name: &str) -> Self {
        Self::new(Goal::Resolve, name)
    }

    /// A search with this goal
    ///
    /// The configuration is [this one](config()).
    #[must_use]
    pub fn new(goal: Goal, name: &str) -> Self {
        Self {
            answers: Answers::default(),
            config: config(),
            goal,
            latency: Latency::default(),
            name: name.parse().expect("a script has a server name"),
            noisy: false,
            one_at_a_time: false,
            seed: 0,
        }
    }

    /// Follows this edition of the specification
    #[must_use]
    pub fn edition(mut self, edition: Edition) -> Self {
        self.config.edition = edition;
        self
    }

    /// Asks DNS ahead, or does not
    #[must_use]
    pub fn lookahead(mut self, lookahead: Lookahead) -> Self {
        self.config.lookahead = lookahead;
        self
    }

    /// Changes any other policy
    #[must_use]
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Chooses among SRV targets of one priority with this seed; 0 if nothing is said
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Lets exchanges take this long, unless they were told how long
    #[must_use]
    pub fn latency(mut self, latency: Latency) -> Self {
        self.latency = latency;
        self
    }

    /// The policies it is searched with
    #[must_use]
    pub fn policies(&self) -> &Config {
        &self.config
    }

    /// The name that is searched for
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The answers there are, [with what they need](Answers::settle)
    #[must_use]
    pub fn answers_settled(&self) -> Answers {
        self.answers.clone().settle()
    }

    /// Puts these answers in the place of those there are
    #[must_use]
    pub fn answers(mut self, answers: Answers) -> Self {
        self.answers = answers;
        self
    }

    /// Adds everything that must change nothing
    ///
    /// Every reply is delivered twice more, 1 ms and 2.5 ms later and with a clock that has gone back to
    /// the origin; replies to cancelled actions are delivered after all; what never answers gives a
    /// tempting answer on its deadline, and again later; [`handle_timeout`](fedway_core::Machine::handle_timeout) is called for no
    /// reason around every delivery. The [`Run`] must be the same as without.
    #[must_use]
    pub fn noisy(mut self) -> Self {
        self.noisy = true;
        self
    }

    /// Makes the driver one that does one thing at a time: it polls an action, waits until it is over, and then polls
    /// the next
    #[must_use]
    pub fn one_at_a_time(mut self) -> Self {
        self.one_at_a_time = true;
        self
    }

    /// The search itself, to drive by hand
    #[must_use]
    pub fn start(&self) -> Discovery {
        let config = Arc::new(self.config.clone());
        let start = match self.goal {
            Goal::Connect => Discovery::connect,
            Goal::Resolve => Discovery::resolve,
        };
        start(&self.name, &config, self.seed, Instant::ORIGIN)
    }
}

impl Deref for Script {
    type Target = Answers;

    fn deref(&self) -> &Answers {
        &self.answers
    }
}

impl DerefMut for Script {
    fn deref_mut(&mut self) -> &mut Answers {
        &mut self.answers
    }
}

/// What a search is for
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Goal {
    /// A verified connection
    Connect,
    /// Where requests go
    Resolve,
}

impl From<Goal> for SearchGoal {
    fn from(goal: Goal) -> Self {
        match goal {
            Goal::Connect => Self::Connect,
            Goal::Resolve => Self::Resolve,
        }
    }
}

impl Goal {
    /// Both of them
    pub const ALL: [Self; 2] = [Self::Connect, Self::Resolve];
}

/// How long exchanges take
///
/// By default, a millisecond a round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// A DNS question and its answer; 1 ms
    pub dns: Duration,
    /// A TCP handshake and a TLS handshake; 2 ms
    pub connect: Duration,
    /// A request and its response; 1 ms
    pub get: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            dns: Duration::from_millis(1),
            connect: Duration::from_millis(2),
            get: Duration::from_millis(1),
        }
    }
}

/// The default configuration, save that the [networks of the documentation](DOCUMENTATION) may be dialled
#[must_use]
pub fn config() -> Config {
    let mut config = Config::default();
    config.addresses.allow = DOCUMENTATION
        .map(|net| net.parse().expect("the constant holds networks"))
        .into();
    config
}

/// The networks set aside for documentation (RFC 5737, RFC 3849), where scripts and worlds have their servers
pub const DOCUMENTATION: [&str; 4] = [
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001:db8::/32",
];
