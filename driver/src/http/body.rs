//! Where the body of a response ends, and its chunks.

use core::mem;

use fedway_core::MalformedResponse;
use serde::de::IgnoredAny;

use super::head::{Allowance, Parsed};
use super::response::{HttpError, Response};

/// A response whose head has come
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) response: Response,
    pub(super) framing: Framing,
}

impl Body {
    /// A response whose body is not read, and what has come of that, where it can be told
    pub(super) fn begun(
        head: Parsed,
        input: &[u8],
        allowance: &mut Allowance,
    ) -> (Response, Vec<u8>) {
        let Ok(framing) = Framing::of(&head, allowance) else {
            return (head.response, Vec::new());
        };
        let response = head.response;
        let mut body = Self { response, framing };
        // Up to where it breaks off, or breaks the grammar
        let _ = body.read(input, allowance);
        let begun = mem::take(&mut body.response.body);
        (body.response, begun)
    }

    /// Takes `input` as far as the body goes; true once it is complete
    pub(super) fn read(
        &mut self,
        mut input: &[u8],
        allowance: &mut Allowance,
    ) -> Result<bool, HttpError> {
        let body = &mut self.response.body;
        match &mut self.framing {
            Framing::Chunked(chunk) => {
                while let Some((&byte, rest)) = input.split_first() {
                    match chunk {
                        Chunk::Data { left } => {
                            input = take_data(left, input, body);
                            if *left == 0 {
                                *chunk = Chunk::Between(Between::DataCr);
                            }
                        }
                        Chunk::Between(Between::EndLf) if byte == b'\n' => return Ok(true),
                        Chunk::Between(between) => {
                            input = rest;
                            *chunk = between.next(byte, body.len(), allowance)?;
                        }
                    }
                }
                Ok(false)
            }
            Framing::Length { left } => {
                take_data(left, input, body);
                Ok(*left == 0)
            }
            Framing::UntilEnd => {
                allowance.check_body(body.len().saturating_add(input.len()))?;
                body.extend_from_slice(input);
                Ok(false)
            }
        }
    }
}

/// How a body is delimited
#[derive(Clone, Debug)]
pub(super) enum Framing {
    Chunked(Chunk),
    Length { left: usize },
    UntilEnd,
}

impl Framing {
    /// RFC 9112 §6.3, for a 200 to a GET; what it leaves to the recipient is refused
    pub(super) fn of(head: &Parsed, allowance: &Allowance) -> Result<Self, HttpError> {
        use MalformedResponse as Reason;
        let response = &head.response;
        if let Some(fault) = head.framing_fault {
            return Err(HttpError::Malformed(fault));
        }
        if response.header_values("content-encoding").any(is_encoded) {
            return Err(HttpError::Malformed(Reason::ContentCoding));
        }
        let length = content_length(response)?;
        let mut codings = response.header_values("transfer-encoding");
        let Some(coding) = codings.next() else {
            let Some(left) = length else {
                return Ok(Self::UntilEnd);
            };
            allowance.check_body(left)?;
            return Ok(Self::Length { left });
        };
        if length.is_some() {
            return Err(HttpError::Malformed(Reason::TransferEncodingBesideLength));
        }
        if head.version == 0 {
            return Err(HttpError::Malformed(Reason::TransferEncodingInHttp10));
        }
        if codings.next().is_some() || !coding.eq_ignore_ascii_case(b"chunked") {
            return Err(HttpError::Malformed(Reason::TransferCoding));
        }
        Ok(Self::Chunked(Chunk::Between(Between::SIZE)))
    }
}

/// Whether a body is a JSON object to its last brace, so that nothing can be missing from it
///
/// Of the other values, a number may have been longer; servers of Matrix answer with objects.
pub(super) fn is_json_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// Whether a value of `Content-Encoding` names a coding; what names none says nothing of the body
fn is_encoded(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|coding| {
        // No coding has parameters, but some servers think so
        let name = coding.split(|byte| *byte == b';').next();
        let name = name.unwrap_or_default().trim_ascii();
        CODINGS.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// A place in a chunked body (RFC 9112 §7.1)
#[derive(Clone, Debug)]
pub(super) enum Chunk {
    Data { left: usize },
    Between(Between),
}

/// A place outside the data of chunks, named for what may come next
#[derive(Clone, Copy, Debug)]
pub(super) enum Between {
    DataCr,
    DataLf,
    EndLf,
    Extension {
        size: usize,
    },
    /// White space after the size, which some servers fill up to a fixed width
    Padding {
        size: usize,
    },
    Size {
        size: usize,
        digits: u8,
    },
    SizeLf {
        size: usize,
    },
    Trailer,
    TrailerLf,
    TrailerOrEnd,
}

impl Between {
    /// The start of a chunk
    const SIZE: Self = Self::Size { size: 0, digits: 0 };

    /// The place after `byte`, when `body_len` bytes of data have come
    fn next(
        self,
        byte: u8,
        body_len: usize,
        allowance: &mut Allowance,
    ) -> Result<Chunk, HttpError> {
        let next = match (self, byte) {
            (Self::DataCr, b'\r') => Self::DataLf,
            (Self::DataLf, b'\n') => Self::SIZE,
            (Self::Size { size, digits }, _)
                if byte.is_ascii_hexdigit() && digits < MAX_SIZE_DIGITS =>
            {
                let size = size.saturating_mul(16).saturating_add(hex_value(byte));
                allowance.check_body(body_len.saturating_add(size))?;
                let digits = digits + 1;
                Self::Size { size, digits }
            }
            (Self::Size { size, digits: 1.. } | Self::Padding { size }, b' ' | b'\t') => {
                allowance.take_head_byte()?;
                Self::Padding { size }
            }
            (Self::Size { size, digits: 1.. } | Self::Padding { size }, b';') => {
                allowance.take_head_byte()?;
                Self::Extension { size }
            }
            (
                Self::Size { size, digits: 1.. }
                | Self::Padding { size }
                | Self::Extension { size },
                b'\r',
            ) => Self::SizeLf { size },
            (Self::Extension { size }, _) if byte != b'\n' => {
                allowance.take_head_byte()?;
                Self::Extension { size }
            }
            (Self::SizeLf { size: 0 }, b'\n') => Self::TrailerOrEnd,
            (Self::SizeLf { size }, b'\n') => return Ok(Chunk::Data { left: size }),
            (Self::TrailerOrEnd, b'\r') => Self::EndLf,
            (Self::Trailer, b'\r') => Self::TrailerLf,
            (Self::TrailerOrEnd | Self::Trailer, _) if byte != b'\n' => {
                allowance.take_head_byte()?;
                Self::Trailer
            }
            (Self::TrailerLf, b'\n') => Self::TrailerOrEnd,
            _ => return Err(HttpError::Malformed(MalformedResponse::Chunk)),
        };
        Ok(Chunk::Between(next))
    }
}

/// The value of `Content-Length`, if there is one; a number too large to count is the largest
fn content_length(response: &Response) -> Result<Option<usize>, HttpError> {
    let mut length = None;
    // A list is what a repeated header becomes when something on the way joins it
    let values = response.header_values("content-length");
    for value in values.flat_map(|value| value.split(|byte| *byte == b',')) {
        let digits = str::from_utf8(value.trim_ascii())
            .ok()
            .filter(|value| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or(HttpError::Malformed(MalformedResponse::ContentLengthNumber))?;
        let value = digits.parse().unwrap_or(usize::MAX);
        if length.is_some_and(|length| length != value) {
            return Err(HttpError::Malformed(
                MalformedResponse::ContentLengthConflict,
            ));
        }
        length = Some(value);
    }
    Ok(length)
}

/// Moves at most `left` bytes of `input` to `body`; gives the rest of `input`
fn take_data<'a>(left: &mut usize, input: &'a [u8], body: &mut Vec<u8>) -> &'a [u8] {
    let (data, rest) = input.split_at(input.len().min(*left));
    *left -= data.len();
    body.extend_from_slice(data);
    rest
}

/// The value of an ASCII hexadecimal digit
fn hex_value(digit: u8) -> usize {
    usize::from(if digit.is_ascii_digit() {
        digit - b'0'
    } else {
        (digit | 0x20) - b'a' + 10
    })
}

/// The content codings that are registered with IANA, save `identity` (RFC 9110 §16.6.1; as of November 2026)
const CODINGS: [&[u8]; 12] = [
    b"aes128gcm",
    b"br",
    b"compress",
    b"dcb",
    b"dcz",
    b"deflate",
    b"exi",
    b"gzip",
    b"pack200-gzip",
    b"x-compress",
    b"x-gzip",
    b"zstd",
];
/// Digits of a chunk size, so that leading zeros end
const MAX_SIZE_DIGITS: u8 = 16;
