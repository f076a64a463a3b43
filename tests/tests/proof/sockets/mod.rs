//! Real sockets: while faults come and go, every search ends where the text says, in time, and leaves nothing open.
//!
//! A [`Case`] is made up from its number: a world that the oracle rolled, what the search is told, and a
//! [schedule](schedule::Schedule) of faults that a driver has to cope with. On a failure all of it is printed.
//!
//! `FEDWAY_SEARCHES` sets how many searches each runtime makes, 150 otherwise; `FEDWAY_FIRST` the first number.

mod build;
mod case;
mod schedule;
mod sighting;
mod tame;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;
use std::vec::IntoIter;

use fedway_core::Lookahead;
use fedway_testkit::oracle::{Reading, ask, chance, difference};
use fedway_testkit::script::{Goal, RecordKind};
use fedway_testkit::world::ConnectionFault;

use self::build::Build;
use self::case::Case;
use self::sighting::Sighting;
use crate::end::End;
use crate::leaks::{eventually, open_files_limit, sockets_to};
use crate::runtime::Runtime;

on_every_runtime! {
    searches_end_where_the_text_says_while_faults_come_and_go,
}

fn searches_end_where_the_text_says_while_faults_come_and_go<R: Runtime>() {
    let first = number("FEDWAY_FIRST", 0);
    let searches = number("FEDWAY_SEARCHES", SEARCHES);
    let cases = (first..).filter_map(Case::roll).take(searches);
    let (patient, brisk): (Vec<_>, Vec<_>) = cases.partition(|case| case.waits > 0);
    let started = Instant::now();
    let failure = Mutex::new(None);
    let files = open_files_limit() / FILES_OF_A_WORLD;
    thread::scope(|scope| {
        for (cases, at_once) in [(brisk, BRISK), (patient, PATIENT.min(files))] {
            let cases = Arc::new(Mutex::new(cases.into_iter()));
            for _ in 0..at_once {
                let cases = Arc::clone(&cases);
                scope.spawn(|| make_all::<R>(cases, &failure));
            }
        }
    });
    if let Some(report) = failure.into_inner().unwrap() {
        panic!("{report}");
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{searches} searches from number {first}: {seconds:.0} s");
}

/// Makes searches until there are no more, or one has failed
fn make_all<R: Runtime>(cases: Arc<Mutex<IntoIter<Case>>>, failure: &Mutex<Option<String>>) {
    while failure.lock().unwrap().is_none() {
        let Some(case) = cases.lock().unwrap().next() else {
            return;
        };
        if let Err(report) = search::<R>(&case) {
            *failure.lock().unwrap() = Some(report);
        }
    }
}

fn number<T: std::str::FromStr>(variable: &str, otherwise: T) -> T {
    let text = std::env::var(variable).ok();
    let number = text.map(|text| text.parse().ok().unwrap_or_else(|| panic!("{variable}")));
    number.unwrap_or(otherwise)
}

/// Makes the search of a case; what is wrong with it
fn search<R: Runtime>(case: &Case) -> Result<(), String> {
    let build = Build::new(&case.world);
    let world = build.plan.start().unwrap();
    let sighting = Sighting::of::<R>(case, &world);
    let order = chance(&sighting.outcome);
    let text = ask(case.edition, case.goal, &case.world, &order);
    let about = if sockets_to(&world) > 0 || !eventually(|| world.open_connections() == 0) {
        Some("sockets it left open")
    } else if sighting.elapsed > sighting::MOST_TIME {
        Some("time it took")
    } else {
        ends(case, &text, &sighting)
            .or_else(|| connections(case, &text, &sighting, &build.peers))
            .or_else(|| exchanges(case, &text, &sighting))
    };
    let Some(about) = about else { return Ok(()) };
    Err(format!(
        "search {number}: the {about}\n{case:#?}\n{text:#?}\n{sighting:#?}\n{:#?}\n\
         FEDWAY_FIRST={number} FEDWAY_SEARCHES=1 cargo test -p fedway-testkit --test proof sockets",
        world.log(),
        number = case.number
    ))
}

/// Where one thing was done after the other, the end is the text's; in a race, which address of a target wins is a
/// matter of time
fn ends(case: &Case, text: &Reading, sighting: &Sighting) -> Option<&'static str> {
    if !case.races {
        return difference(text, &sighting.outcome, &case.world);
    }
    let (should, does) = (
        End::read(text, case.goal),
        End::of(&sighting.outcome, case.goal),
    );
    (should != does).then_some("end of the race")
}

/// One after the other, nothing is dialled but what the text dials
fn connections(
    case: &Case,
    text: &Reading,
    sighting: &Sighting,
    peers: &build::Peers,
) -> Option<&'static str> {
    let mut dialled: Vec<_> = text.asked.connects.iter().map(|it| it.0).collect();
    dialled.retain(|address| {
        !matches!(
            peers.get(address),
            None | Some(Some(ConnectionFault::Refused))
        )
    });
    (!case.races && sighting.accepted != dialled).then_some("connections")
}

/// SRV questions, requests, and who answers at the end
fn exchanges(case: &Case, text: &Reading, sighting: &Sighting) -> Option<&'static str> {
    let questions = text.asked.questions.iter();
    let services = questions.filter(|it| it.kind == RecordKind::Srv);
    let services: BTreeSet<_> = services.map(|it| it.name.to_string()).collect();
    let same_services = match case.lookahead {
        Lookahead::Dns => sighting.services.is_superset(&services),
        Lookahead::None => sighting.services == services,
    };
    let found = sighting.outcome.as_ref().ok();
    let answers = match case.goal {
        Goal::Connect => found.map(|it| (200, it.destination.host_header.clone())),
        Goal::Resolve => None,
    };
    (sighting.urls != text.asked.urls)
        .then_some("requests")
        .or((!same_services).then_some("services it asked for"))
        .or((sighting.version != answers).then_some("answer of the server found"))
}

/// The share of continuous integration
const SEARCHES: usize = 150;

/// How many searches are made at once that nothing keeps waiting: they would only wait for a processor
const BRISK: usize = 2;

/// How many are that wait for something, most of the time
const PATIENT: usize = 16;

/// Listeners, and both ends of each connection
const FILES_OF_A_WORLD: usize = 100;
