//! A secret setting: written in place, or `file:/path` and read from there. Never shown.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::file;

/// The text that replaces a secret in `config print`.
pub const REDACTED: &str = "<redacted>";

/// A secret; `Debug` and `config print` never show it.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// A secret from its text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(SecretString::from(text))
    }

    /// Reads a `file:/path` secret. The message says why it cannot be used: the file is not
    /// readable, or the secret is empty or could not travel in a header.
    pub(super) fn resolve(&mut self) -> Result<(), String> {
        if let Some(path) = self.expose().strip_prefix("file:") {
            let text = file::read_text(path)?;
            *self = Self::new(file::without_line_end(&text));
        }
        let text = self.expose();
        let message = if text.is_empty() {
            "is empty; write the secret, or file:/path"
        } else if text.trim() != text {
            "begins or ends with a blank or a line end; leave it out"
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            "has blanks or characters other than visible ASCII; write it exactly as it was given out"
        } else {
            return Ok(());
        };
        Err(message.to_owned())
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    /// Whether a reload changed it. Nothing a client sends is ever compared with it.
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&Cow::<'_, str>::deserialize(deserializer)?))
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "format": "password",
            "description": "A secret in place, or `file:/path` to read it from a file."
        })
    }
}
