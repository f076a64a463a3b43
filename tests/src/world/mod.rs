//! The loopback world: DNS and HTTPS servers in the test's own process.
//!
//! A world has real name servers over UDP and TCP, real HTTPS servers and an authority of its own,
//! all on 127.0.0.1 with random ports. It needs no root, no IPv6 and no async runtime.
//!
//! 1. Put down in a [`WorldPlan`] which names exist, who answers where, and what goes wrong.
//! 2. [Start](WorldPlan::start) it. Send DNS queries to [`World::dns`], trust [`World::ca_pem`].
//! 3. Plans speak of addresses such as `192.0.2.7:8448`. Before connecting, exchange each by what
//!    [`World::router`] has for it; an address that is not there refuses connections.
//! 4. Read in [`World::log`] what arrived.
//! 5. Drop the world: every thread ends and every socket closes, connections that hang included.
//!
//! ```
//! use fedway_testkit::world::{DnsFault, Https, RecordType, WorldPlan};
//!
//! let mut plan = WorldPlan::new();
//! plan.a("example.org", "192.0.2.7").ttl(60);
//! plan.dns_fault("example.org", RecordType::AAAA, DnsFault::Silence);
//! plan.https(
//!     "192.0.2.7:443",
//!     Https::for_name("example.org").well_known(r#"{"m.server": "example.org:443"}"#),
//! );
//! let world = plan.start()?;
//!
//! assert!(world.dns().ip().is_loopback());
//! let really = world.router();
//! assert!(really("192.0.2.7:443".parse()?).is_some_and(|it| it.ip().is_loopback()));
//! assert_eq!(really("192.0.2.8:443".parse()?), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Plans panic where a name or an address in them is none: they are written by hand.

mod address;
#[cfg(feature = "driver")]
mod builder;
mod ca;
mod certificate;
mod connection;
mod crew;
mod ct;
mod dns;
mod dns_server;
mod exchange;
mod ground;
mod https;
mod listener;
mod log;
mod plan;
mod replies;
mod reply;
mod request;
pub mod scenarios;
mod seal;
mod sha1;
mod sockets;
mod zone;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use hickory_proto::rr::RecordType;
pub use rcgen::Error as CertificateError;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;

pub use self::ca::{Authority, Issued};
pub use self::certificate::Certificate;
pub use self::ct::{CtLog, Timestamp};
pub use self::dns_server::DnsServer;
pub use self::https::{ConnectionFault, Https};
pub use self::log::{ConnectionId, DnsQuery, Entry, Event, Request, Transport};
pub use self::plan::{Ttl, WorldPlan};
pub use self::replies::Replies;
pub use self::reply::{Body, Reply};
pub use self::sha1::SHA1_ROOT;
pub use self::zone::DnsFault;

use self::address::{Address, Place};
use self::ground::Ground;

/// A running world; it ends when dropped.
#[derive(Debug)]
pub struct World {
    ground: Arc<Ground>,
    dns: SocketAddr,
}

impl World {
    /// Starts what `plan` holds.
    fn start(plan: WorldPlan) -> io::Result<Self> {
        let ground = Arc::new(Ground::new()?);
        // From here on dropping the world stops what has been started, should the rest fail.
        let mut world = Self {
            dns: ground.closed.address(),
            ground,
        };
        world.dns = world.extra_dns(DnsServer::Healthy)?;
        world.take_over(plan)?;
        Ok(world)
    }

    /// Adds to the running world; what it adds replaces what it contradicts.
    ///
    /// ```
    /// # use fedway_testkit::world::WorldPlan;
    /// # let world = WorldPlan::new().start()?;
    /// world.add(|plan| {
    ///     plan.a("late.example.org", "192.0.2.8");
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn add(&self, describe: impl FnOnce(&mut WorldPlan)) -> io::Result<()> {
        let mut plan = WorldPlan::new();
        describe(&mut plan);
        self.take_over(plan)
    }

    /// Removes all records of a name.
    pub fn remove_records(&self, name: &str) {
        self.ground.zone().remove(&plan::name(name));
    }

    /// Ends what [`WorldPlan::dns_fault`] began.
    pub fn end_dns_fault(&self, name: &str, record_type: RecordType) {
        self.ground.zone().end_fault(&plan::name(name), record_type);
    }

    /// Ends what [`WorldPlan::connection_fault`] began.
    pub fn end_connection_fault(&self, address: &str) {
        let address = plan::socket_address(address);
        if let Some(Place::World(address)) = self.ground.places().get(&address) {
            address.set_fault(None);
        }
    }

    /// The world's name server, for UDP and TCP.
    pub fn dns(&self) -> SocketAddr {
        self.dns
    }

    /// Starts another name server and gives its address, to try what a client with several does.
    pub fn extra_dns(&self, server: DnsServer) -> io::Result<SocketAddr> {
        let number = self.ground.next_dns_server.fetch_add(1, Ordering::Relaxed);
        dns_server::open(&self.ground, server, number)
    }

    /// Tells of a virtual address where to connect to in its place, and nothing of one where nobody is.
    ///
    /// It knows what is added to the world later, and nothing any more once the world has ended.
    pub fn router(
        &self,
    ) -> impl Fn(SocketAddr) -> Option<SocketAddr> + Clone + Send + Sync + use<> {
        let ground = Arc::downgrade(&self.ground);
        move |meant| ground.upgrade()?.really(meant)
    }

    /// Where to connect to in place of each virtual address that there is now.
    pub fn reroutes(&self) -> BTreeMap<SocketAddr, SocketAddr> {
        let closed = self.ground.closed.address();
        let places = self.ground.places();
        places
            .iter()
            .map(|(meant, place)| (*meant, place.real(closed)))
            .collect()
    }

    /// The root certificate to trust, in PEM.
    pub fn ca_pem(&self) -> String {
        self.ground.authority.pem()
    }

    /// The root certificate to trust, in DER.
    pub fn ca_der(&self) -> CertificateDer<'static> {
        self.ground.authority.der()
    }

    /// The TLS side of a server of the app's own, with a certificate of the world's authority.
    ///
    /// It offers no protocol by ALPN (RFC 7301) until `alpn_protocols` is set. [`WorldPlan::listener`] has an example.
    /// Fails where a name cannot stand in a certificate.
    pub fn server_config(&self, certificate: &Certificate) -> io::Result<ServerConfig> {
        let Ground {
            authority,
            provider,
            ..
        } = &*self.ground;
        https::app_config(certificate, authority, provider).map_err(io::Error::other)
    }

    /// The authority of the world's certificates.
    pub fn authority(&self) -> &Authority {
        &self.ground.authority
    }

    /// Everything that has reached the world so far, in order of arrival.
    pub fn log(&self) -> Vec<Entry> {
        self.ground.log.snapshot()
    }

    /// The DNS queries of the log.
    pub fn dns_queries(&self) -> Vec<DnsQuery> {
        self.ground.log.pick(|entry| {
            let Event::DnsQuery(query) = &entry.what else {
                return None;
            };
            Some(query.clone())
        })
    }

    /// The HTTP requests of the log.
    pub fn requests(&self) -> Vec<Request> {
        self.ground.log.pick(|entry| {
            let Event::Request(request) = &entry.what else {
                return None;
            };
            Some(request.clone())
        })
    }

    /// The connections of the log that were accepted at a virtual address.
    pub fn connections_to(&self, address: &str) -> Vec<ConnectionId> {
        let address = plan::socket_address(address);
        let accepted = Event::Accepted { address };
        self.ground
            .log
            .pick(|entry| entry.connection.filter(|_| entry.what == accepted))
    }

    /// How many connections to HTTPS servers are open now.
    pub fn open_connections(&self) -> usize {
        self.ground.open_connections.load(Ordering::SeqCst)
    }

    /// Waits until the log is as `wanted`; whether that came about in time. What a client does
    /// last, such as leaving, arrives after the client has gone on.
    pub fn wait_for(&self, timeout: Duration, wanted: impl Fn(&[Entry]) -> bool) -> bool {
        self.ground.log.wait_for(timeout, wanted)
    }

    /// Clears the log.
    pub fn forget(&self) {
        self.ground.log.clear();
    }

    fn take_over(&self, plan: WorldPlan) -> io::Result<()> {
        self.ground.zone().merge(plan.zone);
        for (address, server) in plan.servers {
            self.address(address)?.add(server);
        }
        for (address, fault) in plan.faults {
            self.address(address)?.set_fault(Some(fault));
        }
        let listeners = plan.listeners.into_iter();
        let listeners = listeners.map(|(address, real)| (address, Place::App(real)));
        self.ground.places().extend(listeners);
        Ok(())
    }

    /// The world's listener at a virtual address, opened where there was none.
    fn address(&self, address: SocketAddr) -> io::Result<Arc<Address>> {
        let mut places = self.ground.places();
        if let Some(Place::World(known)) = places.get(&address) {
            return Ok(Arc::clone(known));
        }
        let opened = listener::open(&self.ground, address)?;
        places.insert(address, Place::World(Arc::clone(&opened)));
        Ok(opened)
    }
}

impl WorldPlan {
    /// Starts the world.
    pub fn start(self) -> io::Result<World> {
        World::start(self)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.ground.crew.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::sync::Arc;

    use super::{ConnectionFault, WorldPlan};

    #[test]
    fn no_thread_outlives_its_world() {
        let mut plan = WorldPlan::new();
        plan.connection_fault("192.0.2.7:443", ConnectionFault::HangAfterAccept);
        let world = plan.start().unwrap();
        let ground = Arc::downgrade(&world.ground);
        let reroutes = world.reroutes();
        let _hanging = TcpStream::connect(reroutes.values().next().unwrap()).unwrap();

        drop(world);

        // Every thread holds the ground.
        assert_eq!(ground.strong_count(), 0);
    }
}
