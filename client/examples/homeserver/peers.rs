//! Fifty servers on the loopback device, and what they were told.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Json;
use axum::serve::Listener;
use fedway_client::ServerName;
use fedway_testkit::world::{Certificate, Https, World, WorldPlan};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) struct Peers {
    pub(crate) world: World,
    all: Vec<Peer>,
    /// What reached them, in order
    book: Arc<Mutex<Book>>,
}

/// Where a server name leads
struct Peer {
    name: String,
    /// What it is to be told of whom a request is for
    host: String,
}

#[derive(Clone, Default)]
struct Book {
    connections: usize,
    /// Whom a request was for, and over which version of HTTP it came
    requests: Vec<(String, http::Version)>,
}

/// Starts the servers, and describes the ways to them
pub(crate) async fn start() -> io::Result<Peers> {
    let mut plan = WorldPlan::new();
    let (mut all, mut listeners) = (Vec::new(), Vec::new());
    for number in 0..50 {
        let (name, ip) = (
            format!("s{number}.example.org"),
            format!("192.0.2.{number}"),
        );
        let delegated = |plan: &mut WorldPlan, to: &str| {
            let document = format!(r#"{{"m.server":"{to}"}}"#);
            let web = Https::for_name(&name).well_known(document);
            plan.web(&name, &format!("198.51.100.{number}"), web);
        };
        let (name, host, port) = match number % 6 {
            // The commonest delegation there is, whose port most clients drop
            0 => {
                let host = format!("m{number}.example.org:443");
                delegated(&mut plan, &host);
                plan.a(&format!("m{number}.example.org"), &ip);
                (name, host, 443)
            }
            1 => {
                let host = format!("m{number}.example.org");
                delegated(&mut plan, &host);
                let service = format!("_matrix-fed._tcp.{host}");
                plan.srv(&service, 10, 0, 8_450, &format!("t{number}.example.org"));
                plan.a(&format!("t{number}.example.org"), &ip);
                (name, host, 8_450)
            }
            2 => {
                let service = format!("_matrix-fed._tcp.{name}");
                plan.srv(&service, 10, 0, 8_450, &format!("t{number}.example.org"));
                plan.a(&format!("t{number}.example.org"), &ip);
                (name.clone(), name, 8_450)
            }
            3 => {
                plan.a(&name, &ip);
                (name.clone(), name, 8_448)
            }
            4 => {
                plan.a(&name, &ip);
                (format!("{name}:443"), format!("{name}:443"), 443)
            }
            _ => (ip.clone(), ip.clone(), 8_448),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        plan.listener(&format!("{ip}:{port}"), listener.local_addr()?);
        listeners.push((
            listener,
            host.split(':').next().unwrap_or_default().to_owned(),
        ));
        all.push(Peer { name, host });
    }
    let world = plan.start()?;
    let book = Arc::<Mutex<Book>>::default();
    for (number, (tcp, certified)) in listeners.into_iter().enumerate() {
        let mut config = world.server_config(&Certificate::for_name(&certified))?;
        if number % 2 == 1 {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        let (tls, book) = (TlsAcceptor::from(Arc::new(config)), book.clone());
        let router = Router::new().fallback(answer).with_state(book.clone());
        tokio::spawn(async move { axum::serve(Tls { tcp, tls, book }, router).await });
    }
    Ok(Peers { world, all, book })
}

impl Peers {
    pub(crate) fn names(&self) -> impl Iterator<Item = ServerName> {
        let names = self.all.iter().map(|peer| peer.name.parse());
        names.map(|name| name.expect("a name of this example"))
    }

    /// Whether all that came by now, in this round, was as it should be
    pub(crate) fn check(&self, round: usize) -> Result<(), String> {
        let book = self
            .book
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for (number, Peer { host, .. }) in self.all.iter().enumerate() {
            let version = if number % 2 == 1 {
                http::Version::HTTP_2
            } else {
                http::Version::HTTP_11
            };
            let mut requests = book.requests.iter().filter(|(told, _)| told == host);
            let count = requests.clone().count();
            if count != 2 * round || requests.any(|(_, spoken)| *spoken != version) {
                return Err(format!("{count} requests for {host} in round {round}"));
            }
        }
        let questions = self.world.dns_queries().len();
        if round == 1 {
            self.world.forget();
        } else if questions > 0 {
            return Err(format!("{questions} questions to DNS in the second round"));
        }
        match book.connections {
            50 => Ok(()),
            other => Err(format!("{other} connections in round {round}")),
        }
    }
}

async fn answer(State(book): State<Arc<Mutex<Book>>>, request: Request) -> Json<serde_json::Value> {
    let header = request
        .headers()
        .get("host")
        .and_then(|host| host.to_str().ok());
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    let told = header.or(authority).unwrap_or_default().to_owned();
    let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
    book.requests.push((told, request.version()));
    Json(serde_json::json!({}))
}

/// What axum accepts connections from
struct Tls {
    tcp: TcpListener,
    tls: TlsAcceptor,
    book: Arc<Mutex<Book>>,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            if let Ok((tcp, address)) = self.tcp.accept().await
                && let Ok(tls) = self.tls.accept(tcp).await
            {
                self.book
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .connections += 1;
                return (tls, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
