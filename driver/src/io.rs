//! What a runtime provides: sockets, TLS over them, and time.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use fedway_core::Instant;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::meter::Meter;

/// What a runtime must provide to find servers
///
/// The methods carry and never decide: no retry, no timeout, no address family preference. Dropping a
/// future that one of them returned ends what it had begun.
///
/// # What a runtime keeps
///
/// Peers are hostile, and everything here runs on somebody else's thread. So that a deadline counts whatever
/// a peer does:
///
/// * One poll ends, however much there is to read. Whatever reads off the wire does so through the [`Meter`] of its
///   stream, below TLS, which makes it wait now and then.
/// * A timer rings though other futures of the task always have something to do.
/// * By the time a timer rings, what came in before is there to be read: a runtime looks at its sockets and then at
///   its timers. After a pause of the process, an answer that lies ready thus counts, however late it is.
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

    /// Performs a TLS handshake as the client; a runtime without rustls streams of its own has
    /// [`TlsOver::handshake`](crate::TlsOver::handshake)
    ///
    /// # Errors
    ///
    /// What rustls refuses arrives as a [`rustls::Error`] inside the [`io::Error`]; what is known in the core's terms,
    /// as a [`ConnectError`](fedway_core::ConnectError).
    fn handshake(
        &self,
        tcp: Self::Tcp,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> impl Future<Output = io::Result<Self::Tls>> + Send;
}

/// A stream of bytes in both directions
pub trait ByteStream: Send {
    /// What counts the bytes that come in; that of a TLS session is the one of the stream below it
    fn meter(&mut self) -> &mut Meter;

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

/// Whether this machine had no file, port or memory left for a socket, which says nothing of the peer
///
/// `EADDRNOTAVAIL` is among these, since that is what `connect` says when no local port is left. With IPv6 it may
/// also say that this machine has no address to come from, as in many containers; see [`unreachable_by`].
pub(crate) fn is_out_of_resources(error: &io::Error) -> bool {
    let is_of_a_kind = matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory
    );
    let codes = error.raw_os_error();
    is_of_a_kind || codes.is_some_and(|code| OUT_OF_RESOURCES.contains(&code))
}

/// Whether this machine has no address to reach that one from, where a TCP connection failed
///
/// The system says the same, `EADDRNOTAVAIL`, of that and of local ports that have run out. Datagrams tell them
/// apart: their ports are others, and the same address of this machine's is looked for.
pub(crate) async fn unreachable_by<I: Io>(io: &I, address: SocketAddr, error: &io::Error) -> bool {
    let is_no_address =
        |error: &io::Error| error.kind() == io::ErrorKind::AddrNotAvailable && address.is_ipv6();
    is_no_address(error)
        && io
            .connect_udp(address)
            .await
            .is_err_and(|error| is_no_address(&error))
}

/// `EMFILE`, `ENFILE` and `ENOBUFS` (errno(3)), as far as they have no [`io::ErrorKind`] of their own
const OUT_OF_RESOURCES: &[i32] = if cfg!(windows) {
    // WSAEMFILE, WSAENOBUFS and, lest kinds are not told, WSAEADDRINUSE and WSAEADDRNOTAVAIL
    &[10024, 10055, 10048, 10049]
} else if cfg!(any(target_os = "linux", target_os = "android")) {
    &[24, 23, 105]
} else {
    &[24, 23, 55]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn files_ports_and_memory_that_have_run_out_are_this_machine_s_want() {
        // EMFILE, ENFILE, ENOMEM, EADDRINUSE, EADDRNOTAVAIL, ENOBUFS
        for code in [24, 23, 12, 98, 99, 105] {
            assert!(
                is_out_of_resources(&io::Error::from_raw_os_error(code)),
                "{code}"
            );
        }
        // EACCES, ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, ETIMEDOUT
        for code in [13, 111, 101, 113, 110] {
            assert!(
                !is_out_of_resources(&io::Error::from_raw_os_error(code)),
                "{code}"
            );
        }
    }
}
