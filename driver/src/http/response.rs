//! What comes of an exchange: a response, or the reason why there is none.

use fedway_core::{FieldName, HttpAnswer, MalformedResponse};

/// A response, its body read to its end only if the status is 200
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status code, 200 or above
    pub status: u16,
    /// The headers in the order they came, repeated as sent; names in lower case, values without
    /// surrounding white space and unfolded
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; unless the status is 200, as much of it as a GET had [come by](super::Exchange::begun) with the head, which
    /// may be nothing
    pub body: Vec<u8>,
    /// How it was known that the response is complete
    pub ending: Ending,
}

impl Response {
    /// The first value of a header; the case of `name` does not matter
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.header_values(name).next()
    }

    /// Every value of a header in the order they came; the case of `name` does not matter
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }
}

impl From<Response> for HttpAnswer {
    fn from(response: Response) -> Self {
        let mut answer = Self::status(response.status);
        for (name, value) in response.headers {
            if let Some(name) = FieldName::named(&name) {
                answer = answer.with(name, value);
            }
        }
        answer.body = response.body;
        answer
    }
}

/// How the end of a response was known
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The body lasted until the end of the stream, which TLS announced (`close_notify`)
    Announced,
    /// The body lasted until the end of the stream, which came unannounced, but is a whole JSON
    /// object: "each party MUST send a close_notify alert before closing" (RFC 8446 §6.1), and
    /// this one has not
    Cut,
    /// By the response itself: its length, its chunks, or a status whose body is not read
    Framed,
}

/// Why an exchange gave no response
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The peer announced or sent a longer body than allowed
    #[error("body longer than {limit} bytes")]
    BodyTooLarge {
        /// The number allowed: [`Limits::body`](fedway_core::Limits::body)
        limit: usize,
    },
    /// The caller went on with an exchange that had already given its response or an error
    #[error("exchange already over")]
    Finished,
    /// The peer sent longer headers than allowed
    #[error("headers longer than {limit} bytes")]
    HeadTooLarge {
        /// The number allowed: [`Limits::head`](fedway_core::Limits::head)
        limit: usize,
    },
    /// The caller gave a host that must not be sent
    #[error("host with a character that cannot be sent, or empty")]
    InvalidHost,
    /// The caller gave a target that must not be sent
    #[error("target with a character that cannot be sent, or not a path")]
    InvalidTarget,
    /// The caller gave a name for itself that must not be sent
    #[error("user agent with a character that cannot be sent, or empty")]
    InvalidUserAgent,
    /// The peer broke the grammar of HTTP/1, or sent what was not asked for
    #[error("malformed response")]
    Malformed(#[source] MalformedResponse),
    /// The stream ended inside the response, or uncleanly where its end is that of the body
    #[error("response cut short")]
    Truncated,
}
