//! A search as it was made: how it ended, and what the servers saw of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fedway_core::{
    AttemptError, CertificateError, Config, ConnectError, DiscoveryError, DiscoveryErrorKind,
    DnsName, Found, TlsError, WellKnownError,
};
use fedway_driver::dns::DnsConfig;
use fedway_driver::{Io, Resolver, before};
use fedway_proof::runtime::Runtime;
use fedway_testkit::script::{Goal, Question, RecordKind};
use fedway_testkit::world::{Event, RecordType, World};

use super::build;
use super::case::Case;

#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) outcome: Result<Found, DiscoveryError>,
    pub(super) elapsed: Duration,
    /// The status of a response over the session found
    pub(super) status: Option<u16>,
    /// The request for it: where it arrived, for which server name and `Host`
    pub(super) version: Option<(SocketAddr, Option<String>, String)>,
    /// The addresses connected to, in order
    pub(super) accepted: Vec<SocketAddr>,
    /// The addresses greeted, each with the server name sent, in order
    pub(super) greeted: Vec<(SocketAddr, Option<String>)>,
    /// The URLs of .well-known requests, in order
    pub(super) urls: Vec<String>,
    /// What DNS was asked, save what aliases lead to
    pub(super) questions: BTreeSet<Question>,
}

impl Sighting {
    /// Makes the search of a case in its world
    pub(super) fn of<R: Runtime>(case: &Case, world: &World) -> Self {
        let mut dns = DnsConfig::new(vec![world.dns()]);
        // A query that is lost shall not cost much
        (dns.timeout, dns.attempts) = (Duration::from_secs(1), 4);
        let builder = world.builder().config(config(case)).dns(dns);
        let resolver = builder.build(R::io()).unwrap();
        case.schedule.begin(world);
        let started = Instant::now();
        let (search, ended) = mpsc::channel();
        let (outcome, status) = thread::scope(|scope| {
            scope.spawn(move || {
                if !case.schedule.play(world, &ended, 2 * SEARCH_DEADLINE) {
                    // There is no other way to end a future that does not come back
                    eprintln!("a search without an end: {case:#?}");
                    process::abort();
                }
            });
            let end = R::block_on(ask(case, &resolver));
            drop(search);
            end
        });
        let mut sighting = Self {
            outcome: plain(outcome),
            elapsed: started.elapsed(),
            status,
            version: None,
            accepted: Vec::new(),
            greeted: Vec::new(),
            urls: Vec::new(),
            questions: BTreeSet::new(),
        };
        for entry in world.log() {
            sighting.see(entry.what);
        }
        sighting
    }

    fn see(&mut self, event: Event) {
        match event {
            Event::Accepted { address } => self.accepted.push(address),
            Event::ClientHello { address, sni, .. } => self.greeted.push((address, sni)),
            Event::Closed { .. } | Event::Handshake { .. } => {}
            Event::DnsQuery(query) => {
                let kind = match query.record_type {
                    RecordType::A => RecordKind::A,
                    RecordType::AAAA => RecordKind::Aaaa,
                    RecordType::SRV => RecordKind::Srv,
                    other => panic!("nobody asks for {other}"),
                };
                let name = DnsName::new(&query.name).unwrap();
                if !build::is_made_up(&name) {
                    self.questions.insert(Question { kind, name });
                }
            }
            Event::Request(request) => {
                let host = request.host.unwrap_or_default();
                if request.target == VERSION {
                    self.version = Some((request.address, request.sni, host));
                } else {
                    self.urls.push(format!("https://{host}{}", request.target));
                }
            }
        }
    }
}

/// The search, and a request over what it found
async fn ask<I: Io>(
    case: &Case,
    resolver: &Resolver<I>,
) -> (Result<Found, DiscoveryError>, Option<u16>) {
    let name = case.world.server_name();
    match case.goal {
        Goal::Resolve => (
            resolver
                .resolve(&name)
                .await
                .map(|found| Found::clone(&found)),
            None,
        ),
        Goal::Connect => match resolver.connect(&name).await {
            Err(error) => (Err(error), None),
            Ok(mut connected) => {
                let io = resolver.io();
                let request = connected.get(VERSION);
                let response = before(io, io.now() + case.deadline(), request).await;
                let status = response.and_then(Result::ok).map(|it| it.status);
                (Ok(connected.found), status)
            }
        },
    }
}

/// The policies of a case
pub(super) fn config(case: &Case) -> Config {
    let mut config = fedway_testkit::config();
    case.world.configure(&mut config);
    config.edition = case.edition;
    config.lookahead = case.lookahead;
    config.deadlines.dns = case.deadline();
    config.deadlines.connect = case.deadline();
    config.deadlines.well_known = case.well_known_deadline();
    config.deadlines.search = SEARCH_DEADLINE;
    if !case.races {
        config.racing.attempt_delay = SEARCH_DEADLINE;
        config.racing.resolution_delay = SEARCH_DEADLINE;
    }
    config
}

/// Without what a rolled world does not tell of a certificate
fn plain(mut outcome: Result<Found, DiscoveryError>) -> Result<Found, DiscoveryError> {
    let notes = match &mut outcome {
        Ok(found) => &mut found.notes,
        Err(error) => {
            if let DiscoveryErrorKind::Unreachable(cause) = &mut error.kind {
                forget_details(cause);
            }
            &mut *error.notes
        }
    };
    if let Some(well_known) = &mut notes.well_known
        && let Some(WellKnownError::Unreachable { cause, .. }) = &mut well_known.error
    {
        forget_details(cause);
    }
    outcome
}

fn forget_details(error: &mut AttemptError) {
    let AttemptError::Connect(ConnectError::Tls(TlsError::Certificate(error))) = error else {
        return;
    };
    match error {
        CertificateError::Expired { not_after } => *not_after = None,
        CertificateError::UnknownIssuer { issuer } => *issuer = None,
        _ => {}
    }
}

/// Longer than a case takes, however busy the machine
const SEARCH_DEADLINE: Duration = Duration::from_secs(120);

/// What every server of a world answers
const VERSION: &str = "/_matrix/federation/v1/version";
