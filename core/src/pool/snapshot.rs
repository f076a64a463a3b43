//! What a pool knows, to be kept between two runs.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::conclusions::Conclusions;
use super::facts::{Facts, Remembered, Said};
use crate::answer::{Answer, FactKind, SrvRecord};
use crate::config::Config;
use crate::discovery::{Begin, Delegation};
use crate::error::{DnsError, WellKnownError};
use crate::found::Notes;
use crate::name::{DnsName, ServerName};
use crate::time::Instant;
use crate::well_known::printable;

/// What a pool knows: names, and the facts that they rest on, each with the time that it has left
///
/// There are no instants in it, so that it may be kept beyond the end of the process: whoever [restores](crate::Pool::restore)
/// it says how long that took. Written and read with serde; [`from_json`](Self::from_json) says more of what cannot be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    facts: Vec<Kept>,
    names: Vec<Name>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    name: DnsName,
    said: KeptSaid,
    /// How many times in a row it has failed, if it has
    #[serde(default, skip_serializing_if = "is_zero")]
    failures: u8,
    /// The whole of its life, and what is left of it
    life_ms: u64,
    left_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptSaid {
    A(Result<Answer<IpAddr>, DnsError>),
    Aaaa(Result<Answer<IpAddr>, DnsError>),
    Srv(Result<Answer<SrvRecord>, DnsError>),
    WellKnown {
        result: Box<Result<ServerName, WellKnownError>>,
        notes: Box<Notes>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Name {
    name: ServerName,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    is_subject: bool,
    /// Its facts, by their places in the list
    rests_on: Vec<usize>,
}

/// Why there is no [`Snapshot`] in a text
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It is no snapshot, or a damaged one
    #[error("no snapshot of a pool: {0}")]
    Malformed(String),
    /// It was written by a version that keeps other things
    #[error("a snapshot of version {found}, where {VERSION} is read")]
    Version {
        /// The version it says
        found: u32,
    },
}

impl Snapshot {
    /// Reads what was written as JSON
    ///
    /// # Errors
    ///
    /// If it is none, is damaged, or of another version.
    pub fn from_json(text: &[u8]) -> Result<Self, SnapshotError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let malformed = |error: serde_json::Error| {
            // It may quote what it has found
            SnapshotError::Malformed(printable(error.to_string().as_bytes()))
        };
        let Head { version } = serde_json::from_slice(text).map_err(malformed)?;
        if version != VERSION {
            return Err(SnapshotError::Version { found: version });
        }
        let snapshot: Self = serde_json::from_slice(text).map_err(malformed)?;
        snapshot.check()?;
        Ok(snapshot)
    }

    /// As JSON, in one line
    #[must_use]
    pub fn to_json(&self) -> String {
        // Of its types none has keys that are no strings, or can fail otherwise
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether all that it names is in it
    pub(super) fn check(&self) -> Result<(), SnapshotError> {
        if self.version != VERSION {
            let found = self.version;
            return Err(SnapshotError::Version { found });
        }
        let mut places = self.names.iter().flat_map(|name| &name.rests_on);
        match places.find(|place| **place >= self.facts.len()) {
            None => Ok(()),
            Some(place) => {
                let count = self.facts.len();
                let text = alloc::format!("it names fact {place}, and has {count}");
                Err(SnapshotError::Malformed(text))
            }
        }
    }
}

impl Snapshot {
    /// Writes down what is known
    pub(super) fn take(conclusions: &Conclusions, facts: &Facts, now: Instant) -> Self {
        let mut kept = Vec::new();
        let mut places = BTreeMap::new();
        let mut names = Vec::new();
        for (begin, name, record) in conclusions.iter() {
            let mut rests_on = Vec::new();
            for id in &record.rests_on {
                let place = *places.entry(*id).or_insert_with(|| {
                    let fact = facts.get(*id);
                    let remembered = fact.remembered(now)?;
                    kept.push(Kept::new(fact.kind, &fact.name, remembered));
                    Some(kept.len() - 1)
                });
                rests_on.extend(place);
            }
            // A name that was taken in is one
            if let Ok(name) = ServerName::parse(name) {
                let is_subject = begin == Begin::Subject;
                names.push(Name {
                    name,
                    is_subject,
                    rests_on,
                });
            }
        }
        // The most recently used is taken in last
        names.reverse();
        Self {
            version: VERSION,
            facts: kept,
            names,
        }
    }

    /// Takes in what is not known better
    pub(super) fn restore(
        self,
        conclusions: &mut Conclusions,
        facts: &mut Facts,
        config: &Config,
        elapsed: Duration,
        now: Instant,
    ) {
        let mut ids = Vec::with_capacity(self.facts.len());
        for kept in self.facts {
            let id = facts.place(kept.kind(), &kept.name);
            facts.hold(id);
            ids.push(id);
            let left = Duration::from_millis(kept.left_ms).saturating_sub(elapsed);
            if !left.is_zero() {
                let remembered = Remembered {
                    failures: kept.failures,
                    said: kept.said.into(),
                    life: Duration::from_millis(kept.life_ms),
                    left,
                };
                facts.get_mut(id).restore(remembered, config, now);
            }
        }
        for Name {
            name,
            is_subject,
            rests_on,
        } in self.names
        {
            let begin = if is_subject {
                Begin::Subject
            } else {
                Begin::Name
            };
            if conclusions.get(begin, &name).is_some() {
                continue;
            }
            let record = conclusions.entry(begin, &name, facts);
            record.rests_on = rests_on.into_iter().map(|place| ids[place]).collect();
            record.rests_on.iter().for_each(|id| facts.hold(*id));
        }
        facts.release_all(&ids);
    }
}

impl Kept {
    fn new(kind: FactKind, name: &DnsName, remembered: Remembered) -> Self {
        let Remembered {
            said,
            failures,
            life,
            left,
        } = remembered;
        let said = match said {
            Said::Addresses(result) if kind == FactKind::A => KeptSaid::A(result),
            Said::Addresses(result) => KeptSaid::Aaaa(result),
            Said::Srv(result) => KeptSaid::Srv(result),
            Said::WellKnown(delegation) => {
                let mut notes = delegation.notes();
                if let Some(well_known) = &mut notes.well_known {
                    well_known.expires = None;
                }
                let result = delegation.said.result.clone();
                KeptSaid::WellKnown {
                    result: result.into(),
                    notes: notes.into(),
                }
            }
        };
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            name: name.clone(),
            said,
            failures,
            life_ms: ms(life),
            left_ms: ms(left),
        }
    }

    fn kind(&self) -> FactKind {
        match self.said {
            KeptSaid::A(_) => FactKind::A,
            KeptSaid::Aaaa(_) => FactKind::Aaaa,
            KeptSaid::Srv(_) => FactKind::Srv,
            KeptSaid::WellKnown { .. } => FactKind::WellKnown,
        }
    }
}

impl From<KeptSaid> for Said {
    fn from(kept: KeptSaid) -> Self {
        match kept {
            KeptSaid::A(result) | KeptSaid::Aaaa(result) => Self::Addresses(result),
            KeptSaid::Srv(result) => Self::Srv(result),
            KeptSaid::WellKnown { result, notes } => {
                Self::WellKnown(Arc::new(Delegation::remembered(*result, *notes)))
            }
        }
    }
}

fn is_zero(failures: &u8) -> bool {
    *failures == 0
}

/// Of what a snapshot has in it
const VERSION: u32 = 1;
