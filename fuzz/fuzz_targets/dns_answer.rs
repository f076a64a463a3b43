//! Any records of names that are about each other, as the answers to one look-up: what the stub makes of them in the
//! core's terms is what a second, naive reading of the same records comes to; and the core takes it.

#![no_main]

use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use fedway_core::{
    Absence, Action, Answer, Config, Discovery, DnsError, DnsName, Edition, Event, Family, Host,
    Instant, Machine, SrvRecord, Step,
};
use fedway_driver::dns::{DnsConfig, Lookup, Memory, Step as Said, Terms};
use fedway_fuzz::dns::{self, Data, Labels, Record, Response};
use fedway_fuzz::up_to;
use libfuzzer_sys::fuzz_target;

type Outcome<T> = std::result::Result<Answer<T>, DnsError>;

fuzz_target!(|input: &[u8]| {
    // An input that has run out gives zeros, never an error
    let _ = run(&mut Unstructured::new(input));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let kind = up_to(u, 2)?;
    let name = DnsName::new(dns::text(u)?).expect("a name");
    let config = DnsConfig::new(vec![([192, 0, 2, 1], 53).into()]);
    let now = Instant::ORIGIN;
    let memory = Memory::default();
    let terms = Terms {
        config: &config,
        memory: &memory,
        seed: 0,
        deadline: now + Duration::from_secs(5),
    };
    match kind {
        0 => {
            let lookup = Lookup::addresses(&name, Family::V4, terms, now);
            let outcome =
                compare(
                    lookup,
                    &name,
                    1,
                    Some([127, 0, 0, 1].into()),
                    u,
                    |data| match data {
                        Data::A(octets) => Some((0, IpAddr::from(*octets))),
                        _ => None,
                    },
                )?;
            dial(outcome, Family::V4);
        }
        1 => {
            let lookup = Lookup::addresses(&name, Family::V6, terms, now);
            let loopback = "::1".parse().expect("an address");
            let outcome = compare(lookup, &name, 28, Some(loopback), u, |data| match data {
                Data::Aaaa(octets) => Some((0, IpAddr::from(*octets))),
                _ => None,
            })?;
            dial(outcome, Family::V6);
        }
        _ => {
            let lookup = Lookup::srv(&name, terms, now);
            let outcome = compare(lookup, &name, 33, None, u, |data| match data {
                Data::Srv(priority, weight, port, target) => {
                    let record = SrvRecord {
                        priority: *priority,
                        weight: *weight,
                        port: *port,
                        target: DnsName::new(&text(target)).expect("escaped"),
                    };
                    Some((*priority, record))
                }
                _ => None,
            })?;
            select(outcome);
        }
    }
    Ok(())
}

/// Runs a look-up with drawn responses, and the naive reading beside it
fn compare<T: Clone + Debug + PartialEq>(
    mut lookup: Lookup<T>,
    name: &DnsName,
    kind: u16,
    loopback: Option<T>,
    u: &mut Unstructured<'_>,
    read: impl Fn(&Data) -> Option<(u16, T)>,
) -> Result<Outcome<T>> {
    let start = name
        .as_str()
        .split('.')
        .map(|label| label.as_bytes().to_vec());
    let mut naive = Naive {
        name: start.collect(),
        passed: Vec::new(),
        ttl: u32::MAX,
        loopback,
        referrals: 0,
    };
    let mut expected = naive.special();
    let mut sends = 0;
    loop {
        match lookup.poll() {
            Said::Send(transmit) => {
                assert_eq!(expected, None, "asks although it could know");
                let query = transmit.message();
                assert_eq!(dns::folded(&dns::asked(query)), dns::folded(&naive.name));
                assert_eq!(dns::kind(query), kind);
                let response = Response::arbitrary(u)?;
                lookup.handle_message(transmit.id(), &response.write(query), Instant::ORIGIN);
                expected = naive.read(&response, &read);
                sends += 1;
                assert!(sends <= (MAX_ALIASES + 1) * TRIES);
            }
            Said::Done(outcome) => {
                assert_eq!(Some(&outcome), expected.as_ref());
                return Ok(outcome);
            }
            Said::Cancel(_) | Said::Learnt(_) => {}
            Said::Wait { .. } => panic!("every query has been answered"),
        }
    }
}

/// Where a reading of one response after the other has come to
struct Naive<T> {
    name: Labels,
    passed: Vec<Labels>,
    /// The least of the aliases
    ttl: u32,
    loopback: Option<T>,
    /// To the question in hand
    referrals: usize,
}

impl<T: Clone> Naive<T> {
    /// `None` where the name that it has come to is to be asked for
    fn read(
        &mut self,
        response: &Response,
        read: impl Fn(&Data) -> Option<(u16, T)>,
    ) -> Option<Outcome<T>> {
        let mut moved = false;
        loop {
            let mine: Vec<&Record> = response
                .answers
                .iter()
                .filter(|record| {
                    record.internet && dns::folded(&record.owner) == dns::folded(&self.name)
                })
                .collect();
            let mut records: Vec<_> = mine
                .iter()
                .filter_map(|record| Some((read(&record.data)?, record.ttl)))
                .collect();
            records.sort_by_key(|((priority, _), _)| *priority);
            records.truncate(MAX_RECORDS);
            if !records.is_empty() && !response.no_such_name {
                let least = records.iter().map(|(_, ttl)| sane(*ttl)).min();
                return Some(Ok(self.found(
                    records.into_iter().map(|((_, record), _)| record).collect(),
                    least.unwrap_or_default(),
                )));
            }
            let alias = mine.iter().find_map(|record| match &record.data {
                Data::Cname(target) => Some((target.clone(), sane(record.ttl))),
                _ => None,
            });
            let Some((target, ttl)) = alias else { break };
            let is_known = |name: &Labels| dns::folded(name) == dns::folded(&target);
            // A name that is its own alias is found out when it is met again, at no cost
            if self.passed.iter().any(is_known) || self.passed.len() == MAX_ALIASES {
                return Some(Err(DnsError::AliasLoop));
            }
            self.passed.push(std::mem::replace(&mut self.name, target));
            self.ttl = self.ttl.min(ttl);
            moved = true;
        }
        let zone = response
            .authorities
            .iter()
            .find_map(|record| match record.data {
                Data::Soa(minimum) if record.internet && self.is_in(&record.owner) => {
                    Some(sane(record.ttl).min(sane(minimum)).min(self.ttl))
                }
                _ => None,
            });
        let absence = match (response.no_such_name, moved, zone) {
            (true, _, _) => Absence::NoSuchName,
            (false, true, None) => {
                self.referrals = 0;
                return self.special();
            }
            (false, _, None) if is_referral(response) => {
                self.referrals += 1;
                return (self.referrals == TRIES).then_some(Err(DnsError::Referral));
            }
            (false, _, _) => Absence::NoData,
        };
        Some(Ok(Answer::absent(
            absence,
            zone.map(|seconds| Duration::from_secs(seconds.into())),
        )))
    }

    /// What nobody is asked for
    fn special(&self) -> Option<Outcome<T>> {
        let top = dns::folded(&self.name).pop().unwrap_or_default();
        Some(match (&*top, &self.loopback) {
            (b"invalid", _) => Ok(absent(Absence::NoSuchName)),
            (b"localhost", Some(loopback)) => Ok(self.found(vec![loopback.clone()], 0)),
            (b"localhost", None) => Ok(absent(Absence::NoData)),
            (b"onion", _) => Err(DnsError::Onion),
            _ => return None,
        })
    }

    fn found(&self, records: Vec<T>, ttl: u32) -> Answer<T> {
        let answer = Answer::found(records, Duration::from_secs(ttl.min(self.ttl).into()));
        if self.passed.is_empty() {
            answer
        } else {
            answer.by_alias()
        }
    }

    fn is_in(&self, zone: &Labels) -> bool {
        dns::folded(&self.name).ends_with(&dns::folded(zone))
    }
}

/// The core takes it: only addresses of the answer are dialled
fn dial(outcome: Outcome<IpAddr>, family: Family) {
    let name = "a.example:8448".parse().expect("a server name");
    let config = Arc::new(Config::default());
    let mut search = Discovery::resolve(&name, &config, 0, Instant::ORIGIN);
    let found = drive(&mut search, |action| match action {
        Action::LookUpAddresses(look_up) if look_up.family() == family => {
            look_up.reply(outcome.clone())
        }
        Action::LookUpAddresses(look_up) => look_up.reply(Ok(absent(Absence::NoData))),
        other => unreachable!("step 2 needs addresses only: {other:?}"),
    });
    let given = match &outcome {
        Ok(Answer::Found { records, .. }) => &records[..],
        _ => &[],
    };
    let mut tried: Vec<IpAddr> = Vec::new();
    for address in given {
        if tried.len() < MAX_ADDRESSES && !tried.contains(address) {
            tried.push(*address);
        }
    }
    let may = tried
        .iter()
        .any(|address| config.addresses.judge(*address).is_ok());
    assert_eq!(!found.is_empty(), may);
    assert!(found.iter().all(|(_, address)| given.contains(address)));
}

/// The core takes it: only targets of the answer are looked up
fn select(outcome: Outcome<SrvRecord>) {
    let name = "a.example".parse().expect("a server name");
    let mut config = Config::default();
    config.edition = Edition::Draft2019;
    let mut search = Discovery::resolve(&name, &Arc::new(config), 0, Instant::ORIGIN);
    let given = match &outcome {
        Ok(Answer::Found { records, .. }) => records.clone(),
        _ => return,
    };
    let found = drive(&mut search, |action| match action {
        Action::Connect(connect) => connect.reply(Err(fedway_core::ConnectError::Refused)),
        Action::FetchWellKnown(fetch) => fetch.reply(Err(fedway_core::FetchError::ConnectionLost)),
        Action::LookUpAddresses(look_up) => {
            look_up.reply(Ok(Answer::found(vec![[9, 9, 9, 9].into()], Duration::ZERO)))
        }
        Action::QuerySrv(query) => query.reply(outcome.clone()),
    });
    for (host, _) in found {
        let Host::Dns(host) = host else {
            panic!("{host} is no target")
        };
        let fallback = given.iter().all(|record| {
            record.port == 0
                || record.target.is_root()
                || !record.target.is_encodable()
                || record.target.as_str().parse::<IpAddr>().is_ok()
        });
        let is_given = given
            .iter()
            .any(|record| record.target == host && record.port != 0);
        assert!(
            is_given || (fallback && host.as_str() == "a.example"),
            "{host}"
        );
    }
}

/// Runs a search to its end; the targets and their addresses, none if it failed
fn drive(search: &mut Discovery, mut answer: impl FnMut(Action) -> Event) -> Vec<(Host, IpAddr)> {
    let mut now = Instant::ORIGIN;
    loop {
        match search.poll() {
            Step::Act(action) => search.handle(answer(action), now),
            Step::Cancel(_) => {}
            Step::Wait { until } => {
                now = until.expect("a search that is not done has a deadline");
                search.handle_timeout(now);
            }
            Step::Done(Err(_)) => return Vec::new(),
            Step::Done(Ok(found)) => {
                let candidates = found.destination.candidates.into_iter();
                let of = |candidate: fedway_core::Candidate| {
                    let target = candidate.target;
                    let addresses = candidate.addresses.into_iter();
                    addresses
                        .map(move |each| (target.clone(), each.address.ip()))
                        .collect::<Vec<_>>()
                };
                return candidates.flat_map(of).collect();
            }
        }
    }
}

fn absent<T>(absence: Absence) -> Answer<T> {
    Answer::absent(absence, Some(Duration::ZERO))
}

/// NS records without any SOA record, from a server that asks nobody (RFC 2308 §2.2)
fn is_referral(response: &Response) -> bool {
    let mut authorities = response.authorities.iter();
    let has_servers = authorities
        .clone()
        .any(|record| matches!(record.data, Data::Ns(_)));
    let has_zone = authorities.any(|record| record.internet && matches!(record.data, Data::Soa(_)));
    has_servers && !has_zone && !response.recursion
}

/// RFC 2181 §8
fn sane(ttl: u32) -> u32 {
    if ttl >> 31 == 1 { 0 } else { ttl }
}

/// RFC 1035 §5.1, with the escapes of RFC 4343 §2.1
fn text(name: &Labels) -> String {
    let label = |label: &Vec<u8>| {
        let byte = |byte: &u8| match byte {
            b'.' => r"\.".into(),
            b'\\' => r"\\".into(),
            b'!'..=b'~' => char::from(*byte).to_string(),
            byte => format!("\\{byte:03}"),
        };
        label.iter().map(byte).collect::<String>() + "."
    };
    if name.is_empty() {
        ".".into()
    } else {
        name.iter().map(label).collect()
    }
}

/// As `core/src/discovery/queries.rs` has it: the first of a family, whether they may be dialled or not
const MAX_ADDRESSES: usize = 16;
/// As `driver/src/dns/chain.rs` has it
const MAX_ALIASES: usize = 11;
/// Likewise
const MAX_RECORDS: usize = 64;
/// As resolv.conf(5) has `attempts`, of one server
const TRIES: usize = 2;
