//! Futures under way together, each with the name by which it is given up.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Futures under way together
///
/// There are some dozens at most, so that looking at each when one wakes costs less than keeping account
/// of who woke. Dropping this drops them all.
pub(crate) struct Tasks<'a, Id, T>(Vec<(Id, Task<'a, T>)>);

type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl<'a, Id: Copy, T> Tasks<'a, Id, T> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, id: Id, task: impl Future<Output = T> + Send + 'a) {
        self.0.push((id, Box::pin(task)));
    }

    /// How many are under way
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Drops the others
    pub(crate) fn retain(&mut self, keep: impl Fn(Id) -> bool) {
        self.0.retain(|(id, _)| keep(*id));
    }

    /// The next one that is over; never, while none is under way
    pub(crate) async fn next(&mut self) -> (Id, T) {
        poll_fn(|context| {
            for index in 0..self.0.len() {
                let (id, task) = &mut self.0[index];
                if let Poll::Ready(result) = task.as_mut().poll(context) {
                    let id = *id;
                    drop(self.0.swap_remove(index));
                    return Poll::Ready((id, result));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Lets other tasks of the thread run
pub(crate) async fn pause() {
    let mut has_paused = false;
    poll_fn(|context| {
        if has_paused {
            return Poll::Ready(());
        }
        has_paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
