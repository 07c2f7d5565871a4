//! One text, or a list of texts of which one has to fit.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most texts of one list.
const MOST: usize = 256;

/// One text, or several of which one has to fit. Empty where the setting is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(Vec<String>);

impl Texts {
    /// The texts, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The setting is left out.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One of them is this text.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        self.iter().any(|known| known == text)
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        Self(texts.into_iter().map(str::to_owned).collect())
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Several(Vec<String>),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::One(text) => Self(vec![text]),
            Written::Several(texts) => Self(texts),
        })
    }
}

impl JsonSchema for Texts {
    fn schema_name() -> Cow<'static, str> {
        "Texts".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "array"],
            "items": { "type": "string", "minLength": 1 },
            "minLength": 1,
            "minItems": 1,
            "maxItems": MOST,
            "examples": ["owner", "[owner, admin]"],
        })
    }
}
