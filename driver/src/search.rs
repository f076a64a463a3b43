//! The one loop: what the core asks for, carried out over an [`Io`].

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use fedway_core::{
    Action, ActionId, Connect, ConnectError, Discovery, DiscoveryError, Event, FetchError,
    FetchWellKnown, FieldName, Found, HttpAnswer, Limits, Machine, Shown, Step, Verdict,
};

use crate::dns::Dns;
use crate::failure::connect_error;
use crate::get::get;
use crate::http::Response;
use crate::io::{Io, TlsStream, before};
use crate::tasks::Tasks;
use crate::trust::{Trust, server_name};

/// What every search of a resolver shares
#[derive(Debug)]
pub(crate) struct Means<I, D> {
    pub(crate) io: Arc<I>,
    pub(crate) dns: D,
    pub(crate) trust: Trust,
    /// For test rigs: where an address really is; an address that is not there is refused
    pub(crate) reroutes: Option<BTreeMap<SocketAddr, SocketAddr>>,
}

/// Runs a search to its end; the session goes with [`Found::connection`]
///
/// Everything that is under way lives in this future: dropping it closes every socket and timer.
pub(crate) async fn run<I: Io, D: Dns>(
    mut search: Discovery,
    means: &Means<I, D>,
) -> (Result<Box<Found>, DiscoveryError>, Option<I::Tls>) {
    let mut tasks = Tasks::new();
    let mut sessions = BTreeMap::new();
    loop {
        let until = match search.poll() {
            Step::Act(action) => {
                start(&mut tasks, action, means, &mut sessions);
                continue;
            }
            Step::Cancel(id) => {
                tasks.retain(|other| other != id);
                sessions.remove(&id);
                continue;
            }
            Step::Done(result) => {
                let connection = result
                    .as_ref()
                    .ok()
                    .and_then(|found| found.connection.as_ref());
                let session = connection.and_then(|connection| sessions.remove(&connection.id));
                return (result, session);
            }
            // A search that has not ended has a deadline
            Step::Wait { until } => until.unwrap_or_default(),
        };
        match before(&*means.io, until, tasks.next()).await {
            None => search.handle_timeout(means.io.now()),
            Some((_, Done::Event(event))) => search.handle(event, means.io.now()),
            Some((_, Done::Connected(connect, result))) => {
                let result = result.map(|session| {
                    let shown = shown(&session);
                    sessions.insert(connect.id(), session);
                    shown
                });
                search.handle(connect.reply(result), means.io.now());
            }
        }
    }
}

/// An action that is over
enum Done<S> {
    Connected(Connect, Result<S, ConnectError>),
    Event(Event),
}

/// Begins an action
fn start<'a, I: Io, D: Dns>(
    tasks: &mut Tasks<'a, ActionId, Done<I::Tls>>,
    action: Action,
    means: &'a Means<I, D>,
    sessions: &mut BTreeMap<ActionId, I::Tls>,
) {
    let id = action.id();
    match action {
        Action::Connect(connect) => tasks.push(id, async move {
            let result = means.connect(&connect).await;
            Done::Connected(connect, result)
        }),
        Action::FetchWellKnown(fetch) => {
            let session = sessions.remove(&fetch.connection());
            tasks.push(id, async move {
                let result = fetch_well_known::<I>(session, &fetch).await;
                Done::Event(fetch.reply(result))
            });
        }
        Action::LookUpAddresses(look_up) => tasks.push(id, async move {
            let (host, family) = (look_up.host(), look_up.family());
            let result = means.dns.look_up(host, family, look_up.deadline()).await;
            Done::Event(look_up.reply(result))
        }),
        Action::QuerySrv(query) => tasks.push(id, async move {
            let result = means.dns.query_srv(query.name(), query.deadline()).await;
            Done::Event(query.reply(result))
        }),
    }
}

impl<I: Io, D> Means<I, D> {
    /// One TCP connection and one handshake
    async fn connect(&self, connect: &Connect) -> Result<I::Tls, ConnectError> {
        let name = server_name(connect.tls_name()).map_err(ConnectError::Tls)?;
        let config = self.trust.config(connect.verdict(), connect.purpose());
        let address = self
            .really(connect.address())
            .map_err(|error| connect_error(&error))?;
        let tcp = self
            .io
            .connect_tcp(address)
            .await
            .map_err(|error| connect_error(&error))?;
        let session = self
            .io
            .handshake(tcp, config, name)
            .await
            .map_err(|error| connect_error(&error))?;
        if let Verdict::Skip(rule) = connect.verdict() {
            let (host, address) = (connect.tls_name(), connect.address());
            tracing::warn!(%host, %address, %rule, "certificate not verified");
        }
        Ok(session)
    }

    fn really(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        match &self.reroutes {
            None => Ok(address),
            Some(reroutes) => reroutes
                .get(&address)
                .copied()
                .ok_or(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

/// What a session tells of itself at no cost; its certificate is not read
fn shown(session: &impl TlsStream) -> Option<Box<Shown>> {
    let session = session.session()?;
    let mut shown = Shown::default();
    shown.protocol = session
        .protocol_version()
        .map(|version| format!("{version:?}"));
    shown.alpn = session
        .alpn_protocol()
        .map(|protocol| String::from_utf8_lossy(protocol).into_owned());
    Some(Box::new(shown))
}

/// One GET over a session, which is closed afterwards
async fn fetch_well_known<I: Io>(
    session: Option<I::Tls>,
    fetch: &FetchWellKnown,
) -> Result<HttpAnswer, FetchError> {
    // The core fetches over a connection that it was told of, once; without it, it is lost
    let mut session = session.ok_or(FetchError::ConnectionLost)?;
    let mut limits = Limits::default();
    (limits.head, limits.body) = (fetch.max_head(), fetch.max_body());
    let response = get(&mut session, fetch.host_header(), fetch.target(), limits).await?;
    Ok(http_answer(response))
}

fn http_answer(response: Response) -> HttpAnswer {
    let mut answer = HttpAnswer::status(response.status);
    for (name, value) in response.headers {
        if let Some(name) = FieldName::named(&name) {
            answer = answer.with(name, value);
        }
    }
    answer.body = response.body;
    answer
}
