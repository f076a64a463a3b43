//! The client: from a request for a server name to its response.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fedway_tokio::dns::{Dns, Stub};
use fedway_tokio::{Found, Outcome, ServerName, Sockets, fedway_driver};
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Incoming};
use tower_service::Service;

use crate::body::{Lease, ResponseBody};
use crate::connection::{self, Connection};
use crate::error::{Error, Kind};
use crate::peers::{Checkout, Limits, Peers};

/// A resolver for server names, with this runtime's sockets
type Resolver<D> = fedway_driver::Resolver<Sockets, D>;

/// Sends requests to server names
///
/// Cheap to clone; the clones share everything, the resolver's facts and the connections included. A
/// [`tower_service::Service`] of requests whose URI has a server name for its authority; or the name is given [beside the
/// request](Self::send).
///
/// Connections are kept by *subject*: the name that a server name delegates to, or itself. So two names with one server share
/// what they have, and a connection is used for nothing but what it was verified for. A connection belongs to the tokio
/// runtime in which it was opened.
///
/// # What is retried
///
/// A connection that cannot be made for a reason that may pass, or that dies before anything of the request was taken, is
/// tried once more, afresh. What may have reached the server is never sent twice.
#[derive(Debug)]
pub struct Client<D = Stub<Sockets>> {
    inner: Arc<Inner<D>>,
}

impl<D> Clone for Client<D> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

#[derive(Debug)]
struct Inner<D> {
    resolver: Resolver<D>,
    peers: Arc<Peers>,
}

/// The server that a response came from: in its [extensions](Response::extensions)
#[derive(Clone, Debug)]
pub struct Via(pub Arc<Found>);

/// In the [extensions](Request::extensions) of a request: its response is to be JSON, so that HTML says that another server
/// has answered
///
/// Such a response is reported as [`Outcome::Misdirected`], unless its status says that the server behind a proxy is down
/// (5xx), and handed out as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpectJson;

/// Makes a [`Client`] that keeps other numbers of connections
#[derive(Clone, Copy, Debug)]
pub struct ClientBuilder {
    limits: Limits,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        let limits = Limits {
            idle: IDLE,
            idle_per_peer: IDLE_PER_PEER,
            idle_in_all: IDLE_IN_ALL,
        };
        Self { limits }
    }
}

impl ClientBuilder {
    /// How long a connection is kept that no request uses; 90 s unless said otherwise
    ///
    /// One of HTTP/2 counts from the beginning of its last request; what is under way on it goes on.
    #[must_use]
    pub fn idle_time(mut self, time: Duration) -> Self {
        self.limits.idle = time;
        self
    }

    /// How many connections to one server are kept that no request uses; 4 unless said otherwise
    ///
    /// One HTTP/2 connection takes all requests to its server, and counts as one.
    #[must_use]
    pub fn idle_per_peer(mut self, number: usize) -> Self {
        self.limits.idle_per_peer = number;
        self
    }

    /// How many connections are kept that no request uses, over all servers; 4,000 unless said otherwise
    #[must_use]
    pub fn idle_in_all(mut self, number: usize) -> Self {
        self.limits.idle_in_all = number;
        self
    }

    /// A client whose connections come from this resolver, so that its roots, skip rules, address rules and facts apply
    #[must_use]
    pub fn build<D>(self, resolver: fedway_driver::Resolver<Sockets, D>) -> Client<D> {
        let inner = Inner {
            resolver,
            peers: Arc::new(Peers::new(self.limits)),
        };
        Client {
            inner: Arc::new(inner),
        }
    }
}

impl<D> Client<D> {
    /// A client whose connections come from this resolver, so that its roots, skip rules, address rules and facts apply
    ///
    /// It speaks HTTP/2 with servers that do, if the resolver offers that: one of [`builder`](crate::builder) does.
    #[must_use]
    pub fn new(resolver: fedway_driver::Resolver<Sockets, D>) -> Self {
        ClientBuilder::default().build(resolver)
    }

    /// Other limits than the usual ones
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Where connections come from; to [`run`](fedway_driver::Resolver::run) it, for one
    #[must_use]
    pub fn resolver(&self) -> &fedway_driver::Resolver<Sockets, D> {
        &self.inner.resolver
    }

    /// How many connections are kept that no request uses, and HTTP/2 connections whether one does or not
    #[must_use]
    pub fn kept(&self) -> usize {
        self.inner.peers.len()
    }
}

impl<D: Dns> Client<D> {
    /// Sends a request to the server name that is the authority of its URI, such as
    /// `matrix-federation://example.org/_matrix/key/v2/server`
    ///
    /// Ends with the head of the response; the body is still to come. To give up, drop it.
    ///
    /// # Errors
    ///
    /// If the URI names no server, no connection to it could be made, or the request was cut off.
    pub async fn request<B>(&self, request: Request<B>) -> Result<Response<ResponseBody>, Error>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let name = server_name(request.uri())?;
        self.send(&name, request).await
    }

    /// Sends a request to a server; of its URI, path and query count alone
    ///
    /// # Errors
    ///
    /// If no connection to the server could be made, or the request was cut off.
    pub async fn send<B>(
        &self,
        name: &ServerName,
        request: Request<B>,
    ) -> Result<Response<ResponseBody>, Error>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let expects_json = request.extensions().get::<ExpectJson>().is_some();
        if request.method() == Method::CONNECT {
            return Err(Kind::Connect.into());
        }
        let has_body_failed = Arc::new(AtomicBool::new(false));
        let of_body = has_body_failed.clone();
        let failed = move |error: B::Error| {
            of_body.store(true, Ordering::Relaxed);
            error.into()
        };
        let mut request = request.map(|body| body.map_err(failed).boxed_unsync());
        let mut may_retry = true;
        loop {
            let subject = self.inner.subject(name).await?;
            let mut connection = match self.connection(&subject).await {
                Err(error) if may_retry && error.is_temporary() && !error.is_timeout() => {
                    // What is known of it may be out of date
                    self.report_both(name, &subject, Outcome::Unreachable);
                    may_retry = false;
                    continue;
                }
                connection => connection?,
            };
            let mut failed = match connection.send(request).await {
                Ok(response) => {
                    return Ok(self.answered(name, &subject, connection, response, expects_json));
                }
                Err(failed) => failed,
            };
            let is_callers = has_body_failed.load(Ordering::Relaxed);
            if !is_callers {
                let peers = &self.inner.peers;
                peers.forget_before(&subject, connection.opened);
            }
            match failed.take_message() {
                Some(unsent) if may_retry => {
                    request = unsent;
                    may_retry = false;
                }
                Some(_) | None => {
                    let (name, cause) = (name.to_string(), Arc::new(failed.into_error()));
                    return Err(Kind::Request {
                        name,
                        cause,
                        is_callers,
                    }
                    .into());
                }
            }
        }
    }

    /// Takes in what was seen of a server from elsewhere, such as a request that came from it
    /// ([`Outcome::Alive`]); at most once a minute a name: whether it counted
    ///
    /// A 421 is reported without that, and HTML where a request [said](ExpectJson) that JSON was due.
    pub fn report(&self, name: &ServerName, outcome: Outcome) -> bool {
        self.inner.resolver.report(name, outcome)
    }

    fn report_both(&self, name: &ServerName, subject: &ServerName, outcome: Outcome) {
        self.inner.resolver.report(name, outcome);
        if name != subject {
            self.inner.resolver.report(subject, outcome);
        }
    }

    /// A connection that can be used now: one that is kept, or else a new one
    async fn connection(&self, subject: &ServerName) -> Result<Connection, Error> {
        let waiting = match self.inner.peers.checkout(subject) {
            Checkout::Kept(connection) => return Ok(connection),
            Checkout::Wait(waiting) => waiting,
            Checkout::Open(waiting) => {
                self.inner.open(subject);
                waiting
            }
        };
        let ended = |_| Kind::RuntimeEnded(subject.to_string());
        waiting.await.map_err(ended)?
    }

    /// Gives the connection back, unless its server is the wrong one
    fn answered(
        &self,
        name: &ServerName,
        subject: &ServerName,
        connection: Connection,
        mut response: Response<Incoming>,
        expects_json: bool,
    ) -> Response<ResponseBody> {
        response
            .extensions_mut()
            .insert(Via(connection.found.clone()));
        let peers = &self.inner.peers;
        if is_misdirected(&response, expects_json) {
            self.report_both(name, subject, Outcome::Misdirected);
            peers.forget(subject);
            return response.map(|incoming| ResponseBody::new(incoming, None));
        }
        // One that takes many requests is kept while it is used
        let is_used_alone = connection.share().is_none();
        let lease = is_used_alone.then(|| Lease::new(connection, peers.clone(), subject.clone()));
        response.map(|incoming| ResponseBody::new(incoming, lease))
    }
}

impl<D: Dns> Inner<D> {
    /// Whom requests for a name are really for
    async fn subject(&self, name: &ServerName) -> Result<ServerName, Error> {
        match self.resolver.delegation(name).await {
            Ok(delegated) => Ok(delegated.subject.clone()),
            Err(cause) => Err(Kind::Discovery {
                name: name.to_string(),
                cause: Arc::new(cause),
            }
            .into()),
        }
    }

    /// Opens a connection for whoever waits for one, whether they wait on or not
    fn open(self: &Arc<Self>, subject: &ServerName) {
        let (inner, subject) = (self.clone(), subject.clone());
        let opening = Opening {
            peers: self.peers.clone(),
            subject: Some(subject.clone()),
        };
        tokio::spawn(async move {
            let result = connection::open(&inner.resolver, &subject).await;
            let result = match result {
                Ok((mut connection, work)) => {
                    let (peers, of) = (Arc::downgrade(&inner.peers), subject.clone());
                    tokio::spawn(async move {
                        work.await;
                        if let Some(peers) = peers.upgrade() {
                            peers.prune(&of);
                        }
                    });
                    // Where it has ended by now, whoever sends over it learns why
                    poll_fn(|context| connection.poll_ready(context)).await;
                    Ok(connection)
                }
                Err(error) => Err(error),
            };
            for _ in 0..opening.ended(result) {
                inner.open(&subject);
            }
        });
    }
}

/// A connection that is being opened; dropped before its end, that of the runtime, it is a failure
struct Opening {
    peers: Arc<Peers>,
    subject: Option<ServerName>,
}

impl Opening {
    /// How many more are to be opened
    fn ended(mut self, result: Result<Connection, Error>) -> usize {
        let subject = self.subject.take();
        subject.map_or(0, |subject| self.peers.opened(&subject, result))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(subject) = self.subject.take() {
            let ended = Kind::RuntimeEnded(subject.to_string());
            self.peers.opened(&subject, Err(ended.into()));
        }
    }
}

impl<D: Dns, B> Service<Request<B>> for Client<D>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.request(request).await })
    }
}

/// The server name in a URI, to the letter
pub(crate) fn server_name(uri: &Uri) -> Result<ServerName, Error> {
    let is_known = matches!(uri.scheme_str(), Some("https" | "matrix-federation"));
    let authority = uri.authority().filter(|_| is_known);
    let authority = authority.ok_or_else(|| Kind::NoName(uri.clone()))?;
    let name = ServerName::parse(authority.as_str());
    Ok(name.map_err(|cause| Kind::Name {
        uri: uri.clone(),
        cause,
    })?)
}

/// Whether another server has answered (RFC 9110 §15.5.20), by all appearances
fn is_misdirected(response: &Response<Incoming>, expects_json: bool) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.map(|kind| kind.as_bytes().trim_ascii_start());
    let is_html = kind
        .and_then(|kind| kind.get(..HTML.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(HTML));
    response.status() == StatusCode::MISDIRECTED_REQUEST
        || expects_json && is_html && !response.status().is_server_error()
}

const HTML: &[u8] = b"text/html";
/// Longer than most servers keep a connection: whoever closes first learns of it first; our choice
const IDLE: Duration = Duration::from_secs(90);
/// A homeserver sends to another in one queue, and asks it for little else at once; our choice
const IDLE_PER_PEER: usize = 4;
/// As many peers as a large homeserver talks to in a minute; our choice
const IDLE_IN_ALL: usize = 4_000;
