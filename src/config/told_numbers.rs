//! The whole number that a text means where one belongs: in quotes, or with a unit of bytes.
//!
//! In: the text, and the schema of its setting. Out: the number to write instead, if it is sure.

use serde_json::Value;

/// The units of bytes, in small letters, with the bytes of each.
const UNITS: [(&str, u64); 12] = [
    ("b", 1),
    ("k", 1 << 10),
    ("ki", 1 << 10),
    ("kib", 1 << 10),
    ("kb", 1000),
    ("m", 1 << 20),
    ("mi", 1 << 20),
    ("mib", 1 << 20),
    ("mb", 1_000_000),
    ("g", 1 << 30),
    ("gi", 1 << 30),
    ("gib", 1 << 30),
];

/// The message about a text where a whole number belongs; `None`: nobody knows which one is meant.
pub(super) fn instead_of(text: &str, at: &Value) -> Option<String> {
    let (written, text) = (text, text.trim());
    if let Ok(number) = text.parse::<u64>() {
        return Some(if text.starts_with('+') {
            format!("`{text}` has a sign, and so is text; write {number}")
        } else if written != text {
            format!("`{text}` has blanks around it, and so is text; write {number}")
        } else {
            format!("`{text}` is text; write the whole number without quotes: {text}")
        });
    }
    let description = at.get("description").and_then(Value::as_str).unwrap_or_default();
    if !description.to_ascii_lowercase().contains("bytes") {
        return None;
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim().to_ascii_lowercase();
    let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number = number.parse::<u64>().ok()?.checked_mul(*bytes)?;
    Some(format!("`{text}` is text; write the number of bytes, {number}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::instead_of;

    #[test]
    fn a_number_in_quotes_or_with_a_unit_is_told_as_a_number() {
        let bytes = json!({ "description": "Bytes of memory." });
        let count = json!({ "description": "The most headers." });
        for (text, at, expected) in [
            ("40", &count, Some("without quotes: 40")),
            ("+200", &count, Some("has a sign, and so is text; write 200")),
            (" 40 ", &count, Some("blanks around it, and so is text; write 40")),
            ("64MiB", &bytes, Some("bytes, 67108864")),
            ("64 mb", &bytes, Some("bytes, 64000000")),
            ("1Gi", &bytes, Some("bytes, 1073741824")),
            ("64MiB", &count, None),
            ("many", &bytes, None),
            ("1.5M", &bytes, None),
            ("99999999999999999999G", &bytes, None),
            ("-1", &count, None),
        ] {
            let found = instead_of(text, at);
            assert_eq!(found.is_some(), expected.is_some(), "{text}: {found:?}");
            assert!(found.unwrap_or_default().ends_with(expected.unwrap_or_default()), "{text}");
        }
    }
}
