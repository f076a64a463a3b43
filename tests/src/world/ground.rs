//! What the threads of a world share.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustls::crypto::{CryptoProvider, ring};

use super::address::Place;
use super::ca::Authority;
use super::crew::Crew;
use super::log::Log;
use super::sockets::ClosedPort;
use super::zone::Zone;

/// All of a world but the right to end it. Every thread holds it.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) crew: Arc<Crew>,
    pub(super) log: Log,
    zone: Mutex<Zone>,
    /// By virtual address.
    places: Mutex<BTreeMap<SocketAddr, Place>>,
    pub(super) authority: Authority,
    pub(super) provider: Arc<CryptoProvider>,
    /// Where addresses that refuse lead.
    pub(super) closed: ClosedPort,
    /// The closed ports that stand for name servers.
    closed_dns: Mutex<Vec<ClosedPort>>,
    pub(super) next_dns_server: AtomicUsize,
    pub(super) next_connection: AtomicU64,
    pub(super) open_connections: AtomicUsize,
}

impl Ground {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            crew: Arc::default(),
            log: Log::new(Instant::now()),
            zone: Mutex::default(),
            places: Mutex::default(),
            authority: Authority::new("Fedway loopback world").map_err(io::Error::other)?,
            provider: Arc::new(ring::default_provider()),
            closed: ClosedPort::new()?,
            closed_dns: Mutex::default(),
            next_dns_server: AtomicUsize::new(0),
            next_connection: AtomicU64::new(0),
            open_connections: AtomicUsize::new(0),
        })
    }

    pub(super) fn zone(&self) -> MutexGuard<'_, Zone> {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn places(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where to connect to in place of a virtual address; nothing where nobody is.
    pub(super) fn really(&self, meant: SocketAddr) -> Option<SocketAddr> {
        let places = self.places();
        Some(places.get(&meant)?.real(self.closed.address()))
    }

    /// A closed port of its own, so that it can be told from others.
    pub(super) fn reserve_closed_port(&self) -> io::Result<SocketAddr> {
        let port = ClosedPort::new()?;
        let address = port.address();
        let mut ports = self
            .closed_dns
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ports.push(port);
        Ok(address)
    }
}
