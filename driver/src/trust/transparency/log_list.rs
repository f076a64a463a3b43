//! The list of logs, in the format that browsers publish.

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::BASE64;
use serde::Deserialize;
use x509_cert::der::asn1::{AnyRef, BitStringRef};
use x509_cert::der::{DateTime, Decode as _};

use super::super::roots::{TrustError, read};
use super::sha256;

/// The certificate transparency logs whose timestamps count
///
/// Read from the JSON that browsers publish, version 3
/// (<https://www.gstatic.com/ct/log_list/v3/log_list_schema.json>). Logs that are usable, qualified or
/// read-only are trusted. A timestamp of a log that has been retired counts if it is older than that. Those of
/// pending and rejected logs do not count. The shard of time that a log accepts certificates of is not
/// judged, as browsers do not.
///
/// Keep it fresh: a list that is years old knows none of the logs of today's certificates.
#[derive(Clone, Debug)]
pub struct LogList {
    logs: BTreeMap<[u8; 32], Log>,
}

/// A log
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) name: String,
    operator: String,
    /// Who operated it before, each with the end of that in milliseconds since 1970, in order
    previous: Vec<(u64, String)>,
    pub(super) key: Key,
    state: State,
}

/// A public key, as webpki's algorithms take it
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The content of its `AlgorithmIdentifier`
    pub(super) algorithm: Vec<u8>,
    /// The content of its BIT STRING
    pub(super) bits: Vec<u8>,
}

/// What is thought of a log, and in milliseconds since 1970 since when
#[derive(Clone, Copy, Debug)]
enum State {
    Retired(u64),
    Trusted(u64),
    Untrusted,
}

/// What is thought of a log with regard to one timestamp
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Trusted to this day
    InForce,
    /// Trusted then, but no longer
    RetiredAfterwards,
    /// Not trusted any more then
    RetiredBefore,
    /// Not trusted yet, or never
    Untrusted,
}

impl LogList {
    /// Reads a list in JSON, version 3
    ///
    /// # Errors
    ///
    /// If it is no such list, or has no log.
    pub fn from_json(json: &[u8]) -> Result<Self, LogListError> {
        let list: raw::List = serde_json::from_slice(json).map_err(|error| LogListError::Json {
            line: error.line(),
            column: error.column(),
        })?;
        let mut logs = BTreeMap::new();
        let mut number = 0;
        for operator in list.operators {
            for log in operator.logs.into_iter().chain(operator.tiled_logs) {
                number += 1;
                let malformed = LogListError::Log { number };
                let (id, log) = Log::new(&operator.name, log).ok_or(malformed)?;
                logs.insert(id, log);
            }
        }
        if logs.is_empty() {
            return Err(LogListError::Empty);
        }
        Ok(Self { logs })
    }

    /// Reads a file, as [`from_json`](Self::from_json)
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or as [`from_json`](Self::from_json).
    pub fn from_file(path: &Path) -> Result<Self, TrustError> {
        Self::from_json(&read(path)?).map_err(|error| TrustError::LogList {
            path: path.into(),
            error,
        })
    }

    /// How many logs it has
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is no empty list")]
    pub fn len(&self) -> usize {
        self.logs.len()
    }

    pub(super) fn find(&self, id: &[u8; 32]) -> Option<&Log> {
        self.logs.get(id)
    }
}

impl Log {
    fn new(operator: &str, log: raw::Log) -> Option<([u8; 32], Self)> {
        let id = BASE64.decode(log.log_id.as_bytes()).ok()?.try_into().ok()?;
        let key = BASE64.decode(log.key.as_bytes()).ok()?;
        // RFC 6962 §3.2: the id is "the SHA-256 hash of the log's public key"
        if id != sha256(&key) {
            return None;
        }
        let mut previous = Vec::new();
        for one in log.previous_operators {
            previous.push((milliseconds(&one.end_time)?, one.name));
        }
        previous.sort();
        let log = Self {
            name: log.description.unwrap_or_else(|| operator.into()),
            operator: operator.into(),
            previous,
            key: Key::read(&key)?,
            state: log.state.map_or(Some(State::Untrusted), State::new)?,
        };
        Some((id, log))
    }

    /// Who operated it at a time, in milliseconds since 1970
    pub(super) fn operator_at(&self, time: u64) -> &str {
        let mut previous = self.previous.iter();
        let then = previous.find(|(end, _)| time < *end);
        then.map_or(&self.operator, |(_, name)| name)
    }

    /// What a timestamp of it is worth, both in milliseconds since 1970
    pub(super) fn standing(&self, timestamp: u64, now: u64) -> Standing {
        match self.state {
            // A list may tell in advance
            State::Retired(since) if now < since => Standing::InForce,
            State::Retired(since) if timestamp < since => Standing::RetiredAfterwards,
            State::Retired(_) => Standing::RetiredBefore,
            State::Trusted(since) if now < since => Standing::Untrusted,
            State::Trusted(_) => Standing::InForce,
            State::Untrusted => Standing::Untrusted,
        }
    }
}

impl Key {
    /// `SubjectPublicKeyInfo` (RFC 5280 §4.1)
    fn read(der: &[u8]) -> Option<Self> {
        let key = AnyRef::from_der(der).ok()?;
        key.sequence(|reader| {
            let algorithm = AnyRef::decode(reader)?;
            let bits = BitStringRef::decode(reader)?;
            Ok::<_, x509_cert::der::Error>(Self {
                algorithm: algorithm.value().to_vec(),
                bits: bits.as_bytes().unwrap_or_default().to_vec(),
            })
        })
        .ok()
    }
}

impl State {
    /// `None` for a date that is none
    fn new(state: raw::State) -> Option<Self> {
        // At most one is there
        if let Some(since) = state.retired {
            return Some(Self::Retired(milliseconds(&since.timestamp)?));
        }
        match state.usable.or(state.qualified).or(state.readonly) {
            Some(since) => Some(Self::Trusted(milliseconds(&since.timestamp)?)),
            None => Some(Self::Untrusted),
        }
    }
}

/// What is wrong with a log list
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogListError {
    /// It has no log
    #[error("no certificate transparency log in it")]
    Empty,
    /// Not the JSON of a log list
    #[error("no log list (version 3) in JSON, at line {line} column {column}")]
    Json {
        /// The line, from 1
        line: usize,
        /// The column, from 1; 0 where the line itself is missing
        column: usize,
    },
    /// A log's key, id or date is malformed
    #[error("log {number} has a malformed key, id or date")]
    Log {
        /// Which one, from 1
        number: usize,
    },
}

/// RFC 3339 in UTC, as the format has it, as milliseconds since 1970
fn milliseconds(time: &str) -> Option<u64> {
    let time: DateTime = time.parse().ok()?;
    u64::try_from(time.unix_duration().as_millis()).ok()
}

/// The format, as far as it is read
mod raw {
    use super::Deserialize;

    #[derive(Deserialize)]
    pub(super) struct List {
        pub(super) operators: Vec<Operator>,
    }

    #[derive(Deserialize)]
    pub(super) struct Operator {
        pub(super) name: String,
        #[serde(default)]
        pub(super) logs: Vec<Log>,
        #[serde(default)]
        pub(super) tiled_logs: Vec<Log>,
    }

    #[derive(Deserialize)]
    pub(super) struct Log {
        pub(super) description: Option<String>,
        pub(super) log_id: String,
        pub(super) key: String,
        #[serde(default)]
        pub(super) previous_operators: Vec<Previous>,
        pub(super) state: Option<State>,
    }

    #[derive(Deserialize)]
    pub(super) struct Previous {
        pub(super) name: String,
        pub(super) end_time: String,
    }

    /// Pending and rejected are the same here: not trusted
    #[derive(Deserialize)]
    pub(super) struct State {
        pub(super) qualified: Option<Since>,
        pub(super) readonly: Option<Since>,
        pub(super) retired: Option<Since>,
        pub(super) usable: Option<Since>,
    }

    #[derive(Deserialize)]
    pub(super) struct Since {
        pub(super) timestamp: String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_log_list_is_refused_with_its_position() {
        for (json, error) in [
            ("{\n 1}", LogListError::Json { line: 2, column: 2 }),
            (r#"{"operators": []}"#, LogListError::Empty),
            (
                r#"{"operators": [{"name": "a", "logs": [{"log_id": "AA==", "key": "AA=="}]}]}"#,
                LogListError::Log { number: 1 },
            ),
        ] {
            assert_eq!(LogList::from_json(json.as_bytes()).unwrap_err(), error);
        }
    }

    #[test]
    fn a_state_counts_from_its_date_on() {
        let log = |state| Log {
            name: String::new(),
            operator: "now".into(),
            previous: vec![(10, "first".into()), (20, "second".into())],
            key: Key {
                algorithm: Vec::new(),
                bits: Vec::new(),
            },
            state,
        };
        for (state, timestamp, now, standing) in [
            (State::Trusted(5), 4, 4, Standing::Untrusted),
            (State::Trusted(5), 4, 5, Standing::InForce),
            (State::Retired(5), 4, 4, Standing::InForce),
            (State::Retired(5), 4, 5, Standing::RetiredAfterwards),
            (State::Retired(5), 5, 5, Standing::RetiredBefore),
            (State::Untrusted, 0, 9, Standing::Untrusted),
        ] {
            assert_eq!(log(state).standing(timestamp, now), standing, "{state:?}");
        }
        let operators =
            [9, 10, 19, 20].map(|time| log(State::Untrusted).operator_at(time).to_owned());
        assert_eq!(operators, ["first", "second", "second", "now"]);
    }
}
