//! Values that stand for others: a variable that nobody filled in, the path of a secret where the
//! secret belongs, the dots of a page that was copied. Such a value is taken as it is, and is never
//! what was meant.
//!
//! In: the configuration, and the texts of the file. Out: a warning for each such value. None repeats
//! a secret.

use serde_json::Value;

use super::{
    Config, Secret,
    document::{YamlDocument, escape},
    environment::variable_of,
    secret_texts::{SecretText, written_at},
};
use crate::model::Warning;

/// The most warnings of one configuration.
const MOST: usize = 32;
/// Settings whose texts are patterns or programs, in which these signs have a meaning.
const PROGRAMS: [&str; 3] = ["regex", "matches", "cel"];
/// Where secrets are mounted.
const MOUNTED: [&str; 8] =
    ["/run/", "/etc/", "/var/", "/mnt/", "/vault/", "/secrets/", "/tmp/", "/opt/"];
/// The starts of references that other programs follow.
const REFERENCES: [&str; 9] =
    ["env:", "vault:", "op://", "arn:aws:", "ref+", "secretref:", "projects/", "file//", "file="];
/// The secret of callers on the pages of the manual.
const SAMPLE: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
/// The starts of values that pages and templates have in the place of a secret.
const DUMMIES: [&str; 6] = ["change", "replace", "your-", "your_", "todo", "xxxx"];

/// The warnings about values that nobody filled in. The secrets are those of the document.
pub(super) fn warnings(
    config: &Config,
    document: &YamlDocument,
    secrets: &[SecretText],
) -> Vec<Warning> {
    let mut found = Vec::new();
    unfilled(&document.value, &mut String::new(), &mut found);
    let of_document = secrets.iter().map(|text| (text.pointer.clone(), &text.secret));
    for (pointer, secret) in of_document.chain(of_apps(config)) {
        // A name may begin like any text.
        let text = of_secret(secret.expose()).filter(|_| !pointer.ends_with("/username"));
        if let Some(text) = text
            && found.iter().all(|known: &Warning| known.pointer != pointer)
        {
            found.push(warning(&pointer, text));
        }
    }
    found.truncate(MOST);
    found
}

/// The message in place of one about the form of a secret at this JSON pointer, if something else
/// stands there.
pub(super) fn instead_of_secret(document: &YamlDocument, pointer: &str) -> Option<String> {
    let text = written_at(document, pointer).filter(|text| !text.starts_with("file:"))?;
    of_secret(text).map(|message| for_setting(message, pointer))
}

/// The message with the name of the variable of this setting.
fn for_setting(message: &str, pointer: &str) -> String {
    message.replace(ANY_VARIABLE, &variable_of(pointer))
}

fn warning(pointer: &str, text: &'static str) -> Warning {
    Warning::of("value_not_filled_in", pointer, for_setting(text, pointer))
}

/// The secrets of apps, which variables of the vendor may have filled in.
fn of_apps(config: &Config) -> Vec<(String, &Secret)> {
    let mut found = Vec::new();
    for issuer in &config.issuers {
        for (index, app) in issuer.apps().iter().enumerate() {
            let at = format!("{}/apps/{index}", issuer.pointer());
            found.extend(app.key().map(|key| (format!("{at}/key"), key)));
            found.extend(app.secret.as_ref().map(|secret| (format!("{at}/secret"), secret)));
        }
    }
    found
}

/// The text of the warning about a secret that is none.
fn of_secret(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let is_path = MOUNTED.iter().any(|lead| text.starts_with(lead))
        || ["./", "../", "~/"].iter().any(|lead| text.starts_with(lead))
        || lower.starts_with("file:");
    if is_path {
        return Some(
            "looks like the path of a file, and is taken as the secret itself; to read it from \
             there, write file:/path",
        );
    }
    if REFERENCES.iter().any(|lead| lower.starts_with(lead)) {
        return Some(
            "looks like a reference that another program follows, and is taken as the secret itself; \
             write the secret, or file:/path",
        );
    }
    if has_variable(text) {
        return Some(UNFILLED);
    }
    let is_dummy = text.ends_with("...")
        || text.starts_with('<') && text.ends_with('>')
        || DUMMIES.iter().any(|lead| lower.starts_with(lead));
    if text == SAMPLE {
        return Some(
            "is the sample of the documents, which everybody knows; write a secret of your own, as \
             `openssl rand -hex 32` makes one, or file:/path",
        );
    }
    is_dummy.then_some("looks like a placeholder; write the secret, or file:/path")
}

/// Stands for the variable of a setting.
const ANY_VARIABLE: &str = "ROWND_AUTHZ__SECTION__KEY";
const UNFILLED: &str = "holds a variable that nothing fills in here, so it is taken as it stands; \
                        write the value, or set it by a variable ROWND_AUTHZ__SECTION__KEY";

/// Adds the texts of the document that hold a variable of a shell or a template.
fn unfilled(value: &Value, pointer: &mut String, found: &mut Vec<Warning>) {
    let parent = pointer.len();
    match value {
        Value::String(text) => {
            let name = pointer.rsplit('/').next().unwrap_or_default();
            if has_variable(text) && !PROGRAMS.contains(&name) && found.len() < MOST {
                found.push(warning(pointer, UNFILLED));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                unfilled(item, pointer, found);
                pointer.truncate(parent);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                pointer.push('/');
                pointer.push_str(&escape(name));
                unfilled(value, pointer, found);
                pointer.truncate(parent);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a text holds `${NAME}`, `$(NAME)` or `{{ NAME }}`, or is `$NAME` alone.
fn has_variable(text: &str) -> bool {
    let braced = [("${", '}'), ("$(", ')'), ("{{", '}')]
        .iter()
        .any(|(open, close)| text.split_once(open).is_some_and(|(_, rest)| rest.contains(*close)));
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    braced || text.strip_prefix('$').is_some_and(is_name)
}
