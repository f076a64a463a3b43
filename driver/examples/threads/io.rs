//! The driver: what Fedway needs of the runtime.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant as Clock;

use fedway_core::Instant;
use fedway_driver::{ByteStream, Datagrams, Io, Meter, TlsOver};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::runtime::{TcpStream, UdpSocket, sleep_until};

pub(crate) struct Sockets(Clock);

impl Default for Sockets {
    fn default() -> Self {
        Self(Clock::now())
    }
}

impl Io for Sockets {
    type Tcp = Tcp;
    type Tls = TlsOver<Tcp>;
    type Udp = Udp;

    fn now(&self) -> Instant {
        Instant::from_origin(self.0.elapsed())
    }

    async fn sleep_until(&self, deadline: Instant) {
        sleep_until(self.0 + deadline.saturating_since(Instant::ORIGIN)).await;
    }

    async fn connect_tcp(&self, address: SocketAddr) -> io::Result<Tcp> {
        let stream = TcpStream::connect(address).await?;
        Ok(Tcp(stream, Meter::default()))
    }

    async fn connect_udp(&self, address: SocketAddr) -> io::Result<Udp> {
        UdpSocket::connect(address).map(Udp)
    }

    async fn handshake(
        &self,
        tcp: Tcp,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<TlsOver<Tcp>> {
        TlsOver::handshake(tcp, config, name).await
    }
}

pub(crate) struct Tcp(TcpStream, Meter);

impl ByteStream for Tcp {
    fn meter(&mut self) -> &mut Meter {
        &mut self.1
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self(stream, meter) = self;
        poll_fn(|context| meter.poll_read(context, |context| stream.poll_read(context, buffer)))
            .await
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }
}

pub(crate) struct Udp(UdpSocket);

impl Datagrams for Udp {
    async fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.0.send(datagram)
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.receive(buffer).await
    }
}
