//! The form of a value in a header or in the query.
//!
//! In: a value and its format. Out: a text of visible ASCII, in which a blank stands only inside
//! JSON; nothing if the format cannot write the value, or if the text would be empty. No value
//! ends a line or adds a parameter.

use std::{borrow::Cow, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::{
    config::ValueFormat,
    model::{is_visible, visible, visible_list},
};

/// The characters that `application/x-www-form-urlencoded` leaves as they are.
const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// The text of a value in a header.
pub(super) fn in_header(value: Cow<'_, Value>, format: ValueFormat) -> Option<String> {
    let text = match format {
        ValueFormat::Text => match value {
            Cow::Owned(Value::String(text)) if is_visible(&text) => text,
            value @ (Cow::Owned(_) | Cow::Borrowed(_)) => visible(&scalar(&value)?).into_owned(),
        },
        ValueFormat::List => {
            let items: Vec<String> = items(&value)?.map(Cow::into_owned).collect();
            visible_list(&items)
        }
        ValueFormat::Json => json(&value)?,
        ValueFormat::Base64url => base64url(&value)?,
    };
    (!text.is_empty()).then_some(text)
}

/// The text of a value in the query: decoded once, a text is itself, and a list is as in a header.
pub(super) fn in_query(value: &Value, format: ValueFormat) -> Option<String> {
    let encode = |text: &str| utf8_percent_encode(text, &ENCODED).to_string();
    let text = match format {
        ValueFormat::Text => encode(&scalar(value)?),
        ValueFormat::List => {
            let items: Vec<String> = items(value)?.map(Cow::into_owned).collect();
            encode(&visible_list(&items))
        }
        ValueFormat::Json => encode(&json(value)?),
        ValueFormat::Base64url => base64url(value)?,
    };
    (!text.is_empty()).then_some(text)
}

/// Every Envoy can remove a parameter that was sent under this name. Where it validates mutations it
/// refuses any other, those with an escape too.
pub(super) fn is_removable(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte))
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(word) => Some(Cow::Borrowed(if *word { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The items of a list, or the one text that stands for a list; nothing if one of them is no text.
fn items(value: &Value) -> Option<impl Iterator<Item = Cow<'_, str>>> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::String(_) | Value::Number(_) | Value::Bool(_) => std::slice::from_ref(value),
        Value::Null | Value::Object(_) => return None,
    };
    let texts: Option<Vec<_>> = items.iter().map(scalar).collect();
    texts.map(Vec::into_iter)
}

/// JSON in ASCII (RFC 8259 section 7), without blanks between its parts.
fn json(value: &Value) -> Option<String> {
    if value.is_null() {
        return None;
    }
    let text = serde_json::to_string(value).ok()?;
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Some(text);
    }
    let mut ascii = String::with_capacity(text.len() + 16);
    for sign in text.chars() {
        if (' '..='~').contains(&sign) {
            ascii.push(sign);
        } else {
            for unit in sign.encode_utf16(&mut [0; 2]) {
                // Writing to a text does not fail.
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    Some(ascii)
}

fn base64url(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(URL_SAFE_NO_PAD.encode(text)),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(URL_SAFE_NO_PAD.encode(json(value)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{Cow, URL_SAFE_NO_PAD, Value, ValueFormat, in_header, in_query};
    use base64::Engine as _;

    const FORMATS: [ValueFormat; 4] =
        [ValueFormat::Text, ValueFormat::List, ValueFormat::Json, ValueFormat::Base64url];

    #[test]
    fn a_value_has_its_form() {
        for (value, [text, list, json, base64url]) in [
            (json!("a b,%"), ["a%20b,%25", "a%20b%2C%25", "\"a b,%\"", "YSBiLCU"]),
            (json!(5), ["5", "5", "5", "NQ"]),
            (json!(-0.5), ["-0.5", "-0.5", "-0.5", "LTAuNQ"]),
            (json!(true), ["true", "true", "true", "dHJ1ZQ"]),
            (json!(["a", "b,c", 1]), ["", "a,b%2Cc,1", "[\"a\",\"b,c\",1]", "WyJhIiwiYixjIiwxXQ"]),
            (json!({"a": [1]}), ["", "", "{\"a\":[1]}", "eyJhIjpbMV19"]),
            (json!([["a"]]), ["", "", "[[\"a\"]]", "W1siYSJdXQ"]),
            (json!(null), ["", "", "", ""]),
            (json!(""), ["", "", "\"\"", ""]),
            (json!([]), ["", "", "[]", "W10"]),
            (
                json!("\r\nx: 1\0"),
                ["%0D%0Ax:%201%00", "%0D%0Ax:%201%00", "\"\\r\\nx: 1\\u0000\"", "DQp4OiAxAA"],
            ),
            (
                json!("\u{e9}\u{7f}\u{1f600}"),
                [
                    "%C3%A9%7F%F0%9F%98%80",
                    "%C3%A9%7F%F0%9F%98%80",
                    "\"\\u00e9\\u007f\\ud83d\\ude00\"",
                    "w6l_8J-YgA",
                ],
            ),
        ] {
            let expected = [text, list, json, base64url];
            for (format, expected) in FORMATS.into_iter().zip(expected) {
                for value in [Cow::Borrowed(&value), Cow::Owned(value.clone())] {
                    let got = in_header(value.clone(), format).unwrap_or_default();
                    assert_eq!(got, expected, "{value} {format:?}");
                }
            }
        }
        let hostile = json!("a&admin=1#x");
        assert_eq!(in_query(&hostile, ValueFormat::Text).unwrap(), "a%26admin%3D1%23x");
        assert_eq!(in_query(&json!(["a,b", "c"]), ValueFormat::List).unwrap(), "a%252Cb%2Cc");
        assert_eq!(in_query(&json!({"a": 1}), ValueFormat::Json).unwrap(), "%7B%22a%22%3A1%7D");
    }

    fn any_value() -> BoxedStrategy<Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 2.0)),
            any::<String>().prop_map(Value::from),
            "[\\r\\n\\x00 ,;&=#%\u{80}-\u{ff}]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
        .boxed()
    }

    proptest! {
        #[test]
        fn no_value_ends_a_line_and_each_can_be_read_back(value in any_value()) {
            for format in FORMATS {
                let Some(text) = in_header(Cow::Borrowed(&value), format) else { continue };
                prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", text);
                prop_assert!(!text.is_empty() && text.trim_ascii() == text);
                if format != ValueFormat::Json {
                    prop_assert!(!text.contains(' '), "{}", text);
                }
                let back = match format {
                    ValueFormat::Text => {
                        let text = percent_encoding::percent_decode_str(&text).decode_utf8().unwrap();
                        prop_assert_eq!(&text, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                        continue;
                    }
                    ValueFormat::List => continue,
                    ValueFormat::Json => text,
                    ValueFormat::Base64url => {
                        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
                        if let Value::String(own) = &value {
                            prop_assert_eq!(own.as_bytes(), &bytes);
                            continue;
                        }
                        String::from_utf8(bytes).unwrap()
                    }
                };
                prop_assert_eq!(serde_json::from_str::<Value>(&back).unwrap(), value.clone());
            }
        }

        #[test]
        fn no_value_adds_a_parameter(value in any_value()) {
            for format in FORMATS {
                let Some(text) = in_query(&value, format) else { continue };
                let good = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._%".contains(&byte);
                prop_assert!(text.bytes().all(good), "{}", text);
            }
        }
    }
}
