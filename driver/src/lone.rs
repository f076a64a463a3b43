//! One search by itself, outside the pool: recorded, and with a memory of what was answered before.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use fedway_core::{
    Action, ActionId, Config, Machine as _, Memory, Recorder, Recording, SearchGoal, SearchOutcome,
    ServerName, Step,
};

use crate::alarm::Alarm;
use crate::carry::{Session, Shared};
use crate::dns::Dns;
use crate::io::Io;
use crate::under_way::UnderWay;

/// A search that nobody shares
pub(crate) struct Lone<'a, I: Io, D> {
    shared: Arc<Shared<I, D>>,
    search: Recorder,
    under_way: UnderWay<I>,
    sessions: HashMap<ActionId, Session<I::Tls>>,
    alarm: Alarm<'static, Arc<I>>,
    memory: Option<&'a mut Memory>,
}

/// What came of it
pub(crate) struct Ended<S> {
    pub(crate) outcome: SearchOutcome,
    pub(crate) recording: Recording,
    /// The session that was found, if that was asked for
    pub(crate) session: Option<Session<S>>,
}

impl<'a, I: Io, D: Dns> Lone<'a, I, D> {
    pub(crate) fn new(
        shared: &Arc<Shared<I, D>>,
        goal: SearchGoal,
        name: &ServerName,
        config: &Arc<Config>,
        memory: Option<&'a mut Memory>,
    ) -> Self {
        // Where the operating system has no entropy, the order of targets can be guessed
        let seed = shared.entropy.draw().unwrap_or_default();
        let now = shared.io.now();
        Self {
            shared: shared.clone(),
            search: Recorder::new(goal, name, config, seed, now),
            under_way: UnderWay::new(),
            sessions: HashMap::new(),
            alarm: Alarm::new(shared.io.clone()),
            memory,
        }
    }

    /// Searches to the end
    pub(crate) async fn run(mut self) -> Ended<I::Tls> {
        let outcome = poll_fn(|context| self.poll(context)).await;
        let found = outcome.as_ref().ok();
        let connection = found.and_then(|found| found.connection.as_ref());
        let session = connection.and_then(|connection| self.sessions.remove(&connection.id));
        Ended {
            outcome,
            recording: self.search.into_recording(),
            session,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<SearchOutcome> {
        loop {
            let until = match self.search.poll() {
                Step::Act(action) => {
                    self.start(action);
                    continue;
                }
                Step::Cancel(id) => {
                    self.under_way.cancel(id);
                    self.sessions.remove(&id);
                    continue;
                }
                Step::Done(outcome) => return Poll::Ready(outcome),
                Step::Wait { until } => until,
            };
            // The timer is looked at first: what is under way may always have something to do
            let is_due = until.is_some_and(|until| self.alarm.poll(until, context).is_ready());
            if let Poll::Ready(Some((id, done))) = self.under_way.poll(context) {
                let (event, session) = done.into_event();
                self.sessions.extend(session.map(|session| (id, session)));
                self.search.handle(event, self.shared.io.now());
            } else if is_due {
                self.search.handle_timeout(self.shared.io.now());
            } else {
                return Poll::Pending;
            }
        }
    }

    /// Answers an action from what is remembered, or carries it out
    fn start(&mut self, action: Action) {
        let action = match &mut self.memory {
            None => action,
            Some(memory) => match memory.answer(action) {
                Ok(event) => {
                    self.search.handle(event, self.shared.io.now());
                    return;
                }
                Err(action) => action,
            },
        };
        let session = match &action {
            Action::FetchWellKnown(fetch) => self.sessions.remove(&fetch.connection()),
            Action::Connect(_) | Action::LookUpAddresses(_) | Action::QuerySrv(_) => None,
        };
        self.under_way.push(&self.shared, action, session);
    }
}
