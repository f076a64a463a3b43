//! Finds a Matrix server and connects to it without async: one loop, a thread for each action, std's sockets.
//!
//! `cargo run -p fedway-driver --example blocking` finds a server of a small world on the loopback device.
//! [`find`] is the loop. What it starts is below: which bytes go over the sockets is said by rustls, and by
//! the machines of `fedway-driver` for DNS and HTTP.

#![expect(clippy::print_stdout, reason = "an example says what it found")]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::{thread, time};

use fedway_core::*;
use fedway_driver::dns::{self, DnsConfig, Lookup, Memory, Terms, Transmit, Transport};
use fedway_driver::http::Exchange;
use fedway_driver::{Builder, Roots, Trust, connect_error, server_name};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ClientConnection, ServerConfig, ServerConnection, StreamOwned};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let world = World::start()?;
    let (mut config, mut roots) = (Config::default(), Roots::none());
    config.addresses.allow.push("198.51.100.0/24".parse()?); // for documentation, hence refused
    roots.add_pem(world.certificate.as_bytes())?; // outside of the world, the system's
    let driver = Arc::new(Driver {
        start: time::Instant::now(),
        dns: DnsConfig::new(vec![world.dns]), // outside of the world, the system's
        memory: Mutex::default(),
        trust: Builder::default().roots(roots).trust()?,
        // Outside of the world, none
        reroutes: BTreeMap::from([
            ("198.51.100.1:443".parse()?, world.web),
            ("198.51.100.2:8449".parse()?, world.web),
        ]),
        sessions: Mutex::default(),
    });
    let (name, seed) = ("example.org".parse()?, getrandom::u64()?);
    let search = Discovery::connect(&name, &config.into(), seed, driver.now());
    let found = find(search, &driver)?;
    let connection = found.connection.ok_or("not asked to connect")?;
    let session = driver.sessions().remove(&connection.id).ok_or("closed")?;
    let (step, host) = (found.destination.step(), found.destination.host_header);
    let report = format!("step {step}, Host: {host}, at {}", connection.address);
    println!("{name}: {report}, {:?}", session.conn.protocol_version());
    assert_eq!(
        report,
        "step 3.2, Host: example.net:8449, at 198.51.100.2:8449"
    );
    Ok(())
}

/// Does what the search says and tells it what came of it, until it is done
fn find(mut search: Discovery, driver: &Arc<Driver>) -> Result<Box<Found>, DiscoveryError> {
    let (done, replies) = mpsc::channel();
    loop {
        match search.poll() {
            Step::Act(action) => {
                let (driver, done) = (driver.clone(), done.clone());
                thread::spawn(move || done.send(driver.act(action)));
            }
            // Its thread goes on until a timeout, and its reply changes nothing
            Step::Cancel(id) => drop(driver.sessions().remove(&id)),
            Step::Wait { until } => {
                match replies.recv_timeout(driver.left(until.unwrap_or_default())) {
                    Ok(reply) => search.handle(reply, driver.now()),
                    Err(_) => search.handle_timeout(driver.now()),
                }
            }
            Step::Done(result) => return result,
        }
    }
}

type Session = StreamOwned<ClientConnection, TcpStream>;

/// What the threads of one search share; a session that comes after its cancellation is closed with it
struct Driver {
    start: time::Instant,
    dns: DnsConfig,
    memory: Mutex<Memory>,
    trust: Trust,
    reroutes: BTreeMap<SocketAddr, SocketAddr>,
    sessions: Mutex<BTreeMap<ActionId, Session>>,
}

impl Driver {
    fn now(&self) -> Instant {
        Instant::from_origin(self.start.elapsed())
    }

    /// The time until a deadline; once that is none, sockets refuse it for a timeout, and rightly
    fn left(&self, deadline: Instant) -> time::Duration {
        deadline.saturating_since(self.now())
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<ActionId, Session>> {
        self.sessions.lock().expect("no holder panics")
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no holder panics")
    }

    fn act(&self, action: Action) -> Event {
        match action {
            Action::Connect(connect) => {
                let result = self.connect(&connect);
                connect.reply(result.map(|()| None).map_err(|error| connect_error(&error)))
            }
            Action::FetchWellKnown(fetch) => {
                let answer = self.fetch(&fetch);
                fetch.reply(answer.map_err(|_| FetchError::ConnectionLost))
            }
            Action::LookUpAddresses(ask) => {
                let begin =
                    |terms: Terms<'_>, now| Lookup::addresses(ask.host(), ask.family(), terms, now);
                let answer = self.look_up(begin, ask.deadline());
                ask.reply(answer)
            }
            Action::QuerySrv(ask) => {
                let begin = |terms: Terms<'_>, now| Lookup::srv(ask.name(), terms, now);
                let answer = self.look_up(begin, ask.deadline());
                ask.reply(answer)
            }
        }
    }

    /// TCP, then TLS
    fn connect(&self, connect: &Connect) -> io::Result<()> {
        let (address, name) = (connect.address(), server_name(connect.tls_name()));
        let config = self.trust.config(connect.verdict(), connect.purpose());
        let tls = ClientConnection::new(config, name.map_err(io::Error::other)?);
        let mut tls = tls.map_err(io::Error::other)?;
        let address = self.reroutes.get(&address).unwrap_or(&address);
        let mut tcp = TcpStream::connect_timeout(address, self.left(connect.deadline()))?;
        tcp.set_read_timeout(Some(self.left(connect.deadline())))?;
        tls.complete_io(&mut tcp)?;
        let session = StreamOwned::new(tls, tcp);
        self.sessions().insert(connect.id(), session);
        Ok(())
    }

    fn fetch(&self, fetch: &FetchWellKnown) -> io::Result<HttpAnswer> {
        let session = self.sessions().remove(&fetch.connection());
        let mut session = session.ok_or(io::ErrorKind::NotConnected)?;
        let mut limits = Limits::default();
        (limits.head, limits.body) = (fetch.max_head(), fetch.max_body());
        let exchange = Exchange::get(fetch.host_header(), fetch.target(), limits);
        let mut exchange = exchange.map_err(io::Error::other)?;
        session.write_all(exchange.request())?;
        let mut buffer = [0; 4096];
        loop {
            let response = match session.read(&mut buffer)? {
                0 => exchange.handle_end(true).map(Some),
                len => exchange.handle_input(&buffer[..len]),
            };
            if let Some(response) = response.map_err(io::Error::other)? {
                let mut answer = HttpAnswer::status(response.status);
                for (name, value) in response.headers {
                    if let Some(name) = FieldName::named(&name) {
                        answer = answer.with(name, value);
                    }
                }
                answer.body = response.body;
                return Ok(answer);
            }
        }
    }

    fn look_up<T: Clone>(
        &self,
        begin: impl FnOnce(Terms<'_>, Instant) -> Lookup<T>,
        deadline: Instant,
    ) -> Result<Answer<T>, DnsError> {
        let terms = Terms {
            config: &self.dns,
            memory: &self.memory().clone(),
            seed: entropy(),
            deadline,
        };
        let mut lookup = begin(terms, self.now());
        loop {
            lookup.handle_timeout(self.now());
            let deadline = lookup.deadline().unwrap_or_default();
            match lookup.poll() {
                // One query at a time: its socket is closed when it has been asked
                dns::Step::Cancel(_) => {}
                dns::Step::Done(result) => return result,
                dns::Step::Learnt(lesson) => self.memory().learn(lesson, self.now()),
                dns::Step::Send(query) => match ask(&query, self.left(deadline)) {
                    Ok(message) => lookup.handle_message(query.id(), &message, self.now()),
                    Err(_) if self.now() >= deadline => {}
                    Err(_) => lookup.handle_failure(query.id(), self.now()),
                },
                dns::Step::Wait { .. } => thread::sleep(self.left(deadline)),
            }
        }
    }
}

fn entropy() -> u64 {
    getrandom::u64().expect("the system has entropy")
}

/// One message to a name server, and one back
fn ask(query: &Transmit, timeout: time::Duration) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 4096];
    if query.transport() == Transport::Udp {
        let v4 = query.server().is_ipv4();
        let udp = UdpSocket::bind(if v4 { "0.0.0.0:0" } else { "[::]:0" })?;
        udp.connect(query.server())?;
        udp.set_read_timeout(Some(timeout))?;
        udp.send(query.message())?;
        let len = udp.recv(&mut message)?;
        return Ok(message[..len].to_vec());
    }
    let mut tcp = TcpStream::connect_timeout(&query.server(), timeout)?;
    tcp.set_read_timeout(Some(timeout))?;
    let len = query.message().len() as u16;
    tcp.write_all(&[&len.to_be_bytes(), query.message()].concat())?;
    tcp.read_exact(&mut message[..2])?;
    message = vec![0; u16::from_be_bytes([message[0], message[1]]).into()];
    tcp.read_exact(&mut message)?;
    Ok(message)
}

/// What stands for the network here: a name server, and one web server for all names
struct World {
    dns: SocketAddr,
    web: SocketAddr,
    certificate: String,
}

impl World {
    fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let names = ["example.org", "example.net"].map(String::from);
        let own = rcgen::generate_simple_self_signed(names)?;
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let tls = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        let chain = vec![own.cert.der().clone()];
        let tls = Arc::new(tls.with_single_cert(chain, key.into())?);
        let (udp, tcp) = (
            UdpSocket::bind("127.0.0.1:0")?,
            TcpListener::bind("127.0.0.1:0")?,
        );
        let (dns, web) = (udp.local_addr()?, tcp.local_addr()?);
        thread::spawn(move || answer_queries(&udp));
        thread::spawn(move || {
            for client in tcp.incoming().flatten() {
                let tls = tls.clone();
                thread::spawn(move || delegate(client, tls));
            }
        });
        Ok(Self {
            dns,
            web,
            certificate: own.cert.pem(),
        })
    }
}

/// Answers from [`HOSTS`], and that there is no such record to everything else
fn answer_queries(socket: &UdpSocket) -> io::Result<()> {
    let mut query = [0; 512];
    loop {
        let (len, client) = socket.recv_from(&mut query)?;
        let name = &query[12..len];
        let root = name.iter().position(|byte| *byte == 0).unwrap_or_default();
        let question = &name[..root + 5]; // with its type and class
        let found = HOSTS.iter().find(|(known, _)| *known == question);
        let answers = u8::from(found.is_some());
        let mut reply = query[..2].to_vec();
        reply.extend([0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0]);
        reply.extend(question);
        if let Some((_, ip)) = found {
            reply.extend(b"\xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04");
            reply.extend(ip);
        }
        socket.send_to(&reply, client)?;
    }
}

/// Answers any request with a delegation
fn delegate(client: TcpStream, tls: Arc<ServerConfig>) -> io::Result<()> {
    let session = ServerConnection::new(tls).map_err(io::Error::other)?;
    let mut session = StreamOwned::new(session, client);
    let _request = session.read(&mut [0; 1024])?;
    session.write_all(DELEGATION)?;
    session.conn.send_close_notify();
    session.flush()
}

/// The questions that have an answer, as they stand in a message, and the address
const HOSTS: [(&[u8], [u8; 4]); 2] = [
    (b"\x07example\x03org\0\0\x01\0\x01", [198, 51, 100, 1]),
    (b"\x07example\x03net\0\0\x01\0\x01", [198, 51, 100, 2]),
];

const DELEGATION: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n{\"m.server\": \"example.net:8449\"}";
