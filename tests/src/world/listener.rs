//! The listener behind the address of an HTTPS server, and its connections up to the handshake.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::server::{Accepted, Acceptor};
use rustls::{ServerConnection, StreamOwned};

use super::address::Address;
use super::connection::{Connection, swallow};
use super::crew::Door;
use super::exchange;
use super::ground::Ground;
use super::https::ConnectionFault;
use super::request::Tls;
use super::sockets;

/// Opens a listener that serves nobody yet.
pub(super) fn open(ground: &Arc<Ground>, virtual_address: SocketAddr) -> io::Result<Arc<Address>> {
    let (listener, real) = sockets::listen()?;
    let address = Arc::new(Address::new(virtual_address, real));
    ground.crew.watch_door(Door::Tcp(real));
    let (worker, own) = (Arc::clone(ground), Arc::clone(&address));
    ground
        .crew
        .spawn(move || accept(&worker, &own, &listener))?;
    Ok(address)
}

fn accept(ground: &Arc<Ground>, address: &Arc<Address>, listener: &TcpListener) {
    while let Some(stream) = ground.crew.accept(listener) {
        let Some(connection) = Connection::open(ground, address, stream) else {
            return;
        };
        // Without a thread to serve it, the connection is closed.
        let _ = ground.crew.spawn(move || serve(&connection));
    }
}

/// Serves one connection from its acceptance to its end.
fn serve(connection: &Connection) {
    match connection.address().fault() {
        Some(ConnectionFault::HangAfterAccept) => swallow(connection.stream()),
        Some(ConnectionFault::Reset) => reset(connection.stream()),
        fault => {
            if let Some(accepted) = read_client_hello(connection) {
                connection.log_client_hello(&accepted.client_hello());
                greet(connection, accepted, fault);
            }
        }
    }
}

/// Replies to a ClientHello.
fn greet(connection: &Connection, accepted: Accepted, fault: Option<ConnectionFault>) {
    match fault {
        Some(ConnectionFault::Alert(alert)) => refuse(connection.stream(), alert),
        Some(ConnectionFault::CloseInHandshake) => {}
        Some(ConnectionFault::GarbageInHandshake) => speak_plainly(connection.stream()),
        Some(ConnectionFault::HangInHandshake) => swallow(connection.stream()),
        Some(ConnectionFault::SlowHandshake(pause)) => {
            if client_waits(connection, pause) {
                shake_hands(connection, accepted);
            }
        }
        Some(ConnectionFault::Tls11) => speak_tls11(connection.stream()),
        // Refused is a matter of the reroute: who knew the address before comes through.
        Some(
            ConnectionFault::HangAfterAccept | ConnectionFault::Refused | ConnectionFault::Reset,
        )
        | None => shake_hands(connection, accepted),
    }
}

/// Reads up to the end of the ClientHello; what is none is answered with an alert.
fn read_client_hello(connection: &Connection) -> Option<Accepted> {
    let mut stream = connection.stream();
    let mut acceptor = Acceptor::default();
    loop {
        match acceptor.read_tls(&mut stream) {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => return Some(accepted),
            Ok(None) => {}
            Err((error, mut alert)) => {
                connection.log_handshake(false, Err(error.to_string()));
                // The client may have left.
                let _ = alert.write_all(&mut stream);
                return None;
            }
        }
    }
}

fn shake_hands(connection: &Connection, accepted: Accepted) {
    match handshake(connection, accepted) {
        Ok(tls) => {
            connection.log_handshake(is_resumed(&tls.conn), Ok(()));
            exchange::serve(connection, tls);
        }
        Err(error) => {
            connection.log_handshake(false, Err(error));
            linger(connection.stream());
        }
    }
}

fn handshake(connection: &Connection, accepted: Accepted) -> Result<Tls<'_>, String> {
    let sni = accepted.client_hello().server_name().map(str::to_owned);
    let server = connection.address().server_for_handshake(sni.as_deref());
    let server = server.ok_or_else(|| "no server at this address".to_owned())?;
    let ground = connection.ground();
    let config = server.config(&ground.authority, &ground.provider)?;
    let mut stream = connection.stream();
    let mut tls = accepted
        .into_connection(config)
        .map_err(|(error, mut alert)| {
            // The client may have left.
            let _ = alert.write_all(&mut stream);
            error.to_string()
        })?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)
            .map_err(|error| error.to_string())?;
    }
    Ok(StreamOwned::new(tls, stream))
}

fn is_resumed(tls: &ServerConnection) -> bool {
    tls.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
}

/// Lets the close that follows reset the connection.
fn reset(stream: &TcpStream) {
    // Fails only where the client has reset it first.
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// What a server without TLS replies to a ClientHello.
fn speak_plainly(mut stream: &TcpStream) {
    // The client may have left.
    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let _ = stream.shutdown(Shutdown::Write);
}

/// Ends a connection in a way that an alert arrives: where something of the client's is left unread, it would be
/// overtaken by a reset.
fn linger(stream: &TcpStream) {
    // The client may have left.
    let _ = stream.shutdown(Shutdown::Write);
    swallow(stream);
}

/// Replies to a ClientHello with a fatal alert (RFC 8446 section 6).
fn refuse(mut stream: &TcpStream, alert: u8) {
    const FATAL: u8 = 2;
    // The client may have left.
    let _ = stream.write_all(&[21, 3, 3, 0, 2, FATAL, alert]);
    linger(stream);
}

/// What a server of 2010 replies to a ClientHello (RFC 4346 section 7.4.1.3); then waits for the answer.
fn speak_tls11(mut stream: &TcpStream) {
    const VERSION: [u8; 2] = [3, 2];
    // TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, no compression
    const CHOICE: [u8; 3] = [0xc0, 0x09, 0];
    let (random, no_session) = ([7; 32], [0]);
    let hello = [&VERSION[..], &random, &no_session, &CHOICE].concat();
    let length = |bytes: &[u8]| [0, bytes.len().to_be_bytes()[7]];
    let message = [&[2, 0][..], &length(&hello), &hello].concat();
    let record = [&[22][..], &VERSION, &length(&message), &message].concat();
    // The client may have left.
    let _ = stream.write_all(&record);
    swallow(stream);
}

/// Pauses; whether the client is still there afterwards. It has nothing to say meanwhile.
fn client_waits(connection: &Connection, pause: Duration) -> bool {
    let stream = connection.stream();
    let end = Instant::now() + pause;
    // Fails only for a pause of zero, which is no pause.
    let _ = stream.set_read_timeout(Some(pause));
    let gone = stream.peek(&mut [0]).is_ok_and(|length| length == 0);
    let _ = stream.set_read_timeout(None);
    // A client that did speak is kept waiting all the same.
    !gone
        && connection
            .ground()
            .crew
            .sleep(end.saturating_duration_since(Instant::now()))
}
