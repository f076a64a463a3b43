//! A stub resolver over the sockets of a runtime.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fedway_core::{Answer, DnsError, DnsName, Family, Instant, SrvRecord};

use super::config::{ConfigError, DnsConfig};
use super::hosts::Hosts;
use super::lookup::{Lookup, Terms};
use super::memory::Memory;
use super::resolve::Dns;
use super::step::{Step, Transmit};
use super::way::Transport;
use crate::alarm::Alarm;
use crate::entropy::Entropy;
use crate::io::{ByteStream, Datagrams, Io, is_out_of_resources};
use crate::room::{self, Room};
use crate::tasks::{Tasks, pause};

/// A stub resolver: asks the name servers of a [`DnsConfig`], and leaves recursion to them
///
/// Each exchange has a socket of its own, connected to the server asked, so that its port is hard to
/// guess (RFC 5452 §9.2) and other senders are not heard. It is closed with the exchange, or when the
/// future is dropped. No task is spawned; what is kept between look-ups is what the servers were found not to
/// understand, in a [`Memory`].
///
/// Where this machine has no socket, port or memory for a query, another server is asked, and it is
/// the outcome ([`DnsError::OutOfResources`]) only if nothing else came of any. An address that the machine has
/// none of its own to reach from (`EADDRNOTAVAIL`) counts as that, too.
#[derive(Debug)]
pub struct Stub<I> {
    io: Arc<I>,
    config: DnsConfig,
    hosts: Hosts,
    entropy: Entropy,
    room: Arc<Room>,
    /// Locked for an instant at a time
    memory: Mutex<Memory>,
}

impl<I: Io> Stub<I> {
    /// A stub with these servers; the hosts file is read now, and not again
    ///
    /// It has at most half as many sockets open as this process may have files, unless a
    /// [`Builder`](crate::Builder) made it, which shares out those of its resolver.
    ///
    /// # Errors
    ///
    /// If the hosts file is there and cannot be read.
    pub fn new(io: Arc<I>, config: DnsConfig) -> Result<Self, ConfigError> {
        Self::in_room(io, config, Room::new(room::default_capacity()))
    }

    /// A stub that shares its room for sockets
    pub(crate) fn in_room(
        io: Arc<I>,
        config: DnsConfig,
        room: Arc<Room>,
    ) -> Result<Self, ConfigError> {
        let hosts = config
            .hosts
            .as_deref()
            .map_or_else(|| Ok(Hosts::default()), Hosts::read)?;
        Ok(Self {
            io,
            config,
            hosts,
            entropy: Entropy::default(),
            room,
            memory: Mutex::default(),
        })
    }

    /// Fresh for each look-up: what an attacker learns from one says nothing of the next
    ///
    /// Without entropy nobody is asked, since a forged answer could not be told from a true one.
    fn seed(&self) -> Result<u64, DnsError> {
        self.entropy.draw().ok_or(DnsError::Unreachable)
    }

    /// Does what the look-up says, which is begun once there is room for its socket
    ///
    /// Ends, since a look-up does: it has a few exchanges for each try of each question, and looks at
    /// the time with each message, however fast forged ones arrive.
    async fn run<T: Clone + Send>(
        &self,
        begin: impl FnOnce(Terms<'_>, Instant) -> Lookup<T>,
        deadline: Instant,
    ) -> Result<Answer<T>, DnsError> {
        let io = &*self.io;
        let seat = self.room.socket(io, deadline).await;
        let mut seats = vec![seat.ok_or(DnsError::OutOfResources)?];
        let mut alarm = Alarm::new(io);
        let mut exchanges = Tasks::new();
        let mut heard = 0_u32;
        let seed = self.seed()?;
        let mut lookup = begin(
            Terms {
                config: &self.config,
                memory: &self.memory(),
                seed,
                deadline,
            },
            io.now(),
        );
        loop {
            let until = match lookup.poll() {
                Step::Cancel(id) => {
                    exchanges.retain(|other| other != id);
                    continue;
                }
                Step::Done(result) => return result,
                Step::Learnt(lesson) => {
                    self.memory().learn(lesson, io.now());
                    continue;
                }
                Step::Send(transmit) => {
                    // Without room for one more, a slow server is no longer listened to
                    if exchanges.len() == seats.len() {
                        match self.room.try_socket() {
                            Some(seat) => seats.push(seat),
                            None => exchanges.retain(|_| false),
                        }
                    }
                    exchanges.push(transmit.id(), ask(io, transmit));
                    continue;
                }
                Step::Wait { until } => until.expect("a look-up that is not over has a deadline"),
            };
            seats.truncate(exchanges.len().max(1));
            match alarm.before(until, exchanges.next()).await {
                None => lookup.handle_timeout(io.now()),
                Some((id, Err(error))) if is_out_of_resources(&error) => {
                    lookup.handle_out_of_resources(id, io.now());
                }
                Some((id, Err(_))) => lookup.handle_failure(id, io.now()),
                Some((id, Ok((message, socket)))) => {
                    lookup.handle_message(id, &message, io.now());
                    let goes_on = lookup.deadline().is_some();
                    if let Some(socket) = socket.filter(|_| goes_on) {
                        exchanges.push(id, listen(socket));
                    }
                    // Forged messages may come faster than they are passed over
                    heard += 1;
                    if heard.is_multiple_of(MESSAGES_A_POLL) {
                        pause().await;
                    }
                }
            }
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
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
        let begin = |terms: Terms<'_>, now| Lookup::addresses(host, family, terms, now);
        self.run(begin, deadline).await
    }

    async fn query_srv(
        &self,
        name: &DnsName,
        deadline: Instant,
    ) -> Result<Answer<SrvRecord>, DnsError> {
        let begin = |terms: Terms<'_>, now| Lookup::srv(name, terms, now);
        self.run(begin, deadline).await
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

/// What an Ethernet frame can carry (1,500 bytes less the headers of IPv4 and UDP): room for more than the payload asked
/// for, since some servers send more
const DATAGRAM_BUFFER: usize = 1472;

/// Some ten microseconds of reading
const MESSAGES_A_POLL: u32 = 16;
