//! What goes wrong with the command itself, and its exit status.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use fedway_driver::printable;

/// What keeps the command from doing anything
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: ExitCode,
}

impl Failure {
    /// The command line asks for something that cannot be
    pub(crate) fn usage(message: impl Display) -> Self {
        Self {
            message: message.to_string(),
            code: ExitCode::from(USAGE),
        }
    }

    /// The machine lacks something that every name needs
    pub(crate) fn machine(message: impl Display) -> Self {
        Self {
            message: message.to_string(),
            code: ExitCode::FAILURE,
        }
    }

    /// The machine has no thread left to read or write on
    pub(crate) fn thread(error: io::Error) -> Self {
        Self::machine(format_args!("no thread to read or write on: {error}"))
    }
}

/// The exit status after all that was to be written has been, or could not be
///
/// A reader that has had enough, such as `head`, is told nothing; but what it did not wait for is not called good.
pub(crate) fn written(result: io::Result<()>, status: ExitCode) -> ExitCode {
    match result {
        Ok(()) => status,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            complain(&format!("standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// One line on standard error
pub(crate) fn complain(message: &str) {
    // Nobody is left to tell if standard error is gone
    let _ = writeln!(
        anstream::stderr(),
        "fedway: {}",
        printable(message, MAX_LINE)
    );
}

/// DESIGN §11: "2 usage"
pub(crate) const USAGE: u8 = 2;
/// In characters: a name may be as long as the system lets a command line be; our choice
const MAX_LINE: usize = 4_000;
