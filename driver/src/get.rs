//! One GET over any byte stream.

use std::io;

use fedway_core::FetchError;

use crate::http::{Exchange, HttpError, Limits, Response};
use crate::io::ByteStream;
use crate::meter::TooMuchData;

/// Sends one GET and reads its response, without following redirects
///
/// Waits as long as the peer lets it: bound it with a timer.
///
/// # Errors
///
/// If the connection is lost, or the response is malformed or larger than allowed.
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
    let written = stream.write_all(exchange.request()).await;
    let mut buffer = [0; READ_SIZE];
    loop {
        let result = match stream.read(&mut buffer).await {
            Ok(0) => exchange.handle_end(true).map(Some),
            Ok(len) => exchange.handle_input(&buffer[..len]),
            // TLS that ends without close_notify (RFC 8446 §6.1)
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && written.is_ok() => {
                exchange.handle_end(false).map(Some)
            }
            Err(error) => {
                return Err(match TooMuchData::of(&error) {
                    Some(TooMuchData { limit }) => FetchError::TooMuchData { limit },
                    None => FetchError::ConnectionLost,
                });
            }
        };
        if let Some(response) = result.map_err(fetch_error)? {
            return Ok(response);
        }
    }
}

pub(crate) fn fetch_error(error: HttpError) -> FetchError {
    match error {
        HttpError::BodyTooLarge { limit } => FetchError::BodyTooLarge { limit },
        HttpError::HeadTooLarge { limit } => FetchError::HeadTooLarge { limit },
        HttpError::Truncated => FetchError::ConnectionLost,
        HttpError::Finished
        | HttpError::InvalidHost
        | HttpError::InvalidTarget
        | HttpError::InvalidUserAgent
        | HttpError::Malformed(_)
        | HttpError::UnexpectedUpgrade
        | HttpError::UnsupportedEncoding => FetchError::Malformed,
    }
}

/// A TLS record's worth (RFC 8446 §5.1) is read in four; most responses fit one
const READ_SIZE: usize = 4096;
