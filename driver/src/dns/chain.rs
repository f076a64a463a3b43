//! From the name asked for to its records, alias by alias.

use std::time::Duration;

use fedway_core::{Absence, Answer};
use hickory_proto::rr::{Name, RData};

use super::kind::Kind;
use super::message::Response;
use super::text;

/// The way from the name asked for to the name that should have the records
///
/// It may lead through several responses: a server that gives an alias need not give its target.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// The names that turned out to be aliases
    passed: Vec<Name>,
    /// The name that is not known to be one
    end: Name,
    /// The least time to live among the aliases
    ttl: Duration,
}

/// Where a response leads
pub(super) enum Followed<T> {
    /// To its end
    Answer(Answer<T>),
    /// Out of itself: [`Chain::end`] is to be asked for
    Further,
    /// Back to itself, or too far
    Loop,
    /// To other servers, which this one does not ask
    Referral,
}

impl Chain {
    pub(super) fn new(name: Name) -> Self {
        Self {
            passed: Vec::new(),
            end: name,
            ttl: Duration::MAX,
        }
    }

    /// The name whose records are wanted now
    pub(super) fn end(&self) -> &Name {
        &self.end
    }

    /// Goes on as far as the response leads, whatever the order of its records
    ///
    /// Records of other types and owners are passed over.
    pub(super) fn follow<T>(&mut self, response: &Response, kind: &Kind<T>) -> Followed<T> {
        let before = self.passed.len();
        loop {
            let owner = text::folded(&self.end);
            let of_end = response
                .answers
                .iter()
                .filter(|record| record.owner == owner);
            if !response.no_such_name {
                let mut found: Vec<_> = of_end
                    .clone()
                    .filter_map(|record| Some(((kind.read)(&record.data)?, seconds(record.ttl))))
                    .collect();
                found.sort_by_key(|(record, _)| (kind.priority)(record));
                let (records, ttls): (Vec<_>, Vec<_>) = found.into_iter().take(MAX_RECORDS).unzip();
                if let Some(ttl) = ttls.into_iter().min() {
                    return Followed::Answer(self.found(records, ttl));
                }
            }
            let alias = of_end.into_iter().find_map(|record| {
                let RData::CNAME(target) = &record.data else {
                    return None;
                };
                Some((target.0.clone(), seconds(record.ttl)))
            });
            let Some((target, ttl)) = alias else { break };
            // A name that is its own alias has been passed when it is met again
            if self.passed.contains(&target) || self.passed.len() == MAX_ALIASES {
                return Followed::Loop;
            }
            self.passed.push(std::mem::replace(&mut self.end, target));
            self.ttl = self.ttl.min(ttl);
        }
        let ttl = self.negative_ttl(response);
        let absence = if response.no_such_name {
            Absence::NoSuchName
        } else if self.passed.len() > before && ttl.is_none() {
            return Followed::Further;
        } else if response.referral {
            return Followed::Referral;
        } else {
            Absence::NoData
        };
        Followed::Answer(Answer::absent(absence, ttl))
    }

    /// These records of the end's, seen from the name asked for
    pub(super) fn found<T>(&self, records: Vec<T>, ttl: Duration) -> Answer<T> {
        let answer = Answer::found(records, ttl.min(self.ttl));
        if self.passed.is_empty() {
            answer
        } else {
            answer.by_alias()
        }
    }

    /// RFC 2308 §5: the lesser of the SOA's own time to live and its last field
    ///
    /// `None` without the SOA of a zone that the end could be in.
    fn negative_ttl(&self, response: &Response) -> Option<Duration> {
        let mut zones = response.zones.iter();
        let zone = zones.find(|zone| zone.name.zone_of(&self.end))?;
        Some(seconds(zone.ttl).min(seconds(zone.minimum)).min(self.ttl))
    }
}

/// RFC 2181 §8: a time to live with the top bit set is zero
fn seconds(ttl: u32) -> Duration {
    Duration::from_secs(if ttl > MAX_TTL { 0 } else { ttl.into() })
}

/// The longest chain of aliases that is followed
///
/// As many as unbound follows (`max-query-restarts`), which raised it from 8 after names with nine
/// were met (NLnetLabs/unbound issue 438). A server that resolves for us gives no longer ones, and
/// each may cost us a question under the one deadline.
const MAX_ALIASES: usize = 11;

/// The most records taken from a response: far more than a search dials within its deadlines, and
/// little enough for a cache
pub(super) const MAX_RECORDS: usize = 64;

/// RFC 2181 §8
const MAX_TTL: u32 = i32::MAX as u32;
