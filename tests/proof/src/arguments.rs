//! What a bench is told on its command line.

use std::env;
use std::fmt::Debug;
use std::str::FromStr;

/// The value after a word such as `--days`, if it is there
///
/// # Panics
///
/// If it cannot be read: a bench is run by hand.
#[must_use]
pub fn value<T: FromStr<Err: Debug>>(word: &str) -> Option<T> {
    let text = env::args().skip_while(|argument| argument != word).nth(1)?;
    Some(text.parse().expect("a number"))
}

/// Whether it is run by `cargo bench`, and not only to show that it runs
#[must_use]
pub fn is_judged() -> bool {
    env::args().any(|argument| argument == "--bench")
}
