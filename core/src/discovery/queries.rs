//! The DNS questions of one search: each is asked once, however many steps need it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::Range;
use core::time::Duration;

use crate::action::{Action, ActionId, Ids, LookUpAddresses, QuerySrv};
use crate::address::{AddressPolicy, AddressRefusal, Family};
use crate::answer::{Absence, Answer, FactKind, History, SrvRecord};
use crate::config::{Config, Families};
use crate::error::{DnsError, Fault};
use crate::name::DnsName;
use crate::srv::{self, Flaws, Selection};
use crate::time::Instant;

/// Names a host among the questions
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HostId(u32);

/// The questions of a search, and what came of them
///
/// Nothing is taken away, so that an index stays what it was: a question that was given up is as one never asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Queries {
    hosts: Vec<HostQueries>,
    services: Vec<SrvQuery>,
}

#[derive(Clone, Debug)]
struct HostQueries {
    name: DnsName,
    v6: Query<Addresses>,
    v4: Query<Addresses>,
}

#[derive(Clone, Debug)]
struct SrvQuery {
    owner: DnsName,
    query: Query<SrvOutcome>,
}

#[derive(Clone, Debug)]
struct Query<T> {
    state: State<T>,
    want: Want,
    /// Whether the search has come to the answer
    used: bool,
}

/// How far a question has come
#[derive(Clone, Debug)]
enum State<T> {
    /// A driver has it until then
    Asked {
        id: ActionId,
        deadline: Instant,
    },
    /// To be handed out
    Due {
        id: ActionId,
    },
    Known(Known<T>),
    /// Asked ahead, when this machine had no socket left: to be asked again once it is needed
    PutOff,
    /// Never asked, or given up
    Unasked,
}

/// What came of a question
#[derive(Clone, Debug)]
pub(super) struct Known<T> {
    pub(super) result: Result<T, DnsError>,
    /// How long it may be believed
    pub(super) until: Instant,
}

/// A question to DNS
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question<'a> {
    pub(crate) kind: FactKind,
    pub(crate) name: &'a DnsName,
}

/// A question that a driver has not been given yet: where it is
#[derive(Clone, Copy, Debug)]
enum Due {
    Addresses(usize, Family),
    Srv(usize),
}

/// Whether the answer is needed
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Want {
    /// No, as things stand
    No,
    /// By a later step, perhaps
    Ahead,
    /// By the stage in progress
    Now,
}

/// The addresses of one family of a host, each judged
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    pub(super) dialable: Vec<IpAddr>,
    /// What became of those before
    pub(super) history: History,
    pub(super) refused: Box<[(IpAddr, AddressRefusal)]>,
    /// In which way there are none, where there are none
    pub(super) absence: Absence,
    pub(super) alias: bool,
    /// Whether there were more than are tried
    pub(super) cut: bool,
    /// Whether they are served beyond their time
    pub(super) stale: bool,
}

/// What an SRV question comes to
#[derive(Clone, Debug)]
pub(super) struct SrvOutcome {
    /// `None` where there is no such record
    pub(super) selection: Option<Selection>,
    pub(super) flaws: Option<Box<Flaws>>,
    /// Whether it is served beyond its time
    pub(super) stale: bool,
}

impl Queries {
    /// Where the questions of a host stand
    pub(super) fn host(&mut self, name: &DnsName) -> HostId {
        let known = self.hosts.iter().position(|host| host.name == *name);
        let index = known.unwrap_or_else(|| {
            let new = || Query::new(unaskable(name).map(Err));
            // Most searches know three hosts or fewer: doubling would hold four
            if self.hosts.len() == self.hosts.capacity() {
                self.hosts.reserve_exact(3);
            }
            self.hosts.push(HostQueries {
                name: name.clone(),
                v6: new(),
                v4: new(),
            });
            self.hosts.len() - 1
        });
        // A search knows some dozens of hosts
        HostId(index as u32)
    }

    /// Where the SRV questions of these owners stand, in their order
    pub(super) fn services(&mut self, owners: impl Iterator<Item = DnsName>) -> Range<usize> {
        let start = self.services.len();
        self.services.extend(owners.map(|owner| {
            // An owner name that no message can hold has no records: nothing could not be answered
            let known = unaskable(&owner).map(|error| {
                if error == DnsError::NotEncodable {
                    Ok(SrvOutcome::none())
                } else {
                    Err(error)
                }
            });
            SrvQuery {
                owner,
                query: Query::new(known),
            }
        }));
        start..self.services.len()
    }

    /// Wants the addresses of a host
    pub(super) fn want_addresses(
        &mut self,
        host: HostId,
        want: Want,
        families: Families,
        ids: &mut Ids,
    ) {
        let host = &mut self.hosts[host.0 as usize];
        if families.has(Family::V6) {
            host.v6.want(want, ids);
        }
        if families.has(Family::V4) {
            host.v4.want(want, ids);
        }
    }

    /// Wants the SRV records of an owner; what came of it, once it is there
    pub(super) fn want_srv(
        &mut self,
        service: usize,
        want: Want,
        ids: &mut Ids,
    ) -> Option<&Known<SrvOutcome>> {
        let query = &mut self.services[service].query;
        query.want(want, ids);
        query.used |= want == Want::Now;
        query.known()
    }

    /// The owner name of a service
    pub(super) fn owner(&self, service: usize) -> &DnsName {
        &self.services[service].owner
    }

    /// What came of the look-up of one family of a host, once it is there
    pub(super) fn addresses(&self, host: HostId, family: Family) -> Option<&Known<Addresses>> {
        let host = &self.hosts[host.0 as usize];
        match family {
            Family::V4 => host.v4.known(),
            Family::V6 => host.v6.known(),
        }
    }

    /// The same, by the search that goes on with it
    pub(super) fn use_addresses(
        &mut self,
        host: HostId,
        family: Family,
    ) -> Option<&Known<Addresses>> {
        let query = self.hosts[host.0 as usize].of(family);
        query.used = true;
        query.known()
    }

    /// The questions whose answers the search has come to
    pub(super) fn used(&self) -> impl Iterator<Item = Question<'_>> {
        let hosts = self.hosts.iter().flat_map(|host| {
            let of = |kind, query: &Query<Addresses>| {
                let name = &host.name;
                (query.used && query.is_answered()).then_some(Question { kind, name })
            };
            let (v6, v4) = (of(FactKind::Aaaa, &host.v6), of(FactKind::A, &host.v4));
            v6.into_iter().chain(v4)
        });
        let services = self.services.iter().filter_map(|service| {
            let (kind, name) = (FactKind::Srv, &service.owner);
            let query = &service.query;
            (query.used && query.is_answered()).then_some(Question { kind, name })
        });
        hosts.chain(services)
    }

    /// Forgets what is wanted: before a stage says it anew
    pub(super) fn want_nothing(&mut self) {
        for host in &mut self.hosts {
            host.v6.want = Want::No;
            host.v4.want = Want::No;
        }
        for service in &mut self.services {
            service.query.want = Want::No;
        }
    }

    /// Gives up every question that is open and not wanted, and tells which of them a driver has begun
    pub(super) fn sweep(&mut self, cancelled: &mut Vec<ActionId>) {
        for host in &mut self.hosts {
            host.v6.sweep(cancelled);
            host.v4.sweep(cancelled);
        }
        for service in &mut self.services {
            service.query.sweep(cancelled);
        }
    }

    /// Whether there is a question that a driver has not been given yet
    pub(super) fn has_due(&self) -> bool {
        self.first_due().is_some()
    }

    /// The first question that a driver has not been given yet
    pub(super) fn due(&self) -> Option<Question<'_>> {
        Some(match self.first_due()? {
            Due::Addresses(index, family) => Question {
                kind: match family {
                    Family::V4 => FactKind::A,
                    Family::V6 => FactKind::Aaaa,
                },
                name: &self.hosts[index].name,
            },
            Due::Srv(index) => Question {
                kind: FactKind::Srv,
                name: &self.services[index].owner,
            },
        })
    }

    /// Gives it to a driver
    pub(super) fn poll(&mut self, now: Instant, config: &Config) -> Option<Action> {
        let deadline = now + config.deadlines.dns;
        match self.first_due()? {
            Due::Addresses(index, family) => {
                let host = &mut self.hosts[index];
                Some(Action::LookUpAddresses(LookUpAddresses {
                    id: host.of(family).hand_out(deadline)?,
                    host: host.name.clone(),
                    family,
                    deadline,
                }))
            }
            Due::Srv(index) => {
                let service = &mut self.services[index];
                let id = service.query.hand_out(deadline)?;
                let name = service.owner.clone();
                Some(Action::QuerySrv(QuerySrv { id, name, deadline }))
            }
        }
    }

    /// Within each list the first that is due was wanted first, but for what was given up and is wanted again
    #[inline]
    fn first_due(&self) -> Option<Due> {
        let mut hosts = self.hosts.iter().enumerate();
        let host = hosts.find_map(|(index, host)| {
            let (v6, v4) = (host.v6.due(), host.v4.due());
            let family = if v6.is_some() { Family::V6 } else { Family::V4 };
            Some((v6.or(v4)?, Due::Addresses(index, family)))
        });
        let mut services = self.services.iter().enumerate();
        let service =
            services.find_map(|(index, service)| Some((service.query.due()?, Due::Srv(index))));
        let first = match (host, service) {
            (Some(host), Some(service)) if service.0 < host.0 => service,
            (host, service) => host.or(service)?,
        };
        Some(first.1)
    }

    /// When the next question that a driver has is given up, if that is before `most`
    pub(super) fn deadline(&self, most: Instant) -> Instant {
        let mut first = most;
        for host in &self.hosts {
            first = host.v4.deadline(host.v6.deadline(first));
        }
        for service in &self.services {
            first = service.query.deadline(first);
        }
        first
    }

    /// Takes the questions whose time is over for unanswered; whether one was for SRV records
    pub(super) fn expire(
        &mut self,
        now: Instant,
        config: &Config,
        cancelled: &mut Vec<ActionId>,
    ) -> bool {
        let until = now + config.lifetimes.dns_failure;
        let mut expire = |id: Option<ActionId>| {
            cancelled.extend(id);
            id.is_some()
        };
        for host in &mut self.hosts {
            expire(host.v6.expire(now, until));
            expire(host.v4.expire(now, until));
        }
        let mut news = false;
        for service in &mut self.services {
            news |= expire(service.query.expire(now, until));
        }
        news
    }

    /// Takes an answer in; one to a question that is not open changes nothing
    pub(super) fn answer_addresses(
        &mut self,
        id: ActionId,
        result: Result<Answer<IpAddr>, DnsError>,
        config: &Config,
        now: Instant,
    ) {
        for host in &mut self.hosts {
            for (family, query) in [(Family::V6, &mut host.v6), (Family::V4, &mut host.v4)] {
                if query.asked() == Some(id) {
                    let until = now + lifetime(&result, config);
                    let result =
                        result.map(|answer| Addresses::new(answer, family, &config.addresses));
                    return query.answer(Known { result, until });
                }
            }
        }
    }

    /// Takes an answer in; whether its question was open: else it changes nothing
    pub(super) fn answer_srv(
        &mut self,
        id: ActionId,
        result: Result<Answer<SrvRecord>, DnsError>,
        config: &Config,
        seed: u64,
        now: Instant,
    ) -> bool {
        let mut services = self.services.iter_mut();
        let Some(service) = services.find(|service| service.query.asked() == Some(id)) else {
            return false;
        };
        let until = now + lifetime(&result, config);
        let result = result.map(|answer| SrvOutcome::new(answer, seed));
        service.query.answer(Known { result, until });
        true
    }
}

impl HostQueries {
    #[inline]
    fn of(&mut self, family: Family) -> &mut Query<Addresses> {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }
}

impl<T> Query<T> {
    fn new(known: Option<Result<T, DnsError>>) -> Self {
        let state = match known {
            // What cannot be asked will not be asked later either
            Some(result) => State::Known(Known {
                result,
                until: Instant::END,
            }),
            None => State::Unasked,
        };
        Self {
            state,
            want: Want::No,
            used: false,
        }
    }

    fn want(&mut self, want: Want, ids: &mut Ids) {
        self.want = self.want.max(want);
        match self.state {
            State::Unasked => self.state = State::Due { id: ids.next() },
            State::PutOff if want == Want::Now => self.state = State::Due { id: ids.next() },
            State::Asked { .. } | State::Due { .. } | State::Known(_) | State::PutOff => {}
        }
    }

    fn known(&self) -> Option<&Known<T>> {
        match &self.state {
            State::Known(known) => Some(known),
            State::Asked { .. } | State::Due { .. } | State::PutOff | State::Unasked => None,
        }
    }

    fn is_answered(&self) -> bool {
        // What cannot be asked was not answered, but known from the start
        self.known().is_some_and(|known| known.until < Instant::END)
    }

    fn due(&self) -> Option<ActionId> {
        match self.state {
            State::Due { id } => Some(id),
            State::Asked { .. } | State::Known(_) | State::PutOff | State::Unasked => None,
        }
    }

    fn asked(&self) -> Option<ActionId> {
        match self.state {
            State::Asked { id, .. } => Some(id),
            State::Due { .. } | State::Known(_) | State::PutOff | State::Unasked => None,
        }
    }

    fn deadline(&self, most: Instant) -> Instant {
        match self.state {
            State::Asked { deadline, .. } => deadline.min(most),
            State::Due { .. } | State::Known(_) | State::PutOff | State::Unasked => most,
        }
    }

    /// A driver is given the question: from now on its time runs
    fn hand_out(&mut self, deadline: Instant) -> Option<ActionId> {
        let id = self.due()?;
        self.state = State::Asked { id, deadline };
        Some(id)
    }

    fn sweep(&mut self, cancelled: &mut Vec<ActionId>) {
        if self.want > Want::No {
            return;
        }
        match self.state {
            State::Asked { id, .. } => cancelled.push(id),
            State::Due { .. } => {}
            State::Known(_) | State::PutOff | State::Unasked => return,
        }
        self.state = State::Unasked;
    }

    /// Takes the question for unanswered if its time is over, and tells which it was
    fn expire(&mut self, now: Instant, until: Instant) -> Option<ActionId> {
        match self.state {
            State::Asked { id, deadline } if deadline <= now => {
                let result = Err(DnsError::TimedOut);
                self.state = State::Known(Known { result, until });
                Some(id)
            }
            State::Asked { .. }
            | State::Due { .. }
            | State::Known(_)
            | State::PutOff
            | State::Unasked => None,
        }
    }

    /// Our own failure to ask ahead says nothing: when the answer is needed, there may be a socket
    fn answer(&mut self, known: Known<T>) {
        let is_ours = matches!(&known.result, Err(error) if error.fault() == Fault::Ours);
        self.state = if is_ours && self.want < Want::Now {
            State::PutOff
        } else {
            State::Known(known)
        };
    }
}

/// Why a name must not or cannot be asked for
fn unaskable(name: &DnsName) -> Option<DnsError> {
    // RFC 7686 §2: never sent to DNS
    if name.is_within("onion") {
        Some(DnsError::Onion)
    } else if name.is_encodable() {
        None
    } else {
        Some(DnsError::NotEncodable)
    }
}

/// How long an answer may be believed
pub(crate) fn lifetime<T>(result: &Result<Answer<T>, DnsError>, config: &Config) -> Duration {
    match result {
        Ok(Answer::Found { ttl, .. } | Answer::Absent { ttl: Some(ttl), .. }) => {
            (*ttl).min(config.lifetimes.dns_most)
        }
        // RFC 2308 §5: without an SOA, nobody has said how long
        Ok(Answer::Absent { ttl: None, .. }) | Err(_) => config.lifetimes.dns_failure,
    }
}

impl Addresses {
    fn new(answer: Answer<IpAddr>, family: Family, policy: &AddressPolicy) -> Self {
        let (records, absence, alias, stale, before) = match answer {
            Answer::Absent { absence, stale, .. } => {
                (Vec::new(), absence, false, stale, History::default())
            }
            Answer::Found {
                records,
                alias,
                stale,
                history,
                ..
            } => (records, Absence::NoData, alias, stale, history),
        };
        let worked = usize::from(before.worked).min(records.len());
        let failed = records.len() - usize::from(before.failed).min(records.len());
        let mut history = History::default();
        let mut dialable = Vec::new();
        let mut refused: Vec<(IpAddr, AddressRefusal)> = Vec::new();
        let mut cut = false;
        for (index, address) in records.into_iter().enumerate() {
            let mut earlier = refused.iter();
            if Family::of(address) != family
                || dialable.contains(&address)
                || earlier.any(|(earlier, _)| *earlier == address)
            {
                continue;
            }
            if dialable.len() + refused.len() == MAX_ADDRESSES {
                cut = true;
                break;
            }
            match policy.judge(address) {
                Ok(()) => {
                    // No more than are looked at
                    history.worked += u8::from(index < worked);
                    history.failed += u8::from(index >= failed);
                    dialable.push(address);
                }
                Err(refusal) => refused.push((address, refusal)),
            }
        }
        Self {
            dialable,
            history,
            refused: refused.into(),
            absence,
            alias,
            cut,
            stale,
        }
    }
}

impl SrvOutcome {
    fn new(answer: Answer<SrvRecord>, seed: u64) -> Self {
        match answer {
            Answer::Found { records, stale, .. } if !records.is_empty() => {
                let (selection, flaws) = srv::select(records, seed);
                Self {
                    selection: Some(selection),
                    flaws,
                    stale,
                }
            }
            Answer::Absent { stale, .. } | Answer::Found { stale, .. } => Self {
                stale,
                ..Self::none()
            },
        }
    }

    fn none() -> Self {
        Self {
            selection: None,
            flaws: None,
            stale: false,
        }
    }
}

/// How many addresses of a host and family are looked at: twenty attempts, 250 ms apart, fit one connect deadline
///
/// The first of an answer, whether they may be dialled or not: each that may not is told as an attempt, and those are
/// bounded too.
const MAX_ADDRESSES: usize = 16;
