//! The body of a response, whose end gives the connection back.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use fedway_tokio::ServerName;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::connection::Connection;
use crate::peers::Peers;

/// The body of a response
///
/// Whoever has read it to its end can count on its connection for the next request. To give up, drop it: an HTTP/1.1
/// connection of which a part is unread is closed.
#[derive(Debug)]
pub struct ResponseBody {
    incoming: Incoming,
    /// For the next request, once this is at its end; none where the connection takes many at once
    lease: Option<Lease>,
}

/// A connection that is in use
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    pub(crate) peers: Arc<Peers>,
    pub(crate) subject: ServerName,
    /// How long it may take to be ready
    pub(crate) patience: Option<Pin<Box<Sleep>>>,
}

impl ResponseBody {
    pub(crate) fn new(incoming: Incoming, lease: Option<Lease>) -> Self {
        Self { incoming, lease }
    }
}

impl Lease {
    pub(crate) fn new(connection: Connection, peers: Arc<Peers>, subject: ServerName) -> Self {
        Self {
            connection,
            peers,
            subject,
            patience: None,
        }
    }

    /// Waits until the connection is ready for the next request; whether it is
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        if let Poll::Ready(is_ready) = self.connection.poll_ready(context) {
            return Poll::Ready(is_ready);
        }
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        patience.as_mut().poll(context).map(|()| false)
    }

    pub(crate) fn give_back(self) {
        self.peers.give(&self.subject, self.connection);
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        if let Some(frame) = ready!(Pin::new(&mut self.incoming).poll_frame(context)) {
            return Poll::Ready(Some(frame));
        }
        if let Some(lease) = &mut self.lease {
            let is_ready = ready!(lease.poll_ready(context));
            if let Some(lease) = self.lease.take()
                && is_ready
            {
                lease.give_back();
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.lease.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // Nothing may be left to read though nobody has looked
        if let Some(lease) = self.lease.take()
            && lease.connection.is_ready()
        {
            lease.give_back();
        }
    }
}

/// A server that answers before it has read the whole request may never read the rest: its connection is not waited for any
/// longer than others need; our choice
const PATIENCE: Duration = Duration::from_millis(20);
