//! Proofs: the machine against a second reading of the text, in every order of events, and over real sockets.

#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests, their helpers included, and they tell how much they proved"
)]

mod end;
mod every_order;
mod oracle;
mod pool_orders;
#[rustfmt::skip]
mod pasted;
mod printed;
mod small;
mod sockets;
