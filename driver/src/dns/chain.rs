//! From the name asked for to its records, alias by alias.

use std::time::Duration;

use fedway_core::{Absence, Answer, DnsError};
use hickory_proto::rr::{DNSClass, Name, RData, Record};

use super::message::Response;

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
    /// `None` means that the response leads out of itself: [`end`](Self::end) is to be asked for.
    /// Records of other types, classes and owners are passed over.
    pub(super) fn follow<T>(
        &mut self,
        response: &Response,
        read: fn(&RData) -> Option<T>,
    ) -> Result<Option<Answer<T>>, DnsError> {
        let before = self.passed.len();
        loop {
            if !response.no_such_name {
                let (records, ttls): (Vec<_>, Vec<_>) = owned_by(&self.end, &response.answers)
                    .filter_map(|record| Some((read(&record.data)?, seconds(record.ttl))))
                    .take(MAX_RECORDS)
                    .unzip();
                if let Some(ttl) = ttls.into_iter().min() {
                    return Ok(Some(self.found(records, ttl)));
                }
            }
            let alias = owned_by(&self.end, &response.answers).find_map(|record| {
                let RData::CNAME(target) = &record.data else {
                    return None;
                };
                Some((target.0.clone(), seconds(record.ttl)))
            });
            let Some((target, ttl)) = alias else { break };
            self.pass(target, ttl)?;
        }
        let ttl = self.negative_ttl(response);
        if response.no_such_name {
            return Ok(Some(Answer::absent(Absence::NoSuchName, ttl)));
        }
        if self.passed.len() > before && ttl.is_none() {
            return Ok(None);
        }
        Ok(Some(Answer::absent(Absence::NoData, ttl)))
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

    fn pass(&mut self, target: Name, ttl: Duration) -> Result<(), DnsError> {
        // A name that is its own alias has been passed when it is met again
        if self.passed.contains(&target) || self.passed.len() == MAX_ALIASES {
            return Err(DnsError::AliasLoop);
        }
        self.passed.push(std::mem::replace(&mut self.end, target));
        self.ttl = self.ttl.min(ttl);
        Ok(())
    }

    /// RFC 2308 §5: the lesser of the SOA's own time to live and its last field
    ///
    /// `None` without the SOA of a zone that the end could be in.
    fn negative_ttl(&self, response: &Response) -> Option<Duration> {
        response.authorities.iter().find_map(|record| {
            let RData::SOA(soa) = &record.data else {
                return None;
            };
            let ttl = seconds(record.ttl).min(seconds(soa.minimum)).min(self.ttl);
            record.name.zone_of(&self.end).then_some(ttl)
        })
    }
}

/// The internet's records of this name, which is compared without regard to case (RFC 4343)
fn owned_by<'a>(name: &'a Name, records: &'a [Record]) -> impl Iterator<Item = &'a Record> {
    records
        .iter()
        .filter(move |record| record.dns_class == DNSClass::IN && record.name == *name)
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
const MAX_RECORDS: usize = 64;

/// RFC 2181 §8
const MAX_TTL: u32 = i32::MAX as u32;
