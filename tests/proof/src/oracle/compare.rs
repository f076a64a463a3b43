//! The machine against the text.

use std::collections::BTreeSet;
use std::fmt;

use fedway_core::{
    Connection, Deadlines, Destination, DiscoveryError, DiscoveryErrorKind, DnsName, Edition,
    Family, Found, Lookahead, ServerName, SrvRecord, Verdict, WellKnownError,
};
use fedway_testkit::script::{Goal, Run};

use super::ask::ask;
use super::net::Reading;
use super::outcome::{Failure, InvalidBody, Outcome, Place, Target, WellKnownFailure};
use super::world::World;

/// Where the machine and the text part
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// The edition read
    pub edition: Edition,
    /// What was searched for
    pub goal: Goal,
    /// Whether DNS was asked ahead
    pub lookahead: Lookahead,
    /// What they differ about
    pub about: &'static str,
    /// What the text says
    pub text: Box<Reading>,
    /// What the machine did
    pub machine: Box<Run>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            edition,
            goal,
            lookahead,
            about,
            ..
        } = self;
        writeln!(
            f,
            "{edition}, {goal:?}, {lookahead:?}: they differ about the {about}"
        )?;
        writeln!(f, "the text: {:#?}", self.text)?;
        writeln!(
            f,
            "the machine: {:#?}\n{}",
            self.machine.outcome, self.machine
        )
    }
}

/// Runs the machine in every way there is: with both goals, and both lookaheads
///
/// # Errors
///
/// The first disagreement with the text.
pub fn check(world: &World, edition: Edition) -> Result<(), Box<Disagreement>> {
    for goal in Goal::ALL {
        for lookahead in [Lookahead::Dns, Lookahead::None] {
            machine_agrees(world, edition, goal, lookahead)?;
        }
        finds_the_same_one_at_a_time(world, edition, goal)?;
    }
    Ok(())
}

/// Drives the machine by a loop that does one thing at a time, under the usual deadlines: it must end where the text does
fn finds_the_same_one_at_a_time(
    world: &World,
    edition: Edition,
    goal: Goal,
) -> Result<(), Box<Disagreement>> {
    let lookahead = Lookahead::Dns;
    let script = world.script(edition, goal, lookahead).one_at_a_time();
    let run = script
        .config(|config| config.deadlines = Deadlines::default())
        .run();
    let text = ask(edition, goal, world, &chance(&run.outcome));
    match difference(&text, &run.outcome, world, Timing::Race) {
        None => Ok(()),
        Some(about) => Err(Box::new(Disagreement {
            edition,
            goal,
            lookahead,
            about,
            text: text.into(),
            machine: run.into(),
        })),
    }
}

/// Runs the machine in one way
///
/// # Errors
///
/// The disagreement with the text, if there is one.
pub fn machine_agrees(
    world: &World,
    edition: Edition,
    goal: Goal,
    lookahead: Lookahead,
) -> Result<(), Box<Disagreement>> {
    let script = world.script(edition, goal, lookahead);
    // Of each world one way of three is recorded, and run again
    let run = match (goal, lookahead) {
        (Goal::Connect, Lookahead::Dns) => script.replayed().0,
        (Goal::Connect | Goal::Resolve, _) => script.run_alone(),
    };
    let text = ask(edition, goal, world, &chance(&run.outcome));
    let about = difference(&text, &run.outcome, world, Timing::OneByOne);
    match about.or_else(|| exchanges(&text, &run, lookahead)) {
        None => Ok(()),
        Some(about) => Err(Box::new(Disagreement {
            edition,
            goal,
            lookahead,
            about,
            text: text.into(),
            machine: run.into(),
        })),
    }
}

/// The order that chance gave the SRV records of a search, for [`ask`]
#[must_use]
pub fn chance(outcome: &Result<Found, DiscoveryError>) -> Vec<SrvRecord> {
    let destination = match outcome {
        Ok(found) => Some(&found.destination),
        Err(error) => error.destination.as_deref(),
    };
    let candidates = destination.map(|it| &*it.candidates).unwrap_or_default();
    let records = candidates.iter().filter_map(|candidate| {
        let (priority, weight) = candidate.srv?;
        Some(SrvRecord {
            priority,
            weight,
            port: candidate.port,
            // An address as it stands in the record's place: brackets are the reader's to take off
            target: DnsName::new(&candidate.target.to_string()).ok()?,
        })
    });
    records.collect()
}

/// How addresses are tried
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// One after the other, in the order of the text
    OneByOne,
    /// In a race: which of a target's addresses wins, and what fails last, is a matter of time
    Race,
}

/// What a search and the text differ about, in where it ended and what became of .well-known
///
/// Of a search by whatever drives the machine.
#[must_use]
pub fn difference(
    text: &Reading,
    outcome: &Result<Found, DiscoveryError>,
    world: &World,
    timing: Timing,
) -> Option<&'static str> {
    // The order of failures is that of the text where each comes when it is asked for
    let in_order = timing == Timing::OneByOne && text.waits.is_none();
    let notes = match outcome {
        Ok(found) => &found.notes,
        Err(error) => &error.notes,
    };
    let well_known = notes.well_known.as_ref();
    let well_known = well_known.map(|it| (it.delegated.as_ref(), it.error.as_ref()));
    if let Some(about) = outcomes(text, outcome, world, timing, in_order) {
        return Some(about);
    }
    if notes.provisional != text.provisional {
        return Some("provisional flag");
    }
    if !same_well_known(text.well_known.as_ref(), well_known, in_order) {
        return Some("failure of .well-known");
    }
    None
}

fn outcomes(
    text: &Reading,
    outcome: &Result<Found, DiscoveryError>,
    world: &World,
    timing: Timing,
    in_order: bool,
) -> Option<&'static str> {
    match (&text.outcome, outcome) {
        (Outcome::Found(place), Ok(found)) => {
            let connected = found.connection.as_ref();
            // The winner of a race may be known before all addresses are
            let whole = timing == Timing::OneByOne || place.connected.is_none();
            destinations(place, &found.destination, world, whole)
                .or(connections(place, connected, timing))
                .or(unverified(text, found, timing))
        }
        (
            Outcome::Failed {
                step,
                host,
                failure,
                place,
            },
            Err(error),
        ) => {
            let same_place = match (place, &error.destination) {
                (None, None) => None,
                (Some(place), Some(destination)) => destinations(place, destination, world, true),
                (None, Some(_)) | (Some(_), None) => Some("destination of a failure"),
            };
            (*step != error.step())
                .then_some("step of a failure")
                .or((*host != error.host).then_some("host of a failure"))
                .or((!same_failure(failure, &error.kind, in_order)).then_some("kind of a failure"))
                .or(same_place)
        }
        (Outcome::Found(_), Err(_)) | (Outcome::Failed { .. }, Ok(_)) => Some("outcome"),
    }
}

/// Which address wins a race, and so whether a rule for a network holds, is a matter of time
fn unverified(text: &Reading, found: &Found, timing: Timing) -> Option<&'static str> {
    let says = found.verdict != Verdict::Verify;
    let connection = found.connection.as_ref();
    let agrees = connection.is_none_or(|connection| connection.verdict == found.verdict);
    let same = timing == Timing::Race || says == text.unverified;
    (!same || !agrees).then_some("skipped verification")
}

fn connections(
    place: &Place,
    connection: Option<&Connection>,
    timing: Timing,
) -> Option<&'static str> {
    let (should, does) = match (place.connected, connection) {
        (None, None) => return None,
        (Some(should), Some(does)) => (should, does),
        (None, Some(_)) | (Some(_), None) => return Some("connection"),
    };
    let is_same = match timing {
        Timing::OneByOne => does.address == should,
        Timing::Race => place.targets.iter().any(|target| {
            target.addresses.contains(&does.address) && target.addresses.contains(&should)
        }),
    };
    (!is_same).then_some("connection")
}

fn destinations(
    place: &Place,
    destination: &Destination,
    world: &World,
    whole: bool,
) -> Option<&'static str> {
    let mut targets = Vec::new();
    for candidate in &destination.candidates {
        for it in &candidate.addresses {
            let verified = !world.skips(&place.certificate, it.address.ip());
            if verified != (it.verdict == Verdict::Verify) {
                return Some("skipped verification");
            }
        }
        targets.push(Target {
            host: candidate.target.clone(),
            port: candidate.port,
            srv: candidate.srv,
            addresses: candidate.addresses.iter().map(|it| it.address).collect(),
        });
    }
    (place.step != destination.step())
        .then_some("step")
        .or((place.host_header != destination.host_header).then_some("Host header"))
        .or((place.certificate != destination.tls_name).then_some("TLS identity"))
        .or((place.sni.as_ref() != destination.sni()).then_some("SNI"))
        .or((!same_targets(&place.targets, &targets, whole)).then_some("destination"))
}

fn same_targets(text: &[Target], machine: &[Target], whole: bool) -> bool {
    let place = |it: &Target| (it.host.clone(), it.port, it.srv);
    match whole {
        true => text == machine,
        false => text.iter().map(place).eq(machine.iter().map(place)),
    }
}

fn same_failure(text: &Failure, machine: &DiscoveryErrorKind, in_order: bool) -> bool {
    match (text, machine) {
        (Failure::Gone, DiscoveryErrorKind::Gone) | (Failure::Onion, DiscoveryErrorKind::Onion) => {
            true
        }
        (Failure::InvalidWellKnown(text), DiscoveryErrorKind::InvalidWellKnown(error)) => {
            same_body(text, error)
        }
        (Failure::NoUsableRecord(owner), DiscoveryErrorKind::NoUsableRecord { service })
        | (Failure::NotOffered(owner), DiscoveryErrorKind::NotOffered { service }) => {
            owner == service
        }
        (Failure::Unreachable(causes), DiscoveryErrorKind::Unreachable(cause)) => {
            is_told(causes, cause, in_order)
        }
        _ => false,
    }
}

/// The one cause that is told is among those there were, and a telling one; in order, it is the last connection that
/// failed, if one did
fn is_told(
    causes: &[fedway_core::AttemptError],
    told: &fedway_core::AttemptError,
    in_order: bool,
) -> bool {
    use fedway_core::AttemptError::{Connect, NoAddress};
    let absence = |cause: &&_| matches!(cause, NoAddress(_));
    let last = causes.iter().rfind(|cause| matches!(cause, Connect(_)));
    match last {
        Some(last) if in_order => told == last,
        Some(_) | None => {
            causes.contains(told) && (!absence(&told) || causes.iter().all(|it| absence(&it)))
        }
    }
}

fn same_body(text: &InvalidBody, machine: &fedway_core::BodyError) -> bool {
    match (text, machine) {
        (InvalidBody::Json, fedway_core::BodyError::Json { .. }) => true,
        (InvalidBody::ServerName(text), fedway_core::BodyError::ServerName(error)) => text == error,
        _ => false,
    }
}

type MachineWellKnown<'a> = (Option<&'a ServerName>, Option<&'a WellKnownError>);

fn same_well_known(
    text: Option<&Result<ServerName, WellKnownFailure>>,
    machine: Option<MachineWellKnown<'_>>,
    in_order: bool,
) -> bool {
    let (text, machine) = match (text, machine) {
        (None, None) => return true,
        (Some(text), Some(machine)) => (text, machine),
        (None, Some(_)) | (Some(_), None) => return false,
    };
    match (text, machine) {
        (Ok(text), (Some(machine), None)) => text == machine,
        (Err(text), (None, Some(machine))) => match (text, machine) {
            (WellKnownFailure::Body(text), WellKnownError::Body(error)) => same_body(text, error),
            (WellKnownFailure::Fetch(text), WellKnownError::Fetch(error)) => text == error,
            (WellKnownFailure::Redirect(text), WellKnownError::Redirect { cause, .. }) => {
                text == cause
            }
            (WellKnownFailure::Status(text), WellKnownError::Status(status)) => text == status,
            (WellKnownFailure::TimedOut, WellKnownError::TimedOut) => true,
            (
                WellKnownFailure::Unreachable(text, causes),
                WellKnownError::Unreachable { host, cause },
            ) => text == host && is_told(causes, cause, in_order),
            _ => false,
        },
        _ => false,
    }
}

/// Everything the text asked, the machine asked; and it connects and sends nothing more, in no other order
fn exchanges(text: &Reading, run: &Run, lookahead: Lookahead) -> Option<&'static str> {
    let questions = run.log.iter().filter_map(|entry| match &entry.command {
        fedway_testkit::script::Command::Ask(question) => Some(question),
        fedway_testkit::script::Command::Cancel(_)
        | fedway_testkit::script::Command::Connect(_)
        | fedway_testkit::script::Command::Get(_) => None,
    });
    let machine: BTreeSet<_> = questions.collect();
    let asked: BTreeSet<_> = text.asked.questions.iter().collect();
    if !machine.is_superset(&asked) || (lookahead == Lookahead::None && machine != asked) {
        return Some("questions asked");
    }
    let dialled = run.dialled();
    if dialled
        .iter()
        .any(|it| it.sni.as_ref() != it.tls_name.dns_name())
    {
        return Some("SNI of a connection");
    }
    let dialled = dialled.into_iter().map(|it| {
        let verified = it.verdict == Verdict::Verify;
        (it.address, it.tls_name.clone(), verified)
    });
    if dialled.collect::<Vec<_>>() != text.asked.connects {
        return Some("connections");
    }
    (run.urls() != text.asked.urls).then_some("requests")
}

/// Both families, for whoever looks through a world
pub(super) const FAMILIES: [Family; 2] = [Family::V6, Family::V4];
