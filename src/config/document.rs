//! A YAML document as plain JSON values, with the place of every node, so that a problem
//! found later can still name file and line.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::{schema_path::setting_at, yaml_error::UnreadableYaml, yaml_tag};

/// The most levels of maps and lists in each other; the deepest configuration has 24.
const MAX_DEPTH: usize = 40;

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WrittenAt {
    /// A line of the file and a column in it, both from 1.
    Line { line: u64, column: u64 },
    /// An environment variable.
    Variable(String),
}

/// The document and its places by JSON pointer.
#[derive(Debug, Default)]
pub(super) struct YamlDocument {
    /// The values.
    pub(super) value: Value,
    places: BTreeMap<String, WrittenAt>,
    /// The numbers, truth values and the like as they stand in the file, by JSON pointer: `0660` and
    /// `yes` are read as other texts.
    spelled: BTreeMap<String, String>,
    /// Something was read, so that a setting which is not written has a file to be written in.
    is_of_a_file: bool,
}

impl YamlDocument {
    /// Reads YAML.
    ///
    /// # Errors
    ///
    /// The place, where it is known, and the message.
    pub(super) fn parse(text: &str) -> Result<Self, UnreadableYaml> {
        let mut document = Self { value: Value::Object(Map::new()), ..Self::default() };
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(document);
        }
        // A reader calls itself for each level: a file must not overflow the stack of a thread.
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
            reject_unsupported_tags: true,
        };
        let root: Node = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| UnreadableYaml::of(&error, text))?;
        if let Some(place) = root.foreign_tag(text) {
            return Err(place);
        }
        document.is_of_a_file = true;
        root.spelled(text, &mut String::new(), &mut document.spelled);
        document.value = root.plain(&mut String::new(), &mut document.places);
        Ok(document)
    }

    /// A value that is no text, as it stands in the file.
    pub(super) fn spelled(&self, pointer: &str) -> Option<&str> {
        self.spelled.get(pointer).map(String::as_str)
    }

    /// The document as it stands so many lines further down in a file.
    pub(super) fn moved_down(mut self, lines: u64) -> Self {
        for place in self.places.values_mut() {
            if let WrittenAt::Line { line, .. } = place {
                *line = line.saturating_add(lines);
            }
        }
        self
    }

    /// Where the node at this JSON pointer, or its nearest ancestor below the root, was written.
    pub(super) fn place(&self, pointer: &str) -> Option<&WrittenAt> {
        let mut pointer = pointer;
        while !pointer.is_empty() {
            if let Some(place) = self.places.get(pointer) {
                return Some(place);
            }
            pointer = pointer.rsplit_once('/').map(|(parent, _)| parent)?;
        }
        None
    }

    /// Line and column of that place, to sort by; what has none comes last.
    pub(super) fn order(&self, pointer: &str) -> (u64, u64) {
        match self.place(pointer) {
            Some(WrittenAt::Line { line, column }) => (*line, *column),
            Some(WrittenAt::Variable(_)) | None => (u64::MAX, 0),
        }
    }

    /// The places without the values, which may be secrets.
    pub(super) fn places_alone(&self) -> Self {
        let (places, is_of_a_file) = (self.places.clone(), self.is_of_a_file);
        Self { value: Value::Null, places, spelled: BTreeMap::new(), is_of_a_file }
    }

    /// Whether a file was read.
    pub(super) const fn is_of_a_file(&self) -> bool {
        self.is_of_a_file
    }

    /// Whether the setting at this JSON pointer is written, in the file or as a variable.
    pub(super) fn is_written(&self, pointer: &str) -> bool {
        self.places.contains_key(pointer)
    }

    /// Says that the setting at this JSON pointer was written by a variable.
    pub(super) fn note_variable(&mut self, pointer: String, variable: String) {
        self.places.insert(pointer, WrittenAt::Variable(variable));
    }

    /// Sets the value at a path, making the maps and lists on the way that the schema says.
    ///
    /// # Errors
    ///
    /// The path crosses a plain value, or leaves out an entry of a list.
    pub(super) fn set(
        &mut self,
        path: &[String],
        value: Value,
        place: &WrittenAt,
        schema: &Value,
    ) -> Result<(), String> {
        let before = (self.value.clone(), self.places.clone());
        let outcome = self.set_below(path, value, place, schema);
        if outcome.is_err() {
            // A list that was made on the way would be a problem of its own.
            (self.value, self.places) = before;
        }
        outcome
    }

    fn set_below(
        &mut self,
        path: &[String],
        value: Value,
        place: &WrittenAt,
        schema: &Value,
    ) -> Result<(), String> {
        let mut pointer = String::new();
        let mut node = &mut self.value;
        for (depth, segment) in path.iter().enumerate() {
            pointer.push('/');
            pointer.push_str(&escape(segment));
            let is_list = setting_at(schema, path.get(..depth).unwrap_or_default())
                .is_some_and(|setting| setting.get("items").is_some());
            node = descend(node, segment, is_list)?;
            self.places.entry(pointer.clone()).or_insert_with(|| place.clone());
        }
        *node = value;
        // The settings below it are replaced as well.
        let below = format!("{pointer}/");
        self.places.retain(|known, _| !known.starts_with(&below));
        self.spelled.retain(|known, _| *known != pointer && !known.starts_with(&below));
        self.places.insert(pointer, place.clone());
        Ok(())
    }
}

fn descend<'a>(node: &'a mut Value, segment: &str, is_list: bool) -> Result<&'a mut Value, String> {
    if node.is_null() {
        *node = if is_list { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    match node {
        Value::Object(map) => Ok(map.entry(segment).or_insert(Value::Null)),
        Value::Array(items) => {
            let length = items.len();
            if let Ok(index) = segment.parse::<usize>()
                && index.to_string() != *segment
            {
                return Err(format!(
                    "`{segment}` is not how an entry of a list is numbered; write {index}"
                ));
            }
            let index = segment.parse().ok().filter(|index: &usize| *index <= length);
            if index == Some(length) {
                items.push(Value::Null);
            }
            index.and_then(|index| items.get_mut(index)).ok_or_else(|| {
                format!(
                    "`{segment}` is no entry of the list, which has {length} so far; entries are \
                     numbered from 0 without gaps, so write {length} for the next one"
                )
            })
        }
        _ => Err(format!("`{segment}` lies below a plain value")),
    }
}

/// One step of a JSON pointer (RFC 6901 section 3).
pub(super) fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// `/routes/0/auth` as people write it: `routes[0].auth`.
#[must_use]
pub fn readable(pointer: &str) -> String {
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

struct Node {
    place: (u64, u64),
    /// Offset and length in bytes, of a scalar.
    bytes: Option<(u64, u64)>,
    value: Content,
}

/// Line and column of a place.
fn place_of(location: serde_saphyr::Location) -> (u64, u64) {
    (location.line(), location.column())
}

enum Content {
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<(String, (u64, u64), Node)>),
}

impl Node {
    /// The first tag before a scalar that means nothing here, and that the parser lets pass.
    fn foreign_tag(&self, text: &str) -> Option<UnreadableYaml> {
        match &self.value {
            Content::Scalar(_) => {
                let start = usize::try_from(self.bytes?.0).ok()?;
                let message = yaml_tag::problem(yaml_tag::foreign_tag(text, start)?);
                Some(UnreadableYaml { place: Some(self.place), message })
            }
            Content::List(items) => items.iter().find_map(|item| item.foreign_tag(text)),
            Content::Map(entries) => entries.iter().find_map(|(_, _, node)| node.foreign_tag(text)),
        }
    }

    /// Collects the scalars that are no texts, as they are written.
    fn spelled(&self, text: &str, pointer: &mut String, found: &mut BTreeMap<String, String>) {
        let parent = pointer.len();
        match &self.value {
            Content::Scalar(Value::Bool(_) | Value::Number(_)) => {
                let written = self.bytes.and_then(|(offset, length)| {
                    let start = usize::try_from(offset).ok()?;
                    let end = start.checked_add(usize::try_from(length).ok()?)?;
                    text.get(start..end)
                });
                let written = written.map(str::trim).filter(|text| !text.is_empty());
                found.extend(written.map(|written| (pointer.clone(), written.to_owned())));
            }
            Content::Scalar(_) => {}
            Content::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    pointer.push_str(&format!("/{index}"));
                    item.spelled(text, pointer, found);
                    pointer.truncate(parent);
                }
            }
            Content::Map(entries) => {
                for (key, _, node) in entries {
                    pointer.push('/');
                    pointer.push_str(&escape(key));
                    node.spelled(text, pointer, found);
                    pointer.truncate(parent);
                }
            }
        }
    }

    fn plain(self, pointer: &mut String, places: &mut BTreeMap<String, WrittenAt>) -> Value {
        let (line, column) = self.place;
        places.entry(pointer.clone()).or_insert(WrittenAt::Line { line, column });
        let parent = pointer.len();
        match self.value {
            Content::Scalar(value) => value,
            Content::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    pointer.push_str(&format!("/{index}"));
                    list.push(item.plain(pointer, places));
                    pointer.truncate(parent);
                }
                Value::Array(list)
            }
            Content::Map(entries) => {
                let mut map = Map::new();
                for (key, (line, column), node) in entries {
                    pointer.push('/');
                    pointer.push_str(&escape(&key));
                    places.insert(pointer.clone(), WrittenAt::Line { line, column });
                    map.insert(key, node.plain(pointer, places));
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
        let bytes = spanned.defined.span();
        let bytes = bytes.byte_offset().zip(bytes.byte_len());
        Ok(Self { place: place_of(spanned.referenced), bytes, value: spanned.value })
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
            map.push((key.value, place_of(key.referenced), node));
        }
        Ok(Content::Map(map))
    }
}
