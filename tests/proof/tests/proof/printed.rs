//! A counter-example is made small and printed as a script test: those that are [pasted](crate::pasted) show that what
//! is printed compiles, and ends where the text says.

use fedway_core::{
    Absence, AddressRefusal, AttemptError, CertificateError, ConnectError, Edition, FetchError,
    Lookahead, RedirectError, TlsError,
};
use fedway_proof::oracle::{
    Disagreement, Failure, Outcome, Reading, WellKnownFailure, World, ask, print_test, shrink,
};
use fedway_testkit::script::Goal;

#[test]
fn a_shrunk_world_is_printed_as_the_test_that_is_pasted() {
    let pasted = include_str!("pasted.rs");
    assert_eq!(pasted.matches("#[test]").count(), SHOWN.len());
    for (edition, goal, shows) in SHOWN {
        let still = |world: &World| shows(&ask(edition, goal, world, &[]));
        let rolled = (0..ENOUGH).map(World::roll).find(still).unwrap();
        let shrunk = shrink(rolled.clone(), still);
        assert!(still(&shrunk) && size(&shrunk) < size(&rolled) / 4);
        let test = printed(&shrunk, edition, goal);
        assert!(pasted.contains(&test), "not in pasted.rs:\n{test}");
    }
}

/// How many replies there are
fn size(world: &World) -> usize {
    let answers = &world.answers;
    let dns = answers.addresses.len() + answers.services.len();
    dns + answers.pages.len() + answers.peers.len()
}

fn printed(world: &World, edition: Edition, goal: Goal) -> String {
    let lookahead = Lookahead::None;
    let found = Disagreement {
        edition,
        goal,
        lookahead,
        about: "outcome",
        text: ask(edition, goal, world, &[]).into(),
        machine: world.script(edition, goal, lookahead).run().into(),
    };
    print_test(world, &found)
}

/// How many worlds have to be rolled until each has come up
const ENOUGH: u64 = 100_000;

/// What a world shows
type Shows = fn(&Reading) -> bool;

/// What the worlds still show when they are small
const SHOWN: [(Edition, Goal, Shows); 12] = [
    (Edition::V1_8, Goal::Connect, |it| is_found(it, "3.4")),
    (Edition::V1_8, Goal::Resolve, |it| {
        is_found(it, "5") && it.provisional
    }),
    (Edition::V1_8, Goal::Resolve, |it| {
        matches!(
            &it.outcome,
            Outcome::Failed {
                failure: Failure::Gone,
                ..
            }
        )
    }),
    (Edition::V1_8, Goal::Connect, |it| {
        is_unreachable(it, |cause| {
            matches!(
                cause,
                AttemptError::Connect(ConnectError::Tls(TlsError::Certificate(
                    CertificateError::NotValidForName { .. }
                )))
            )
        })
    }),
    (Edition::V1_8, Goal::Connect, |it| {
        is_unreachable(it, |cause| {
            matches!(
                cause,
                AttemptError::AddressRefused(AddressRefusal::Denied(_))
            )
        })
    }),
    (Edition::V1_8, Goal::Connect, |it| {
        let failure = WellKnownFailure::Redirect(RedirectError::TooMany { limit: 5 });
        is_found(it, "6") && it.well_known == Some(Err(failure))
    }),
    (Edition::R0_1, Goal::Connect, |it| {
        let failure = WellKnownFailure::Fetch(FetchError::ConnectionLost);
        is_found(it, "5") && it.well_known == Some(Err(failure))
    }),
    (Edition::V1_8, Goal::Connect, |it| {
        is_unreachable(it, |cause| {
            *cause == AttemptError::Connect(ConnectError::TimedOut)
        })
    }),
    (Edition::R0_1, Goal::Resolve, |it| {
        is_found(it, "3.2") && it.waits.questions > 0
    }),
    (Edition::V1_8, Goal::Connect, |it| {
        is_unreachable(it, |cause| {
            *cause == AttemptError::NoAddress(Absence::NoSuchName)
        })
    }),
    (Edition::V1_8, Goal::Connect, |it| {
        is_unreachable(it, |cause| {
            *cause == AttemptError::Connect(ConnectError::Tls(TlsError::Alert(40)))
        })
    }),
    // A certificate that is not looked at
    (Edition::V1_8, Goal::Connect, |it| {
        is_found(it, "2") && it.asked.connects.iter().any(|(.., verified)| !verified)
    }),
];

fn is_found(text: &Reading, step: &str) -> bool {
    matches!(&text.outcome, Outcome::Found(place) if place.step == step)
}

fn is_unreachable(text: &Reading, by: fn(&AttemptError) -> bool) -> bool {
    match &text.outcome {
        Outcome::Failed {
            failure: Failure::Unreachable(causes),
            ..
        } => causes.iter().any(by),
        _ => false,
    }
}
