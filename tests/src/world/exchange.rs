//! Requests and replies on a connection whose handshake is done.

use std::io::{self, Write as _};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::connection::{Connection, swallow};
use super::log::Request;
use super::reply::{Ending, Reply};
use super::request::{self, Tls};
use super::seal::Seal;

/// Serves requests until either side has enough.
pub(super) fn serve(connection: &Connection, mut tls: Tls<'_>) {
    let mut buffer = Vec::new();
    while let Some(request) = request::read(connection, &mut tls, &mut buffer) {
        connection.log_request(request.clone());
        let reply = reply_to(connection, &request);
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
        if request::wants_close(&request) {
            return close(&mut tls);
        }
    }
}

/// By `Host`, else as the handshake chose.
fn reply_to(connection: &Connection, request: &Request) -> Reply {
    let address = connection.address();
    let host = request.host.as_deref().map(without_port);
    let named = host.and_then(|host| address.server_for_host(host));
    let server = named.or_else(|| address.server_for_handshake(request.sni.as_deref()));
    server.map_or_else(|| Reply::status(404), |server| server.reply(request))
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

/// A timeout of zero would be no timeout.
const MIN_TIMEOUT: Duration = Duration::from_millis(1);

/// How long a client may take to close its side.
const LINGER: Duration = Duration::from_secs(2);
