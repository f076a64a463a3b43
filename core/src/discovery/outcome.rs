//! How a search ends: what it found or failed with, put together from where it is.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use super::{Candidate, Connection, Destination, Discovery, Found, Goal, Stage, Targets, Warning};
use crate::error::{DiscoveryError, DiscoveryErrorKind};

impl Discovery {
    /// Ends the search with its targets, and perhaps a connection to one
    pub(super) fn found(&mut self, targets: &Targets, connection: Option<Connection>) -> Stage {
        let destination = self.destination(targets);
        self.warn_of_aliases(targets);
        let notes = mem::take(&mut self.context.notes);
        Stage::Ended(Some(Box::new(Ok(Found {
            destination,
            connection,
            notes,
        }))))
    }

    /// Ends the search before its targets are known
    pub(super) fn fail(&mut self, kind: DiscoveryErrorKind, step: &'static str) -> Stage {
        self.fail_with(kind, step, None)
    }

    /// Ends the search at its targets
    pub(super) fn fail_at(&mut self, targets: &Targets, kind: DiscoveryErrorKind) -> Stage {
        let destination = self.destination(targets);
        self.warn_of_aliases(targets);
        self.fail_with(kind, destination.step(), Some(destination.into()))
    }

    fn fail_with(
        &mut self,
        kind: DiscoveryErrorKind,
        step: &'static str,
        destination: Option<Box<Destination>>,
    ) -> Stage {
        let host = self.subject.name.host().clone();
        let notes = mem::take(&mut self.context.notes);
        let error = DiscoveryError {
            kind,
            step,
            host,
            destination,
            notes,
        };
        Stage::Ended(Some(Box::new(Err(error))))
    }

    fn destination(&self, targets: &Targets) -> Destination {
        let name = &self.subject.name;
        let host_header = if self.rules().port_in_host_header {
            name.as_str()
        } else {
            name.hostname()
        };
        let candidates = targets
            .list
            .iter()
            .enumerate()
            .map(|(index, target)| Candidate {
                target: target.host.clone(),
                port: target.port,
                srv: target.srv,
                addresses: if self.has_reached(targets, index) {
                    self.context
                        .candidates(&target.host, target.port, name.host())
                } else {
                    Vec::new()
                },
            });
        Destination {
            edition: self.context.config.edition,
            route: targets.route,
            host_header: host_header.into(),
            tls_name: name.host().clone(),
            candidates: candidates.collect(),
        }
    }

    /// RFC 2782, "Target": "the name MUST NOT be an alias"
    fn warn_of_aliases(&mut self, targets: &Targets) {
        for (index, target) in targets.list.iter().enumerate() {
            if let Some(name) = target.host.dns_name()
                && target.srv.is_some()
                && self.has_reached(targets, index)
                && self.context.queries.is_alias(name)
                && !targets.list[..index]
                    .iter()
                    .any(|earlier| earlier.host == target.host)
            {
                self.warn(Warning::AliasTarget {
                    target: name.clone(),
                });
            }
        }
    }

    /// Whether the outcome rests on a target: a search that connects has looked only as far as the one it is at
    fn has_reached(&self, targets: &Targets, index: usize) -> bool {
        self.goal == Goal::Resolve || index <= targets.current
    }
}
