//! The threads of a world, and how they are all brought to an end.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Owns every thread of a world. Nothing of a world blocks but on a socket the crew can wake or in
/// [`Crew::sleep`], so that [`Crew::stop`] ends all of it promptly.
#[derive(Debug, Default)]
pub(super) struct Crew {
    state: Mutex<State>,
    /// Apart from the state, under whose lock a thread that cannot be started drops its stream.
    streams: Mutex<Streams>,
    stopping: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopping: bool,
    threads: Vec<JoinHandle<()>>,
    /// Finished threads are swept out when `threads` grows to this.
    sweep_at: usize,
    /// Listeners and datagram sockets, which end when something arrives after the stop.
    doors: Vec<Door>,
}

#[derive(Debug, Default)]
struct Streams {
    stopped: bool,
    watched: BTreeMap<u64, Arc<TcpStream>>,
    next: u64,
}

/// A socket that waits for newcomers, by its own address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Door {
    Tcp(SocketAddr),
    Udp(SocketAddr),
}

impl Crew {
    /// Runs `work` on a thread of its own; once the crew stops, drops it instead.
    pub(super) fn spawn(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = self.state();
        if state.stopping {
            return Ok(());
        }
        if state.threads.len() >= state.sweep_at {
            state.threads.retain(|thread| !thread.is_finished());
            state.sweep_at = 2 * state.threads.len() + FIRST_SWEEP;
        }
        let thread = thread::Builder::new().name("world".to_owned());
        state.threads.push(thread.spawn(work)?);
        Ok(())
    }

    /// Remembers to knock on `door` when the crew stops.
    pub(super) fn watch_door(&self, door: Door) {
        self.state().doors.push(door);
    }

    /// Takes a stream into care until the guard is dropped; `None` once the crew stops.
    pub(super) fn watch_stream(self: &Arc<Self>, stream: TcpStream) -> Option<WatchedStream> {
        let stream = Arc::new(stream);
        let mut streams = self.streams();
        if streams.stopped {
            return None;
        }
        let key = streams.next;
        streams.next += 1;
        streams.watched.insert(key, Arc::clone(&stream));
        drop(streams);
        Some(WatchedStream {
            crew: Arc::clone(self),
            key,
            stream,
        })
    }

    /// The next client; `None` once the crew stops.
    pub(super) fn accept(&self, listener: &TcpListener) -> Option<TcpStream> {
        while !self.is_stopping() {
            match listener.accept() {
                Ok((stream, _)) => return Some(stream),
                Err(_) => self.sleep(ACCEPT_PAUSE),
            };
        }
        None
    }

    /// Sleeps, and tells whether the crew is still at work afterwards.
    pub(super) fn sleep(&self, duration: Duration) -> bool {
        let end = Instant::now() + duration;
        let mut state = self.state();
        while !state.stopping {
            let Some(rest) = end.checked_duration_since(Instant::now()) else {
                return true;
            };
            let woken = self.stopping.wait_timeout(state, rest);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// Ends every thread and waits for the last.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.stopping = true;
        self.stopping.notify_all();
        let doors = std::mem::take(&mut state.doors);
        let threads = std::mem::take(&mut state.threads);
        drop(state);
        self.streams().stop();
        doors.into_iter().for_each(Door::knock);
        for thread in threads {
            // A panic has been printed by its own thread.
            let _ = thread.join();
        }
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Streams {
    fn stop(&mut self) {
        self.stopped = true;
        for stream in self.watched.values() {
            // Fails only where the client has gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Door {
    /// Failure means that nobody waits behind the door any more.
    fn knock(self) {
        match self {
            Self::Tcp(address) => drop(TcpStream::connect_timeout(&address, KNOCK_TIMEOUT)),
            Self::Udp(address) => {
                let _ = UdpSocket::bind("127.0.0.1:0").and_then(|it| it.send_to(&[], address));
            }
        }
    }
}

/// A stream that the crew shuts down when it stops, and lets go of when this is dropped.
#[derive(Debug)]
pub(super) struct WatchedStream {
    crew: Arc<Crew>,
    key: u64,
    stream: Arc<TcpStream>,
}

impl WatchedStream {
    pub(super) fn stream(&self) -> &Arc<TcpStream> {
        &self.stream
    }
}

impl Drop for WatchedStream {
    fn drop(&mut self) {
        self.crew.streams().watched.remove(&self.key);
    }
}

/// Small enough that a short test holds few dead threads.
const FIRST_SWEEP: usize = 64;

/// Loopback answers at once or never.
const KNOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait when a client could not be accepted, as for want of a file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
