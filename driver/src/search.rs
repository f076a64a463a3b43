//! The one loop: what the core asks for, carried out over an [`Io`].

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    Action, ActionId, Config, Connect, ConnectError, Discovery, DiscoveryError, Event, FetchError,
    FetchWellKnown, FieldName, Found, HttpAnswer, Instant, Limits, Machine, Shown, Step, Verdict,
};

use crate::alarm::Alarm;
use crate::dns::Dns;
use crate::entropy::Entropy;
use crate::failure::connect_error;
use crate::get::{self, fetch_error};
use crate::http::{Exchange, Response};
use crate::io::{ByteStream as _, Io, TlsStream, unreachable_by};
use crate::room::{Room, Seat};
use crate::tasks::Tasks;
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

/// Runs a search to its end; the session goes with [`Found::connection`]
///
/// Everything that is under way lives in this future: dropping it closes every socket and timer.
pub(crate) async fn run<I: Io, D: Dns>(
    begin: impl FnOnce(&Arc<Config>, Instant) -> Discovery,
    shared: &Shared<I, D>,
) -> (Result<Box<Found>, DiscoveryError>, Option<I::Tls>) {
    let io = &*shared.io;
    let mut clock = Clock::new(io);
    let mut alarm = Alarm::new(io);
    let mut tasks = Tasks::new();
    let mut sessions = BTreeMap::new();
    let config = shared.wait_for_room(&mut alarm).await;
    let mut search = begin(&config, io.now());
    loop {
        let until = match search.poll() {
            Step::Act(action) => {
                start(&mut tasks, action, shared, &mut sessions, &clock);
                continue;
            }
            Step::Cancel(id) => {
                tasks.retain(|other| other != id);
                sessions.remove(&id);
                continue;
            }
            Step::Done(mut result) => {
                let notes = match &mut result {
                    Ok(found) => {
                        found.expires = found.expires.map(|moment| clock.on_io(moment));
                        &mut found.notes
                    }
                    Err(error) => &mut *error.notes,
                };
                if let Some(well_known) = &mut notes.well_known {
                    well_known.expires = well_known.expires.map(|moment| clock.on_io(moment));
                }
                let connection = result
                    .as_ref()
                    .ok()
                    .and_then(|found| found.connection.as_ref());
                let session = connection.and_then(|connection| sessions.remove(&connection.id));
                return (result, session.map(|Session { tls, .. }| tls));
            }
            Step::Wait { until } => until.expect("a search that has not ended has a deadline"),
        };
        match alarm.before(clock.on_io(until), tasks.next()).await {
            None => search.handle_timeout(clock.at(until)),
            Some((_, Done::Event(event))) => search.handle(event, clock.until(until)),
            Some((_, Done::Connected(connect, result))) => {
                let result = result.map(|session| {
                    let shown = shown(&session.tls);
                    sessions.insert(connect.id(), session);
                    shown
                });
                search.handle(connect.reply(result), clock.until(until));
            }
        }
    }
}

/// The time of a search, which stands still while this process does
///
/// After a pause (a stop by the terminal, a laptop's lid, a thread that was busy) deadlines have passed, and nobody
/// could have kept them. A server must not be taken for dead by that: what was asked of it may lie answered, and what
/// follows from the answer has its full time. So a wait never takes longer than it should, on this clock. Time that
/// peers take always counts; a peer cannot make this process pause, since each poll is bounded.
struct Clock<'a, I> {
    io: &'a I,
    lost: Duration,
}

impl<'a, I: Io> Clock<'a, I> {
    fn new(io: &'a I) -> Self {
        let lost = Duration::ZERO;
        Self { io, lost }
    }

    /// A moment of this clock on that of the runtime, if no more time is lost
    fn on_io(&self, moment: Instant) -> Instant {
        moment + self.lost
    }

    /// Now, at the end of a wait that its deadline ended
    fn at(&mut self, deadline: Instant) -> Instant {
        let now = self.io.now();
        self.lost += now.saturating_since(self.on_io(deadline));
        Instant::from_origin(now.saturating_since(Instant::ORIGIN + self.lost))
    }

    /// Now, at the end of a wait that an answer ended: before the deadline, as far as anybody can tell
    fn until(&mut self, deadline: Instant) -> Instant {
        let last = deadline.saturating_since(Instant::ORIGIN + TICK);
        self.at(Instant::from_origin(last))
    }
}

/// An action that is over
enum Done<S> {
    Connected(Connect, Result<Session<S>, ConnectError>),
    Event(Event),
}

/// An open session, and the room it takes
struct Session<S> {
    tls: S,
    _seat: Seat,
}

/// Begins an action
fn start<'a, I: Io, D: Dns>(
    tasks: &mut Tasks<'a, ActionId, Done<I::Tls>>,
    action: Action,
    shared: &'a Shared<I, D>,
    sessions: &mut BTreeMap<ActionId, Session<I::Tls>>,
    clock: &Clock<'_, I>,
) {
    let id = action.id();
    match action {
        Action::Connect(connect) => {
            let deadline = clock.on_io(connect.deadline());
            tasks.push(id, async move {
                let result = shared.connect(&connect, deadline).await;
                Done::Connected(connect, result)
            });
        }
        Action::FetchWellKnown(fetch) => {
            let session = sessions.remove(&fetch.connection());
            tasks.push(id, async move {
                let result = fetch_well_known::<I>(&shared.user_agent, session, &fetch).await;
                Done::Event(fetch.reply(result))
            });
        }
        Action::LookUpAddresses(look_up) => {
            let deadline = clock.on_io(look_up.deadline());
            tasks.push(id, async move {
                let (host, family) = (look_up.host(), look_up.family());
                let result = shared.dns.look_up(host, family, deadline).await;
                Done::Event(look_up.reply(result))
            });
        }
        Action::QuerySrv(query) => {
            let deadline = clock.on_io(query.deadline());
            tasks.push(id, async move {
                let result = shared.dns.query_srv(query.name(), deadline).await;
                Done::Event(query.reply(result))
            });
        }
    }
}

impl<I: Io, D> Shared<I, D> {
    /// Waits until there is room for the sockets of a search, or its time is over; the policies that are left of it
    ///
    /// The wait counts towards the deadline of the search, and to those of none of its questions.
    async fn wait_for_room(&self, alarm: &mut Alarm<'_, I>) -> Arc<Config> {
        let (asked, whole) = (self.io.now(), self.config.deadlines.search);
        // Without room it is begun all the same, and over at once: how that is told is the core's to say
        let _ = alarm.before(asked + whole, self.room.enter()).await;
        let waited = self.io.now().saturating_since(asked);
        if waited < SHORT_WAIT {
            return self.config.clone();
        }
        let mut config = Config::clone(&self.config);
        config.deadlines.search = whole.saturating_sub(waited);
        config.into()
    }

    /// One TCP connection and one handshake
    async fn connect(
        &self,
        connect: &Connect,
        deadline: Instant,
    ) -> Result<Session<I::Tls>, ConnectError> {
        let name = server_name(connect.tls_name()).map_err(ConnectError::Tls)?;
        let config = self.trust.config(connect.verdict(), connect.purpose());
        let address = self
            .really(connect.address())
            .map_err(|error| connect_error(&error))?;
        let seat = self.room.socket(&*self.io, deadline).await;
        let seat = seat.ok_or(ConnectError::OutOfResources)?;
        let mut tcp = match self.io.connect_tcp(address).await {
            Ok(tcp) => tcp,
            Err(error) if unreachable_by(&*self.io, address, &error).await => {
                return Err(ConnectError::Unreachable);
            }
            Err(error) => return Err(connect_error(&error)),
        };
        tcp.meter().limit(self.config.limits.volume);
        let tls = self
            .io
            .handshake(tcp, config, name)
            .await
            .map_err(|error| connect_error(&error))?;
        if let Verdict::Skip(rule) = connect.verdict() {
            let (host, address) = (connect.tls_name(), connect.address());
            tracing::warn!(%host, %address, %rule, "certificate not verified");
        }
        Ok(Session { tls, _seat: seat })
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

/// So little a wait for room is none: the policies need no copy
const SHORT_WAIT: Duration = Duration::from_millis(1);
/// The least time there is: an answer on its deadline is too late
const TICK: Duration = Duration::from_nanos(1);
