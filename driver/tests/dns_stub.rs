//! The stub over real sockets of the loopback interface, on the smallest runtime that will do.

#![allow(
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use fedway_core::{Absence, Answer, DnsError, DnsName, Family, Instant};
use fedway_driver::dns::{ConfigError, Dns, DnsConfig, Stub};
use fedway_driver::{ByteStream, Datagrams, Io, Meter, TlsStream};
use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

#[test]
fn a_closed_port_is_found_out_at_once() {
    let world = World::new();
    let closed = local_udp().local_addr().unwrap();
    let result = world.look_up(&DnsConfig::new(vec![closed]));
    assert_eq!(result, Err(DnsError::Unreachable));
    assert!(
        world.elapsed() < Duration::from_millis(100),
        "took {:?}",
        world.elapsed()
    );
}

#[test]
fn a_machine_out_of_resources_says_so_and_blames_no_server() {
    for code in OUT_OF_RESOURCES {
        let world = World::failing_with(code, usize::MAX);
        let server = local_udp().local_addr().unwrap();
        let result = world.look_up(&DnsConfig::new(vec![server]));
        assert_eq!(result, Err(DnsError::OutOfResources), "{code}");
    }
}

#[test]
fn a_machine_that_gets_a_socket_for_another_server_has_its_answer() {
    let world = World::failing_with(OUT_OF_RESOURCES[0], 1);
    let server = serve(|query, _| vec![truth(query)]);
    let never_asked = local_udp().local_addr().unwrap();
    let config = DnsConfig::new(vec![never_asked, server]);
    assert_eq!(world.look_up(&config), found());
}

#[test]
fn a_server_that_drops_edns_costs_one_time_out_in_all_look_ups_of_a_stub() {
    let world = World::new();
    let queries = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&queries);
    let server = serve(move |query, _| {
        seen.lock().unwrap().push(query.edns.is_some());
        if query.edns.is_some() {
            return Vec::new();
        }
        vec![truth(query)]
    });
    let mut config = DnsConfig::new(vec![server]);
    config.timeout = Duration::from_millis(50);
    let stub = world.stub(&config).unwrap();
    for _ in 0..3 {
        assert_eq!(world.ask(&stub), found());
    }
    assert_eq!(*queries.lock().unwrap(), [true, false, false, false]);
    let after = world.elapsed();
    assert!(after >= Duration::from_millis(50), "took {after:?}");
}

#[test]
fn silent_servers_hold_two_sockets_at_most() {
    let world = World::new();
    let silent = [(); 3].map(|()| local_udp());
    let servers = silent.iter().map(|socket| socket.local_addr().unwrap());
    let mut config = DnsConfig::new(servers.collect());
    config.timeout = Duration::from_millis(10);
    assert_eq!(world.look_up(&config), Err(DnsError::TimedOut));
    assert_eq!(world.io.most.load(Ordering::SeqCst), 2);
    assert_eq!(world.open(), 0);
}

/// RFC 5452 §9.2: "The use of unpredictable query IDs"; that they come from the seed is proved by the look-up's own tests
#[test]
fn no_look_up_has_the_id_of_the_one_before() {
    let world = World::new();
    let ids = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ids);
    let server = serve(move |query, _| {
        seen.lock().unwrap().push(query.metadata.id);
        vec![truth(query)]
    });
    let config = DnsConfig::new(vec![server]);
    for _ in 0..4 {
        assert_eq!(world.look_up(&config), found());
    }
    let ids = ids.lock().unwrap();
    // That four are the same happens by chance once in 2^48 times
    assert!(ids.iter().any(|id| *id != ids[0]), "{ids:?}");
}

#[test]
fn a_closed_port_leads_to_the_next_server_at_once() {
    let world = World::new();
    let closed = local_udp().local_addr().unwrap();
    let server = serve(|query, _| vec![truth(query)]);
    assert_eq!(
        world.look_up(&DnsConfig::new(vec![closed, server])),
        found()
    );
    assert!(
        world.elapsed() < Duration::from_millis(100),
        "took {:?}",
        world.elapsed()
    );
}

#[test]
fn a_silent_server_is_left_for_the_next_when_its_time_is_up() {
    let world = World::new();
    let silent = local_udp();
    let server = serve(|query, _| vec![truth(query)]);
    let mut config = DnsConfig::new(vec![silent.local_addr().unwrap(), server]);
    config.timeout = Duration::from_millis(50);
    assert_eq!(world.look_up(&config), found());
    assert!(
        world.elapsed() >= Duration::from_millis(50),
        "took {:?}",
        world.elapsed()
    );
}

#[test]
fn silence_ends_in_time_to_be_told_of_before_the_deadline() {
    let world = World::new();
    let silent = local_udp();
    let stub = world
        .stub(&DnsConfig::new(vec![silent.local_addr().unwrap()]))
        .unwrap();
    let deadline = world.io.now() + Duration::from_millis(400);
    let result = block_on(stub.look_up(&host(), Family::V4, deadline));
    assert_eq!(result, Err(DnsError::TimedOut));
    let took = world.elapsed();
    assert!(took >= Duration::from_millis(380), "took {took:?}");
    assert!(took < Duration::from_secs(2), "took {took:?}");
}

#[test]
fn forged_datagrams_are_passed_over() {
    let world = World::new();
    let server = serve(|query, _| vec![forged(query), b"?".to_vec(), truth(query)]);
    assert_eq!(world.look_up(&DnsConfig::new(vec![server])), found());
}

#[test]
fn each_try_has_a_port_of_its_own_and_leaves_no_socket_open() {
    let world = World::new();
    let ports = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ports);
    let server = serve(move |query, from| {
        seen.lock().unwrap().push(from.port());
        let mut refusal = response(query);
        refusal.metadata.response_code = ResponseCode::Refused;
        vec![refusal.to_vec().unwrap()]
    });
    assert_eq!(
        world.look_up(&DnsConfig::new(vec![server])),
        Err(DnsError::Refused)
    );
    let ports = ports.lock().unwrap();
    assert_eq!(ports.len(), 2);
    assert_ne!(ports[0], ports[1]);
    assert_eq!(world.open(), 0);
}

#[test]
fn dropping_the_future_closes_the_socket() {
    let world = World::new();
    let silent = local_udp();
    let stub = world
        .stub(&DnsConfig::new(vec![silent.local_addr().unwrap()]))
        .unwrap();
    let name = host();
    let deadline = world.io.now() + Duration::from_secs(5);
    let mut future = Box::pin(stub.look_up(&name, Family::V4, deadline));
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    assert_eq!(world.open(), 1);
    drop(future);
    assert_eq!(world.open(), 0);
}

#[test]
fn an_answer_that_does_not_fit_comes_over_tcp_in_however_many_pieces() {
    let world = World::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let udp = UdpSocket::bind(address).unwrap();
    serve_on(udp, |query, _| vec![truncated(query)]);
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut len = [0; 2];
        stream.read_exact(&mut len).unwrap();
        let mut query = vec![0; u16::from_be_bytes(len).into()];
        stream.read_exact(&mut query).unwrap();
        let answer = truth(&Message::from_vec(&query).unwrap());
        let len = (answer.len() as u16).to_be_bytes();
        for byte in len.into_iter().chain(answer) {
            stream.write_all(&[byte]).unwrap();
            stream.flush().unwrap();
        }
    });
    assert_eq!(world.look_up(&DnsConfig::new(vec![address])), found());
    assert_eq!(world.open(), 0);
}

#[test]
fn a_stream_that_ends_early_is_a_failed_try() {
    let world = World::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    serve_on(UdpSocket::bind(address).unwrap(), |query, _| {
        vec![truncated(query)]
    });
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut query = [0; 512];
            let _ = stream.read(&mut query).unwrap();
            stream.write_all(&[1, 0, 2, 3]).unwrap();
        }
    });
    assert_eq!(
        world.look_up(&DnsConfig::new(vec![address])),
        Err(DnsError::Unreachable)
    );
}

#[test]
fn the_hosts_file_is_read_before_dns_is_asked() {
    let world = World::new();
    let path = std::env::temp_dir().join(format!("fedway-hosts-{}", std::process::id()));
    std::fs::write(&path, "192.0.2.7 example.org\n").unwrap();
    let mut config = DnsConfig::new(Vec::new());
    config.hosts = Some(path.clone());
    let stub = world.stub(&config).unwrap();
    std::fs::remove_file(path).unwrap();
    let deadline = world.io.now() + Duration::from_secs(5);
    let records = vec![[192, 0, 2, 7].into()];
    assert_eq!(
        block_on(stub.look_up(&host(), Family::V4, deadline)),
        Ok(Answer::found(records, Duration::ZERO))
    );
    let absent = Answer::absent(Absence::NoData, Some(Duration::ZERO));
    assert_eq!(
        block_on(stub.look_up(&host(), Family::V6, deadline)),
        Ok(absent)
    );
    let srv = block_on(stub.query_srv(&host(), deadline));
    assert_eq!(srv, Err(DnsError::Unreachable), "the file is for addresses");
}

#[test]
fn a_hosts_file_that_cannot_be_read_is_an_error() {
    let mut config = DnsConfig::new(Vec::new());
    config.hosts = Some("/".into());
    let error = World::new().stub(&config).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }));
}

// Helpers: servers

fn local_udp() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

fn serve(answer: impl FnMut(&Message, SocketAddr) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = local_udp();
    let address = socket.local_addr().unwrap();
    serve_on(socket, answer);
    address
}

/// Answers in a thread that ends with the test
fn serve_on(
    socket: UdpSocket,
    mut answer: impl FnMut(&Message, SocketAddr) -> Vec<Vec<u8>> + Send + 'static,
) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            let (len, from) = socket.recv_from(&mut buffer).unwrap();
            for datagram in answer(&Message::from_vec(&buffer[..len]).unwrap(), from) {
                socket.send_to(&datagram, from).unwrap();
            }
        }
    });
}

fn response(query: &Message) -> Message {
    let mut message = Message::response(query.metadata.id, OpCode::Query);
    message.add_queries(query.queries.clone());
    message
}

fn truth(query: &Message) -> Vec<u8> {
    let mut message = response(query);
    let address = RData::A(A::new(192, 0, 2, 1));
    message.add_answer(Record::from_rdata(
        query.queries[0].name.clone(),
        60,
        address,
    ));
    message.to_vec().unwrap()
}

fn truncated(query: &Message) -> Vec<u8> {
    let mut message = response(query);
    message.metadata.truncation = true;
    message.to_vec().unwrap()
}

fn forged(query: &Message) -> Vec<u8> {
    let mut query = query.clone();
    query.metadata.id ^= 1;
    truth(&query)
}

fn host() -> DnsName {
    DnsName::new("example.org").unwrap()
}

fn found() -> Result<Answer<IpAddr>, DnsError> {
    let records = vec![[192, 0, 2, 1].into()];
    Ok(Answer::found(records, Duration::from_secs(60)))
}

/// `EMFILE`, `EADDRINUSE`, `EADDRNOTAVAIL`, `ENOBUFS`, `ENOMEM`, by the numbers of the system that runs this
const OUT_OF_RESOURCES: [i32; 5] = if cfg!(windows) {
    [10024, 10048, 10049, 10055, 14]
} else if cfg!(target_os = "linux") {
    [24, 98, 99, 105, 12]
} else {
    [24, 48, 49, 55, 12]
};

// Helpers: a runtime

struct World {
    io: Arc<StdIo>,
}

impl World {
    fn new() -> Self {
        Self::with(0, 0)
    }

    /// Opens no socket so many times, for this reason of the operating system's
    fn failing_with(code: i32, times: usize) -> Self {
        Self::with(code, times)
    }

    fn with(failure: i32, failures: usize) -> Self {
        Self {
            io: Arc::new(StdIo {
                origin: std::time::Instant::now(),
                open: Arc::default(),
                most: Arc::default(),
                failure,
                failures: failures.into(),
            }),
        }
    }

    fn stub(&self, config: &DnsConfig) -> Result<Stub<StdIo>, ConfigError> {
        Stub::new(Arc::clone(&self.io), config.clone())
    }

    fn look_up(&self, config: &DnsConfig) -> Result<Answer<IpAddr>, DnsError> {
        self.ask(&self.stub(config).unwrap())
    }

    fn ask(&self, stub: &Stub<StdIo>) -> Result<Answer<IpAddr>, DnsError> {
        let deadline = self.io.now() + Duration::from_secs(5);
        block_on(stub.look_up(&host(), Family::V4, deadline))
    }

    fn elapsed(&self) -> Duration {
        self.io.now().since_origin()
    }

    fn open(&self) -> usize {
        self.io.open.load(Ordering::SeqCst)
    }
}

/// Sockets that do not block, asked again and again
#[derive(Debug)]
struct StdIo {
    origin: std::time::Instant,
    /// The number of open sockets
    open: Arc<AtomicUsize>,
    /// The most of them at once
    most: Arc<AtomicUsize>,
    /// Why no socket can be opened
    failure: i32,
    /// How often that is still so
    failures: AtomicUsize,
}

struct Socket<S> {
    inner: S,
    meter: Meter,
    open: Arc<AtomicUsize>,
}

impl<S> Socket<S> {
    fn new(inner: S, open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self {
            inner,
            meter: Meter::default(),
            open: Arc::clone(open),
        }
    }
}

impl<S> Drop for Socket<S> {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Io for StdIo {
    type Tcp = Socket<TcpStream>;
    type Tls = Socket<TcpStream>;
    type Udp = Socket<UdpSocket>;

    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    /// A millisecond early, as the timer of a real runtime may be by a little
    async fn sleep_until(&self, deadline: Instant) {
        let early = || self.now() + Duration::from_millis(1) >= deadline;
        poll_fn(|_| {
            if early() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    async fn connect_tcp(&self, address: SocketAddr) -> io::Result<Self::Tcp> {
        let stream = TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        Ok(Socket::new(stream, &self.open))
    }

    async fn connect_udp(&self, address: SocketAddr) -> io::Result<Self::Udp> {
        let one_less = |left: usize| left.checked_sub(1);
        let failures = &self.failures;
        if failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
            .is_ok()
        {
            return Err(io::Error::from_raw_os_error(self.failure));
        }
        let socket = local_udp();
        socket.connect(address)?;
        socket.set_nonblocking(true)?;
        let socket = Socket::new(socket, &self.open);
        self.most
            .fetch_max(self.open.load(Ordering::SeqCst), Ordering::SeqCst);
        Ok(socket)
    }

    async fn handshake(
        &self,
        _tcp: Self::Tcp,
        _config: Arc<ClientConfig>,
        _name: ServerName<'static>,
    ) -> io::Result<Self::Tls> {
        unreachable!("DNS needs no TLS here")
    }
}

impl ByteStream for Socket<TcpStream> {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        ready(|| self.inner.read(buffer)).await
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        ready(|| self.inner.write_all(bytes)).await
    }
}

impl TlsStream for Socket<TcpStream> {
    fn session(&self) -> Option<&rustls::ClientConnection> {
        None
    }
}

impl Datagrams for Socket<UdpSocket> {
    async fn send(&self, datagram: &[u8]) -> io::Result<()> {
        ready(|| self.inner.send(datagram)).await.map(drop)
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        ready(|| self.inner.recv(buffer)).await
    }
}

async fn ready<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    poll_fn(|_| match operation() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    })
    .await
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let limit = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
        assert!(
            std::time::Instant::now() < limit,
            "the future does not complete"
        );
        thread::sleep(Duration::from_micros(50));
    }
}
