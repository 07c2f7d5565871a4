//! A YAML document as plain JSON values with the line of every node.
//!
//! In: the text of a seed file. Out: its values, and the line of a JSON pointer, so that a
//! problem that is found later can name its line.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

/// A parsed document.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The values without their lines.
    pub(super) value: Value,
    /// The line of each node, from 1, by JSON pointer.
    lines: BTreeMap<String, u64>,
}

impl Document {
    /// Reads YAML.
    ///
    /// # Errors
    /// The line, where the parser knows it, and the message of a text that is no YAML.
    pub(super) fn parse(text: &str) -> Result<Self, (Option<u64>, String)> {
        let mut document = Self { value: Value::Object(Map::new()), lines: BTreeMap::new() };
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(document);
        }
        let root: Node = serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().map(|location| location.line());
            (line, first_line(&error.to_string()))
        })?;
        document.value = root.plain(&mut String::new(), &mut document.lines);
        Ok(document)
    }

    /// The line of the node at this JSON pointer, or of its nearest parent below the root.
    pub(super) fn line(&self, pointer: &str) -> Option<u64> {
        let mut pointer = pointer;
        while !pointer.is_empty() {
            if let Some(line) = self.lines.get(pointer) {
                return Some(*line);
            }
            pointer = pointer.rsplit_once('/').map(|(parent, _)| parent)?;
        }
        None
    }
}

/// One step of a JSON pointer (RFC 6901 section 3).
pub(super) fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// `/routes/0/auth` as people write it: `routes[0].auth`.
pub(super) fn readable(pointer: &str) -> String {
    let mut path = String::new();
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        if segment.bytes().all(|b| b.is_ascii_digit()) && !segment.is_empty() {
            path.push_str(&format!("[{segment}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&segment);
        }
    }
    path
}

/// The first line of a parser's error: it says what is wrong, the others quote the source. The
/// line number before it and the advice to programmers behind it are cut off.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = match line.strip_prefix("error: line ") {
        Some(rest) => rest.split_once(": ").map_or(line, |(_, text)| text),
        None => line,
    };
    line.split(", set DuplicateKeyPolicy").next().unwrap_or(line).to_owned()
}

struct Node {
    line: u64,
    value: Content,
}

enum Content {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(String, u64, Node)>),
}

impl Node {
    fn plain(self, pointer: &mut String, lines: &mut BTreeMap<String, u64>) -> Value {
        lines.entry(pointer.clone()).or_insert(self.line);
        let parent = pointer.len();
        match self.value {
            Content::Scalar(value) => value,
            Content::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    pointer.push_str(&format!("/{index}"));
                    list.push(item.plain(pointer, lines));
                    pointer.truncate(parent);
                }
                Value::Array(list)
            }
            Content::Map(entries) => {
                let mut map = Map::new();
                for (key, line, node) in entries {
                    pointer.push('/');
                    pointer.push_str(&escape(&key));
                    lines.insert(pointer.clone(), line);
                    map.insert(key, node.plain(pointer, lines));
                    pointer.truncate(parent);
                }
                Value::Object(map)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Content>::deserialize(deserializer)?;
        Ok(Self { line: spanned.referenced.line(), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

macro_rules! scalar {
    ($($name:ident: $kind:ty),+) => {
        $(fn $name<E>(self, value: $kind) -> Result<Content, E> {
            Ok(Content::Scalar(Value::from(value)))
        })+
    };
}

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    scalar!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some((key, node)) = entries.next_entry::<Spanned<String>, Node>()? {
            map.push((key.value, key.referenced.line(), node));
        }
        Ok(Content::Map(map))
    }
}
