//! The one loop: a pool, and who drives it.
//!
//! No task is spawned. Whoever waits for something and is polled does the work of all: polls whatever is under way and lets
//! the pool go on. The last to do so holds the baton, and is woken when there is more to do; who is done, or dropped, hands
//! it on. What is under way belongs to none of them.
//!
//! Handshakes of the connections that somebody asked for are the exception: each runs where it was asked for, so that on
//! several threads they run side by side.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fedway_core::{
    Action, ActionId, Connect, Event, Instant, Machine as _, Pool, Step, Ticket, Told,
};

use crate::alarm::Alarm;
use crate::carry::{Session, Shared};
use crate::dns::Dns;
use crate::io::Io;
use crate::telemetry;
use crate::under_way::UnderWay;

/// A pool with all that is under way for it
pub(crate) struct Engine<I: Io, D> {
    pub(crate) shared: Arc<Shared<I, D>>,
    /// Held for moments
    state: Mutex<State>,
    /// Held by whoever is at it, while it is polled
    works: Mutex<Works<I>>,
}

/// The pool, and who waits for what
struct State {
    pool: Pool,
    /// What the pool said to wait for
    until: Option<Instant>,
    /// Whom it told of what, until they look
    told: BTreeMap<Ticket, Told>,
    waiters: BTreeMap<Who, Waker>,
    /// Who did the work of all last, and is woken when there is more: who holds the baton
    holder: Option<Who>,
    next_runner: u64,
    /// What is for those who asked for connections to do
    orders: BTreeMap<Ticket, Vec<Order>>,
    /// Whose each of their actions is
    owners: HashMap<ActionId, Ticket>,
    owned: BTreeMap<Ticket, Vec<ActionId>>,
}

/// Who waits: those who never leave first, since with them nothing has to be handed on
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Runner(u64),
    Asker(Ticket),
}

/// What somebody who asked for a connection is to do
enum Order {
    Cancel(ActionId),
    Connect(Connect),
}

/// What is under way for all
struct Works<I: Io> {
    tasks: UnderWay<I>,
    /// Sessions over which .well-known is to be asked for
    sessions: HashMap<ActionId, Session<I::Tls>>,
    alarm: Alarm<'static, Arc<I>>,
    /// Who set it
    holder: Option<Who>,
}

impl<I: Io, D: Dns> Engine<I, D> {
    pub(crate) fn new(shared: Arc<Shared<I, D>>) -> Self {
        // Who guesses it learns the order of SRV targets, and may crowd a table of names; where the operating system has
        // no entropy, so it is
        let seed = shared.entropy.draw().unwrap_or_default();
        let pool = Pool::new(shared.config.clone(), seed);
        Self {
            works: Mutex::new(Works {
                tasks: UnderWay::new(),
                sessions: HashMap::new(),
                alarm: Alarm::new(shared.io.clone()),
                holder: None,
            }),
            state: Mutex::new(State {
                pool,
                until: None,
                told: BTreeMap::new(),
                waiters: BTreeMap::new(),
                holder: None,
                next_runner: 0,
                orders: BTreeMap::new(),
                owners: HashMap::new(),
                owned: BTreeMap::new(),
            }),
            shared,
        }
    }

    /// Does something with the pool, and sees to it that what follows is done
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Pool, Instant) -> T) -> T {
        let mut state = self.state();
        let now = state.now(&*self.shared.io);
        let result = work(&mut state.pool, now);
        let waker = state.somebody();
        drop(state);
        wake(waker);
        result
    }

    /// Only looks
    pub(crate) fn look<T>(&self, work: impl FnOnce(&mut Pool, Instant) -> T) -> T {
        let mut state = self.state();
        let now = self.shared.io.now();
        work(&mut state.pool, now)
    }

    /// Asks for something, and waits for it; the session goes with a connection
    pub(crate) async fn ask(
        &self,
        ask: impl FnOnce(&mut Pool, Instant) -> Ticket,
    ) -> (Told, Option<Session<I::Tls>>) {
        let ticket = self.with(ask);
        let mut asking = Asking {
            place: Place {
                engine: self,
                who: Who::Asker(ticket),
            },
            own: UnderWay::new(),
            sessions: HashMap::new(),
            ticket,
        };
        poll_fn(|context| asking.poll(context)).await
    }

    /// Does the work of all, for ever
    pub(crate) async fn run(&self) {
        let who = {
            let mut state = self.state();
            state.next_runner += 1;
            Who::Runner(state.next_runner)
        };
        let place = Place { engine: self, who };
        poll_fn(|context| {
            place.take_part(context);
            Poll::Pending
        })
        .await
    }

    /// Polls whatever is under way, and lets the pool go on, until both wait
    fn drive(&self, who: Who, mut works: MutexGuard<'_, Works<I>>, context: &mut Context<'_>) {
        if works.holder != Some(who) {
            // A timer may belong to a runtime that has ended
            works.alarm = Alarm::new(self.shared.io.clone());
            works.holder = Some(who);
        }
        for _ in 0..EVENTS_A_POLL {
            let Some(until) = self.say(&mut works, Some(who)) else {
                return;
            };
            // The timer is looked at first: what is under way may always have something to do
            let was_set = works.alarm.is_set();
            let has_rung = was_set && rings(&mut works.alarm, until, context);
            if let Poll::Ready(Some((id, done))) = works.tasks.poll(context) {
                let (event, session) = done.into_event();
                works.sessions.extend(session.map(|session| (id, session)));
                self.handle(event);
            } else if has_rung || !was_set && rings(&mut works.alarm, until, context) {
                let mut state = self.state();
                let now = state.due_now(&*self.shared.io);
                state.pool.handle_timeout(now);
            } else {
                return;
            }
        }
        // The other tasks of the thread come first
        context.waker().wake_by_ref();
    }

    /// Does what the pool says, until it waits; what for, unless it has told this one what it has waited for
    fn say(&self, works: &mut Works<I>, who: Option<Who>) -> Option<Option<Instant>> {
        let (mut wakers, mut begun, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        let mut state = self.state();
        let until = loop {
            match state.pool.poll() {
                Step::Act(Action::Connect(connect)) => {
                    let Some(ticket) = state.pool.asker(connect.id()) else {
                        begun.push(Action::Connect(connect));
                        continue;
                    };
                    state.owners.insert(connect.id(), ticket);
                    state.owned.entry(ticket).or_default().push(connect.id());
                    wakers.extend(state.order(ticket, Order::Connect(connect)));
                }
                Step::Act(action) => begun.push(action),
                Step::Cancel(id) => match state.owners.remove(&id) {
                    Some(ticket) => wakers.extend(state.order(ticket, Order::Cancel(id))),
                    None => ended.push(id),
                },
                Step::Done(told) => {
                    let ticket = told.ticket();
                    state.told.insert(ticket, told);
                    if who == Some(Who::Asker(ticket)) {
                        // Before something is begun that nobody may be there to end
                        break None;
                    }
                    wakers.extend(state.waiters.get(&Who::Asker(ticket)).cloned());
                }
                Step::Wait { until } => break Some(until),
            }
        };
        state.until = until.flatten();
        telemetry::publish(&state.pool, self.shared.config.edition);
        drop(state);
        // What a stream or a waker does is not to be known: nothing of the pool is locked here
        for action in begun {
            if !ended.contains(&action.id()) {
                self.start(works, action);
            }
        }
        for id in ended {
            works.tasks.cancel(id);
            works.sessions.remove(&id);
        }
        wakers.into_iter().for_each(Waker::wake);
        until
    }

    fn start(&self, works: &mut Works<I>, action: Action) {
        let session = match &action {
            Action::FetchWellKnown(fetch) => works.sessions.remove(&fetch.connection()),
            Action::Connect(_) | Action::LookUpAddresses(_) | Action::QuerySrv(_) => None,
        };
        works.tasks.push(&self.shared, action, session);
    }

    fn handle(&self, event: Event) {
        let mut state = self.state();
        let now = state.now(&*self.shared.io);
        state.pool.handle(event, now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The time; if the process stood still, nobody could have kept a deadline meanwhile
    ///
    /// After a pause (a stop by the terminal, a laptop's lid, a thread that was busy) deadlines have passed. A server must
    /// not be taken for dead by that: what was asked of it may lie answered, and what follows from the answer has its
    /// full time. Facts age all the same.
    fn now(&mut self, io: &impl Io) -> Instant {
        // What comes on its deadline would be too late
        self.catch_up(io, TICK)
    }

    /// The same where nothing has come: what was waited for is due now
    fn due_now(&mut self, io: &impl Io) -> Instant {
        self.catch_up(io, Duration::ZERO)
    }

    fn catch_up(&mut self, io: &impl Io, more: Duration) -> Instant {
        let now = io.now();
        if let Some(until) = &mut self.until
            && *until + PAUSE < now
        {
            let lost = now.saturating_since(*until) + more;
            self.pool.stood_still(lost);
            *until = *until + lost;
        }
        now
    }

    /// Somebody who can do the work of all: who does, or who would
    fn somebody(&self) -> Option<Waker> {
        match self.holder {
            Some(holder) => self.waiters.get(&holder).cloned(),
            None => self.waiters.values().next().cloned(),
        }
    }

    /// Leaves something to do for who asked for a connection
    fn order(&mut self, ticket: Ticket, order: Order) -> Option<Waker> {
        self.orders.entry(ticket).or_default().push(order);
        self.waiters.get(&Who::Asker(ticket)).cloned()
    }
}

/// Whether the time has come that the pool waits for
fn rings<I: Io>(
    alarm: &mut Alarm<'static, Arc<I>>,
    until: Option<Instant>,
    context: &mut Context<'_>,
) -> bool {
    until.is_some_and(|until| alarm.poll(until, context).is_ready())
}

/// A place among those who wait, which is left when this is dropped
struct Place<'a, I: Io, D: Dns> {
    engine: &'a Engine<I, D>,
    who: Who,
}

impl<I: Io, D: Dns> Place<'_, I, D> {
    /// Waits, and does the work of all unless another thread is at it
    fn take_part(&self, context: &mut Context<'_>) {
        let mut state = self.engine.state();
        match state.waiters.get_mut(&self.who) {
            Some(waker) => waker.clone_from(context.waker()),
            None => {
                state.waiters.insert(self.who, context.waker().clone());
            }
        }
        drop(state);
        // Whoever is polled does the work, even if another has before: that one may not be polled again. Where somebody
        // is at it, on another thread, what is new is seen there
        let works = match self.engine.works.try_lock() {
            Ok(works) => works,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.engine.state().holder = Some(self.who);
        self.engine.drive(self.who, works, context);
    }
}

impl<I: Io, D: Dns> Drop for Place<'_, I, D> {
    fn drop(&mut self) {
        let mut state = self.engine.state();
        state.waiters.remove(&self.who);
        if let Who::Asker(ticket) = self.who {
            let now = state.now(&*self.engine.shared.io);
            state.told.remove(&ticket);
            state.orders.remove(&ticket);
            for id in state.owned.remove(&ticket).into_iter().flatten() {
                state.owners.remove(&id);
            }
            state.pool.leave(ticket, now);
        }
        if state.holder == Some(self.who) {
            state.holder = None;
        }
        // The work goes on with another, who gives up what this one has left; or nobody is there to do so
        let (waker, is_last) = (state.somebody(), state.waiters.is_empty());
        if is_last {
            state.pool.rest();
        }
        drop(state);
        wake(waker);
        if is_last {
            let mut works = self.engine.works.lock();
            let works = works
                .as_deref_mut()
                .unwrap_or_else(|poisoned| poisoned.get_mut());
            self.engine.say(works, None);
        }
    }
}

/// Somebody who waits for what was asked for
struct Asking<'a, I: Io, D: Dns> {
    place: Place<'a, I, D>,
    /// Handshakes of the connections that were asked for here
    own: UnderWay<I>,
    sessions: HashMap<ActionId, Session<I::Tls>>,
    ticket: Ticket,
}

impl<I: Io, D: Dns> Asking<'_, I, D> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<(Told, Option<Session<I::Tls>>)> {
        loop {
            let mut news = self.take_orders();
            while let Poll::Ready(Some((id, done))) = self.own.poll(context) {
                let (event, session) = done.into_event();
                self.sessions.extend(session.map(|session| (id, session)));
                self.place.engine.handle(event);
                news = true;
            }
            if let Some(told) = self.place.engine.state().told.remove(&self.ticket) {
                return Poll::Ready(self.end(told));
            }
            if news {
                let waker = self.place.engine.state().somebody();
                wake(waker);
            }
            self.place.take_part(context);
            let state = self.place.engine.state();
            let has_orders = state.orders.contains_key(&self.ticket);
            if !has_orders && !state.told.contains_key(&self.ticket) {
                return Poll::Pending;
            }
        }
    }

    /// Does what was left to do here
    fn take_orders(&mut self) -> bool {
        let engine = self.place.engine;
        let orders = engine.state().orders.remove(&self.ticket);
        let has_some = orders.is_some();
        for order in orders.into_iter().flatten() {
            match order {
                Order::Cancel(id) => {
                    self.own.cancel(id);
                    self.sessions.remove(&id);
                }
                Order::Connect(connect) => {
                    self.own
                        .push(&engine.shared, Action::Connect(connect), None);
                }
            }
        }
        has_some
    }

    fn end(&mut self, told: Told) -> (Told, Option<Session<I::Tls>>) {
        let session = told
            .connection()
            .and_then(|connection| self.sessions.remove(&connection.id));
        (told, session)
    }
}

impl<I: Io, D> fmt::Debug for Engine<I, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// A waker may do anything: nothing is locked while it does
fn wake(waker: Option<Waker>) {
    waker.into_iter().for_each(Waker::wake);
}

/// What comes so much later than it should have, while a process ran all the time, is late; beyond that, the process
/// stood still
const PAUSE: Duration = Duration::from_millis(5);
/// The least time there is
const TICK: Duration = Duration::from_nanos(1);
/// After so many, whoever shares the thread has a turn
const EVENTS_A_POLL: usize = 256;
