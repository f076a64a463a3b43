//! The public face: from a server name to a destination or a session.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fedway_core::{
    AttemptError, Config, ConnectError, Delegated, DiscoveryError, Entry, Families, FetchError,
    Found, Host, Instant, Limits, Memory, Outcome, Pool, Purpose, Recording, SearchGoal,
    SearchOutcome, ServerName, Snapshot, SnapshotError, Stats, Ticket, Told,
};
use rustls::crypto::CryptoProvider;
use tracing::Instrument as _;

use crate::alarm::before;
use crate::carry::{Dial, Reroute, Session, Shared};
use crate::dns::{ConfigError, Dns, DnsConfig, Stub};
use crate::engine::Engine;
use crate::entropy::Entropy;
use crate::get::{self, fetch_error};
use crate::http::{self, Exchange, Response, USER_AGENT};
use crate::io::{ByteStream as _, Io, TlsStream as _};
use crate::lone::Lone;
use crate::room::{self, Berth, Room};
use crate::telemetry;
use crate::trust::{Habits, Keys, Revocation, Roots, Sources, Trust, TrustError};
#[cfg(feature = "transparency")]
use crate::trust::{LogList, Transparency};

/// Finds the servers of Matrix server names, and remembers them
///
/// Cheap to clone; the clones share everything, what is known included. What the network said is kept as long as it may
/// be believed: see [`Pool`] for the table of lifetimes. However many ask for a name at once, it is searched for once.
///
/// No task is spawned: whoever waits for something does the work of all, and what is under way for somebody goes on when
/// whoever happened to do the work is dropped. A future that has been polled is to be polled on, or dropped: one that is kept
/// and neither holds up those in other tasks who count on it. What is due is renewed while anybody waits for anything, or while
/// [`run`](Self::run) runs: a program that lives for long spawns that.
#[derive(Debug)]
pub struct Resolver<I: Io, D = Stub<I>> {
    engine: Arc<Engine<I, D>>,
}

impl<I: Io, D> Clone for Resolver<I, D> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
        }
    }
}

impl<I: Io, D: Dns> Resolver<I, D> {
    /// Finds where requests for a server name go, without connecting there
    ///
    /// # Errors
    ///
    /// If there is no such place, or it could not be found in time.
    pub async fn resolve(&self, name: &ServerName) -> Result<Arc<Found>, DiscoveryError> {
        let known = self.engine.look(|pool, now| pool.look(name, now));
        let result = match known {
            Some(known) => known,
            None => {
                self.resolved("resolve", name, |pool, now| pool.resolve(name, now))
                    .await
            }
        };
        result.map_err(Arc::unwrap_or_clone)
    }

    /// The same, past what is known, which it renews
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub async fn resolve_fresh(&self, name: &ServerName) -> Result<Arc<Found>, DiscoveryError> {
        let ask = |pool: &mut Pool, now| pool.resolve_fresh(name, now);
        let result = self.resolved("resolve_fresh", name, ask).await;
        result.map_err(Arc::unwrap_or_clone)
    }

    /// Finds whom requests for a server name are really for: the name that it delegates to, or itself
    ///
    /// The way from there on is a function of that name alone, which is what connections are best kept by; and
    /// [`connect_to`](Self::connect_to) goes it.
    ///
    /// # Errors
    ///
    /// If .well-known is such that the edition gives up, or the name is one that nobody can resolve.
    pub async fn delegation(&self, name: &ServerName) -> Result<Arc<Delegated>, DiscoveryError> {
        let known = self
            .engine
            .look(|pool, now| pool.look_delegation(name, now));
        if let Some(known) = known {
            return Ok(known);
        }
        let ask = |pool: &mut Pool, now| pool.delegation(name, now);
        let turn = self.engine.shared.room.enter();
        match self.ask("delegation", name, turn, ask).await.0 {
            Told::Delegated(_, result) => result,
            Told::Connected(..) | Told::Recorded(..) | Told::Resolved(..) => {
                unreachable!("the pool answers a ticket with what was asked for")
            }
        }
    }

    /// Finds the server of a name, connects to it and verifies its certificate
    ///
    /// # Errors
    ///
    /// If there is no such server, or none of its addresses gives a session that may be trusted.
    pub async fn connect(&self, name: &ServerName) -> Result<Connected<I, D>, DiscoveryError> {
        let ask = |pool: &mut Pool, now| pool.connect(name, now);
        self.connected("connect", name, ask).await
    }

    /// Connects to the server of a [subject](Delegated::subject): what [`connect`](Self::connect) does after step 3
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_to(
        &self,
        subject: &ServerName,
    ) -> Result<Connected<I, D>, DiscoveryError> {
        let ask = |pool: &mut Pool, now| pool.connect_to(subject, now);
        self.connected("connect_to", subject, ask).await
    }

    /// Searches afresh, past what is known and without renewing it, and records that: to
    /// [explain](Recording::explain) why a server is found or not, here or where the recording is sent to
    ///
    /// For people to look at: it takes no part in what the resolver knows and shares.
    pub async fn explain(&self, name: &ServerName, goal: SearchGoal) -> Explained<I, D> {
        self.explain_by(name, goal, self.config().clone(), None)
            .await
    }

    /// The same by other policies, such as another edition of the specification; with a memory of what other searches were
    /// answered, out of which comes what was asked before
    pub async fn explain_by(
        &self,
        name: &ServerName,
        goal: SearchGoal,
        config: Config,
        mut memory: Option<&mut Memory>,
    ) -> Explained<I, D> {
        let (shared, config) = (&self.engine.shared, Arc::new(config));
        let deadline = shared.io.now() + config.deadlines.search;
        let _turn = before(&*shared.io, deadline, self.berth()).await;
        let lone = Lone::new(shared, goal, name, &config, memory.as_deref_mut());
        let ended = lone.run().await;
        if let Some(memory) = memory {
            memory.learn(&ended.recording);
        }
        self.explained(ended.outcome, ended.recording, ended.session)
    }

    /// Searches as [`resolve`](Self::resolve) and [`connect`](Self::connect) do where the outcome is not remembered, with all
    /// that is known, and records that: to [explain](Recording::explain) why this resolver finds what it finds
    ///
    /// What it learns is known to all from then on.
    pub async fn explain_shared(&self, name: &ServerName, goal: SearchGoal) -> Explained<I, D> {
        let ask = |pool: &mut Pool, now| pool.record(goal, name, now);
        let (told, session) = self.ask("explain", name, self.berth(), ask).await;
        let Told::Recorded(_, recording) = told else {
            unreachable!("the pool answers a ticket with what was asked for");
        };
        // The core tells of a recording when the search has ended
        let outcome = recording.outcome().expect("it has ended").clone();
        self.explained(outcome, *recording, session)
    }

    fn explained(
        &self,
        outcome: SearchOutcome,
        recording: Recording,
        session: Option<Session<I::Tls>>,
    ) -> Explained<I, D> {
        let connected = match (&outcome, session) {
            (Ok(found), Some(session)) => Some(self.connected_by(Found::clone(found), session)),
            (Ok(_) | Err(_), _) => None,
        };
        Explained {
            outcome,
            recording,
            connected,
        }
    }

    /// Opens a TCP connection without TLS, to see what listens where no session came about
    ///
    /// The policies about addresses apply. It takes none of the [room](Builder::max_sockets) for sockets.
    ///
    /// # Errors
    ///
    /// If the address may not be dialled, or the connection fails.
    pub async fn open_tcp(&self, address: SocketAddr) -> Result<I::Tcp, AttemptError> {
        let shared = &self.engine.shared;
        let allowed = shared.config.addresses.judge(address.ip());
        allowed.map_err(AttemptError::AddressRefused)?;
        let tcp = shared.connect_tcp(address).await;
        tcp.map_err(AttemptError::Connect)
    }

    /// Connects to one address and verifies its certificate for `tls_name`, without a search: to try all the addresses of a
    /// [`Destination`](fedway_core::Destination), where a search is content with the first that works
    ///
    /// The policies about addresses apply, and so do the rules by which a certificate is not verified. What is given is the
    /// session, to ask something over.
    ///
    /// # Errors
    ///
    /// If the address may not be dialled, or gives no session that may be trusted in the time of an attempt.
    pub async fn try_address(
        &self,
        address: SocketAddr,
        tls_name: &Host,
        purpose: Purpose,
    ) -> Result<I::Tls, AttemptError> {
        let shared = &self.engine.shared;
        let (config, io) = (&shared.config, &*shared.io);
        let allowed = config.addresses.judge(address.ip());
        allowed.map_err(AttemptError::AddressRefused)?;
        let verdict = config.trust.verdict(tls_name, address.ip());
        let dial = Dial {
            address,
            tls_name,
            verdict: &verdict,
            purpose,
        };
        let deadline = io.now() + config.deadlines.connect;
        let session = before(io, deadline, shared.connect(dial, deadline)).await;
        let session = session.unwrap_or(Err(ConnectError::TimedOut));
        let session = session.map_err(AttemptError::Connect)?;
        Ok(session.tls)
    }

    /// Takes in what was seen of a server from above; `name` is the server name as it was asked for, or the subject
    ///
    /// At most once a minute a name: whether it counted.
    pub fn report(&self, name: &ServerName, outcome: Outcome) -> bool {
        self.engine
            .with(|pool, now| pool.report(name, outcome, now))
    }

    /// Forgets a name, and every fact that its last way used; whether it was remembered
    pub fn forget(&self, name: &ServerName) -> bool {
        self.engine.with(|pool, _| pool.forget(name))
    }

    /// Forgets every name and every fact
    pub fn forget_all(&self) {
        self.engine.with(|pool, _| pool.forget_all());
    }

    /// Looks at the names that are remembered, the most recently used first
    ///
    /// Nobody else learns anything while `look` runs, which must not ask the resolver for anything.
    pub fn entries<T>(&self, look: impl FnOnce(&mut dyn Iterator<Item = Entry<'_>>) -> T) -> T {
        self.engine.look(|pool, _| look(&mut pool.entries()))
    }

    /// What is under way, and what was counted
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.engine.look(|pool, _| pool.stats())
    }

    /// What is known now, to be kept between two runs
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.engine.look(|pool, now| pool.snapshot(now))
    }

    /// Takes in what was known so long ago; what is known already stays
    ///
    /// # Errors
    ///
    /// If it is of another version, or damaged: nothing is taken in then.
    pub fn restore(&self, snapshot: Snapshot, elapsed: Duration) -> Result<(), SnapshotError> {
        self.engine
            .with(|pool, now| pool.restore(snapshot, elapsed, now))
    }

    /// Does the work of all who wait, and renews what is due and was wanted, for ever
    ///
    /// Nothing needs it, but where nobody waits for anything, nothing is renewed without it.
    pub async fn run(&self) {
        self.engine.run().await;
    }

    /// The policies in force
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.engine.shared.config
    }

    /// The runtime, for its clock and timers
    #[must_use]
    pub fn io(&self) -> &I {
        &self.engine.shared.io
    }

    async fn resolved(
        &self,
        goal: &'static str,
        name: &ServerName,
        ask: impl FnOnce(&mut Pool, Instant) -> Ticket,
    ) -> Result<Arc<Found>, Arc<DiscoveryError>> {
        let turn = self.engine.shared.room.enter();
        match self.ask(goal, name, turn, ask).await.0 {
            Told::Resolved(_, result) => result,
            Told::Connected(..) | Told::Delegated(..) | Told::Recorded(..) => {
                unreachable!("the pool answers a ticket with what was asked for")
            }
        }
    }

    async fn connected(
        &self,
        goal: &'static str,
        name: &ServerName,
        ask: impl FnOnce(&mut Pool, Instant) -> Ticket,
    ) -> Result<Connected<I, D>, DiscoveryError> {
        let (told, session) = self.ask(goal, name, self.berth(), ask).await;
        let Told::Connected(_, result) = told else {
            unreachable!("the pool answers a ticket with what was asked for");
        };
        let found = *result?;
        // The core hands out only a connection that was reported to it, and that is kept until then
        let session = session.expect("a search that connects ends with a session or an error");
        Ok(self.connected_by(found, session))
    }

    /// Room for the sockets of a search, and for the session that it ends with
    async fn berth(&self) -> Berth {
        let room = &self.engine.shared.room;
        let berth = room.berth().await;
        room.enter().await;
        berth
    }

    fn connected_by(&self, found: Found, session: Session<I::Tls>) -> Connected<I, D> {
        let stream = session.tls;
        #[cfg(feature = "transparency")]
        let transparency = match (&found.connection, stream.session()) {
            (Some(connection), Some(session)) => {
                let trust = &self.engine.shared.trust;
                trust.transparency(session, &connection.verdict)
            }
            (None, _) | (_, None) => None,
        };
        Connected {
            found,
            stream,
            #[cfg(feature = "transparency")]
            transparency,
            shared: self.engine.shared.clone(),
        }
    }

    /// Asks when it is its turn: there is room for the sockets of one more search
    ///
    /// Where there is none for as long as a search may take, it is begun all the same: for want of a socket it ends as
    /// what it is, this machine's failure.
    async fn ask<T>(
        &self,
        goal: &'static str,
        name: &ServerName,
        turn: impl Future<Output = T>,
        ask: impl FnOnce(&mut Pool, Instant) -> Ticket,
    ) -> (Told, Option<Session<I::Tls>>) {
        let Shared { io, config, .. } = &*self.engine.shared;
        let (span, began) = (telemetry::search(goal, name), io.now());
        let work = async {
            let deadline = began + config.deadlines.search;
            let _turn = before(&**io, deadline, turn).await;
            self.engine.ask(ask).await
        };
        let (told, session) = work.instrument(span.clone()).await;
        let place = match &told {
            Told::Connected(_, Ok(found)) => Some(found.destination.step()),
            Told::Resolved(_, Ok(found)) => Some(found.destination.step()),
            Told::Connected(_, Err(error)) | Told::Delegated(_, Err(error)) => Some(error.step()),
            Told::Resolved(_, Err(error)) => Some(error.step()),
            Told::Recorded(_, recording) => recording.outcome().map(|outcome| match outcome {
                Ok(found) => found.destination.step(),
                Err(error) => error.step(),
            }),
            Told::Delegated(_, Ok(_)) => None,
        };
        span.record("place", place);
        telemetry::asked(io.now().saturating_since(began));
        (told, session)
    }
}

/// A search that was recorded
#[non_exhaustive]
pub struct Explained<I: Io, D = Stub<I>> {
    /// What came of it
    pub outcome: SearchOutcome,
    /// All that happened
    pub recording: Recording,
    /// The session, if one was asked for and there is one
    pub connected: Option<Connected<I, D>>,
}

impl<I: Io<Tls: fmt::Debug>, D> fmt::Debug for Explained<I, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explained")
            .field("outcome", &self.outcome)
            .field("connected", &self.connected)
            .finish_non_exhaustive()
    }
}

/// A session with the server of a name
///
/// It takes none of the [room](Builder::max_sockets) for the sockets of searches any more.
#[non_exhaustive]
pub struct Connected<I: Io, D = Stub<I>> {
    /// What the search found, with the `Host` header to send and the address connected to
    pub found: Found,
    /// The session, on which HTTP/1.1 was offered; to keep it, take it [out](Self::into_stream)
    pub stream: I::Tls,
    /// What the logs of certificate transparency say of its certificate, where there is a list of them and the
    /// certificate was verified
    #[cfg(feature = "transparency")]
    pub transparency: Option<Transparency>,
    shared: Arc<Shared<I, D>>,
}

impl<I: Io, D> Connected<I, D> {
    /// The `Host` header that every request over this session must have
    #[must_use]
    pub fn host_header(&self) -> &str {
        &self.found.destination.host_header
    }

    /// The protocol that was agreed on (ALPN, RFC 7301), such as `http/1.1`; `None` where the server named none
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.stream.session()?.alpn_protocol()
    }

    /// The session, with no bound any more to what comes in over it
    #[must_use]
    pub fn into_stream(mut self) -> I::Tls {
        self.stream.meter().lift();
        self.stream
    }

    /// Sends one GET for `target` with the right `Host` header, and reads its response: as much of it as of a
    /// .well-known response, and for as long ([`Limits`] and
    /// [`Deadlines::well_known`](fedway_core::Deadlines::well_known) of the resolver's [`Config`])
    ///
    /// Says `Connection: close`: it is for a single question, such as the server's version.
    ///
    /// # Errors
    ///
    /// If the connection is lost or time runs out, the response is malformed or too large, or `target` cannot stand in
    /// a request.
    pub async fn get(&mut self, target: &str) -> Result<Response, FetchError> {
        let Config {
            limits, deadlines, ..
        } = &*self.shared.config;
        let (limits, deadline) = (*limits, self.shared.io.now() + deadlines.well_known);
        self.get_by(target, limits, deadline).await
    }

    /// [`get`](Self::get) with other limits, and a deadline on the clock of the resolver's [`Io`]
    ///
    /// What the limits allow may come in besides [`Limits::volume`].
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn get_by(
        &mut self,
        target: &str,
        limits: Limits,
        deadline: Instant,
    ) -> Result<Response, FetchError> {
        let Shared {
            io,
            config,
            user_agent,
            ..
        } = &*self.shared;
        let usual = config.limits.head.saturating_add(config.limits.body);
        let more = (limits.head.saturating_add(limits.body)).saturating_sub(usual);
        self.stream.meter().extend(more);
        let host = &self.found.destination.host_header;
        let exchange = Exchange::get_as(user_agent, host, target, limits).map_err(fetch_error)?;
        let response = before(&**io, deadline, get::run(&mut self.stream, exchange)).await;
        response.unwrap_or(Err(FetchError::TimedOut))
    }
}

impl<I: Io<Tls: fmt::Debug>, D> fmt::Debug for Connected<I, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Connected");
        debug.field("found", &self.found);
        debug.field("stream", &self.stream);
        #[cfg(feature = "transparency")]
        debug.field("transparency", &self.transparency);
        debug.finish_non_exhaustive()
    }
}

/// Makes a [`Resolver`]
#[derive(Clone, Debug, Default)]
pub struct Builder {
    config: Config,
    dns: Option<DnsConfig>,
    provider: Option<Arc<CryptoProvider>>,
    reroute: Option<Reroute>,
    max_sockets: Option<usize>,
    user_agent: Option<String>,
    sources: Sources,
    habits: Habits,
}

impl Builder {
    /// The policies, in place of those given so far; [`Config::default`] unless said otherwise
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Asks for addresses of IPv4 alone, and dials no others: [`Config::families`] of the policies given so far
    #[must_use]
    pub fn ipv4_only(mut self) -> Self {
        self.config.families = Families::V4;
        self
    }

    /// Asks for addresses of IPv6 alone, and dials no others: [`Config::families`] of the policies given so far
    #[must_use]
    pub fn ipv6_only(mut self) -> Self {
        self.config.families = Families::V6;
        self
    }

    /// The name servers; the operating system's unless said otherwise
    ///
    /// To ask them over TCP alone, whatever resolv.conf says:
    ///
    /// ```no_run
    /// use fedway_driver::Builder;
    /// use fedway_driver::dns::DnsConfig;
    ///
    /// # fn main() -> Result<(), fedway_driver::dns::ConfigError> {
    /// let builder = Builder::default().dns(DnsConfig::system()?.over_tcp());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn dns(mut self, dns: DnsConfig) -> Self {
        self.dns = Some(dns);
        self
    }

    /// The certificate authorities to trust; the operating system's unless said otherwise
    #[must_use]
    pub fn roots(mut self, roots: Roots) -> Self {
        self.sources.roots = roots;
        self
    }

    /// The logs of certificate transparency; none unless said otherwise
    ///
    /// What is asked of certificates then is [`TrustPolicy::transparency`](fedway_core::TrustPolicy::transparency).
    #[cfg(feature = "transparency")]
    #[must_use]
    pub fn log_list(mut self, logs: LogList) -> Self {
        self.sources.logs = Some(logs);
        self
    }

    /// What is revoked; nothing unless said otherwise
    #[must_use]
    pub fn revocation(mut self, revocation: Revocation) -> Self {
        self.sources.revocation = revocation;
        self
    }

    /// The cryptography; unless said otherwise that of aws-lc-rs or *ring*, as the features of this crate have it
    ///
    /// rustls's default of the process is never asked for.
    #[must_use]
    pub fn crypto_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// What federation connections offer by ALPN (RFC 7301), the most wanted first; `http/1.1` unless said otherwise
    ///
    /// For those who speak HTTP/2 over a [`Connected::stream`]: which of them the server has chosen, its session
    /// says. [`Connected::get`] speaks HTTP/1.1 and nothing else. The requests for .well-known are not
    /// touched by this.
    #[must_use]
    pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.habits.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Writes the keys of every session to the file that the environment's `SSLKEYLOGFILE` names, for Wireshark
    /// and the like
    ///
    /// Whoever has the file can read the sessions. Without this method the variable means nothing.
    #[must_use]
    pub fn log_keys(mut self) -> Self {
        self.habits.keys = Keys::Logged;
        self
    }

    /// For test rigs: connects to other addresses than the search says, and refuses those of which `really` knows none
    ///
    /// It is asked before each connection, so that what it knows may change meanwhile; it should not block.
    /// Name servers are not rerouted. What may be dialled is judged by the addresses of the search.
    #[must_use]
    pub fn reroute(
        mut self,
        really: impl Fn(SocketAddr) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.reroute = Some(Reroute(Arc::new(really)));
        self
    }

    /// How many sockets the searches of the resolver have open at a time, at least one; half of the files that this
    /// process may have open unless said otherwise
    ///
    /// A search begins when it is its turn and half of them are free; until then it waits, as long as a search may take at
    /// most. A session that a search has [handed out](Connected) is not counted,
    /// nor are the sockets of [another resolver for DNS](Self::build_with).
    #[must_use]
    pub fn max_sockets(mut self, max: usize) -> Self {
        self.max_sockets = Some(max);
        self
    }

    /// Who asks, in the `User-Agent` header of every request: words, such as `example/1.0 (+https://example.org)`;
    /// `fedway/` and a version unless said otherwise
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Whom sessions trust, without a resolver: for those who connect by hand
    ///
    /// # Errors
    ///
    /// If the operating system's certificate authorities are needed and unusable, or there is no cryptographic
    /// provider.
    pub fn trust(&self) -> Result<Trust, BuildError> {
        let provider = self.provider.clone().or_else(default_provider);
        let provider = provider.ok_or(BuildError::NoCryptoProvider)?;
        let policy = self.config.trust.transparency;
        Ok(Trust::new(&self.sources, policy, &provider, &self.habits)?)
    }

    /// A resolver on a runtime, with the stub of this crate for DNS
    ///
    /// # Errors
    ///
    /// If the operating system's DNS configuration or certificate authorities are needed and unusable.
    pub fn build<I: Io>(mut self, io: I) -> Result<Resolver<I>, BuildError> {
        let (io, room) = (Arc::new(io), self.room());
        let config = match self.dns.take() {
            Some(config) => config,
            None => DnsConfig::system()?,
        };
        let dns = Stub::in_room(io.clone(), config, room.clone())?;
        self.build_in_room(io, dns, room)
    }

    /// A resolver on a runtime, with another [`Dns`]
    ///
    /// # Errors
    ///
    /// If the operating system's certificate authorities are needed and unusable.
    pub fn build_with<I: Io, D: Dns>(
        self,
        io: Arc<I>,
        dns: D,
    ) -> Result<Resolver<I, D>, BuildError> {
        let room = self.room();
        self.build_in_room(io, dns, room)
    }

    fn build_in_room<I: Io, D: Dns>(
        self,
        io: Arc<I>,
        dns: D,
        room: Arc<Room>,
    ) -> Result<Resolver<I, D>, BuildError> {
        let trust = self.trust()?;
        let user_agent = self.user_agent.unwrap_or_else(|| USER_AGENT.into());
        if !http::is_user_agent(&user_agent) {
            return Err(BuildError::UserAgent(user_agent));
        }
        let shared = Shared {
            io,
            config: self.config.into(),
            dns,
            trust,
            entropy: Entropy::default(),
            room,
            user_agent,
            reroute: self.reroute,
        };
        let engine = Engine::new(shared.into());
        Ok(Resolver {
            engine: engine.into(),
        })
    }

    fn room(&self) -> Arc<Room> {
        Room::new(self.max_sockets.unwrap_or_else(room::default_capacity))
    }
}

/// Why there is no [`Resolver`]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The DNS configuration is unusable
    #[error(transparent)]
    Dns(#[from] ConfigError),
    /// No cryptographic provider is given, and neither the feature `ring` nor `aws-lc-rs` brings one
    #[error("no cryptographic provider: give one, or turn on the feature `ring` or `aws-lc-rs`")]
    NoCryptoProvider,
    /// There is nobody to trust
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// No such words may stand in a header: visible ASCII characters, with a blank between words
    #[error("{0:?} cannot be sent as a user agent")]
    UserAgent(String),
}

/// That of the features: aws-lc-rs verifies more, so that whoever turned it on wants it
fn default_provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(rustls::crypto::aws_lc_rs::default_provider().into());
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(rustls::crypto::ring::default_provider().into());
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    None
}
