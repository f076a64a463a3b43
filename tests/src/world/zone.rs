//! The names a world knows, and what stands under them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// What goes wrong with the answer for one name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsFault {
    /// Two aliases that point at each other.
    CnameLoop,
    /// The alias alone, without the records of its target, which must be asked for.
    CnameWithoutTarget,
    /// Silence for the first queries, then the truth.
    DropFirst(u32),
    /// FORMERR to a query with EDNS; the truth to one without.
    FormErr,
    /// Bytes that are no DNS message.
    Garbage,
    /// The header and question of a reply, then bytes that are no record.
    GarbledRecord,
    /// NOERROR without a record.
    NoData,
    /// NOTIMP, whatever is asked.
    NotImplemented,
    /// NOTIMP to a query with EDNS; the truth to one without.
    NotImplementedToEdns,
    /// NXDOMAIN, although the name may exist.
    NxDomain,
    /// REFUSED.
    Refused,
    /// SERVFAIL.
    ServFail,
    /// SERVFAIL with this reason (RFC 8914), where the query had EDNS.
    ServFailFor(u16),
    /// No reply.
    Silence,
    /// The truth, late; other queries are not kept waiting.
    Slow(Duration),
    /// A forged reply with a wrong id and this address, then the truth.
    SpoofThenRight(IpAddr),
    /// Over UDP an empty reply that points to TCP; the truth over TCP.
    Truncate,
    /// The truth, under a wrong id.
    WrongId,
    /// The truth, to a question that nobody asked.
    WrongQuestion,
}

/// Every record and every DNS fault of a world.
#[derive(Debug, Default)]
pub(super) struct Zone {
    /// By lower-case name, in canonical order: what stands under a name follows it.
    records: BTreeMap<Name, Vec<Record>>,
    faults: BTreeMap<(Name, RecordType), Trouble>,
    negative_ttl: Option<u32>,
}

/// A fault, and how often it was met.
#[derive(Debug)]
struct Trouble {
    fault: DnsFault,
    met: u32,
}

/// What a zone says to a question.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) code: ResponseCode,
    pub(super) answers: Vec<Record>,
    /// The SOA record of a negative answer.
    pub(super) authority: Option<Record>,
}

impl Zone {
    /// Adds a record, and hands it out so that its TTL may be changed.
    pub(super) fn insert(&mut self, name: Name, data: RData) -> &mut Record {
        let records = self.records.entry(name.to_lowercase()).or_default();
        records.push(Record::from_rdata(name, TTL, data));
        records.last_mut().expect("a record was just pushed")
    }

    pub(super) fn remove(&mut self, name: &Name) {
        self.records.remove(&name.to_lowercase());
    }

    pub(super) fn set_fault(&mut self, name: &Name, record_type: RecordType, fault: DnsFault) {
        let trouble = Trouble { fault, met: 0 };
        let key = (name.to_lowercase(), record_type);
        self.faults.insert(key, trouble);
    }

    pub(super) fn end_fault(&mut self, name: &Name, record_type: RecordType) {
        self.faults.remove(&(name.to_lowercase(), record_type));
    }

    pub(super) fn set_negative_ttl(&mut self, seconds: u32) {
        self.negative_ttl = Some(seconds);
    }

    /// Takes over all of `more`, whose faults and negative TTL replace those here.
    pub(super) fn merge(&mut self, more: Self) {
        for (name, records) in more.records {
            self.records.entry(name).or_default().extend(records);
        }
        self.faults.extend(more.faults);
        self.negative_ttl = more.negative_ttl.or(self.negative_ttl);
    }

    /// The fault that a query meets, and how many queries met it before.
    pub(super) fn meet_fault(
        &mut self,
        name: &Name,
        record_type: RecordType,
    ) -> Option<(DnsFault, u32)> {
        let name = name.to_lowercase();
        let exact = (name.clone(), record_type);
        let key = match self.faults.contains_key(&exact) {
            true => exact,
            false => (name, RecordType::ANY),
        };
        let trouble = self.faults.get_mut(&key)?;
        trouble.met += 1;
        Some((trouble.fault.clone(), trouble.met - 1))
    }

    /// Answers from the records alone, following aliases as far as they are known.
    pub(super) fn look_up(&self, name: &Name, record_type: RecordType) -> Lookup {
        let mut answers = Vec::new();
        let mut owner = name.clone();
        for _ in 0..MAX_ALIASES {
            let found = self.records_of(&owner, record_type);
            if !found.is_empty() {
                answers.extend(found);
                return Lookup::positive(answers);
            }
            let Some((alias, target)) = self.alias(&owner) else {
                return self.negative(&owner, self.code(&owner), answers);
            };
            answers.push(alias);
            owner = target;
        }
        Lookup::positive(answers)
    }

    /// The alias under `name` alone, without what it points at.
    pub(super) fn alias(&self, name: &Name) -> Option<(Record, Name)> {
        let alias = self
            .records_of(name, RecordType::CNAME)
            .into_iter()
            .next()?;
        let RData::CNAME(target) = &alias.data else {
            return None;
        };
        let target = target.0.clone();
        Some((alias, target))
    }

    /// A negative answer about `name`, with the SOA that tells how long it holds (RFC 2308).
    pub(super) fn negative(&self, name: &Name, code: ResponseCode, answers: Vec<Record>) -> Lookup {
        let ttl = self.negative_ttl.unwrap_or(NEGATIVE_TTL);
        let apex = name.trim_to(2).to_lowercase();
        let soa = SOA::new(apex.clone(), apex.clone(), 1, 3600, 600, 86_400, ttl);
        Lookup {
            code,
            answers,
            authority: Some(Record::from_rdata(apex, ttl, RData::SOA(soa))),
        }
    }

    /// The records under `name`, which bear the name as it was asked.
    fn records_of(&self, name: &Name, record_type: RecordType) -> Vec<Record> {
        let records = self.records.get(&name.to_lowercase());
        let fitting = |record: &&Record| record.record_type() == record_type;
        let mut found: Vec<_> = records
            .into_iter()
            .flatten()
            .filter(fitting)
            .cloned()
            .collect();
        for record in &mut found {
            record.name = name.clone();
        }
        found
    }

    /// A name exists as well when only something under it does (RFC 8020).
    fn code(&self, name: &Name) -> ResponseCode {
        let name = name.to_lowercase();
        match self.records.range(name.clone()..).next() {
            Some((next, _)) if name.zone_of(next) => ResponseCode::NoError,
            Some(_) | None => ResponseCode::NXDomain,
        }
    }
}

impl Lookup {
    fn positive(answers: Vec<Record>) -> Self {
        Self {
            code: ResponseCode::NoError,
            answers,
            authority: None,
        }
    }
}

/// Time to live of a record, in seconds, unless the plan says otherwise.
const TTL: u32 = 300;

/// Time to live of a negative answer, in seconds, unless the plan says otherwise.
const NEGATIVE_TTL: u32 = 60;

/// Longer than any chain a resolver should follow, so that its own bound is what counts.
const MAX_ALIASES: usize = 32;
