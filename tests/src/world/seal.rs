//! TLS 1.3 records sealed by hand, for what no TLS library sends.

use std::io::{self, Write};
use std::net::TcpStream;

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::error::Unspecified;
use rustls::{ConnectionTrafficSecrets, ServerConnection};

/// What is sent without end after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// One space in each record, and padding.
    Padding,
    /// Session tickets.
    Tickets,
}

impl Seal {
    /// Sends until the client leaves, which is an error.
    pub(super) fn flood(self, session: ServerConnection, mut stream: &TcpStream) -> io::Result<()> {
        let mut sealer = Sealer::new(session)?;
        let content = self.content();
        loop {
            stream.write_all(&sealer.seal(content.clone())?)?;
        }
    }

    /// A record's content, its type and its padding: TLSInnerPlaintext (RFC 8446 section 5.2).
    fn content(self) -> Vec<u8> {
        match self {
            Self::Padding => {
                let mut content = vec![b' ', APPLICATION_DATA];
                content.resize(MAX_CONTENT + 1, 0);
                content
            }
            Self::Tickets => {
                let mut content = TICKET.repeat(MAX_CONTENT / TICKET.len());
                content.push(HANDSHAKE);
                content
            }
        }
    }
}

/// The sending half of a session, taken from the library that began it.
struct Sealer {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Sealer {
    fn new(session: ServerConnection) -> io::Result<Self> {
        let secrets = session.dangerous_extract_secrets();
        let (sequence, secrets) = secrets.map_err(io::Error::other)?.tx;
        let (algorithm, key, iv) = match &secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&aead::AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&aead::AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&aead::CHACHA20_POLY1305, key, iv)
            }
            _ => return Err(io::Error::other("a cipher that ring does not have")),
        };
        let key = UnboundKey::new(algorithm, key.as_ref()).map_err(refused)?;
        let iv = iv.as_ref().try_into().map_err(io::Error::other)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            iv,
            sequence,
        })
    }

    /// RFC 8446 section 5.2: the header is authenticated, the nonce (section 5.3) counts records.
    fn seal(&mut self, mut content: Vec<u8>) -> io::Result<Vec<u8>> {
        let length = content.len() + self.key.algorithm().tag_len();
        let [.., high, low] = length.to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, high, low];
        let mut nonce = self.iv;
        for (byte, count) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= count;
        }
        self.sequence += 1;
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(header), &mut content)
            .map_err(refused)?;
        Ok([&header[..], &content].concat())
    }
}

/// *ring* does not tell why.
fn refused(_: Unspecified) -> io::Error {
    io::Error::other("refused by ring")
}

/// NewSessionTicket (RFC 8446 section 4.6.1) for a day, with a nonce and a ticket of one byte each.
const TICKET: [u8; 19] = [
    4, 0, 0, 15, 0, 1, 0x51, 0x80, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0,
];

/// Of a TLSInnerPlaintext, without its type (RFC 8446 section 5.1).
const MAX_CONTENT: usize = 1 << 14;

/// ContentType (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 22;

/// ContentType (RFC 8446 section 5.1).
const APPLICATION_DATA: u8 = 23;
