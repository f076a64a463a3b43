//! How much a peer may send, and how much of it is read at a stretch.

use std::fmt;
use std::io;
use std::task::{Context, Poll};

/// What a connection has taken in, so that no peer can fill a search or keep a thread to itself
///
/// It stands below TLS, where every byte counts: session tickets, padding, what the peer makes of a handshake. A
/// runtime's TCP stream has one, and reads through [`poll_read`](Self::poll_read).
///
/// ```
/// use std::io;
/// use std::task::{Context, Poll, Waker};
/// use fedway_driver::Meter;
///
/// let mut meter = Meter::default();
/// meter.limit(100);
/// let mut context = Context::from_waker(Waker::noop());
/// let mut read = |len| meter.poll_read(&mut context, |_| Poll::Ready(Ok(len)));
/// assert!(matches!(read(100), Poll::Ready(Ok(100))));
/// assert!(matches!(read(1), Poll::Ready(Err(_))));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// The bound and what is left of it; `None` while there is none
    limit: Option<Limit>,
    /// Bytes since the stream last had to wait
    at_a_stretch: usize,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    bytes: usize,
    left: usize,
}

impl Meter {
    /// Lets in so many bytes from now on, and no more
    pub fn limit(&mut self, bytes: usize) {
        self.limit = Some(Limit { bytes, left: bytes });
    }

    /// Lets in `bytes` more than were allowed so far; without a limit there is still none
    pub fn extend(&mut self, bytes: usize) {
        if let Some(limit) = &mut self.limit {
            limit.bytes = limit.bytes.saturating_add(bytes);
            limit.left = limit.left.saturating_add(bytes);
        }
    }

    /// Lets in whatever comes: the stream is somebody else's now
    pub fn lift(&mut self) {
        self.limit = None;
    }

    /// Reads, and takes note of how much
    ///
    /// A stream that always has more is made to wait now and then, whatever is left of its limit: TLS reads on
    /// until there is something to give up to its user, and a peer can see to it that there never is. The waker is
    /// woken at once, so that other tasks of the thread run meanwhile, and clocks are looked at.
    ///
    /// # Errors
    ///
    /// Those of `read`; and [`TooMuchData`] inside an [`io::Error`], once the limit is passed.
    pub fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        read: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.at_a_stretch >= STRETCH {
            self.at_a_stretch = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(result) = read(context) else {
            self.at_a_stretch = 0;
            return Poll::Pending;
        };
        let len = result?;
        self.at_a_stretch += len;
        if let Some(Limit { bytes, left }) = &mut self.limit {
            let Some(rest) = left.checked_sub(len) else {
                *left = 0;
                return Poll::Ready(Err(io::Error::other(TooMuchData { limit: *bytes })));
            };
            *left = rest;
        }
        Poll::Ready(Ok(len))
    }
}

/// The peer sent more than [`Meter::limit`] allows
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuchData {
    /// What was allowed, in bytes
    pub limit: usize,
}

impl TooMuchData {
    /// What is inside an error of a stream, if it is that
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl fmt::Display for TooMuchData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} bytes from the peer", self.limit)
    }
}

impl std::error::Error for TooMuchData {}

/// The largest TLS record (RFC 8446 §5.1), which is more than an honest server's whole handshake and answer, and at worst
/// some 900 session tickets: a few milliseconds
const STRETCH: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    #[test]
    fn the_last_byte_of_the_limit_is_let_in_and_the_next_is_not() {
        let mut meter = Meter::default();
        meter.limit(10);
        assert_eq!(read(&mut meter, 9), Some(Ok(9)));
        assert_eq!(read(&mut meter, 1), Some(Ok(1)));
        let refused = Some(Err(TooMuchData { limit: 10 }));
        assert_eq!(read(&mut meter, 1), refused);
        assert_eq!(read(&mut meter, 1), refused);
        // The end of the stream is no data
        assert_eq!(read(&mut meter, 0), Some(Ok(0)));
    }

    #[test]
    fn a_limit_is_extended_and_lifted() {
        let mut meter = Meter::default();
        meter.extend(1);
        assert_eq!(read(&mut meter, 100), Some(Ok(100)));
        meter.limit(10);
        meter.extend(5);
        assert_eq!(read(&mut meter, 15), Some(Ok(15)));
        assert_eq!(read(&mut meter, 1), Some(Err(TooMuchData { limit: 15 })));
        meter.lift();
        assert_eq!(read(&mut meter, 100), Some(Ok(100)));
    }

    #[test]
    fn a_stream_that_always_has_more_waits_once_a_stretch_and_is_woken() {
        let mut meter = Meter::default();
        assert_eq!(read(&mut meter, STRETCH - 1), Some(Ok(STRETCH - 1)));
        assert_eq!(read(&mut meter, 1), Some(Ok(1)));
        assert_eq!(wakes(&mut meter), (None, 1));
        assert_eq!(read(&mut meter, 1), Some(Ok(1)));
    }

    #[test]
    fn a_stream_that_had_to_wait_begins_a_new_stretch() {
        let mut meter = Meter::default();
        assert_eq!(read(&mut meter, STRETCH - 1), Some(Ok(STRETCH - 1)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(
            meter
                .poll_read(&mut context, |_| Poll::Pending)
                .is_pending()
        );
        assert_eq!(read(&mut meter, STRETCH - 1), Some(Ok(STRETCH - 1)));
        assert_eq!(read(&mut meter, 1), Some(Ok(1)));
        assert_eq!(wakes(&mut meter), (None, 1));
    }

    type Read = Option<Result<usize, TooMuchData>>;

    /// Reads from a stream that has as much as is asked for; `None` where it waits
    fn read(meter: &mut Meter, len: usize) -> Read {
        let mut context = Context::from_waker(Waker::noop());
        match meter.poll_read(&mut context, |_| Poll::Ready(Ok(len))) {
            Poll::Ready(result) => Some(result.map_err(|error| TooMuchData::of(&error).unwrap())),
            Poll::Pending => None,
        }
    }

    /// Reads one byte; also, how often that wakes
    fn wakes(meter: &mut Meter) -> (Read, usize) {
        struct Count(AtomicUsize);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(count.clone());
        let mut context = Context::from_waker(&waker);
        let result = match meter.poll_read(&mut context, |_| Poll::Ready(Ok(1))) {
            Poll::Ready(result) => Some(result.map_err(|error| TooMuchData::of(&error).unwrap())),
            Poll::Pending => None,
        };
        (result, count.0.load(Ordering::Relaxed))
    }
}
