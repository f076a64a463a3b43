//! What a runtime provides: sockets, TLS over them, and time.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use fedway_core::Instant;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

/// What a runtime must provide to find servers
///
/// The methods carry and never decide: no retry, no timeout, no address family preference. Dropping a
/// future that one of them returned ends what it had begun.
pub trait Io: Send + Sync + 'static {
    /// A TCP connection
    type Tcp: ByteStream;
    /// A TLS session over a [`Tcp`](Self::Tcp)
    type Tls: TlsStream;
    /// A UDP socket connected to one peer
    type Udp: Datagrams;

    /// The time since an origin that stays the same for the life of `self`; monotonic
    fn now(&self) -> Instant;

    /// Completes at `deadline`, or at once if that has passed
    fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> + Send;

    /// Opens a TCP connection
    fn connect_tcp(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::Tcp>> + Send;

    /// Binds a fresh UDP socket to an ephemeral port, and connects it so that only `address` is heard
    fn connect_udp(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::Udp>> + Send;

    /// Performs a TLS handshake as the client
    ///
    /// # Errors
    ///
    /// What rustls refuses arrives as a [`rustls::Error`] inside the [`io::Error`].
    fn handshake(
        &self,
        tcp: Self::Tcp,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> impl Future<Output = io::Result<Self::Tls>> + Send;
}

/// A stream of bytes in both directions
pub trait ByteStream: Send {
    /// Reads what is there, at least one byte; zero means that the peer has closed its side
    fn read(&mut self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;

    /// Writes all of it, and flushes
    fn write_all(&mut self, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

/// A [`ByteStream`] that knows about its TLS session
pub trait TlsStream: ByteStream + 'static {
    /// The session, if the stream has one: a recorded world has none
    fn session(&self) -> Option<&rustls::ClientConnection>;
}

/// Datagrams to and from one peer
pub trait Datagrams: Send + Sync {
    /// Sends one datagram
    fn send(&self, datagram: &[u8]) -> impl Future<Output = io::Result<()>> + Send;

    /// Receives one datagram, cut to the buffer's length
    fn receive(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
}

/// The work's result, or `None` if the deadline comes first; the work is dropped then
pub async fn before<I: Io, T>(
    io: &I,
    deadline: Instant,
    work: impl Future<Output = T>,
) -> Option<T> {
    let (mut timer, mut work) = (pin!(sleep_until(io, deadline)), pin!(work));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => timer.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Sleeps until the clock says so too: a timer may be coarser than the clock, and be early by it
async fn sleep_until<I: Io>(io: &I, deadline: Instant) {
    while io.now() < deadline {
        io.sleep_until(deadline).await;
    }
}

/// Whether this machine failed, and no peer: EMFILE and ENFILE, or WSAEMFILE on Windows
pub(crate) fn is_out_of_sockets(error: &io::Error) -> bool {
    let codes: &[i32] = if cfg!(windows) { &[10024] } else { &[23, 24] };
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}
