//! A world, the resolvers in it, and what is to be read from both.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fedway_core::{
    AttemptError, CertificateError, Config, ConnectError, DiscoveryError, DiscoveryErrorKind,
    DnsError, Edition, Found, ServerName, TlsError, WellKnownError,
};
use fedway_driver::dns::DnsConfig;
use fedway_driver::http::Response;
use fedway_driver::{Builder, Connected, Io, Resolver};
use fedway_proof::leaks::eventually;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{DnsServer, Entry, Event, Https, World, WorldPlan};

/// A world, and what the resolvers in it are told
pub(crate) struct Rig {
    pub(crate) world: World,
    pub(crate) config: Config,
    pub(crate) dns: DnsConfig,
}

impl Rig {
    /// With documentation networks to dial, and patience: nothing but a fault takes seconds here, and
    /// no race is on unless a test [sets it going](Self::racing)
    pub(crate) fn new(describe: impl FnOnce(&mut WorldPlan)) -> Self {
        let mut plan = WorldPlan::new();
        describe(&mut plan);
        let world = plan.start().unwrap();
        let mut config = fedway_testkit::config();
        config.racing.attempt_delay = Duration::from_secs(5);
        config.racing.resolution_delay = Duration::from_secs(5);
        let dns = DnsConfig::new(vec![world.dns()]);
        Self { world, config, dns }
    }

    pub(crate) fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    pub(crate) fn edition(self, edition: Edition) -> Self {
        self.configure(|config| config.edition = edition)
    }

    /// Races addresses as by default
    pub(crate) fn racing(self) -> Self {
        self.configure(|config| config.racing = Config::default().racing)
    }

    /// Does not verify certificates where this rule applies
    pub(crate) fn skip(self, rule: &str) -> Self {
        self.configure(|config| config.trust.skip.push(rule.parse().unwrap()))
    }

    /// Asks name servers of these kinds, in their order, instead of the world's own
    pub(crate) fn name_servers<const N: usize>(mut self, servers: [DnsServer; N]) -> Self {
        let open = |server| self.world.extra_dns(server).unwrap();
        self.dns.servers = servers.map(open).into();
        self
    }

    pub(crate) fn builder(&self) -> Builder {
        self.world
            .builder()
            .config(self.config.clone())
            .dns(self.dns.clone())
    }

    pub(crate) fn resolver<R: Runtime>(&self) -> Resolver<R::Io> {
        self.builder().build(R::io()).unwrap()
    }

    pub(crate) fn resolve<R: Runtime>(&self, name: &str) -> Result<Found, DiscoveryError> {
        let found = R::block_on(self.resolver::<R>().resolve(&server_name(name)));
        found.map(Arc::unwrap_or_clone)
    }

    /// What resolves, without an error
    pub(crate) fn find<R: Runtime>(&self, name: &str) -> Found {
        self.resolve::<R>(name).unwrap()
    }

    /// Connects, and closes the session
    pub(crate) fn connect<R: Runtime>(&self, name: &str) -> Result<Found, DiscoveryError> {
        let resolver = self.resolver::<R>();
        let connected = R::block_on(resolver.connect(&server_name(name)));
        connected.map(|connected| connected.found)
    }

    /// Connects, and asks for the version
    pub(crate) fn ask<R: Runtime>(&self, name: &str) -> Found {
        R::block_on(ask_with(&self.resolver::<R>(), name)).found
    }

    /// What a search that connects fails for, at its last target
    pub(crate) fn failure<R: Runtime>(&self, name: &str) -> AttemptError {
        cause(&self.connect::<R>(name).unwrap_err())
    }

    /// What the .well-known request of a search that goes on all the same fails for
    pub(crate) fn well_known_error<R: Runtime>(&self, name: &str) -> Option<WellKnownError> {
        self.find::<R>(name).notes.well_known.unwrap().error
    }

    /// The DNS questions in their order, such as `AAAA example.org`
    pub(crate) fn questions(&self) -> Vec<String> {
        let text = |query: fedway_testkit::world::DnsQuery| {
            format!("{} {}", query.record_type, query.name.trim_end_matches('.'))
        };
        self.world.dns_queries().into_iter().map(text).collect()
    }

    /// The requests in their order: address, `Host` and target
    pub(crate) fn requests(&self) -> Vec<String> {
        let text = |request: fedway_testkit::world::Request| {
            let host = request.host.unwrap_or_default();
            format!("{} {host} {}", request.address, request.target)
        };
        self.world.requests().into_iter().map(text).collect()
    }

    /// Waits until something of the kind has happened
    pub(crate) fn sees(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        let any = |log: &[Entry]| log.iter().any(|entry| wanted(&entry.what));
        self.world.wait_for(PATIENCE, any)
    }

    /// Waits until no client is connected any more
    pub(crate) fn is_left(&self) -> bool {
        eventually(|| self.world.open_connections() == 0)
    }
}

/// Connects, and asks for the version; the session stays open
pub(crate) async fn ask_with<I: Io>(resolver: &Resolver<I>, name: &str) -> Connected<I> {
    let mut connected = resolver.connect(&server_name(name)).await.unwrap();
    let response = get_version(&mut connected).await;
    assert_eq!(response.status, 200);
    assert!(response.body.starts_with(br#"{"server":"#));
    connected
}

pub(crate) async fn get_version<I: Io>(connected: &mut Connected<I>) -> Response {
    connected.get(VERSION).await.unwrap()
}

pub(crate) fn server_name(text: &str) -> ServerName {
    text.parse().unwrap()
}

pub(crate) fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Puts down a host and a web server on its port 443
pub(crate) fn web(plan: &mut WorldPlan, name: &str, ip: &str, how: impl FnOnce(Https) -> Https) {
    plan.web(name, ip, how(Https::for_name(name)));
}

/// Why the last target could not be used
pub(crate) fn cause(error: &DiscoveryError) -> AttemptError {
    let DiscoveryErrorKind::Unreachable(cause) = &error.kind else {
        panic!("{error}, {:?}", error.notes);
    };
    cause.clone()
}

pub(crate) fn certificate(error: CertificateError) -> AttemptError {
    AttemptError::Connect(ConnectError::Tls(TlsError::Certificate(error)))
}

pub(crate) fn unanswered(error: DnsError) -> AttemptError {
    AttemptError::Dns(error)
}

/// The result, and whether it came after `least` and not much later
pub(crate) fn timed<T>(least: Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let took = start.elapsed();
    assert!(took >= least, "{took:?}, sooner than {least:?}");
    assert!(
        took < least + PATIENCE,
        "{took:?}, far later than {least:?}"
    );
    result
}

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) const WELL_KNOWN: &str = "/.well-known/matrix/server";

pub(crate) const VERSION: &str = "/_matrix/federation/v1/version";

/// More than a busy machine needs for what takes a moment
const PATIENCE: Duration = Duration::from_secs(10);
