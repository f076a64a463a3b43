//! TLS over any stream of bytes, for runtimes that no crate makes rustls streams for.

use std::io::{self, Read as _, Write as _};
use std::ops::Range;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::io::{ByteStream, TlsStream};
use crate::meter::Meter;

/// A TLS session over any [`ByteStream`]
///
/// For an [`Io`](crate::Io) on a runtime that has no rustls streams of its own: its `Tls` is a `TlsOver<Tcp>`, and
/// its `handshake` is [that of this type](Self::handshake). What comes in is read, and so counted, by the stream
/// below, whose [`Meter`] this hands on.
///
/// What rustls refuses, and an alert of the peer's, is a [`rustls::Error`] inside the [`io::Error`], which
/// [`connect_error`](crate::connect_error) reads; all that the peer sent before it is read first. A stream that ends
/// without close_notify (RFC 8446 §6.1) reads as [`UnexpectedEof`](io::ErrorKind::UnexpectedEof).
///
/// A read that is dropped loses nothing if that of the stream below does not. A write that is dropped, or fails, may
/// have sent half a record: nothing can be written after it.
///
/// ```
/// use std::io;
/// use std::sync::Arc;
///
/// use fedway_driver::{ByteStream, TlsOver};
/// use rustls::ClientConfig;
/// use rustls::pki_types::ServerName;
///
/// async fn greet(tcp: impl ByteStream, config: Arc<ClientConfig>) -> io::Result<()> {
///     let name = ServerName::try_from("example.org").map_err(io::Error::other)?;
///     let mut tls = TlsOver::handshake(tcp, config, name).await?;
///     tls.write_all(b"hello").await?;
///     tls.close().await?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct TlsOver<T> {
    stream: T,
    session: ClientConnection,
    buffer: Box<[u8]>,
    /// The part of the buffer that came off the wire, and that rustls has not taken yet
    untaken: Range<usize>,
    /// Whether a write has begun and not come to its end
    is_torn: bool,
}

impl<T: ByteStream> TlsOver<T> {
    /// Performs a TLS handshake as the client
    ///
    /// # Errors
    ///
    /// If the stream fails or ends, or rustls refuses the peer, or the peer us.
    pub async fn handshake(
        stream: T,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<Self> {
        let mut tls = Self {
            stream,
            session: ClientConnection::new(config, name).map_err(refusal)?,
            buffer: vec![0; READ_SIZE].into(),
            untaken: 0..0,
            is_torn: false,
        };
        loop {
            tls.flush().await?;
            if !tls.session.is_handshaking() {
                return Ok(tls);
            }
            if tls.take_in().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Err(error) = tls.session.process_new_packets() {
                return Err(tls.refuse(error).await);
            }
        }
    }

    /// Ends the session with close_notify (RFC 8446 §6.1), and gives back the stream below
    ///
    /// What the peer has sent and nobody has read goes with the session.
    ///
    /// # Errors
    ///
    /// If the stream below fails.
    pub async fn close(mut self) -> io::Result<T> {
        self.session.send_close_notify();
        self.flush().await?;
        Ok(self.stream)
    }

    /// Gives rustls what came in, waiting for it if there is nothing left; zero means that the stream has ended
    async fn take_in(&mut self) -> io::Result<usize> {
        if self.untaken.is_empty() {
            let len = self.stream.read(&mut self.buffer).await?;
            self.untaken = 0..len;
        }
        let mut bytes = &self.buffer[self.untaken.clone()];
        let len = self.session.read_tls(&mut bytes)?;
        self.untaken.start += len;
        Ok(len)
    }

    /// Writes what rustls has for the peer
    async fn flush(&mut self) -> io::Result<()> {
        let mut records = Vec::new();
        while self.session.wants_write() {
            self.session.write_tls(&mut records)?;
        }
        if records.is_empty() {
            return Ok(());
        }
        if self.is_torn {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.is_torn = true;
        self.stream.write_all(&records).await?;
        self.is_torn = false;
        Ok(())
    }

    /// Tells the peer why, by the alert that rustls has for it; whether it arrives matters to nobody here
    async fn refuse(&mut self, error: rustls::Error) -> io::Error {
        let _ = self.flush().await;
        refusal(error)
    }
}

impl<T: ByteStream> ByteStream for TlsOver<T> {
    fn meter(&mut self) -> &mut Meter {
        self.stream.meter()
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Says what was wrong every time it is asked; what came before that counts
            let processed = self.session.process_new_packets();
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            if let Err(error) = processed {
                return Err(self.refuse(error).await);
            }
            self.take_in().await?;
        }
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        loop {
            self.flush().await?;
            if rest.is_empty() {
                return Ok(());
            }
            // As much as it buffers: at least a byte, now that the buffer is empty
            let len = self.session.writer().write(rest)?;
            rest = &rest[len..];
        }
    }
}

impl<T: ByteStream + 'static> TlsStream for TlsOver<T> {
    fn session(&self) -> Option<&ClientConnection> {
        Some(&self.session)
    }
}

/// As `tokio-rustls` and `futures-rustls` wrap it
fn refusal(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// What rustls takes at a time
const READ_SIZE: usize = 4096;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::{pending, poll_fn};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::meter::TooMuchData;
    use rcgen::CertifiedKey;
    use rustls::crypto::ring::default_provider;
    use rustls::server::WebPkiClientVerifier;
    use rustls::{AlertDescription, RootCertStore, ServerConfig, ServerConnection};

    #[test]
    fn bytes_go_both_ways_however_small_the_pieces_they_come_in() {
        let (question, answer) = (vec![b'?'; 300_000], vec![b'!'; 100_000]);
        for piece in [1, 7, READ_SIZE - 1, READ_SIZE] {
            let peer = Peer {
                piece,
                ..Peer::new([Say::Words(answer.clone()), Say::CloseNotify])
            };
            let mut tls = now(greet(peer)).unwrap();
            now(tls.write_all(&question)).unwrap();
            assert!(tls.stream.heard == question, "{piece}");
            assert!(now(read_all(&mut tls)).unwrap() == answer, "{piece}");
            // And the end is said as often as it is asked for
            assert_eq!(now(tls.read(&mut [0])).unwrap(), 0);
        }
    }

    #[test]
    fn a_stream_cut_without_close_notify_is_no_end() {
        let mut tls = now(greet(Peer::new([Say::Words(b"abc".into())]))).unwrap();
        let mut buffer = [0; 10];
        assert_eq!(now(tls.read(&mut buffer)).unwrap(), 3);
        for _ in 0..2 {
            let error = now(tls.read(&mut buffer)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
        let silent = Peer {
            is_deaf: true,
            ..Peer::new([])
        };
        let error = now(greet(silent)).map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_alert_after_the_handshake_is_inside_the_error_of_the_next_read() {
        let mut site = Site::new();
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(site.roots.clone(), provider);
        let builder = ServerConfig::builder_with_provider(default_provider().into());
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        site.server = builder
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_cert_resolver(site.server.cert_resolver);
        let mut tls = now(greet(site.peer([]))).unwrap();
        let error = now(tls.read(&mut [0; 10])).unwrap_err();
        let expected = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        assert_eq!(refused(&error), &expected);
    }

    #[test]
    fn what_came_before_an_error_is_read_first_and_the_peer_is_told() {
        let forged = b"\x17\x03\x03\0\x20abcdefghijklmnopqrstuvwxyzabcdef";
        let says = [Say::Words(b"abc".into()), Say::Raw(forged)];
        let mut tls = now(greet(Peer::new(says))).unwrap();
        let mut buffer = [0; 10];
        assert_eq!(now(tls.read(&mut buffer)).unwrap(), 3);
        for _ in 0..2 {
            let error = now(tls.read(&mut buffer)).unwrap_err();
            assert_eq!(refused(&error), &rustls::Error::DecryptError);
        }
        let told = rustls::Error::AlertReceived(AlertDescription::BadRecordMac);
        assert_eq!(tls.stream.refused, Some(told));
    }

    #[test]
    fn a_certificate_that_is_refused_ends_the_handshake() {
        let peer = Peer::new([]);
        let config = peer.client.clone();
        let name = ServerName::try_from("b.example").unwrap();
        let error = now(TlsOver::handshake(peer, config, name))
            .map(drop)
            .unwrap_err();
        assert!(
            matches!(refused(&error), rustls::Error::InvalidCertificate(_)),
            "{error}"
        );
    }

    #[test]
    fn what_makes_no_data_counts_below_tls() {
        let mut site = Site::new();
        site.server.send_tls13_tickets = 1_000;
        let mut tls = now(greet(site.peer([]))).unwrap();
        tls.meter().limit(50_000);
        let error = now(tls.read(&mut [0; 10])).unwrap_err();
        assert_eq!(TooMuchData::of(&error), Some(TooMuchData { limit: 50_000 }));
    }

    #[test]
    fn a_peer_whose_records_make_no_data_does_not_keep_the_thread() {
        let mut site = Site::new();
        site.server.send_tls13_tickets = 1_000;
        let mut tls = now(greet(site.peer([]))).unwrap();
        let mut buffer = [0; 10];
        let mut read = pin!(tls.read(&mut buffer));
        let mut context = Context::from_waker(Waker::noop());
        assert!(read.as_mut().poll(&mut context).is_pending());
    }

    #[test]
    fn nothing_is_written_after_half_a_record_and_what_comes_is_still_read() {
        let mut tls = now(greet(Peer::new([Say::Words(b"abc".into())]))).unwrap();
        tls.stream.is_stuck = true;
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(tls.write_all(b"?")).poll(&mut context).is_pending());
        tls.stream.is_stuck = false;
        let error = now(tls.write_all(b"?")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(now(tls.read(&mut [0; 10])).unwrap(), 3);
    }

    #[test]
    fn a_session_that_is_closed_says_so() {
        let tls = now(greet(Peer::new([]))).unwrap();
        let mut peer = now(tls.close()).unwrap();
        assert_eq!(peer.server.reader().read(&mut [0]).unwrap(), 0);
    }

    async fn greet(peer: Peer) -> io::Result<TlsOver<Peer>> {
        let config = peer.client.clone();
        TlsOver::handshake(peer, config, ServerName::try_from(NAME).unwrap()).await
    }

    async fn read_all(tls: &mut TlsOver<Peer>) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut buffer = [0; 1_000];
        loop {
            match tls.read(&mut buffer).await? {
                0 => return Ok(all),
                len => all.extend(&buffer[..len]),
            }
        }
    }

    fn refused(error: &io::Error) -> &rustls::Error {
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        error.get_ref().unwrap().downcast_ref().unwrap()
    }

    /// Nobody here ever wakes anybody; the meter makes a stream wait that always has more
    fn now<T>(future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        loop {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
        }
    }

    /// A server at the other end of the stream, which says these things once the handshake is over, and then ends the
    /// stream
    struct Peer {
        server: ServerConnection,
        client: Arc<ClientConfig>,
        meter: Meter,
        says: VecDeque<Say>,
        /// On their way to the client
        pending: VecDeque<u8>,
        /// How many bytes a read gives at most
        piece: usize,
        heard: Vec<u8>,
        /// What it found wrong with what it heard
        refused: Option<rustls::Error>,
        is_deaf: bool,
        is_stuck: bool,
    }

    enum Say {
        CloseNotify,
        /// As they are, in one flight with what was said before
        Raw(&'static [u8]),
        Words(Vec<u8>),
    }

    impl Peer {
        fn new(says: impl Into<VecDeque<Say>>) -> Self {
            Site::new().peer(says)
        }

        /// Puts on its way what there is to say
        fn speak(&mut self) {
            loop {
                while self.server.wants_write() {
                    self.server.write_tls(&mut self.pending).unwrap();
                }
                if !self.pending.is_empty() && !matches!(self.says.front(), Some(Say::Raw(_))) {
                    return;
                }
                match self.says.pop_front() {
                    None => return,
                    Some(Say::CloseNotify) => self.server.send_close_notify(),
                    Some(Say::Raw(bytes)) => self.pending.extend(bytes),
                    Some(Say::Words(words)) => self.server.writer().write_all(&words).unwrap(),
                }
            }
        }
    }

    impl ByteStream for Peer {
        fn meter(&mut self) -> &mut Meter {
            &mut self.meter
        }

        async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.speak();
            let Self { pending, piece, .. } = self;
            let len = buffer.len().min(*piece);
            let mut read = || pending.read(&mut buffer[..len]);
            poll_fn(|context| self.meter.poll_read(context, |_| Poll::Ready(read()))).await
        }

        async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
            if self.is_stuck {
                return pending().await;
            }
            while !bytes.is_empty() && !self.is_deaf {
                self.server.read_tls(&mut bytes)?;
                if let Err(error) = self.server.process_new_packets() {
                    self.refused = Some(error);
                    break;
                }
                // Nothing more, for now
                let _ = self.server.reader().read_to_end(&mut self.heard);
            }
            Ok(())
        }
    }

    /// What a server is, and who trusts it
    struct Site {
        server: ServerConfig,
        roots: Arc<RootCertStore>,
    }

    impl Site {
        fn new() -> Self {
            let CertifiedKey { cert, signing_key } =
                rcgen::generate_simple_self_signed([NAME.into()]).unwrap();
            let mut roots = RootCertStore::empty();
            roots.add(cert.der().clone()).unwrap();
            let key = signing_key.serialize_der().try_into().unwrap();
            let server = ServerConfig::builder_with_provider(default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![cert.der().clone()], key)
                .unwrap();
            Self {
                server,
                roots: roots.into(),
            }
        }

        fn peer(self, says: impl Into<VecDeque<Say>>) -> Peer {
            let client = ClientConfig::builder_with_provider(default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(self.roots)
                .with_no_client_auth();
            let mut server = ServerConnection::new(self.server.into()).unwrap();
            server.set_buffer_limit(None);
            Peer {
                server,
                client: client.into(),
                meter: Meter::default(),
                says: says.into(),
                pending: VecDeque::new(),
                piece: usize::MAX,
                heard: Vec::new(),
                refused: None,
                is_deaf: false,
                is_stuck: false,
            }
        }
    }

    const NAME: &str = "a.example";
}
