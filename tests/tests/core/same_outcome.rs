//! Random worlds: what is asked ahead, and how long answers take, must not change where a search ends.

use std::mem::discriminant;
use std::time::Duration;

use fedway_core::{Destination, DiscoveryErrorKind, Edition, Lookahead, Warning, WellKnown};
use fedway_testkit::script::{Answers, Dice, Goal, Run, Script};

#[test]
fn asking_ahead_changes_nothing_of_the_outcome_where_every_exchange_ends() {
    every_search(Dice::new, |script, what| {
        let (ahead, plain) = both(script);
        assert_eq!(everything(&ahead), everything(&plain), "{what}\n{ahead}\nagainst\n{plain}");
    });
}

#[test]
fn asking_ahead_changes_nothing_that_counts_where_some_answers_never_come() {
    every_search(|seed| Dice::new(seed).with_silence(), |script, what| {
        let (ahead, plain) = both(script);
        assert_eq!(what_counts(&ahead), what_counts(&plain), "{what}\n{ahead}\nagainst\n{plain}");
    });
}

#[test]
fn asking_ahead_never_takes_longer_where_every_exchange_takes_the_same_time() {
    every_search(Dice::new, |script, what| {
        let (ahead, plain) = both(script);
        assert!(ahead.elapsed <= plain.elapsed, "{what}\n{ahead}\nagainst\n{plain}");
    });
}

#[test]
fn asking_ahead_opens_the_same_connections_and_sends_the_same_requests() {
    every_search(Dice::new, |script, what| {
        let (ahead, plain) = both(script);
        assert_eq!(ahead.connects(), plain.connects(), "{what}");
        assert_eq!(ahead.urls(), plain.urls(), "{what}");
    });
}

#[test]
fn how_long_answers_take_changes_nothing_but_who_wins_a_race() {
    every_search(|seed| Dice::new(seed).with_silence(), |script, what| {
        let even = script.clone().lookahead(Lookahead::None).run();
        let mut uneven = script;
        let mut dice = Dice::new(!what.seed);
        dice.jitter(&mut uneven, Duration::from_millis(400));
        let uneven = uneven.run();
        assert_eq!(what_timing_may_not_change(&uneven, what.goal), what_timing_may_not_change(&even, what.goal), "{what}\n{uneven}\nagainst\n{even}");
    });
}

#[test]
fn stale_late_and_repeated_replies_change_nothing() {
    every_search(|seed| Dice::new(seed).with_silence(), |script, what| {
        let quiet = script.run();
        let noisy = script.noisy().run();
        assert_eq!(noisy, quiet, "{what}\n{noisy}\nagainst\n{quiet}");
    });
}

/// Runs `prove` for every edition and goal in many worlds
fn every_search(dice: impl Fn(u64) -> Dice, prove: impl Fn(Script, What)) {
    for seed in 0..WORLDS {
        let mut dice = dice(seed);
        let answers = dice.answers();
        let name = dice.server_name();
        for edition in Edition::ALL {
            for goal in Goal::ALL {
                let what = What { seed, name, edition, goal };
                prove(script(&answers, &what), what);
            }
        }
    }
}

fn script(answers: &Answers, what: &What) -> Script {
    let script = Script::new(what.goal, what.name)
        .edition(what.edition)
        .seed(what.seed)
        .answers(answers.clone());
    script.config(|config| {
        // Asking ahead saves time, so the slower search may meet a deadline over many steps that the faster does not
        config.deadlines.search = FOREVER;
        config.deadlines.well_known = LONG;
        config.trust.skip = ["one.example.net".parse().unwrap()].into();
    })
}

fn both(script: Script) -> (Run, Run) {
    let ahead = script.clone().lookahead(Lookahead::Dns).run();
    (ahead, script.lookahead(Lookahead::None).run())
}

/// The whole outcome, save that ids are given out in another order
fn everything(run: &Run) -> String {
    let mut text = match &run.outcome {
        Ok(found) => {
            let connection = found.connection.as_ref();
            let connection = connection.map(|c| (c.address, c.verdict.clone()));
            format!("{:#?}\n{connection:#?}\n{:#?}", found.destination, found.notes)
        }
        Err(error) => format!("{error:#?}"),
    };
    text.push_str(&format!("\n{:?}", run.outcome.as_ref().map_err(|error| error.is_temporary()).is_ok()));
    text
}

/// Where an answer never comes, what is asked ahead is given up earlier: the order of failures is another then
fn what_counts(run: &Run) -> impl PartialEq + std::fmt::Debug + use<> {
    let well_known = |found: &Option<WellKnown>| {
        found.clone().map(|w| (w.status, w.delegated, w.redirects, w.error.map(|e| discriminant(&e))))
    };
    match &run.outcome {
        Ok(found) => {
            let connection = found.connection.as_ref().map(|c| (c.address, c.verdict.clone()));
            let notes = &found.notes;
            Ok((found.destination.clone(), connection, notes.provisional, notes.warnings.clone(), well_known(&notes.well_known)))
        }
        Err(error) => Err((
            kind(&error.kind),
            error.step,
            error.host.clone(),
            error.destination.clone(),
            (error.is_temporary(), error.notes.provisional, error.notes.warnings.clone(), well_known(&error.notes.well_known)),
        )),
    }
}

/// Which of several working addresses wins is a matter of time; which target they belong to is not
fn what_timing_may_not_change(run: &Run, goal: Goal) -> impl PartialEq + std::fmt::Debug + use<> {
    let outline = |destination: &Destination| {
        let candidates = destination.candidates.iter();
        let targets: Vec<_> = candidates.map(|c| (c.target.clone(), c.port, c.srv)).collect();
        // A search that connects knows the addresses it came to, which depends on who was first
        let addresses: Vec<_> = match goal {
            Goal::Connect => Vec::new(),
            Goal::Resolve => destination.addresses().collect(),
        };
        (destination.step(), destination.host_header.clone(), destination.tls_name.clone(), targets, addresses)
    };
    let warnings = |warnings: &[Warning]| {
        let timeless = warnings.iter().filter(|warning| {
            !matches!(warning, Warning::VerificationSkipped { .. } | Warning::AliasTarget { .. })
        });
        timeless.cloned().collect::<Vec<_>>()
    };
    match &run.outcome {
        Ok(found) => {
            let connection = found.connection.as_ref().map(|connection| {
                let mut candidates = found.destination.candidates.iter();
                candidates.position(|c| c.addresses.iter().any(|a| a.address == connection.address))
            });
            Ok((outline(&found.destination), connection, found.notes.provisional, warnings(&found.notes.warnings)))
        }
        Err(error) => Err((
            kind(&error.kind),
            error.step,
            error.destination.as_deref().map(outline),
            error.notes.provisional,
            warnings(&error.notes.warnings),
        )),
    }
}

/// The kind of an error without the last of several causes, which is a matter of time
fn kind(kind: &DiscoveryErrorKind) -> Result<DiscoveryErrorKind, &'static str> {
    match kind {
        DiscoveryErrorKind::Unreachable(_) => Err("unreachable"),
        other => Ok(other.clone()),
    }
}

/// One search in one world; its text is how to find it again
struct What {
    seed: u64,
    name: &'static str,
    edition: Edition,
    goal: Goal,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, name, edition, goal } = self;
        write!(f, "seed {seed}: {goal:?} {name} by {edition}")
    }
}

/// Six searches are run in each, and each of them several times
const WORLDS: u64 = 2_000;
const LONG: Duration = Duration::from_secs(100);
const FOREVER: Duration = Duration::from_secs(1_000_000);
