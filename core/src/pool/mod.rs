//! Many searches over shared facts: a machine around machines, with a memory.
//!
//! What the network says is a fact, with a lifetime of its own: a DNS answer, what .well-known of a host came to, what
//! became of an address. A pool drives many searches as a driver drives one, answers what they ask from what it knows,
//! and asks once however many want it. A search knows nothing of that.
//!
//! In one instant everybody is told before anybody moves: what ends first is a search whose own time is over, then
//! the questions, then the requests for .well-known, then what the searches make of both; what nobody wants any more is
//! given up last.

mod conclusions;
mod desk;
mod facts;
mod history;
mod load;
mod snapshot;
mod stats;
mod told;
mod worker;
mod workers;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use self::conclusions::{Conclusion, Conclusions, Made};
use self::desk::{Desk, Settled, Waiter};
use self::facts::{FactId, Said, Service, Wanted};
pub use self::snapshot::{Snapshot, SnapshotError};
pub use self::stats::{Asked, Served, Stats};
pub use self::told::{Delegated, Entry, Outcome, Ticket, Told};
use self::worker::{DelegationJob, Job, Machine as Driven, SearchJob, Turn, Worker};
use self::workers::Workers;
use crate::action::{Action, ActionId, Event, Reply};
use crate::answer::FactKind;
use crate::config::{Config, Lookahead};
use crate::discovery::{Begin, Delegation, Delegator, Discovery, Given, Goal};
use crate::edition::Place;
use crate::found::{DiscoveryError, DiscoveryErrorKind, Found, Notes};
use crate::machine::{Machine, Step};
use crate::name::{Host, ServerName};
use crate::random::SplitMix64;
use crate::record::{Recorder, Recording, SearchGoal};
use crate::time::Instant;
use crate::trust::Verdict;

/// Many searches, and the facts that they share
///
/// Driven by the verbs of [`Machine`], as one search is; what it is [`Done`](Step::Done) with is one asker at a time,
/// and after that it goes on. It has no end: where nothing is under way it waits for nothing.
///
/// # Asking
///
/// [`look`](Self::look) gives what is remembered, at once; for all else there is a [`Ticket`], under which the outcome is
/// [`Told`] some time later, or which is [left](Self::leave). A thousand askers of one name are one search, which belongs to
/// none of them. Askers of a connection have a search each, over the same facts.
///
/// # Lifetimes
///
/// | fact | lasts |
/// |---|---|
/// | DNS answer | its time to live, at most [24 h](crate::Lifetimes::dns_most) |
/// | absence in DNS | as its SOA says (RFC 2308 §5); 5 s without |
/// | failure of DNS | [5 s](crate::Lifetimes::dns_failure) (RFC 2308 §7) |
/// | .well-known | as RFC 9111 says, from [5 min](crate::Lifetimes::well_known_least) to [48 h](crate::Lifetimes::well_known_most); [24 h](crate::Lifetimes::well_known) where it says nothing |
/// | failure of .well-known | [1 min](crate::Lifetimes::well_known_failure), doubled with each, at most [1 h](crate::Lifetimes::well_known_failure_most), less up to a tenth; over once more before the end of stale serving |
/// | failure of this machine | no time at all |
/// | address that worked | until it fails: dialled first |
/// | address that failed | 10 min: dialled last (RFC 8305 §8) |
///
/// What was used since it was learnt is asked anew in the last fifth of its life, whether somebody wants it then or not,
/// while the old one serves. Where that fails, the old one stays until its end, and from then on serves for
/// [`Config::stale`] more, marked [provisional](crate::Notes::provisional). It is asked again for whoever wants it, once its
/// failure is over; and where nobody does, .well-known then, and DNS once half of what is left has passed. What was learnt
/// since a search began is never too old for it.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use fedway_core::{Action, Config, Instant, Machine, Pool, Step, Told};
///
/// let mut pool = Pool::new(Config::default().into(), 7);
/// let name = "example.org:8448".parse()?;
/// let mut now = Instant::ORIGIN;
/// let ticket = pool.resolve(&name, now);
/// let found = loop {
///     match pool.poll() {
///         // What a driver does is done here by hand: there is one IPv4 address, for an hour
///         Step::Act(Action::LookUpAddresses(look_up)) => {
///             let answer = match look_up.family() {
///                 fedway_core::Family::V4 => {
///                     fedway_core::Answer::found(vec!["9.9.9.9".parse()?], Duration::from_secs(3_600))
///                 }
///                 fedway_core::Family::V6 => {
///                     fedway_core::Answer::absent(fedway_core::Absence::NoData, None)
///                 }
///             };
///             pool.handle(look_up.reply(Ok(answer)), now);
///         }
///         Step::Done(Told::Resolved(told, outcome)) if told == ticket => break outcome?,
///         Step::Act(_) | Step::Cancel(_) | Step::Done(_) => unreachable!("it asks for addresses"),
///         Step::Wait { until } => now = until.expect("it waits for an answer"),
///     }
/// };
/// assert_eq!(found.destination.addresses().next(), Some("9.9.9.9:8448".parse()?));
/// // Remembered, as long as the absence of an IPv6 address may be believed
/// assert!(Arc::ptr_eq(&found, &pool.look(&name, now).unwrap()?));
/// assert!(pool.look(&name, now + Duration::from_secs(5)).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pool {
    workers: Workers,
    desk: Desk,
    conclusions: Conclusions,
    /// The searches for a destination that may be joined
    open: BTreeMap<Arc<str>, u32>,
    /// Whose search is another than the one that the ticket names
    moved: BTreeMap<Ticket, u32>,
    last_ticket: u64,
    told: VecDeque<Told>,
    /// To be cancelled
    cancelled: Vec<ActionId>,
    /// For machines in here: what they ask is answered, so that their questions have no deadlines
    config: Arc<Config>,
    /// The same, asking nothing ahead
    plain: Arc<Config>,
    random: SplitMix64,
    seed: u64,
    /// That of the next search: of the first it is the pool's, so that it does as a lone one
    next_seed: u64,
    now: Instant,
}

impl Pool {
    /// A pool that knows nothing
    ///
    /// `seed` decides what is left to chance: the order of SRV targets, the jitter of lifetimes; and protects the tables of
    /// names from strangers who choose them.
    #[must_use]
    pub fn new(config: Arc<Config>, seed: u64) -> Self {
        let mut inner = Config::clone(&config);
        inner.deadlines.dns = Duration::MAX;
        let mut plain = inner.clone();
        plain.lookahead = Lookahead::None;
        Self {
            workers: Workers::new(),
            conclusions: Conclusions::new(config.capacity, seed),
            open: BTreeMap::new(),
            moved: BTreeMap::new(),
            last_ticket: 0,
            told: VecDeque::new(),
            cancelled: Vec::new(),
            config: inner.into(),
            plain: plain.into(),
            random: SplitMix64::new(seed),
            seed,
            next_seed: seed,
            now: Instant::ORIGIN,
            desk: Desk::new(config, seed),
        }
    }

    /// The policies in force
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.desk.config
    }

    /// Where requests for a name go, if that is remembered and no fact that it rests on is due
    ///
    /// # Errors
    ///
    /// Why there is no such place, if that is what is remembered.
    pub fn look(
        &mut self,
        name: &ServerName,
        now: Instant,
    ) -> Option<Result<Arc<Found>, Arc<DiscoveryError>>> {
        let record = self.conclusions.get(Begin::Name, name)?;
        record.used = record.used.max(Some(now));
        if record.due <= now {
            return None;
        }
        let conclusion = record.conclusion.clone()?;
        self.desk.stats.remembered += 1;
        Some(conclusion)
    }

    /// Whom requests for a name are really for, if that is remembered and no fact that it rests on is due
    pub fn look_delegation(&mut self, name: &ServerName, now: Instant) -> Option<Arc<Delegated>> {
        let record = self.conclusions.get(Begin::Name, name)?;
        record.used = record.used.max(Some(now));
        let delegated = record.delegated(now)?.clone();
        self.desk.stats.remembered += 1;
        Some(delegated)
    }

    /// Asks where requests for a name go, without connecting there: [`Told::Resolved`]
    pub fn resolve(&mut self, name: &ServerName, now: Instant) -> Ticket {
        self.arrive(now);
        if let Some(conclusion) = self.look(name, self.now) {
            let ticket = self.next_ticket(0);
            self.told.push_back(Told::Resolved(ticket, conclusion));
            return ticket;
        }
        let id = self.open(name);
        self.join(id)
    }

    /// The same, past what is known, which it renews
    pub fn resolve_fresh(&mut self, name: &ServerName, now: Instant) -> Ticket {
        self.arrive(now);
        let id = self.begin(Goal::Resolve, Begin::Name, name, Manner::Fresh);
        self.join(id)
    }

    /// Does what [`resolve`](Self::resolve) or [`connect`](Self::connect) does where the outcome is not remembered, by a search
    /// that nobody joins, and records that: [`Told::Recorded`]
    pub fn record(&mut self, goal: SearchGoal, name: &ServerName, now: Instant) -> Ticket {
        self.arrive(now);
        let id = self.begin(goal.into(), Begin::Name, name, Manner::Recorded(goal));
        self.join(id)
    }

    /// Asks whom requests for a name are really for, and no further: [`Told::Delegated`]
    pub fn delegation(&mut self, name: &ServerName, now: Instant) -> Ticket {
        self.arrive(now);
        if let Some(delegated) = self.look_delegation(name, self.now) {
            let ticket = self.next_ticket(0);
            self.told.push_back(Told::Delegated(ticket, Ok(delegated)));
            return ticket;
        }
        let id = self.begin(Goal::Delegate, Begin::Name, name, Manner::Shared);
        self.join(id)
    }

    /// Asks for a connection to the server of a name: [`Told::Connected`]
    pub fn connect(&mut self, name: &ServerName, now: Instant) -> Ticket {
        self.arrive(now);
        let id = self.begin(Goal::Connect, Begin::Name, name, Manner::Shared);
        self.join(id)
    }

    /// Asks for a connection to the server of a [subject](Delegated::subject): [`Told::Connected`]
    pub fn connect_to(&mut self, subject: &ServerName, now: Instant) -> Ticket {
        self.arrive(now);
        let id = self.begin(Goal::Connect, Begin::Subject, subject, Manner::Shared);
        self.join(id)
    }

    /// Asks no longer; what nobody else wants is given up
    pub fn leave(&mut self, ticket: Ticket, now: Instant) {
        self.arrive(now);
        if let Some(index) = self.told.iter().position(|told| told.ticket() == ticket) {
            let told = self.told.remove(index);
            let connection = told.as_ref().and_then(Told::connection);
            self.cancelled.extend(connection.map(|it| it.id));
            return;
        }
        let id = self.moved.remove(&ticket).unwrap_or(ticket.search());
        let Some((_, job)) = self.workers.search(id) else {
            return;
        };
        let Some(index) = job.askers.iter().position(|(asker, _)| *asker == ticket) else {
            return;
        };
        job.askers.remove(index);
        if job.askers.is_empty() {
            self.abandon(id);
        }
    }

    /// Takes in what was seen of a server from above; `name` is the server name as it was asked for, or the subject
    ///
    /// At most once a minute a name: whether it counted.
    pub fn report(&mut self, name: &ServerName, outcome: Outcome, now: Instant) -> bool {
        self.arrive(now);
        let now = self.now;
        let mut counts = false;
        for begin in [Begin::Name, Begin::Subject] {
            let Some(record) = self.conclusions.get(begin, name) else {
                continue;
            };
            if !record.report(outcome, &mut self.desk.facts, now) {
                continue;
            }
            counts = true;
            if outcome == Outcome::Misdirected && begin == Begin::Name {
                // A search under way may have been told of it: who asks now has another
                self.open.remove(name.as_str());
            }
        }
        counts
    }

    /// Nobody is there any more to carry anything out: what nobody waits for is given up, until somebody wants it
    pub fn rest(&mut self) {
        while let Some(fact) = self.desk.renewals.pop() {
            self.desk.facts.release(fact);
        }
        self.desk.rest();
        let mut unwanted = Vec::new();
        for (id, job) in self.workers.delegators() {
            job.is_renewal = false;
            if job.waiters.is_empty() {
                unwanted.push(id);
            }
        }
        for id in unwanted {
            self.give_up_step_3(id);
        }
    }

    /// Whoever drives this stood still for so long, as a process does that is stopped: every deadline is put off by it,
    /// since nobody could have kept one
    ///
    /// To be called before what has come meanwhile is handled. Facts are not put off: they age all the same.
    pub fn stood_still(&mut self, lost: Duration) {
        self.workers.stood_still(lost);
        self.desk.stood_still(lost);
    }

    /// Forgets a name, and every fact that its last way used; whether it was remembered
    ///
    /// A search that is under way is not touched: who asks from now on has another.
    pub fn forget(&mut self, name: &ServerName) -> bool {
        let mut was_known = false;
        for begin in [Begin::Name, Begin::Subject] {
            let facts = &mut self.desk.facts;
            was_known |= self.conclusions.forget(begin, name, facts);
        }
        self.open.remove(name.as_str());
        was_known
    }

    /// Forgets every name and every fact, and what became of addresses
    pub fn forget_all(&mut self) {
        self.conclusions.clear(&mut self.desk.facts);
        self.open.clear();
        self.desk.facts.forget_all();
        self.desk.dialled.forget();
    }

    /// The names that are remembered, the most recently used first
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.conclusions.iter().map(|(_, name, record)| Entry {
            name,
            conclusion: record
                .conclusion
                .as_ref()
                .map(|conclusion| match conclusion {
                    Ok(found) => Ok(&**found),
                    Err(error) => Err(&**error),
                }),
            due: record.due,
            failures: record.failures,
        })
    }

    /// What is under way, and what was counted
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.desk.stats.clone();
        stats.names = self.conclusions.len();
        stats.facts = self.desk.facts.len();
        stats.searches = self.workers.len();
        stats.queued = self.workers.queued();
        stats.questions = self.desk.open();
        stats.limit = self.desk.load.limit();
        stats
    }

    /// What is known now, to be kept between two runs
    ///
    /// What only searches under way rest on is left out, and so is what is beyond its time, and what became of addresses.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        Snapshot::take(&self.conclusions, &self.desk.facts, now.max(self.now))
    }

    /// Takes in what was known some time ago, `elapsed` before `now`; what is known already stays
    ///
    /// No fact lasts longer by it than [`Config`] allows one that was just learnt.
    ///
    /// # Errors
    ///
    /// If it is of another version, or damaged: nothing is taken in then.
    pub fn restore(
        &mut self,
        snapshot: Snapshot,
        elapsed: Duration,
        now: Instant,
    ) -> Result<(), SnapshotError> {
        snapshot.check()?;
        self.arrive(now);
        let Desk { facts, config, .. } = &mut self.desk;
        snapshot.restore(&mut self.conclusions, facts, config, elapsed, self.now);
        Ok(())
    }

    /// Who has asked for the connection that an action is for: one that is to be handed out, not one for .well-known
    #[must_use]
    pub fn asker(&self, action: ActionId) -> Option<Ticket> {
        let worker = self.workers.get(action.machine())?;
        let Job::Search(job) = &worker.job else {
            return None;
        };
        let (ticket, _) = job.askers.first()?;
        (job.goal == Goal::Connect).then_some(*ticket)
    }

    fn next_ticket(&mut self, search: u32) -> Ticket {
        self.last_ticket += 1;
        Ticket::new(self.last_ticket, search)
    }

    fn join(&mut self, id: u32) -> Ticket {
        let ticket = self.next_ticket(id);
        if let Some((_, job)) = self.workers.search(id) {
            job.askers.push((ticket, self.now));
        }
        ticket
    }

    /// The search for a destination that may be joined, begun if there is none
    fn open(&mut self, name: &ServerName) -> u32 {
        if let Some(id) = self.open.get(name.as_str()) {
            return *id;
        }
        let id = self.begin(Goal::Resolve, Begin::Name, name, Manner::Shared);
        self.open.insert(name.shared().clone(), id);
        id
    }

    /// This search is not to be joined any more
    fn close(&mut self, name: &ServerName, id: u32) {
        if self.open.get(name.as_str()) == Some(&id) {
            self.open.remove(name.as_str());
        }
    }

    /// Begins a search
    fn begin(&mut self, goal: Goal, begin: Begin, name: &ServerName, manner: Manner) -> u32 {
        let id = self.desk.next_id(&self.workers);
        // What its last way used is asked for at once, and nothing else ahead
        let is_known = self.conclusions.get(begin, name).is_some_and(|record| {
            record.used = record.used.max(Some(self.now));
            !record.rests_on.is_empty()
        });
        let many = self.workers.ready() + self.desk.load.asking >= self.desk.load.limit();
        let is_plain = is_known || many || goal == Goal::Delegate || self.workers.is_queued();
        let config = if is_plain { &self.plain } else { &self.config };
        let seed = mem::replace(&mut self.next_seed, self.random.draw());
        let now = self.now;
        let machine = match manner {
            Manner::Fresh | Manner::Shared => {
                let search = Discovery::pooled((goal, begin), name, config, seed, id, now);
                Driven::Search(search.into())
            }
            Manner::Recorded(goal) => {
                let recording = Recording::pooled(goal, name, config, seed, id, now);
                Driven::Recorded(Recorder::around(recording).into())
            }
        };
        let job = SearchJob {
            name: name.clone(),
            begin,
            goal,
            askers: Vec::new(),
            delegation: None,
            awaits: None,
            prefetch: is_known && goal != Goal::Delegate && self.config.lookahead == Lookahead::Dns,
        };
        let is_fresh = manner == Manner::Fresh;
        let worker = Worker::new(machine, Job::Search(job), self.now, is_fresh);
        self.desk.stats.begun += 1;
        self.workers.add(id, worker);
        id
    }

    /// Lets time pass; what of it the loop has lost, since there was something to poll or it came late, puts off the
    /// deadlines over many actions
    fn arrive(&mut self, now: Instant) {
        // Many who ask before the loop comes to them all ask in one moment
        let is_soon = self.workers.waits.is_none() && now < self.now + MOMENT;
        if now <= self.now || is_soon {
            return;
        }
        let since = match self.workers.waits {
            None => self.now,
            Some(until) => until.map_or(now, |until| until.max(self.now)),
        };
        let lost = now.saturating_since(since);
        if lost >= LATE {
            self.workers.skip(lost, now);
        }
        self.now = now;
    }

    /// Tells everybody who waited for a question, to move on when all were told
    fn tell(&mut self, settled: &Settled) {
        for waiter in &settled.waiters {
            let event = self.desk.tell(settled, waiter, self.now);
            let worker = self.workers.get_mut(waiter.worker);
            let (Some(event), Some(worker)) = (event, worker) else {
                continue;
            };
            if worker.close(event.id).is_some_and(|(_, is_last)| is_last) {
                self.desk.load.asking -= 1;
            }
            worker.told.push((settled.fact, self.now));
            worker.news |= worker.machine.hear(event, self.now);
            self.workers.moves(waiter.worker);
        }
        self.desk.facts.sweep(settled.fact);
    }

    /// Lets everybody move who was told something: who does step 3 first, since that may be news to others
    fn settle(&mut self) {
        let told = self.workers.take_moving();
        for id in &told {
            if self.workers.delegator(*id).is_some() {
                self.workers.move_on(*id, self.now);
                self.conclude_delegation(*id);
            }
        }
        let news = self.workers.take_moving();
        for id in told.iter().chain(&news) {
            self.workers.move_on(*id, self.now);
        }
        self.workers.reuse(told);
    }

    /// What step 3 of a host came to, if it did
    fn conclude_delegation(&mut self, id: u32) {
        let Some((delegator, job)) = self.workers.delegator(id) else {
            return;
        };
        let Some(delegation) = delegator.take_end() else {
            return;
        };
        let Some(fact) = job.fact.take() else {
            return;
        };
        let waiters = mem::take(&mut job.waiters);
        let delegation = Arc::<Delegation>::from(delegation);
        let said = Said::WellKnown(delegation.clone());
        self.desk.stats.question(FactKind::WellKnown, &said);
        self.desk
            .facts
            .learn(fact, said, &self.desk.config, self.now);
        self.desk.facts.get_mut(fact).asked_by = None;
        let holds = self.workers.get(id).map(|worker| worker.holds.clone());
        for waiter in waiters {
            let Some(worker) = self.workers.get_mut(waiter) else {
                continue;
            };
            // What was asked for it was asked since they began: they do not ask it again
            for fact in holds.iter().flatten() {
                self.desk.facts.hold(*fact);
                worker.holds.push(*fact);
            }
            let wanted = Wanted {
                now: self.now,
                since: self.now,
                fresh: true,
            };
            let service = self.desk.serve(fact, wanted);
            self.give_delegation(waiter, fact, service, Some(&delegation));
            self.workers.moves(waiter);
        }
        self.desk.facts.sweep(fact);
    }

    /// Tells a search what step 3 came to: what is known, or where that is nothing, what came just now
    fn give_delegation(
        &mut self,
        id: u32,
        fact: FactId,
        service: Service,
        otherwise: Option<&Arc<Delegation>>,
    ) {
        let (known, how) = match service {
            Service::Known {
                failed,
                until,
                stale,
                own,
                ..
            } => {
                let how = Given {
                    until,
                    is_stale: stale,
                    is_own: own,
                };
                (self.desk.facts.get(fact).said(failed), how)
            }
            Service::Ask => {
                let how = Given {
                    until: self.now,
                    is_stale: false,
                    is_own: true,
                };
                (None, how)
            }
        };
        let known = match known {
            Some(Said::WellKnown(delegation)) => Some(delegation),
            Some(Said::Addresses(_) | Said::Srv(_)) | None => otherwise,
        };
        let Some(delegation) = known.cloned() else {
            return;
        };
        let Some(worker) = self.workers.get_mut(id) else {
            return;
        };
        worker.news = true;
        worker.told.push((fact, self.now));
        if let Some((_, job)) = worker.search() {
            job.delegation = Some(fact);
            job.awaits = None;
        }
        worker.machine.give_delegation(self.now, &delegation, how);
    }

    /// What was noticed so far by whoever does step 3 for a search
    fn of_step_3(&mut self, id: u32) -> Option<Notes> {
        let (_, job) = self.workers.search(id)?;
        let delegator = job.awaits?;
        let (delegator, _) = self.workers.delegator(delegator)?;
        Some(delegator.notes().clone())
    }

    /// Whether a machine waits for its turn to ask DNS, or whoever it waits for does
    fn is_in_line(&self, id: u32) -> bool {
        let Some(worker) = self.workers.get(id) else {
            return false;
        };
        let awaits = match &worker.job {
            Job::Search(job) => job.awaits,
            Job::Delegation(_) => None,
        };
        worker.turn == Turn::Queued
            || self.desk.is_in_line(worker)
            || awaits.is_some_and(|delegator| self.is_in_line(delegator))
    }

    /// Hears one machine out, as far as there is something for the driver
    fn visit(&mut self, id: u32) -> Option<Step<Told>> {
        let now = self.now;
        let worker = self.workers.get_mut(id)?;
        if worker.turn != Turn::Ready {
            return None;
        }
        worker.machine.arrive(now);
        if !self.desk.load.is_full() {
            self.prefetch(id);
        }
        loop {
            if self.delegate(id) {
                return None;
            }
            let worker = self.workers.get_mut(id)?;
            if let Some(question) = worker.machine.next_question() {
                let fact = self.desk.facts.place(question.kind, question.name);
                match self.question(id, fact) {
                    Asking::Answered => continue,
                    Asking::Queued => return None,
                }
            }
            match worker.machine.poll() {
                Step::Act(action) => {
                    if let Action::Connect(connect) = &action {
                        self.desk.dialled.begins(connect, now);
                    }
                    self.workers.again(id);
                    return Some(Step::Act(action));
                }
                Step::Cancel(action) => match worker.close(action) {
                    Some((fact, is_last)) => {
                        if is_last {
                            self.desk.load.asking -= 1;
                        }
                        self.desk.leave(fact, action);
                    }
                    None => {
                        if worker.given_up {
                            self.desk.dialled.drop(action);
                        }
                        let head_start = self.config.racing.attempt_delay;
                        self.desk.dialled.ends(action, None, head_start, now);
                        self.workers.again(id);
                        return Some(Step::Cancel(action));
                    }
                },
                Step::Done(result) => {
                    self.conclude(id, result);
                    return None;
                }
                Step::Wait { until } => {
                    if self.is_over(id, until) {
                        self.remove(id);
                    } else if !self.settled(id) {
                        self.idle(id, until);
                    }
                    return None;
                }
            }
        }
    }

    fn idle(&mut self, id: u32, until: Option<Instant>) {
        let Some(worker) = self.workers.get_mut(id) else {
            return;
        };
        worker.turn = Turn::Idle;
        if worker.timer != until {
            if let Some(before) = worker.timer.take() {
                self.desk.timers.remove(&(before, id));
            }
            worker.timer = until;
            self.desk.timers.extend(until.map(|until| (until, id)));
        }
    }

    /// Whether a machine that waits for nothing has ended: who does step 3 is asked what came of it first
    fn is_over(&mut self, id: u32, until: Option<Instant>) -> bool {
        if until.is_some() {
            return false;
        }
        self.conclude_delegation(id);
        self.settle();
        true
    }

    /// Answers the question that comes next, asks it, or lets the machine wait for its turn
    fn question(&mut self, id: u32, fact: FactId) -> Asking {
        let now = self.now;
        let desk = &mut self.desk;
        let Some(worker) = self.workers.get_mut(id) else {
            return Asking::Queued;
        };
        let wanted = worker.wanted(now);
        let service = desk.serve(fact, wanted);
        let is_open = desk.facts.get(fact).asked_by.is_some();
        let is_asking = !worker.open.is_empty();
        if matches!(service, Service::Ask) && !is_open && !is_asking && desk.load.is_full() {
            self.workers.queue(id, now);
            desk.facts.sweep(fact);
            return Asking::Queued;
        }
        let action = match worker.machine.poll() {
            Step::Act(action) => action.id(),
            // It has said that a question is what comes next
            Step::Cancel(_) | Step::Done(_) | Step::Wait { .. } => return Asking::Queued,
        };
        desk.stats.wanted(desk.facts.get(fact).kind, service);
        desk.facts.hold(fact);
        worker.holds.push(fact);
        match desk.answer(fact, service, action, wanted) {
            Some(event) => {
                worker.told.push((fact, now));
                if matches!(service, Service::Known { due: true, .. }) {
                    desk.renew(fact);
                }
                let news = worker.machine.hear(event, now);
                worker.machine.move_on(news, now);
            }
            None => {
                if !is_asking {
                    desk.load.asking += 1;
                }
                worker.open.push((action, fact));
                let new = desk.next_id(&self.workers);
                let waiter = Waiter {
                    worker: id,
                    since: wanted.since,
                    id: action,
                };
                self.desk.ask(fact, new, Some(waiter));
            }
        }
        Asking::Answered
    }

    /// Asks for what the last way of a name used, all at once
    fn prefetch(&mut self, id: u32) {
        let Some(worker) = self.workers.get_mut(id) else {
            return;
        };
        let wanted = worker.wanted(self.now);
        let Some((_, job)) = worker.search() else {
            return;
        };
        if !mem::take(&mut job.prefetch) {
            return;
        }
        let (begin, name) = (job.begin, job.name.clone());
        let record = self.conclusions.get(begin, &name);
        let used: Vec<_> = record
            .map(|record| record.rests_on.to_vec())
            .unwrap_or_default();
        for fact in used {
            let is_dns = self.desk.facts.get(fact).kind != FactKind::WellKnown;
            let is_asked = self.desk.facts.get(fact).asked_by.is_some();
            if is_dns && !is_asked && matches!(self.desk.serve(fact, wanted), Service::Ask) {
                let new = self.desk.next_id(&self.workers);
                self.desk.ask(fact, new, None);
            }
        }
    }

    /// Where a search comes to step 3, gives it what is known of its .well-known, or has somebody ask for it; whether somebody
    /// comes first for that
    fn delegate(&mut self, id: u32) -> bool {
        let now = self.now;
        let Some(worker) = self.workers.get_mut(id) else {
            return false;
        };
        let wanted = worker.wanted(now);
        let name = match worker.search() {
            Some((search, job)) if job.awaits.is_none() => search.wants_delegation().cloned(),
            Some(_) | None => None,
        };
        let Some(name) = name else {
            return false;
        };
        // Of an address there is no .well-known
        let Host::Dns(host) = name.host() else {
            return false;
        };
        let fact = self.desk.facts.place(FactKind::WellKnown, host);
        self.desk.facts.hold(fact);
        worker.holds.push(fact);
        let service = self.desk.serve(fact, wanted);
        self.desk.stats.wanted(FactKind::WellKnown, service);
        if let Service::Known { due, .. } = service {
            if due {
                self.desk.renew(fact);
            }
            self.give_delegation(id, fact, service, None);
            if let Some(worker) = self.workers.get_mut(id) {
                let news = mem::take(&mut worker.news);
                worker.machine.move_on(news, now);
            }
            return false;
        }
        let is_new = self.desk.facts.get(fact).asked_by.is_none();
        if is_new {
            self.workers.again(id);
        }
        let delegator = self.delegator(fact, &name, wanted);
        if let Some((_, job)) = self.workers.delegator(delegator) {
            job.waiters.push(id);
        }
        if let Some((_, job)) = self.workers.search(id) {
            job.awaits = Some(delegator);
        }
        is_new
    }

    /// Who asks for .well-known of a host, from now on at the latest
    fn delegator(&mut self, fact: FactId, name: &ServerName, wanted: Wanted) -> u32 {
        if let Some(id) = self.desk.facts.get(fact).asked_by {
            return id;
        }
        let id = self.desk.next_id(&self.workers);
        let delegator = Delegator::new(name, &self.plain, self.seed, id, self.now);
        let job = DelegationJob {
            fact: Some(fact),
            waiters: Vec::new(),
            is_renewal: false,
        };
        let worker = Worker::new(
            Driven::Delegator(delegator.into()),
            Job::Delegation(job),
            wanted.since,
            wanted.fresh,
        );
        self.desk.facts.get_mut(fact).asked_by = Some(id);
        // Before whoever wants it
        self.workers.add_first(id, worker);
        id
    }

    /// Asks anew for what is due and was used, in the background, as far as name servers have time for it
    fn renew(&mut self) {
        while let Some(fact) = self.desk.renewals.pop() {
            self.renew_one(fact);
            self.desk.facts.release(fact);
        }
    }

    fn renew_one(&mut self, fact: FactId) {
        let known = self.desk.facts.get(fact);
        if known.asked_by.is_some() || self.desk.load.is_full() {
            return;
        }
        if known.kind != FactKind::WellKnown {
            let new = self.desk.next_id(&self.workers);
            self.desk.ask(fact, new, None);
            return;
        }
        // It was a server name's
        if let Ok(name) = ServerName::parse(known.name.as_str()) {
            let wanted = Wanted {
                now: self.now,
                since: self.now,
                fresh: false,
            };
            let id = self.delegator(fact, &name, wanted);
            if let Some((_, job)) = self.workers.delegator(id) {
                job.is_renewal = true;
            }
        }
    }

    /// Whether a search was for its subject alone, and has it
    fn settled(&mut self, id: u32) -> bool {
        let Some((search, job)) = self.workers.search(id) else {
            return false;
        };
        if job.goal != Goal::Delegate {
            return false;
        }
        let Some(subject) = search.settled().cloned() else {
            return false;
        };
        self.desk.stats.end(Place::WellKnown, "delegated");
        let (notes, expires) = search.so_far();
        let delegated = Delegated {
            subject,
            well_known: notes.well_known.clone(),
            verdict: notes
                .skipped()
                .cloned()
                .map_or(Verdict::Verify, Verdict::Skip),
            provisional: notes.provisional,
            expires: Some(expires).filter(|expires| *expires < Instant::END),
        };
        let delegated = Arc::new(delegated);
        for (asker, _) in mem::take(&mut job.askers) {
            self.told
                .push_back(Told::Delegated(asker, Ok(delegated.clone())));
        }
        let used = self.used(id);
        self.remember(id, used, Made::Subject(&delegated));
        self.abandon(id);
        true
    }

    /// A search has ended
    fn conclude(&mut self, id: u32, result: Result<Box<Found>, DiscoveryError>) {
        let Some((_, job)) = self.workers.search(id) else {
            return;
        };
        let (goal, mut askers) = (job.goal, mem::take(&mut job.askers));
        let (place, how) = match &result {
            Ok(found) => (Place::Route(found.destination.route), "found"),
            Err(error) => (error.place, error.kind.name()),
        };
        self.desk.stats.end(place, how);
        let used = self.used(id);
        // Of one that is recorded, the recording has the outcome
        let of_recording = match self.workers.get(id).map(|worker| &worker.machine) {
            Some(Driven::Recorded(_)) => askers.pop(),
            Some(Driven::Delegator(_) | Driven::Search(_)) | None => None,
        };
        match (goal, result) {
            (Goal::Connect, result) => {
                self.remember(id, used, Made::Nothing);
                if let Some((asker, _)) = askers.into_iter().next() {
                    self.told.push_back(Told::Connected(asker, result));
                }
            }
            (Goal::Delegate, Ok(_)) => {
                unreachable!("a search for the subject alone has ended by `settled`, once it is")
            }
            (Goal::Delegate, Err(error)) => {
                self.remember(id, used, Made::Nothing);
                let tell = |(asker, _)| Told::Delegated(asker, Err(error.clone()));
                self.told.extend(askers.into_iter().map(tell));
            }
            (Goal::Resolve, result) => {
                let conclusion = match result {
                    Ok(mut found) => {
                        found.expires = self.ends(&used).or(found.expires);
                        Ok(Arc::from(found))
                    }
                    Err(error) => Err(Arc::new(error)),
                };
                self.remember(id, used, Made::Place(&conclusion));
                self.tell_all(id, askers, &conclusion);
            }
        }
        let ended = self.remove(id);
        if let (Some((asker, _)), Some(Driven::Recorded(search))) = (of_recording, ended) {
            let recording = search.into_recording().into();
            self.told.push_back(Told::Recorded(asker, recording));
        }
    }

    /// Tells all who wait for a search, but for those who have another now
    fn tell_all(&mut self, id: u32, askers: Vec<(Ticket, Instant)>, conclusion: &Conclusion) {
        let Some(worker) = self.workers.get_mut(id) else {
            return;
        };
        let since = worker.since;
        let Some((_, job)) = worker.search() else {
            return;
        };
        let name = job.name.clone();
        self.close(&name, id);
        let is_late =
            matches!(conclusion, Err(error) if error.kind == DiscoveryErrorKind::TimedOut);
        for (asker, joined) in askers {
            // Who came later has not waited so long
            if is_late && joined > since {
                self.rejoin(&name, asker, joined);
            } else {
                self.moved.remove(&asker);
                self.told
                    .push_back(Told::Resolved(asker, conclusion.clone()));
            }
        }
    }

    /// Somebody who has joined a search that took too long waits for another
    fn rejoin(&mut self, name: &ServerName, asker: Ticket, joined: Instant) {
        let id = self.open(name);
        if let Some((_, job)) = self.workers.search(id) {
            job.askers.push((asker, joined));
        }
        self.moved.insert(asker, id);
    }

    /// Remembers what a search used, and what it made of it
    fn remember(&mut self, id: u32, used: Vec<FactId>, made: Made<'_>) {
        if let Some(worker) = self.workers.get(id)
            && let Job::Search(job) = &worker.job
        {
            let desk = &mut self.desk;
            self.conclusions
                .remember((worker, job), used, made, desk, self.now);
        }
    }

    /// The facts that a search has come to
    fn used(&self, id: u32) -> Vec<FactId> {
        let worker = self.workers.get(id);
        worker
            .map(|worker| self.desk.used(worker))
            .unwrap_or_default()
    }

    /// How long what rests on these facts may be believed: as long as the least of them
    fn ends(&self, used: &[FactId]) -> Option<Instant> {
        let until = used
            .iter()
            .map(|fact| self.desk.facts.get(*fact).until(self.now));
        until.min()
    }

    /// Nobody wants a machine any more
    fn abandon(&mut self, id: u32) {
        let Some(worker) = self.workers.get_mut(id) else {
            return;
        };
        worker.machine.give_up();
        worker.given_up = true;
        // One that is being heard has nothing to say after this, but for what it gives up
        self.workers.rouse(id);
        if let Some((_, job)) = self.workers.search(id) {
            job.prefetch = false;
            let (name, awaits) = (job.name.clone(), job.awaits.take());
            self.close(&name, id);
            if let Some(delegator) = awaits {
                self.unwanted(delegator, id);
            }
        }
    }

    /// A search does not await its .well-known any more
    fn unwanted(&mut self, delegator: u32, waiter: u32) {
        if let Some((_, job)) = self.workers.delegator(delegator) {
            job.waiters.retain(|id| *id != waiter);
            if job.waiters.is_empty() && !job.is_renewal {
                self.give_up_step_3(delegator);
            }
        }
    }

    /// Nobody wants .well-known of a host any more, if it is still asked for
    fn give_up_step_3(&mut self, id: u32) {
        if let Some((_, job)) = self.workers.delegator(id)
            && let Some(fact) = job.fact.take()
        {
            self.desk.facts.get_mut(fact).asked_by = None;
            self.desk.facts.sweep(fact);
            self.abandon(id);
        }
    }

    /// A machine has nothing more to say
    fn remove(&mut self, id: u32) -> Option<Driven> {
        let worker = self.workers.remove(id)?;
        if let Some(timer) = worker.timer {
            self.desk.timers.remove(&(timer, id));
        }
        if let Job::Search(job) = &worker.job
            && let Some(delegator) = job.awaits
        {
            self.unwanted(delegator, id);
        }
        if !worker.open.is_empty() {
            self.desk.load.asking -= 1;
        }
        for (action, fact) in worker.open {
            self.desk.leave(fact, action);
        }
        self.desk.facts.release_all(&worker.holds);
        Some(worker.machine)
    }
}

/// How a search is done
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Past what is known
    Fresh,
    /// From what is known, and recorded
    Recorded(SearchGoal),
    /// From what is known
    Shared,
}

/// What became of a question
enum Asking {
    /// It is answered, or will be
    Answered,
    /// It waits for its turn
    Queued,
}

impl Machine for Pool {
    type Done = Told;

    fn poll(&mut self) -> Step<Told> {
        loop {
            if let Some(id) = self.cancelled.pop() {
                return Step::Cancel(id);
            }
            if let Some(action) = self.desk.poll(self.now) {
                while let Some((id, lost)) = self.desk.put_off.pop() {
                    self.workers.put_off(id, lost);
                }
                return Step::Act(action);
            }
            if let Some(id) = self.workers.next() {
                if let Some(step) = self.visit(id) {
                    return step;
                }
                continue;
            }
            if self.workers.is_queued() && !self.desk.load.is_full() {
                self.workers.next_in_queue(self.now);
                continue;
            }
            // What was left and is still unwanted, last
            if let Some(id) = self.desk.sweep() {
                return Step::Cancel(id);
            }
            if let Some(told) = self.told.pop_front() {
                return Step::Done(told);
            }
            self.renew();
            if self.desk.has_due(self.now) || self.workers.ready() > 0 {
                continue;
            }
            let of_work = self.desk.timers.first().map(|(at, _)| *at);
            let paced = self.desk.paced_until(self.now);
            let others = paced.into_iter().chain(self.conclusions.next());
            let until = of_work.into_iter().chain(others).min();
            self.workers.waits = Some(until);
            return Step::Wait { until };
        }
    }

    fn handle(&mut self, event: Event, now: Instant) {
        self.handle_timeout(now);
        let now = self.now;
        let id = event.id.machine();
        if self.desk.awaits(event.id) {
            self.workers.waits = None;
            if let Some(settled) = self.desk.handle(event, now) {
                self.tell(&settled);
            }
        } else if let Some(worker) = self.workers.get_mut(id) {
            if let Reply::Connected(result) = &event.reply {
                let head_start = self.config.racing.attempt_delay;
                let error = result.as_ref().err();
                self.desk
                    .dialled
                    .ends(event.id, Some(error), head_start, now);
            }
            if worker.machine.awaits(event.id) {
                worker.news |= worker.machine.hear(event, now);
                self.workers.moves(id);
            }
        }
        self.settle();
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.arrive(now);
        let now = self.now;
        while let Some((begin, name)) = self.conclusions.pop_due(now) {
            let desk = &mut self.desk;
            self.conclusions.look_after(begin, &name, desk, now);
            self.workers.waits = None;
        }
        let mut due = Vec::new();
        while let Some((at, id)) = self.desk.timers.first().copied()
            && at <= now
        {
            self.desk.timers.pop_first();
            due.push(id);
        }
        if due.is_empty() {
            return;
        }
        self.workers.waits = None;
        // A search's own end comes before any fact's, or what it has tried so far would be lost
        for id in &due {
            let so_far = self.of_step_3(*id);
            // The time in line is nobody's
            if self.is_in_line(*id)
                && let Some(worker) = self.workers.get_mut(*id)
            {
                worker.machine.put_off(IN_LINE);
            }
            if let Some(worker) = self.workers.get_mut(*id) {
                worker.timer = None;
                worker.news |= worker.machine.expire(now, so_far);
                self.workers.moves(*id);
            }
        }
        for id in &due {
            if let Some((cancelled, settled)) = self.desk.time_out(*id, now) {
                self.cancelled.push(cancelled);
                settled.iter().for_each(|settled| self.tell(settled));
            }
        }
        self.settle();
    }
}

/// What happens within it, before the loop has polled, happens at once; our choice
const MOMENT: Duration = Duration::from_millis(1);
/// Deadlines that come while a machine waits in line are put off by so much, as often as they come; our choice
const IN_LINE: Duration = Duration::from_secs(1);
/// So much a timer may be late without anybody having lost time; our choice
const LATE: Duration = Duration::from_millis(5);
