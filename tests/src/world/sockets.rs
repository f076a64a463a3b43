//! Loopback sockets on random ports.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Socket, Type};

/// A port that refuses connections and datagrams, kept so that nothing else can open it.
#[derive(Debug)]
pub(super) struct ClosedPort {
    address: SocketAddr,
    /// Bound and never listening, which refuses connections.
    _tcp: Socket,
    /// Connected to itself, which refuses datagrams from anybody else.
    _udp: UdpSocket,
}

impl ClosedPort {
    pub(super) fn new() -> io::Result<Self> {
        let ((tcp, udp), address) = twin_ports(|| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.bind(&ANY_PORT.into())?;
            let address = socket
                .local_addr()?
                .as_socket()
                .expect("the socket is bound to an IPv4");
            Ok((socket, address))
        })?;
        udp.connect(address)?;
        Ok(Self {
            address,
            _tcp: tcp,
            _udp: udp,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A listener with room for a thousand clients at once: std's own queue holds 128, and a client
/// that finds it full tries again a second later.
pub(super) fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&ANY_PORT.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A listener and a datagram socket on the same port.
pub(super) fn listen_twice() -> io::Result<(TcpListener, UdpSocket, SocketAddr)> {
    let ((listener, udp), address) = twin_ports(listen)?;
    // A wish: where the system grants less, clients ask again.
    let _ = socket2::SockRef::from(&udp).set_recv_buffer_size(RECEIVE_BUFFER);
    Ok((listener, udp, address))
}

/// Opens a stream socket with `open`, then a datagram socket on the port it got.
fn twin_ports<T>(
    open: impl Fn() -> io::Result<(T, SocketAddr)>,
) -> io::Result<((T, UdpSocket), SocketAddr)> {
    let mut attempts = 0;
    loop {
        let (tcp, address) = open()?;
        attempts += 1;
        match UdpSocket::bind(address) {
            Ok(udp) => return Ok(((tcp, udp), address)),
            Err(error) if attempts == MAX_ATTEMPTS => return Err(error),
            // Somebody else has the port for datagrams.
            Err(_) => {}
        }
    }
}

/// Any free port of the loopback address.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Clients that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Bytes of queries that may wait to be read.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A free TCP port whose UDP twin is taken is rare; so many in a row mean another trouble.
const MAX_ATTEMPTS: u32 = 50;
