//! What a search ends with, put together from where it is.

use alloc::boxed::Box;
use core::mem;

use super::context::Context;
use super::stage::Subject;
use super::targets::Targets;
use crate::edition::Place;
use crate::found::{Connection, Destination, DiscoveryError, DiscoveryErrorKind, Found};
use crate::time::Instant;

/// The end of a search with its targets, and perhaps a connection to one
pub(super) fn found(
    targets: Targets,
    connection: Option<Connection>,
    subject: &Subject,
    context: &mut Context,
) -> Box<Found> {
    let destination = destination(targets, subject, context);
    Box::new(Found {
        destination,
        connection,
        expires: Some(context.expires).filter(|expires| *expires < Instant::END),
        notes: mem::take(&mut context.notes),
    })
}

/// The end of a search before its targets are known
pub(super) fn failed(
    kind: DiscoveryErrorKind,
    place: Place,
    subject: &Subject,
    context: &mut Context,
) -> DiscoveryError {
    DiscoveryError {
        kind,
        edition: context.config.edition,
        place,
        host: subject.name.host().clone(),
        destination: None,
        notes: mem::take(&mut context.notes).into(),
    }
}

/// The end of a search at its targets
pub(super) fn failed_at(
    targets: Targets,
    kind: DiscoveryErrorKind,
    subject: &Subject,
    context: &mut Context,
) -> DiscoveryError {
    let place = Place::Route(targets.route);
    let destination = destination(targets, subject, context);
    let mut error = failed(kind, place, subject, context);
    error.destination = Some(destination.into());
    error
}

fn destination(targets: Targets, subject: &Subject, context: &mut Context) -> Destination {
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
        candidates: targets.into_candidates(name.host(), context),
    }
}
