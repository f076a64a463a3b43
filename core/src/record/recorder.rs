//! A search that is recorded.

use alloc::sync::Arc;

use super::recording::{Entry, Outcome, Recording, Said, SearchGoal};
use crate::action::Event;
use crate::config::Config;
use crate::discovery::{Discovery, Verb};
use crate::machine::{Machine, Step};
use crate::name::ServerName;
use crate::time::Instant;

/// A search that is recorded: a machine around the machine
///
/// Driven as the search itself is. One in a pool is recorded by [`Pool::record`](crate::Pool::record).
///
/// ```
/// use std::sync::Arc;
///
/// use fedway_core::{Action, Answer, Config, Family, Instant, Machine, Recorder, SearchGoal, Step};
///
/// let (name, config) = ("example.org:8448".parse()?, Arc::new(Config::default()));
/// let now = Instant::ORIGIN;
/// let mut search = Recorder::new(SearchGoal::Resolve, &name, &config, 7, now);
/// loop {
///     match search.poll() {
///         Step::Act(Action::LookUpAddresses(look_up)) => {
///             let answer = match look_up.family() {
///                 Family::V4 => Answer::found(vec!["9.9.9.9".parse()?], Default::default()),
///                 Family::V6 => Answer::absent(fedway_core::Absence::NoData, None),
///             };
///             search.handle(look_up.reply(Ok(answer)), now);
///         }
///         Step::Done(_) => break,
///         Step::Act(_) | Step::Cancel(_) | Step::Wait { .. } => {}
///     }
/// }
/// let recording = search.into_recording();
/// assert_eq!(recording.replay(), Ok(recording.outcome()));
/// let explanation = recording.explain()?;
/// assert_eq!(explanation.headline(), "Requests for example.org:8448 go to example.org:8448, since the name says so (step 2). Nothing has to be changed.");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recorder {
    machine: Discovery,
    recording: Recording,
}

impl Recorder {
    /// A search that begins now, with its [seed](Discovery::resolve)
    #[must_use]
    pub fn new(
        goal: SearchGoal,
        name: &ServerName,
        config: &Arc<Config>,
        seed: u64,
        now: Instant,
    ) -> Self {
        Self::around(Recording::new(goal, name, config, seed, now))
    }

    /// The search of a recording that has no entries yet
    pub(crate) fn around(recording: Recording) -> Self {
        Self {
            machine: recording.begin(),
            recording,
        }
    }

    /// What is recorded
    pub(crate) fn search(&self) -> &Discovery {
        &self.machine
    }

    /// What a pool tells it; whether that is news
    pub(crate) fn obey(&mut self, verb: Verb) -> bool {
        self.record(Entry::Told(verb.clone()));
        self.machine.obey(verb)
    }

    /// What was recorded by now
    #[must_use]
    pub fn into_recording(self) -> Recording {
        self.recording
    }

    fn record(&mut self, entry: Entry) {
        let entries = &mut self.recording.entries;
        // To wait twice is to wait, and to come to a time twice is to come to it
        let says_nothing = matches!(
            entry,
            Entry::Polled(Said::Wait(_)) | Entry::Told(Verb::Arrive { .. })
        );
        if !says_nothing || entries.last() != Some(&entry) {
            entries.push(entry);
        }
    }
}

impl Machine for Recorder {
    type Done = Outcome;

    fn poll(&mut self) -> Step<Outcome> {
        let step = self.machine.poll();
        self.record(Entry::Polled(Said::of(&step)));
        if let Step::Done(outcome) = &step {
            self.recording.outcome = Some(outcome.clone());
        }
        step
    }

    fn handle(&mut self, event: Event, now: Instant) {
        let recorded = event.clone();
        self.record(Entry::Handled {
            at: now,
            event: recorded,
        });
        self.machine.handle(event, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.record(Entry::TimedOut { at: now });
        self.machine.handle_timeout(now);
    }
}
