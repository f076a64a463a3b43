//! # Matrix server discovery on tokio
//!
//! Finds the server behind a Matrix server name, connects to it, and verifies that it is the right one.
//!
//! ```
//! use fedway_tokio::{Builder, ServerName, Sockets};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let builder = Builder::default();
//! #   // No network here: a world on the loopback device stands in for it
//! #   let mut plan = fedway_testkit::world::WorldPlan::new();
//! #   plan.a("example.org", "9.9.9.9");
//! #   plan.https("9.9.9.9:8448", fedway_testkit::world::Https::for_name("example.org"));
//! #   let world = plan.start()?;
//! #   let builder = world.builder();
//!     let resolver = builder.build(Sockets::default())?;
//!     let name: ServerName = "example.org".parse()?;
//!     let connected = resolver.connect(&name).await?;
//!     assert_eq!(connected.host_header(), "example.org");
//!     let stream = connected.into_stream().0; // a tokio_rustls::client::TlsStream
//! #   drop(stream);
//!     Ok(())
//! }
//! ```
//!
//! [`Resolver::resolve`](fedway_driver::Resolver::resolve) finds the destination only, with its `Host`
//! header, TLS name and addresses, for those who connect by other means.
//!
//! This crate carries bytes and time; what to do is decided in `fedway-core`, and how in
//! `fedway-driver`, whose public face is exported again from here. Each call needs a tokio runtime with
//! I/O and time enabled, of either flavour, and all calls of one resolver the same runtime. No task is spawned: dropping
//! a future closes what nobody else waits for.
//!
//! # Features
//!
//! `ring` (default) or `aws-lc-rs`: where [`Builder::crypto_provider`] is not called, whose cryptography is used; with
//! both, that of aws-lc-rs. `metrics`: counters. `transparency`: certificate transparency. They are those of
//! `fedway-driver`, whose page says more.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::Instant as Clock;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName as TlsName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection};

pub use fedway_core::{self, *};
pub use fedway_driver::{self, *};
pub use tokio_rustls::{self, rustls};

/// A [`Resolver`](fedway_driver::Resolver) on tokio
///
/// It finds servers with [`resolve`](fedway_driver::Resolver::resolve) and
/// [`connect`](fedway_driver::Resolver::connect); a [`Builder`] makes it.
pub type Resolver = fedway_driver::Resolver<Sockets>;

/// A session with the server of a name, on tokio
///
/// Asks one question with [`get`](fedway_driver::Connected::get); to keep it, take it out with
/// [`into_stream`](fedway_driver::Connected::into_stream).
pub type Connected = fedway_driver::Connected<Sockets>;

/// The sockets and timers of tokio
#[derive(Clone, Copy, Debug)]
pub struct Sockets {
    start: Clock,
    sources: SourceAddresses,
}

impl Sockets {
    /// Lets the sockets to addresses of the same family come from this one of the machine's, those to name servers, too;
    /// from whichever the system takes unless said otherwise
    ///
    /// To bind both families, call it once for each. Where the address is not this machine's, nothing can be reached.
    /// It is said here and not to the [`Builder`], since it is a runtime's sockets that come from somewhere: a
    /// `Builder` serves runtimes that have none.
    ///
    /// ```no_run
    /// use fedway_tokio::{Builder, Sockets};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sockets = Sockets::default().bind("192.0.2.1".parse()?);
    /// // What would come from elsewhere is not asked for
    /// let resolver = Builder::default().ipv4_only().build(sockets)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn bind(mut self, ip: IpAddr) -> Self {
        self.sources.set(ip);
        self
    }
}

impl Default for Sockets {
    /// Counts time from now
    fn default() -> Self {
        Self {
            start: Clock::now(),
            sources: SourceAddresses::default(),
        }
    }
}

impl Io for Sockets {
    type Tcp = Tcp;
    type Tls = Tls;
    type Udp = Udp;

    fn now(&self) -> Instant {
        Instant::from_origin(self.start.elapsed())
    }

    async fn sleep_until(&self, deadline: Instant) {
        let remaining = deadline.saturating_since(self.now());
        tokio::time::sleep(remaining).await;
    }

    async fn connect_tcp(&self, address: SocketAddr) -> io::Result<Tcp> {
        let stream = match self.sources.chosen_for(address) {
            Some(source) => {
                let socket = match address {
                    SocketAddr::V4(_) => TcpSocket::new_v4()?,
                    SocketAddr::V6(_) => TcpSocket::new_v6()?,
                };
                socket.bind(source)?;
                socket.connect(address).await?
            }
            None => TcpStream::connect(address).await?,
        };
        stream.set_nodelay(true)?;
        let meter = Meter::default();
        Ok(Tcp { stream, meter })
    }

    async fn connect_udp(&self, address: SocketAddr) -> io::Result<Udp> {
        let socket = UdpSocket::bind(self.sources.for_peer(address)).await?;
        socket.connect(address).await?;
        Ok(Udp(socket))
    }

    async fn handshake(
        &self,
        tcp: Tcp,
        config: Arc<ClientConfig>,
        name: TlsName<'static>,
    ) -> io::Result<Tls> {
        TlsConnector::from(config).connect(name, tcp).await.map(Tls)
    }
}

/// A TCP connection on tokio, which counts what comes in
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    meter: Meter,
}

impl Tcp {
    /// The connection itself; what is read from it here is not counted
    #[must_use]
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// The connection itself
    #[must_use]
    pub fn into_inner(self) -> TcpStream {
        self.stream
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, meter } = &mut *self;
        let read = |context: &mut Context<'_>| {
            let before = buffer.filled().len();
            let result = ready!(Pin::new(stream).poll_read(context, buffer));
            Poll::Ready(result.map(|()| buffer.filled().len() - before))
        };
        meter.poll_read(context, read).map_ok(drop)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl ByteStream for Tcp {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        AsyncReadExt::read(self, buffer).await
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        AsyncWriteExt::write_all(self, bytes).await?;
        self.flush().await
    }
}

/// A TLS session on tokio, as a [`Connected`] has it; the stream of `tokio_rustls` is inside
#[derive(Debug)]
pub struct Tls(pub tokio_rustls::client::TlsStream<Tcp>);

impl ByteStream for Tls {
    fn meter(&mut self) -> &mut Meter {
        self.0.get_mut().0.meter()
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).await
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }
}

impl TlsStream for Tls {
    fn session(&self) -> Option<&ClientConnection> {
        Some(self.0.get_ref().1)
    }
}

/// A UDP socket on tokio
#[derive(Debug)]
pub struct Udp(UdpSocket);

impl Datagrams for Udp {
    async fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.0.send(datagram).await.map(drop)
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buffer).await
    }
}

/// Its example runs with the others
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
