//! JSON that strangers have a part in: written so that a terminal shows all of it, and read as it is.

use std::io;

use fedway_driver::is_hidden;
use serde::Serialize;
use serde::de::Error as _;
use serde_json::error::Error;
use serde_json::ser::Formatter;
use serde_json::value::RawValue;
use serde_json::{Deserializer, Serializer};

/// An object on a line of its own
///
/// Hidden characters stand there as `\u…` (RFC 8259 §7), so that a terminal shows them and a parser reads
/// the very same text.
pub(crate) fn line(object: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = Vec::new();
    object.serialize(&mut Serializer::with_formatter(&mut line, Visible))?;
    line.push(b'\n');
    Ok(line)
}

/// JSON as a stranger wrote it, but for the white space: numbers of any size, keys as often as they are there
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Foreign(Box<RawValue>);

impl Foreign {
    /// Reads what others will be able to read, too: no text that is no Unicode, no nesting without an end
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Error> {
        let text = serde_json::from_slice::<&RawValue>(body)?.get();
        RawValue::from_string(compact(text)?).map(Self)
    }

    pub(crate) fn is_object(&self) -> bool {
        self.as_str().starts_with('{')
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.get()
    }
}

/// Valid JSON without white space between its parts
fn compact(text: &str) -> Result<String, Error> {
    let mut compact = String::with_capacity(text.len());
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let mut len = 1;
        match first {
            b'"' => len = string_len(rest)?,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Error::custom("nested too deeply"));
        }
        let (part, others) = rest.split_at(len);
        // Outside of strings, all is ASCII
        if !part.trim_ascii().is_empty() {
            compact.push_str(part);
        }
        rest = others;
    }
    Ok(compact)
}

/// How many bytes the string literal takes that a text begins with
///
/// The grammar has room for halves of surrogate pairs, which no text can hold: decoding finds them.
fn string_len(text: &str) -> Result<usize, Error> {
    let mut values = Deserializer::from_str(text).into_iter::<String>();
    match values.next() {
        Some(Ok(_)) => Ok(values.byte_offset()),
        // Its position counts from the literal
        Some(Err(_)) | None => Err(Error::custom("a string that is no Unicode")),
    }
}

/// Compact, with every hidden character escaped
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| is_hidden(*c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + hidden.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    /// What is hidden in [`Foreign`] is so within its strings
    fn write_raw_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        self.write_string_fragment(writer, fragment)
    }
}

/// serde_json and others read 128 levels; room for the object around it; our choice
const MAX_DEPTH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written(object: &impl Serialize) -> String {
        String::from_utf8(line(object).unwrap()).unwrap()
    }

    #[test]
    fn every_hidden_character_is_escaped_and_every_character_comes_back() {
        let all: String = ('\0'..=char::MAX).collect();
        let line = written(&json!({ "all": all, all.as_str(): 1 }));
        let (line, end) = line.split_at(line.len() - 1);
        assert_eq!(end, "\n");
        assert_eq!(line.chars().find(|c| is_hidden(*c)), None);
        let back: Value = serde_json::from_str(line).unwrap();
        assert_eq!(back["all"], all);
        assert_eq!(back[&all], 1);
    }

    #[test]
    fn hidden_characters_are_escaped_as_utf_16() {
        assert_eq!(
            written(&"\u{7f}a\u{9b}\u{202e}\u{e0041}ä"),
            "\"\\u007fa\\u009b\\u202e\\udb40\\udc41ä\"\n"
        );
    }

    #[test]
    fn a_stranger_s_json_keeps_what_a_parser_would_change() {
        for (body, text) in [
            ("{\"a\":1, \"a\" :2}", "{\"a\":1,\"a\":2}"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            ("{\"n\":1.000,\"e\":1e999}", "{\"n\":1.000,\"e\":1e999}"),
            (" {\r\n\t\"a b\": [ ]\n}\n", "{\"a b\":[]}"),
            ("\"\\\" \\u0041\\\\\"", "\"\\\" \\u0041\\\\\""),
            ("\"\u{7f}\u{202e}\"", "\"\\u007f\\u202e\""),
        ] {
            let foreign = Foreign::parse(body.as_bytes()).unwrap();
            assert_eq!(written(&foreign), format!("{text}\n"));
        }
    }

    #[test]
    fn what_others_could_not_read_is_no_json_of_a_stranger() {
        let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Foreign::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        let deeper = nested(MAX_DEPTH + 1);
        for body in [
            deeper.as_bytes(),
            b"",
            b"{",
            b"{} {}",
            b"<html>",
            b"\"\xff\"",
            b"\"a\nb\"",
            b"\"\\ud800\"",
            b"{\"\\udc00\":1}",
        ] {
            assert!(Foreign::parse(body).is_err(), "{}", body.escape_ascii());
        }
    }
}
