//! Random worlds: what is asked ahead, and how long answers take, must not change where a search ends.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use fedway_core::{
    Connection, Deadlines, Destination, DiscoveryError, DiscoveryErrorKind, Edition, Lookahead,
    Notes, Verdict, Warning,
};
use fedway_testkit::script::{Answers, Dice, Goal, Run, Script};

#[test]
fn the_worlds_reach_every_step_of_every_edition() {
    let steps = RefCell::new(BTreeMap::<&str, BTreeSet<&str>>::new());
    every_search(500, Dice::new, |script, what| {
        if let Ok(found) = script.run().outcome {
            let of_edition = what.edition.name();
            steps
                .borrow_mut()
                .entry(of_edition)
                .or_default()
                .insert(found.destination.step());
        }
    });
    let steps = steps.borrow();
    let reached = |edition: &str| steps[edition].iter().copied().collect::<Vec<_>>();
    assert_eq!(
        reached("draft-2019"),
        ["1", "2", "3.1", "3.2", "3.3", "3.3.1", "4"]
    );
    assert_eq!(
        reached("r0.1"),
        ["1", "2", "3.1", "3.2", "3.3", "3.4", "4", "5"]
    );
    assert_eq!(
        reached("v1.8"),
        ["1", "2", "3.1", "3.2", "3.3", "3.4", "3.5", "4", "5", "6"]
    );
}

#[test]
fn asking_ahead_changes_nothing_of_the_outcome_where_every_exchange_ends() {
    every_search(2_000, Dice::new, |script, what| {
        let (ahead, plain) = both(script);
        assert_eq!(
            everything(&ahead),
            everything(&plain),
            "{what}\n{ahead}\nagainst\n{plain}"
        );
    });
}

#[test]
fn asking_ahead_opens_the_same_connections_sends_the_same_requests_and_never_takes_longer() {
    every_search(300, Dice::new, |script, what| {
        let (ahead, plain) = both(script);
        assert_eq!(ahead.connects(), plain.connects(), "{what}");
        assert_eq!(ahead.urls(), plain.urls(), "{what}");
        // Every exchange of a kind takes the same time here
        assert!(
            ahead.elapsed <= plain.elapsed,
            "{what}\n{ahead}\nagainst\n{plain}"
        );
    });
}

#[test]
fn asking_ahead_changes_nothing_that_counts_where_some_answers_never_come() {
    every_search(
        1_000,
        |seed| Dice::new(seed).with_silence(),
        |script, what| {
            let (ahead, plain) = both(script);
            assert_eq!(
                what_counts(&ahead),
                what_counts(&plain),
                "{what}\n{ahead}\nagainst\n{plain}"
            );
        },
    );
}

#[test]
fn how_long_answers_take_changes_nothing_but_who_wins_a_race() {
    every_search(
        700,
        |seed| Dice::new(seed).with_silence(),
        |script, what| {
            let even = script.clone().lookahead(Lookahead::None).run();
            let mut uneven = script;
            Dice::new(!what.seed).jitter(&mut uneven, Duration::from_millis(400));
            let uneven = uneven.run();
            let (even_part, uneven_part) =
                (timeless(&even, what.goal), timeless(&uneven, what.goal));
            assert_eq!(uneven_part, even_part, "{what}\n{uneven}\nagainst\n{even}");
        },
    );
}

#[test]
fn a_loop_that_does_one_thing_at_a_time_finds_the_same_server() {
    every_search(
        200,
        |seed| Dice::new(seed).with_silence(),
        |script, what| {
            for lookahead in [Lookahead::Dns, Lookahead::None] {
                let script = script.clone().lookahead(lookahead);
                let script = script.config(|config| config.deadlines = Deadlines::default());
                let together = script.run();
                let in_turn = script.one_at_a_time().run();
                assert_eq!(
                    timeless(&in_turn, what.goal),
                    timeless(&together, what.goal),
                    "{what}\n{in_turn}\nagainst\n{together}"
                );
            }
        },
    );
}

#[test]
fn stale_late_and_repeated_replies_change_nothing() {
    every_search(
        300,
        |seed| Dice::new(seed).with_silence(),
        |script, what| {
            let quiet = script.run();
            let noisy = script.noisy().run();
            assert_eq!(noisy, quiet, "{what}\n{noisy}\nagainst\n{quiet}");
        },
    );
}

/// Runs `prove` for every edition and goal, in so many worlds; a failure names the seed of its world
fn every_search(worlds: u64, dice: impl Fn(u64) -> Dice, prove: impl Fn(Script, What)) {
    for seed in 0..worlds {
        let mut dice = dice(seed);
        let answers = dice.answers();
        let name = dice.server_name();
        for edition in Edition::ALL {
            for goal in Goal::ALL {
                let what = What {
                    seed,
                    name,
                    edition,
                    goal,
                };
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
    // In a pool it does no more than the other
    let plain = script.lookahead(Lookahead::None).replayed();
    (ahead, plain.0)
}

/// The whole outcome, save when it ends, and that ids are given out in another order
fn everything(run: &Run) -> Outcome {
    let mut outcome = run.outcome.clone();
    let notes = match &mut outcome {
        Ok(found) => &mut found.notes,
        Err(error) => &mut error.notes,
    };
    // An answer that comes earlier ends earlier
    if let Some(well_known) = &mut notes.well_known {
        well_known.expires = None;
    }
    let found = outcome?;
    Ok((found.destination, place(found.connection), found.notes))
}

fn place(connection: Option<Connection>) -> Option<Place> {
    connection.map(|connection| (connection.address, connection.verdict))
}

/// Where an answer never comes, what is asked ahead is given up earlier: failures have another order then
fn what_counts(run: &Run) -> (Outcome, Option<bool>) {
    let mut outcome = everything(run);
    match &mut outcome {
        Ok((_, _, notes)) => notes.attempts.clear(),
        Err(error) => error.notes.attempts.clear(),
    }
    let error = run.outcome.as_ref().err();
    (outcome, error.map(DiscoveryError::is_temporary))
}

/// Which of several working addresses wins is a matter of time; which target they belong to is not
fn timeless(run: &Run, goal: Goal) -> impl PartialEq + std::fmt::Debug + use<> {
    let outline = |destination: &Destination| {
        let candidates = destination.candidates.iter();
        let targets: Vec<_> = candidates
            .map(|c| (c.target.clone(), c.port, c.srv))
            .collect();
        // A search that connects knows the addresses it came to, which depends on who was first
        let addresses: Vec<_> = match goal {
            Goal::Connect => Vec::new(),
            Goal::Resolve => destination.addresses().collect(),
        };
        (
            destination.step(),
            destination.host_header.clone(),
            destination.tls_name.clone(),
            targets,
            addresses,
        )
    };
    let warnings = |warnings: &[Warning]| {
        let kept = warnings.iter().filter(|warning| {
            !matches!(
                warning,
                Warning::VerificationSkipped { .. } | Warning::AliasTarget { .. }
            )
        });
        kept.cloned().collect::<Vec<_>>()
    };
    match &run.outcome {
        Ok(found) => {
            let connection = found.connection.as_ref().map(|connection| {
                let mut candidates = found.destination.candidates.iter();
                candidates.position(|c| c.addresses.iter().any(|a| a.address == connection.address))
            });
            Ok((
                outline(&found.destination),
                connection,
                found.notes.provisional,
                warnings(&found.notes.warnings),
            ))
        }
        Err(error) => Err((
            kind(&error.kind),
            error.step(),
            error.destination.as_deref().map(outline),
            error.notes.provisional,
            warnings(&error.notes.warnings),
        )),
    }
}

/// The kind of an error without the last of several causes, which is a matter of time
fn kind(kind: &DiscoveryErrorKind) -> Result<DiscoveryErrorKind, &'static str> {
    if let DiscoveryErrorKind::Unreachable(_) = kind {
        return Err("unreachable");
    }
    Ok(kind.clone())
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
        let Self {
            seed,
            name,
            edition,
            goal,
        } = self;
        write!(f, "seed {seed}: {goal:?} {name} by {edition}")
    }
}

type Outcome = Result<(Destination, Option<Place>, Notes), Box<DiscoveryError>>;

/// Where a connection leads, and how far it is trusted
type Place = (SocketAddr, Verdict);

const LONG: Duration = Duration::from_secs(100);
const FOREVER: Duration = Duration::from_secs(1_000_000);
