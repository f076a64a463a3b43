//! With the feature `driver`: a runtime and a resolver for DNS that say what a script says, in virtual time.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use fedway_core::{
    Answer, Config, ConnectError, DnsError, DnsName, Family, Host, HttpAnswer, Instant, SrvRecord,
    TlsError, Verdict,
};
use fedway_driver::dns::Dns;
use fedway_driver::{
    BuildError, Builder, ByteStream, Datagrams, Io, Meter, Resolver, Roots, TlsStream,
};
use rustls::crypto::ring;
use rustls::pki_types::ServerName as TlsName;
use rustls::{ClientConfig, ClientConnection};

use crate::script::{Answers, Latency, Reply};
use crate::world::SHA1_ROOT;

/// [`Io`] and [`Dns`] over the answers of a script: an app's [`Resolver`] runs in virtual time, without sockets.
///
/// Whatever waits for the resolver or its [`Io`], and for nothing else, runs in [`block_on`](Self::block_on), where
/// hours take no time and the same happens every time, but for what a search leaves to chance: the choice among SRV
/// targets of one priority, and a tenth of the life of what .well-known says.
///
/// ```
/// use std::time::Duration;
///
/// use fedway_testkit::{config, Scripted};
/// use fedway_testkit::script::{Answers, srv};
///
/// let mut answers = Answers::default();
/// answers.well_known("example.org").fails(404);
/// answers.srv("_matrix-fed._tcp.example.org").gives([srv(1, 0, 8449, "a.example.org")]);
/// answers.a("a.example.org").gives(["192.0.2.1", "192.0.2.2"]);
/// answers.connect("192.0.2.1:8449").hangs();
/// answers.connect("192.0.2.2:8449").works();
///
/// let scripted = Scripted::new(answers, config());
/// let resolver = scripted.resolver()?;
/// let connected = scripted.block_on(resolver.connect(&"example.org".parse()?))?;
/// assert_eq!(connected.found.connection.unwrap().address, "192.0.2.2:8449".parse()?);
/// // The silent address was given a rival after a quarter of a second (RFC 8305 section 5)
/// assert!(scripted.elapsed() > Duration::from_millis(250));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A [page](Answers::get) is what any request over a session gets, by its `Host` and target, whatever its method and
/// body. There are no TLS sessions to look into, and no certificates but in what a script says of them.
#[derive(Clone, Debug)]
pub struct Scripted {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    answers: Answers,
    config: Config,
    latency: Latency,
    time: Mutex<Time>,
}

/// Virtual time, and who waits for which moment of it
#[derive(Debug)]
struct Time {
    now: Instant,
    timers: BTreeMap<Instant, Vec<Waker>>,
}

impl Scripted {
    /// Over these answers, for a resolver with these policies: [`config`](crate::config()) lets it dial where scripts
    /// have their servers.
    ///
    /// Exchanges take the [`Latency`] that there is by default, unless they were told how long.
    #[must_use]
    pub fn new(answers: Answers, config: Config) -> Self {
        let time = Time {
            now: Instant::ORIGIN,
            timers: BTreeMap::new(),
        };
        Self {
            shared: Arc::new(Shared {
                answers: answers.settle(),
                config,
                latency: Latency::default(),
                time: Mutex::new(time),
            }),
        }
    }

    /// A resolver that lives here.
    ///
    /// # Errors
    ///
    /// If there is no resolver with these policies: see [`Builder::build_with`].
    pub fn resolver(&self) -> Result<Resolver<Self, Self>, BuildError> {
        Builder::default()
            .config(self.shared.config.clone())
            .crypto_provider(ring::default_provider().into())
            .roots(somebody())
            .build_with(Arc::new(self.clone()), self.clone())
    }

    /// The virtual time since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.time().now.since_origin()
    }

    /// Polls the work until it is done, and goes on to the next moment of virtual time whenever it waits.
    ///
    /// # Panics
    ///
    /// If the work waits for something that never comes: for what a script says will not, with no deadline to end it,
    /// or for another thread.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut work = pin!(work);
        loop {
            if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                return result;
            }
            while !woken.0.swap(false, Ordering::Relaxed) {
                self.advance();
            }
        }
    }

    /// Goes on to the next timer; one that nobody waits for any more only costs a poll.
    fn advance(&self) {
        let mut time = self.time();
        let Some((then, wakers)) = time.timers.pop_first() else {
            // Not under the lock, which the work's own streams may want while it is dropped
            drop(time);
            panic!("waits for what never comes, at {}", self.now());
        };
        time.now = time.now.max(then);
        drop(time);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// What a reply says, once its time has come.
    async fn hear<T>(&self, reply: Reply<T>, latency: Duration) -> T {
        let Some(said) = reply.says else {
            return pending().await;
        };
        let takes = reply.takes.unwrap_or(latency);
        self.sleep_until(self.now() + takes).await;
        said
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        let time = &self.shared.time;
        time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dns for Scripted {
    async fn look_up(
        &self,
        host: &DnsName,
        family: Family,
        _deadline: Instant,
    ) -> Result<Answer<IpAddr>, DnsError> {
        let reply = self.shared.answers.to_addresses(host, family);
        self.hear(reply, self.shared.latency.dns).await
    }

    async fn query_srv(
        &self,
        name: &DnsName,
        _deadline: Instant,
    ) -> Result<Answer<SrvRecord>, DnsError> {
        let reply = self.shared.answers.to_srv(name);
        self.hear(reply, self.shared.latency.dns).await
    }
}

impl Io for Scripted {
    type Tcp = ScriptedStream;
    type Tls = ScriptedStream;
    type Udp = NoDatagrams;

    fn now(&self) -> Instant {
        self.time().now
    }

    async fn sleep_until(&self, deadline: Instant) {
        poll_fn(|context| {
            let mut time = self.time();
            if time.now >= deadline {
                return Poll::Ready(());
            }
            let waiting = time.timers.entry(deadline).or_default();
            waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Takes no time: a script speaks of TCP and TLS together
    async fn connect_tcp(&self, address: SocketAddr) -> io::Result<ScriptedStream> {
        Ok(ScriptedStream {
            scripted: self.clone(),
            meter: Meter::default(),
            address,
            asked: Vec::new(),
            unread: Vec::new(),
        })
    }

    async fn connect_udp(&self, _address: SocketAddr) -> io::Result<NoDatagrams> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn handshake(
        &self,
        tcp: ScriptedStream,
        _config: Arc<ClientConfig>,
        name: TlsName<'static>,
    ) -> io::Result<ScriptedStream> {
        let Shared {
            answers,
            config,
            latency,
            ..
        } = &*self.shared;
        let invalid = || io::Error::other(ConnectError::Tls(TlsError::InvalidName));
        let name = host(&name).ok_or_else(invalid)?;
        let verdict = config.trust.verdict(&name, tcp.address.ip());
        let reply = answers.to_connect(tcp.address, &name, verdict == Verdict::Verify);
        let session = self.hear(reply, latency.connect).await;
        session.map(|()| tcp).map_err(io::Error::other)
    }
}

/// A connection of a script, with or without TLS
#[derive(Debug)]
pub struct ScriptedStream {
    scripted: Scripted,
    meter: Meter,
    address: SocketAddr,
    /// What was written and not answered yet
    asked: Vec<u8>,
    unread: Vec<u8>,
}

impl ScriptedStream {
    /// What the script has for a request, its end included; nothing as long as its head is not whole
    async fn answer(&self) -> io::Result<Option<Vec<u8>>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let parsed = head.parse(&self.asked).map_err(io::Error::other)?;
        let (httparse::Status::Complete(_), Some(target)) = (parsed, head.path) else {
            return Ok(None);
        };
        let is_host = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("host");
        let host = head.headers.iter().find(is_host);
        let host = host.map_or(&[][..], |header| header.value);
        let Shared {
            answers, latency, ..
        } = &*self.scripted.shared;
        let reply = answers.to_get(&String::from_utf8_lossy(host), target);
        let said = self.scripted.hear(reply, latency.get).await;
        Ok(Some(written(&said.map_err(io::Error::other)?)))
    }
}

impl ByteStream for ScriptedStream {
    /// A script is no longer than somebody wrote it, so that nothing is counted
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            match self.answer().await? {
                Some(answer) => (self.unread, self.asked) = (answer, Vec::new()),
                None => return pending().await,
            }
        }
        let rest = self.unread.split_off(buffer.len().min(self.unread.len()));
        let now = mem::replace(&mut self.unread, rest);
        buffer[..now.len()].copy_from_slice(&now);
        Ok(now.len())
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.asked.extend_from_slice(bytes);
        Ok(())
    }
}

impl TlsStream for ScriptedStream {
    fn session(&self) -> Option<&ClientConnection> {
        None
    }
}

/// The datagrams of a script: there are none, since it answers DNS itself
#[derive(Clone, Copy, Debug)]
pub struct NoDatagrams(Infallible);

impl Datagrams for NoDatagrams {
    async fn send(&self, _datagram: &[u8]) -> io::Result<()> {
        match self.0 {}
    }

    async fn receive(&self, _buffer: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Who is never asked, since no handshake is real; but a resolver that trusts nobody is not built
fn somebody() -> Roots {
    let mut roots = Roots::none();
    roots
        .add_pem(SHA1_ROOT.as_bytes())
        .expect("the constant is PEM");
    roots
}

fn host(name: &TlsName<'_>) -> Option<Host> {
    match name {
        TlsName::DnsName(name) => Some(Host::Dns(DnsName::new(name.as_ref()).ok()?)),
        TlsName::IpAddress(address) => Some(Host::Ip(IpAddr::from(*address))),
        _ => None,
    }
}

/// An answer as it travels
fn written(answer: &HttpAnswer) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {} \r\n", answer.status).into_bytes();
    for field in &answer.fields {
        text.extend_from_slice(field.name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(&field.value);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(format!("Content-Length: {}\r\n\r\n", answer.body.len()).as_bytes());
    text.extend_from_slice(&answer.body);
    text
}

/// More than any client of a test sends
const MAX_HEADERS: usize = 64;
