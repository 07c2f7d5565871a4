//! JSON as a client sends it, read strictly: no member twice, no deep nesting, no more values than a
//! request needs.
//!
//! In: bytes. Out: a value, or what is wrong with them. `serde_json` refuses what RFC 8259 refuses:
//! invalid UTF-8, `NaN`, numbers beyond a double, anything after the value.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, error::Category};

use super::JsonFault;

/// The most levels of lists and objects. A level of `google.protobuf.Struct` is three of messages, and
/// protobuf libraries read a hundred of those.
const MAX_DEPTH: usize = 32;
/// The most values of one request, members and items counted alike. However short a value is in the
/// text, its message takes some hundred bytes of memory for a moment.
const MAX_VALUES: usize = 65_536;
/// The most characters of a client's own words in a message.
const SHOWN: usize = 64;

/// Reads one value.
///
/// # Errors
///
/// Fails with the place and the reason. Of the text, only the name of a member is repeated.
pub(super) fn read(text: &[u8]) -> Result<Value, JsonFault> {
    let state = State { left: Cell::new(MAX_VALUES), refused: Cell::new(None) };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = Strict { state: &state, depth: MAX_DEPTH }.deserialize(&mut reader);
    let read = read.and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        let why = state.refused.take().unwrap_or_else(|| match error.classify() {
            Category::Eof => "ends too early".to_owned(),
            Category::Io | Category::Syntax | Category::Data => "is not JSON (RFC 8259)".to_owned(),
        });
        let place = format!("the body, at line {} column {}", error.line(), error.column());
        JsonFault { field: String::new(), why: format!("{place}, {why}") }
    })
}

/// A name that a client wrote, as it may be repeated: short, and without control characters.
pub(super) fn shown(name: &str) -> String {
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    name.chars().take(SHOWN).map(printable).collect()
}

struct State {
    left: Cell<usize>,
    /// Why the text is refused, where it is JSON.
    refused: Cell<Option<String>>,
}

impl State {
    fn refuse<E: serde::de::Error>(&self, why: String) -> E {
        self.refused.set(Some(why));
        E::custom("refused")
    }
}

/// Reads one value that may have so many levels.
struct Strict<'a> {
    state: &'a State,
    depth: usize,
}

impl Strict<'_> {
    /// The reader of the values inside.
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..*self }),
            None => Err(self.state.refuse(format!("has more than {MAX_DEPTH} levels"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for &Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.state.left.get();
        if left == 0 {
            return Err(self.state.refuse(format!("has more than {MAX_VALUES} values")));
        }
        self.state.left.set(left - 1);
        deserializer.deserialize_any(self)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        (&self).deserialize(deserializer)
    }
}

macro_rules! plain {
    ($($visit:ident($kind:ty)),+) => {
        $(fn $visit<E>(self, value: $kind) -> Result<Value, E> {
            Ok(value.into())
        })+
    };
}

impl<'de> Visitor<'de> for &Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    plain!(
        visit_bool(bool),
        visit_u64(u64),
        visit_i64(i64),
        visit_f64(f64),
        visit_str(&str),
        visit_string(String)
    );

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(&inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let why = format!("the member `{}` stands twice", shown(&name));
                return Err(self.state.refuse(why));
            }
            let value = members.next_value_seed(&inner)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, MAX_VALUES, read};

    #[test]
    fn what_is_json_is_read() {
        let deep = format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        let many = format!("[{}1]", "1,".repeat(MAX_VALUES - 2));
        for text in
            ["{}", r#" {"a": [1, -2, 1e300, null, true, "\u00e9", {"a": {}}]} "#, &deep, &many]
        {
            let expected: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(read(text.as_bytes()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_refused_says_why_and_repeats_nothing_but_a_short_name() {
        let long = format!(r#"{{"{0}": 1, "{0}": 2}}"#, "n".repeat(5_000));
        let deep = "[".repeat(MAX_DEPTH + 1);
        let very_deep = "[".repeat(1_000_000);
        let many = format!("[{}1]", "1,".repeat(MAX_VALUES));
        for (name, text, expected) in [
            ("nothing", &b""[..], "ends too early"),
            ("cut off", br#"{"token": "a-secret"#, "ends too early"),
            ("no JSON", b"token=a-secret", "is not JSON"),
            ("not a number", br#"{"a": NaN}"#, "is not JSON"),
            ("infinity", br#"{"a": Infinity}"#, "is not JSON"),
            ("a number that is too large", br#"{"a": 1e999}"#, "is not JSON"),
            ("a zero before a number", br#"{"a": 01}"#, "is not JSON"),
            ("a comma at the end", br#"{"a": 1,}"#, "is not JSON"),
            ("a comment", b"{} // a-secret", "is not JSON"),
            ("two values", b"{}{}", "is not JSON"),
            ("invalid UTF-8", b"{\"a\": \"\xff\"}", "is not JSON"),
            ("half a pair", br#"{"a": "\ud800"}"#, "is not JSON"),
            ("a control character", b"{\"a\": \"\x01\"}", "is not JSON"),
            ("a mark of byte order", b"\xef\xbb\xbf{}", "is not JSON"),
            ("a member twice", br#"{"a": "a-secret", "a": 2}"#, "`a` stands twice"),
            ("a member twice by an escape", br#"{"a": 1, "\u0061": 2}"#, "`a` stands twice"),
            ("a member twice further in", br#"{"x": [{"a": 1, "a": 1}]}"#, "`a` stands twice"),
            ("a long member twice", long.as_bytes(), "stands twice"),
            ("too deep", deep.as_bytes(), "more than 32 levels"),
            ("far too deep", very_deep.as_bytes(), "more than 32 levels"),
            ("too many", many.as_bytes(), "more than 65536 values"),
        ] {
            let why = read(text).expect_err(name).why;
            assert!(why.contains(expected), "{name}: {why}");
            assert!(why.len() < 200 && !why.contains("a-secret"), "{name}: {why}");
        }
    }
}
