//! The addresses of one target, as they become known.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::net::{IpAddr, SocketAddr};

use super::context::Context;
use super::queries::{HostId, Want};
use crate::address::{AddressRefusal, Family};
use crate::answer::History;
use crate::config::Config;
use crate::edition::Place;
use crate::error::{AttemptError, Fault};
use crate::found::{CandidateAddress, Notes};
use crate::name::Host;
use crate::time::Instant;

/// The addresses of one target, as they become known: those that may be dialled, each with its verdict
#[derive(Clone, Debug)]
pub(super) struct Reach {
    pub(super) place: Place,
    pub(super) host: Host,
    pub(super) port: u16,
    /// Where the host's questions are, unless it is an address itself
    queries: Option<HostId>,
    /// What is known of each of [`FAMILIES`]: the addresses, or why there are none
    known: [Option<Result<Vec<CandidateAddress>, Box<AttemptError>>>; 2],
    /// Whether the host is an alias
    pub(super) alias: bool,
    /// Whether it has more addresses than are tried
    pub(super) cut: bool,
    /// How long what is known may be believed
    pub(super) until: Instant,
    /// Whether any of it is served beyond its time
    pub(super) stale: bool,
    /// What became of the addresses of each of [`FAMILIES`] before
    history: [History; 2],
}

/// Which of the addresses of a target: there are sixteen of a family at most
#[derive(Clone, Copy, Debug)]
pub(super) struct Which {
    pub(super) family: Family,
    pub(super) index: u8,
}

impl Reach {
    pub(super) fn new(place: Place, host: &Host, port: u16, context: &mut Context) -> Self {
        let name = host.dns_name();
        Self {
            place,
            host: host.clone(),
            port,
            queries: name.map(|name| context.queries.host(name)),
            known: [None, None],
            alias: false,
            cut: false,
            until: Instant::END,
            stale: false,
            history: [History::default(); 2],
        }
    }

    /// Wants what is not known yet, and takes what has become known; whether anything has
    pub(super) fn advance(&mut self, tls_name: &Host, context: &mut Context) -> bool {
        if self.is_known() {
            return false;
        }
        self.want(context);
        self.take(tls_name, context)
    }

    /// Takes what has become known, if anything has; what stands against an address is noted as an attempt
    pub(super) fn take(&mut self, tls_name: &Host, context: &mut Context) -> bool {
        let mut news = false;
        for (index, family) in FAMILIES.into_iter().enumerate() {
            if self.known[index].is_none() {
                self.known[index] = match self.host {
                    Host::Ip(address) => Some(self.literal(address, family, tls_name, context)),
                    // Not asked for, and nothing that could have been found out
                    Host::Dns(_) if !context.config.families.has(family) => Some(Ok(Vec::new())),
                    Host::Dns(_) => self.answer(family, tls_name, context),
                };
                news |= self.known[index].is_some();
            }
        }
        news
    }

    /// Wants what the host's questions are to tell
    pub(super) fn want(&self, context: &mut Context) {
        if let Some(host) = self.queries {
            let families = context.config.families;
            let Context { queries, ids, .. } = context;
            queries.want_addresses(host, Want::Now, families, ids);
        }
    }

    /// Whether there is an answer for both families, taken or not
    pub(super) fn is_answered(&self, context: &Context) -> bool {
        self.queries.is_none_or(|host| {
            let families = context.config.families;
            FAMILIES.into_iter().all(|family| {
                !families.has(family) || context.queries.addresses(host, family).is_some()
            })
        })
    }

    /// Whether both families are known
    pub(super) fn is_known(&self) -> bool {
        self.known.iter().all(Option::is_some)
    }

    /// Whether a family is not known yet
    pub(super) fn awaits(&self, family: Family) -> bool {
        self.known[index(family)].is_none()
    }

    /// The addresses of a family that are known
    pub(super) fn of(&self, family: Family) -> &[CandidateAddress] {
        match &self.known[index(family)] {
            Some(Ok(list)) => list,
            Some(Err(_)) | None => &[],
        }
    }

    /// The address that comes after so many of IPv6 and of IPv4: what worked before, then what is new, then what failed
    /// lately (RFC 8305 §8); of two alike the families in turn, IPv6 first (RFC 8305 §4)
    pub(super) fn after(&self, v6: usize, v4: usize, last: Option<Family>) -> Option<Which> {
        let is_there = |family, index| index < self.of(family).len();
        let family = match (is_there(Family::V6, v6), is_there(Family::V4, v4)) {
            (false, false) => return None,
            (true, false) => Family::V6,
            (false, true) => Family::V4,
            (true, true) => {
                let of_v6 = self.standing(Family::V6, v6);
                match of_v6.cmp(&self.standing(Family::V4, v4)) {
                    Ordering::Less => Family::V6,
                    Ordering::Greater => Family::V4,
                    Ordering::Equal if last == Some(Family::V6) => Family::V4,
                    Ordering::Equal => Family::V6,
                }
            }
        };
        let index = if family == Family::V6 { v6 } else { v4 };
        // There are sixteen of a family at most
        let index = index as u8;
        Some(Which { family, index })
    }

    /// Whether there are addresses, of which none is better than one that failed lately
    pub(super) fn has_only_failed(&self) -> bool {
        let mut known = FAMILIES
            .into_iter()
            .filter(|family| !self.of(*family).is_empty());
        known.all(|family| self.standing(family, 0) == Standing::Failed)
    }

    /// What became of an address before
    #[inline]
    fn standing(&self, family: Family, index: usize) -> Standing {
        let History { worked, failed } = self.history[self::index(family)];
        if index < usize::from(worked) {
            Standing::Worked
        } else if failed > 0 && index + usize::from(failed) >= self.of(family).len() {
            Standing::Failed
        } else {
            Standing::New
        }
    }

    pub(super) fn at(&self, which: Which) -> &CandidateAddress {
        &self.of(which.family)[usize::from(which.index)]
    }

    /// Whether there is an address to dial
    pub(super) fn has_any(&self) -> bool {
        FAMILIES
            .into_iter()
            .any(|family| !self.of(family).is_empty())
    }

    /// The most telling reason for having no address of a family: our own failure tells most, any failure more than an
    /// absence; of two that tell as much, that of IPv4, which fewer hosts are without
    pub(super) fn cause(&self) -> Option<&AttemptError> {
        let errors = self.known.iter().filter_map(|known| match known {
            Some(Err(error)) => Some(&**error),
            Some(Ok(_)) | None => None,
        });
        // Of several, `max_by_key` takes the last
        errors.max_by_key(|error| {
            let is_absence = matches!(error, AttemptError::NoAddress(_));
            (error.fault() == Fault::Ours, !is_absence)
        })
    }

    /// The addresses in the order to dial them
    pub(super) fn into_candidates(mut self) -> Vec<CandidateAddress> {
        let [v6, v4] = FAMILIES.map(|family| self.of(family).len());
        if v6 == 0 || v4 == 0 {
            let only = if v4 == 0 { Family::V6 } else { Family::V4 };
            let known = self.known[index(only)].take();
            return known.and_then(Result::ok).unwrap_or_default();
        }
        let mut list = Vec::with_capacity(v6 + v4);
        let (mut v6, mut v4, mut last) = (0, 0, None);
        while let Some(which) = self.after(v6, v4, last) {
            list.push(self.at(which).clone());
            last = Some(which.family);
            match which.family {
                Family::V6 => v6 += 1,
                Family::V4 => v4 += 1,
            }
        }
        list
    }

    /// An address that stands in place of a name; of the other family there is nothing to say
    fn literal(
        &self,
        address: IpAddr,
        family: Family,
        tls_name: &Host,
        context: &mut Context,
    ) -> Result<Vec<CandidateAddress>, Box<AttemptError>> {
        if Family::of(address) != family {
            return Ok(Vec::new());
        }
        if !context.config.families.has(family) {
            let error = AttemptError::FamilyOff(family);
            let address = SocketAddr::new(address, self.port);
            let notes = &mut context.notes;
            notes.attempt(self.place, &self.host, Some(address), error.clone());
            return Err(error.into());
        }
        match context.config.addresses.judge(address) {
            Ok(()) => Ok(vec![self.candidate(address, tls_name, &context.config)]),
            Err(refusal) => Err(self.refuse(address, refusal, &mut context.notes).into()),
        }
    }

    /// What DNS said of a family, once it has
    fn answer(
        &mut self,
        family: Family,
        tls_name: &Host,
        context: &mut Context,
    ) -> Option<Result<Vec<CandidateAddress>, Box<AttemptError>>> {
        let Context {
            queries,
            notes,
            config,
            ..
        } = context;
        let known = queries.use_addresses(self.queries?, family)?;
        self.until = self.until.min(known.until);
        let addresses = match &known.result {
            Ok(addresses) => addresses,
            Err(error) => {
                let error = AttemptError::Dns(*error);
                notes.attempt(self.place, &self.host, None, error.clone());
                return Some(Err(error.into()));
            }
        };
        self.stale |= addresses.stale;
        self.alias |= addresses.alias;
        self.cut |= addresses.cut;
        let mut error = AttemptError::NoAddress(addresses.absence);
        for (address, refusal) in &addresses.refused {
            error = self.refuse(*address, *refusal, notes);
        }
        if addresses.dialable.is_empty() {
            return Some(Err(error.into()));
        }
        self.history[index(family)] = addresses.history;
        let dialable = addresses.dialable.iter();
        let candidates = dialable.map(|address| self.candidate(*address, tls_name, config));
        Some(Ok(candidates.collect()))
    }

    fn candidate(&self, address: IpAddr, tls_name: &Host, config: &Config) -> CandidateAddress {
        CandidateAddress {
            address: SocketAddr::new(address, self.port),
            verdict: config.trust.verdict(tls_name, address),
        }
    }

    fn refuse(&self, address: IpAddr, refusal: AddressRefusal, notes: &mut Notes) -> AttemptError {
        let error = AttemptError::AddressRefused(refusal);
        let address = SocketAddr::new(address, self.port);
        notes.attempt(self.place, &self.host, Some(address), error.clone());
        error
    }
}

/// What became of an address before, the best first
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Worked,
    New,
    Failed,
}

/// IPv6 first (RFC 8305 §3)
const FAMILIES: [Family; 2] = [Family::V6, Family::V4];

fn index(family: Family) -> usize {
    match family {
        Family::V6 => 0,
        Family::V4 => 1,
    }
}
