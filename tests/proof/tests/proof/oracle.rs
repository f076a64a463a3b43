//! Random worlds: the machine ends where the text says, and asks what the text asks.
//!
//! `FEDWAY_WORLDS` sets how many worlds an edition is tried in; 10,000 otherwise.

use std::collections::{BTreeMap, BTreeSet};

use fedway_core::{Edition, Lookahead};
use fedway_proof::oracle::{Outcome, World, ask, prove};
use fedway_testkit::script::Goal;

#[test]
fn draft_2019_ends_where_its_text_says() {
    agree(Edition::Draft2019);
}

#[test]
fn r0_1_ends_where_its_text_says() {
    agree(Edition::R0_1);
}

#[test]
fn v1_8_ends_where_its_text_says() {
    agree(Edition::V1_8);
}

#[test]
fn in_a_pool_every_world_ends_as_alone_on_a_first_visit_and_on_a_second() {
    // A tenth of them: each is run three times
    for seed in 0..worlds() / 10 {
        let world = World::roll(seed);
        for edition in Edition::ALL {
            for goal in Goal::ALL {
                for lookahead in [Lookahead::Dns, Lookahead::None] {
                    // Which compares all three
                    let _ = world.script(edition, goal, lookahead).run();
                }
            }
        }
    }
}

#[test]
fn the_worlds_reach_every_step_and_every_kind_of_failure() {
    let mut reached = BTreeMap::<&str, BTreeSet<String>>::new();
    for seed in 0..3_000 {
        let world = World::roll(seed);
        for edition in Edition::ALL {
            let reading = ask(edition, Goal::Connect, &world, &[]);
            let ends = reached.entry(edition.name()).or_default();
            match reading.outcome {
                Outcome::Found(place) => ends.insert(place.step.to_owned()),
                Outcome::Failed { failure, .. } => ends.insert(first_word(&failure)),
            };
            if let Some(Err(failure)) = reading.well_known {
                ends.insert(format!("well-known {}", first_word(&failure)));
            }
        }
    }
    let failures = [
        "Gone",
        "NotOffered",
        "NoUsableRecord",
        "Onion",
        "Unreachable",
    ];
    let of_well_known = [
        "Body",
        "Fetch",
        "Redirect",
        "Status",
        "TimedOut",
        "Unreachable",
    ];
    for (edition, steps) in [
        (
            "draft-2019",
            &[
                "1",
                "2",
                "3.1",
                "3.2",
                "3.3",
                "3.3.1",
                "4",
                "InvalidWellKnown",
            ][..],
        ),
        ("r0.1", &["1", "2", "3.1", "3.2", "3.3", "3.4", "4", "5"]),
        (
            "v1.8",
            &["1", "2", "3.1", "3.2", "3.3", "3.4", "3.5", "4", "5", "6"],
        ),
    ] {
        let ends = &reached[edition];
        for end in failures.iter().chain(steps) {
            assert!(
                ends.contains(*end),
                "{edition} does not reach {end}: {ends:?}"
            );
        }
        for end in of_well_known {
            assert!(
                ends.contains(&format!("well-known {end}")),
                "{edition}: {end}: {ends:?}"
            );
        }
    }
}

fn agree(edition: Edition) {
    for seed in 0..worlds() {
        prove(seed, edition);
    }
}

fn worlds() -> u64 {
    std::env::var("FEDWAY_WORLDS").map_or(10_000, |count| count.parse().expect("a number"))
}

fn first_word(failure: &impl std::fmt::Debug) -> String {
    let text = format!("{failure:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}
