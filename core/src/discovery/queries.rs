//! The DNS questions of one search: each is asked once, however many steps need it.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::context::Context;
use crate::action::{Action, ActionId, Family, LookUpAddresses, QuerySrv};
use crate::answer::{Absence, Answer, SrvRecord};
use crate::error::DnsError;
use crate::name::DnsName;
use crate::srv::{self, Selection, SkippedRecord};
use crate::time::Instant;

/// The questions asked so far, in order, and what came of them
#[derive(Clone, Debug, Default)]
pub(super) struct Queries(Vec<Query>);

#[derive(Clone, Debug)]
struct Query {
    name: DnsName,
    state: State,
    /// Whether the stage in progress needs the answer, or may come to
    wanted: bool,
}

#[derive(Clone, Debug)]
enum State {
    Addresses(Family, Answered<Addresses>),
    Asked {
        id: ActionId,
        deadline: Instant,
        kind: Kind,
        sent: bool,
    },
    Srv(Answered<SrvOutcome>),
}

type Answered<T> = Result<T, DnsError>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Addresses(Family),
    Srv,
}

/// The addresses of one family of a host
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    pub(super) list: Result<Vec<IpAddr>, Absence>,
    pub(super) alias: bool,
    /// Whether there were more than are tried
    pub(super) cut: bool,
}

/// What an SRV question comes to
#[derive(Clone, Debug)]
pub(super) struct SrvOutcome {
    /// `None` where there is no such record
    pub(super) selection: Option<Selection>,
    pub(super) skipped: Vec<(DnsName, SkippedRecord)>,
}

impl Queries {
    /// Forgets what is wanted: before a stage says it anew
    pub(super) fn want_nothing(&mut self) {
        for query in &mut self.0 {
            query.wanted = false;
        }
    }

    /// Gives up every question that is open and not wanted, and tells which of them a driver has begun
    pub(super) fn sweep(&mut self, cancelled: &mut Vec<ActionId>) {
        self.0.retain(|query| match query.state {
            State::Asked { id, sent, .. } if !query.wanted => {
                if sent {
                    cancelled.push(id);
                }
                false
            }
            State::Addresses(..) | State::Asked { .. } | State::Srv(_) => true,
        });
    }

    /// The next question that a driver has not been given yet
    pub(super) fn poll(&mut self) -> Option<Action> {
        self.0.iter_mut().find_map(|query| match &mut query.state {
            State::Asked {
                id,
                deadline,
                kind,
                sent: sent @ false,
            } => {
                *sent = true;
                let (id, deadline, name) = (*id, *deadline, query.name.clone());
                Some(match *kind {
                    Kind::Addresses(family) => Action::LookUpAddresses(LookUpAddresses {
                        id,
                        host: name,
                        family,
                        deadline,
                    }),
                    Kind::Srv => Action::QuerySrv(QuerySrv { id, name, deadline }),
                })
            }
            State::Addresses(..) | State::Asked { .. } | State::Srv(_) => None,
        })
    }

    /// When the next open question is given up
    pub(super) fn deadline(&self) -> Option<Instant> {
        let open = self.0.iter().filter_map(|query| match query.state {
            State::Asked { deadline, .. } => Some(deadline),
            State::Addresses(..) | State::Srv(_) => None,
        });
        open.min()
    }

    /// Takes the open questions whose time is over for unanswered
    pub(super) fn expire(&mut self, now: Instant, cancelled: &mut Vec<ActionId>) {
        for query in &mut self.0 {
            if let State::Asked {
                id,
                deadline,
                kind,
                sent,
            } = query.state
                && deadline <= now
            {
                if sent {
                    cancelled.push(id);
                }
                query.state = State::failed(kind, DnsError::TimedOut);
            }
        }
    }

    /// Takes an answer in; one to a question that is not open changes nothing
    pub(super) fn answer_addresses(
        &mut self,
        id: ActionId,
        result: Result<Answer<IpAddr>, DnsError>,
    ) {
        if let Some((query, Kind::Addresses(family))) = self.open(id) {
            let result = result.map(|answer| Addresses::new(answer, family));
            query.state = State::Addresses(family, result);
        }
    }

    /// Takes an answer in; one to a question that is not open changes nothing
    pub(super) fn answer_srv(
        &mut self,
        id: ActionId,
        result: Result<Answer<SrvRecord>, DnsError>,
        seed: u64,
    ) {
        if let Some((query, Kind::Srv)) = self.open(id) {
            query.state = State::Srv(result.map(|answer| SrvOutcome::new(answer, seed)));
        }
    }

    /// Whether either family of a host's addresses has a property
    pub(super) fn any(&self, host: &DnsName, property: impl Fn(&Addresses) -> bool) -> bool {
        [Family::V6, Family::V4].into_iter().any(|family| {
            let known = self.known_addresses(host, family);
            matches!(known, Some(Ok(addresses)) if property(addresses))
        })
    }

    fn open(&mut self, wanted: ActionId) -> Option<(&mut Query, Kind)> {
        self.0.iter_mut().find_map(|query| match query.state {
            State::Asked { id, kind, .. } if id == wanted => Some((query, kind)),
            State::Addresses(..) | State::Asked { .. } | State::Srv(_) => None,
        })
    }

    /// The answer about the addresses of a host, if it is there already
    pub(super) fn known_addresses(
        &self,
        host: &DnsName,
        family: Family,
    ) -> Option<&Answered<Addresses>> {
        let of_host = self.0.iter().filter(|query| query.name == *host);
        of_host.into_iter().find_map(|query| match &query.state {
            State::Addresses(of, answer) if *of == family => Some(answer),
            State::Addresses(..) | State::Asked { .. } | State::Srv(_) => None,
        })
    }
}

impl Context {
    /// Wants the addresses of a host, asking unless that has been done
    pub(super) fn want_addresses(&mut self, host: &DnsName) {
        for family in [Family::V6, Family::V4] {
            self.want(host, Kind::Addresses(family));
        }
    }

    /// Wants the SRV records of an owner, asking unless that has been done; the answer, once it is there
    pub(super) fn want_srv(&mut self, owner: &DnsName) -> Option<&Answered<SrvOutcome>> {
        let query = self.want(owner, Kind::Srv);
        match &query.state {
            State::Srv(answer) => Some(answer),
            State::Addresses(..) | State::Asked { .. } => None,
        }
    }

    fn want(&mut self, name: &DnsName, kind: Kind) -> &mut Query {
        let queries = &mut self.queries.0;
        let known = queries
            .iter()
            .position(|query| query.state.kind() == kind && query.name == *name);
        let index = match known {
            Some(index) => index,
            None => {
                let state = State::without_asking(name, kind).unwrap_or_else(|| State::Asked {
                    id: self.ids.next(),
                    deadline: self.now + self.config.deadlines.dns,
                    kind,
                    sent: false,
                });
                // Few at a time: most searches ask ten or so, and doubling would hold sixteen
                if queries.len() == queries.capacity() {
                    queries.reserve_exact(4);
                }
                queries.push(Query {
                    name: name.clone(),
                    state,
                    wanted: true,
                });
                queries.len() - 1
            }
        };
        let query = &mut queries[index];
        query.wanted = true;
        query
    }
}

impl State {
    fn kind(&self) -> Kind {
        match self {
            Self::Addresses(family, _) => Kind::Addresses(*family),
            Self::Asked { kind, .. } => *kind,
            Self::Srv(_) => Kind::Srv,
        }
    }

    fn failed(kind: Kind, error: DnsError) -> Self {
        match kind {
            Kind::Addresses(family) => Self::Addresses(family, Err(error)),
            Kind::Srv => Self::Srv(Err(error)),
        }
    }

    /// The answer to a question that must not or cannot be asked
    fn without_asking(name: &DnsName, kind: Kind) -> Option<Self> {
        // RFC 7686 §2: never sent to DNS
        if name.is_within("onion") {
            return Some(Self::failed(kind, DnsError::Onion));
        }
        if name.is_encodable() {
            return None;
        }
        Some(match kind {
            Kind::Addresses(_) => Self::failed(kind, DnsError::NotEncodable),
            // An owner name that no message can hold has no records: nothing could not be answered
            Kind::Srv => Self::Srv(Ok(SrvOutcome {
                selection: None,
                skipped: Vec::new(),
            })),
        })
    }
}

impl Addresses {
    fn new(answer: Answer<IpAddr>, family: Family) -> Self {
        let (records, alias) = match answer {
            Answer::Absent { absence, .. } => (Err(absence), false),
            Answer::Found { records, alias, .. } => (Ok(records), alias),
        };
        let mut cut = false;
        let list = records.and_then(|records| {
            let mut list: Vec<IpAddr> = Vec::with_capacity(records.len().min(MAX_ADDRESSES));
            for address in records {
                if Family::of(address) == family && !list.contains(&address) {
                    cut |= list.len() == MAX_ADDRESSES;
                    if !cut {
                        list.push(address);
                    }
                }
            }
            if list.is_empty() {
                Err(Absence::NoData)
            } else {
                Ok(list)
            }
        });
        Self { list, alias, cut }
    }
}

impl SrvOutcome {
    fn new(answer: Answer<SrvRecord>, seed: u64) -> Self {
        let mut skipped = Vec::new();
        let selection = match answer {
            Answer::Found { records, .. } if !records.is_empty() => {
                Some(srv::select(records, seed, |record, reason| {
                    skipped.push((record.target.clone(), reason));
                }))
            }
            Answer::Absent { .. } | Answer::Found { .. } => None,
        };
        Self { selection, skipped }
    }
}

/// How many addresses of a host and family are looked at: twenty attempts, 250 ms apart, fit one connect deadline
///
/// The first of an answer, whether they may be dialled or not: each that may not is told as an attempt, and those are
/// bounded too.
const MAX_ADDRESSES: usize = 16;
