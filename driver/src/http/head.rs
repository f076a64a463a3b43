//! The status line and headers of a response.

use fedway_core::{Limits, MalformedResponse};
use httparse::{EMPTY_HEADER, ParserConfig, Status};

use super::response::{Ending, HttpError, Response};

/// The head of a response, parsed only once its blank line has come
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    bytes: Vec<u8>,
    /// Nothing but perhaps a CR has come since the last LF
    at_line_start: bool,
}

/// What a head says
#[derive(Clone, Debug)]
pub(super) struct Parsed {
    /// The response, its body still to come
    pub(super) response: Response,
    /// The minor version of HTTP/1
    pub(super) version: u8,
    /// A line about framing that is out of shape
    pub(super) framing_fault: Option<MalformedResponse>,
}

impl Head {
    /// Takes bytes from `input` up to the blank line; true once that has come
    pub(super) fn read(
        &mut self,
        input: &mut &[u8],
        allowance: &mut Allowance,
    ) -> Result<bool, HttpError> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            allowance.take_head_byte()?;
            if START
                .get(self.bytes.len())
                .is_some_and(|expected| byte != *expected)
            {
                return Err(HttpError::Malformed(MalformedResponse::NotHttp1));
            }
            self.bytes.push(byte);
            match byte {
                b'\n' if self.at_line_start => return Ok(true),
                b'\n' => self.at_line_start = true,
                // A CR without its LF is left for `parse` to refuse
                b'\r' => {}
                _ => self.at_line_start = false,
            }
        }
        Ok(false)
    }

    /// Reads what has come
    pub(super) fn parse(&self) -> Result<Parsed, HttpError> {
        use MalformedResponse as Reason;
        // As many as there are lines, which the limit of the head bounds
        let lines = self.bytes.iter().filter(|byte| **byte == b'\n').count();
        let mut headers = vec![EMPTY_HEADER; lines];
        let mut head = httparse::Response::new(&mut headers);
        match parser().parse_response(&mut head, &self.bytes) {
            Ok(Status::Complete(len)) if len == self.bytes.len() => {}
            Err(httparse::Error::Status | httparse::Error::Version) => {
                return Err(HttpError::Malformed(Reason::StatusLine));
            }
            // Whatever else is wrong with a line, the parser passes it over
            Ok(_) | Err(_) => return Err(HttpError::Malformed(Reason::HeaderCharacter)),
        }
        let (Some(status @ 100..), Some(version)) = (head.code, head.version) else {
            return Err(HttpError::Malformed(Reason::StatusLine));
        };
        if status == SWITCHING_PROTOCOLS {
            return Err(HttpError::Malformed(Reason::SwitchedProtocols));
        }
        let header = |header: &httparse::Header<'_>| {
            (header.name.to_ascii_lowercase(), unfold(header.value))
        };
        let response = Response {
            status,
            headers: head.headers.iter().map(header).collect(),
            body: Vec::new(),
            ending: Ending::Framed,
        };
        Ok(Parsed {
            response,
            version,
            framing_fault: framing_fault(&self.bytes),
        })
    }
}

/// What the peer may still send
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    limits: Limits,
    /// What is left of [`Limits::head`]
    head_left: usize,
}

impl Allowance {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            head_left: limits.head,
        }
    }

    pub(super) fn take_head_byte(&mut self) -> Result<(), HttpError> {
        let limit = self.limits.head;
        self.head_left = self
            .head_left
            .checked_sub(1)
            .ok_or(HttpError::HeadTooLarge { limit })?;
        Ok(())
    }

    pub(super) fn check_body(&self, len: usize) -> Result<(), HttpError> {
        let limit = self.limits.body;
        if len > limit {
            return Err(HttpError::BodyTooLarge { limit });
        }
        Ok(())
    }
}

/// Lenient with all headers: those about framing are looked at apart
fn parser() -> ParserConfig {
    let mut config = ParserConfig::default();
    config
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    config
}

/// Replaces "each received obs-fold with one or more SP" (RFC 9112 §5.2), and drops blanks around the value
fn unfold(value: &[u8]) -> Vec<u8> {
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(&b' ')
}

/// The first line that names a header about framing without being that header by the strict grammar
///
/// What reads such a line leniently, and what passes it over, see bodies of different lengths.
fn framing_fault(head: &[u8]) -> Option<MalformedResponse> {
    let is_indented = |line: &[u8]| line.starts_with(b" ") || line.starts_with(b"\t");
    let mut lines = head.split(|byte| *byte == b'\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        let colon = line.iter().position(|byte| *byte == b':');
        // A list of header names may be folded; nobody takes its second line for a header
        if is_indented(line) && colon.is_none() {
            continue;
        }
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let is_folded = lines.peek().is_some_and(|next| is_indented(next));
        let is_strict =
            colon.is_some() && !is_folded && value.iter().copied().all(is_field_character);
        for (header, fault) in FRAMING {
            let is_header = |word: &[u8]| word.eq_ignore_ascii_case(header);
            let is_named = name.split(|byte| !is_token_character(*byte)).any(is_header);
            if is_named && !(is_strict && is_header(name)) {
                return Some(fault);
            }
        }
    }
    None
}

/// `tchar` (RFC 9110 §5.6.2)
fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What a field value is made of (RFC 9110 §5.5), and the CR of its line end
fn is_field_character(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\r' | b' '..=b'~' | 0x80..)
}

/// What a response starts with (RFC 9112 §4); other protocols differ before their line ends
const START: &[u8] = b"HTTP/1.";

/// The headers that say where a body ends (RFC 9112 §6), and what is said of those that are out of shape
const FRAMING: [(&[u8], MalformedResponse); 2] = [
    (b"content-length", MalformedResponse::ContentLengthLine),
    (
        b"transfer-encoding",
        MalformedResponse::TransferEncodingLine,
    ),
];

/// RFC 9110 §15.2.2
const SWITCHING_PROTOCOLS: u16 = 101;
