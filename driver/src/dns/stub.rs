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
use crate::io::{ByteStream, Datagrams, Io, before, is_out_of_sockets};
use crate::tasks::Tasks;

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
/// Ends, since a look-up does: it has at most three exchanges for each try of each question, and looks at
/// the time with each message, however fast forged ones arrive.
async fn run<T: Clone + Send>(io: &impl Io, mut lookup: Lookup<T>) -> Result<Answer<T>, DnsError> {
    let mut exchanges = Tasks::new();
    loop {
        let until = match lookup.poll() {
            Step::Done(result) => return result,
            Step::Send(transmit) => {
                exchanges.push(transmit.id(), ask(io, transmit));
                continue;
            }
            Step::Wait { until } => until,
        };
        exchanges.retain(|id| lookup.awaits(id));
        match before(io, until, exchanges.next()).await {
            None => lookup.handle_timeout(io.now()),
            Some((_, Err(error))) if is_out_of_sockets(&error) => {
                return Err(DnsError::OutOfSockets);
            }
            Some((id, Err(_))) => lookup.handle_failure(id, io.now()),
            Some((id, Ok((message, socket)))) => {
                lookup.handle_message(id, &message, io.now());
                if let Some(socket) = socket {
                    exchanges.push(id, listen(socket));
                }
            }
        }
    }
}

/// A message from the server asked, and the socket if it may bring more
type Heard<I> = io::Result<(Vec<u8>, Option<<I as Io>::Udp>)>;

/// Sends a query and waits for the first message that comes back
async fn ask<I: Io>(io: &I, transmit: Transmit) -> Heard<I> {
    match transmit.transport() {
        Transport::Tcp => Ok((exchange_stream(io, &transmit).await?, None)),
        Transport::Udp => {
            let socket = io.connect_udp(transmit.server()).await?;
            socket.send(transmit.message()).await?;
            listen(socket).await
        }
    }
}

/// Waits for a message
async fn listen<U: Datagrams>(socket: U) -> io::Result<(Vec<u8>, Option<U>)> {
    let mut buffer = vec![0; DATAGRAM_BUFFER];
    let len = socket.receive(&mut buffer).await?;
    buffer.truncate(len);
    Ok((buffer, Some(socket)))
}

/// Over TCP: one message each way, after its length (RFC 1035 §4.2.2)
async fn exchange_stream(io: &impl Io, transmit: &Transmit) -> io::Result<Vec<u8>> {
    let mut stream = io.connect_tcp(transmit.server()).await?;
    let len = u16::try_from(transmit.message().len()).map_err(io::Error::other)?;
    stream
        .write_all(&[&len.to_be_bytes(), transmit.message()].concat())
        .await?;
    let mut len = [0; 2];
    read_exact(&mut stream, &mut len).await?;
    let mut message = vec![0; u16::from_be_bytes(len).into()];
    read_exact(&mut stream, &mut message).await?;
    Ok(message)
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
