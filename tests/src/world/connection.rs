//! One connection to an HTTPS server: who it belongs to, and its lines in the log.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustls::server::ClientHello;

use super::address::Address;
use super::crew::WatchedStream;
use super::ground::Ground;
use super::log::{ConnectionId, Event, Request};

/// An accepted connection, which is over when this is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    ground: Arc<Ground>,
    address: Arc<Address>,
    id: ConnectionId,
    stream: WatchedStream,
}

impl Connection {
    /// Takes over an accepted stream; `None` once the world stops.
    pub(super) fn open(
        ground: &Arc<Ground>,
        address: &Arc<Address>,
        stream: TcpStream,
    ) -> Option<Self> {
        // Without it replies are merely slower.
        let _ = stream.set_nodelay(true);
        let connection = Self {
            ground: Arc::clone(ground),
            address: Arc::clone(address),
            stream: ground.crew.watch_stream(stream)?,
            id: ConnectionId(ground.next_connection.fetch_add(1, Ordering::Relaxed)),
        };
        ground.open_connections.fetch_add(1, Ordering::SeqCst);
        let address = address.virtual_address;
        connection.log(Event::Accepted { address });
        Some(connection)
    }

    pub(super) fn ground(&self) -> &Ground {
        &self.ground
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn stream(&self) -> &TcpStream {
        self.stream.stream()
    }

    pub(super) fn log_client_hello(&self, hello: &ClientHello<'_>) {
        let spell = |protocol: &[u8]| String::from_utf8_lossy(protocol).into_owned();
        self.log(Event::ClientHello {
            address: self.address.virtual_address,
            sni: hello.server_name().map(str::to_owned),
            alpn: hello.alpn().into_iter().flatten().map(spell).collect(),
        });
    }

    pub(super) fn log_handshake(&self, resumed: bool, finished: Result<(), String>) {
        self.log(Event::Handshake {
            address: self.address.virtual_address,
            resumed,
            finished,
        });
    }

    pub(super) fn log_request(&self, request: Request) {
        self.log(Event::Request(request));
    }

    fn log(&self, event: Event) {
        self.ground.log.write(Some(self.id), event);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.ground.open_connections.fetch_sub(1, Ordering::SeqCst);
        let address = self.address.virtual_address;
        self.log(Event::Closed { address });
    }
}

/// Says nothing until the client leaves.
pub(super) fn swallow(mut stream: &TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {}
}
