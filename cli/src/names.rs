//! The names to look at, from the command line and from a file.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use fedway_core::{ServerName, ServerNameError};

use crate::Failure;
use crate::args::SearchArgs;

/// A name as it was given, and what it parses to
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) parsed: Result<ServerName, ServerNameError>,
    /// Whether it stood on the command line, where a bad name is a usage error
    pub(crate) argument: bool,
}

/// All names, in their order
pub(crate) fn given(args: &SearchArgs) -> Result<Vec<Given>, Failure> {
    let mut names: Vec<_> = args
        .names
        .iter()
        .map(|name| Given::new(name, true))
        .collect();
    if let Some(path) = &args.input {
        let lines = read(path)
            .map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))?;
        names.extend(lines.iter().map(|line| Given::new(line, false)));
    }
    Ok(names)
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

/// One name a line; empty lines and lines that begin with `#` are passed over
fn read(path: &Path) -> io::Result<Vec<String>> {
    let reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path)?))
    };
    let mut names = Vec::new();
    for line in reader.split(b'\n') {
        // What is not UTF-8 is no server name, and is shown as far as it can be
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        let name = line.trim();
        if !name.is_empty() && !name.starts_with('#') {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
