//! The list of logs, in the format that browsers publish.

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::BASE64;
use fedway_core::UtcTime;
use rustls::SupportedCipherSuite;
use rustls::crypto::CryptoProvider;
use rustls::crypto::hash::{Hash, HashAlgorithm};
use serde::Deserialize;

use crate::trust::error::{LogListError, TrustError, read, without_mark};
use crate::trust::x509::Key;

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
    /// Its place in the list, from 1
    number: usize,
    pub(super) name: String,
    operator: String,
    /// Who operated it before, each with the end of that in milliseconds since 1970, in order
    previous: Vec<(u64, String)>,
    /// Its `SubjectPublicKeyInfo`
    key: Vec<u8>,
    state: State,
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
        let list: raw::List =
            serde_json::from_slice(without_mark(json)).map_err(|error| LogListError::Json {
                line: error.line(),
                column: error.column(),
            })?;
        let mut logs = BTreeMap::new();
        let mut number = 0;
        for operator in list.operators {
            for log in operator.logs.into_iter().chain(operator.tiled_logs) {
                number += 1;
                let malformed = LogListError::Log { number };
                let (id, log) = Log::new(number, &operator.name, log).ok_or(malformed)?;
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

    /// Whether each log has the id that RFC 6962 §3.2 gives it, "the SHA-256 hash of the log's public key"
    ///
    /// # Errors
    ///
    /// [`TrustError::LogId`] for one that has another.
    pub(super) fn check_ids(&self, sha256: Sha256) -> Result<(), TrustError> {
        let mut logs = self.logs.iter();
        match logs.find(|(id, log)| sha256.hash(&log.key) != **id) {
            Some((_, Log { number, .. })) => Err(TrustError::LogId { number: *number }),
            None => Ok(()),
        }
    }

    pub(super) fn find(&self, id: &[u8; 32]) -> Option<&Log> {
        self.logs.get(id)
    }
}

impl Log {
    fn new(number: usize, operator: &str, log: raw::Log) -> Option<([u8; 32], Self)> {
        let id = BASE64.decode(log.log_id.as_bytes()).ok()?.try_into().ok()?;
        let key = BASE64.decode(log.key.as_bytes()).ok()?;
        Key::read(&key)?;
        let mut previous = Vec::new();
        for one in log.previous_operators {
            previous.push((milliseconds(&one.end_time)?, one.name));
        }
        previous.sort();
        let log = Self {
            number,
            name: log.description.unwrap_or_else(|| operator.into()),
            operator: operator.into(),
            previous,
            key,
            state: log.state.map_or(Some(State::Untrusted), State::new)?,
        };
        Some((id, log))
    }

    pub(super) fn key(&self) -> Option<Key<'_>> {
        Key::read(&self.key)
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

/// The provider's SHA-256: its own business is to know which implementation that is
#[derive(Clone, Copy)]
pub(super) struct Sha256(&'static dyn Hash);

impl Sha256 {
    /// Taken from a cipher suite: providers do not offer their hashes in another way
    pub(super) fn of(provider: &CryptoProvider) -> Result<Self, TrustError> {
        let mut suites = provider.cipher_suites.iter();
        let hash = suites.find_map(|suite| {
            let hash = match suite {
                SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider,
                SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider,
            };
            (hash.algorithm() == HashAlgorithm::SHA256).then_some(hash)
        });
        hash.map(Self).ok_or(TrustError::NoSha256)
    }

    pub(super) fn hash(self, bytes: &[u8]) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.0.hash(bytes).as_ref());
        hash
    }
}

/// RFC 3339 in UTC, as the format has it, as milliseconds since 1970
fn milliseconds(time: &str) -> Option<u64> {
    let time: UtcTime = time.parse().ok()?;
    // Of the year 9999 at most
    Some(time.unix() * 1000)
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
            number: 1,
            name: String::new(),
            operator: "now".into(),
            previous: vec![(10, "first".into()), (20, "second".into())],
            key: Vec::new(),
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
