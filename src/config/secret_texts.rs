//! Every secret of a document, found by the type that the schema gives its setting: no list of
//! settings has to be kept.
//!
//! In: the document. Out: the JSON pointer of each secret, and its text. Warnings about them: a path or
//! a reference where the secret belongs is for `placeholder`; one secret for several doors is told here.

use serde_json::Value;

use super::{
    Secret,
    document::{YamlDocument, readable},
    schema_path::step,
    settings_walk::visit_settings,
    structure::shape,
};
use crate::model::Warning;

/// A secret of the document.
pub(super) struct SecretText {
    /// The JSON pointer of its setting.
    pub(super) pointer: String,
    /// The secret, read from its file if it is in one.
    pub(super) secret: Secret,
}

/// The secrets of the document that can be read, in the order of the settings.
pub(super) fn secrets(document: &YamlDocument) -> Vec<SecretText> {
    let mut found = Vec::new();
    visit_settings(document, &mut |pointer, value, setting| {
        if let (Value::String(text), true) = (value, is_secret(setting)) {
            let mut secret = Secret::new(text);
            if secret.resolve().is_ok() {
                found.push(SecretText { pointer: pointer.to_owned(), secret });
            }
        }
        true
    });
    found
}

/// The text that stands at a JSON pointer, if its setting is a secret.
pub(super) fn written_at<'a>(document: &'a YamlDocument, pointer: &str) -> Option<&'a str> {
    let path = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    let mut setting = shape();
    for name in path {
        setting = step(shape(), setting, &name)?;
    }
    is_secret(setting).then(|| document.value.pointer(pointer)?.as_str())?
}

fn is_secret(setting: &Value) -> bool {
    setting.get("format").and_then(Value::as_str) == Some("password")
}

/// The warnings about a secret that opens several doors: a caller who is told one has the others.
pub(super) fn repeated(secrets: &[SecretText]) -> Vec<Warning> {
    let mut found = Vec::new();
    for (index, one) in secrets.iter().enumerate() {
        let same = |other: &&SecretText| {
            other.secret == one.secret && !may_be_the_same(&other.pointer, &one.pointer)
        };
        let Some(before) = secrets.iter().take(index).find(same) else { continue };
        let text = format!(
            "is the secret of {} too, so that a caller who knows one has both; write another",
            readable(&before.pointer)
        );
        found.push(Warning::of("secret_repeated", one.pointer.clone(), text));
    }
    found
}

/// Whether two secrets may be one: of the same server, or a name.
fn may_be_the_same(one: &str, other: &str) -> bool {
    let is_name = |pointer: &str| pointer.ends_with("/username");
    let of_one_kind = |lead: &str| one.starts_with(lead) && other.starts_with(lead);
    is_name(one)
        || is_name(other)
        || ["/issuers/", "/events/sinks/", "/rownd_auth/oidc_clients/"].into_iter().any(of_one_kind)
}
