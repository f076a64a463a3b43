//! The loopback world, seen from outside: with blocking sockets and a rustls client.

#![allow(
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

mod client;
mod dns;
mod https;
mod places;
mod requests;
