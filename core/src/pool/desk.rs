//! The questions that a pool has asked for its machines, each once however many want it.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::facts::{FactId, Facts, Said, Service, Wanted};
use super::history::Dialled;
use super::load::Load;
use super::stats::Stats;
use super::worker::{ByNumber, Job, Worker};
use super::workers::Workers;
use crate::action::{Action, ActionId, Event, Ids, LookUpAddresses, QuerySrv, Reply};
use crate::address::Family;
use crate::answer::FactKind;
use crate::config::Config;
use crate::error::DnsError;
use crate::time::Instant;

/// The questions under way, and all that is known
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) config: Arc<Config>,
    pub(super) facts: Facts,
    pub(super) dialled: Dialled,
    pub(super) load: Load,
    pub(super) stats: Stats,
    /// Deadlines, each of a question or a machine
    pub(super) timers: BTreeSet<(Instant, u32)>,
    /// Facts that are due and were used: to be asked anew, each held
    pub(super) renewals: Vec<FactId>,
    questions: ByNumber<Question>,
    /// Machines that have waited so long in vain, for no fault of anybody
    pub(super) put_off: Vec<(u32, Duration)>,
    /// Those that no driver has been given yet
    due: VecDeque<u32>,
    /// Those that somebody has left
    left: Vec<u32>,
    last_id: u32,
}

/// A question to DNS
#[derive(Clone, Debug)]
struct Question {
    fact: FactId,
    waiters: Vec<Waiter>,
    /// Whether it is asked whoever waits for it
    unasked_for: bool,
    /// Once a driver has been given it
    asked: Option<Asked>,
    ids: Ids,
    /// Since when it waits to be asked again, if a silence was not believed
    again: Option<Instant>,
}

/// Who waits for a question
#[derive(Clone, Debug)]
pub(super) struct Waiter {
    pub(super) worker: u32,
    /// When it began
    pub(super) since: Instant,
    /// The action to answer: of an action, what answers it is all that counts
    pub(super) id: ActionId,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    id: ActionId,
    at: Instant,
    deadline: Instant,
    /// Whether many were asking at once
    crowded: bool,
}

/// A question that is over, and who waits for it
pub(super) struct Settled {
    pub(super) fact: FactId,
    pub(super) waiters: Vec<Waiter>,
    /// What came of it, if that is no fact
    ours: Option<Said>,
}

impl Desk {
    pub(super) fn new(config: Arc<Config>, seed: u64) -> Self {
        Self {
            facts: Facts::new(seed),
            dialled: Dialled::new(config.capacity),
            load: Load::new(config.asking),
            stats: Stats::default(),
            timers: BTreeSet::new(),
            renewals: Vec::new(),
            questions: ByNumber::default(),
            put_off: Vec::new(),
            due: VecDeque::new(),
            left: Vec::new(),
            last_id: 0,
            config,
        }
    }

    /// A number for a machine or a question, which none under way has
    pub(super) fn next_id(&mut self, workers: &Workers) -> u32 {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            let is_taken = self.questions.contains_key(&self.last_id);
            if !is_taken && !workers.contains(self.last_id) {
                return self.last_id;
            }
        }
    }

    /// Has a fact asked anew that is due, soon and in the background
    pub(super) fn renew(&mut self, fact: FactId) {
        self.facts.hold(fact);
        self.renewals.push(fact);
    }

    /// How many questions are under way
    pub(super) fn open(&self) -> usize {
        self.questions.len()
    }

    /// Whether there is a question to be handed out now
    pub(super) fn has_due(&self, now: Instant) -> bool {
        !self.due.is_empty() && self.load.paced_until(now).is_none()
    }

    /// When there is one, if it has to wait
    pub(super) fn paced_until(&self, now: Instant) -> Option<Instant> {
        let until = self.load.paced_until(now)?;
        (!self.due.is_empty()).then_some(until)
    }

    /// Whether a machine waits for a question that is not asked yet, or not again
    pub(super) fn is_in_line(&self, worker: &Worker) -> bool {
        worker.open.iter().any(|(_, fact)| {
            let number = self.facts.get(*fact).asked_by;
            let question = number.and_then(|number| self.questions.get(&number));
            question.is_some_and(|question| question.asked.is_none())
        })
    }

    /// The facts that a search has come to
    pub(super) fn used(&self, worker: &Worker) -> Vec<FactId> {
        let (Some(search), Job::Search(job)) = (worker.machine.search(), &worker.job) else {
            return Vec::new();
        };
        let dns = search
            .used()
            .filter_map(|it| self.facts.find(it.kind, it.name));
        job.delegation.into_iter().chain(dns).collect()
    }

    pub(super) fn serve(&self, fact: FactId, wanted: Wanted) -> Service {
        self.facts.get(fact).serve(wanted, self.config.stale)
    }

    /// Answers an action from what is known
    pub(super) fn answer(
        &self,
        fact: FactId,
        service: Service,
        id: ActionId,
        wanted: Wanted,
    ) -> Option<Event> {
        let Wanted { now, since, .. } = wanted;
        let Service::Known {
            failed,
            until,
            stale,
            ..
        } = service
        else {
            return None;
        };
        let left = until.saturating_since(now);
        let reply = match self.facts.get(fact).said(failed)? {
            Said::Addresses(result) => Reply::Addresses(result.clone().map(|answer| {
                self.dialled
                    .order(answer.remembered(left, stale), since, now)
            })),
            Said::Srv(result) => {
                Reply::Srv(result.clone().map(|answer| answer.remembered(left, stale)))
            }
            Said::WellKnown(_) => return None,
        };
        Some(Event { id, reply })
    }

    /// Waits for a question that is under way, or begins it as `new`
    pub(super) fn ask(&mut self, fact: FactId, new: u32, waiter: Option<Waiter>) {
        let place = self.facts.get_mut(fact);
        let number = *place.asked_by.get_or_insert(new);
        let question = self.questions.entry(number).or_insert_with(|| {
            self.due.push_back(number);
            Box::new(Question {
                fact,
                waiters: Vec::new(),
                unasked_for: false,
                asked: None,
                ids: Ids::new(number),
                again: None,
            })
        });
        match waiter {
            Some(waiter) => question.waiters.push(waiter),
            None if !question.unasked_for => {
                question.unasked_for = true;
                self.load.asking += 1;
            }
            None => {}
        }
    }

    /// The next question that a driver has not been given yet
    pub(super) fn poll(&mut self, now: Instant) -> Option<Action> {
        loop {
            if self.load.paced_until(now).is_some() {
                return None;
            }
            let number = self.due.pop_front()?;
            let Some(question) = self.questions.get_mut(&number) else {
                continue;
            };
            self.load.asks(now);
            // That it was lost is nobody's fault who waits for it
            if let Some(since) = question.again {
                let lost = now.saturating_since(since);
                let workers = question.waiters.iter().map(|waiter| (waiter.worker, lost));
                self.put_off.extend(workers);
            }
            let deadline = now + self.config.deadlines.dns;
            let id = question.ids.next();
            question.asked = Some(Asked {
                id,
                at: now,
                deadline,
                crowded: self.load.is_crowded(),
            });
            self.timers.insert((deadline, number));
            let fact = self.facts.get(question.fact);
            let name = fact.name.clone();
            let family = match fact.kind {
                FactKind::A => Family::V4,
                FactKind::Aaaa => Family::V6,
                FactKind::Srv | FactKind::WellKnown => {
                    return Some(Action::QuerySrv(QuerySrv { id, name, deadline }));
                }
            };
            return Some(Action::LookUpAddresses(LookUpAddresses {
                id,
                host: name,
                family,
                deadline,
            }));
        }
    }

    /// What nobody waits for is not wanted any more
    pub(super) fn rest(&mut self) {
        for (number, question) in &mut self.questions {
            if mem::take(&mut question.unasked_for) {
                self.load.asking -= 1;
            }
            if question.waiters.is_empty() {
                self.left.push(*number);
            }
        }
        self.left.sort_unstable();
    }

    /// Whoever drives this stood still for so long: nobody could have kept a deadline
    pub(super) fn stood_still(&mut self, lost: Duration) {
        let timers = mem::take(&mut self.timers);
        self.timers = timers.into_iter().map(|(at, id)| (at + lost, id)).collect();
        for question in self.questions.values_mut() {
            if let Some(asked) = &mut question.asked {
                asked.at = asked.at + lost;
                asked.deadline = asked.deadline + lost;
            }
            question.again = question.again.map(|since| since + lost);
        }
    }

    /// A machine does not wait for this question any more
    pub(super) fn leave(&mut self, fact: FactId, id: ActionId) {
        let Some(number) = self.facts.get(fact).asked_by else {
            return;
        };
        if let Some(question) = self.questions.get_mut(&number) {
            question.waiters.retain(|waiter| waiter.id != id);
            if question.waiters.is_empty() && !question.unasked_for {
                self.left.push(number);
            }
        }
    }

    /// Gives up the next question that was left and that nobody wants; what a driver is to be told of it
    pub(super) fn sweep(&mut self) -> Option<ActionId> {
        while let Some(number) = self.left.pop() {
            let is_unwanted = self
                .questions
                .get(&number)
                .is_some_and(|question| question.waiters.is_empty() && !question.unasked_for);
            if !is_unwanted {
                continue;
            }
            if let Some(question) = self.remove(number) {
                self.facts.sweep(question.fact);
                if let Some(asked) = question.asked {
                    return Some(asked.id);
                }
            }
        }
        None
    }

    /// The time of a question is over, if it is one's; what is to be cancelled
    pub(super) fn time_out(
        &mut self,
        number: u32,
        now: Instant,
    ) -> Option<(ActionId, Option<Settled>)> {
        let question = self.questions.get(&number)?;
        let asked = question.asked?;
        let said = match self.facts.get(question.fact).kind {
            FactKind::A | FactKind::Aaaa => Said::Addresses(Err(DnsError::TimedOut)),
            FactKind::Srv | FactKind::WellKnown => Said::Srv(Err(DnsError::TimedOut)),
        };
        Some((asked.id, self.settle(number, said, now)))
    }

    /// Whether this is a question that a driver has
    pub(super) fn awaits(&self, id: ActionId) -> bool {
        let question = self.questions.get(&id.machine());
        question.is_some_and(|question| question.asked.is_some_and(|asked| asked.id == id))
    }

    /// Takes in the reply to a question that [a driver has](Self::awaits); nothing, where it is asked again
    pub(super) fn handle(&mut self, event: Event, now: Instant) -> Option<Settled> {
        let said = match event.reply {
            Reply::Addresses(result) => Said::Addresses(result),
            Reply::Srv(result) => Said::Srv(result),
            // An action is answered by its own kind of reply
            Reply::Connected(_) | Reply::Fetched(_) => return None,
        };
        self.settle(event.id.machine(), said, now)
    }

    fn settle(&mut self, number: u32, said: Said, now: Instant) -> Option<Settled> {
        let question = self.questions.get_mut(&number)?;
        let asked = question.asked?;
        let is_silence = matches!(
            said,
            Said::Addresses(Err(DnsError::TimedOut)) | Said::Srv(Err(DnsError::TimedOut))
        );
        let late = now.saturating_since(asked.at) >= self.config.deadlines.dns / SLOW;
        if is_silence || late {
            // One zone that is dead says nothing of the name server
            let is_too_much = asked.crowded && self.load.lost(asked.at, now);
            let is_first = asked.crowded && question.again.is_none();
            if is_silence && (is_too_much || is_first) {
                question.asked = None;
                question.again = Some(asked.at);
                self.timers.remove(&(asked.deadline, number));
                self.due.push_back(number);
                return None;
            }
        } else {
            self.load.answered(asked.at);
        }
        let Question { fact, waiters, .. } = *self.remove(number)?;
        self.stats.question(self.facts.get(fact).kind, &said);
        let ours = self.facts.learn(fact, said, &self.config, now);
        Some(Settled {
            fact,
            waiters,
            ours,
        })
    }

    /// What somebody is told who waited for a question
    pub(super) fn tell(&self, settled: &Settled, waiter: &Waiter, now: Instant) -> Option<Event> {
        let id = waiter.id;
        if let Some(ours) = &settled.ours {
            let reply = reply(ours.clone());
            return Some(Event { id, reply });
        }
        let (since, fresh) = (now, true);
        let service = self.serve(settled.fact, Wanted { now, since, fresh });
        let since = waiter.since;
        self.answer(settled.fact, service, id, Wanted { now, since, fresh })
    }

    fn remove(&mut self, number: u32) -> Option<Box<Question>> {
        let question = self.questions.remove(&number)?;
        if let Some(asked) = question.asked {
            self.timers.remove(&(asked.deadline, number));
        }
        if question.unasked_for {
            self.load.asking -= 1;
        }
        self.facts.get_mut(question.fact).asked_by = None;
        Some(question)
    }
}

fn reply(said: Said) -> Reply {
    match said {
        Said::Addresses(result) => Reply::Addresses(result),
        Said::Srv(result) => Reply::Srv(result),
        // Nobody asks DNS for it
        Said::WellKnown(_) => Reply::Srv(Err(DnsError::Malformed)),
    }
}

/// An answer that takes a fourth of the time there is was lost on the way, and asked for again by the driver
const SLOW: u32 = 4;
