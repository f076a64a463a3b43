//! Replies of an HTTPS server, well formed or not.

use std::time::Duration;

use super::seal::Seal;

/// An HTTP reply, written exactly as described.
///
/// ```
/// use fedway_testkit::world::{Body, Reply};
///
/// let reply = Reply::json(r#"{"m.server": "matrix.example.org:443"}"#)
///     .header("Cache-Control", "max-age=60")
///     .sent(Body::Chunked);
/// # let _ = reply;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    head: Head,
    content: Vec<u8>,
    body: Body,
    delay: Duration,
}

/// How the body of a [`Reply`] travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// In chunks, with `Transfer-Encoding: chunked`.
    Chunked,
    /// With a Content-Length of so many bytes more than are sent; then the end.
    CutShort {
        /// The bytes announced and never sent.
        missing: usize,
    },
    /// The content, then spaces as fast as the client takes them, for ever.
    Endless,
    /// The content, then spaces for ever, each in a TLS record padded to its largest size (RFC 8446 section 5.4).
    EndlessPadding,
    /// The content, then one space at a time, for ever.
    EndlessSlow {
        /// The pause before each space.
        every: Duration,
    },
    /// The content, then TLS session tickets (RFC 8446 section 4.6.1) as fast as the client takes them, for ever.
    EndlessTickets,
    /// With its Content-Length.
    #[default]
    Length,
    /// Nothing is sent at all, the head included; the connection stays open.
    NoReply,
    /// Without a length, ended by the end of the connection, close_notify included.
    ReadToEnd,
    /// Without a length, ended by the end of the connection, without close_notify: what an
    /// attacker who cuts the connection makes of [`Body::ReadToEnd`].
    ReadToEndCut,
}

impl Reply {
    /// A reply without content.
    pub fn status(status: u16) -> Self {
        Self {
            head: Head::Composed {
                status,
                headers: Vec::new(),
            },
            content: Vec::new(),
            body: Body::Length,
            delay: Duration::ZERO,
        }
    }

    /// 200, with content as `application/json`.
    pub fn json(content: impl Into<Vec<u8>>) -> Self {
        Self::status(200)
            .header("Content-Type", "application/json")
            .content(content)
    }

    /// A redirect; `location` is sent as it stands, be it a URL or not.
    pub fn redirect(status: u16, location: impl Into<Vec<u8>>) -> Self {
        Self::status(status).header("Location", location)
    }

    /// These bytes, then the end of the connection with close_notify.
    ///
    /// [`content`](Self::content) and the endless kinds of [`Body`] add to them, so that
    /// `Reply::raw("HTTP/1.1 200 OK\r\nX: ").sent(Body::Endless)` is a header without an end.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        let mut reply = Self::status(200);
        reply.head = Head::Raw(bytes.into());
        reply
    }

    /// No reply at all: the client waits until it leaves.
    pub fn none() -> Self {
        Self::status(200).sent(Body::NoReply)
    }

    /// Adds a header, whose value is sent as it stands. A [raw](Self::raw) reply has none.
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        match &mut self.head {
            Head::Composed { headers, .. } => headers.push((name.to_owned(), value.into())),
            Head::Raw(_) => {}
        }
        self
    }

    /// Sets the content.
    pub fn content(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.content = content.into();
        self
    }

    /// Sets how the content travels.
    pub fn sent(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Makes the client wait for the reply.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The pause before the first byte.
    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// What the connection does after [`bytes`](Self::bytes).
    pub(super) fn ending(&self) -> Ending {
        match (self.body, &self.head) {
            (Body::Endless, _) => Ending::Flood,
            (Body::EndlessPadding, _) => Ending::Sealed(Seal::Padding),
            (Body::EndlessTickets, _) => Ending::Sealed(Seal::Tickets),
            (Body::EndlessSlow { every }, _) => Ending::Drip(every),
            (Body::NoReply, _) => Ending::Hang,
            (Body::CutShort { .. } | Body::ReadToEndCut, _) => Ending::Cut,
            (Body::ReadToEnd, _) | (Body::Chunked | Body::Length, Head::Raw(_)) => Ending::Close,
            (Body::Chunked | Body::Length, Head::Composed { .. }) => Ending::KeepOpen,
        }
    }

    /// All the bytes that can be written at once.
    pub(super) fn bytes(&self) -> Vec<u8> {
        if self.body == Body::NoReply {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        match &self.head {
            Head::Raw(raw) => bytes.extend_from_slice(raw),
            Head::Composed { status, headers } => self.compose(*status, headers, &mut bytes),
        }
        match (self.body, &self.head) {
            (Body::Chunked, Head::Composed { .. }) => chunk(&self.content, &mut bytes),
            _ => bytes.extend_from_slice(&self.content),
        }
        bytes
    }

    fn compose(&self, status: u16, headers: &[(String, Vec<u8>)], bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(format!("HTTP/1.1 {status} {}\r\n", reason(status)).as_bytes());
        for (name, value) in headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(self.framing().as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }

    /// The headers that tell where the body ends.
    fn framing(&self) -> String {
        let length = self.content.len();
        match self.body {
            Body::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
            Body::CutShort { missing } => format!("Content-Length: {}\r\n", length + missing),
            Body::Length => format!("Content-Length: {length}\r\n"),
            Body::Endless
            | Body::EndlessPadding
            | Body::EndlessSlow { .. }
            | Body::EndlessTickets
            | Body::NoReply
            | Body::ReadToEnd
            | Body::ReadToEndCut => "Connection: close\r\n".to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Head {
    Composed {
        status: u16,
        headers: Vec<(String, Vec<u8>)>,
    },
    Raw(Vec<u8>),
}

/// What follows the bytes of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The connection ends with close_notify.
    Close,
    /// The connection ends without close_notify.
    Cut,
    /// One byte each time.
    Drip(Duration),
    /// Bytes without end.
    Flood,
    /// Nothing.
    Hang,
    /// The next request.
    KeepOpen,
    /// Records without end that a TLS library would not send.
    Sealed(Seal),
}

/// Cuts content into a few chunks, so that readers must join them.
fn chunk(content: &[u8], bytes: &mut Vec<u8>) {
    for part in content.chunks(content.len().div_ceil(CHUNKS).max(1)) {
        bytes.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        404 => "Not Found",
        500 => "Internal Server Error",
        _ => "Status",
    }
}

/// Into how many chunks content is cut.
const CHUNKS: usize = 4;
