//! A search as it was made: how it ended, and what the servers saw of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fedway_core::{
    AttemptError, CertificateError, Config, ConnectError, DiscoveryError, DiscoveryErrorKind,
    Found, TlsError, WellKnownError,
};
use fedway_driver::dns::DnsConfig;
use fedway_driver::http::Limits;
use fedway_driver::{Builder, Resolver, Roots};
use fedway_testkit::script::{DOCUMENTATION, Goal};
use fedway_testkit::world::{Event, RecordType, World};

use super::build;
use super::case::Case;
use crate::runtime::Runtime;

#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) outcome: Result<Found, DiscoveryError>,
    pub(super) elapsed: Duration,
    /// The status that the server found answers with, and the `Host` that it was asked with
    pub(super) version: Option<(u16, String)>,
    /// The addresses connected to, in order
    pub(super) accepted: Vec<SocketAddr>,
    /// The URLs of .well-known requests, in order
    pub(super) urls: Vec<String>,
    /// The owners that SRV was asked of
    pub(super) services: BTreeSet<String>,
}

impl Sighting {
    /// Makes the search of a case in its world
    pub(super) fn of<R: Runtime>(case: &Case, world: &World) -> Self {
        let mut roots = Roots::none();
        roots.add_pem(world.ca_pem().as_bytes()).unwrap();
        let builder = Builder::default()
            .config(config(case))
            .dns(DnsConfig::new(vec![world.dns()]))
            .reroute(world.reroutes())
            .roots(roots);
        let resolver = builder.build(R::io()).unwrap();
        case.schedule.begin(world);
        let started = Instant::now();
        let (search, ended) = mpsc::channel();
        let (outcome, status) = thread::scope(|scope| {
            scope.spawn(move || case.schedule.play(world, &ended));
            let end = R::block_on(make(case, &resolver));
            drop(search);
            end
        });
        let elapsed = started.elapsed();
        let mut hosts = Vec::new();
        let mut urls = Vec::new();
        for request in world.requests() {
            let host = request.host.unwrap_or_default();
            match request.target.as_str() {
                VERSION => hosts.push(host),
                target => urls.push(format!("https://{host}{target}")),
            }
        }
        let accepted = world.log().into_iter().filter_map(|it| match it.what {
            Event::Accepted { address } => Some(address),
            _ => None,
        });
        let services = world.dns_queries().into_iter();
        let services =
            services.filter(|it| it.record_type == RecordType::SRV && !build::is_made_up(&it.name));
        Self {
            outcome: plain(outcome),
            elapsed,
            version: status.zip(hosts.pop()),
            accepted: accepted.collect(),
            urls,
            services: services
                .map(|it| it.name.trim_end_matches('.').to_owned())
                .collect(),
        }
    }
}

/// The search, and a request over what it found
async fn make<I: fedway_driver::Io>(
    case: &Case,
    resolver: &Resolver<I>,
) -> (Result<Found, DiscoveryError>, Option<u16>) {
    let name = case.world.server_name();
    match case.goal {
        Goal::Resolve => (resolver.resolve(&name).await, None),
        Goal::Connect => match resolver.connect(&name).await {
            Err(error) => (Err(error), None),
            Ok(mut connected) => {
                let response = connected.get(VERSION, LIMITS).await;
                (Ok(connected.found), response.ok().map(|it| it.status))
            }
        },
    }
}

/// Patient enough that nothing is given up but what never comes
fn config(case: &Case) -> Config {
    let mut config = Config::default();
    config.addresses.allow = DOCUMENTATION.map(|net| net.parse().unwrap()).into();
    case.world.configure(&mut config);
    config.edition = case.edition;
    config.lookahead = case.lookahead;
    config.deadlines.dns = DEADLINE;
    config.deadlines.connect = DEADLINE;
    config.deadlines.well_known = WELL_KNOWN_DEADLINE;
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

/// Longer than a busy machine takes for one exchange
const DEADLINE: Duration = Duration::from_secs(3);
/// Longer than a case waits before its last request
const WELL_KNOWN_DEADLINE: Duration = Duration::from_secs(12);
/// Longer than a case waits in all
const SEARCH_DEADLINE: Duration = Duration::from_secs(60);
/// The deadline of the search, and the request over what was found
pub(super) const MOST_TIME: Duration = Duration::from_secs(63);

/// What every server of a world answers
const VERSION: &str = "/_matrix/federation/v1/version";
const LIMITS: Limits = Limits {
    head: 16 << 10,
    body: 50 << 10,
};
