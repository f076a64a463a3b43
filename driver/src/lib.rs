//! Fedway.

pub mod http;
