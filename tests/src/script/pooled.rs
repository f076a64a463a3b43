//! The same search in a pool: cold, it does what a lone one does; on its second visit, it finds the same.

use std::time::Duration;

use fedway_core::{AttemptError, DiscoveryError, DiscoveryErrorKind, Fault, Found, Notes};

use super::Script;
use super::recorded::{check, explained};
use super::run::Run;
use super::visits::Visits;

impl Script {
    /// Runs the search to its end
    ///
    /// # Panics
    ///
    /// Where the machine breaks its contract: an id given out twice; something cancelled that is not
    /// under way; a GET over a session that is not open; a `Wait` that is over when it is said; anything
    /// left open, or anything said, after `Done`. Also if it waits for nothing, or takes a million steps.
    ///
    /// Where its recording, written and read again, does anything else, or leaves a step without an explanation.
    ///
    /// And where the search does anything else in a [`Pool`](fedway_core::Pool) that knows nothing: everything asked for
    /// at the same time, and the same found; or on its second visit there finds another; or where it is recorded there does
    /// anything else.
    #[must_use]
    pub fn run(&self) -> Run {
        let run = self.run_recorded();
        if !self.noisy && !self.one_at_a_time {
            compare(self, &run);
        }
        run
    }
}

/// Runs the search in a pool, twice
fn compare(script: &Script, alone: &Run) {
    let mut visits = Visits::new(script);
    let cold = visits.visit();
    assert!(
        visits.is_idle(),
        "something was left open at the end:\n{cold}"
    );
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
    let mut recorded = Visits::new(script);
    let (run, recording) = recorded.visit_recorded();
    assert_eq!(
        (run.lines(), what_counts(&run)),
        (cold.lines(), what_counts(&cold)),
        "{name}: a search that is recorded does something else"
    );
    check(&explained(&recording), &run);
    let (took, alone_took) = (cold.elapsed, alone.elapsed);
    assert_eq!(took, alone_took, "{name}: a pool takes another time");
    if cannot_be_repeated(alone) {
        return;
    }
    // Within the second in which all facts hold that are facts at all
    visits.wait(Duration::from_millis(10));
    let warm = visits.visit();
    assert_eq!(
        destination(&warm),
        destination(alone),
        "{name}: the second visit finds something else\n{warm}\nthan the first\n{alone}"
    );
    recorded.wait(Duration::from_millis(10));
    let (run, recording) = recorded.visit_recorded();
    assert_eq!(
        (questions(&run), destination(&run)),
        (questions(&warm), destination(&warm)),
        "{name}: a second search that is recorded does something else\n{run}\nthan this\n{warm}"
    );
    check(&explained(&recording), &run);
}

/// What was asked of DNS, in no order: which target comes first is left to chance
fn questions(run: &Run) -> Vec<String> {
    let mut questions = run.questions();
    questions.sort();
    questions
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
