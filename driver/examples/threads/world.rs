//! A name server and an HTTPS server on the loopback device, as small as they get.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;

use rustls::crypto::ring::default_provider;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(crate) struct World {
    pub(crate) dns: SocketAddr,
    pub(crate) https: SocketAddr,
    /// The server's certificate in PEM, which is its own authority
    pub(crate) authority: String,
}

impl World {
    pub(crate) fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let pair = rcgen::generate_simple_self_signed([NAME.into()])?;
        let key = pair.signing_key.serialize_der().try_into()?;
        let config = ServerConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![pair.cert.der().clone()], key)?;
        let config = Arc::new(config);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let name_server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (dns, https) = (name_server.local_addr()?, listener.local_addr()?);
        thread::spawn(move || resolve(&name_server));
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream?, config.clone())?;
            }
            io::Result::Ok(())
        });
        Ok(Self {
            dns,
            https,
            authority: pair.cert.pem(),
        })
    }
}

/// Says of every name that it is here, by IPv4
fn resolve(socket: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 512];
    loop {
        let (len, client) = socket.recv_from(&mut buffer)?;
        let (id, name) = (&buffer[..2], &buffer[12..len]);
        let root = name.iter().position(|byte| *byte == 0).unwrap_or_default();
        let question = &name[..root + 5]; // with its type and class
        let answer = if question.ends_with(A_IN) {
            [id, ONE_RECORD, question, RECORD].concat()
        } else {
            [id, NO_RECORD, question].concat()
        };
        socket.send_to(&answer, client)?;
    }
}

/// Answers one request with the version
fn serve(stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
    let session = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(session, stream);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{VERSION}",
        VERSION.len()
    )?;
    stream.conn.send_close_notify();
    stream.flush()
}

pub(crate) const NAME: &str = "example.org";

pub(crate) const VERSION: &str = r#"{"server": {"name": "threads"}}"#;

/// The type and class of a question for an address of IPv4 (RFC 1035 §3.2.2, §3.2.4)
const A_IN: &[u8] = b"\0\x01\0\x01";

/// What stands between a query's id and its question (RFC 1035 §4.1.1): an answer, recursion available, one record
const ONE_RECORD: &[u8] = b"\x81\x80\0\x01\0\x01\0\0\0\0";

const NO_RECORD: &[u8] = b"\x81\x80\0\x01\0\0\0\0\0\0";

/// 127.0.0.1, by a pointer to the name in the question, for five minutes
const RECORD: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04\x7f\0\0\x01";
