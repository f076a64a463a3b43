//! The runtime: blocking sockets of the standard library with a thread each, and timers that the executor rings.
//!
//! A thread cannot be called back from `connect`, or from waiting for a datagram. One that nobody waits for any more
//! ends within [`PATIENCE`].

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io::{self, Read as _, Write as _};
use std::iter::{once_with, repeat_with};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::pin::pin;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Polls the work until it is done
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        match ring() {
            Some(next) => thread::park_timeout(next.saturating_duration_since(Instant::now())),
            None => thread::park(),
        }
    }
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(crate) async fn sleep_until(deadline: Instant) {
    poll_fn(|context| {
        if Instant::now() >= deadline {
            return Poll::Ready(());
        }
        let mut timers = lock(&TIMERS);
        let wakers = timers.entry(deadline).or_default();
        if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            wakers.push(context.waker().clone());
        }
        Poll::Pending
    })
    .await;
}

/// Wakes who waits for a moment that has come, and says which is the next
fn ring() -> Option<Instant> {
    let mut timers = lock(&TIMERS);
    while let Some(first) = timers.first_entry() {
        if *first.key() > Instant::now() {
            return Some(*first.key());
        }
        first.remove().into_iter().for_each(Waker::wake);
    }
    None
}

static TIMERS: Mutex<BTreeMap<Instant, Vec<Waker>>> = Mutex::new(BTreeMap::new());

/// A TCP connection
pub(crate) struct TcpStream {
    stream: Arc<std::net::TcpStream>,
    incoming: Inbox<VecDeque<u8>>,
    unread: VecDeque<u8>,
}

impl TcpStream {
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let connect = move || std::net::TcpStream::connect_timeout(&address, PATIENCE);
        let stream = Arc::new(Inbox::of(once_with(connect)).next().await?);
        stream.set_nodelay(true)?;
        let reader = stream.clone();
        Ok(Self {
            stream,
            incoming: Inbox::of(repeat_with(move || chunk(|buffer| (&*reader).read(buffer)))),
            unread: VecDeque::new(),
        })
    }

    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.unread.is_empty() {
            self.unread = ready!(self.incoming.poll(context))?;
        }
        Poll::Ready(self.unread.read(buffer))
    }

    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (stream, bytes) = (self.stream.clone(), bytes.to_vec());
        Inbox::of(once_with(move || (&*stream).write_all(&bytes)))
            .next()
            .await
    }
}

impl Drop for TcpStream {
    /// Ends its threads, whatever they do; a connection that is closed already needs no more
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// A UDP socket with one peer
pub(crate) struct UdpSocket {
    socket: Arc<std::net::UdpSocket>,
    incoming: Inbox<VecDeque<u8>>,
}

impl UdpSocket {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = Arc::new(std::net::UdpSocket::bind(any)?);
        socket.connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let reader = socket.clone();
        let incoming = Inbox::of(repeat_with(move || chunk(|buffer| reader.recv(buffer))));
        Ok(Self { socket, incoming })
    }

    pub(crate) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send(datagram).map(drop)
    }

    pub(crate) async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.incoming.next().await?.read(buffer)
    }
}

/// What one read gives
fn chunk(read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<VecDeque<u8>> {
    let mut buffer = vec![0; READ_SIZE];
    let len = read(&mut buffer)?;
    buffer.truncate(len);
    Ok(buffer.into())
}

/// What a thread has to hand over, one thing at a time
struct Inbox<T> {
    receiver: Mutex<Receiver<io::Result<T>>>,
    waker: Arc<Mutex<Option<Waker>>>,
}

impl<T: Send + 'static> Inbox<T> {
    /// Starts a thread, which ends with its work, or when it has something that nobody takes any more
    fn of(work: impl Iterator<Item = io::Result<T>> + Send + 'static) -> Self {
        let (sender, receiver) = sync_channel(1);
        let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
        let whom = waker.clone();
        thread::spawn(move || {
            for item in work {
                if sender.send(item).is_err() {
                    return;
                }
                if let Some(waker) = lock(&whom).take() {
                    waker.wake();
                }
            }
        });
        Self {
            receiver: Mutex::new(receiver),
            waker,
        }
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        // First, lest the thread find nobody to wake
        *lock(&self.waker) = Some(context.waker().clone());
        match lock(&self.receiver).try_recv() {
            Ok(result) => Poll::Ready(result),
            Err(TryRecvError::Empty) => Poll::Pending,
            Err(TryRecvError::Disconnected) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    async fn next(&self) -> io::Result<T> {
        poll_fn(|context| self.poll(context)).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As long as a search waits for a connection or a name server by default
const PATIENCE: Duration = Duration::from_secs(5);

/// The usual size of a page, and more than a datagram of DNS has (RFC 6891 §6.2.5)
const READ_SIZE: usize = 4096;
