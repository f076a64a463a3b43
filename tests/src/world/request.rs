//! Requests as they come in over a connection whose handshake is done.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use rustls::{ServerConnection, StreamOwned};

use super::connection::Connection;
use super::log::Request;

/// A connection after its handshake.
pub(super) type Tls<'a> = StreamOwned<ServerConnection, &'a TcpStream>;

/// Reads a whole request; what is read beyond it stays in `buffer`. `None` when the client leaves or sends something
/// else.
pub(super) fn read(
    connection: &Connection,
    tls: &mut Tls<'_>,
    buffer: &mut Vec<u8>,
) -> Option<Request> {
    let mut request = read_head(connection, tls, buffer)?;
    if is(&request, "expect", "100-continue") {
        // RFC 9110 section 10.1.1: the client waits for this before it sends the body
        tls.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        tls.flush().ok()?;
    }
    request.body = if is(&request, "transfer-encoding", "chunked") {
        read_chunks(tls, buffer)?
    } else {
        let length = request.header("content-length").unwrap_or("0");
        take(length.parse().ok()?, tls, buffer)?
    };
    Some(request)
}

/// Whether the client wants no reply after the one to this.
pub(super) fn wants_close(request: &Request) -> bool {
    is(request, "connection", "close")
}

fn read_head(connection: &Connection, tls: &mut Tls<'_>, buffer: &mut Vec<u8>) -> Option<Request> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(length) = head.parse(buffer).ok()? {
            let request = describe(connection, tls, &head);
            buffer.drain(..length);
            return Some(request);
        }
        read_more(tls, buffer)?;
    }
}

/// Reads a body in chunks (RFC 9112 section 7.1); what its trailer says is passed over.
fn read_chunks(tls: &mut Tls<'_>, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (line, size) = loop {
            match httparse::parse_chunk_size(buffer).ok()? {
                httparse::Status::Complete(found) => break found,
                httparse::Status::Partial => read_more(tls, buffer)?,
            }
        };
        buffer.drain(..line);
        if size == 0 {
            break;
        }
        body.extend(take(usize::try_from(size).ok()?, tls, buffer)?);
        if take(2, tls, buffer)? != b"\r\n" {
            return None;
        }
    }
    loop {
        let mut trailer = [httparse::EMPTY_HEADER; MAX_HEADERS];
        match httparse::parse_headers(buffer, &mut trailer).ok()? {
            httparse::Status::Complete((length, _)) => {
                buffer.drain(..length);
                return Some(body);
            }
            httparse::Status::Partial => read_more(tls, buffer)?,
        }
    }
}

fn take(length: usize, tls: &mut Tls<'_>, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    while buffer.len() < length {
        read_more(tls, buffer)?;
    }
    Some(buffer.drain(..length).collect())
}

/// `None` when the client leaves.
fn read_more(tls: &mut Tls<'_>, buffer: &mut Vec<u8>) -> Option<()> {
    let mut more = [0; 4096];
    match tls.read(&mut more) {
        Ok(0) | Err(_) => None,
        Ok(length) => {
            buffer.extend_from_slice(&more[..length]);
            Some(())
        }
    }
}

fn describe(connection: &Connection, tls: &Tls<'_>, head: &httparse::Request<'_, '_>) -> Request {
    let spell = |header: &httparse::Header<'_>| {
        let value = String::from_utf8_lossy(header.value).into_owned();
        (header.name.to_owned(), value)
    };
    let mut request = Request {
        address: connection.address().virtual_address,
        sni: tls.conn.server_name().map(str::to_owned),
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        host: None,
        headers: head.headers.iter().map(spell).collect(),
        body: Vec::new(),
    };
    request.host = request.header("host").map(str::to_owned);
    request
}

fn is(request: &Request, name: &str, value: &str) -> bool {
    let header = request.header(name);
    header.is_some_and(|it| it.eq_ignore_ascii_case(value))
}

/// More than any client of a test sends.
const MAX_HEADERS: usize = 64;
