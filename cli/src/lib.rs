//! Fedway.
