//! Where a claim is found in a token, and how its value is read.
//!
//! The syntax of the setting decides what it means, never the token: a text that begins with a slash
//! is a JSON pointer, `{path: a.b}` goes by dots, and every other text is the name of one claim,
//! whatever characters it holds.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A claim that is mapped to a part of the identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Claim {
    /// The claim's name, or its JSON pointer, which begins with a slash.
    Text(String),
    /// The same with a path, or with settings of how the value is read.
    Settings(ClaimSettings),
}

/// A claim with settings: exactly one of `name`, `pointer` and `path`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimSettings {
    /// The name of one claim, whatever characters it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A JSON pointer (RFC 6901): `/realm_access/roles`, `/groups/0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The names on the way, with dots between them: `realm_access.roles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The value is an object, and the names of its members are the list.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keys: bool,
    /// The value is a whole number, and is written as decimal digits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub integer: bool,
}

/// The place of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimPlace<'a> {
    /// The claim of this name.
    Name(&'a str),
    /// A JSON pointer.
    Pointer(&'a str),
    /// Names with dots between them.
    Path(&'a str),
}

impl<'a> ClaimPlace<'a> {
    /// The place that a plain text means.
    #[must_use]
    pub fn of_text(text: &'a str) -> Self {
        if text.starts_with('/') { Self::Pointer(text) } else { Self::Name(text) }
    }

    /// The names on the way from the claims of a token, the last one included.
    #[must_use]
    pub fn steps(self) -> Vec<String> {
        match self {
            Self::Name(name) => vec![name.to_owned()],
            Self::Path(path) => path.split('.').map(str::to_owned).collect(),
            Self::Pointer(pointer) => {
                let unescaped = |step: &str| step.replace("~1", "/").replace("~0", "~");
                pointer.split('/').skip(1).map(unescaped).collect()
            }
        }
    }
}

impl Claim {
    /// Where it is; `None` unless exactly one place is written, which the check makes sure of.
    #[must_use]
    pub fn place(&self) -> Option<ClaimPlace<'_>> {
        match self {
            Self::Text(text) => Some(ClaimPlace::of_text(text)),
            Self::Settings(ClaimSettings { name, pointer, path, .. }) => {
                match (name.as_deref(), pointer.as_deref(), path.as_deref()) {
                    (Some(name), None, None) => Some(ClaimPlace::Name(name)),
                    (None, Some(pointer), None) => Some(ClaimPlace::Pointer(pointer)),
                    (None, None, Some(path)) => Some(ClaimPlace::Path(path)),
                    _ => None,
                }
            }
        }
    }

    /// Its value is an object whose members' names are the list.
    #[must_use]
    pub const fn keys(&self) -> bool {
        matches!(self, Self::Settings(ClaimSettings { keys: true, .. }))
    }

    /// Its value is a whole number.
    #[must_use]
    pub const fn integer(&self) -> bool {
        matches!(self, Self::Settings(ClaimSettings { integer: true, .. }))
    }

    /// The names on the way that a plain name with dots was probably meant for:
    /// `realm_access.roles`, but neither `https://example.com/roles` nor `urn:example.com:roles`.
    #[must_use]
    pub fn resembles_path(&self) -> Option<&str> {
        let Self::Text(text) = self else { return None };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let step = |step: &str| !step.is_empty() && step.chars().all(plain);
        (text.contains('.') && text.split('.').all(step)).then_some(text)
    }

    /// The problem of the place as it is written, if it has one.
    pub(in crate::config) fn problem(&self) -> Option<Cow<'static, str>> {
        let Some(place) = self.place() else {
            return Some("write exactly one of `name`, `pointer` and `path`".into());
        };
        match place {
            ClaimPlace::Name("") => {
                Some("is empty; write a claim's name, or a pointer such as /realm/roles".into())
            }
            ClaimPlace::Name(name) if name.starts_with('/') => {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                Some(
                    format!(
                        "`{name}` begins with a slash; for a claim inside another write \
                         {{pointer: {name}}}, for a claim of this very name {{pointer: /{escaped}}}"
                    )
                    .into(),
                )
            }
            ClaimPlace::Name(_) => None,
            ClaimPlace::Pointer(pointer) => pointer_problem(pointer),
            ClaimPlace::Path(path) => path_problem(path),
        }
    }
}

fn pointer_problem(pointer: &str) -> Option<Cow<'static, str>> {
    let Some(way) = pointer.strip_prefix('/') else {
        return Some(format!("`{pointer}` does not begin with a slash; write /{pointer}").into());
    };
    if way.split('/').any(str::is_empty) {
        let message = format!(
            "`{pointer}` has an empty name between its slashes or is empty; write a claim's name, or \
             a pointer such as /realm/roles"
        );
        return Some(message.into());
    }
    let broken = way.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
    broken.then(|| {
        format!("`{pointer}` has a `~` of no meaning; write ~0 for `~` and ~1 for `/` (RFC 6901)")
            .into()
    })
}

fn path_problem(path: &str) -> Option<Cow<'static, str>> {
    if path.contains('/') {
        let message = format!(
            "`{path}` holds a slash; write a pointer or the name of one claim as plain text, without \
             `path:`"
        );
        return Some(message.into());
    }
    path.split('.').any(str::is_empty).then(|| {
        format!("`{path}` has an empty name between its dots or is empty; write realm_access.roles")
            .into()
    })
}

/// The claim as the file has it.
impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.place()) {
            (Self::Text(text), _) => f.write_str(text),
            (Self::Settings(_), Some(ClaimPlace::Name(name))) => write!(f, "{{name: {name}}}"),
            (Self::Settings(_), Some(ClaimPlace::Pointer(pointer))) => f.write_str(pointer),
            (Self::Settings(_), Some(ClaimPlace::Path(path))) => write!(f, "{{path: {path}}}"),
            (Self::Settings(_), None) => f.write_str("{}"),
        }
    }
}

/// One schema for the text and for the map, without `anyOf`: an unknown key is then reported at its
/// own place.
impl JsonSchema for Claim {
    fn schema_name() -> Cow<'static, str> {
        "Claim".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = ClaimSettings::json_schema(generator);
        schema.insert("type".to_owned(), json!(["string", "object"]));
        let examples = json!(["roles", "/realm_access/roles", "{ path: realm_access.roles }"]);
        schema.insert("examples".to_owned(), examples);
        schema.remove("default");
        schema
    }
}
