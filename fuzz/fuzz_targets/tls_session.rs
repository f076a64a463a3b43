//! Whatever a server sends in a TLS session once the handshake is over, by its keys or without them: the GET over it ends,
//! with no more than the volume taken in, and no poll without an end.

#![no_main]

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};

use arbitrary::{Result, Unstructured};
use fedway_core::{FetchError, Limits, Purpose, Verdict};
use fedway_driver::http::Response;
use fedway_driver::{Builder, ByteStream, Meter, Roots, Trust, get};
use fedway_fuzz::{bytes, one_of, up_to};
use futures_lite::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use libfuzzer_sys::fuzz_target;
use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ConnectionTrafficSecrets, ServerConfig, ServerConnection};

fuzz_target!(|input: &[u8]| {
    // An input that has run out gives zeros, never an error
    let _ = run(&mut Unstructured::new(input));
});

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let mut limits = Limits::default();
    (limits.head, limits.body) = (MAX_HEAD, MAX_BODY);
    limits.volume = MIN_VOLUME + usize::from(u.arbitrary::<u16>()?);
    let piece = match u.arbitrary::<u8>()? {
        0 => usize::MAX,
        piece => usize::from(piece) * 16,
    };

    let name = ServerName::try_from(NAME).expect("a name");
    let config = SIDES.trust.config(&Verdict::Verify, Purpose::WellKnown);
    let volume = limits.volume;
    let connect = TlsConnector::from(config).connect(name, Tcp::new(piece, volume));
    let mut session = Session(now(connect).expect("both sides are ours"));
    let end = [End::Close, End::Reset, End::Again][usize::from(up_to(u, 2)?)];
    session.tcp().speak(script(u)?, end);
    let result = now(get(&mut session, NAME, "/", limits));
    session.tcp().judge(volume, &result);
    if let Ok(response) = &result {
        assert!(response.body.len() <= MAX_BODY);
    }
    Ok(())
}

/// What the server says after the handshake, in order
fn script(u: &mut Unstructured<'_>) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    while !u.is_empty() && parts.len() < MAX_PARTS {
        let (kind, content) = match up_to(u, 7)? {
            0 => (APPLICATION_DATA, bytes(u)?.to_vec()),
            1 => (APPLICATION_DATA, one_of(u, RESPONSES)?.into()),
            2 => (HANDSHAKE, bytes(u)?.to_vec()),
            3 => (HANDSHAKE, TICKET.repeat(u.arbitrary::<u8>()?.into())),
            4 => (ALERT, u.arbitrary::<[u8; 2]>()?.into()),
            5 => (u.arbitrary()?, bytes(u)?.to_vec()),
            // Without its keys, and be it no record
            6 => {
                match bytes(u)? {
                    // Else a script might have nothing to say, without end
                    [] => {}
                    bytes => parts.push(Part::Bare(bytes.to_vec())),
                }
                continue;
            }
            _ => {
                let kind = [APPLICATION_DATA, HANDSHAKE, ALERT, CHANGE_CIPHER_SPEC];
                let len = u16::from(u.arbitrary::<u8>()?);
                let [high, low] = len.to_be_bytes();
                let kind = kind[usize::from(up_to(u, 3)?)];
                let content = bytes(u)?;
                parts.push(Part::Bare([&[kind, 3, 3, high, low], content].concat()));
                continue;
            }
        };
        let mut padding = usize::from(u.arbitrary::<u8>()?);
        if padding > 200 {
            // A record is as large as it may be, or a byte larger
            padding = (MAX_CONTENT + padding % 2).saturating_sub(content.len());
        }
        parts.push(Part::Sealed(
            [&content[..], &[kind], &vec![0; padding]].concat(),
        ));
    }
    Ok(parts)
}

enum Part {
    /// As it is
    Bare(Vec<u8>),
    /// A TLSInnerPlaintext (RFC 8446 §5.2), of which the session's keys make a record
    Sealed(Vec<u8>),
}

/// Polls to the end, and while there is none asks for a wake-up, since nobody else will come
fn now<T>(future: impl Future<Output = T>) -> T {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    let mut future = pin!(future);
    for polls in 1.. {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let wakes = count.0.swap(0, Ordering::Relaxed);
        assert!(wakes > 0, "poll {polls} waits for nobody");
        assert!(polls <= MAX_POLLS, "{polls} polls without an end");
    }
    unreachable!("polls are bounded")
}

/// A session as a driver has it
struct Session(TlsStream<Tcp>);

impl Session {
    fn tcp(&mut self) -> &mut Tcp {
        self.0.get_mut().0
    }
}

impl ByteStream for Session {
    fn meter(&mut self) -> &mut Meter {
        &mut self.tcp().meter
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).await
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }
}

/// A connection without a network, which has its server inside
struct Tcp {
    server: Server,
    /// What the server has sent and the client has not read
    ready: VecDeque<u8>,
    meter: Meter,
    /// Read at once, at most
    piece: usize,
    /// Given to the client in all, and without the last read
    given: usize,
    given_before: usize,
    /// Given since a read that had to wait
    at_a_stretch: usize,
}

enum Server {
    /// A handshake as anybody makes it; `None` once it is over
    Honest(Option<Box<ServerConnection>>),
    Hostile {
        sealer: Sealer,
        parts: Vec<Part>,
        next: usize,
        end: End,
    },
}

/// What follows the last part
#[derive(Clone, Copy)]
enum End {
    Close,
    Reset,
    /// The first part
    Again,
}

impl Tcp {
    fn new(piece: usize, volume: usize) -> Self {
        let server = ServerConnection::new(Arc::clone(&SIDES.server)).expect("it is complete");
        let mut meter = Meter::default();
        meter.limit(volume);
        Self {
            server: Server::Honest(Some(server.into())),
            ready: VecDeque::new(),
            meter,
            piece,
            given: 0,
            given_before: 0,
            at_a_stretch: 0,
        }
    }

    /// The server says these from now on, and then that
    fn speak(&mut self, parts: Vec<Part>, end: End) {
        if let Server::Honest(session) = &mut self.server
            && let Some(session) = session.take()
        {
            self.server = Server::Hostile {
                sealer: Sealer::new(*session),
                parts,
                next: 0,
                end,
            };
        }
    }

    fn judge(&self, volume: usize, result: &Result<Response, FetchError>) {
        assert!(self.given_before <= volume, "read on after the volume");
        if self.given > volume {
            assert_eq!(*result, Err(FetchError::TooMuchData { limit: volume }));
        }
    }

    /// What a read gives; in the handshake nothing while it is the client's turn
    fn give(&mut self, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        while self.ready.is_empty() {
            match &mut self.server {
                Server::Honest(session) => {
                    let session = session.as_mut().expect("the handshake is under way");
                    session.write_tls(&mut self.ready)?;
                    if self.ready.is_empty() {
                        return Poll::Pending;
                    }
                }
                Server::Hostile {
                    sealer,
                    parts,
                    next,
                    end,
                } => match (parts.get(*next), *end) {
                    (Some(part), _) => {
                        *next += 1;
                        match part {
                            Part::Bare(bytes) => self.ready.extend(bytes),
                            Part::Sealed(content) => self.ready.extend(sealer.seal(content)),
                        }
                    }
                    (None, End::Again) if !parts.is_empty() => *next = 0,
                    (None, End::Again | End::Close) => return Poll::Ready(Ok(0)),
                    (None, End::Reset) => {
                        return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                    }
                },
            }
        }
        let len = buffer.len().min(self.piece).min(self.ready.len());
        for (to, from) in buffer.iter_mut().zip(self.ready.drain(..len)) {
            *to = from;
        }
        self.given_before = self.given;
        self.given += len;
        assert!(self.at_a_stretch <= STRETCH, "nobody else has a turn");
        self.at_a_stretch += len;
        Poll::Ready(Ok(len))
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut meter = mem::take(&mut self.meter);
        let read = meter.poll_read(context, |_| self.give(buffer));
        self.meter = meter;
        if read.is_pending() {
            self.at_a_stretch = 0;
        }
        read
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let len = bytes.len();
        if let Server::Honest(Some(session)) = &mut self.server {
            while !bytes.is_empty() {
                session.read_tls(&mut bytes)?;
                let read = session.process_new_packets();
                read.expect("the client keeps to the protocol");
            }
        }
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The sending half of a server's session
struct Sealer {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Sealer {
    fn new(session: ServerConnection) -> Self {
        let secrets = session.dangerous_extract_secrets();
        let (sequence, secrets) = secrets.expect("the handshake is over").tx;
        let ConnectionTrafficSecrets::Aes128Gcm { key, iv } = secrets else {
            unreachable!("the server has one cipher suite")
        };
        let key = UnboundKey::new(&aead::AES_128_GCM, key.as_ref()).expect("16 bytes");
        Self {
            key: LessSafeKey::new(key),
            iv: iv.as_ref().try_into().expect("12 bytes"),
            sequence,
        }
    }

    /// RFC 8446 §5.2: the header is authenticated, the nonce (§5.3) counts records
    fn seal(&mut self, content: &[u8]) -> Vec<u8> {
        let mut content = content.to_vec();
        let len = content.len() + self.key.algorithm().tag_len();
        let [.., high, low] = len.to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, high, low];
        let mut nonce = self.iv;
        for (byte, count) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= count;
        }
        self.sequence += 1;
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(header), &mut content)
            .expect("a record's length");
        [&header[..], &content].concat()
    }
}

/// Made once, for all inputs
struct Sides {
    trust: Trust,
    server: Arc<ServerConfig>,
}

static SIDES: LazyLock<Sides> = LazyLock::new(|| {
    let signed = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a name");
    let mut roots = Roots::none();
    roots
        .add_pem(signed.cert.pem().as_bytes())
        .expect("just made");
    let trust = Builder::default().roots(roots).trust().expect("a root");
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites = vec![rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256];
    let key = PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
    let mut server = ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("its suite is of TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.into()], key.into())
        .expect("they fit");
    server.enable_secret_extraction = true;
    // They are the script's
    server.send_tls13_tickets = 0;
    let server = server.into();
    Sides { trust, server }
});

const NAME: &str = "example.org";

/// What may be said to a GET, whole and in parts
const RESPONSES: &[&str] = &[
    "HTTP/1.1 200 OK\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "9\r\n{\"a\":\"b\"}\r\n",
    "0\r\n\r\n",
    "x: y\r\n",
    "{}",
];

/// NewSessionTicket (RFC 8446 §4.6.1) for a day, with a nonce and a ticket of one byte each
const TICKET: [u8; 19] = [
    4, 0, 0, 15, 0, 1, 0x51, 0x80, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0,
];

const MAX_HEAD: usize = 512;
const MAX_BODY: usize = 1024;
/// More than the handshake
const MIN_VOLUME: usize = 4096;
const MAX_PARTS: usize = 64;
/// The volume in stretches, and what a handshake waits for
const MAX_POLLS: usize = (MIN_VOLUME + u16::MAX as usize) / STRETCH + 8;
/// As the meter has it
const STRETCH: usize = 16 << 10;
/// Of a TLSInnerPlaintext, without its type (RFC 8446 §5.1)
const MAX_CONTENT: usize = 1 << 14;

// ContentType (RFC 8446 §5.1)
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
