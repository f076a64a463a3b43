//! What the core asks for, carried out over an [`Io`].

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use fedway_core::{
    Action, Config, Connect, ConnectError, Event, FetchError, FetchWellKnown, Host, HttpAnswer,
    Instant, Limits, Purpose, Shown, Verdict,
};

use crate::dns::Dns;
use crate::entropy::Entropy;
use crate::failure::connect_error;
use crate::get::{self, fetch_error};
use crate::http::Exchange;
use crate::io::{ByteStream as _, Io, TlsStream, unreachable_by};
use crate::room::{Room, Seat};
use crate::telemetry;
use crate::trust::{CertificateSummary, Trust, server_name};

/// What every search of a resolver shares
#[derive(Debug)]
pub(crate) struct Shared<I, D> {
    pub(crate) io: Arc<I>,
    pub(crate) config: Arc<Config>,
    pub(crate) dns: D,
    pub(crate) trust: Trust,
    pub(crate) entropy: Entropy,
    pub(crate) room: Arc<Room>,
    /// The `User-Agent` header of every request, known to be fit for one
    pub(crate) user_agent: String,
    pub(crate) reroute: Option<Reroute>,
}

/// For test rigs: tells of an address where it really is, and of one that shall be refused nothing
#[derive(Clone)]
pub(crate) struct Reroute(pub(crate) Arc<dyn Fn(SocketAddr) -> Option<SocketAddr> + Send + Sync>);

impl fmt::Debug for Reroute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reroute").finish_non_exhaustive()
    }
}

/// What to connect to, and whom to find there
pub(crate) struct Dial<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) tls_name: &'a Host,
    pub(crate) verdict: &'a Verdict,
    pub(crate) purpose: Purpose,
}

/// An action that is over
pub(crate) enum Done<S> {
    Connected(Connect, Result<Session<S>, ConnectError>),
    Event(Event),
}

impl<S: TlsStream> Done<S> {
    /// The answer to the action, and the session if there is one now
    pub(crate) fn into_event(self) -> (Event, Option<Session<S>>) {
        let (connect, result) = match self {
            Self::Event(event) => return (event, None),
            Self::Connected(connect, result) => (connect, result),
        };
        match result {
            Ok(session) => (connect.reply(Ok(shown(&session.tls))), Some(session)),
            Err(error) => (connect.reply(Err(error)), None),
        }
    }
}

/// An open session, and the room it takes
pub(crate) struct Session<S> {
    pub(crate) tls: S,
    _seat: Seat,
}

impl<I: Io, D: Dns> Shared<I, D> {
    /// Carries an action out; `session` is what it is to be carried out over, if that is a request
    pub(crate) async fn carry_out(
        &self,
        action: Action,
        session: Option<Session<I::Tls>>,
    ) -> Done<I::Tls> {
        match action {
            Action::Connect(connect) => {
                let what = Dial {
                    address: connect.address(),
                    tls_name: connect.tls_name(),
                    verdict: connect.verdict(),
                    purpose: connect.purpose(),
                };
                let result = self.connect(what, connect.deadline()).await;
                Done::Connected(connect, result)
            }
            Action::FetchWellKnown(fetch) => {
                let result = fetch_well_known::<I>(&self.user_agent, session, &fetch).await;
                Done::Event(fetch.reply(result))
            }
            Action::LookUpAddresses(look_up) => {
                let (host, family, deadline) =
                    (look_up.host(), look_up.family(), look_up.deadline());
                let result = self.dns.look_up(host, family, deadline).await;
                telemetry::question(telemetry::of_family(family), &result);
                Done::Event(look_up.reply(result))
            }
            Action::QuerySrv(query) => {
                let result = self.dns.query_srv(query.name(), query.deadline()).await;
                telemetry::question("srv", &result);
                Done::Event(query.reply(result))
            }
        }
    }

    /// One TCP connection and one handshake
    pub(crate) async fn connect(
        &self,
        what: Dial<'_>,
        deadline: Instant,
    ) -> Result<Session<I::Tls>, ConnectError> {
        let name = server_name(what.tls_name).map_err(ConnectError::Tls)?;
        let config = self.trust.config(what.verdict, what.purpose);
        let seat = self.room.socket(&*self.io, deadline).await;
        let seat = seat.ok_or(ConnectError::OutOfResources)?;
        let mut tcp = self.connect_tcp(what.address).await?;
        tcp.meter().limit(self.config.limits.volume);
        let tls = self
            .io
            .handshake(tcp, config, name)
            .await
            .map_err(|error| connect_error(&error))?;
        if let Verdict::Skip(rule) = what.verdict {
            let (host, address) = (what.tls_name, what.address);
            tracing::warn!(%host, %address, %rule, "certificate not verified");
        }
        Ok(Session { tls, _seat: seat })
    }

    /// One TCP connection
    pub(crate) async fn connect_tcp(&self, address: SocketAddr) -> Result<I::Tcp, ConnectError> {
        let address = self
            .really(address)
            .map_err(|error| connect_error(&error))?;
        match self.io.connect_tcp(address).await {
            Ok(tcp) => Ok(tcp),
            Err(error) if unreachable_by(&*self.io, address, &error).await => {
                Err(ConnectError::Unreachable)
            }
            Err(error) => Err(connect_error(&error)),
        }
    }

    fn really(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        match &self.reroute {
            None => Ok(address),
            Some(Reroute(reroute)) => {
                reroute(address).ok_or(io::ErrorKind::ConnectionRefused.into())
            }
        }
    }
}

/// What a session showed of itself
fn shown(session: &impl TlsStream) -> Option<Box<Shown>> {
    let session = session.session()?;
    let mut shown = Shown::default();
    shown.protocol = session
        .protocol_version()
        .map(|version| format!("{version:?}"));
    shown.alpn = session
        .alpn_protocol()
        .map(|protocol| String::from_utf8_lossy(protocol).into_owned());
    let leaf = session.peer_certificates().and_then(|chain| chain.first());
    if let Some(Ok(certificate)) = leaf.map(|der| CertificateSummary::read(der)) {
        shown.names = certificate.names;
        shown.validity = Some((certificate.not_before, certificate.not_after));
    }
    Some(Box::new(shown))
}

/// One GET over a session, which is closed afterwards
async fn fetch_well_known<I: Io>(
    user_agent: &str,
    session: Option<Session<I::Tls>>,
    fetch: &FetchWellKnown,
) -> Result<HttpAnswer, FetchError> {
    // The core fetches over a connection that it was told of, once; without it, it is lost
    let mut session = session.ok_or(FetchError::ConnectionLost)?;
    let mut limits = Limits::default();
    (limits.head, limits.body) = (fetch.max_head(), fetch.max_body());
    let exchange = Exchange::get_as(user_agent, fetch.host_header(), fetch.target(), limits);
    let response = get::run(&mut session.tls, exchange.map_err(fetch_error)?).await?;
    Ok(response.into())
}
