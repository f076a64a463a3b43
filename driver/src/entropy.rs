//! Random numbers of the operating system, fetched by the dozen.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Random numbers of the operating system, each given out once
///
/// A search and its look-ups want a handful each, and a call for every one costs as much as a datagram. None is
/// derived from another: who learns the query ids of one look-up learns nothing of the next (RFC 5452 §9.2), which
/// could not be said of what a small generator makes of one seed.
#[derive(Default)]
pub(crate) struct Entropy(Mutex<Vec<u64>>);

impl Entropy {
    /// A fresh number; `None` where the operating system has none
    pub(crate) fn draw(&self) -> Option<u64> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if left.is_empty() {
            let mut bytes = [0; AT_ONCE];
            getrandom::fill(&mut bytes).ok()?;
            let (numbers, _) = bytes.as_chunks();
            left.extend(numbers.iter().map(|number| u64::from_ne_bytes(*number)));
        }
        left.pop()
    }
}

/// Says nothing of what is to come
impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entropy").finish_non_exhaustive()
    }
}

/// What getrandom(2) gives without being interrupted
const AT_ONCE: usize = 256;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_number_is_given_out_twice() {
        let entropy = Entropy::default();
        let drawn: Vec<_> = (0..3 * AT_ONCE / 8)
            .map(|_| entropy.draw().unwrap())
            .collect();
        let distinct: BTreeSet<_> = drawn.iter().collect();
        assert_eq!(distinct.len(), drawn.len());
    }
}
