//! What the targets that drive a machine share: arbitrary configurations, answers and DNS messages.
//!
//! Everything is drawn from the input in the order in which it is needed, so that what an answer is read as
//! depends on the question: no input is wasted on an answer of another kind. An input that has run out
//! gives zeros, and zeros fail: whatever is driven by them ends.

pub mod dns;
pub mod search;

use arbitrary::{Result, Unstructured};

/// One of these, by the next byte
pub fn one_of<'a, T: ?Sized>(u: &mut Unstructured<'_>, list: &[&'a T]) -> Result<&'a T> {
    Ok(list[usize::from(u.arbitrary::<u8>()?) % list.len()])
}

/// Up to 255 bytes
pub fn bytes<'a>(u: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let len = usize::from(u.arbitrary::<u8>()?).min(u.len());
    u.bytes(len)
}

/// Up to as many, by the next byte
pub fn up_to(u: &mut Unstructured<'_>, most: u8) -> Result<u8> {
    Ok(u.arbitrary::<u8>()? % (most + 1))
}
