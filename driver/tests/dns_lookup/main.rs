//! The machine of the DNS stub, in virtual time and without a socket.

#![allow(
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

mod absence;
mod aliases;
mod answers;
mod late;
mod memory;
mod query;
mod rig;
mod silence;
mod special;
mod strangers;
mod tries;
mod ways;
