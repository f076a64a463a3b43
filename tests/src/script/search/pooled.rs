//! The same search in a pool: cold, it does what a lone one does; on its second visit, it finds the same.

use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    AttemptError, Discovery, DiscoveryError, DiscoveryErrorKind, Event, Fault, Found, Instant,
    Machine, Notes, Pool, Step, Ticket, Told,
};

use super::Search;
use crate::script::run::Run;
use crate::script::{Goal, Script};

/// What is driven
pub(super) enum Driven {
    Alone(Box<Discovery>),
    /// The search with this ticket
    Pooled {
        pool: Box<Pool>,
        ticket: Ticket,
        /// Whether it may have more to do when that has ended
        warm: bool,
    },
}

impl Driven {
    pub(super) fn alone(script: &Script) -> Self {
        Self::Alone(script.start().into())
    }

    fn in_pool(script: &Script, mut pool: Box<Pool>, warm: bool, now: Instant) -> Self {
        let ticket = match script.goal {
            Goal::Connect => pool.connect(&script.name, now),
            Goal::Resolve => pool.resolve(&script.name, now),
        };
        Self::Pooled { pool, ticket, warm }
    }

    /// Whether it may have something to say after the end of the search
    pub(super) fn may_go_on(&self) -> bool {
        matches!(self, Self::Pooled { warm: true, .. })
    }
}

impl Machine for Driven {
    type Done = Result<Box<Found>, DiscoveryError>;

    fn poll(&mut self) -> Step<Self::Done> {
        let (pool, ticket) = match self {
            Self::Alone(search) => return search.poll(),
            Self::Pooled { pool, ticket, .. } => (pool, *ticket),
        };
        match pool.poll() {
            Step::Act(action) => Step::Act(action),
            Step::Cancel(id) => Step::Cancel(id),
            Step::Done(told) => {
                assert_eq!(told.ticket(), ticket, "somebody is told who did not ask");
                Step::Done(match told {
                    Told::Connected(_, result) => result,
                    Told::Resolved(_, result) => match result {
                        Ok(found) => Ok(Box::new(Found::clone(&found))),
                        Err(error) => Err(DiscoveryError::clone(&error)),
                    },
                    other => panic!("{other:?} where a server was asked for"),
                })
            }
            Step::Wait { until } => Step::Wait { until },
        }
    }

    fn handle(&mut self, event: Event, now: Instant) {
        match self {
            Self::Alone(search) => search.handle(event, now),
            Self::Pooled { pool, .. } => pool.handle(event, now),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Alone(search) => search.handle_timeout(now),
            Self::Pooled { pool, .. } => pool.handle_timeout(now),
        }
    }
}

/// Runs the search in a pool, twice
pub(super) fn compare(script: &Script, alone: &Run) {
    let pool = Pool::new(Arc::new(script.config.clone()), script.seed);
    let mut search = Search::new(
        script,
        Driven::in_pool(script, pool.into(), false, Instant::ORIGIN),
    );
    let cold = search.go();
    let name = &script.name;
    assert_eq!(
        what_counts(&cold),
        what_counts(alone),
        "{name}: a pool finds something else\n{cold}\nthan a lone search\n{alone}"
    );
    assert_eq!(
        moments(&cold),
        moments(alone),
        "{name}: a pool asks for something else\n{cold}\nthan a lone search\n{alone}"
    );
    assert_eq!(
        cold.elapsed, alone.elapsed,
        "{name}: a pool takes another time"
    );
    if cannot_be_repeated(alone) {
        return;
    }
    // Within the second in which all facts hold that are facts at all
    let Driven::Pooled { pool, .. } = search.machine else {
        return;
    };
    let now = search.now + Duration::from_millis(10);
    let mut again = Search::new(script, Driven::in_pool(script, pool, true, now));
    again.now = now;
    let warm = again.go();
    assert_eq!(
        destination(&warm),
        destination(alone),
        "{name}: the second visit finds something else\n{warm}\nthan the first\n{alone}"
    );
}

/// What this machine lacked, what took too long and what was not tried any more is no fact
fn cannot_be_repeated(run: &Run) -> bool {
    let mut attempts = match &run.outcome {
        Ok(found) => found.notes.attempts.iter(),
        Err(error) => error.notes.attempts.iter(),
    };
    let is_limit = |error: &AttemptError| matches!(error, AttemptError::TooManyAttempts { .. });
    attempts.any(|attempt| attempt.error.fault() == Fault::Ours || is_limit(&attempt.error))
        || matches!(&run.outcome, Err(error) if error.kind == DiscoveryErrorKind::TimedOut || error.fault() == Fault::Ours)
}

/// All but names of actions, and times: a pool spreads the latter
fn what_counts(run: &Run) -> Result<Found, DiscoveryError> {
    let timeless = |notes: &mut Notes| {
        if let Some(well_known) = &mut notes.well_known {
            well_known.expires = None;
        }
    };
    let mut outcome = run.outcome.clone();
    match &mut outcome {
        Ok(found) => {
            found.expires = None;
            found.connection = None;
            timeless(&mut found.notes);
        }
        Err(error) => timeless(&mut error.notes),
    }
    outcome
}

/// What was asked for when, whatever the order within one instant
fn moments(run: &Run) -> Vec<String> {
    let mut lines = run.lines();
    lines.sort();
    lines
}

/// Where requests go, or in which way there is no such place
fn destination(run: &Run) -> String {
    match &run.outcome {
        Ok(found) => {
            let destination = &found.destination;
            let of_connection = found.connection.as_ref().map(|_| ());
            format!(
                "{:?} {} {:?}",
                destination.route, destination.host_header, of_connection
            )
        }
        // Which target is the last to fail is left to chance
        Err(error) => format!("nothing at {:?}", error.place),
    }
}
