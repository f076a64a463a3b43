//! An [`Io`] written from scratch: for an executor of its own, over a recorded world instead of sockets
//!
//! `cargo run -p fedway-driver --example own_io`
//!
//! All that a runtime must provide is here: an `Io`, its streams and its datagrams. Time is virtual: where
//! nothing can run, [`block_on`] goes on to the next timer at once. A silent address costs a quarter of a
//! second of that time, and none of yours.

#![expect(clippy::print_stdout, reason = "an example says what it found")]

use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use fedway_core::{Config, Instant, ServerName};
use fedway_driver::dns::DnsConfig;
use fedway_driver::{Builder, ByteStream, Datagrams, Io, Meter, Roots, TlsStream};
use rustls::pki_types::ServerName as TlsName;
use rustls::{ClientConfig, ClientConnection};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    // Networks for documentation, refused by default
    config.addresses.allow = vec!["192.0.2.0/24".parse()?, "2001:db8::/32".parse()?];
    // Never asked, since no handshake is real; but a resolver that trusts nobody is not built
    let authority = rcgen::generate_simple_self_signed(["nobody.example".into()])?;
    let mut roots = Roots::none();
    roots.add_pem(authority.cert.pem().as_bytes())?;
    let resolver = Builder::default()
        .config(config)
        .dns(DnsConfig::new(vec!["192.0.2.53:53".parse()?]))
        .roots(roots)
        .build(Recorded::default())?;
    let clock = &*resolver.io().clock;
    let name: ServerName = "example.org".parse()?;

    let found = block_on(clock, resolver.resolve(&name))?;
    let found = &found.destination;
    let (step, host) = (found.step(), &found.host_header);
    let addresses: Vec<_> = found.addresses().map(|it| it.to_string()).collect();
    let report = format!("step {step}, Host: {host}, at {}", addresses.join(" or "));
    println!("after {}: {report}", clock.now());
    assert_eq!(report, FOUND);
    // DNS, TCP, TLS, GET; DNS for the delegated name
    assert_eq!(clock.now(), Instant::ORIGIN + 5 * ROUND_TRIP);

    let mut connected = block_on(clock, resolver.connect(&name))?;
    let connection = connected.found.connection.as_ref();
    let address = connection.ok_or("not asked to connect")?.address;
    println!("after {}: connected to {address}", clock.now());
    assert_eq!(address, "192.0.2.2:443".parse()?);
    // The other address was tried first, and after a while in silence it was given a rival (RFC 8305)
    let patience = resolver.config().racing.attempt_delay;
    assert!(clock.now() > Instant::ORIGIN + 5 * ROUND_TRIP + patience);

    let version = connected.get("/_matrix/federation/v1/version");
    let version = String::from_utf8(block_on(clock, version)?.body)?;
    println!("after {}: {version}", clock.now());
    assert_eq!(version, r#"{"server": {"name": "tape"}}"#);
    Ok(())
}

/// The runtime: plays what [`DNS`] and [`SERVERS`] hold
#[derive(Default)]
struct Recorded {
    clock: Arc<Clock>,
}

impl Io for Recorded {
    type Tcp = Stream;
    type Tls = Stream;
    type Udp = Udp;

    fn now(&self) -> Instant {
        self.clock.now()
    }

    async fn sleep_until(&self, deadline: Instant) {
        self.clock.sleep_until(deadline).await;
    }

    async fn connect_tcp(&self, address: SocketAddr) -> io::Result<Stream> {
        let Some(server) = SERVERS.iter().find(|it| it.address == address.to_string()) else {
            // Nobody there: packets get lost, and the search gives up by itself
            return pending().await;
        };
        self.clock.round_trip().await;
        let clock = self.clock.clone();
        Ok(Stream {
            clock,
            meter: Meter::default(),
            server,
            unread: b"",
        })
    }

    async fn connect_udp(&self, _server: SocketAddr) -> io::Result<Udp> {
        let clock = self.clock.clone();
        Ok(Udp {
            clock,
            unread: Mutex::default(),
        })
    }

    async fn handshake(
        &self,
        tcp: Stream,
        _config: Arc<ClientConfig>,
        name: TlsName<'static>,
    ) -> io::Result<Stream> {
        self.clock.round_trip().await;
        if name.to_str() != tcp.server.name {
            let refusal = rustls::CertificateError::NotValidForName;
            return Err(io::Error::other(rustls::Error::from(refusal)));
        }
        Ok(tcp)
    }
}

/// A connection, with or without TLS
struct Stream {
    clock: Arc<Clock>,
    meter: Meter,
    server: &'static Server,
    unread: &'static [u8],
}

impl ByteStream for Stream {
    // Nobody here sends without end, so nothing is counted
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.clock.round_trip().await;
        io::Read::read(&mut self.unread, buffer)
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !bytes.starts_with(self.server.request.as_bytes()) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.unread = self.server.response.as_bytes();
        Ok(())
    }
}

impl TlsStream for Stream {
    fn session(&self) -> Option<&ClientConnection> {
        None
    }
}

/// A socket connected to the name server
struct Udp {
    clock: Arc<Clock>,
    unread: Mutex<Vec<u8>>,
}

impl Datagrams for Udp {
    async fn send(&self, query: &[u8]) -> io::Result<()> {
        let (id, name) = (&query[..2], &query[12..]);
        let root = name.iter().position(|byte| *byte == 0).unwrap_or_default();
        let question = &name[..root + 5]; // with its type and class
        let recorded = DNS.iter().find(|it| it[10..].starts_with(question));
        let answer = match recorded {
            Some(message) => [id, message].concat(),
            None => [id, NO_SUCH_RECORD, question].concat(),
        };
        *self.unread.lock().unwrap_or_else(PoisonError::into_inner) = answer;
        Ok(())
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.clock.round_trip().await;
        let answer = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        io::Read::read(&mut answer.as_slice(), buffer)
    }
}

/// Polls the work until it is done, and moves the clock whenever the work waits
fn block_on<T>(clock: &Clock, work: impl Future<Output = T>) -> T {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        while !woken.0.swap(false, Ordering::Relaxed) {
            clock.advance();
        }
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Virtual time, and who waits for which moment of it
#[derive(Default)]
struct Clock {
    time: Mutex<(Instant, BTreeMap<Instant, Vec<Waker>>)>,
}

impl Clock {
    fn now(&self) -> Instant {
        self.lock().0
    }

    async fn sleep_until(&self, deadline: Instant) {
        poll_fn(|context| {
            let (now, timers) = &mut *self.lock();
            if *now >= deadline {
                return Poll::Ready(());
            }
            let waiting = timers.entry(deadline).or_default();
            waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    async fn round_trip(&self) {
        self.sleep_until(self.now() + ROUND_TRIP).await;
    }

    /// Goes on to the next timer; one that nobody waits for any more only costs a poll
    fn advance(&self) {
        let (now, timers) = &mut *self.lock();
        let (then, wakers) = timers.pop_first().expect("a search always has a deadline");
        *now = then;
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, (Instant, BTreeMap<Instant, Vec<Waker>>)> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server said when it was asked, and as whom it proved itself
struct Server {
    address: &'static str,
    name: &'static str,
    request: &'static str,
    response: &'static str,
}

const SERVERS: [Server; 2] = [
    Server {
        address: "192.0.2.1:443",
        name: "example.org",
        request: "GET /.well-known/matrix/server HTTP/1.1\r\nHost: example.org\r\n",
        response: "HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{\"m.server\": \"m.example.org:443\"}",
    },
    Server {
        address: "192.0.2.2:443",
        name: "m.example.org",
        request: "GET /_matrix/federation/v1/version HTTP/1.1\r\nHost: m.example.org:443\r\n",
        response: "HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n{\"server\": {\"name\": \"tape\"}}",
    },
];

/// What the name server said, without the queries' ids: the address of example.org, and two of m.example.org
const DNS: [&[u8]; 3] = [
    b"\x81\x80\0\x01\0\x01\0\0\0\0\x07example\x03org\0\0\x01\0\x01\
        \xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04\xc0\0\x02\x01",
    b"\x81\x80\0\x01\0\x01\0\0\0\0\x01m\x07example\x03org\0\0\x01\0\x01\
        \xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04\xc0\0\x02\x02",
    b"\x81\x80\0\x01\0\x01\0\0\0\0\x01m\x07example\x03org\0\0\x1c\0\x01\
        \xc0\x0c\0\x1c\0\x01\0\0\x01\x2c\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02",
];

/// What it said of everything else, up to the question
const NO_SUCH_RECORD: &[u8] = b"\x81\x80\0\x01\0\0\0\0\0\0";

const FOUND: &str = "step 3.2, Host: m.example.org:443, at [2001:db8::2]:443 or 192.0.2.2:443";

/// From here to every server, and back
const ROUND_TRIP: Duration = Duration::from_millis(20);
