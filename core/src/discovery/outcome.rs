//! How a search ends: what it found or failed with, put together from where it is.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use super::{Discovery, Goal, Stage, Targets};
use crate::found::{
    Candidate, Connection, Destination, DiscoveryError, DiscoveryErrorKind, Found, Warning,
};

impl Discovery {
    /// Ends the search with its targets, and perhaps a connection to one
    pub(super) fn found(&mut self, targets: &Targets, connection: Option<Connection>) -> Stage {
        let destination = self.destination(targets);
        self.warn_of_targets(targets);
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
        self.warn_of_targets(targets);
        self.fail_with(kind, destination.step(), Some(destination.into()))
    }

    fn fail_with(
        &mut self,
        kind: DiscoveryErrorKind,
        step: &'static str,
        destination: Option<Box<Destination>>,
    ) -> Stage {
        let host = self.subject.name.host().clone();
        let notes = mem::take(&mut self.context.notes).into();
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

    /// What an administrator should know of the hosts that the outcome rests on, once each
    fn warn_of_targets(&mut self, targets: &Targets) {
        for (index, target) in targets.list.iter().enumerate() {
            let known = targets.list[..index]
                .iter()
                .any(|earlier| earlier.host == target.host);
            let Some(name) = target.host.dns_name() else {
                continue;
            };
            if known || !self.has_reached(targets, index) {
                continue;
            }
            // RFC 2782, "Target": "the name MUST NOT be an alias"
            if target.srv.is_some() && self.context.queries.any(name, |found| found.alias) {
                self.warn(Warning::AliasTarget {
                    target: name.clone(),
                });
            }
            if self.context.queries.any(name, |found| found.cut) {
                self.warn(Warning::TooManyAddresses { host: name.clone() });
            }
        }
    }

    /// Whether the outcome rests on a target: a search that connects has looked only as far as the one it is at
    fn has_reached(&self, targets: &Targets, index: usize) -> bool {
        self.goal == Goal::Resolve || index <= targets.current
    }
}
