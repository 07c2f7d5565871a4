//! The text of a document that an issuer publishes: JSON in UTF-8, with or without a byte order
//! mark.

/// The byte order mark of UTF-8, as some editors and servers write it before JSON.
const MARK: char = '\u{feff}';
const MARK_BYTES: &[u8] = "\u{feff}".as_bytes();

/// The document is text in another encoding than UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not in UTF-8, as JSON has to be")]
pub struct OtherEncoding;

/// The bytes of a JSON document, without the byte order mark that a reader may ignore (RFC 8259
/// section 8.1).
///
/// # Errors
///
/// [`OtherEncoding`] for UTF-16 and UTF-32. Whether the bytes are UTF-8 is left to the parser.
pub fn json_text(document: &[u8]) -> Result<&[u8], OtherEncoding> {
    match document {
        // A mark of UTF-16 or UTF-32; or their first character, which is ASCII in JSON.
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, ..] | [_, 0, ..] => Err(OtherEncoding),
        text => Ok(text.strip_prefix(MARK_BYTES).unwrap_or(text)),
    }
}

/// A text without a byte order mark.
#[must_use]
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{OtherEncoding, json_text, without_mark};

    #[test]
    fn a_mark_of_utf8_is_left_out_and_other_encodings_are_told() {
        let (little, big): (Vec<u8>, Vec<u8>) = (
            "{}".encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "{}".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        );
        for (name, document, expected) in [
            ("plain", b"{}".to_vec(), Ok(&b"{}"[..])),
            ("nothing", Vec::new(), Ok(&b""[..])),
            ("a mark", b"\xef\xbb\xbf{}".to_vec(), Ok(&b"{}"[..])),
            ("a mark alone", b"\xef\xbb\xbf".to_vec(), Ok(&b""[..])),
            // A second one is text, and no JSON.
            ("two marks", b"\xef\xbb\xbf\xef\xbb\xbf{}".to_vec(), Ok(&b"\xef\xbb\xbf{}"[..])),
            ("UTF-16, little", [&[0xff, 0xfe], &little[..]].concat(), Err(OtherEncoding)),
            ("UTF-16, big", [&[0xfe, 0xff], &big[..]].concat(), Err(OtherEncoding)),
            ("UTF-16 without a mark, little", little, Err(OtherEncoding)),
            ("UTF-16 without a mark, big", big, Err(OtherEncoding)),
            ("UTF-32, little", b"\xff\xfe\0\0{\0\0\0".to_vec(), Err(OtherEncoding)),
            ("UTF-32, big", b"\0\0\xfe\xff\0\0\0{".to_vec(), Err(OtherEncoding)),
        ] {
            assert_eq!(json_text(&document), expected, "{name}");
        }
        assert_eq!(without_mark("\u{feff}{}"), "{}");
        assert_eq!(without_mark("{}"), "{}");
    }
}
