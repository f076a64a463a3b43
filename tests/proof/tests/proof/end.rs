//! Where a search ends, without what time decides.

use std::net::SocketAddr;

use fedway_core::{Candidate, Destination, DiscoveryError, DiscoveryErrorKind, Found};
use fedway_proof::oracle::{Failure, Outcome, Place, Reading, Target};
use fedway_testkit::script::Goal;

/// What a search may end with: the text's outcome without what time decides
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End(pub(crate) String);

impl End {
    /// What the text ends with
    pub(crate) fn read(reading: &Reading, goal: Goal) -> Self {
        match &reading.outcome {
            Outcome::Found(place) => Self::found(place, goal, reading.provisional),
            Outcome::Failed { step, failure, .. } => Self(format!("{} at {step}", kind(failure))),
        }
    }

    fn found(place: &Place, goal: Goal, provisional: bool) -> Self {
        let targets: Vec<_> = place
            .targets
            .iter()
            .map(|it| (&it.host, it.port, it.srv))
            .collect();
        let reached: Vec<_> = match goal {
            // Which of its addresses wins is a matter of time, which target is not
            Goal::Connect => {
                let holds = |it: &&Target| {
                    place
                        .connected
                        .is_some_and(|address| it.addresses.contains(&address))
                };
                place
                    .targets
                    .iter()
                    .filter(holds)
                    .map(|it| it.host.to_string())
                    .take(1)
                    .collect()
            }
            Goal::Resolve => place
                .targets
                .iter()
                .flat_map(|it| it.addresses.iter().map(ToString::to_string))
                .collect(),
        };
        Self(format!(
            "{} Host {} certificate {} SNI {:?} {targets:?} {reached:?} provisional {provisional}",
            place.step, place.host_header, place.certificate, place.sni
        ))
    }

    /// What the machine ended with
    pub(crate) fn of(outcome: &Result<Box<Found>, DiscoveryError>, goal: Goal) -> Self {
        match outcome {
            Ok(found) => {
                let connected = found.connection.as_ref().map(|it| it.address);
                let place = place(&found.destination, connected);
                Self::found(&place, goal, found.notes.provisional)
            }
            Err(error) => {
                let kind = match &error.kind {
                    DiscoveryErrorKind::InvalidWellKnown(_) => "InvalidWellKnown",
                    DiscoveryErrorKind::NotOffered { .. } => "NotOffered",
                    DiscoveryErrorKind::NoUsableRecord { .. } => "NoUsableRecord",
                    DiscoveryErrorKind::Unreachable(_) => "Unreachable",
                    DiscoveryErrorKind::TimedOut => return Self("TimedOut".to_owned()),
                    other => panic!("no small world ends so: {other:?}"),
                };
                Self(format!("{kind} at {}", error.step()))
            }
        }
    }
}

fn kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::Gone => "Gone",
        Failure::InvalidWellKnown(_) => "InvalidWellKnown",
        Failure::NotOffered(_) => "NotOffered",
        Failure::NoUsableRecord(_) => "NoUsableRecord",
        Failure::Onion => "Onion",
        Failure::Unreachable(_) => "Unreachable",
    }
}

fn place(destination: &Destination, connected: Option<SocketAddr>) -> Place {
    let target = |it: &Candidate| Target {
        host: it.target.clone(),
        port: it.port,
        srv: it.srv,
        addresses: it.addresses.iter().map(|it| it.address).collect(),
    };
    Place {
        step: destination.step(),
        host_header: destination.host_header.clone(),
        certificate: destination.tls_name.clone(),
        sni: destination.sni().cloned(),
        targets: destination.candidates.iter().map(target).collect(),
        connected,
    }
}
