//! One timer for all the deadlines of a loop.

use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use fedway_core::Instant;

use crate::io::Io;

/// One timer for all the deadlines of a loop
///
/// Most deadlines move on before they come: an answer arrives, and a later one takes their place. So the timer is
/// set only where there is none, or where a deadline is earlier than what it is set to; one that rings early is
/// set again.
pub(crate) struct Alarm<'a, P> {
    io: P,
    timer: Option<(Instant, Timer<'a>)>,
}

type Timer<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl<'a, I: Io, P: Deref<Target = I> + Clone + Send + 'a> Alarm<'a, P> {
    pub(crate) fn new(io: P) -> Self {
        Self { io, timer: None }
    }

    /// The work's result, or `None` if the deadline comes first; the work is dropped then
    ///
    /// The timer is looked at before the work, which may never pause by itself: a runtime that hands out its
    /// attention in portions (as tokio does) would have none left for the timer. And where the time has come, the
    /// work has one poll more: after a pause of the whole process, both the deadline has passed and the answer lies
    /// ready, which came in time as far as anybody can tell. One poll is bounded (see [`Io`]), so that this gives
    /// no peer more time.
    pub(crate) async fn before<T>(
        &mut self,
        deadline: Instant,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        poll_fn(|context| {
            // What is ready at once needs no timer
            let was_set = self.timer.is_some();
            let is_due = was_set && self.poll(deadline, context).is_ready();
            if let Poll::Ready(result) = work.as_mut().poll(context) {
                return Poll::Ready(Some(result));
            }
            if is_due || !was_set && self.poll(deadline, context).is_ready() {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }

    /// Whether the timer has rung for this deadline
    ///
    /// The clock alone does not say so: what came in before the deadline has been seen by the runtime only when its
    /// timer rings.
    pub(crate) fn poll(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.timer {
                Some((at, timer)) if *at <= deadline => {
                    ready!(timer.as_mut().poll(context));
                    self.timer = None;
                    // It was set to an earlier one, or is coarser than the clock
                    if deadline <= self.io.now() {
                        return Poll::Ready(());
                    }
                }
                Some(_) | None => {
                    let io = self.io.clone();
                    let timer = Box::pin(async move { io.sleep_until(deadline).await });
                    self.timer = Some((deadline, timer));
                }
            }
        }
    }

    /// Whether a timer is set at all
    pub(crate) fn is_set(&self) -> bool {
        self.timer.is_some()
    }
}

/// The work's result, or `None` if the deadline comes first; the work is dropped then
///
/// Work that has come to its end counts, even if the deadline has passed meanwhile.
pub async fn before<I: Io, T>(
    io: &I,
    deadline: Instant,
    work: impl Future<Output = T>,
) -> Option<T> {
    Alarm::new(io).before(deadline, work).await
}
