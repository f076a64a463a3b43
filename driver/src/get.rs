//! One GET over any byte stream.

use std::io;

use fedway_core::{FetchError, Limits};

use crate::failure;
use crate::http::{Exchange, HttpError, Response};
use crate::io::ByteStream;

/// Sends one GET and reads its response, without following redirects
///
/// Waits as long as the peer lets it: bound it with a timer.
///
/// # Errors
///
/// If the connection is lost or ended by an alert, the response is malformed or larger than allowed, or `host` or `target` cannot
/// stand in a request.
pub async fn get<S: ByteStream>(
    stream: &mut S,
    host: &str,
    target: &str,
    limits: Limits,
) -> Result<Response, FetchError> {
    let exchange = Exchange::get(host, target, limits).map_err(fetch_error)?;
    run(stream, exchange).await
}

/// Sends what an exchange says, and reads its response
pub(crate) async fn run<S: ByteStream>(
    stream: &mut S,
    mut exchange: Exchange,
) -> Result<Response, FetchError> {
    // A server may answer and close before it has read the request: what it says counts
    let _ = stream.write_all(exchange.request()).await;
    let mut buffer = [0; READ_SIZE];
    loop {
        let result = match stream.read(&mut buffer).await {
            Ok(0) => exchange.handle_end(true).map(Some),
            Ok(len) => exchange.handle_input(&buffer[..len]),
            // TLS that ends without close_notify (RFC 8446 §6.1), or is reset once all is sent
            Err(error) if is_cut(error.kind()) => exchange.handle_end(false).map(Some),
            Err(error) => return Err(failure::fetch_error(&error)),
        };
        if let Some(mut response) = result.map_err(fetch_error)? {
            if response.status != 200 {
                response.body = exchange.begun().into();
            }
            return Ok(response);
        }
    }
}

/// Whether the stream ended, without saying so
fn is_cut(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof
    )
}

pub(crate) fn fetch_error(error: HttpError) -> FetchError {
    match error {
        HttpError::BodyTooLarge { limit } => FetchError::BodyTooLarge { limit },
        HttpError::HeadTooLarge { limit } => FetchError::HeadTooLarge { limit },
        HttpError::InvalidHost | HttpError::InvalidTarget | HttpError::InvalidUserAgent => {
            FetchError::InvalidRequest
        }
        HttpError::Malformed(reason) => FetchError::Malformed(reason),
        // An exchange is left once it is over
        HttpError::Finished | HttpError::Truncated => FetchError::ConnectionLost,
    }
}

/// A TLS record's worth (RFC 8446 §5.1) is read in four; most responses fit one
const READ_SIZE: usize = 4096;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::http::Ending;
    use crate::meter::Meter;

    #[test]
    fn a_whole_object_counts_however_the_stream_is_cut_and_no_other_error_ends_one() {
        let reply = "HTTP/1.1 200 OK\r\n\r\n{}";
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset] {
            let response = ask(reply, kind).unwrap();
            assert_eq!(
                (&response.body[..], response.ending),
                (&b"{}"[..], Ending::Cut)
            );
        }
        for (reply, kind) in [
            (reply, io::ErrorKind::InvalidData),
            ("HTTP/1.1 200 OK\r\n\r\n{", io::ErrorKind::UnexpectedEof),
            ("HTTP/1.1 200 OK\r\n\r\n{", io::ErrorKind::ConnectionReset),
            ("HTTP/1.1 200 OK\r\n", io::ErrorKind::UnexpectedEof),
        ] {
            assert_eq!(ask(reply, kind), Err(FetchError::ConnectionLost), "{kind}");
        }
    }

    #[test]
    fn a_response_counts_although_its_request_could_not_be_written() {
        let reply = "HTTP/1.1 403 Forbidden\r\n\r\n";
        let response = ask(reply, io::ErrorKind::ConnectionReset).unwrap();
        assert_eq!(response.status, 403);
    }

    #[test]
    fn of_a_refusal_the_beginning_of_its_body_is_kept() {
        let reply = "HTTP/1.1 403 Forbidden\r\n\r\n<title>Forbidden";
        let response = ask(reply, io::ErrorKind::ConnectionReset).unwrap();
        assert_eq!(response.body, b"<title>Forbidden");
    }

    #[test]
    fn a_request_that_cannot_be_sent_is_no_fault_of_the_response() {
        let mut stream = Tape::new([]);
        let result = now(get(&mut stream, "a", "no path", Limits::default()));
        assert_eq!(result, Err(FetchError::InvalidRequest));
    }

    /// What `get` makes of a reply after which the stream fails
    fn ask(reply: &'static str, then: io::ErrorKind) -> Result<Response, FetchError> {
        let mut stream = Tape::new([Ok(reply.as_bytes()), Err(then)]);
        now(get(&mut stream, "a", "/", Limits::default()))
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("a tape never waits"),
        }
    }

    /// Gives these, one a read; what is written is refused
    struct Tape {
        reads: VecDeque<Result<&'static [u8], io::ErrorKind>>,
        meter: Meter,
    }

    impl Tape {
        fn new(reads: impl Into<VecDeque<Result<&'static [u8], io::ErrorKind>>>) -> Self {
            Self {
                reads: reads.into(),
                meter: Meter::default(),
            }
        }
    }

    impl ByteStream for Tape {
        fn meter(&mut self) -> &mut Meter {
            &mut self.meter
        }

        async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let bytes = self.reads.pop_front().expect("the reply should decide")?;
            buffer[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        }

        async fn write_all(&mut self, _: &[u8]) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
}
