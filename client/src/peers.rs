//! Connections, by the subject that they were verified for.
//!
//! `hyper-util` has parts for such a pool (`client::pool`). They know no limit over all peers and no time, and whoever waits
//! for a connection that takes one request at a time opens one beside the first that may turn out to take all.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use fedway_tokio::ServerName;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::connection::Connection;
use crate::error::Error;

/// How many connections are kept for the next request, and for how long
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) idle: Duration,
    pub(crate) idle_per_peer: usize,
    pub(crate) idle_in_all: usize,
}

/// The connections that are kept, and who waits for one
#[derive(Debug)]
pub(crate) struct Peers {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    peers: HashMap<ServerName, Peer>,
    /// Whose each kept connection is, and when it was used last: the first is the first to go
    kept: BTreeMap<u64, (ServerName, Instant)>,
    last: u64,
    /// Whether somebody closes what is not used for too long
    is_swept: bool,
}

#[derive(Debug, Default)]
struct Peer {
    /// Each by its number: those that take one request at a time, the last used last, or one that takes many and stays here
    /// while it is used
    kept: Vec<(u64, Connection)>,
    waiters: VecDeque<Waiter>,
    /// How many are being opened
    opening: usize,
    /// Whether the last that was opened takes one request at a time
    is_serial: bool,
}

type Waiter = oneshot::Sender<Result<Connection, Error>>;
pub(crate) type Waiting = oneshot::Receiver<Result<Connection, Error>>;

/// What there is for somebody who needs a connection
pub(crate) enum Checkout {
    /// This one, which was used before
    Kept(Connection),
    /// One that is being opened, or given back, by somebody else
    Wait(Waiting),
    /// The same; but who waits is to have one opened
    Open(Waiting),
}

impl Peers {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: Mutex::default(),
        }
    }

    /// A connection to a subject, or a place among those who wait for one
    pub(crate) fn checkout(&self, subject: &ServerName) -> Checkout {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(connection) = state.take(subject, now, self.limits.idle) {
            return Checkout::Kept(connection);
        }
        let peer = state.peers.entry(subject.clone()).or_default();
        let (sender, receiver) = oneshot::channel();
        peer.waiters.retain(|waiter| !waiter.is_closed());
        peer.waiters.push_back(sender);
        // One that takes many requests at once will do for all who wait
        let enough = if peer.is_serial {
            peer.waiters.len()
        } else {
            1
        };
        if peer.opening >= enough {
            return Checkout::Wait(receiver);
        }
        peer.opening += 1;
        Checkout::Open(receiver)
    }

    /// A connection was opened for whoever waits, or could not be; how many more are to be opened
    pub(crate) fn opened(
        self: &Arc<Self>,
        subject: &ServerName,
        result: Result<Connection, Error>,
    ) -> usize {
        let connection = match result {
            Ok(connection) => connection,
            Err(error) => {
                for waiter in self.given_up(subject) {
                    // Who has left need not know
                    let _ = waiter.send(Err(error.clone()));
                }
                return 0;
            }
        };
        let is_serial = connection.share().is_none();
        // As long as it counts as being opened nobody opens another
        self.give(subject, connection);
        let mut state = self.state();
        let Some(peer) = state.peers.get_mut(subject) else {
            return 0;
        };
        peer.opening = peer.opening.saturating_sub(1);
        peer.is_serial = is_serial;
        peer.waiters.retain(|waiter| !waiter.is_closed());
        let more = peer.waiters.len().saturating_sub(peer.opening);
        peer.opening += more;
        state.tidy(subject);
        more
    }

    /// A connection could not be opened; who has waited for longest, as far as no other opening is for them
    fn given_up(&self, subject: &ServerName) -> Vec<Waiter> {
        let mut state = self.state();
        let Some(peer) = state.peers.get_mut(subject) else {
            return Vec::new();
        };
        peer.opening = peer.opening.saturating_sub(1);
        peer.waiters.retain(|waiter| !waiter.is_closed());
        let most = peer.waiters.len().saturating_sub(peer.opening);
        let waiters = peer.waiters.drain(..most).collect();
        state.tidy(subject);
        waiters
    }

    /// Gives a connection that can be used to whoever waits for one, or keeps it
    pub(crate) fn give(self: &Arc<Self>, subject: &ServerName, connection: Connection) {
        self.hand_on(subject, connection);
        self.see_to_it();
    }

    fn hand_on(&self, subject: &ServerName, mut connection: Connection) {
        loop {
            let mut state = self.state();
            let waiters = state.peers.get_mut(subject);
            let Some(waiter) = waiters.and_then(|peer| peer.waiters.pop_front()) else {
                state.keep(subject, connection, self.limits);
                return;
            };
            drop(state);
            match connection.share() {
                // Who has left leaves it to the next
                Some(handle) => drop(waiter.send(Ok(handle))),
                None => match waiter.send(Ok(connection)) {
                    Err(Ok(refused)) => connection = refused,
                    Err(Err(_)) | Ok(()) => return,
                },
            }
        }
    }

    /// What is kept for a subject is not to be used again: the server is another one
    pub(crate) fn forget(&self, subject: &ServerName) {
        self.state().retain(subject, |_| false);
    }

    /// Nor is what was opened before another that has failed: the server has gone
    pub(crate) fn forget_before(&self, subject: &ServerName, failed: Instant) {
        self.state()
            .retain(subject, |connection| connection.opened > failed);
    }

    /// A connection of a subject's has ended
    pub(crate) fn prune(&self, subject: &ServerName) {
        self.state().retain(subject, Connection::is_ready);
    }

    /// Has somebody close what is not used for too long, as long as there is something
    fn see_to_it(self: &Arc<Self>) {
        // Outside of a runtime, whoever asks next sees to it
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if mem::replace(&mut self.state().is_swept, true) {
            return;
        }
        let sweeper = Sweeper(Arc::downgrade(self));
        runtime.spawn(async move {
            while let Some(next) = sweeper.0.upgrade().and_then(|peers| peers.sweep()) {
                sleep_until(next).await;
            }
        });
    }

    /// Closes what is not used for too long; when to come again, if anything is left
    fn sweep(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.state();
        while let Some((_, (subject, used))) = state.kept.first_key_value() {
            let left = self.limits.idle.saturating_sub(now - *used);
            if !left.is_zero() {
                // A clock has an end
                return Some(now + left.min(LONG));
            }
            let subject = subject.clone();
            state.drop_first(&subject);
        }
        state.is_swept = false;
        None
    }

    /// How many connections are kept
    pub(crate) fn len(&self) -> usize {
        self.state().kept.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what is not used for too long, until its runtime ends
struct Sweeper(Weak<Peers>);

impl Drop for Sweeper {
    fn drop(&mut self) {
        if let Some(peers) = self.0.upgrade() {
            peers.state().is_swept = false;
        }
    }
}

impl State {
    /// A connection that is kept and can be used
    fn take(&mut self, subject: &ServerName, now: Instant, idle: Duration) -> Option<Connection> {
        let peer = self.peers.get_mut(subject)?;
        while let Some((number, connection)) = peer.kept.pop() {
            let used = self.kept.remove(&number).map(|(_, used)| used);
            let is_old = used.is_some_and(|used| now - used >= idle);
            if is_old || !connection.is_ready() {
                continue;
            }
            if let Some(handle) = connection.share() {
                self.last += 1;
                self.kept.insert(self.last, (subject.clone(), now));
                peer.kept.push((self.last, connection));
                return Some(handle);
            }
            return Some(connection);
        }
        None
    }

    /// Keeps a connection for the next request, in place of those that were not used for longest
    fn keep(&mut self, subject: &ServerName, connection: Connection, limits: Limits) {
        // It may have ended by now
        if !connection.is_ready() {
            return self.tidy(subject);
        }
        let peer = self.peers.entry(subject.clone()).or_default();
        self.last += 1;
        self.kept
            .insert(self.last, (subject.clone(), Instant::now()));
        peer.kept.push((self.last, connection));
        if peer.kept.len() > limits.idle_per_peer {
            self.drop_first(subject);
        }
        if self.kept.len() > limits.idle_in_all
            && let Some((_, (subject, _))) = self.kept.first_key_value()
        {
            let subject = subject.clone();
            self.drop_first(&subject);
        }
    }

    /// Closes the connection of a subject's that was not used for longest
    fn drop_first(&mut self, subject: &ServerName) {
        let mut is_first = true;
        self.retain(subject, |_| !mem::take(&mut is_first));
    }

    fn retain(&mut self, subject: &ServerName, mut keeps: impl FnMut(&Connection) -> bool) {
        if let Some(peer) = self.peers.get_mut(subject) {
            peer.kept.retain(|(number, connection)| {
                let stays = keeps(connection);
                if !stays {
                    self.kept.remove(number);
                }
                stays
            });
            self.tidy(subject);
        }
    }

    /// Forgets a peer of which nothing is kept, and for which nobody waits
    fn tidy(&mut self, subject: &ServerName) {
        if let Some(peer) = self.peers.get(subject)
            && peer.kept.is_empty()
            && peer.waiters.is_empty()
            && peer.opening == 0
        {
            self.peers.remove(subject);
        }
    }
}

/// So far a timer is set at most; our choice
const LONG: Duration = Duration::from_secs(24 * 60 * 60);
