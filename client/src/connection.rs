//! One connection to a server: HTTP/1.1 or HTTP/2 over a session that the resolver has verified.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fedway_tokio::dns::Dns;
use fedway_tokio::{Found, ServerName, Sockets, fedway_driver};
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri, Version};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::error::{Error, Kind};

/// The body of a request, whatever its type was
pub(crate) type Body = UnsyncBoxBody<Bytes, Box<dyn StdError + Send + Sync>>;

/// A connection over which a request can be sent
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) sender: Sender,
    /// The server that it leads to, and what requests to it carry
    pub(crate) found: Arc<Found>,
    pub(crate) opened: Instant,
    /// Dropped with the connection: whoever carries on one that takes one request at a time ends soon after
    _alive: Option<oneshot::Sender<Infallible>>,
}

/// The half of it that requests are handed to
#[derive(Debug)]
pub(crate) enum Sender {
    /// One request at a time
    Http1(http1::SendRequest<Body>),
    /// Many at once, each through a clone
    Http2(http2::SendRequest<Body>),
}

/// What carries a connection on, until it ends
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Connects to the server of a subject
pub(crate) async fn open<D: Dns>(
    resolver: &fedway_driver::Resolver<Sockets, D>,
    subject: &ServerName,
) -> Result<(Connection, Work), Error> {
    let connected = resolver.connect_to(subject).await;
    let connected = connected.map_err(|cause| Kind::Discovery {
        name: subject.to_string(),
        cause: Arc::new(cause),
    })?;
    let is_http2 = connected.alpn() == Some(HTTP_2);
    let found = Arc::new(connected.found.clone());
    let stream = TokioIo::new(connected.into_stream().0);
    let (sender, work) = if is_http2 {
        over_http2(stream).await
    } else {
        over_http1(stream).await
    }
    .map_err(|cause| Kind::Handshake {
        name: subject.to_string(),
        cause: Arc::new(cause),
    })?;
    let (alive, work) = match sender {
        Sender::Http1(_) => {
            let (alive, work) = ending(work);
            (Some(alive), work)
        }
        Sender::Http2(_) => (None, work),
    };
    let connection = Connection {
        sender,
        found,
        opened: Instant::now(),
        _alive: alive,
    };
    Ok((connection, work))
}

/// Work that ends some time after what is given beside it was dropped: a server that never reads the rest of a request
/// would hold the connection for ever
fn ending(mut work: Work) -> (oneshot::Sender<Infallible>, Work) {
    let (alive, gone) = oneshot::channel();
    let until_gone = async move {
        tokio::select! {
            () = &mut work => return,
            _ = gone => {}
        }
        let _ = timeout(GRACE, work).await;
    };
    (alive, Box::pin(until_gone))
}

async fn over_http1<T>(stream: T) -> hyper::Result<(Sender, Work)>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, work) = http1::handshake(stream).await?;
    Ok((Sender::Http1(sender), Box::pin(async { drop(work.await) })))
}

async fn over_http2<T>(stream: T) -> hyper::Result<(Sender, Work)>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, work) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .handshake(stream)
        .await?;
    Ok((Sender::Http2(sender), Box::pin(async { drop(work.await) })))
}

impl Connection {
    /// Sends a request with the `Host`, or the `:authority`, that the server is to see; gives the request back if nothing
    /// of it was taken
    pub(crate) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        let host = &self.found.destination.host_header;
        match &mut self.sender {
            Sender::Http1(sender) => sender.try_send_request(for_http1(request, host)).await,
            Sender::Http2(sender) => sender.try_send_request(for_http2(request, host)).await,
        }
    }

    /// Waits until the next request can be sent; whether that will ever be
    pub(crate) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        match &mut self.sender {
            Sender::Http1(sender) => sender.poll_ready(context).map(|ready| ready.is_ok()),
            Sender::Http2(sender) => sender.poll_ready(context).map(|ready| ready.is_ok()),
        }
    }

    /// Whether the next request can be sent now
    pub(crate) fn is_ready(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2(sender) => sender.is_ready(),
        }
    }

    /// Another handle of one that takes many requests at once
    pub(crate) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self {
                sender: Sender::Http2(sender.clone()),
                found: self.found.clone(),
                opened: self.opened,
                _alive: None,
            }),
        }
    }
}

/// The request target is path and query alone (RFC 9112 §3.2.1), and `Host` says whom it is for
fn for_http1(mut request: Request<Body>, host: &str) -> Request<Body> {
    *request.uri_mut() = Uri::from(target(request.uri()));
    *request.version_mut() = Version::HTTP_11;
    leave_length_to_hyper(&mut request);
    // A server name is made of characters that a header may have
    if let Ok(host) = HeaderValue::from_str(host) {
        request.headers_mut().insert(HOST, host);
    }
    request
}

/// The authority says whom it is for, in place of `Host` (RFC 9113 §8.3.1)
fn for_http2(mut request: Request<Body>, host: &str) -> Request<Body> {
    let uri = Uri::builder()
        .scheme(Scheme::HTTPS)
        .authority(host)
        .path_and_query(target(request.uri()));
    // So it is of those that an authority may have
    if let Ok(uri) = uri.build() {
        *request.uri_mut() = uri;
    }
    *request.version_mut() = Version::HTTP_2;
    leave_length_to_hyper(&mut request);
    request.headers_mut().remove(HOST);
    request
}

/// A length that is not the body's would be taken out of the next request on the connection
fn leave_length_to_hyper(request: &mut Request<Body>) {
    if request.body().size_hint().exact().is_some() {
        request.headers_mut().remove(CONTENT_LENGTH);
        request.headers_mut().remove(TRANSFER_ENCODING);
    }
}

fn target(uri: &Uri) -> PathAndQuery {
    match uri.path_and_query() {
        Some(target) if target.path() != "" => target.clone(),
        Some(_) | None => PathAndQuery::from_static("/"),
    }
}

/// RFC 9113 §3.1
pub(crate) const HTTP_2: &[u8] = b"h2";
/// While a response is due, a server that is silent for so long is asked for a sign of life (RFC 9113 §6.7); our choice
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// What is left of an exchange that nobody waits for any more has so long; our choice
const GRACE: Duration = Duration::from_secs(30);
/// Where none comes for so long, the connection is dead; our choice
const PING_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Empty};

    fn request(uri: &str) -> Request<Body> {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(uri).header(HOST, "somebody.else");
        request.body(body).unwrap()
    }

    #[test]
    fn whom_a_request_is_for_is_said_to_the_letter_in_either_version() {
        for host in [
            "m.example.org:443",
            "m.example.org",
            "M.Example.org:8448",
            "192.0.2.7",
            "[2001:db8::7]",
            "[2001:db8::7]:443",
            "a_b.example.org:80",
        ] {
            let old = for_http1(request("matrix-federation://example.org/a?b=c"), host);
            assert_eq!(old.headers()[HOST], host);
            assert_eq!(old.uri(), "/a?b=c");
            let new = for_http2(request("matrix-federation://example.org/a?b=c"), host);
            assert_eq!(new.uri().authority().unwrap().as_str(), host);
            assert_eq!(new.uri().path_and_query().unwrap(), "/a?b=c");
            assert_eq!(new.uri().scheme(), Some(&Scheme::HTTPS));
            assert!(!new.headers().contains_key(HOST));
        }
    }

    #[test]
    fn a_length_that_is_not_the_body_s_is_not_sent() {
        let mut lying = request("https://example.org/");
        lying.headers_mut().insert(CONTENT_LENGTH, 5.into());
        assert!(
            !for_http1(lying, "example.org")
                .headers()
                .contains_key(CONTENT_LENGTH)
        );
    }

    #[test]
    fn a_request_without_a_path_is_for_the_root() {
        for (uri, target) in [
            ("https://example.org", "/"),
            ("https://example.org?a", "/?a"),
        ] {
            assert_eq!(for_http1(request(uri), "example.org").uri(), target);
        }
    }
}
