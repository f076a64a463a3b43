//! One HTTP/1.1 GET and its response, without I/O
//!
//! An [`Exchange`] gives the request to send and takes the response in whatever pieces the stream
//! delivers. It is over after that: redirects are returned, not followed, and the connection is
//! not used again. Where the specifications leave a choice, it is made as follows.
//!
//! - Only a 200 has its body read, so only a 200 is judged by its `Content-Length`,
//!   `Transfer-Encoding` and `Content-Encoding`. Any other final status is given as soon as its
//!   head ends.
//! - A head may end its lines with a bare LF (RFC 9112 section 2.2); chunk framing may not.
//! - Folded header lines, `Transfer-Encoding` beside `Content-Length` or in HTTP/1.0, any transfer
//!   coding but `chunked` and any content coding but `identity` are refused. `Content-Length` may
//!   be repeated while its values agree (RFC 9110 section 8.6).
//! - Interim 1xx responses are dropped; 101 is refused, since no upgrade is ever asked for.
//! - Chunk extensions and trailers are dropped unread, but count against the limit of the head.
//!
//! The work is linear in the input, and the outcome is the same however the input is cut.

mod body;

use core::{fmt, mem};

use thiserror::Error;

use self::body::{Body, Framing};

/// One GET and its response, without I/O
///
/// `handle_*` methods take what the stream delivered, bare nouns are getters.
///
/// ```
/// # use fedway_driver::http::{Exchange, HttpError, Limits};
/// # fn main() -> Result<(), HttpError> {
/// let limits = Limits { head: 16 << 10, body: 50 << 10 };
/// let mut exchange = Exchange::get("example.org", "/.well-known/matrix/server", limits)?;
/// assert!(exchange.request().starts_with(b"GET /.well-known/matrix/server HTTP/1.1\r\n"));
///
/// assert_eq!(exchange.handle_input(b"HTTP/1.1 200 OK\r\nContent-Le")?, None);
/// let response = exchange.handle_input(b"ngth: 2\r\n\r\n{}")?;
/// assert_eq!(response.map(|response| response.body), Some(b"{}".to_vec()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Exchange {
    request: Vec<u8>,
    allowance: Allowance,
    state: State,
}

impl Exchange {
    /// Prepares to ask `host` for `target`
    ///
    /// `host` is sent as the `Host` header, with a port where there is one. `target` is a path and
    /// perhaps a query.
    ///
    /// # Errors
    ///
    /// [`HttpError::InvalidHost`] unless `host` is one or more visible ASCII characters;
    /// [`HttpError::InvalidTarget`] unless `target` starts with `/` and is visible ASCII without a
    /// `#`. So neither can add a word or a line to the request.
    pub fn get(host: &str, target: &str, limits: Limits) -> Result<Self, HttpError> {
        Self::get_as(USER_AGENT, host, target, limits)
    }

    /// [`get`](Self::get), and says who asks: the `User-Agent` header, which is `fedway/` and a version otherwise
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); [`HttpError::InvalidUserAgent`] unless `agent` is words of visible ASCII characters with a
    /// blank between them.
    pub fn get_as(
        agent: &str,
        host: &str,
        target: &str,
        limits: Limits,
    ) -> Result<Self, HttpError> {
        if !is_user_agent(agent) {
            return Err(HttpError::InvalidUserAgent);
        }
        if host.is_empty() || !is_visible(host) {
            return Err(HttpError::InvalidHost);
        }
        if !target.starts_with('/') || target.contains('#') || !is_visible(target) {
            return Err(HttpError::InvalidTarget);
        }
        let request = format!(
            "GET {target} HTTP/1.1\r\n\
             Host: {host}\r\n\
             Accept: application/json\r\n\
             Accept-Encoding: identity\r\n\
             User-Agent: {agent}\r\n\
             Connection: close\r\n\
             \r\n"
        );
        Ok(Self {
            request: request.into_bytes(),
            allowance: Allowance {
                limits,
                head_left: limits.head,
            },
            state: State::Head(Head::default()),
        })
    }

    /// The bytes to send
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Takes the next bytes of the stream; gives the response once it is complete
    ///
    /// A response whose status is not 200 is complete with its head, and its `body` is empty. What
    /// follows the response in `bytes` is ignored.
    ///
    /// # Errors
    ///
    /// What is wrong with the response, as soon as it shows. After an error or a response the
    /// exchange is over: further calls give [`HttpError::Finished`].
    pub fn handle_input(&mut self, mut bytes: &[u8]) -> Result<Option<Response>, HttpError> {
        loop {
            self.state = match mem::replace(&mut self.state, State::Over) {
                State::Head(mut head) => {
                    if !head.read(&mut bytes, &mut self.allowance)? {
                        self.state = State::Head(head);
                        return Ok(None);
                    }
                    let (response, version) = head.parse()?;
                    match response.status {
                        // RFC 9110 section 15.2: any number of interim responses may come first
                        100..=199 => State::Head(Head::default()),
                        200 => {
                            let framing = Framing::of(&response, version, &self.allowance)?;
                            State::Body(Body { response, framing })
                        }
                        _ => return Ok(Some(response)),
                    }
                }
                State::Body(mut body) => {
                    if body.read(bytes, &mut self.allowance)? {
                        return Ok(Some(body.response));
                    }
                    self.state = State::Body(body);
                    return Ok(None);
                }
                State::Over => return Err(HttpError::Finished),
            };
        }
    }

    /// Takes the end of the stream; `clean` says that TLS announced it (`close_notify`)
    ///
    /// A body delimited by neither a length nor chunks ends here, if the end is clean: anyone on
    /// the path can cause an unclean one.
    ///
    /// # Errors
    ///
    /// [`HttpError::Truncated`] if the response is incomplete, [`HttpError::Finished`] if the
    /// exchange was over.
    pub fn handle_end(&mut self, clean: bool) -> Result<Response, HttpError> {
        match mem::replace(&mut self.state, State::Over) {
            State::Body(Body {
                response,
                framing: Framing::UntilEnd,
            }) if clean => Ok(response),
            State::Body(_) | State::Head(_) => Err(HttpError::Truncated),
            State::Over => Err(HttpError::Finished),
        }
    }
}

/// How much of a response is read before it is refused
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of status lines and headers, those of interim responses included, and of chunk
    /// extensions and trailers
    pub head: usize,
    /// Bytes of the body, after decoding of chunks
    pub body: usize,
}

/// A response, its body read only if the status is 200
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code, 200 or above
    pub status: u16,
    /// The headers as they came, names in lower case, values without surrounding white space
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, empty unless the status is 200
    pub body: Vec<u8>,
}

impl Response {
    /// The first value of a header; the case of `name` does not matter
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// Every value of a header as they came; the case of `name` does not matter
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }
}

/// Why an exchange gave no response
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// The peer announced or sent a longer body than allowed
    #[error("body longer than {limit} bytes")]
    BodyTooLarge {
        /// The number allowed: [`Limits::body`]
        limit: usize,
    },
    /// The caller went on with an exchange that had already given its response or an error
    #[error("exchange already over")]
    Finished,
    /// The peer sent longer headers than allowed
    #[error("headers longer than {limit} bytes")]
    HeadTooLarge {
        /// The number allowed: [`Limits::head`]
        limit: usize,
    },
    /// The caller gave a host that must not be sent
    #[error("host with a character that cannot be sent, or empty")]
    InvalidHost,
    /// The caller gave a target that must not be sent
    #[error("target with a character that cannot be sent, or not a path")]
    InvalidTarget,
    /// The caller gave a name for itself that must not be sent
    #[error("user agent with a character that cannot be sent, or empty")]
    InvalidUserAgent,
    /// The peer broke the grammar of HTTP/1
    #[error("malformed {0}")]
    Malformed(Part),
    /// The stream ended inside the response, or uncleanly where its end is that of the body
    #[error("response cut short")]
    Truncated,
    /// The peer switched to another protocol, unasked
    #[error("unexpected switch of protocols")]
    UnexpectedUpgrade,
    /// The peer used a content coding although only `identity` is accepted, or a transfer coding
    /// other than `chunked`
    #[error("unsupported encoding of the body")]
    UnsupportedEncoding,
}

/// The part of a response that is malformed
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A chunk size, an extension, a trailer or the line ends between them
    Chunk,
    /// A `Content-Length` that is not a number, or two that differ
    ContentLength,
    /// A header line
    Header,
    /// The first line, also of what is not HTTP/1 at all
    StatusLine,
    /// A `Transfer-Encoding` where none may stand: beside `Content-Length`, or in HTTP/1.0
    TransferEncoding,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chunk => "chunk",
            Self::ContentLength => "content-length",
            Self::Header => "header",
            Self::StatusLine => "status line",
            Self::TransferEncoding => "transfer-encoding",
        })
    }
}

/// What the peer may still send
#[derive(Clone, Debug)]
struct Allowance {
    limits: Limits,
    /// What is left of [`Limits::head`]
    head_left: usize,
}

impl Allowance {
    fn take_head_byte(&mut self) -> Result<(), HttpError> {
        let limit = self.limits.head;
        self.head_left = self
            .head_left
            .checked_sub(1)
            .ok_or(HttpError::HeadTooLarge { limit })?;
        Ok(())
    }

    fn check_body(&self, len: usize) -> Result<(), HttpError> {
        let limit = self.limits.body;
        if len > limit {
            return Err(HttpError::BodyTooLarge { limit });
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum State {
    Head(Head),
    Body(Body),
    /// The response or an error was given
    Over,
}

/// The head of a response, parsed only once its blank line has come
#[derive(Clone, Debug, Default)]
struct Head {
    bytes: Vec<u8>,
    /// Nothing but perhaps a CR has come since the last LF
    at_line_start: bool,
}

impl Head {
    /// Takes bytes from `input` up to the blank line; true once that has come
    fn read(&mut self, input: &mut &[u8], allowance: &mut Allowance) -> Result<bool, HttpError> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            allowance.take_head_byte()?;
            if START
                .get(self.bytes.len())
                .is_some_and(|expected| byte != *expected)
            {
                return Err(HttpError::Malformed(Part::StatusLine));
            }
            self.bytes.push(byte);
            match byte {
                b'\n' if self.at_line_start => return Ok(true),
                b'\n' => self.at_line_start = true,
                // a CR without its LF is left for `parse` to refuse
                b'\r' => {}
                _ => self.at_line_start = false,
            }
        }
        Ok(false)
    }

    /// The response, its body still to come, and the minor version
    fn parse(self) -> Result<(Response, u8), HttpError> {
        // As many as there are lines, which the limit of the head bounds
        let lines = self.bytes.iter().filter(|byte| **byte == b'\n').count();
        let mut headers = vec![httparse::EMPTY_HEADER; lines];
        let mut head = httparse::Response::new(&mut headers);
        match head.parse(&self.bytes) {
            Ok(httparse::Status::Complete(len)) if len == self.bytes.len() => {}
            Err(httparse::Error::Status | httparse::Error::Version) => {
                return Err(HttpError::Malformed(Part::StatusLine));
            }
            Ok(_) | Err(_) => return Err(HttpError::Malformed(Part::Header)),
        }
        let (Some(status @ 100..), Some(version)) = (head.code, head.version) else {
            return Err(HttpError::Malformed(Part::StatusLine));
        };
        if status == SWITCHING_PROTOCOLS {
            return Err(HttpError::UnexpectedUpgrade);
        }
        let headers = head
            .headers
            .iter()
            .map(|header| {
                (
                    header.name.to_ascii_lowercase(),
                    header.value.trim_ascii().to_vec(),
                )
            })
            .collect();
        Ok((
            Response {
                status,
                headers,
                body: Vec::new(),
            },
            version,
        ))
    }
}

/// Whether it is words of visible ASCII characters, which may stand in a `User-Agent` header
pub(crate) fn is_user_agent(text: &str) -> bool {
    (text.split(' ')).all(|word| !word.is_empty() && is_visible(word))
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What a response starts with (RFC 9112 section 4); other protocols differ before their line ends
const START: &[u8] = b"HTTP/1.";

/// RFC 9110 section 15.2.2
const SWITCHING_PROTOCOLS: u16 = 101;

/// RFC 9110 section 10.1.5
pub(crate) const USER_AGENT: &str = concat!("fedway/", env!("CARGO_PKG_VERSION"));
