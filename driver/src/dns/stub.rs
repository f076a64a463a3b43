//! A stub resolver over the sockets of a runtime.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use fedway_core::{Answer, DnsError, DnsName, Family, Instant, SrvRecord};

use super::Dns;
use super::config::{ConfigError, DnsConfig};
use super::hosts::Hosts;
use super::lookup::Lookup;
use super::step::{Step, Transmit, Transport};
use crate::io::{ByteStream, Datagrams, Io, before, sleep_until};

/// A stub resolver: asks the name servers of a [`DnsConfig`], and leaves recursion to them
///
/// Each exchange has a socket of its own, connected to the server asked, so that its port is hard to
/// guess (RFC 5452 §9.2) and other senders are not heard. It is closed with the exchange, or when the
/// future is dropped. No task is spawned, nothing is kept between look-ups.
#[derive(Debug)]
pub struct Stub<I> {
    io: Arc<I>,
    config: DnsConfig,
    hosts: Hosts,
}

impl<I: Io> Stub<I> {
    /// A stub with these servers; the hosts file is read now, and not again
    ///
    /// # Errors
    ///
    /// If the hosts file is there and cannot be read.
    pub fn new(io: Arc<I>, config: DnsConfig) -> Result<Self, ConfigError> {
        let hosts = config
            .hosts
            .as_deref()
            .map_or_else(|| Ok(Hosts::default()), Hosts::read)?;
        Ok(Self { io, config, hosts })
    }
}

impl<I: Io> Dns for Stub<I> {
    async fn look_up(
        &self,
        host: &DnsName,
        family: Family,
        deadline: Instant,
    ) -> Result<Answer<IpAddr>, DnsError> {
        if let Some(answer) = self.hosts.look_up(host, family) {
            return Ok(answer);
        }
        let (seed, now) = (seed()?, self.io.now());
        let lookup = Lookup::addresses(host, family, &self.config, seed, deadline, now);
        run(&*self.io, lookup).await
    }

    async fn query_srv(
        &self,
        name: &DnsName,
        deadline: Instant,
    ) -> Result<Answer<SrvRecord>, DnsError> {
        let (seed, now) = (seed()?, self.io.now());
        run(
            &*self.io,
            Lookup::srv(name, &self.config, seed, deadline, now),
        )
        .await
    }
}

/// Does what the look-up says
///
/// Each round ends an exchange, of which a look-up has at most three for each try of each question.
async fn run<T: Clone + Send>(io: &impl Io, mut lookup: Lookup<T>) -> Result<Answer<T>, DnsError> {
    loop {
        match lookup.poll() {
            Step::Done(result) => return result,
            Step::Send(transmit) => {
                let deadline = lookup.deadline().unwrap_or_default();
                match before(io, deadline, exchange(io, &transmit, &mut lookup)).await {
                    Some(Ok(())) => (),
                    Some(Err(_)) => lookup.handle_failure(transmit.id(), io.now()),
                    None => lookup.handle_timeout(io.now()),
                }
            }
            // An exchange that is over leaves nothing to wait for; should that change, this waits
            Step::Wait { until } => {
                sleep_until(io, until).await;
                lookup.handle_timeout(io.now());
            }
        }
    }
}

/// Sends a query and hands over what comes back, until the look-up has heard enough
async fn exchange<T: Clone + Send>(
    io: &impl Io,
    transmit: &Transmit,
    lookup: &mut Lookup<T>,
) -> io::Result<()> {
    match transmit.transport() {
        Transport::Tcp => exchange_stream(io, transmit, lookup).await,
        Transport::Udp => exchange_datagrams(io, transmit, lookup).await,
    }
}

/// Over UDP
///
/// However fast forged datagrams arrive, the loop ends by the time the try does: the look-up looks at
/// the time with each of them.
async fn exchange_datagrams<T: Clone + Send>(
    io: &impl Io,
    transmit: &Transmit,
    lookup: &mut Lookup<T>,
) -> io::Result<()> {
    let socket = io.connect_udp(transmit.server()).await?;
    socket.send(transmit.message()).await?;
    let mut buffer = vec![0; DATAGRAM_BUFFER];
    while lookup.awaits(transmit.id()) {
        let len = socket.receive(&mut buffer).await?;
        lookup.handle_message(transmit.id(), &buffer[..len], io.now());
    }
    Ok(())
}

/// Over TCP: one message each way, after its length (RFC 1035 §4.2.2)
async fn exchange_stream<T: Clone + Send>(
    io: &impl Io,
    transmit: &Transmit,
    lookup: &mut Lookup<T>,
) -> io::Result<()> {
    let mut stream = io.connect_tcp(transmit.server()).await?;
    let len = u16::try_from(transmit.message().len()).map_err(io::Error::other)?;
    stream
        .write_all(&[&len.to_be_bytes(), transmit.message()].concat())
        .await?;
    let mut len = [0; 2];
    read_exact(&mut stream, &mut len).await?;
    let mut message = vec![0; u16::from_be_bytes(len).into()];
    read_exact(&mut stream, &mut message).await?;
    lookup.handle_message(transmit.id(), &message, io.now());
    Ok(())
}

async fn read_exact(stream: &mut impl ByteStream, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        let len = stream.read(buffer).await?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[len..];
    }
    Ok(())
}

/// Fresh for each look-up: what an attacker learns from one says nothing of the next
///
/// Without entropy nobody is asked, since a forged answer could not be told from a true one.
fn seed() -> Result<u64, DnsError> {
    getrandom::u64().map_err(|_| DnsError::Unreachable)
}

/// Room for more than the payload asked for, since some servers send more
const DATAGRAM_BUFFER: usize = 4096;
