//! Actions that are being carried out side by side.

use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use fedway_core::{Action, ActionId};
use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable, Aborted};
use futures_util::stream::FuturesUnordered;
use tracing::Instrument as _;

use crate::carry::{Done, Session, Shared};
use crate::dns::Dns;
use crate::io::Io;
use crate::telemetry;

/// Futures under way together, each with the name by which it is given up
pub(crate) struct UnderWay<I: Io> {
    futures: FuturesUnordered<Abortable<Task<I::Tls>>>,
    handles: HashMap<ActionId, (AbortHandle, Slot<I::Tls>)>,
}

/// A future that is dropped at once when it is given up, though its place is kept until that is polled
struct Task<S>(Slot<S>);

type Slot<S> = Arc<Mutex<Option<Work<S>>>>;
type Work<S> = Pin<Box<dyn Future<Output = (ActionId, Done<S>)> + Send>>;

impl<S> Future for Task<S> {
    type Output = (ActionId, Done<S>);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *slot {
            Some(work) => work.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl<I: Io> UnderWay<I> {
    pub(crate) fn new() -> Self {
        Self {
            futures: FuturesUnordered::new(),
            handles: HashMap::new(),
        }
    }

    pub(crate) fn push<D: Dns>(
        &mut self,
        shared: &Arc<Shared<I, D>>,
        action: Action,
        session: Option<Session<I::Tls>>,
    ) {
        let (id, shared) = (action.id(), shared.clone());
        let span = telemetry::action(&action);
        let work = async move { (id, shared.carry_out(action, session).await) };
        let work: Work<I::Tls> = Box::pin(work.instrument(span));
        let slot: Slot<I::Tls> = Arc::new(Mutex::new(Some(work)));
        let (handle, registration) = AbortHandle::new_pair();
        self.handles.insert(id, (handle, slot.clone()));
        self.futures.push(Abortable::new(Task(slot), registration));
    }

    /// Drops what is under way by this name
    pub(crate) fn cancel(&mut self, id: ActionId) {
        if let Some((handle, slot)) = self.handles.remove(&id) {
            handle.abort();
            let work = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(work);
        }
    }

    /// The next that is over
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<(ActionId, Done<I::Tls>)>> {
        loop {
            let next = pin!(self.futures.next());
            match next.poll(context) {
                Poll::Ready(Some(Err(Aborted))) => {}
                Poll::Ready(Some(Ok((id, done)))) => {
                    self.handles.remove(&id);
                    return Poll::Ready(Some((id, done)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
