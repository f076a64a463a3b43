//! The sockets of a name server.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use super::crew::Door;
use super::dns::{Packet, Question};
use super::ground::Ground;
use super::log::{DnsQuery, Event, Transport};
use super::sockets;

/// How a whole name server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsServer {
    /// Nothing listens: connections and datagrams are refused.
    Closed,
    /// Silent when it is asked with EDNS, as a router that drops what it does not know.
    DropsEdns,
    /// Answers from the world's records and faults.
    Healthy,
    /// The same for so many queries a second, and silent beyond, as public resolvers are.
    Limited(u32),
    /// REFUSED, whatever is asked.
    RefusesAll,
    /// SERVFAIL, whatever is asked.
    ServFailAll,
    /// Reads queries and never replies.
    Silent,
    /// Silent on UDP.
    TcpOnly,
    /// Hangs up on TCP.
    UdpOnly,
}

/// Opens a name server and gives its address. `number` stands in the log.
pub(super) fn open(
    ground: &Arc<Ground>,
    behaviour: DnsServer,
    number: usize,
) -> io::Result<SocketAddr> {
    if behaviour == DnsServer::Closed {
        return ground.reserve_closed_port();
    }
    let (listener, udp, address) = sockets::listen_twice()?;
    let server = Arc::new(Server {
        ground: Arc::clone(ground),
        behaviour,
        number,
        second: Mutex::new((Instant::now(), 0)),
    });
    ground.crew.watch_door(Door::Udp(address));
    ground.crew.watch_door(Door::Tcp(address));
    serve_datagrams(&server, udp)?;
    let worker = Arc::clone(&server);
    ground.crew.spawn(move || worker.serve_streams(&listener))?;
    Ok(address)
}

/// Reading and answering are two threads: while one answers, the other keeps the system's small
/// buffer empty.
fn serve_datagrams(server: &Arc<Server>, udp: UdpSocket) -> io::Result<()> {
    let udp = Arc::new(udp);
    let (sender, receiver) = mpsc::channel();
    let (reader, socket) = (Arc::clone(server), Arc::clone(&udp));
    server
        .ground
        .crew
        .spawn(move || reader.read_datagrams(&socket, &sender))?;
    let worker = Arc::clone(server);
    server.ground.crew.spawn(move || {
        for (bytes, client) in receiver {
            let back = Back::Datagram(Arc::clone(&udp), client);
            worker.handle(&bytes, Transport::Udp, &back);
        }
    })
}

#[derive(Debug)]
struct Server {
    ground: Arc<Ground>,
    behaviour: DnsServer,
    number: usize,
    /// When the present second began, and the queries since then
    second: Mutex<(Instant, u32)>,
}

impl Server {
    fn read_datagrams(&self, udp: &UdpSocket, sender: &mpsc::Sender<(Vec<u8>, SocketAddr)>) {
        let mut buffer = [0; MAX_QUERY];
        while !self.ground.crew.is_stopping() {
            // Errors tell of replies that found no reader; the socket stays good.
            let Ok((length, client)) = udp.recv_from(&mut buffer) else {
                continue;
            };
            if sender.send((buffer[..length].to_vec(), client)).is_err() {
                return;
            }
        }
    }

    fn serve_streams(self: &Arc<Self>, listener: &TcpListener) {
        while let Some(stream) = self.ground.crew.accept(listener) {
            let server = Arc::clone(self);
            // Without a thread to serve it, the connection is closed.
            let _ = self.ground.crew.spawn(move || server.serve_stream(stream));
        }
    }

    /// Answers queries until the client leaves.
    fn serve_stream(&self, stream: TcpStream) {
        if self.behaviour == DnsServer::UdpOnly {
            return;
        }
        let Some(watched) = self.ground.crew.watch_stream(stream) else {
            return;
        };
        let back = Back::Stream(Arc::new(Mutex::new(Arc::clone(watched.stream()))));
        let mut stream = &**watched.stream();
        let mut length = [0; 2];
        while stream.read_exact(&mut length).is_ok() {
            let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
            if stream.read_exact(&mut bytes).is_err() {
                return;
            }
            self.handle(&bytes, Transport::Tcp, &back);
        }
    }

    /// Logs and answers one query; anything else is ignored.
    fn handle(&self, bytes: &[u8], transport: Transport, back: &Back) {
        let Some(question) = Question::read(bytes, transport) else {
            return;
        };
        let query = DnsQuery {
            server: self.number,
            name: question.name(),
            record_type: question.record_type(),
            transport,
            edns: question.has_edns(),
        };
        self.ground.log.write(None, Event::DnsQuery(query));
        for packet in self.answer(&question, transport) {
            self.send(packet, back);
        }
    }

    fn answer(&self, question: &Question, transport: Transport) -> Vec<Packet> {
        match self.behaviour {
            DnsServer::Closed | DnsServer::Silent => Vec::new(),
            DnsServer::DropsEdns if question.has_edns() => Vec::new(),
            DnsServer::TcpOnly if transport == Transport::Udp => Vec::new(),
            DnsServer::Limited(limit) if self.is_beyond(limit) => Vec::new(),
            DnsServer::DropsEdns
            | DnsServer::Healthy
            | DnsServer::Limited(_)
            | DnsServer::TcpOnly
            | DnsServer::UdpOnly => question.answer(&mut self.ground.zone()),
            DnsServer::RefusesAll => question.fail(ResponseCode::Refused),
            DnsServer::ServFailAll => question.fail(ResponseCode::ServFail),
        }
    }

    /// Whether this is one more query than are answered in a second
    fn is_beyond(&self, limit: u32) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.0.elapsed() >= Duration::from_secs(1) {
            *second = (Instant::now(), 0);
        }
        second.1 += 1;
        second.1 > limit
    }

    fn send(&self, packet: Packet, back: &Back) {
        if packet.after.is_zero() {
            return back.send(&packet.bytes);
        }
        let (ground, back) = (Arc::clone(&self.ground), back.clone());
        // Without a thread to wait, the reply is lost, as replies may be.
        let _ = self.ground.crew.spawn(move || {
            if ground.crew.sleep(packet.after) {
                back.send(&packet.bytes);
            }
        });
    }
}

/// The way back to a client.
#[derive(Clone, Debug)]
enum Back {
    Datagram(Arc<UdpSocket>, SocketAddr),
    /// Locked, since a slow reply may meet a later one.
    Stream(Arc<Mutex<Arc<TcpStream>>>),
}

impl Back {
    /// A client that has left misses nothing.
    fn send(&self, bytes: &[u8]) {
        match self {
            Self::Datagram(socket, client) => drop(socket.send_to(bytes, client)),
            Self::Stream(stream) => {
                let Ok(length) = u16::try_from(bytes.len()) else {
                    return;
                };
                let framed = [&length.to_be_bytes(), bytes].concat();
                let stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = (&**stream).write_all(&framed);
            }
        }
    }
}

/// No query is longer: a name and an OPT record fit easily.
const MAX_QUERY: usize = 4096;
