//! Strict JSON without copies: no member twice at any depth, texts borrowed where they hold no
//! escape. `serde_json` limits the depth to 128 levels.
//!
//! In: bytes. Out: a value, whose accessors are `None` for a value of another type.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Object<'a>),
}

/// An object; its members in the order they stood.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Json<'a> {
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn into_text(self) -> Option<Cow<'a, str>> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    pub(super) fn unsigned(&self) -> Option<u64> {
        if let Self::Unsigned(number) = self { Some(*number) } else { None }
    }

    pub(super) fn list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    pub(super) fn object(&self) -> Option<&Object<'a>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }
}

/// The object that this text is; `None` if it is none, or if a member stands twice in it at any depth:
/// readers differ in which of them counts.
#[must_use]
pub fn strict_object(text: &[u8]) -> Option<serde_json::Map<String, Value>> {
    let json: Json<'_> = serde_json::from_slice(text).ok()?;
    if let Value::Object(object) = Value::from(&json) { Some(object) } else { None }
}

/// A copy that outlives the token.
impl From<&Json<'_>> for Value {
    fn from(value: &Json<'_>) -> Self {
        match value {
            Json::Null => Self::Null,
            Json::Bool(value) => (*value).into(),
            Json::Unsigned(number) => (*number).into(),
            Json::Negative(number) => (*number).into(),
            Json::Float(number) => (*number).into(),
            Json::Text(text) => text.as_ref().into(),
            Json::List(items) => items.iter().map(Self::from).collect(),
            Json::Object(Object(members)) => {
                let members = members.iter();
                members.map(|(name, value)| (name.as_ref(), Self::from(value))).collect()
            }
        }
    }
}

impl<'a> Object<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Name and value of each member, in the order they stood.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn push(&mut self, name: Cow<'a, str>, value: Json<'a>) {
        self.0.push((name, value));
    }

    /// The name of a member that stands twice, if there is one.
    pub(super) fn duplicate(&self) -> Option<&str> {
        // A handful is compared as it is; many are sorted, or a client could make this slow.
        if let few @ ..=12 = self.0.len() {
            return (1..few).find_map(|last| {
                let (before, rest) = self.0.split_at(last);
                let (name, _) = rest.first()?;
                before.iter().any(|(known, _)| known == name).then_some(&**name)
            });
        }
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        names.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        })
    }
}

impl Object<'_> {
    /// An empty object with capacity for the claims of a usual token.
    pub(super) fn with_usual_capacity() -> Self {
        Self(Vec::with_capacity(12))
    }
}

/// A member's name, copied only where it holds an escape.
#[derive(Deserialize)]
pub(super) struct Name<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

macro_rules! plain {
    ($($visit:ident($kind:ty) => $variant:ident),+) => {
        $(fn $visit<E>(self, value: $kind) -> Result<Self::Value, E> {
            Ok(Json::$variant(value.into()))
        })+
    };
}

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    plain!(
        visit_bool(bool) => Bool,
        visit_u64(u64) => Unsigned,
        visit_i64(i64) => Negative,
        visit_f64(f64) => Float,
        visit_borrowed_str(&'de str) => Text,
        visit_string(String) => Text
    );

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(text.to_owned().into()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::default();
        while let Some((Name(name), value)) = entries.next_entry()? {
            object.push(name, value);
        }
        match object.duplicate() {
            Some(name) => Err(A::Error::custom(duplicate_member(name))),
            None => Ok(Json::Object(object)),
        }
    }
}

/// The error of a member that stands twice in an object. A name that is long is cut: a client may have
/// written it.
pub(super) fn duplicate_member(name: &str) -> String {
    let short: String = name.chars().take(64).collect();
    format!("the member `{short}` stands twice")
}
