//! Room for sockets: how many are open at a time, and how many search for connections, first come first served.
//!
//! There are semaphores in crates, but those without a runtime let the last comer past whoever waits (`async-lock`),
//! and none has the lines that keep searches which have begun from starving each other.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use fedway_core::Instant;

use crate::alarm::Alarm;
use crate::io::Io;

/// How many sockets are open at a time
///
/// There are three lines. A search that has not begun [enters](Self::enter) only while at least half of the sockets are
/// free, so that whoever has begun finds one when it needs one: its deadlines run. Of searches for connections no more
/// are under way than half of the sockets, since they dial all at once when what they have in common becomes known. In
/// each line the first to come is the first to go.
#[derive(Debug)]
pub(crate) struct Room {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    connecting: usize,
    next: u64,
    newcomers: Line,
    connectors: Line,
    sockets: Line,
}

/// Who waits, by the number drawn on arrival
type Line = BTreeMap<u64, Waker>;

impl Room {
    /// Room for so many, at least one
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity: capacity.max(1),
            state: Mutex::default(),
        })
    }

    /// Lets a search begin
    pub(crate) async fn enter(&self) {
        let half = self.half();
        let may = move |state: &State| state.taken < half;
        self.wait(|state| &mut state.newcomers, may, |_| ()).await;
        // The next in line sees for itself whether there is still room
        self.wake();
    }

    /// Lets a search for a connection begin
    pub(crate) async fn berth(self: &Arc<Self>) -> Berth {
        let half = self.half();
        let may = move |state: &State| state.connecting < half;
        let take = |state: &mut State| state.connecting += 1;
        self.wait(|state| &mut state.connectors, may, take).await;
        Berth(self.clone())
    }

    fn half(&self) -> usize {
        self.capacity.div_ceil(2)
    }

    /// Room for one socket; `None` if there is none for half of the time up to the deadline
    ///
    /// The other half is for what the socket is wanted for: a question that could not be asked in time must not be
    /// taken for one that was not answered.
    pub(crate) async fn socket<I: Io>(self: &Arc<Self>, io: &I, deadline: Instant) -> Option<Seat> {
        if let Some(seat) = self.try_socket() {
            return Some(seat);
        }
        let now = io.now();
        let half = now + deadline.saturating_since(now) / 2;
        let capacity = self.capacity;
        let may = move |state: &State| state.taken < capacity;
        let take = |state: &mut State| state.taken += 1;
        let wait = self.wait(|state| &mut state.sockets, may, take);
        Alarm::new(io).before(half, wait).await?;
        Some(Seat(self.clone()))
    }

    /// Room for one socket if nobody has to wait for it
    pub(crate) fn try_socket(self: &Arc<Self>) -> Option<Seat> {
        let mut state = self.state();
        if state.taken >= self.capacity || !state.sockets.is_empty() {
            return None;
        }
        state.taken += 1;
        Some(Seat(self.clone()))
    }

    /// Waits in a line until it is one's turn and one may pass
    async fn wait(
        &self,
        line: impl Fn(&mut State) -> &mut Line,
        may: impl Fn(&State) -> bool,
        pass: impl Fn(&mut State),
    ) {
        let mut place = Place {
            room: self,
            line,
            number: None,
        };
        poll_fn(|context| place.poll(&may, &pass, context)).await;
    }

    /// Wakes the first of each line that may go
    fn wake(&self) {
        let state = self.state();
        let first = |line: &Line| line.first_key_value().map(|(_, waker)| waker.clone());
        let socket = first(&state.sockets).filter(|_| state.taken < self.capacity);
        let half = self.half();
        let newcomer = first(&state.newcomers).filter(|_| state.taken < half);
        let connector = first(&state.connectors).filter(|_| state.connecting < half);
        // A waker may do anything, even take a socket
        drop(state);
        let wakers = socket.into_iter().chain(newcomer).chain(connector);
        wakers.for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a line, which is left when this is dropped
struct Place<'a, L: Fn(&mut State) -> &mut Line> {
    room: &'a Room,
    line: L,
    number: Option<u64>,
}

impl<L: Fn(&mut State) -> &mut Line> Place<'_, L> {
    fn poll(
        &mut self,
        may: impl Fn(&State) -> bool,
        pass: impl Fn(&mut State),
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let mut state = self.room.state();
        let first = (self.line)(&mut state).first_key_value().map(|(it, _)| *it);
        let is_next = first.is_none() || first == self.number;
        if is_next && may(&state) {
            if let Some(number) = self.number.take() {
                (self.line)(&mut state).remove(&number);
            }
            pass(&mut state);
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            state.next += 1;
            state.next
        });
        (self.line)(&mut state).insert(number, context.waker().clone());
        Poll::Pending
    }
}

impl<L: Fn(&mut State) -> &mut Line> Drop for Place<'_, L> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            (self.line)(&mut self.room.state()).remove(&number);
            // It may have been its turn
            self.room.wake();
        }
    }
}

/// The right to one open socket, given back when dropped
#[derive(Debug)]
pub(crate) struct Seat(Arc<Room>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.state().taken -= 1;
        self.0.wake();
    }
}

/// The right to search for a connection, given back when dropped
#[derive(Debug)]
pub(crate) struct Berth(Arc<Room>);

impl Drop for Berth {
    fn drop(&mut self) {
        self.0.state().connecting -= 1;
        self.0.wake();
    }
}

/// Half of the files that this process may have open (getrlimit(2), the soft limit): the other half is for the
/// program around it
#[cfg(unix)]
pub(crate) fn default_capacity() -> usize {
    let soft = rlimit::Resource::NOFILE.get_soft().ok();
    soft.and_then(|soft| usize::try_from(soft / 2).ok())
        .unwrap_or(WITHOUT_LIMIT)
}

/// Sockets are not files here, and have no such limit
#[cfg(not(unix))]
pub(crate) fn default_capacity() -> usize {
    WITHOUT_LIMIT
}

/// Half of what most systems give a process (1,024), where nothing is known
const WITHOUT_LIMIT: usize = 512;

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use super::*;

    #[test]
    fn the_first_to_come_is_the_first_to_go() {
        let room = Room::new(1);
        let seat = room.try_socket().unwrap();
        let (mut first, mut second) = (Waiting::socket(&room), Waiting::socket(&room));
        assert!(!first.goes() && !second.goes());
        drop(seat);
        assert!(first.is_woken() && !second.is_woken());
        // Not even who comes when a seat is free, while another waits for it
        assert!(room.try_socket().is_none());
        assert!(!second.goes());
        assert!(first.goes());
        let _seat = Seat(room.clone());
        drop(first);
        assert!(!second.goes());
    }

    #[test]
    fn who_leaves_the_line_lets_the_next_one_go() {
        let room = Room::new(1);
        let seat = room.try_socket().unwrap();
        let (mut first, mut second) = (Waiting::socket(&room), Waiting::socket(&room));
        assert!(!first.goes() && !second.goes());
        drop(seat);
        drop(first);
        assert!(second.is_woken());
        assert!(second.goes());
    }

    #[test]
    fn newcomers_wait_while_half_is_taken_and_sockets_while_all_is() {
        let room = Room::new(4);
        let mut seats: Vec<_> = (0..1).map(|_| room.try_socket().unwrap()).collect();
        assert!(Waiting::newcomer(&room).goes());
        seats.push(room.try_socket().unwrap());
        let mut newcomer = Waiting::newcomer(&room);
        assert!(!newcomer.goes());
        seats.push(room.try_socket().unwrap());
        seats.push(room.try_socket().unwrap());
        assert!(room.try_socket().is_none());
        for left in [3, 2] {
            drop(seats.pop());
            assert!(!newcomer.is_woken(), "{left}");
        }
        drop(seats.pop());
        assert!(newcomer.is_woken());
        assert!(newcomer.goes());
    }

    #[test]
    fn newcomers_let_each_other_in_while_there_is_room() {
        let room = Room::new(2);
        let seat = room.try_socket().unwrap();
        let (mut first, mut second) = (Waiting::newcomer(&room), Waiting::newcomer(&room));
        assert!(!first.goes() && !second.goes());
        drop(seat);
        assert!(!second.is_woken());
        assert!(first.goes());
        assert!(second.is_woken());
        assert!(second.goes());
    }

    /// Who waits in a line
    struct Waiting<'a> {
        work: Pin<Box<dyn Future<Output = ()> + 'a>>,
        woken: Arc<Woken>,
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    impl<'a> Waiting<'a> {
        fn socket(room: &'a Room) -> Self {
            let may = |state: &State| state.taken < room.capacity;
            let take = |state: &mut State| state.taken += 1;
            let wait = room.wait(|state| &mut state.sockets, may, take);
            Self::new(Box::pin(wait))
        }

        fn newcomer(room: &'a Room) -> Self {
            Self::new(Box::pin(room.enter()))
        }

        fn new(work: Pin<Box<dyn Future<Output = ()> + 'a>>) -> Self {
            let woken = Arc::default();
            Self { work, woken }
        }

        fn goes(&mut self) -> bool {
            self.woken.0.store(false, Ordering::Relaxed);
            let waker = Waker::from(self.woken.clone());
            let mut context = Context::from_waker(&waker);
            pin!(&mut self.work).poll(&mut context).is_ready()
        }

        fn is_woken(&self) -> bool {
            self.woken.0.load(Ordering::Relaxed)
        }
    }
}
