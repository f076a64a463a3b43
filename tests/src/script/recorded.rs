//! The same search, recorded: run again it does the same, and every step has its explanation.

use std::sync::Arc;

use fedway_core::{Explanation, Fate, Instant, Recorder, Recording};

use super::Script;
use super::run::Run;
use super::search::Driven;

impl Script {
    /// Runs the search to its end, recorded, without a [`Pool`](fedway_core::Pool)
    ///
    /// # Panics
    ///
    /// Where the machine breaks its contract, its recording does anything else, or a step has no explanation.
    #[must_use]
    pub fn run_recorded(&self) -> Run {
        let (run, recording) = self.replayed();
        let explanation = explained(&recording);
        check(&explanation, &run);
        let asked: usize = explanation.steps.iter().map(|step| step.asked.len()).sum();
        let said = run.questions().len() + run.connects().len() + run.gets().len();
        assert_eq!(asked, said, "{explanation:#?}\n{run}");
        run
    }

    /// Runs the search to its end, recorded, and once more: for those who run a great many
    ///
    /// # Panics
    ///
    /// Where the machine breaks its contract, or its recording does anything else.
    #[must_use]
    pub fn replayed(&self) -> (Run, Recording) {
        let (run, recording) = self.record();
        replay(&recording);
        (run, recording)
    }

    fn record(&self) -> (Run, Recording) {
        let goal = self.goal.into();
        let config = Arc::new(self.config.clone());
        let recorder = Recorder::new(goal, &self.name, &config, self.seed, Instant::ORIGIN);
        let (run, recorder) = Driven::new(self, recorder).run();
        (run, recorder.into_recording())
    }
}

fn replay(recording: &Recording) {
    assert_eq!(
        recording.replay(),
        Ok(recording.outcome()),
        "it does the same again"
    );
}

/// Why a search ended as it did, once it was written and read
pub(super) fn explained(recording: &Recording) -> Explanation {
    let text = recording.to_json();
    let read = Recording::from_json(text.as_bytes());
    assert_eq!(
        read.as_ref(),
        Ok(recording),
        "what is read is what was written"
    );
    recording
        .explain()
        .unwrap_or_else(|diverged| panic!("{diverged}"))
}

/// One step was the last
pub(super) fn check(explanation: &Explanation, run: &Run) {
    let with = |fate| {
        explanation
            .steps
            .iter()
            .filter(move |step| step.fate == fate)
    };
    let (taken, failed) = (with(Fate::Taken).count(), with(Fate::Failed).count());
    match &run.outcome {
        Ok(_) => assert!(taken >= 1 && failed == 0, "{explanation:#?}"),
        Err(_) => assert_eq!(failed, 1, "{explanation:#?}"),
    }
    assert!(explanation.steps.iter().all(|step| !step.reason.is_empty()));
    if run.outcome.is_err() {
        assert!(!explanation.findings.is_empty(), "{explanation:#?}");
    }
}
