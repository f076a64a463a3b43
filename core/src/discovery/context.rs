//! What the parts of a search share, and which addresses it may use.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::queries::Queries;
use crate::action::{ActionId, Family, Ids};
use crate::answer::Absence;
use crate::config::Config;
use crate::error::{Attempt, AttemptError};
use crate::found::{CandidateAddress, Notes, WellKnown};
use crate::name::Host;
use crate::time::Instant;

/// What the parts of a search share
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) queries: Queries,
    pub(super) ids: Ids,
    pub(super) notes: Notes,
    /// Actions given up that a driver has not been told about
    pub(super) cancelled: Vec<ActionId>,
    /// The latest time seen
    pub(super) now: Instant,
}

impl Context {
    pub(super) fn new(config: Arc<Config>, now: Instant) -> Self {
        Self {
            config,
            queries: Queries::default(),
            ids: Ids::new(),
            notes: Notes::default(),
            cancelled: Vec::new(),
            now,
        }
    }

    /// The addresses of one family of a host that may be dialled, once they are known; what stands against
    /// the others is noted as an attempt
    pub(super) fn admitted(
        &mut self,
        step: &'static str,
        host: &Host,
        port: u16,
        family: Family,
    ) -> Option<Result<Vec<IpAddr>, AttemptError>> {
        let mut list = match self.known(host, family)?.map(Vec::from) {
            Ok(list) => list,
            Err(error) => {
                if let AttemptError::Dns(_) = error {
                    self.note_attempt(step, host, None, error.clone());
                }
                return Some(Err(error));
            }
        };
        let mut refused = Vec::new();
        list.retain(|address| match self.config.addresses.judge(*address) {
            Ok(()) => true,
            Err(refusal) => {
                refused.push((*address, AttemptError::AddressRefused(refusal)));
                false
            }
        });
        let last = refused.last().map(|(_, error)| error.clone());
        for (address, error) in refused {
            self.note_attempt(step, host, Some(SocketAddr::new(address, port)), error);
        }
        Some(match last {
            Some(error) if list.is_empty() => Err(error),
            Some(_) | None => Ok(list),
        })
    }

    /// Both families at once, as [`Self::admitted`]; the more telling error if there is no address
    pub(super) fn admit_host(
        &mut self,
        step: &'static str,
        host: &Host,
        port: u16,
    ) -> Result<(), AttemptError> {
        let v6 = self.admitted(step, host, port, Family::V6);
        let v4 = self.admitted(step, host, port, Family::V4);
        match (v6, v4) {
            (Some(Ok(_)), _) | (_, Some(Ok(_))) => Ok(()),
            (Some(Err(AttemptError::NoAddress(_))) | None, Some(Err(error)))
            | (Some(Err(error)), _) => {
                if let AttemptError::NoAddress(_) = error {
                    self.note_attempt(step, host, None, error.clone());
                }
                Err(error)
            }
            (None, None) => Err(AttemptError::NoAddress(Absence::NoData)),
        }
    }

    pub(super) fn note_attempt(
        &mut self,
        step: &'static str,
        host: &Host,
        address: Option<SocketAddr>,
        error: AttemptError,
    ) {
        self.notes.attempts.push(Attempt {
            step,
            host: host.clone(),
            address,
            error,
        });
    }

    /// The addresses to dial, known so far, families in turn (RFC 8305 §4)
    pub(super) fn candidates(
        &self,
        host: &Host,
        port: u16,
        tls_name: &Host,
    ) -> Vec<CandidateAddress> {
        let allowed = |family| {
            let known = self.known(host, family).and_then(Result::ok);
            let judge = |address: &&IpAddr| self.config.addresses.judge(**address).is_ok();
            known.unwrap_or_default().iter().filter(judge)
        };
        let (mut v6, mut v4) = (allowed(Family::V6), allowed(Family::V4));
        let mut list = Vec::new();
        loop {
            let round = [v6.next(), v4.next()];
            if round == [None, None] {
                return list;
            }
            list.extend(round.into_iter().flatten().map(|address| CandidateAddress {
                address: SocketAddr::new(*address, port),
                verdict: self.config.trust.verdict(tls_name, *address),
            }));
        }
    }

    fn known<'a>(
        &'a self,
        host: &'a Host,
        family: Family,
    ) -> Option<Result<&'a [IpAddr], AttemptError>> {
        match host {
            Host::Ip(address) if Family::of(*address) == family => {
                Some(Ok(core::slice::from_ref(address)))
            }
            Host::Ip(_) => Some(Err(AttemptError::NoAddress(Absence::NoData))),
            Host::Dns(name) => Some(match self.queries.known_addresses(name, family)? {
                Ok(addresses) => match &addresses.list {
                    Ok(list) => Ok(list),
                    Err(absence) => Err(AttemptError::NoAddress(*absence)),
                },
                Err(error) => Err(AttemptError::Dns(*error)),
            }),
        }
    }

    pub(super) fn knows_addresses(&self, host: &Host) -> bool {
        let mut families = [Family::V6, Family::V4].into_iter();
        families.all(|family| self.known(host, family).is_some())
    }

    pub(super) fn look_ahead_to_addresses(&mut self, host: &Host) {
        if let Host::Dns(name) = host {
            self.want_addresses(name);
        }
    }

    /// The record of the .well-known request, from its start
    pub(super) fn well_known(&mut self) -> &mut WellKnown {
        self.notes.well_known.get_or_insert_default()
    }
}
