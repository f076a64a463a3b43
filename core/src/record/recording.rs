//! What was recorded of a search: all that it is a function of, and what came out of it.

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::action::{Action, ActionId, Event, Purpose};
use crate::address::Family;
use crate::config::Config;
use crate::discovery::{Begin, Discovery, Goal, Verb};
use crate::edition::Edition;
use crate::found::{DiscoveryError, Found};
use crate::machine::Step;
use crate::name::{DnsName, Host, ServerName};
use crate::time::Instant;
use crate::trust::Verdict;
use crate::well_known::printable;

/// What a search ends with
pub type Outcome = Result<Box<Found>, DiscoveryError>;

/// A search, to be run again and explained, on another machine and without a network
///
/// What it is a function of: the name, the policies, the seed, and what was handled. What came out is kept to be compared.
/// Certificates' names, addresses and bodies of .well-known are in it; nothing secret is. Written and read with serde;
/// [`from_json`](Self::from_json) says more of what cannot be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    version: u32,
    pub(super) name: ServerName,
    pub(super) goal: SearchGoal,
    pub(super) seed: u64,
    pub(super) begun: Instant,
    /// Its number in the pool that it was in, if it was in one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<u32>,
    pub(super) config: Config,
    pub(super) entries: Vec<Entry>,
    /// `None` if it was given up
    pub(super) outcome: Option<Outcome>,
}

/// What a search is for
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchGoal {
    /// To connect to the server
    Connect,
    /// To know where it is
    Resolve,
}

/// One call of the machine's verbs, or of those that a pool has for it
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    Handled { at: Instant, event: Event },
    Polled(Said),
    Told(Verb),
    TimedOut { at: Instant },
}

/// What the machine said
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    Act { id: ActionId, request: Request },
    Cancel(ActionId),
    Done,
    Wait(Option<Instant>),
}

/// What was asked for
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    Connect {
        address: SocketAddr,
        tls_name: Host,
        purpose: Purpose,
        verdict: Verdict,
    },
    Fetch {
        connection: ActionId,
        host: String,
        target: String,
    },
    LookUp {
        host: DnsName,
        family: Family,
    },
    QuerySrv {
        name: DnsName,
    },
}

/// Why there is no [`Recording`] in a text
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// It is no recording, or a damaged one
    #[error("no recording of a search: {0}")]
    Malformed(String),
    /// It was written by a version that records other things
    #[error("a recording of version {found}, where {VERSION} is read")]
    Version {
        /// The version it says
        found: u32,
    },
}

impl Recording {
    /// That of a search by itself, before it begins
    pub(super) fn new(
        goal: SearchGoal,
        name: &ServerName,
        config: &Config,
        seed: u64,
        begun: Instant,
    ) -> Self {
        Self {
            version: VERSION,
            name: name.clone(),
            goal,
            seed,
            begun,
            machine: None,
            config: config.clone(),
            entries: Vec::new(),
            outcome: None,
        }
    }

    /// That of a search in a pool, whose actions are named after `machine`
    pub(crate) fn pooled(
        goal: SearchGoal,
        name: &ServerName,
        config: &Config,
        seed: u64,
        machine: u32,
        begun: Instant,
    ) -> Self {
        Self {
            machine: Some(machine),
            ..Self::new(goal, name, config, seed, begun)
        }
    }

    /// Reads what was written as JSON
    ///
    /// # Errors
    ///
    /// If it is none, is damaged, or of another version.
    pub fn from_json(text: &[u8]) -> Result<Self, RecordingError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let malformed = |error: serde_json::Error| {
            // It may quote what it has found
            RecordingError::Malformed(printable(error.to_string().as_bytes()))
        };
        let Head { version } = serde_json::from_slice(text).map_err(malformed)?;
        if version != VERSION {
            return Err(RecordingError::Version { found: version });
        }
        serde_json::from_slice(text).map_err(malformed)
    }

    /// Writes it as JSON, the same search in the same order
    #[must_use]
    pub fn to_json(&self) -> String {
        // There is no map in it whose keys are no strings, and nothing that fails
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The name that was searched for
    #[must_use]
    pub fn name(&self) -> &ServerName {
        &self.name
    }

    /// The edition that was followed
    #[must_use]
    pub fn edition(&self) -> Edition {
        self.config.edition
    }

    /// What the search was for
    #[must_use]
    pub fn goal(&self) -> SearchGoal {
        self.goal
    }

    /// What came of it; `None` if it was given up
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Whether the search was one of a pool's
    pub(super) fn is_pooled(&self) -> bool {
        self.machine.is_some()
    }

    /// The search, about to begin
    pub(super) fn begin(&self) -> Discovery {
        let config = Arc::new(self.config.clone());
        let (name, seed, now) = (&self.name, self.seed, self.begun);
        match (self.machine, self.goal) {
            (Some(machine), goal) => Discovery::pooled(
                (goal.into(), Begin::Name),
                name,
                &config,
                seed,
                machine,
                now,
            ),
            (None, SearchGoal::Connect) => Discovery::connect(name, &config, seed, now),
            (None, SearchGoal::Resolve) => Discovery::resolve(name, &config, seed, now),
        }
    }
}

impl From<SearchGoal> for Goal {
    fn from(goal: SearchGoal) -> Self {
        match goal {
            SearchGoal::Connect => Self::Connect,
            SearchGoal::Resolve => Self::Resolve,
        }
    }
}

impl Said {
    pub(super) fn of<T>(step: &Step<T>) -> Self {
        match step {
            Step::Act(action) => Self::Act {
                id: action.id(),
                request: Request::of(action),
            },
            Step::Cancel(id) => Self::Cancel(*id),
            Step::Done(_) => Self::Done,
            Step::Wait { until } => Self::Wait(*until),
        }
    }
}

impl Request {
    pub(super) fn of(action: &Action) -> Self {
        match action {
            Action::Connect(connect) => Self::Connect {
                address: connect.address(),
                tls_name: connect.tls_name().clone(),
                purpose: connect.purpose(),
                verdict: connect.verdict().clone(),
            },
            Action::FetchWellKnown(fetch) => Self::Fetch {
                connection: fetch.connection(),
                host: fetch.host_header().to_string(),
                target: fetch.target().to_string(),
            },
            Action::LookUpAddresses(look_up) => Self::LookUp {
                host: look_up.host().clone(),
                family: look_up.family(),
            },
            Action::QuerySrv(query) => Self::QuerySrv {
                name: query.name().clone(),
            },
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect {
                address, tls_name, ..
            } => write!(f, "TLS {address} as {tls_name}"),
            Self::Fetch { host, target, .. } => write!(f, "GET https://{host}{target}"),
            Self::LookUp { host, family } => match family {
                Family::V4 => write!(f, "A {host}"),
                Family::V6 => write!(f, "AAAA {host}"),
            },
            Self::QuerySrv { name } => write!(f, "SRV {name}"),
        }
    }
}

/// What is recorded, and how
const VERSION: u32 = 1;
