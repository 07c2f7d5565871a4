//! Text that others wrote, on its way into a header, a log line, dynamic metadata or an error.
//!
//! One rule for all of them: visible ASCII passes, everything else and `%` is percent-encoded as
//! UTF-8 (RFC 3986 section 2.1). So no value ends a line, hides characters or changes the direction
//! of what stands behind it, and `percent-decode` gives back the original.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// All but visible ASCII, and the sign of the encoding itself.
const UNSAFE: AsciiSet = CONTROLS.add(b' ').add(b'%');
/// In a list, also the sign between its items.
const UNSAFE_ITEM: AsciiSet = UNSAFE.add(b',');

/// A value on one line of visible ASCII; borrowed where it is that already.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_visible(text) { Cow::Borrowed(text) } else { utf8_percent_encode(text, &UNSAFE).into() }
}

/// The text is one line of visible ASCII without `%`: it stands for itself.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    // Without an early end: nearly every text is.
    text.bytes().fold(true, |good, byte| good & byte.is_ascii_graphic() & (byte != b'%'))
}

/// Items with `,` between them; a comma inside an item is encoded.
#[must_use]
pub fn visible_list(items: &[String]) -> String {
    let item = |item: &String| utf8_percent_encode(item, &UNSAFE_ITEM).to_string();
    items.iter().map(item).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::{is_visible, visible, visible_list};
    use proptest::prelude::*;

    #[test]
    fn what_is_not_visible_is_encoded() {
        for (text, expected) in [
            ("auth0|abc:+/=,\"", "auth0|abc:+/=,\""),
            ("a b%", "a%20b%25"),
            ("a\r\nx-evil: 1\0", "a%0D%0Ax-evil:%201%00"),
            ("\u{7f}\u{85}\u{a0}", "%7F%C2%85%C2%A0"),
            ("\u{2028}\u{202e}\u{200b}", "%E2%80%A8%E2%80%AE%E2%80%8B"),
            ("", ""),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
            assert_eq!(is_visible(text), text == expected, "{text:?}");
        }
        assert_eq!(visible_list(&["a,b".to_owned(), "c d".to_owned()]), "a%2Cb,c%20d");
    }

    proptest! {
        #[test]
        fn every_text_becomes_visible_ascii_and_can_be_read_back(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()));
            let back = percent_encoding::percent_decode_str(&shown).decode_utf8().unwrap();
            prop_assert_eq!(back, text.as_str());
        }
    }
}
