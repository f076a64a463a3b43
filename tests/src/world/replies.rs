//! What a server says to one request after another.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::log::Request;
use super::reply::Reply;

/// What a server says to requests: always the same [`Reply`], several in turn, or what a function makes of each.
///
/// ```
/// use fedway_testkit::world::{Https, Replies, Reply};
///
/// let busy = Reply::status(503).header("Retry-After", "1");
/// let server = Https::for_name("example.org")
///     .path("/status", Reply::json("{}"))
///     .method("PUT", "/send", Replies::in_turn([busy, Reply::json("{}")]))
///     .otherwise(Replies::by(|request| Reply::json(request.body.clone())));
/// # let _ = server;
/// ```
#[derive(Clone)]
pub struct Replies(Arc<dyn Fn(&Request) -> Reply + Send + Sync>);

impl Replies {
    /// What a function makes of each request, in the thread of its connection.
    ///
    /// If it panics, the connection is closed without a reply.
    pub fn by(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self(Arc::new(reply))
    }

    /// These, one a request, and the last again and again.
    ///
    /// They are one sequence, whatever connections and addresses the requests come by.
    ///
    /// # Panics
    ///
    /// Where there are none.
    pub fn in_turn(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: VecDeque<_> = replies.into_iter().collect();
        assert!(!replies.is_empty(), "a sequence of no replies");
        let replies = Mutex::new(replies);
        Self::by(move |_| {
            let mut rest = replies.lock().unwrap_or_else(PoisonError::into_inner);
            let next = rest.pop_front().expect("the last reply stays");
            if rest.is_empty() {
                rest.push_back(next.clone());
            }
            next
        })
    }

    pub(super) fn to(&self, request: &Request) -> Reply {
        (self.0)(request)
    }
}

impl From<Reply> for Replies {
    fn from(reply: Reply) -> Self {
        Self::by(move |_| reply.clone())
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").finish_non_exhaustive()
    }
}
