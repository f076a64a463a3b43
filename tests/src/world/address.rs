//! A virtual address: where it really is, who is served there, and what goes wrong.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::certificate::plain_host;
use super::https::{ConnectionFault, Https};

/// Who is behind a virtual address.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A listener of the app's own, which is here.
    App(SocketAddr),
    /// The world.
    World(Arc<Address>),
}

impl Place {
    /// Where to connect to; to `closed` where connections shall be refused.
    pub(super) fn real(&self, closed: SocketAddr) -> SocketAddr {
        match self {
            Self::App(real) => *real,
            Self::World(address) => match address.fault() {
                Some(ConnectionFault::Refused) => closed,
                Some(_) | None => address.real,
            },
        }
    }
}

/// A virtual address and the world's listener behind it.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) virtual_address: SocketAddr,
    pub(super) real: SocketAddr,
    behaviour: Mutex<Behaviour>,
}

#[derive(Debug, Default)]
struct Behaviour {
    servers: Vec<Arc<Https>>,
    fault: Option<ConnectionFault>,
}

impl Address {
    /// Serves nobody yet.
    pub(super) fn new(virtual_address: SocketAddr, real: SocketAddr) -> Self {
        Self {
            virtual_address,
            real,
            behaviour: Mutex::default(),
        }
    }

    /// Adds a server, in the place of an earlier one for the same names.
    pub(super) fn add(&self, server: Https) {
        let server = Arc::new(server);
        let servers = &mut self.behaviour().servers;
        match servers.iter_mut().find(|earlier| server.replaces(earlier)) {
            Some(earlier) => *earlier = server,
            None => servers.push(server),
        }
    }

    pub(super) fn set_fault(&self, fault: Option<ConnectionFault>) {
        self.behaviour().fault = fault;
    }

    pub(super) fn fault(&self) -> Option<ConnectionFault> {
        self.behaviour().fault
    }

    /// The server for a TLS handshake.
    pub(super) fn server_for_handshake(&self, sni: Option<&str>) -> Option<Arc<Https>> {
        let own = self.virtual_address.ip().to_string();
        let wanted = sni.map_or(own, plain_host);
        let servers = &self.behaviour().servers;
        let server = servers.iter().find(|server| server.is_for(&wanted));
        server.or(servers.first()).cloned()
    }

    /// The server for a request that names `host`, port removed.
    pub(super) fn server_for_host(&self, host: &str) -> Option<Arc<Https>> {
        let host = plain_host(host);
        let servers = &self.behaviour().servers;
        servers.iter().find(|server| server.is_for(&host)).cloned()
    }

    fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
