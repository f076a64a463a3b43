//! Requests and replies on a connection whose handshake is done.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustls::{ServerConnection, StreamOwned};

use super::connection::{Connection, swallow};
use super::log::Request;
use super::reply::{Ending, Reply};
use super::seal::Seal;

/// A connection after its handshake.
pub(super) type Tls<'a> = StreamOwned<ServerConnection, &'a TcpStream>;

/// Serves requests until either side has enough.
pub(super) fn serve(connection: &Connection, mut tls: Tls<'_>) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(connection, &mut tls, &mut buffer) {
        let last = wants_close(&request);
        let reply = reply_to(connection, &request);
        connection.log_request(request);
        // An error means that the client has left.
        let Ok(next) = answer(&mut tls, &reply) else {
            return;
        };
        match next {
            Next::Over => return,
            Next::Request => {}
            Next::Sealed(what) => {
                let (session, stream) = tls.into_parts();
                let _ = what.flood(session, stream);
                return;
            }
        }
        if last {
            return close(&mut tls);
        }
    }
}

/// Reads the head of a request; bodies are not expected. `None` when the client leaves or sends
/// something else.
fn read_request(
    connection: &Connection,
    tls: &mut Tls<'_>,
    buffer: &mut Vec<u8>,
) -> Option<Request> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(length) = head.parse(buffer).ok()? {
            let request = describe(connection, tls, &head);
            buffer.drain(..length);
            return Some(request);
        }
        let mut more = [0; 4096];
        match tls.read(&mut more) {
            Ok(0) | Err(_) => return None,
            Ok(length) => buffer.extend_from_slice(&more[..length]),
        }
    }
}

fn describe(connection: &Connection, tls: &Tls<'_>, head: &httparse::Request<'_, '_>) -> Request {
    let spell = |header: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(header.value).into_owned();
        (header.name.to_owned(), value)
    };
    let headers: Vec<_> = head.headers.iter().map(spell).collect();
    Request {
        address: connection.address().virtual_address,
        sni: tls.conn.server_name().map(str::to_owned),
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        host: header(&headers, "host").map(str::to_owned),
        headers,
    }
}

fn wants_close(request: &Request) -> bool {
    let wish = header(&request.headers, "connection");
    wish.is_some_and(|wish| wish.eq_ignore_ascii_case("close"))
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let fitting = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
    headers
        .iter()
        .find(fitting)
        .map(|(_, value)| value.as_str())
}

/// By `Host`, else as the handshake chose.
fn reply_to(connection: &Connection, request: &Request) -> Reply {
    let address = connection.address();
    let host = request.host.as_deref().map(without_port);
    let named = host.and_then(|host| address.server_for_host(host));
    let server = named.or_else(|| address.server_for_handshake(request.sni.as_deref()));
    server.map_or_else(
        || Reply::status(404),
        |server| server.reply(&request.target),
    )
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        Some(_) | None => host,
    }
}

/// What comes after a reply.
enum Next {
    Over,
    Request,
    Sealed(Seal),
}

/// Writes a reply, and does what follows it as far as a TLS library does that.
fn answer(tls: &mut Tls<'_>, reply: &Reply) -> io::Result<Next> {
    if !reply.delay().is_zero() && !client_waits(tls, reply.delay())? {
        return Ok(Next::Over);
    }
    tls.write_all(&reply.bytes())?;
    tls.flush()?;
    match reply.ending() {
        Ending::Close => close(tls),
        Ending::Cut => linger(tls),
        Ending::Drip(pause) => drip(tls, pause)?,
        Ending::Flood => flood(tls)?,
        Ending::Hang => swallow(tls.sock),
        Ending::KeepOpen => return Ok(Next::Request),
        Ending::Sealed(what) => return Ok(Next::Sealed(what)),
    }
    Ok(Next::Over)
}

fn flood(tls: &mut Tls<'_>) -> io::Result<()> {
    loop {
        tls.write_all(&[b' '; 16 << 10])?;
    }
}

fn drip(tls: &mut Tls<'_>, pause: Duration) -> io::Result<()> {
    while client_waits(tls, pause)? {
        tls.write_all(b" ")?;
        tls.flush()?;
    }
    Ok(())
}

/// Pauses; whether the client is still there afterwards.
fn client_waits(tls: &mut Tls<'_>, pause: Duration) -> io::Result<bool> {
    let end = Instant::now() + pause;
    let mut stays = true;
    while let (true, Some(rest)) = (stays, end.checked_duration_since(Instant::now())) {
        tls.sock.set_read_timeout(Some(rest.max(MIN_TIMEOUT)))?;
        match tls.conn.read_tls(&mut tls.sock) {
            Ok(0) => stays = false,
            Ok(_) => {
                let state = tls.conn.process_new_packets().map_err(io::Error::other)?;
                stays = !state.peer_has_closed();
            }
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
    }
    tls.sock.set_read_timeout(None)?;
    Ok(stays)
}

fn is_timeout(error: &io::Error) -> bool {
    // Which of them, depends on the platform.
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// Ends a connection as it should be.
fn close(tls: &mut Tls<'_>) {
    tls.conn.send_close_notify();
    // The client may have left.
    let _ = tls.flush();
    linger(tls);
}

/// Ends the stream, and waits for the client to do so: a socket closed with something unread
/// resets the connection, and what is on its way to the client is lost.
fn linger(tls: &Tls<'_>) {
    let _ = tls.sock.shutdown(Shutdown::Write);
    let _ = tls.sock.set_read_timeout(Some(LINGER));
    swallow(tls.sock);
}

/// More than any client of a test sends.
const MAX_HEADERS: usize = 64;

/// A timeout of zero would be no timeout.
const MIN_TIMEOUT: Duration = Duration::from_millis(1);

/// How long a client may take to close its side.
const LINGER: Duration = Duration::from_secs(2);
