//! How a search ends: with what it found or failed with, put together from where it is.

use alloc::boxed::Box;
use core::mem;

use super::context::Context;
use super::stage::{Stage, Subject};
use super::targets::Targets;
use crate::action::ActionId;
use crate::edition::Place;
use crate::found::{Connection, Destination, DiscoveryError, DiscoveryErrorKind, Found};
use crate::time::Instant;
use crate::trust::Verdict;

/// The search ends with its targets, and perhaps a connection to one
pub(super) fn found(
    targets: &mut Targets,
    mut connection: Option<Connection>,
    subject: &Subject,
    context: &mut Context,
) -> Stage {
    let destination = destination(targets, subject, context);
    let skipped = context.notes.skipped().cloned();
    let verdict = skipped.map_or(Verdict::Verify, Verdict::Skip);
    if let Some(connection) = &mut connection {
        connection.verdict = verdict.clone();
    }
    Stage::Ended(Some(Ok(Box::new(Found {
        destination,
        connection,
        verdict,
        expires: Some(context.expires).filter(|expires| *expires < Instant::END),
        notes: mem::take(&mut context.notes),
    }))))
}

/// The search ends before its targets are known
pub(super) fn failed(
    kind: DiscoveryErrorKind,
    place: Place,
    subject: &Subject,
    context: &mut Context,
) -> Stage {
    Stage::Ended(Some(Err(error(kind, place, None, subject, context))))
}

/// The search ends at its targets, of which none will do
pub(super) fn failed_at(
    targets: &mut Targets,
    kind: DiscoveryErrorKind,
    subject: &Subject,
    context: &mut Context,
) -> Stage {
    let place = Place::Route(targets.route);
    let destination = Some(destination(targets, subject, context).into());
    Stage::Ended(Some(Err(error(kind, place, destination, subject, context))))
}

/// The session that goes with an outcome nobody was told of
pub(super) fn session(outcome: &Option<Result<Box<Found>, DiscoveryError>>) -> Option<ActionId> {
    let found = outcome.as_ref()?.as_ref().ok()?;
    Some(found.connection.as_ref()?.id)
}

fn error(
    kind: DiscoveryErrorKind,
    place: Place,
    destination: Option<Box<Destination>>,
    subject: &Subject,
    context: &mut Context,
) -> DiscoveryError {
    DiscoveryError {
        kind,
        edition: context.config.edition,
        place,
        host: subject.name.host().clone(),
        destination,
        notes: mem::take(&mut context.notes).into(),
    }
}

fn destination(targets: &mut Targets, subject: &Subject, context: &mut Context) -> Destination {
    let name = &subject.name;
    let edition = context.config.edition;
    let host_header = if edition.rules().port_in_host_header {
        name.as_str()
    } else {
        name.hostname()
    };
    Destination {
        edition,
        route: targets.route,
        host_header: host_header.into(),
        tls_name: name.host().clone(),
        candidates: targets.take_candidates(name.host(), context),
    }
}
