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
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use std::vec::IntoIter;

use fedway_core::{DiscoveryError, Found, Lookahead};
use fedway_proof::leaks::{eventually, open_files_limit, sockets_to};
use fedway_proof::on_every_runtime;
use fedway_proof::oracle::{Reading, Timing, ask, chance, difference};
use fedway_proof::runtime::Runtime;
use fedway_testkit::script::{Goal, Question, RecordKind};
use fedway_testkit::world::ConnectionFault;

use self::build::{Build, Peers};
use self::case::Case;
use self::sighting::{Sighting, config};

on_every_runtime! {
    searches_end_where_the_text_says_while_faults_come_and_go,
}

fn searches_end_where_the_text_says_while_faults_come_and_go<R: Runtime>() {
    // One runtime after the other: both at once would only wait for processors and files
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let first = number("FEDWAY_FIRST", 0);
    let searches = number("FEDWAY_SEARCHES", SEARCHES);
    let cases = (first..).filter_map(Case::roll).take(searches);
    // Where there is no room for more worlds, those that wait take their turn with the others
    let worlds = (open_files_limit() / FILES_OF_A_WORLD).max(1);
    let is_brisk = |case: &Case| worlds <= BRISK || case.waits.is_none();
    let (brisk, patient): (Vec<_>, Vec<_>) = cases.partition(is_brisk);
    let pools = [
        (brisk, BRISK.min(worlds)),
        (patient, PATIENT.min(worlds.saturating_sub(BRISK))),
    ];
    let started = Instant::now();
    let failure = Mutex::new(None);
    thread::scope(|scope| {
        for (cases, at_once) in pools {
            let cases = Arc::new(Mutex::new(cases.into_iter()));
            for _ in 0..at_once {
                let cases = Arc::clone(&cases);
                scope.spawn(|| search_all::<R>(cases, &failure));
            }
        }
    });
    if let Some(report) = failure.into_inner().unwrap() {
        panic!("{report}");
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{searches} searches from number {first}: {seconds:.0} s");
}

fn number<T: std::str::FromStr>(variable: &str, otherwise: T) -> T {
    let Ok(text) = std::env::var(variable) else {
        return otherwise;
    };
    let number = text.parse().ok();
    number.unwrap_or_else(|| panic!("{variable}: {text:?} is no number"))
}

/// Makes searches until there are no more, or one has failed
fn search_all<R: Runtime>(cases: Arc<Mutex<IntoIter<Case>>>, failure: &Mutex<Option<String>>) {
    while failure.lock().unwrap().is_none() {
        let Some(case) = cases.lock().unwrap().next() else {
            return;
        };
        let wrong = catch_unwind(AssertUnwindSafe(|| search::<R>(&case)));
        if let Err(report) = wrong.unwrap_or_else(|_| Err("a panic, see above".to_owned())) {
            let number = case.number;
            let report = format!(
                "search {number}: {report}\n{case:#?}\nFEDWAY_FIRST={number} FEDWAY_SEARCHES=1 \
                 cargo test -p fedway-proof --test proof sockets"
            );
            failure.lock().unwrap().get_or_insert(report);
        }
    }
}

/// Makes the search of a case; what is wrong with it
fn search<R: Runtime>(case: &Case) -> Result<(), String> {
    let Build { plan, peers, .. } = Build::new(&case.world);
    let world = plan.start().unwrap();
    let sighting = Sighting::of::<R>(case, &world);
    let order = chance(&sighting.outcome);
    let text = ask(case.edition, case.goal, &case.world, &order);
    let about = if sockets_to(&world) > 0 || !eventually(|| world.open_connections() == 0) {
        Some("sockets it left open")
    } else if sighting.elapsed > case.longest(text.waits) {
        Some("time it took")
    } else {
        end(case, &text, &sighting.outcome)
            .or_else(|| connections(case, &text, &sighting, &peers))
            .or_else(|| questions(case, &text, &sighting.questions))
            .or_else(|| requests(case, &text, &sighting))
    };
    let Some(about) = about else { return Ok(()) };
    let log = world.log();
    Err(format!("the {about}\n{text:#?}\n{sighting:#?}\n{log:#?}"))
}

/// The end is the text's
fn end(
    case: &Case,
    text: &Reading,
    outcome: &Result<Found, DiscoveryError>,
) -> Option<&'static str> {
    let timing = match case.races {
        true => Timing::Race,
        false => Timing::OneByOne,
    };
    difference(text, outcome, &case.world, timing)
}

/// Nothing is dialled that may not be; and one after the other, just what the text dials, by the names it says
fn connections(
    case: &Case,
    text: &Reading,
    sighting: &Sighting,
    peers: &Peers,
) -> Option<&'static str> {
    use ConnectionFault::{HangAfterAccept, Refused, Reset};
    let addresses = config(case).addresses;
    let mut accepted = sighting.accepted.iter();
    if accepted.any(|address| addresses.judge(address.ip()).is_err()) {
        return Some("address that may not be dialled");
    }
    if case.races {
        return None;
    }
    let mut dialled: Vec<_> = text.asked.connects.iter().collect();
    dialled.retain(|(address, ..)| !matches!(peers.get(address), None | Some(Some(Refused))));
    let accepted = dialled.iter().map(|(address, ..)| *address);
    let is_same = accepted.eq(sighting.accepted.iter().copied());
    // These do not read what greets them
    dialled
        .retain(|(address, ..)| !matches!(peers.get(address), Some(Some(HangAfterAccept | Reset))));
    let greeted = dialled.iter().map(|(address, host, _)| {
        let sni = host.dns_name().map(ToString::to_string);
        (*address, sni)
    });
    let greets_the_same = greeted.eq(sighting.greeted.iter().cloned());
    (!is_same)
        .then_some("connections")
        .or((!greets_the_same).then_some("server names sent"))
}

/// SRV is asked where the text asks it, and without looking ahead nothing is asked beyond the text
///
/// A question for an address may have been given up before it was sent, when the other family won.
fn questions(case: &Case, text: &Reading, questions: &BTreeSet<Question>) -> Option<&'static str> {
    let asked: BTreeSet<_> = text.asked.questions.iter().cloned().collect();
    let is_srv = |question: &&Question| question.kind == RecordKind::Srv;
    let misses_srv = asked.difference(questions).any(|it| is_srv(&it));
    let asks_more = case.lookahead == Lookahead::None && !questions.is_subset(&asked);
    let mut names = questions.iter().map(|question| &question.name);
    misses_srv
        .then_some("SRV records it did not ask for")
        .or(asks_more.then_some("questions beyond the text"))
        .or(names
            .any(|name| name.is_within("onion"))
            .then_some(".onion name sent to DNS"))
}

/// The requests are the text's, and the session found is one with the server found
fn requests(case: &Case, text: &Reading, sighting: &Sighting) -> Option<&'static str> {
    let found = sighting.outcome.as_ref().ok();
    let connection =
        found.and_then(|found| found.connection.as_ref().zip(Some(&found.destination)));
    let version = connection.map(|(connection, destination)| {
        let sni = destination.sni().map(ToString::to_string);
        (connection.address, sni, destination.host_header.clone())
    });
    let status = (found.is_some() && case.goal == Goal::Connect).then_some(200);
    (sighting.urls != text.asked.urls)
        .then_some("requests")
        .or((sighting.version != version).then_some("request over the session found"))
        .or((sighting.status != status).then_some("answer over the session found"))
}

/// The share of continuous integration
const SEARCHES: usize = 150;

/// How many searches are made at once that nothing keeps waiting: more would only wait for a processor
const BRISK: usize = 2;

/// How many are that wait for something, most of the time
const PATIENT: usize = 24;

/// Listeners, and both ends of each connection
const FILES_OF_A_WORLD: usize = 200;
