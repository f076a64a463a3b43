//! A rolled world with real servers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use fedway_core::{
    Absence, Answer, CertificateError, ConnectError, DnsError, DnsName, Family, FetchError,
    FieldName, Host, HttpAnswer, MalformedResponse, ServerName, TlsError, parse_well_known,
};
use fedway_proof::oracle::World;
use fedway_testkit::script::{Dice, DnsResult, HttpResult, Peer, Reply as Scripted, split_url};
use fedway_testkit::world::{
    Body, Certificate, ConnectionFault, DnsFault, Https, RecordType, Reply, WorldPlan,
};

/// By address, what goes wrong with every connection
pub(super) type Peers = BTreeMap<SocketAddr, Option<ConnectionFault>>;

/// What a world is built of
pub(super) struct Build {
    pub(super) plan: WorldPlan,
    /// The addresses where somebody is, and what goes wrong with connections there for good
    pub(super) peers: Peers,
    dice: Dice,
}

impl Build {
    pub(super) fn new(world: &World) -> Self {
        let mut build = Self {
            plan: WorldPlan::new(),
            peers: BTreeMap::new(),
            dice: Dice::new(world.seed),
        };
        let hosts = hosts(world);
        build.addresses(world, &hosts);
        build.services(world, &hosts);
        for (address, peer) in &world.answers.clone().settle().peers {
            build.peer(world, &hosts, *address, peer);
        }
        build
    }

    fn addresses(&mut self, world: &World, hosts: &BTreeSet<DnsName>) {
        for host in hosts {
            let replies = FAMILIES.map(|(family, record_type)| {
                let reply = world.answers.addresses.get(&(host.clone(), family));
                (record_type, reply)
            });
            let owner = match replies
                .iter()
                .any(|(_, reply)| reply.is_some_and(has_alias))
            {
                true => self.alias(host),
                false => host.to_string(),
            };
            for (record_type, reply) in replies {
                for address in self.answer(host, record_type, reply) {
                    match record_type {
                        RecordType::A => self.plan.a(&owner, &address.to_string()),
                        _ => self.plan.aaaa(&owner, &address.to_string()),
                    };
                }
            }
        }
    }

    fn services(&mut self, world: &World, hosts: &BTreeSet<DnsName>) {
        for host in hosts {
            for service in SERVICES {
                let Ok(owner) = DnsName::new(&format!("{service}.{host}")) else {
                    continue;
                };
                if !owner.is_encodable() {
                    continue;
                }
                let reply = world.answers.services.get(&owner);
                let real = match reply.is_some_and(has_alias) {
                    true => self.alias(&owner),
                    false => owner.to_string(),
                };
                for it in self.answer(&owner, RecordType::SRV, reply) {
                    let target = it.target.as_str();
                    self.plan
                        .srv(&real, it.priority, it.weight, it.port, target);
                }
            }
        }
    }

    /// Makes a name an alias; of whom
    fn alias(&mut self, name: &DnsName) -> String {
        let real = format!("real-{}.{ALIASES}", self.dice.below(usize::MAX));
        self.plan.cname(name.as_str(), &real);
        real
    }

    /// The records that a question is answered with; puts down what else it is answered with
    fn answer<T: Clone>(
        &mut self,
        name: &DnsName,
        record_type: RecordType,
        reply: Option<&Scripted<DnsResult<T>>>,
    ) -> Vec<T> {
        let fault = match reply.map(|reply| &reply.says) {
            Some(Some(Ok(Answer::Found { records, .. }))) if !records.is_empty() => {
                return records.clone();
            }
            None | Some(Some(Ok(Answer::Found { .. }))) => DnsFault::NoData,
            Some(None) => DnsFault::Silence,
            Some(Some(Ok(Answer::Absent { absence, .. }))) => match absence {
                Absence::NoData => DnsFault::NoData,
                Absence::NoSuchName => DnsFault::NxDomain,
            },
            Some(Some(Err(error))) => match error {
                DnsError::AliasLoop => DnsFault::CnameLoop,
                DnsError::Malformed => DnsFault::GarbledRecord,
                DnsError::Refused => DnsFault::Refused,
                DnsError::ResponseCode(4) => DnsFault::NotImplemented,
                DnsError::ServFail => DnsFault::ServFail,
                other => panic!("no name server does this: {other:?}"),
            },
        };
        self.plan.dns_fault(name.as_str(), record_type, fault);
        Vec::new()
    }

    fn peer(&mut self, world: &World, hosts: &BTreeSet<DnsName>, at: SocketAddr, peer: &Peer) {
        let address = at.to_string();
        let says = match &peer.reply.says {
            Some(says) => says.clone(),
            None => Err(ConnectError::TimedOut),
        };
        let (fault, refused) = match says {
            Ok(()) => (None, None),
            Err(ConnectError::Closed) => (Some(ConnectionFault::CloseInHandshake), None),
            Err(ConnectError::Refused) => (Some(ConnectionFault::Refused), None),
            Err(ConnectError::Reset) => (Some(ConnectionFault::Reset), None),
            Err(ConnectError::TimedOut) => {
                let hangs = [
                    ConnectionFault::HangAfterAccept,
                    ConnectionFault::HangInHandshake,
                ];
                (Some(self.dice.pick(&hangs)), None)
            }
            Err(ConnectError::Tls(TlsError::Certificate(error))) => (None, Some(error)),
            Err(ConnectError::Tls(TlsError::Protocol)) => {
                (Some(ConnectionFault::GarbageInHandshake), None)
            }
            Err(ConnectError::Tls(TlsError::Unsupported)) => (Some(ConnectionFault::Tls11), None),
            Err(other) => panic!("no server does this: {other:?}"),
        };
        self.peers.insert(at, fault);
        if let Some(fault) = fault {
            self.plan.connection_fault(&address, fault);
            return;
        }
        let names = hosts.iter().map(|host| Host::Dns(host.clone()));
        for host in names.chain([Host::Ip(at.ip())]) {
            let name = host.to_string();
            let certificate = match (&refused, &peer.certified) {
                (None, Some(names)) => Certificate::for_names(names.iter().map(String::as_str)),
                (None, None) => Certificate::for_name(&name),
                (Some(CertificateError::Expired { .. }), _) => {
                    Certificate::for_name(&name).expired()
                }
                (Some(CertificateError::UnknownIssuer { .. }), _) => {
                    Certificate::for_name(&name).from_unknown_authority()
                }
                (Some(other), _) => panic!("no certificate is like this: {other:?}"),
            };
            let mut server = Https::for_name(&name).certificate(certificate);
            for (url, page) in &world.answers.pages {
                let (authority, target) = split_url(url);
                if *authority.host() == host && authority.port().unwrap_or(443) == at.port() {
                    // A server of the world serves a page whatever the query; a rolled one does not
                    if !target.contains('?') {
                        let other = format!("{target}{QUERY}");
                        server = server.path(&other, Reply::status(404));
                    }
                    server = server.path(target, self.page(page));
                }
            }
            self.plan.https(&address, server);
        }
    }

    fn page(&mut self, page: &Scripted<HttpResult>) -> Reply {
        match &page.says {
            None => Reply::none(),
            Some(Ok(answer)) => self.complete(answer),
            Some(Err(FetchError::BodyTooLarge { limit })) => Reply::json(vec![b' '; limit + 1]),
            Some(Err(FetchError::ConnectionLost)) => {
                Reply::json("{").sent(Body::CutShort { missing: 7 })
            }
            Some(Err(FetchError::Malformed(MalformedResponse::NotHttp1))) => {
                Reply::raw("no HTTP\r\n\r\n")
            }
            Some(Err(other)) => panic!("no web server does this: {other:?}"),
        }
    }

    fn complete(&mut self, answer: &HttpAnswer) -> Reply {
        let mut reply = Reply::status(answer.status).content(answer.body.clone());
        for field in &answer.fields {
            reply = reply.header(field.name.as_str(), field.value.clone());
        }
        // RFC 9110 §6.4.1: other statuses may have no content
        if answer.status == 200 {
            reply = reply.sent(
                self.dice
                    .pick(&[Body::Chunked, Body::Length, Body::ReadToEnd]),
            );
        }
        reply
    }
}

/// Whether the world made the name up to have something that an alias points to
pub(super) fn is_made_up(name: &DnsName) -> bool {
    name.is_within(ALIASES)
}

/// Every host that may be asked about
fn hosts(world: &World) -> BTreeSet<DnsName> {
    let answers = &world.answers;
    let mut hosts: BTreeSet<_> = answers
        .addresses
        .keys()
        .map(|(host, _)| host.clone())
        .collect();
    let mut add = |name: &ServerName| hosts.extend(name.host().dns_name().cloned());
    add(&world.server_name());
    for (url, page) in &answers.pages {
        add(&split_url(url).0);
        if let Some(Ok(answer)) = &page.says {
            let location = answer
                .values(FieldName::Location)
                .next()
                .unwrap_or_default();
            let location = String::from_utf8_lossy(location);
            let elsewhere = location
                .split_once("//")
                .map(|(_, rest)| rest.split('/').next());
            let elsewhere = elsewhere.flatten().map(str::parse).and_then(Result::ok);
            let delegated = parse_well_known(&answer.body).ok();
            elsewhere.iter().chain(&delegated).for_each(&mut add);
        }
    }
    for reply in answers.services.values() {
        if let Some(Ok(Answer::Found { records, .. })) = &reply.says {
            hosts.extend(records.iter().map(|record| record.target.clone()));
        }
    }
    hosts.retain(DnsName::is_encodable);
    hosts
}

fn has_alias<T>(reply: &Scripted<DnsResult<T>>) -> bool {
    matches!(&reply.says, Some(Ok(Answer::Found { alias: true, records, .. })) if !records.is_empty())
}

const FAMILIES: [(Family, RecordType); 2] =
    [(Family::V6, RecordType::AAAA), (Family::V4, RecordType::A)];

/// Of every edition
const SERVICES: [&str; 2] = ["_matrix-fed._tcp", "_matrix._tcp"];

/// The one query that a redirect of a rolled world may have
const QUERY: &str = "?again";

/// Where aliases lead
const ALIASES: &str = "alias.example";
