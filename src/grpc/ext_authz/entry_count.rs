//! How many headers and other entries a check brings, counted before it is decoded.
//!
//! An entry takes two bytes of a message and a hundred of memory, so a message of a few MiB could
//! take a hundred times as much. Only large messages are looked at; an ordinary check is small.

use bytes::Buf as _;
use prost::encoding::{WireType, decode_key, decode_varint};

/// Bytes: a message up to this size cannot hold too many entries.
const LARGE: usize = 32 << 10;
/// The most entries of a message: more than a configuration can allow (`check.max_headers`, twice,
/// because both forms of the headers may come, and the settings of a route).
const MAX_ENTRIES: usize = 32 << 10;

/// The messages on the way to the entries.
#[derive(Debug, Clone, Copy)]
enum CheckPart {
    Check,
    Attributes,
    Request,
    Http,
    HeaderMap,
}

/// The content of a field of such a message.
enum Field {
    Part(CheckPart),
    Entry,
    Other,
}

impl CheckPart {
    /// By the numbers in `proto/envoy`.
    const fn field(self, number: u32) -> Field {
        match (self, number) {
            (Self::Check, 1) => Field::Part(Self::Attributes),
            (Self::Attributes, 4) => Field::Part(Self::Request),
            (Self::Request, 2) => Field::Part(Self::Http),
            (Self::Http, 13) => Field::Part(Self::HeaderMap),
            (Self::Attributes, 10) | (Self::Http, 3) | (Self::HeaderMap, 1) => Field::Entry,
            _ => Field::Other,
        }
    }
}

/// Why a message is not decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EntryError {
    /// The message has too many entries.
    TooMany,
    /// The bytes are no message.
    Malformed,
}

/// Counts the entries of a message that is large.
///
/// # Errors
///
/// [`EntryError`], if it has too many entries or cannot be read.
pub(super) fn check_entry_count(message: &[u8]) -> Result<(), EntryError> {
    if message.len() <= LARGE {
        return Ok(());
    }
    count(message, CheckPart::Check, &mut 0)
}

fn count(mut message: &[u8], part: CheckPart, entries: &mut usize) -> Result<(), EntryError> {
    while !message.is_empty() {
        let (number, kind) = decode_key(&mut message).map_err(|_| EntryError::Malformed)?;
        let length = match kind {
            WireType::Varint => {
                decode_varint(&mut message).map(|_| 0).map_err(|_| EntryError::Malformed)?
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => {
                decode_varint(&mut message).map_err(|_| EntryError::Malformed)?
            }
            // Protobuf no longer has groups, and one could hide the entries after it.
            WireType::StartGroup | WireType::EndGroup => return Err(EntryError::Malformed),
        };
        let length = usize::try_from(length).map_err(|_| EntryError::Malformed)?;
        let inner = message.get(..length).ok_or(EntryError::Malformed)?;
        match part.field(number) {
            Field::Part(part) if kind == WireType::LengthDelimited => count(inner, part, entries)?,
            Field::Entry => {
                *entries += 1;
                if *entries > MAX_ENTRIES {
                    return Err(EntryError::TooMany);
                }
            }
            _ => {}
        }
        message.advance(length);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{EntryError, LARGE, check_entry_count};

    /// A field around these bytes.
    fn around(number: u8, inner: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        prost::encoding::encode_varint(u64::from(number) << 3 | 2, &mut out);
        prost::encoding::encode_varint(inner.len() as u64, &mut out);
        out.extend_from_slice(inner);
        out
    }

    fn http(fields: &[u8]) -> Vec<u8> {
        around(1, &around(4, &around(2, fields)))
    }

    #[test]
    fn entries_are_counted_wherever_they_stand() {
        let many = |entry: &[u8]| entry.repeat(40_000);
        let empty = |number| many(&around(number, b""));
        for (name, message) in [
            ("the joined form", http(&empty(3))),
            ("the raw form", http(&around(13, &empty(1)))),
            ("in many maps", http(&many(&around(13, &around(1, b""))))),
            ("settings of the route", around(1, &empty(10))),
            ("in many messages", many(&http(&around(3, b"")))),
        ] {
            assert_eq!(check_entry_count(&message), Err(EntryError::TooMany), "{name}");
        }
        let few = around(3, b"abc").repeat(20_000);
        assert_eq!(check_entry_count(&http(&few)), Ok(()), "few enough");
        assert_eq!(
            check_entry_count(&http(&around(4, &[b'a'; 1 << 20]))),
            Ok(()),
            "one long field"
        );
        assert_eq!(check_entry_count(&empty(9)), Ok(()), "what is skipped unread");
    }

    #[test]
    fn large_bytes_that_are_no_message_are_malformed() {
        for bytes in [
            vec![0xff; LARGE + 1],
            b"\x0b".repeat(LARGE + 1),
            around(1, &[0; LARGE])[..LARGE + 1].to_vec(),
        ] {
            assert_eq!(check_entry_count(&bytes), Err(EntryError::Malformed));
        }
        assert_eq!(check_entry_count(b"\xff\xff"), Ok(()), "small: for the decoder to judge");
    }
}
