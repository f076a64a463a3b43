//! One HTTP/1.1 GET and its response, without I/O.
//!
//! An [`Exchange`] gives the request to send and takes the response in whatever pieces the stream
//! delivers. It is over after that: redirects are returned, not followed, and the connection is
//! not used again. Where the specifications leave a choice, it is made as follows.
//!
//! - Only a 200 has its body read, so only a 200 is judged by its `Content-Length`,
//!   `Transfer-Encoding` and `Content-Encoding`. Any other final status is given as soon as its
//!   head ends; what had come of its body by then is [kept](Exchange::begun) for people to read.
//! - A head may end its lines with a bare LF (RFC 9112 §2.2); chunk framing may not.
//! - What servers get wrong in headers is forgiven where it decides nothing: folded lines are
//!   unfolded (RFC 9112 §5.2), blanks before a colon dropped (§5.1), and lines that are no header
//!   passed over. NUL and a CR without its LF are refused anywhere in a head (RFC 9110 §5.5).
//! - What decides where the body ends is not forgiven: a line that may be read as `Content-Length`
//!   or `Transfer-Encoding`, but is not written as RFC 9112 §5 has it, is refused. So are
//!   `Transfer-Encoding` beside `Content-Length` or in HTTP/1.0, and any transfer coding but
//!   `chunked`. `Content-Length` may be repeated while its values agree (RFC 9110 §8.6).
//! - A content coding that is registered (RFC 9110 §16.6.1) is refused, unless it is `identity`;
//!   a word that names none, such as `utf-8`, is ignored.
//! - A body that lasts until the end of the stream counts if TLS announced that end, or if it is a
//!   whole JSON object, from which nothing can be missing.
//! - Interim 1xx responses are dropped; 101 is refused, since no upgrade is ever asked for.
//! - Chunk extensions and trailers are dropped unread, but count against the limit of the head.
//!
//! The work is linear in the input, and the outcome is the same however the input is cut.

mod body;
mod head;
mod response;

use core::mem;

use fedway_core::Limits;

use self::body::{Body, Framing};
use self::head::{Allowance, Head};
pub use self::response::{Ending, HttpError, Response};

/// One GET and its response, without I/O
///
/// `handle_*` methods take what the stream delivered, bare nouns are getters.
///
/// ```
/// # use fedway_driver::http::{Exchange, HttpError};
/// # use fedway_core::Limits;
/// # fn main() -> Result<(), HttpError> {
/// let path = "/.well-known/matrix/server";
/// let mut exchange = Exchange::get("example.org", path, Limits::default())?;
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
    begun: Vec<u8>,
}

impl Exchange {
    /// Prepares to ask `host` for `target`
    ///
    /// `host` is sent as the `Host` header, with a port where there is one. `target` is a path and
    /// perhaps a query. `limits` say how much of the response is read before it is refused: of its
    /// head, the status lines and headers, those of interim responses included, and chunk
    /// extensions and trailers; of its body, what is left once chunks are decoded.
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
            allowance: Allowance::new(limits),
            state: State::Head(Head::default()),
            begun: Vec::new(),
        })
    }

    /// The beginning of a body that is not read, since the status is not 200, as far as it came together with the end of
    /// the head
    ///
    /// It says who has answered, and decides nothing: how much there is of it depends on how the stream was cut.
    #[must_use]
    pub fn begun(&self) -> &[u8] {
        &self.begun
    }

    /// The bytes to send
    #[must_use]
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
                    let parsed = head.parse()?;
                    match parsed.response.status {
                        // RFC 9110 §15.2: any number of interim responses may come first
                        100..=199 => State::Head(Head::default()),
                        200 => {
                            let framing = Framing::of(&parsed, &self.allowance)?;
                            let response = parsed.response;
                            State::Body(Body { response, framing })
                        }
                        _ => {
                            let body = Body::begun(parsed, bytes, &mut self.allowance);
                            self.begun = body.1;
                            return Ok(Some(body.0));
                        }
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
    /// A body delimited by neither a length nor chunks ends here. If the end is not clean, anyone
    /// on the path may have caused it, and the body counts only if it is a whole JSON object.
    ///
    /// # Errors
    ///
    /// [`HttpError::Truncated`] if the response is incomplete, [`HttpError::Finished`] if the
    /// exchange was over.
    pub fn handle_end(&mut self, clean: bool) -> Result<Response, HttpError> {
        match mem::replace(&mut self.state, State::Over) {
            State::Body(Body {
                mut response,
                framing: Framing::UntilEnd,
            }) if clean || body::is_json_object(&response.body) => {
                response.ending = if clean {
                    Ending::Announced
                } else {
                    Ending::Cut
                };
                Ok(response)
            }
            State::Body(_) | State::Head(_) => Err(HttpError::Truncated),
            State::Over => Err(HttpError::Finished),
        }
    }
}

#[derive(Clone, Debug)]
enum State {
    Head(Head),
    Body(Body),
    /// The response or an error was given
    Over,
}

/// Whether it is words of visible ASCII characters, which may stand in a `User-Agent` header
pub(crate) fn is_user_agent(text: &str) -> bool {
    (text.split(' ')).all(|word| !word.is_empty() && is_visible(word))
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// RFC 9110 §10.1.5
pub(crate) const USER_AGENT: &str = concat!("fedway/", env!("CARGO_PKG_VERSION"));
