//! What is known of a search that has ended.

use crate::answer::HttpAnswer;
use crate::found::{Destination, Notes};
use crate::name::ServerName;

/// What the words of a finding are made from
pub(super) struct Case<'a> {
    pub(super) name: &'a ServerName,
    pub(super) notes: &'a Notes,
    pub(super) destination: Option<&'a Destination>,
    pub(super) response: Option<&'a HttpAnswer>,
}
