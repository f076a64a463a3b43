//! An error and its causes on one line

use core::fmt;

/// An error and its sources on one line, `: ` between them
///
/// A message says one thing, and its cause is in [`source`](core::error::Error::source), where those look who print
/// chains themselves. Everybody else prints any error with this; a [`DiscoveryError`](crate::DiscoveryError) says the
/// same of itself with `{:#}`. (The others do not: their messages are derived, and what derives them passes no flags on.)
///
/// ```
/// use fedway_core::{AttemptError, Chain, ConnectError};
///
/// let error = AttemptError::Connect(ConnectError::Refused);
/// assert_eq!(error.to_string(), "connection failed");
/// assert_eq!(Chain(&error).to_string(), "connection failed: connection refused");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(pub &'a dyn core::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_chain(self.0, f)
    }
}

/// Writes an error and its sources on one line, `: ` between them; see [`Chain`]
pub fn write_chain(error: &dyn core::error::Error, f: &mut dyn fmt::Write) -> fmt::Result {
    write!(f, "{error}")?;
    let mut source = error.source();
    while let Some(cause) = source {
        write!(f, ": {cause}")?;
        source = cause.source();
    }
    Ok(())
}
