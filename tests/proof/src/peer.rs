//! Servers of federation that keep connections, and speak HTTP/2 with those who offer it: on hyper, as most are.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fedway_testkit::world::{Certificate, World};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// What a server says to a request, by its target
pub type Answer = dyn Fn(&Seen) -> Response<Full<Bytes>> + Send + Sync;

/// A server behind a virtual address of a world's
pub struct Peer {
    book: Arc<Book>,
    work: JoinHandle<()>,
    /// Dropped to end the work
    stop: Option<oneshot::Sender<Infallible>>,
}

/// A request as the server saw it
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `HTTP/1.1` or `HTTP/2.0`
    pub version: String,
    /// The `Host` header, or the `:authority`, byte for byte; both, where both were there
    pub host: String,
    /// The method
    pub method: String,
    /// Path and query
    pub target: String,
    /// The body
    pub body: Bytes,
}

#[derive(Default)]
struct Book {
    accepted: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
}

impl Peer {
    /// Listens behind a virtual address, with a certificate for a name, and answers every request with an empty JSON object
    ///
    /// # Panics
    ///
    /// Where there is no port left, or a name cannot stand in a certificate.
    pub async fn start(world: &World, address: &str, name: &str, is_http2: bool) -> Self {
        Self::answering(world, address, name, is_http2, |_| json("{}")).await
    }

    /// The same, with another answer
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub async fn answering(
        world: &World,
        address: &str,
        name: &str,
        is_http2: bool,
        answer: impl Fn(&Seen) -> Response<Full<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        let config = world.server_config(&Certificate::for_name(name));
        let mut config = config.expect("a name for a certificate");
        let protocols: &[&[u8]] = if is_http2 {
            &[b"h2", b"http/1.1"]
        } else {
            &[b"http/1.1"]
        };
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is left");
        let real: SocketAddr = listener.local_addr().expect("it is bound");
        let added = world.add(|plan| plan.listener(address, real));
        added.expect("a listener of its own needs nothing of the world");
        let book = Arc::new(Book::default());
        let tls = TlsAcceptor::from(Arc::new(config));
        let (stop, stopped) = oneshot::channel();
        let serving = serve(listener, tls, book.clone(), Arc::new(answer), stopped);
        Self {
            book,
            work: tokio::spawn(serving),
            stop: Some(stop),
        }
    }

    /// The requests so far, in their order
    pub fn seen(&self) -> Vec<Seen> {
        self.book.seen().clone()
    }

    /// How many connections were accepted so far
    pub fn accepted(&self) -> usize {
        self.book.accepted.load(Ordering::SeqCst)
    }

    /// Closes every connection and the port; gives the requests that it has seen
    ///
    /// # Panics
    ///
    /// If the server has panicked.
    pub async fn kill(mut self) -> Vec<Seen> {
        drop(self.stop.take());
        let ended = (&mut self.work).await;
        ended.expect("a server ends when it is told to");
        self.seen()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Book {
    fn seen(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 200, with JSON
///
/// # Panics
///
/// Never: the parts are fixed.
pub fn json(text: &'static str) -> Response<Full<Bytes>> {
    Response::builder()
        .header("Content-Type", "application/json")
        .body(Full::from(text))
        .expect("the parts are those of a response")
}

async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    book: Arc<Book>,
    answer: Arc<Answer>,
    mut stopped: oneshot::Receiver<Infallible>,
) {
    let mut connections = JoinSet::new();
    loop {
        let tcp = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) => tcp,
                Err(_) => break,
            },
            _ = &mut stopped => break,
        };
        book.accepted.fetch_add(1, Ordering::SeqCst);
        let (tls, book, answer) = (tls.clone(), book.clone(), answer.clone());
        connections.spawn(async move {
            // What goes wrong here is for the client to notice
            let Ok(stream) = tls.accept(tcp).await else {
                return;
            };
            let service = service_fn(move |request| respond(request, book.clone(), answer.clone()));
            let http = auto::Builder::new(TokioExecutor::new());
            let serving = http.serve_connection(TokioIo::new(stream), service);
            drop(serving.await);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    connections.shutdown().await;
}

async fn respond(
    request: Request<Incoming>,
    book: Arc<Book>,
    answer: Arc<Answer>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let header = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = head.uri.authority().map(|authority| authority.as_str());
    let hosts: Vec<_> = header.into_iter().chain(authority).collect();
    let body = body.collect().await.map(|body| body.to_bytes());
    let seen = Seen {
        version: format!("{:?}", head.version),
        host: hosts.join(" and "),
        method: head.method.to_string(),
        target: head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        body: body.unwrap_or_default(),
    };
    book.seen().push(seen.clone());
    Ok(answer(&seen))
}
