//! What goes wrong with a GET, once there is a session

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::alert::AlertName;

/// A GET that brought no complete response
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum FetchError {
    /// The peer ended the session with this alert (RFC 8446 §6), by the registry's number
    ///
    /// In TLS 1.3 a server that asks for a client's certificate says so only after the handshake.
    #[error("peer sent alert {}", AlertName(*.0))]
    Alert(u8),
    /// The body is larger than allowed
    #[error("body larger than {limit} bytes")]
    BodyTooLarge {
        /// The limit, in bytes
        limit: usize,
    },
    /// The peer closed or reset the connection before the response was complete
    #[error("connection lost before the end of the response")]
    ConnectionLost,
    /// The head is larger than allowed
    #[error("headers larger than {limit} bytes")]
    HeadTooLarge {
        /// The limit, in bytes
        limit: usize,
    },
    /// The caller's host or path cannot stand in a request; nothing was sent
    #[error("request that cannot be sent")]
    InvalidRequest,
    /// The response is not HTTP/1.1 as RFC 9112 has it, or not what was asked for
    #[error("malformed response")]
    Malformed(#[source] MalformedResponse),
    /// The response was not complete in time
    #[error("no complete response in time")]
    TimedOut,
    /// The peer sent more, below TLS, than [`Limits::volume`](crate::Limits::volume) allows
    #[error("more than {limit} bytes in handshake and response")]
    TooMuchData {
        /// The limit, in bytes
        limit: usize,
    },
}

impl FetchError {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Alert(_) => "alert",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::ConnectionLost => "connection_lost",
            Self::HeadTooLarge { .. } => "head_too_large",
            Self::InvalidRequest => "invalid_request",
            Self::Malformed(_) => "malformed",
            Self::TimedOut => "timed_out",
            Self::TooMuchData { .. } => "too_much_data",
        }
    }

    /// Whose fault it is
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::InvalidRequest => Fault::Caller,
            Self::Alert(_)
            | Self::BodyTooLarge { .. }
            | Self::ConnectionLost
            | Self::HeadTooLarge { .. }
            | Self::Malformed(_)
            | Self::TimedOut
            | Self::TooMuchData { .. } => Fault::Peer,
        }
    }
}

/// The part of a response for which it was refused, and why
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    thiserror::Error,
    Serialize,
    Deserialize,
)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum MalformedResponse {
    /// A chunk size, an extension, a trailer or the line ends between them are not as RFC 9112 §7.1 has them
    #[error("chunk of the body without the size or line end due there")]
    Chunk,
    /// A content coding is applied to the body (RFC 9110 §8.4.1), although only `identity` was asked for
    #[error("content-encoding with a coding that was not asked for")]
    ContentCoding,
    /// Two values that differ (RFC 9110 §8.6)
    #[error("content-length given twice, with values that differ")]
    ContentLengthConflict,
    /// A line that some would read as `Content-Length` and others would not: folded, indented, with a blank before
    /// its colon, or with characters that no header may have
    #[error("content-length in a line that breaks the grammar of headers")]
    ContentLengthLine,
    /// A value that is no number
    #[error("content-length that is no number")]
    ContentLengthNumber,
    /// NUL, or a CR without its LF: "invalid and dangerous" (RFC 9110 §5.5)
    #[error("headers with NUL, or with CR without LF")]
    HeaderCharacter,
    /// The first bytes are not `HTTP/1.`
    #[error("first line of another protocol than HTTP/1")]
    NotHttp1,
    /// The rest of the first line is not as RFC 9112 §4 has it
    #[error("status line without the version or three digits due there")]
    StatusLine,
    /// 101, although no other protocol was asked for
    #[error("status 101, a switch of protocols that was not asked for")]
    SwitchedProtocols,
    /// Another transfer coding than `chunked`, or `chunked` twice
    #[error("transfer-encoding that is not chunked")]
    TransferCoding,
    /// `Transfer-Encoding` beside `Content-Length`: one of them lies (RFC 9112 §6.3)
    #[error("transfer-encoding beside content-length")]
    TransferEncodingBesideLength,
    /// `Transfer-Encoding` in HTTP/1.0, which has none (RFC 9112 §6.1)
    #[error("transfer-encoding in HTTP/1.0")]
    TransferEncodingInHttp10,
    /// A line that some would read as `Transfer-Encoding` and others would not, like
    /// [`ContentLengthLine`](Self::ContentLengthLine)
    #[error("transfer-encoding in a line that breaks the grammar of headers")]
    TransferEncodingLine,
}

impl MalformedResponse {
    /// The kind in one stable word, for machines
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chunk => "chunk",
            Self::ContentCoding => "content_coding",
            Self::ContentLengthConflict => "content_length_conflict",
            Self::ContentLengthLine => "content_length_line",
            Self::ContentLengthNumber => "content_length_number",
            Self::HeaderCharacter => "header_character",
            Self::NotHttp1 => "not_http1",
            Self::StatusLine => "status_line",
            Self::SwitchedProtocols => "switched_protocols",
            Self::TransferCoding => "transfer_coding",
            Self::TransferEncodingBesideLength => "transfer_encoding_beside_length",
            Self::TransferEncodingInHttp10 => "transfer_encoding_in_http10",
            Self::TransferEncodingLine => "transfer_encoding_line",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::connect::TlsError;
    use alloc::string::ToString;

    #[test]
    fn an_alert_is_told_by_the_name_that_the_registry_has_for_it() {
        for (alert, text) in [
            (40, "peer sent alert handshake_failure (40)"),
            (255, "peer sent alert 255"),
        ] {
            assert_eq!(TlsError::Alert(alert).to_string(), text);
            assert_eq!(FetchError::Alert(alert).to_string(), text);
        }
    }
}
