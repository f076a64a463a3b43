//! What a world shall hold, put down before it starts or added while it runs.

use std::net::SocketAddr;

use hickory_proto::rr::rdata::{CNAME, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::https::{ConnectionFault, Https};
use super::zone::{DnsFault, Zone};

/// The records, servers and faults of a [`World`](super::World).
///
/// Names and addresses are text, so that a plan reads as what it means; all methods that take them
/// panic where the text is neither.
#[derive(Debug, Default)]
pub struct WorldPlan {
    pub(super) zone: Zone,
    pub(super) servers: Vec<(SocketAddr, Https)>,
    /// By virtual address, where they really are.
    pub(super) listeners: Vec<(SocketAddr, SocketAddr)>,
    pub(super) faults: Vec<(SocketAddr, ConnectionFault)>,
}

impl WorldPlan {
    /// A plan for an empty world: every name is unknown, every address refuses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a name an IPv4 address.
    pub fn a(&mut self, name: &str, address: &str) -> Ttl<'_> {
        let address = address
            .parse()
            .unwrap_or_else(|_| panic!("{address:?} is no IPv4 address"));
        self.record(name, RData::A(address))
    }

    /// Gives a name an IPv6 address.
    pub fn aaaa(&mut self, name: &str, address: &str) -> Ttl<'_> {
        let address = address
            .parse()
            .unwrap_or_else(|_| panic!("{address:?} is no IPv6 address"));
        self.record(name, RData::AAAA(address))
    }

    /// Gives a name an address of either family.
    pub fn address(&mut self, name: &str, address: &str) -> Ttl<'_> {
        match address.contains(':') {
            true => self.aaaa(name, address),
            false => self.a(name, address),
        }
    }

    /// Makes a name an alias of another.
    pub fn cname(&mut self, alias: &str, real: &str) -> Ttl<'_> {
        self.record(alias, RData::CNAME(CNAME(name(real))))
    }

    /// Gives a service, such as `_matrix-fed._tcp.example.org`, a host and port.
    pub fn srv(
        &mut self,
        service: &str,
        priority: u16,
        weight: u16,
        port: u16,
        target: &str,
    ) -> Ttl<'_> {
        let data = SRV::new(priority, weight, port, name(target));
        self.record(service, RData::SRV(data))
    }

    /// Makes queries for a name and type go wrong; [`RecordType::ANY`] stands for all types that
    /// have no fault of their own.
    pub fn dns_fault(&mut self, owner: &str, record_type: RecordType, fault: DnsFault) {
        self.zone.set_fault(&name(owner), record_type, fault);
    }

    /// Sets how many seconds negative answers hold.
    pub fn negative_ttl(&mut self, seconds: u32) {
        self.zone.set_negative_ttl(seconds);
    }

    /// Puts a server at a virtual address, such as `192.0.2.7:443` or `[2001:db8::7]:8448`.
    ///
    /// Several servers may share an address. The server name of the handshake picks among them,
    /// and without one the address itself; failing both, the first. Requests go by `Host`, then as
    /// the handshake did. A server for just the names of an earlier one takes its place.
    pub fn https(&mut self, address: &str, server: Https) {
        self.servers.push((socket_address(address), server));
    }

    /// Gives a host an address of either family, and puts a server on its port 443.
    pub fn web(&mut self, host: &str, address: &str, server: Https) {
        self.address(host, address);
        let ip = address
            .parse()
            .unwrap_or_else(|_| panic!("{address:?} is no IP address"));
        self.servers.push((SocketAddr::new(ip, 443), server));
    }

    /// Puts a listener of the app's own behind a virtual address, by where it really listens.
    ///
    /// It takes the place of all that was planned there, and servers and faults that a world is told of later take
    /// its place. The log does not know what reaches it.
    ///
    /// ```
    /// use std::net::TcpListener;
    ///
    /// use fedway_testkit::world::{Certificate, WorldPlan};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut plan = WorldPlan::new();
    /// plan.a("example.org", "192.0.2.7");
    /// plan.listener("192.0.2.7:8448", listener.local_addr()?);
    /// let world = plan.start()?;
    ///
    /// let mut config = world.server_config(&Certificate::for_name("example.org"))?;
    /// config.alpn_protocols = vec![b"h2".to_vec()];
    /// // Accept with `listener`, shake hands by `config`, and serve with hyper, say
    /// # drop(config);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn listener(&mut self, address: &str, real: SocketAddr) {
        self.listeners.push((socket_address(address), real));
    }

    /// Makes every connection to a virtual address go wrong.
    pub fn connection_fault(&mut self, address: &str, fault: ConnectionFault) {
        self.faults.push((socket_address(address), fault));
    }

    fn record(&mut self, owner: &str, data: RData) -> Ttl<'_> {
        Ttl(self.zone.insert(name(owner), data))
    }
}

/// A record just planned, whose time to live is still open.
#[derive(Debug)]
pub struct Ttl<'a>(&'a mut Record);

impl Ttl<'_> {
    /// Sets the time to live; 300 seconds unless called.
    pub fn ttl(self, seconds: u32) {
        self.0.ttl = seconds;
    }
}

/// Reads a name, absolute whether or not it ends in a dot.
pub(super) fn name(text: &str) -> Name {
    let read = Name::from_ascii(text);
    let mut name = read.unwrap_or_else(|error| panic!("{text:?} is no DNS name: {error}"));
    name.set_fqdn(true);
    name
}

pub(super) fn socket_address(text: &str) -> SocketAddr {
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is no IP address and port"))
}
