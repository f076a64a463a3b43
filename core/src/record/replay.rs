//! A recorded search, run again.

use alloc::format;
use alloc::string::String;

use super::recording::{Entry, Outcome, Recording, Said};
use crate::discovery::Discovery;
use crate::machine::{Machine as _, Step};
use crate::time::Instant;

/// This build decides otherwise than the one that recorded
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry} of the recording: it said {recorded}, and this version says {now}")]
pub struct Diverged {
    /// Which of the entries, from 0
    pub entry: usize,
    recorded: String,
    now: String,
}

impl Recording {
    /// Runs the search again, with what was handled then: the same outcome, to the letter
    ///
    /// # Errors
    ///
    /// If this version does something else, and at which entry.
    pub fn replay(&self) -> Result<Option<&Outcome>, Diverged> {
        self.rerun(|_, _, _| {})?;
        Ok(self.outcome())
    }

    /// Runs the search again, and looks at it after each entry, at its time
    pub(super) fn rerun(
        &self,
        mut look: impl FnMut(usize, Instant, &Discovery),
    ) -> Result<(), Diverged> {
        let mut search = self.begin();
        let mut now = self.begun;
        look(usize::MAX, now, &search);
        for (index, entry) in self.entries.iter().enumerate() {
            match entry {
                Entry::Handled { at, event } => {
                    now = now.max(*at);
                    search.handle(event.clone(), *at);
                }
                Entry::TimedOut { at } => {
                    now = now.max(*at);
                    search.handle_timeout(*at);
                }
                Entry::Told(verb) => {
                    now = verb.now().map_or(now, |at| now.max(at));
                    search.obey(verb.clone());
                }
                Entry::Polled(said) => self.compare(index, said, &search.poll())?,
            }
            look(index, now, &search);
        }
        Ok(())
    }

    fn compare(&self, entry: usize, recorded: &Said, step: &Step<Outcome>) -> Result<(), Diverged> {
        let said = Said::of(step);
        if said != *recorded {
            return Err(Diverged {
                entry,
                recorded: format!("{recorded:?}"),
                now: format!("{said:?}"),
            });
        }
        match step {
            Step::Done(outcome) if self.outcome.as_ref() != Some(outcome) => Err(Diverged {
                entry,
                recorded: format!("{:?}", self.outcome),
                now: format!("{outcome:?}"),
            }),
            Step::Act(_) | Step::Cancel(_) | Step::Done(_) | Step::Wait { .. } => Ok(()),
        }
    }
}
