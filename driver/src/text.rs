//! Strangers' text, before a person sees it.

use std::ops::RangeInclusive;

/// Whether a terminal or a page obeys a character, or shows nothing for it, instead of showing it
///
/// Controls (general category Cc), the ends of lines and paragraphs (Zl, Zp), and all that has the property
/// `Default_Ignorable_Code_Point`: directions (Unicode TR 9), joiners, fillers, variation selectors, tags.
/// A text that has them may look like another text, or hide one.
///
/// ```
/// use fedway_driver::is_hidden;
///
/// assert!(is_hidden('\u{1b}') && is_hidden('\u{202e}'));
/// assert!(!is_hidden(' ') && !is_hidden('ä') && !is_hidden('例'));
/// ```
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control() || (!c.is_ascii() && HIDDEN.iter().any(|range| range.contains(&c)))
}

/// A stranger's text for people: every [hidden](is_hidden) character as U+FFFD, and what exceeds so many
/// characters as an ellipsis
///
/// ```
/// use fedway_driver::printable;
///
/// assert_eq!(printable("a\u{1b}[31mb", 100), "a\u{fffd}[31mb");
/// assert_eq!(printable("abc", 2), "ab…");
/// ```
#[must_use]
pub fn printable(text: &str, max: usize) -> String {
    let mut characters = text.chars();
    let plain = |c| {
        if is_hidden(c) {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    let mut printable: String = characters.by_ref().take(max).map(plain).collect();
    if characters.next().is_some() {
        printable.push('…');
    }
    printable
}

/// `Default_Ignorable_Code_Point` (Unicode 17, DerivedCoreProperties.txt), which has room for what is to
/// come; and Zl and Zp
const HIDDEN: [RangeInclusive<char>; 18] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{2029}', // Zl, Zp
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fff8}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

#[cfg(test)]
mod tests {
    use super::*;
    use icu_properties::props::{BidiControl, EnumeratedProperty as _};
    use icu_properties::props::{BinaryProperty as _, DefaultIgnorableCodePoint, GeneralCategory};

    #[test]
    fn hidden_is_what_unicode_says_is_a_control_an_end_of_a_line_a_direction_or_ignorable() {
        for c in '\0'..=char::MAX {
            let is_separator = matches!(
                GeneralCategory::for_char(c),
                GeneralCategory::Control
                    | GeneralCategory::LineSeparator
                    | GeneralCategory::ParagraphSeparator
            );
            let expected =
                is_separator || BidiControl::for_char(c) || DefaultIgnorableCodePoint::for_char(c);
            assert_eq!(is_hidden(c), expected, "{c:?}");
        }
    }

    #[test]
    fn a_text_is_cut_where_it_is_longer_in_characters_whatever_their_bytes() {
        for (text, expected) in [
            ("äbc", "äbc"),
            ("äbcd", "äbc…"),
            // Replacements are longer than what they replace
            ("\u{1b}\u{1b}\u{1b}", "\u{fffd}\u{fffd}\u{fffd}"),
            ("\u{1b}\u{1b}\u{1b}\u{1b}", "\u{fffd}\u{fffd}\u{fffd}…"),
            ("", ""),
        ] {
            assert_eq!(printable(text, 3), expected);
        }
    }
}
