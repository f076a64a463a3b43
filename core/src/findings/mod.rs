//! Findings: what an administrator should know, and change.

mod case;
mod catalog;
mod dead;
mod document;
mod finding;
mod judge;
mod target;
mod tls;
mod well_known;
mod who;

use alloc::vec::Vec;

pub use self::catalog::{Code, UnknownCode};
pub use self::finding::{Finding, Level};
pub(crate) use self::judge::judge;
use crate::found::{DiscoveryError, Found};
use crate::name::ServerName;

impl Found {
    /// What should be known of the way to the server of `name`, and changed
    #[must_use]
    pub fn findings(&self, name: &ServerName) -> Vec<Finding> {
        judge(name, Ok(self), None)
    }
}

impl DiscoveryError {
    /// Why the server of `name` was not found, and what should be changed: the cause first
    #[must_use]
    pub fn findings(&self, name: &ServerName) -> Vec<Finding> {
        judge(name, Err(self), None)
    }
}
