//! What is said of a search that has ended.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Serialize, Serializer};

use super::recording::SearchGoal;
use super::words::how;
use crate::edition::{Edition, Place, Route};
use crate::findings::{Finding, Level};
use crate::name::ServerName;

/// Why a search ended where it did: every step of the specification, what was asked for it, and what should be changed
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The name that was searched for
    pub server_name: ServerName,
    /// The edition that was followed
    pub edition: Edition,
    /// What the search was for
    pub goal: SearchGoal,
    /// Whether the server was found
    pub is_found: bool,
    /// Where requests go, as `host:port`, as far as the search came
    pub reaches: Option<String>,
    /// Every step of the edition, in its order
    pub steps: Vec<StepTaken>,
    /// What should be known and changed: the cause of a failure first
    pub findings: Vec<Finding>,
    /// How long the search took
    #[serde(rename = "elapsed_ms", serialize_with = "in_ms")]
    pub elapsed: Duration,
}

/// A step of the specification, in a search
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StepTaken {
    /// The step
    pub place: Place,
    /// Its number in the edition
    pub number: &'static str,
    /// What the step is about
    pub title: String,
    /// What became of it
    pub fate: Fate,
    /// Why, in words
    pub reason: String,
    /// What was asked for it, in order
    pub asked: Vec<Exchange>,
}

/// What became of a step
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It led on, or to the end, and there it failed
    Failed,
    /// It does not apply, and the search went on to the next
    Left,
    /// The search did not come to it
    NotReached,
    /// It led on, or to the server
    Taken,
}

/// Something that was asked of the network
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Exchange {
    /// What, such as `A example.org`
    pub what: String,
    /// What came back, in words
    pub answer: String,
    /// Whether that is a failure; that there is no such record is none
    pub is_failure: bool,
    /// When it was asked, from the beginning of the search
    #[serde(rename = "from_ms", serialize_with = "in_ms")]
    pub from: Duration,
    /// When the answer came, or it was given up
    #[serde(rename = "until_ms", serialize_with = "in_ms")]
    pub until: Duration,
    /// What the answer was good for
    pub use_made: Use,
}

/// What an answer was good for
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// It was asked ahead of its step, and used there
    Ahead,
    /// It was given up, since another was faster or time was over
    GivenUp,
    /// It was asked ahead, and not needed
    InVain,
    /// It was known already, to the pool that the search was in
    Known,
    /// It was asked at its step
    Needed,
}

impl Explanation {
    /// One sentence that says it all, and whether something should be changed
    #[must_use]
    pub fn headline(&self) -> String {
        let name = &self.server_name;
        let mut errors = self.findings.iter();
        let cause = errors.find(|it| it.level == Level::Error);
        // What keeps this machine from seeing the server says nothing of it
        let mut of_ours = self.findings.iter().filter(|_| !self.is_found);
        let of_ours = of_ours.find(|it| it.code.is_of_this_machine());
        if let Some(cause) = cause.or(of_ours) {
            let Finding { seen, remedy, .. } = cause;
            return if cause.code.is_of_this_machine() {
                format!("Nothing can be said of {name} from here: {seen}; {remedy}.")
            } else {
                format!(
                    "Other servers cannot talk to {name}, because {seen}; change this: {remedy}."
                )
            };
        }
        let mut taken = self.steps.iter().rev();
        let step = taken.find(|step| step.fate == Fate::Taken);
        let (true, Some(step), Some(reaches)) = (self.is_found, step, &self.reaches) else {
            return format!("{name} was not found, and the search did not come to an end.");
        };
        let mut warnings = self.findings.iter().filter(|it| it.level == Level::Warning);
        let rest = match warnings.clone().next() {
            None => ". Nothing has to be changed.".into(),
            Some(Finding { seen, remedy, .. }) => {
                format!("; but {seen}. Change this: {remedy}.")
            }
        };
        let is_broken = warnings.any(|it| it.place == Some(Place::WellKnown));
        let how = if is_broken && step.place == Place::Route(Route::Fallback) {
            "since its .well-known cannot be used"
        } else {
            how(step.place)
        };
        let number = step.number;
        let what = match self.goal {
            SearchGoal::Connect => format!("Other servers reach {name} at {reaches}"),
            SearchGoal::Resolve => format!("Requests for {name} go to {reaches}"),
        };
        format!("{what}, {how} (step {number}){rest}")
    }
}

/// Milliseconds, to the microsecond
fn in_ms<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // A search takes no weeks
    serializer.serialize_f64(time.as_micros() as f64 / 1_000.0)
}
