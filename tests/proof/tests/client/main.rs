//! The HTTP client against servers on the loopback device: whom a request is for, and which connection it takes.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod failures;
mod kept;
mod names;
mod reqwest;
mod rig;
