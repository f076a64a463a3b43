//! The names to look at, from the command line, from a file, and from standard input as they come.

use std::fs::File;
use std::io::{self, BufRead, Cursor, Read as _};
use std::path::Path;
use std::thread;

use fedway_core::{ServerName, ServerNameError};
use futures_util::Stream;
use futures_util::future::Either;
use futures_util::stream::{self, StreamExt as _};
use smol::channel;

use crate::args::SearchArgs;
use crate::failure::Failure;

/// A name as it was given, and what it parses to
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) parsed: Result<ServerName, ServerNameError>,
    /// Whether it stood on the command line, where a bad name is a usage error
    pub(crate) argument: bool,
}

/// All names, in their order
pub(crate) struct Names<'a> {
    arguments: &'a [String],
    further: Further,
}

/// Where names come from besides the command line
enum Further {
    /// The whole of a file, every line of which has been read once
    File {
        content: Vec<u8>,
        count: usize,
    },
    Nowhere,
    /// Read while the first are being looked at
    StandardInput(channel::Receiver<Result<Given, String>>),
}

impl<'a> Names<'a> {
    pub(crate) fn new(args: &'a SearchArgs) -> Result<Self, Failure> {
        let further = match &args.input {
            None => Further::Nowhere,
            Some(path) if path == Path::new("-") => Further::StandardInput(standard_input()?),
            Some(path) => {
                let unreadable =
                    |error| Failure::usage(format_args!("{}: {error}", path.display()));
                let content = read(path).map_err(unreadable)?;
                let mut lines = Lines::new(Cursor::new(&content));
                let count = lines
                    .try_fold(0, |count, name| name.map(|_| count + 1))
                    .map_err(unreadable)?;
                Further::File { content, count }
            }
        };
        Ok(Self {
            arguments: &args.names,
            further,
        })
    }

    /// How many there are; `None` where they are still to come
    pub(crate) fn count(&self) -> Option<usize> {
        match self.further {
            Further::File { count, .. } => Some(self.arguments.len() + count),
            Further::Nowhere => Some(self.arguments.len()),
            Further::StandardInput(_) => None,
        }
    }

    /// Each as soon as it is there; an error where there will be no more, for this reason
    pub(crate) fn stream(&self) -> impl Stream<Item = Result<Given, String>> + '_ {
        let arguments = self.arguments.iter().map(|name| Ok(Given::new(name, true)));
        let further = match &self.further {
            Further::File { content, .. } => {
                Either::Left(stream::iter(lines(Cursor::new(content.as_slice()))))
            }
            Further::Nowhere => Either::Left(stream::iter(lines(Cursor::new(&[][..])))),
            Further::StandardInput(names) => Either::Right(names.clone()),
        };
        stream::iter(arguments).chain(further)
    }
}

impl Given {
    fn new(text: &str, argument: bool) -> Self {
        Self {
            text: text.into(),
            parsed: ServerName::parse(text),
            argument,
        }
    }
}

/// A whole file, unless it is larger than any list of names
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    // One byte more tells a file that is too large; a device may have no end
    File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE {
        return Err(io::Error::other("larger than 64 MiB"));
    }
    Ok(content)
}

/// Reads on a thread of its own: nothing else may wait for whoever writes
fn standard_input() -> Result<channel::Receiver<Result<Given, String>>, Failure> {
    // One name waits to be begun, the rest where they come from
    let (sender, receiver) = channel::bounded(1);
    thread::Builder::new()
        .spawn(move || {
            for name in lines(io::stdin().lock()) {
                let name = name.map_err(|error| format!("standard input: {error}"));
                if sender.send_blocking(name).is_err() {
                    return;
                }
            }
        })
        .map_err(Failure::thread)?;
    Ok(receiver)
}

fn lines<R: BufRead>(reader: R) -> impl Iterator<Item = Result<Given, String>> {
    Lines::new(reader).map(|name| match name {
        Ok(name) => Ok(Given::new(&name, false)),
        Err(error) => Err(error.to_string()),
    })
}

/// One name a line; empty lines and lines that begin with `#` are passed over, and so is a byte order mark
struct Lines<R> {
    /// `None` once there was an error
    reader: Option<R>,
    /// The number of the last line
    number: usize,
}

impl<R: BufRead> Lines<R> {
    fn new(reader: R) -> Self {
        Self {
            reader: Some(reader),
            number: 0,
        }
    }

    /// The next line without its end; `None` after the last
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(reader) = &mut self.reader else {
            return Ok(None);
        };
        let mut line = Vec::new();
        // One byte more than a line may have is either its end or too many
        let limit = MAX_LINE as u64 + 1;
        if reader.take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        line.pop_if(|last| *last == b'\n');
        if line.len() > MAX_LINE {
            let number = self.number;
            return Err(io::Error::other(format!(
                "line {number} is longer than 4 KiB"
            )));
        }
        Ok(Some(line))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.line() {
                Ok(line) => line?,
                Err(error) => {
                    self.reader = None;
                    return Some(Err(error));
                }
            };
            // What is not UTF-8 is no server name, and is shown as far as it can be
            let line = String::from_utf8_lossy(&line);
            let line = match self.number {
                1 => line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line),
                _ => &line,
            };
            let name = line.trim();
            if !name.is_empty() && !name.starts_with('#') {
                return Some(Ok(name.to_owned()));
            }
        }
    }
}

/// Some editors begin a file with it
const BYTE_ORDER_MARK: char = '\u{feff}';
/// In bytes; sixteen times the longest server name; our choice
const MAX_LINE: usize = 4 << 10;
/// In bytes; more than a million names; our choice
const MAX_FILE: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(content: &[u8]) -> Vec<Result<String, String>> {
        let lines = Lines::new(content);
        lines
            .map(|name| name.map_err(|error| error.to_string()))
            .collect()
    }

    #[test]
    fn a_byte_order_mark_counts_only_at_the_beginning() {
        assert_eq!(
            names("\u{feff}a.example\r\n\u{feff}b.example\r\n".as_bytes()),
            [Ok("a.example".into()), Ok("\u{feff}b.example".into())]
        );
        assert_eq!(names("\u{feff}# a comment\n".as_bytes()), []);
    }

    #[test]
    fn a_line_longer_than_4_kib_ends_the_list_with_its_number() {
        let longest = "a".repeat(MAX_LINE);
        for end in ["", "\n", "\n\nb"] {
            let content = format!("# a comment\n\n{longest}{end}");
            assert_eq!(names(content.as_bytes())[0], Ok(longest.clone()));
            let content = format!("# a comment\n\n{longest}a{end}");
            let too_long = Err("line 3 is longer than 4 KiB".into());
            assert_eq!(names(content.as_bytes()), [too_long]);
        }
    }
}
