//! What a reader of the text can do: ask a name, connect to an address, send a request. One at a time.

use std::net::{IpAddr, SocketAddr};

use fedway_core::{
    Absence, Answer, AttemptError, CertificateError, ConnectError, DnsError, DnsName, Family, Host,
    ServerName, SrvRecord, TlsError,
};
use fedway_testkit::script::{Goal, Peer, Question, RecordKind, Reply};

use super::Reading;
use super::address::Judge;
use super::outcome::{Failure, Outcome, Place, Target, WellKnownFailure};
use super::world::World;

/// A world, and what was asked of it
pub(super) struct Net<'a> {
    goal: Goal,
    pub(super) world: &'a World,
    chance: &'a [SrvRecord],
    judge: Judge,
    pub(super) asked: Asked,
    provisional: bool,
    pub(super) waits: Waits,
    well_known: Option<Result<ServerName, WellKnownFailure>>,
}

/// What was asked, in order
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Of DNS
    pub questions: Vec<Question>,
    /// Connections: where to, for which name, and whether the certificate was verified
    pub connects: Vec<(SocketAddr, Host, bool)>,
    /// Requests
    pub urls: Vec<String>,
}

/// How much of what was asked never answered
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// DNS questions
    pub questions: usize,
    /// Connections
    pub connects: usize,
    /// Requests
    pub urls: usize,
}

impl Waits {
    /// Whether all of it answered
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl<'a> Net<'a> {
    pub(super) fn new(goal: Goal, world: &'a World, chance: &'a [SrvRecord]) -> Self {
        Self {
            goal,
            world,
            chance,
            judge: Judge::new(world),
            asked: Asked::default(),
            provisional: false,
            waits: Waits::default(),
            well_known: None,
        }
    }

    pub(super) fn close(self, outcome: Outcome) -> Reading {
        Reading {
            outcome,
            provisional: self.provisional,
            well_known: self.well_known,
            asked: self.asked,
            waits: self.waits,
        }
    }

    /// "that IP address should be used, together with the given port number"
    pub(super) fn go_to_address(
        &mut self,
        step: &'static str,
        address: IpAddr,
        port: u16,
        host_header: &str,
    ) -> Outcome {
        let target = Target {
            host: Host::Ip(address),
            port,
            srv: None,
            addresses: Vec::new(),
        };
        self.requests(step, vec![target], host_header, &Host::Ip(address))
    }

    /// "resolve the hostname to an IP address"
    pub(super) fn go_to_host(
        &mut self,
        step: &'static str,
        host: &DnsName,
        port: u16,
        host_header: &str,
    ) -> Outcome {
        if is_onion(host) {
            return Outcome::failed(step, host, Failure::Onion);
        }
        let host = Host::Dns(host.clone());
        let target = Target {
            host: host.clone(),
            port,
            srv: None,
            addresses: Vec::new(),
        };
        self.requests(step, vec![target], host_header, &host)
    }

    /// "an SRV record is looked up"; `None` if it "was not found"
    pub(super) fn go_to_srv(
        &mut self,
        step: &'static str,
        service: &str,
        host: &DnsName,
        host_header: &str,
    ) -> Option<Outcome> {
        if is_onion(host) {
            return Some(Outcome::failed(step, host, Failure::Onion));
        }
        let owner = DnsName::new(&format!("{service}.{host}")).ok()?;
        let records = self.srv(&owner)?;
        // RFC 2782: "A Target of "." means that the service is decidedly not available at this domain."
        if !records.is_empty() && records.iter().all(|record| record.target.as_str() == ".") {
            return Some(Outcome::failed(step, host, Failure::NotOffered(owner)));
        }
        let mut usable: Vec<SrvRecord> = Vec::new();
        for record in records {
            let target = record.target.as_str();
            let literal = target.trim_matches(['[', ']']).parse::<IpAddr>();
            if target != "." && record.port != 0 && literal.is_err() && !usable.contains(&record) {
                usable.push(record);
            }
        }
        // RFC 2782: "A client MUST attempt to contact the target host with the lowest-numbered priority"; weights are
        // for chance to weigh
        usable.sort_by_key(|record| {
            let place = self.chance.iter().position(|it| it == record);
            (record.priority, place.unwrap_or(usize::MAX))
        });
        usable.truncate(MOST_TARGETS);
        if usable.is_empty() {
            return None;
        }
        let target = |record: SrvRecord| Target {
            host: Host::Dns(record.target),
            port: record.port,
            srv: Some((record.priority, record.weight)),
            addresses: Vec::new(),
        };
        let targets = usable.into_iter().map(target).collect();
        // "The target server must present a valid certificate for <hostname>", never for the target of the record
        Some(self.requests(step, targets, host_header, &Host::Dns(host.clone())))
    }

    /// Step 3, which is noted
    pub(super) fn well_known(
        &mut self,
        step: &'static str,
        name: &ServerName,
        host: &DnsName,
    ) -> Result<ServerName, WellKnownFailure> {
        debug_assert_eq!(step, "3", "in every edition");
        if is_onion(host) {
            let causes = vec![AttemptError::Dns(DnsError::Onion)];
            return Err(WellKnownFailure::Unreachable(
                Host::Dns(host.clone()),
                causes,
            ));
        }
        let result = self.fetch_well_known(name);
        self.well_known = Some(result.clone());
        result
    }

    /// The two failures of .well-known that no edition goes on after
    pub(super) fn ends_discovery(
        &self,
        step: &'static str,
        host: &DnsName,
        failure: &WellKnownFailure,
    ) -> Option<Outcome> {
        if is_onion(host) {
            return Some(Outcome::failed(step, host, Failure::Onion));
        }
        let gone = self.world.gone && *failure == WellKnownFailure::Status(410);
        gone.then(|| Outcome::failed(step, host, Failure::Gone))
    }

    /// "Requests are made to the resolved IP address and port, with a Host header of […]"
    fn requests(
        &mut self,
        step: &'static str,
        mut targets: Vec<Target>,
        host_header: &str,
        certificate: &Host,
    ) -> Outcome {
        let mut connected = None;
        let mut causes = Vec::new();
        let mut found = false;
        for target in &mut targets {
            causes.clear();
            target.addresses = self.resolve(&target.host, target.port, &mut causes);
            match self.goal {
                Goal::Resolve => found |= !target.addresses.is_empty(),
                Goal::Connect => {
                    connected = self.first_connected(&target.addresses, certificate, &mut causes);
                    if connected.is_some() {
                        found = true;
                        break;
                    }
                }
            }
        }
        let place = Place {
            step,
            host_header: host_header.to_owned(),
            certificate: certificate.clone(),
            sni: certificate.dns_name().cloned(),
            targets,
            connected,
        };
        if found {
            return Outcome::Found(place);
        }
        Outcome::Failed {
            step,
            host: certificate.clone(),
            failure: Failure::Unreachable(causes),
            place: Some(place),
        }
    }

    /// The first address that works
    pub(super) fn first_connected(
        &mut self,
        addresses: &[SocketAddr],
        certificate: &Host,
        causes: &mut Vec<AttemptError>,
    ) -> Option<SocketAddr> {
        for address in addresses {
            match self.connect(*address, certificate) {
                Ok(()) => return Some(*address),
                Err(error) => causes.push(AttemptError::Connect(error)),
            }
        }
        None
    }

    /// "using AAAA or A records": both, the families in turn, IPv6 first
    pub(super) fn resolve(
        &mut self,
        host: &Host,
        port: u16,
        causes: &mut Vec<AttemptError>,
    ) -> Vec<SocketAddr> {
        let (v6, v4) = match host {
            Host::Ip(address) => (vec![*address], Vec::new()),
            Host::Dns(name) => (
                self.addresses(name, Family::V6, causes),
                self.addresses(name, Family::V4, causes),
            ),
        };
        let mut families = [v6, v4];
        for list in &mut families {
            list.retain(|address| match self.judge.judge(*address) {
                Ok(()) => true,
                Err(refusal) => {
                    causes.push(AttemptError::AddressRefused(refusal));
                    false
                }
            });
        }
        let [v6, v4] = families;
        let mut addresses = Vec::new();
        for place in 0..v6.len().max(v4.len()) {
            let both = [v6.get(place), v4.get(place)];
            addresses.extend(
                both.into_iter()
                    .flatten()
                    .map(|it| SocketAddr::new(*it, port)),
            );
        }
        addresses
    }

    fn addresses(
        &mut self,
        name: &DnsName,
        family: Family,
        causes: &mut Vec<AttemptError>,
    ) -> Vec<IpAddr> {
        if is_onion(name) {
            causes.push(AttemptError::Dns(DnsError::Onion));
            return Vec::new();
        }
        if !fits_a_message(name) {
            causes.push(AttemptError::Dns(DnsError::NotEncodable));
            return Vec::new();
        }
        let (kind, is_v6) = match family {
            Family::V4 => (RecordKind::A, false),
            Family::V6 => (RecordKind::Aaaa, true),
        };
        let reply = self.world.answers.addresses.get(&(name.clone(), family));
        self.ask(kind, name, reply.is_some_and(|reply| reply.says.is_none()));
        let mut list = Vec::new();
        match reply {
            None => causes.push(AttemptError::NoAddress(Absence::NoData)),
            Some(Reply { says: None, .. }) => causes.push(AttemptError::Dns(DnsError::TimedOut)),
            Some(Reply {
                says: Some(Err(error)),
                ..
            }) => causes.push(AttemptError::Dns(*error)),
            Some(Reply {
                says: Some(Ok(Answer::Absent { absence, .. })),
                ..
            }) => {
                causes.push(AttemptError::NoAddress(*absence));
            }
            Some(Reply {
                says: Some(Ok(Answer::Found { records, .. })),
                ..
            }) => {
                for record in records {
                    if record.is_ipv6() == is_v6 && !list.contains(record) {
                        list.push(*record);
                    }
                }
                if list.is_empty() {
                    causes.push(AttemptError::NoAddress(Absence::NoData));
                }
            }
        }
        list.truncate(MOST_ADDRESSES);
        list
    }

    fn srv(&mut self, owner: &DnsName) -> Option<Vec<SrvRecord>> {
        if !fits_a_message(owner) {
            return None;
        }
        let reply = self.world.answers.services.get(owner);
        let waits = reply.is_some_and(|reply| reply.says.is_none());
        self.ask(RecordKind::Srv, owner, waits);
        match reply?.says.as_ref() {
            // SERVFAIL, REFUSED, timeout: "go on as if absent, but the result is provisional"
            None | Some(Err(_)) => {
                self.provisional = true;
                None
            }
            Some(Ok(Answer::Absent { .. })) => None,
            Some(Ok(Answer::Found { records, .. })) => Some(records.clone()),
        }
    }

    fn connect(&mut self, address: SocketAddr, name: &Host) -> Result<(), ConnectError> {
        let verified = !self.world.skips(name, address.ip());
        self.asked.connects.push((address, name.clone(), verified));
        let peer = match self.world.answers.peers.get(&address) {
            Some(peer) => peer.clone(),
            None if self.world.serves_a_page(address) => Peer::working(),
            None => return Err(ConnectError::Refused),
        };
        let expected = name.to_string();
        match peer.reply.says {
            None => {
                self.waits.connects += 1;
                Err(ConnectError::TimedOut)
            }
            Some(Err(ConnectError::Tls(TlsError::Certificate(_)))) if !verified => Ok(()),
            Some(Err(error)) => Err(error),
            Some(Ok(())) => match peer.certified {
                Some(presented) if verified && !presented.contains(&expected) => {
                    let error = CertificateError::NotValidForName {
                        expected,
                        presented,
                    };
                    Err(ConnectError::Tls(TlsError::Certificate(error)))
                }
                Some(_) | None => Ok(()),
            },
        }
    }

    fn ask(&mut self, kind: RecordKind, name: &DnsName, waits: bool) {
        let question = Question {
            kind,
            name: name.clone(),
        };
        if !self.asked.questions.contains(&question) {
            self.asked.questions.push(question);
            self.waits.questions += usize::from(waits);
        }
    }
}

/// RFC 7686
fn is_onion(name: &DnsName) -> bool {
    name.as_str().rsplit('.').next() == Some("onion")
}

/// RFC 1035 §2.3.4: labels of 63 octets, names of 255 with the lengths and the root
fn fits_a_message(name: &DnsName) -> bool {
    let labels = name.as_str().split('.').map(str::len);
    let octets: usize = labels.clone().map(|len| len + 1).sum();
    octets < 255 && labels.into_iter().all(|len| len > 0 && len < 64)
}

/// Policy: how many targets of a record are tried
const MOST_TARGETS: usize = 16;
/// Policy: how many addresses of a family are
const MOST_ADDRESSES: usize = 16;
