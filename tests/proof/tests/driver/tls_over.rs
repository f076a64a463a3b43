//! TLS over the sockets of a runtime, beside that runtime's own: a third one says the same of a server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use fedway_core::{DiscoveryErrorKind, FetchError, Instant};
use fedway_driver::http::Response;
use fedway_driver::{Io, TlsOver};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Body, ConnectionFault, Https, Reply};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::rig::{Rig, VERSION, ms, server_name};

on_every_runtime! {
    a_handshake_fails_for_the_same_reason,
    an_answer_is_taken_and_refused_for_the_same_reason,
}

fn a_handshake_fails_for_the_same_reason<R: Runtime>()
where
    <R::Io as Io>::Tcp: 'static,
{
    for fault in [
        ConnectionFault::Alert(40),
        ConnectionFault::CloseInHandshake,
        ConnectionFault::GarbageInHandshake,
        ConnectionFault::HangInHandshake,
        ConnectionFault::Refused,
        ConnectionFault::Reset,
        ConnectionFault::Tls11,
    ] {
        let rig = rig(Https::for_name("example.org"), Some(fault));
        let own = R::block_on(failure(&rig, R::io()));
        let over = R::block_on(failure(&rig, Over(R::io())));
        assert_eq!(over, own, "{fault:?}");
        assert!(rig.is_left());
    }
}

fn an_answer_is_taken_and_refused_for_the_same_reason<R: Runtime>()
where
    <R::Io as Io>::Tcp: 'static,
{
    let server = Https::for_name("example.org");
    let says = |text: &str, body| server.clone().path(VERSION, Reply::json(text).sent(body));
    let mut answers = Vec::new();
    for server in [
        server.clone(),
        server.clone().tls12(),
        says("{}", Body::ReadToEnd),
        says("{}", Body::ReadToEndCut),
        says("{", Body::ReadToEndCut),
        says("{}", Body::EndlessPadding),
        says("{}", Body::EndlessTickets),
        server.clone().asking_for_a_client_certificate(),
    ] {
        let rig = rig(server, None);
        let own = R::block_on(answer(&rig, R::io()));
        let over = R::block_on(answer(&rig, Over(R::io())));
        assert_eq!(over, own);
        assert!(rig.is_left());
        answers.push(over.map(|response| response.status));
    }
    let limit = rig(server, None).config.limits.volume;
    let too_much = Err(FetchError::TooMuchData { limit });
    let lost = Err(FetchError::ConnectionLost);
    // certificate_required, by IANA's number
    let alert = Err(FetchError::Alert(116));
    assert_eq!(
        answers,
        [
            Ok(200),
            Ok(200),
            Ok(200),
            Ok(200),
            lost,
            too_much,
            too_much,
            alert
        ]
    );
}

/// Why there is no session
async fn failure<I: Io>(rig: &Rig, io: I) -> DiscoveryErrorKind {
    let resolver = rig.builder().build(io).unwrap();
    let connected = resolver.connect(&server_name(NAME)).await;
    connected.map(drop).unwrap_err().kind
}

/// What comes of a question over a session
async fn answer<I: Io>(rig: &Rig, io: I) -> Result<Response, FetchError> {
    let resolver = rig.builder().build(io).unwrap();
    let mut connected = resolver.connect(&server_name(NAME)).await.unwrap();
    connected.get(VERSION).await
}

fn rig(server: Https, fault: Option<ConnectionFault>) -> Rig {
    let rig = Rig::new(|plan| {
        plan.a("example.org", "198.51.100.1");
        plan.https(HERE, server);
        if let Some(fault) = fault {
            plan.connection_fault(HERE, fault);
        }
    });
    rig.configure(|config| config.deadlines.connect = ms(500))
}

/// A runtime without its own TLS
struct Over<I>(I);

impl<I: Io<Tcp: 'static>> Io for Over<I> {
    type Tcp = I::Tcp;
    type Tls = TlsOver<I::Tcp>;
    type Udp = I::Udp;

    fn now(&self) -> Instant {
        self.0.now()
    }

    async fn sleep_until(&self, deadline: Instant) {
        self.0.sleep_until(deadline).await;
    }

    async fn connect_tcp(&self, address: SocketAddr) -> io::Result<I::Tcp> {
        self.0.connect_tcp(address).await
    }

    async fn connect_udp(&self, address: SocketAddr) -> io::Result<I::Udp> {
        self.0.connect_udp(address).await
    }

    async fn handshake(
        &self,
        tcp: I::Tcp,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<TlsOver<I::Tcp>> {
        TlsOver::handshake(tcp, config, name).await
    }
}

const NAME: &str = "example.org:8448";

const HERE: &str = "198.51.100.1:8448";
